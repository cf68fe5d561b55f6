# SPDX-License-Identifier: Apache-2.0
"""Two ticks of one thing: rates, sums, and every formula written a second time, from the
help texts of the metrics."""
from fractions import Fraction

from host_model import HT
from metric_table import METRICS
from values import About

NS = 10**9

CHILDREN = {"HOST": ("HOST_DISK", "HOST_NIC"), "VM": ("VCPU", "VM_DISK", "VM_NIC")}


def is_sum(metric, scope):
    below = {s for parent in CHILDREN.values() for s in parent}
    return (scope in CHILDREN and scope in metric.scopes and metric.scopes & below and
            metric.kind in ("COUNTER", "GAUGE") and metric.unit != "U_ID" and
            "NO_SUM" not in metric.flags)


def rate(now, before, seconds):
    if now is None or before is None or now < before or not seconds or seconds <= 0:
        return None
    return Fraction(now - before) / seconds


def raw_number(value):
    return value.value if isinstance(value, About) else value


class Derived:
    """The numbers of one row over two ticks: r() rates, g() gauges, None is absent."""

    def __init__(self, scope, row, before, seconds):
        self.scope, self.row, self.seconds = scope, row, seconds
        self.number = {}
        self.below = {}
        for metric in METRICS:
            if scope in metric.scopes and metric.kind in ("COUNTER", "GAUGE"):
                self.number[metric.id] = self._own(metric, before, seconds)

    def _own(self, metric, before, seconds):
        value = raw_number(self.row.get(metric.id))
        if metric.kind == "GAUGE":
            return value
        if metric.id in self.row.own:
            old, own_seconds = self.row.own[metric.id]
            return rate(value, old, own_seconds)
        return rate(value, raw_number(before.get(metric.id)), seconds) if before else None

    def sum_up(self, scope, rows):
        self.below[scope] = rows
        for metric in METRICS:
            if scope in metric.scopes and is_sum(metric, self.scope):
                have = [r.number[metric.id] for r in rows
                        if r.row.counted and r.number.get(metric.id) is not None]
                self.number[metric.id] = sum(have) if have else None

    def g(self, metric):
        return self.number.get(metric)

    r = g


def part(a, b):
    return None if a is None or b is None or b <= 0 else a / b


def plus(*terms):
    """All must be there."""
    return None if any(t is None for t in terms) else sum(terms)


def plus_some(first, *others):
    """The first must be there, the others count when they are."""
    return None if first is None else first + sum(o for o in others if o is not None)


def times(a, factor):
    return None if a is None else a * factor


def percent_of_cpus(d, out):
    every = plus_some(plus(d.r("HT_USER"), d.r("HT_NICE"), d.r("HT_SYSTEM"), d.r("HT_IDLE")),
                      d.r("HT_IOWAIT"), d.r("HT_IRQ"), d.r("HT_SOFTIRQ"), d.r("HT_STEAL"))
    for name in HT:
        out["HOST_CPU_" + name] = times(part(d.r("HT_" + name), every), 100)


def disk_of_host(d, out):
    requests = plus(d.r("HD_READS"), d.r("HD_WRITES"))
    out["HD_MBREAD"] = times(d.r("HD_RDSECTORS"), Fraction(512, 2**20))
    out["HD_MBWRITE"] = times(d.r("HD_WRSECTORS"), Fraction(512, 2**20))
    # ms busy in a second of count disks: 1000 of each is 100 %
    out["HD_UTIL"] = times(part(d.r("HD_BUSYMS"), d.g("HD_COUNT")), Fraction(100, 1000))
    out["HD_QUEUE"] = times(d.r("HD_QUEUEMS"), Fraction(1, 1000))
    out["HD_SVCTM"] = part(d.r("HD_BUSYMS"), requests)
    out["HD_AWAIT"] = part(plus(d.r("HD_RDMS"), d.r("HD_WRMS")), requests)


def disk_of_vm(d, out):
    fl_ns, fl_ops = d.r("VD_FL_NS"), d.r("VD_FL_OPS")
    time = plus_some(plus(d.r("VD_RD_NS"), d.r("VD_WR_NS")), fl_ns)
    requests = plus_some(plus(d.r("VD_RD_OPS"), d.r("VD_WR_OPS")), fl_ops)
    ms = Fraction(1, 10**6)
    out["VD_MBREAD"] = times(d.r("VD_RD_BYTES"), Fraction(1, 2**20))
    out["VD_MBWRITE"] = times(d.r("VD_WR_BYTES"), Fraction(1, 2**20))
    out["VD_LAT_RD"] = times(part(d.r("VD_RD_NS"), d.r("VD_RD_OPS")), ms)
    out["VD_LAT_WR"] = times(part(d.r("VD_WR_NS"), d.r("VD_WR_OPS")), ms)
    out["VD_LAT_FL"] = times(part(fl_ns, fl_ops), ms)
    out["VD_LAT_AVG"] = times(part(time, requests), ms)
    out["VD_QUEUE"] = times(time, Fraction(1, NS))


