# SPDX-License-Identifier: Apache-2.0
"""What Logstash's `tcp { codec => json_lines }` does with what comes in, and what it and
Elasticsearch behind it make trouble of; a reader that is stricter takes the place.

The codec gathers bytes and splits at \\n; what has no \\n waits.  A line is UTF-8 and JSON,
else an event tagged _jsonparsefailure; an object is an event.  @timestamp is taken over when
it is ISO 8601.
"""

import json
import re
import socket

from line_server import LineServer

LINE_MAX = 1 << 20  # far below decode_size_limit_bytes (20 MB), and what an event should have
ISO8601 = re.compile(r"\d{4}-(0[1-9]|1[0-2])-([0-2]\d|3[01])T([01]\d|2[0-3]):[0-5]\d:[0-5]\d\.\d{3}Z")
# Of Logstash's own meaning, and not ours to set
RESERVED = {"@version", "@metadata"}


def refuse(text):
    raise ValueError("%s is no JSON" % text)


def unique(pairs):
    keys = [k for k, _ in pairs]
    if len(keys) != len(set(keys)):
        raise ValueError("a key twice in %s" % keys)
    return dict(pairs)


def check_value(path, v):
    if isinstance(v, dict):
        for key, inner in v.items():
            # a.b is an object to Elasticsearch, [a] a field reference to Logstash
            if not key or re.search(r"[.\[\]\x00-\x1f]", key):
                raise ValueError("key %r in %s" % (key, path or "the root"))
            check_value(path + "/" + key, inner)
    elif isinstance(v, list):
        for inner in v:
            check_value(path, inner)
    elif v is None or (isinstance(v, int) and not -2**63 <= v < 2**63):
        raise ValueError("%s: %s" % (path, v))  # no number type of Elasticsearch has it


def decode(line):
    """The event of one line without its \\n, or ValueError."""
    if len(line) > LINE_MAX:
        raise ValueError("a line of %d bytes" % len(line))
    event = json.loads(line.decode("utf-8", "strict"), parse_constant=refuse,
                       object_pairs_hook=unique)
    if not isinstance(event, dict):
        raise ValueError("no object: %r" % event)
    if not ISO8601.fullmatch(str(event.get("@timestamp"))):
        raise ValueError("@timestamp: %r" % event.get("@timestamp"))
    if RESERVED & event.keys() or not isinstance(event.get("tags", ""), str):
        raise ValueError("a field of Logstash's own: %s" % event.keys())
    check_value("", event)
    return event


def sprintf(text, event):
    """%{field} and %{[field]}, as in a filter's add_field; what is absent stays as it is."""
    def value(m):
        v = event
        for name in re.findall(r"[^\[\]]+", m[1]):
            v = v.get(name) if isinstance(v, dict) else None
        return m[0] if v is None else str(v)
    return re.sub(r"%\{([^}]+)\}", value, text)


class Logstash(LineServer):
    """Listens; .events in the order of their coming, .faults of lines that are none."""

    def __init__(self):
        self.events, self.faults = [], []
        # Wherever a read ends, also in a letter.
        super().__init__(socket.create_server(("127.0.0.1", 0)), sizes=(1, 7, 1009, 16384))

    def take(self, line):
        try:
            event = decode(line)
        except ValueError as e:
            with self.lock:
                self.faults.append("%s: %r" % (e, line[:300]))
            return
        with self.lock:
            self.events.append(event)

    def all(self):
        with self.lock:
            return self.events[:]
