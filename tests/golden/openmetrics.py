# SPDX-License-Identifier: Apache-2.0
"""A strict reader of OpenMetrics text (1.0) as far as proxtop writes it.

parse(bytes) gives {(name, sorted labels): value as text} or raises ValueError with the
line.  Refused: anything after # EOF, series twice, metadata after or without its
samples, families in pieces, counters without _total, names and labels out of their
alphabet, units that are no suffix, bytes that are not UTF-8.
"""
import re

NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")
LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*\Z")
VALUE = re.compile(r"-?(?:\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)\Z")
TYPES = ("counter", "gauge", "info", "stateset", "unknown")


def _labels(text, where):
    """After '{': the labels, and where the '}' ends."""
    labels, i = {}, 0
    while text[i] != "}":
        j = text.index("=", i)
        name = text[i:j]
        if not LABEL.match(name) or name.startswith("__"):
            raise ValueError("%s: label name %r" % (where, name))
        if name in labels:
            raise ValueError("%s: label %s twice" % (where, name))
        if text[j + 1] != '"':
            raise ValueError("%s: label %s without quotes" % (where, name))
        i, value = j + 2, []
        while text[i] != '"':
            if text[i] == "\\":
                i += 1
                if text[i] not in '\\"n':
                    raise ValueError("%s: escape \\%s" % (where, text[i]))
                value.append("\n" if text[i] == "n" else text[i])
            else:
                value.append(text[i])
            i += 1
        labels[name] = "".join(value)
        i += 1
        if text[i] == ",":
            i += 1
            if text[i] == "}":
                raise ValueError("%s: comma before }" % where)
        elif text[i] != "}":
            raise ValueError("%s: %r after a label" % (where, text[i]))
    return labels, i + 1


def _meta(line, families, current, where):
    part = line.split(" ", 3)
    if len(part) < 4 or part[0] != "#" or part[1] not in ("HELP", "TYPE", "UNIT"):
        raise ValueError("%s: neither HELP, TYPE, UNIT nor EOF" % where)
    _, what, name, rest = part
    if not NAME.match(name):
        raise ValueError("%s: name %r" % (where, name))
    if name != current:
        if name in families:
            raise ValueError("%s: %s comes in pieces" % (where, name))
        families[name] = {"samples": 0}
    family = families[name]
    if family["samples"]:
        raise ValueError("%s: %s after its samples" % (where, what))
    if what in family:
        raise ValueError("%s: second %s" % (where, what))
    family[what] = rest
    if what == "TYPE" and rest not in TYPES:
        raise ValueError("%s: type %s" % (where, rest))
    if what == "UNIT" and not name.endswith("_" + rest):
        raise ValueError("%s: %s does not end in its unit" % (where, name))
    return name


def parse(data):
    text = data.decode("utf-8")
    if not text.endswith("# EOF\n"):
        raise ValueError("does not end in # EOF")
    families, series, current = {}, {}, None
    lines = text[:-len("# EOF\n")].split("\n")
    if lines.pop() != "":
        raise ValueError("no end of line before # EOF")
    for number, line in enumerate(lines, 1):
        where = "line %d (%.80s)" % (number, line)
        if line.startswith("#"):
            current = _meta(line, families, current, where)
            continue
        m = re.match(r"[^ {]+", line)
        if not m or not NAME.match(m.group()):
            raise ValueError("%s: no sample" % where)
        name, rest, labels = m.group(), line[m.end():], {}
        try:
            if rest.startswith("{"):
                labels, end = _labels(rest[1:], where)
                rest = rest[1 + end:]
        except IndexError:
            raise ValueError("%s: ends in its labels" % where) from None
        if not rest.startswith(" ") or not VALUE.match(rest[1:]):
            raise ValueError("%s: value %r" % (where, rest))
        if current is None or "TYPE" not in families[current]:
            raise ValueError("%s: no TYPE" % where)
        kind = families[current]["TYPE"]
        if name != current + ("_total" if kind == "counter" else ""):
            raise ValueError("%s: not a sample of %s %s" % (where, kind, current))
        if kind == "counter" and rest.startswith(" -"):
            raise ValueError("%s: negative counter" % where)
        families[current]["samples"] += 1
        key = (name, tuple(sorted(labels.items())))
        if key in series:
            raise ValueError("%s: twice" % where)
        series[key] = rest[1:]
    for name, family in families.items():
        if not family["samples"]:
            raise ValueError("%s: no samples" % name)
    return series
