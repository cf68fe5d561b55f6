# SPDX-License-Identifier: Apache-2.0
"""common/metrics.def as Python: which metric is shown where, and how it is written.

Only keys, names, units, decimals and what is shown come from there: the formulas are
written a second time in expect.py.
"""
import os
import re

PATH = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../common/metrics.def")

# OpenMetrics: suffix and value of one in the base unit (numerator, denominator).
BASE = {
    "U_NONE": ("", 1, 1), "U_ID": ("", 1, 1), "U_TEXT": ("", 1, 1),
    "U_PERCENT": ("ratio", 1, 100), "U_CENTIPERCENT": ("ratio", 1, 10_000),
    "U_NS": ("seconds", 1, 10**9), "U_US": ("seconds", 1, 10**6), "U_MS": ("seconds", 1, 1000),
    "U_TICK": ("seconds", 1, 100), "U_SECOND": ("seconds", 1, 1), "U_BYTE": ("bytes", 1, 1),
    "U_KIB": ("bytes", 1024, 1), "U_MIB": ("bytes", 1 << 20, 1), "U_SECTOR": ("bytes", 512, 1),
    "U_MHZ": ("hertz", 10**6, 1), "U_MBIT": ("bytes_per_second", 125_000, 1),
}

STRING = r'(NULL|"(?:[^"\\]|\\.)*")'
ROW = re.compile(
    r"METRIC\(\s*(\w+)\s*,\s*([A-Z_| ]+?)\s*,\s*(\w+)\s*,\s*(\w+)\s*,\s*F_(\w+)\s*,\s*(\w+)\s*,"
    r"\s*(\d+)\s*,\s*([A-Z_|0 ]+?)\s*,\s*" + r"\s*,\s*".join([STRING] * 5) + r"\s*\)")


class Metric:
    def __init__(self, m):
        (self.id, scopes, self.kind, self.unit, self.family, self.show, decimals, flags,
         key, name) = m.groups()[:10]
        self.scopes = {s.strip() for s in scopes.split("|")}
        self.decimals = int(decimals)
        self.flags = {s.strip() for s in flags.split("|")}
        self.key = None if key == "NULL" else key[1:-1]
        self.name = name[1:-1]
        self.suffix, self.num, self.den = BASE[self.unit]

    def shown(self, scope, verbose):
        return (scope in self.scopes and self.key is not None and
                (self.show == "SHOWN" or (self.show == "VERBOSE" and verbose)))

    def series(self, scope):
        """Name of its samples in OpenMetrics."""
        name = "proxtop_%s_%s" % (scope.lower(), self.name)
        if self.suffix:
            name += "_" + self.suffix
        return name + ("_total" if self.kind == "COUNTER" else "")


def load(path=PATH):
    with open(path, encoding="utf-8") as f:
        text = f.read()
    rows = [Metric(m) for m in ROW.finditer(text)]
    wanted = len(re.findall(r"^METRIC\(", text, re.M))
    if len(rows) != wanted:
        raise SystemExit("metrics.def: %d rows, understood %d" % (wanted, len(rows)))
    return rows


METRICS = load()
BY_ID = {m.id: m for m in METRICS}
