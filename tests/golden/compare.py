# SPDX-License-Identifier: Apache-2.0
"""Compares what the program printed with what expect.py computed.

Every function returns a list of differences, one line each; empty: equal.
"""
import json

import openmetrics
from values import OneOf, Pattern, Rounded, Text


def _number(want, got, where):
    if isinstance(got, bool) or not isinstance(got, (int, float)):
        return ["%s: want %s, got %r, not a number" % (where, want, got)]
    slack = want.half_unit + abs(float(want.value)) * 1e-9
    if abs(float(want.value) - got) > slack:
        return ["%s: want %.9g, got %.9g" % (where, float(want.value), got)]
    return []


def value(want, got, where):
    if isinstance(want, Rounded):
        return _number(want, got, where)
    if isinstance(want, Text):
        want = str(want)
    if isinstance(want, OneOf):
        return [] if got in want.values else ["%s: want one of %s, got %r" % (
            where, sorted(want.values), got)]
    if isinstance(want, Pattern):
        if not isinstance(got, str) or not want.match(got):
            return ["%s: want text like %s, got %r" % (where, want.pattern, got)]
        return []
    if isinstance(want, dict):
        return members(want, got, where)
    if isinstance(want, list):
        return items(want, got, where)
    if type(want) is not type(got) or want != got:
        return ["%s: want %r, got %r" % (where, want, got)]
    return []


def members(want, got, where):
    if not isinstance(got, dict):
        return ["%s: want an object, got %.100r" % (where, got)]
    out = ["%s.%s: missing, want %s" % (where, k, brief(v)) for k, v in want.items()
           if k not in got]
    out += ["%s.%s: must be absent, got %.100r" % (where, k, v) for k, v in got.items()
            if k not in want]
    for k in want:
        if k in got:
            out += value(want[k], got[k], "%s.%s" % (where, k))
    return out


def name_of(item, n):
    for key in ("UUID", "disk", "interface", "vcpu"):
        if isinstance(item, dict) and key in item:
            mark = str(item[key])
            return "%s#%s" % (mark, item["PID"]) if "PID" in item else mark
    return str(n)


def items(want, got, where):
    """Lists of things that have a name are compared by it; the order is free."""
    if not isinstance(got, list):
        return ["%s: want a list, got %.100r" % (where, got)]
    by_name = {}
    for n, item in enumerate(got):
        by_name.setdefault(name_of(item, n), []).append(item)
    out = []
    for n, item in enumerate(want):
        name = name_of(plain(item), n)
        if not by_name.get(name):
            out.append("%s[%s]: missing" % (where, name))
            continue
        # Things with one name (cloned UUIDs): the one that fits best.
        tries = [value(item, g, "%s[%s]" % (where, name)) for g in by_name[name]]
        best = min(range(len(tries)), key=lambda i: len(tries[i]))
        by_name[name].pop(best)
        out += tries[best]
    for name, rest in by_name.items():
        out += ["%s[%s]: must not be there" % (where, name) for _ in rest]
    return out


def plain(item):
    if isinstance(item, dict):
        return {k: int(v.value) if isinstance(v, Rounded) else str(v) if isinstance(v, Text)
                else v for k, v in item.items()}
    return item


def brief(v):
    if isinstance(v, OneOf):
        return "one of %s" % sorted(v.values)
    return "%.6g" % float(v.value) if isinstance(v, Rounded) else "%.60r" % (v,)


def json_record(want, line):
    """line: one record, bytes with the newline."""
    if not line.endswith(b"\n") or line.count(b"\n") != 1:
        return ["record is not one line"]
    try:
        got = json.loads(line.decode("utf-8"), parse_constant=_no_constant,
                         object_pairs_hook=_no_twice)
    except ValueError as e:
        return ["not valid JSON: %s" % e]
    return value(want, got, "")


def _no_constant(text):
    raise ValueError("%s is no JSON" % text)


def _no_twice(pairs):
    keys = [k for k, _ in pairs]
    twice = {k for k in keys if keys.count(k) > 1}
    if twice:
        raise ValueError("key twice: %s" % ", ".join(sorted(twice)))
    return dict(pairs)


# ---- text ----

ESCAPES = {"t": b"\t", "n": b"\n", "\\": b"\\"}


