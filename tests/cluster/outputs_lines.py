#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Readers of lines: rsyslog (Debian's) by tcp and udp, and what Logstash's json_lines takes.

What the READMEs show is what is run, but for the addresses.
"""

import json
import re
import shutil
import socket
import subprocess
import unittest

import readme
from cluster import Cluster, Program, fake_host, fake_vm, free_port, wait_for
from logstash import Logstash, decode, sprintf
from outputs_databases import HOSTS, NAMES, SAMPLES, VMS, Running, feed

LOGSTASH = "logstash:12345"
AWKWARD = [n.replace("?", "\n").replace("/", "\\") if n[0] in "nb" else n for n in NAMES]
UUID = "00000000-0000-4000-8000-%012d"


def key(event):
    """Which sample of what it is; nobody else has that."""
    return (event["host_id"], event["epoch"], event["seq"], event.get("scope"), event.get("UUID"))


class Lines(Cluster):
    def by_key(self, events):
        got = {}
        for e in events:
            self.assertNotIn(key(e), got, "came twice")
            got[key(e)] = e
        return got

    def check_feed(self, f, events):
        """What output_feed put in is what came out, number by number."""
        got = self.by_key(events)
        at = {int(h.removeprefix("kvm ")): h for h, *_ in f.raw}
        self.assertEqual(len(got), HOSTS * SAMPLES * (1 + VMS))
        numbers = 0
        for (scope, host, uuid, wall, field), v in f.want().items():
            if field.endswith("_total"):
                continue  # influx only
            seq = next(s for s, w in f.wall.items() if w == wall)
            number = next(n for n, h in at.items() if h == host)
            e = got["id%d" % number, 1, seq, scope, uuid or None]
            self.assertEqual(e[field], v, (field, e))
            self.assertEqual(e["host_name"], host)
            if uuid:
                self.assertEqual(e["name"], AWKWARD[int(uuid.split("-")[1])])
            numbers += 1
        self.assertGreater(numbers, HOSTS * VMS * SAMPLES)

    def machines(self, *names, interval, interfaces=3):
        """Agents of hosts of their own, with a VM each."""
        for i, name in enumerate(names):
            self.host = fake_host(self.top / name, interfaces=interfaces)
            fake_vm(self.top / name, UUID % i, run_ns=10**9)
            self.agent(name, interval=interval)


class Rsyslog(Lines):
    """Its configuration is the README's."""

    def setUp(self):
        super().setUp()
        self.assertTrue(shutil.which("rsyslogd"), "rsyslogd is not installed")
        self.port = free_port()
        self.file = self.top / "proxtop.json"
        conf, self.command = readme.blocks(readme.OUTPUTS, "rsyslog")
        for before, after in (("/var/log/proxtop.json", self.file),
                              ('"5140"', '"%d" address="127.0.0.1"' % self.port)):
            self.assertIn(before, conf)
            conf = conf.replace(before, str(after))
        (self.top / "rsyslog.conf").write_text(conf)

    def start_it(self):
        p = Program(["rsyslogd", "-n", "-f", self.top / "rsyslog.conf", "-i",
                     self.top / "rsyslog.pid"], self.top / "rsyslog.log")
        self.addCleanup(p.stop)
        self.assertTrue(wait_for(self.listens), p.messages())
        return p

    def listens(self):
        """At both ports."""
        own = "127.0.0.1:%d " % self.port
        said = subprocess.run(["ss", "-Hlntu"], capture_output=True, text=True, timeout=30).stdout
        return all(any(line.startswith(kind) and own in line
                       for line in said.splitlines()) for kind in ("tcp", "udp"))

    def events(self, file=None):
        """Each line is one event, as the strictest reader has them."""
        file = file or self.file
        text = file.read_bytes() if file.exists() else b""
        return [decode(line) for line in text.split(b"\n")[:-1]]

    def url(self, by, options="verbose=1"):
        return f"json-vm+{by}://127.0.0.1:{self.port}?{options}"

    def all_of(self, f):
        wait_for(lambda: len(self.events()) >= HOSTS * SAMPLES * (1 + VMS), 20)
        self.assertEqual((f.done["committed"], f.done["refused"]), (HOSTS * SAMPLES, 0))
        self.check_feed(f, self.events())

    def test_tcp(self):
        self.start_it()
        f, log = feed(self.url("tcp"))
        self.assertEqual((f.done["failures"], log), (0, ""))
        self.all_of(f)

    def test_udp(self):
        self.start_it()
        f, log = feed(self.url("udp"), delay=20)
        self.assertEqual(log, "")
        self.all_of(f)

    def test_later(self):
        """It comes when there is already something for it."""
        running = Running(self.top, self.url("tcp"), HOSTS, VMS, SAMPLES)
        self.assertTrue(wait_for(lambda: "samples wait" in running.err.read_text(), 20))
        self.start_it()
        f, log = running.end()
        self.assertIn("works again", log)
        self.all_of(f)

    def beside_a_file(self, url, interfaces=0):
        """The same aggregator's output into a file has the same; those events."""
        self.start_it()
        other = self.top / "other.json"
        self.aggregator("--output=" + url, "--output=" + re.sub(
            r"\+\w+://[^?]*", f"+file://{other}", url))
        self.machines("alpha", "beta", interval=0.2, interfaces=interfaces)
        self.assertTrue(wait_for(lambda: len(self.events(other)) >= 20, 40))
        self.drained("alpha", "beta")
        self.stop_all()
        wait_for(lambda: len(self.events()) >= len(self.events(other)), 10)
        have = self.by_key(self.events())
        self.assertEqual(have, self.by_key(self.events(other)))
        self.assertEqual({h for h, *_ in have}, {"alpha", "beta"})
        return have.values()

    def test_example(self):
        (url,) = readme.outputs(self.command, "log:5140")
        events = self.beside_a_file(url.replace("log:5140", f"127.0.0.1:{self.port}"))
        self.assertEqual({e["scope"] for e in events}, {"host", "vm"})
        numbers = sum(isinstance(v, (int, float)) for e in events for v in e.values())
        self.assertGreater(numbers, 8 * len(events))

    def test_udp_beside_a_file(self):
        self.beside_a_file(self.url("udp"))

    def test_large(self):
        """Objects of many KB: what README raises maxMessageSize for."""
        self.beside_a_file(f"json+tcp://127.0.0.1:{self.port}?verbose=1", interfaces=150)
        self.assertGreater(max(map(len, self.file.read_bytes().split(b"\n"))), 16 << 10)


