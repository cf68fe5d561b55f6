# SPDX-License-Identifier: Apache-2.0
"""What proxtop must print for a fixture, computed from the fixture alone.

    expect.py CASEDIR TICK [--verbose]        prints the JSON document of that tick

The formulas here are written from the metrics' definitions, not from the program:
this is the second opinion.  Absent values are None inside and have no key outside.
"""
import datetime
import json
import os
import sys
from fractions import Fraction

import fakeroot
import vm_model
from formulas import CHILDREN, derive, is_sum
from host_model import host_row
from metric_table import METRICS
from values import About, OneOf, Pattern, Rounded, Text

NS = 10**9
ARRAYS = {"VCPU": "vcpus", "VM_DISK": "disks", "VM_NIC": "interfaces", "HOST_DISK": "disks",
          "HOST_NIC": "interfaces"}

# Percentages whose raw value may have some slack.
MADE_OF = {"CPU_OTHER_TOTAL": "OTHER_RUN", "CPU_LIMIT": "LIMITED", "CPU_READY": "LIMITED"}


def printed(metric, d):
    if metric.kind == "INFO":
        return d.row.get(metric.id)
    if metric.kind == "DERIVED":
        value = d.derived.get(metric.id)
    elif "AS_TOTAL" in metric.flags:
        value = d.row.get(metric.id)
    else:
        value = d.number.get(metric.id)
    if value is None or isinstance(value, OneOf):
        return value
    if metric.unit == "U_CENTIPERCENT":
        value = Fraction(value, 100)
    about = d.row.get(MADE_OF.get(metric.id, metric.id))
    if isinstance(about, About) and metric.kind == "GAUGE":
        return Rounded(value, half_unit=about.slack)
    if isinstance(about, About) and metric.kind == "DERIVED":
        slack = about.slack / NS / float(d.seconds) / d.number["CPU_CORES"] * 100
        return Rounded(value, half_unit=slack)
    if is_sum(metric, d.scope):
        slack = [r.row.get(metric.id).slack for rows in d.below.values() for r in rows
                 if isinstance(r.row.get(metric.id), About)]
        if slack:
            return Rounded(value, half_unit=sum(slack))
    return Rounded(value, metric.decimals)


def members(scope, d, verbose):
    out = {}
    for metric in METRICS:
        if metric.shown(scope, verbose):
            value = printed(metric, d)
            if value is not None:
                out[metric.key] = value
    if verbose:
        for child in CHILDREN.get(scope, ()):
            out[ARRAYS[child]] = [members(child, r, True) for r in d.below.get(child, [])]
    return out