def _unescape(cell):
    """The bytes a cell stands for."""
    out, i = [], 0
    while i < len(cell):
        c = cell[i]
        if c != "\\":
            if ord(c) < 0x20 or 0x7f <= ord(c) < 0xa0 or 0xdc80 <= ord(c) <= 0xdcff:
                raise ValueError("%r must be escaped" % c)
            out.append(c.encode())
            i += 1
        elif cell[i + 1:i + 2] == "x":
            out.append(bytes([int(cell[i + 2:i + 4], 16)]))
            i += 4
        else:
            out.append(ESCAPES[cell[i + 1:i + 2]])
            i += 2
    return b"".join(out)


def _cell(want, cell, where):
    if want is None:
        return [] if cell == "" else ["%s: must be blank, got %r" % (where, cell)]
    if isinstance(want, Rounded):
        try:
            return _number(want, float(cell), where)
        except ValueError:
            return ["%s: want %s, got %r" % (where, brief(want), cell)]
    try:
        raw = _unescape(cell)
        if isinstance(want, Text):
            return [] if raw == want else ["%s: want %r, got %r" % (where, bytes(want), raw)]
        return value(want, raw.decode("utf-8"), where)
    except (ValueError, KeyError) as e:
        return ["%s: bad escape in %r: %s" % (where, cell, e)]


def _row(columns, want, line, where):
    cells = line.split("\t")
    if len(cells) != len(columns):
        return ["%s: %d cells, %d columns" % (where, len(cells), len(columns))]
    out = []
    for key, cell in zip(columns, cells):
        out += _cell(want.get(key), cell, "%s.%s" % (where, key))
    return out


def text_output(columns, docs, data):
    """columns: those of the host and of VMs; docs: what JSON has of each printed tick."""
    # Split at \n only: other separators may be part of a name.
    lines = data.decode("utf-8", "surrogateescape").split("\n")
    if lines.pop() != "":
        return ["text: the last line has no end"]
    out = []
    for kind in ("host", "VM"):
        head = lines.pop(0) if lines else ""
        want = "\t".join(columns[kind])
        if head != want:
            out.append("text: %s header is %.200r, want %.200r" % (kind, head, want))
    for tick, doc in docs:
        want = [("host", doc["host"], "tick %d host" % tick)]
        want += [("VM", vm, "tick %d %s" % (tick, vm["UUID"])) for vm in doc["domains"]]
        have, lines = lines[:len(want)], lines[len(want):]
        if len(have) < len(want):
            return out + ["text: tick %d has %d lines, want %d" % (tick, len(have), len(want))]
        out += _row(columns["host"], want[0][1], have[0], want[0][2])
        rest = have[1:]
        for kind, vm, where in want[1:]:
            # The line of that UUID; of cloned ones that which fits best.
            mine = [n for n, line in enumerate(rest)
                    if not _cell(vm["UUID"], line.split("\t")[0], where)]
            if not mine:
                out.append("%s: no line" % where)
                continue
            tries = {n: _row(columns[kind], vm, rest[n], where) for n in mine}
            best = min(mine, key=lambda n: len(tries[n]))
            rest.pop(best)
            out += tries[best]
        out += ["tick %d: line must not be there: %.100r" % (tick, line) for line in rest]
    if lines:
        out.append("text: %d lines too many: %.100r" % (len(lines), lines[0]))
    return out


# ---- openmetrics ----

def openmetrics_record(want, infos, data):
    """want: {(name, labels): Rounded}; infos: [(name, labels)].  Every series of them, and
    no other but the program's own cost."""
    try:
        got = openmetrics.parse(data)
    except (ValueError, UnicodeDecodeError) as e:
        return ["openmetrics: %s" % e]
    got = {k: v for k, v in got.items() if not k[0].startswith("proxtop_self_")}
    out = []
    for name, labels in infos:
        hits = [k for k in got if k[0] == name and not members(labels, dict(k[1]), "")]
        if len(hits) != 1 or got.pop(hits[0]) != "1":
            out.append("openmetrics: want one %s%r 1, got %d" % (name, brief_labels(labels),
                                                                 len(hits)))
    for key, w in want.items():
        where = "%s{%s}" % (key[0], ",".join("%s=%s" % kv for kv in key[1]))
        if key not in got:
            out.append("openmetrics: %s: missing, want %s" % (where, brief(w)))
        else:
            out += _number(w, float(got.pop(key)), "openmetrics: " + where)
    return out + ["openmetrics: %s%s must not be there" % key for key in got]


def brief_labels(labels):
    return {k: str(getattr(v, "pattern", v)) for k, v in labels.items()}