class JsonLines(Lines):
    """What the READMEs write to Logstash is what its codec takes."""

    def setUp(self):
        super().setUp()
        self.logstash = Logstash()
        self.sinks.append(self.logstash)

    def clean(self):
        self.assertEqual(self.logstash.faults, [])
        self.assertEqual(self.logstash.rest, b"", "a line without its end waits for ever")
        return self.logstash.all()

    def test_feed(self):
        f, log = feed(f"json-vm+tcp://127.0.0.1:{self.logstash.port}?verbose=1")
        self.assertEqual((f.done["committed"], log), (HOSTS * SAMPLES, ""))
        wait_for(lambda: len(self.logstash.all()) >= HOSTS * SAMPLES * (1 + VMS))
        self.check_feed(f, self.clean())

    def run_example(self, url):
        self.assertIn(LOGSTASH, url)
        self.aggregator("--output=" + url.replace(LOGSTASH, f"127.0.0.1:{self.logstash.port}"))
        self.machines("alpha", "beta", interval=1)

    def test_section(self):
        """Logstash's own part of the README: two intervals of it."""
        conf, command = readme.blocks(readme.OUTPUTS, "Logstash")
        port, codec = re.search(r"tcp \{ port => (\d+) codec => (\w+) \}", conf).groups()
        self.assertEqual((LOGSTASH, codec), ("logstash:" + port, "json_lines"))
        (url,) = readme.outputs(command, LOGSTASH)
        self.run_example(url)
        things = {(h, s) for h in ("alpha", "beta") for s in ("host", "vm")}

        def twice():
            seen = [(e["host_name"], e["scope"]) for e in self.logstash.all()]
            return all(seen.count(t) >= 2 for t in things)
        self.assertTrue(wait_for(twice, 60), self.logstash.faults)
        self.stop_all()
        events = self.clean()
        self.assertEqual({(e["host_name"], e["scope"]) for e in events}, things)
        # The document's id: one for each event.
        field, template = re.search(r'"\[@metadata\]\[(\w+)\]" => "(.*)"', conf).groups()
        self.assertIn('document_id => "%%{[@metadata][%s]}"' % field, conf)
        ids = [sprintf(template, e) for e in events]
        self.assertEqual(len(set(ids)), len(self.by_key(events)))
        for e, i in zip(events, ids):
            self.assertNotIn("%{host", i)
            self.assertEqual("%{UUID}" in i, e["scope"] == "host", i)

    def test_other_examples(self):
        """Wherever else a README writes to Logstash."""
        urls = {u for path in ("README.md", "aggregator/README.md")
                for u in readme.outputs((readme.TOP / path).read_text(), LOGSTASH)}
        self.assertGreaterEqual(len(urls), 2)
        self.aggregator(*["--output=" + u.replace(LOGSTASH, f"127.0.0.1:{self.logstash.port}")
                          for u in sorted(urls)])
        self.machines("alpha", "beta", interval=0.5)
        self.assertTrue(wait_for(lambda: sum("domains" in e for e in self.logstash.all()) > 6 and
                                 sum("scope" in e for e in self.logstash.all()) > 3, 60))
        self.stop_all()
        self.assertTrue(any(e.get("domains") for e in self.clean()))

    def test_nest(self):
        """ecs_compatibility: everything below one key."""
        self.run_example(f"json-vm+tcp://{LOGSTASH}?nest=proxtop&verbose=1")
        self.assertTrue(wait_for(lambda: len(self.logstash.all()) >= 6, 30))
        self.stop_all()
        for e in self.clean():
            self.assertEqual(set(e), {"@timestamp", "proxtop"})
            self.assertIn(e["proxtop"]["scope"], ("host", "vm"))

    def test_reader_is_strict(self):
        """What would be an event tagged _jsonparsefailure, or trouble later, is a fault here."""
        good = {"@timestamp": "2026-11-24T17:18:43.123Z", "a": 1}
        lines = [json.dumps(good).encode()] + [json.dumps({**good, **bad}).encode() for bad in (
            {"@timestamp": 1795540723}, {"@timestamp": "2026-11-24 17:18:43"}, {"a.b": 1},
            {"a": {"[b]": 1}}, {"a": 2**63}, {"a": None}, {"tags": {"a": 1}}, {"": 1},
            {"a": "x" * (1 << 20)}, {"a": float("nan")}, {"@version": "1"})]
        lines += [b"", b"[]", b'{"@timestamp":"2026-11-24T17:18:43.123Z","a":"\xff"}',
                  b'{"@timestamp":"2026-11-24T17:18:43.123Z","a":1,"a":2}', b'{"a":']
        with socket.create_connection(("127.0.0.1", self.logstash.port)) as s:
            s.sendall(b"\n".join(lines) + b"\n{")
        self.assertTrue(wait_for(lambda: len(self.logstash.faults) >= len(lines) - 1))
        self.assertTrue(wait_for(lambda: self.logstash.rest == b"{"))
        self.assertEqual(self.logstash.all(), [good])
        self.assertEqual(len(self.logstash.faults), len(lines) - 1, self.logstash.faults)


if __name__ == "__main__":
    unittest.main(verbosity=2)