def timestamp(wall_ns):
    at = datetime.datetime.fromtimestamp(wall_ns // NS, datetime.timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (wall_ns // 10**6 % 1000)


class Expected:
    """All ticks of a case, up to the last one wanted."""

    def __init__(self, casedir, ticks):
        self.clock, self.host, self.vms = [], [], []
        options = read_options(casedir)
        agent = vm_model.Agent()
        for tick in range(1, ticks + 1):
            path = os.path.join(casedir, str(tick))
            root = fakeroot.Root(path)
            with open(os.path.join(path, "clock")) as f:
                clock = tuple(int(w) for w in f.read().split())
            self.clock.append(clock)
            self.host.append(host_row(root, clock, options))
            self.vms.append(agent.look(root, clock, self.host[-1], options))

    def document(self, tick, verbose):
        now, before = tick - 1, tick - 2
        seconds = Fraction(self.clock[now][0] - self.clock[before][0], NS)
        old = {vm.key: vm for vm in self.vms[before]}
        host = derive("HOST", self.host[now], self.host[before], seconds)
        vms = [derive("VM", vm, old.get(vm.key), seconds) for vm in self.vms[now]]
        return {"@timestamp": timestamp(self.clock[now][1]),
                "interval": Rounded(seconds, 3),
                "host": members("HOST", host, verbose),
                "domains": [members("VM", vm, verbose) for vm in vms]}

    def columns(self, scope, verbose):
        return [m.key for m in METRICS if m.shown(scope, verbose)]

    def rows(self, tick):
        """Every row: (scope, row, the labels that name it in OpenMetrics); of several that
        nothing tells apart the first."""
        seen = set()
        for scope, row, labels in self._rows(tick):
            name = (scope, row.get("NIC_NAME") is None and row.get("NIC_MAC"),
                    tuple(sorted(labels.items())))
            if name not in seen:
                seen.add(name)
                yield scope, row, labels

    def _rows(self, tick):
        host, vms = self.host[tick - 1], self.vms[tick - 1]
        yield "HOST", host, {}
        for row in host.below["HOST_DISK"]:
            yield "HOST_DISK", row, {"disk": row.v["DISK_NAME"].label()}
        for row in host.below["HOST_NIC"]:
            yield "HOST_NIC", row, {"interface": row.v["NIC_NAME"].label()}
        for vm in vms:
            labels = {"uuid": vm.v["UUID"].label()}
            if sum(other.v["UUID"] == vm.v["UUID"] for other in vms) > 1:
                labels["pid"] = str(vm.v["PID"])
                if vm.v["VMID"]:
                    labels["vmid"] = str(vm.v["VMID"])
            yield "VM", vm, labels
            for row in vm.below["VCPU"]:
                yield "VCPU", row, dict(labels, vcpu=str(row.v["VCPU"]))
            for row in vm.below["VM_DISK"]:
                yield "VM_DISK", row, dict(labels, disk=row.v["DISK_NAME"].label())
            for row in vm.below["VM_NIC"]:
                tap = row.v["NIC_NAME"]
                yield "VM_NIC", row, dict(labels, interface=tap.label() if tap else "")

    def series(self, tick):
        """OpenMetrics: raw values in base units, of everything that is no sum."""
        out = {}
        for scope, row, labels in self.rows(tick):
            for metric in METRICS:
                value = row.get(metric.id)
                if (scope not in metric.scopes or metric.kind not in ("COUNTER", "GAUGE") or
                        metric.unit == "U_ID" or is_sum(metric, scope) or value is None):
                    continue
                slack = 0.5 if metric.unit == "U_MHZ" else 0
                if isinstance(value, About):
                    value, slack = value.value, value.slack
                scale = Fraction(metric.num, metric.den)
                out[(metric.series(scope), tuple(sorted(labels.items())))] = Rounded(
                    value * scale, half_unit=float(slack * scale) or 1e-12)
        return out

    def infos(self, tick):
        """OpenMetrics: [(name, labels)] of the series that say what a thing is called."""
        out = []
        for scope, row, base in self.rows(tick):
            labels = dict(base)
            for metric in METRICS:
                value = row.get(metric.id)
                if (scope not in metric.scopes or value is None or metric.id == "CPU_LAST" or
                        not (metric.kind == "INFO" or metric.unit == "U_ID")):
                    continue
                if isinstance(value, Text):
                    value = value.label()
                labels[metric.name] = value if isinstance(value, Pattern) else str(value)
            if scope == "VM_NIC" and not row.v["NIC_NAME"]:
                labels.pop("interface")
            out.append(("proxtop_%s_info" % scope.lower(), labels))
        return out


def read_options(casedir):
    out = {}
    try:
        with open(os.path.join(casedir, "options")) as f:
            for line in f:
                key, _, value = line.rstrip("\n").partition("=")
                out[key] = value.split(",") if key in ("netdev", "storedev") else value
    except OSError:
        pass
    return out


def for_people(value):
    if isinstance(value, Rounded):
        return round(float(value.value), 6)
    if isinstance(value, Pattern):
        return "like " + value.pattern
    if isinstance(value, OneOf):
        return sorted(value.values)
    return str(value)


def main():
    if len(sys.argv) < 3:
        raise SystemExit(__doc__)
    tick = int(sys.argv[2])
    document = Expected(sys.argv[1], tick).document(tick, "--verbose" in sys.argv)
    print(json.dumps(document, default=for_people, indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