def share_of_device(disks):
    """Of disks on one device: its utilisation times their share of its requests, which
    cannot be more than all."""
    busy, every = disks[0].r("VD_BACKBUSY"), disks[0].r("VD_BACKOPS")
    ours = [plus(d.r("VD_RD_OPS"), d.r("VD_WR_OPS")) for d in disks]
    ours = [o for o in ours if o is not None]
    if busy is None or every is None or not ours:
        return None
    share = min(Fraction(1), Fraction(sum(ours)) / every) if every else Fraction(0)
    return busy * Fraction(100, 1000) * share


def utilisation_of_vm_disk(d, out):
    out["VD_UTIL"] = share_of_device([d])


def utilisation_of_vm(d, out):
    devices = {}
    for disk in d.below.get("VM_DISK", []):
        if disk.row.get("DISK_BACKING"):
            devices.setdefault(disk.row.get("DISK_BACKING"), []).append(disk)
    shares = [share_of_device(disks) for disks in devices.values()]
    out["VD_UTIL"] = max((s for s in shares if s is not None), default=None)


def cpu_of_vm(d, out):
    """100: one CPU used all the time; of a VM the mean over its vCPUs."""
    cpus = d.g("CPU_CORES") if d.scope == "VM" else 1
    run, wait, limited = d.r("RUN"), d.r("WAIT"), d.r("LIMITED")

    def share(ns_per_s):
        return times(part(ns_per_s, cpus), Fraction(100, NS))
    out["CPU_TOTAL"], out["CPU_STEAL"] = share(run), share(wait)
    out["CPU_DEMAND"] = share(plus(run, wait))
    if d.scope == "VM":
        out["CPU_LIMIT"] = share(limited)
        out["CPU_READY"] = share(
            None if wait is None or limited is None else max(wait - limited, 0))
        out["CPU_OTHER_TOTAL"] = share(d.r("OTHER_RUN"))
        out["CPU_OTHER_STEAL"] = share(d.r("OTHER_WAIT"))


def memory_of_vm(d, out):
    total = d.g("RAM_GUEST")
    left = d.g("RAM_USABLE") if d.g("RAM_USABLE") is not None else d.g("RAM_FREE")
    out["RAM_USED"] = None if total is None or left is None else max(total - left, 0)


def io_of_vm(d, out):
    out["IO_MBRD"] = times(d.r("IO_READ"), Fraction(1, 2**20))
    out["IO_MBWR"] = times(d.r("IO_WRITE"), Fraction(1, 2**20))
    out["IO_RDOPS"], out["IO_WROPS"] = d.r("IO_SYSCR"), d.r("IO_SYSCW")


def pressure(d, out):
    """us of each second: 10,000 are one percent."""
    for name in ("SOME_CPU", "SOME_IO", "FULL_IO", "SOME_MEM", "FULL_MEM"):
        total = d.r("VPSI_" + name) if d.scope == "VM" else d.r("PSI_%s_TOTAL" % name)
        out["PSI_" + name] = times(total, Fraction(1, 10_000))


FORMULAS = {
    "HOST": (percent_of_cpus, disk_of_host, pressure),
    "HOST_DISK": (disk_of_host,), "HOST_NIC": (),
    "VM": (cpu_of_vm, memory_of_vm, disk_of_vm, utilisation_of_vm, io_of_vm, pressure),
    "VCPU": (cpu_of_vm,), "VM_DISK": (disk_of_vm, utilisation_of_vm_disk), "VM_NIC": (),
}


def derive(scope, row, before, seconds):
    d = Derived(scope, row, before, seconds)
    for child in CHILDREN.get(scope, ()):
        old = {r.key: r for r in before.below.get(child, [])} if before else {}
        d.sum_up(child, [derive(child, r, old.get(r.key), seconds)
                         for r in row.below.get(child, [])])
    d.derived = {}
    for formula in FORMULAS[scope]:
        formula(d, d.derived)
    return d
