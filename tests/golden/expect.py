# SPDX-License-Identifier: Apache-2.0
"""What proxtop must print for a fixture, computed from the fixture alone.

    expect.py CASEDIR TICK [--verbose]        prints the JSON document of that tick

The formulas here are written from the metrics' definitions, not from the program:
this is the second opinion.  Absent values are None inside and have no key outside.
"""
import datetime
import json
import os
import re
import sys
from fractions import Fraction

import fakeroot
import metric_table
import vm_model
from values import About, OneOf, Pattern, Rounded, Row, Text

METRICS = metric_table.load()
BY_ID = {m.id: m for m in METRICS}
NS = 10**9


# ---- the host of one tick ----

HT = ("USER", "NICE", "SYSTEM", "IDLE", "IOWAIT", "IRQ", "SOFTIRQ", "STEAL", "GUEST",
      "GUESTNICE")
HD = ("HD_READS", "HD_RDMERGED", "HD_RDSECTORS", "HD_RDMS", "HD_WRITES", "HD_WRMERGED",
      "HD_WRSECTORS", "HD_WRMS", "HD_INFLIGHT", "HD_BUSYMS", "HD_QUEUEMS")
NIC_RX = ("BYTES", "PACKETS", "ERRS", "DROP", "FIFO", "FRAME", "COMPRESSED", "MULTICAST")
NIC_TX = ("BYTES", "PACKETS", "ERRS", "DROP", "FIFO", "COLLS", "CARRIER", "COMPRESSED")
MEM_LINES = {  # metric -> line of /proc/meminfo
    "TOTAL": "MemTotal", "FREE": "MemFree", "AVAILABLE": "MemAvailable", "BUFFERS": "Buffers",
    "CACHED": "Cached", "SWAPCACHED": "SwapCached", "ACTIVE": "Active", "INACTIVE": "Inactive",
    "ACTIVEANON": "Active(anon)", "INACTIVEANON": "Inactive(anon)", "ACTIVEFILE": "Active(file)",
    "INACTIVEFILE": "Inactive(file)", "UNEVICTABLE": "Unevictable", "MLOCKED": "Mlocked",
    "SWAPTOTAL": "SwapTotal", "SWAPFREE": "SwapFree", "DIRTY": "Dirty", "WRITEBACK": "Writeback",
    "ANONPAGES": "AnonPages", "MAPPED": "Mapped", "SHMEM": "Shmem", "SLAB": "Slab",
    "SRECLAIMABLE": "SReclaimable", "SUNRECLAIM": "SUnreclaim", "KERNELSTACK": "KernelStack",
    "PAGETABLES": "PageTables", "NFSUNSTABLE": "NFS_Unstable", "BOUNCE": "Bounce",
    "WRITEBACKTMP": "WritebackTmp", "COMMITLIMIT": "CommitLimit", "COMMITTEDAS": "Committed_AS",
    "VMALLOCTOTAL": "VmallocTotal", "VMALLOCUSED": "VmallocUsed", "VMALLOCCHUNK": "VmallocChunk",
    "HARDWARECORRUPTED": "HardwareCorrupted", "ANONHUGEPAGES": "AnonHugePages",
    "SHMEMHUGEPAGES": "ShmemHugePages", "SHMEMPMDMAPPED": "ShmemPmdMapped",
    "HUGEPAGESIZE": "Hugepagesize", "HUGETLB": "Hugetlb", "DIRECTMAP4K": "DirectMap4k",
    "DIRECTMAP2M": "DirectMap2M", "DIRECTMAP1G": "DirectMap1G", "HPTOTAL": "HugePages_Total",
    "HPFREE": "HugePages_Free", "HPRSVD": "HugePages_Rsvd", "HPSURP": "HugePages_Surp",
}
GUEST_NICS = re.compile(r"tap|vnet|veth|fwbr|fwpr|fwln|macvtap|lo$")


def mean_mhz(values):
    values = [v for v in values if v is not None]
    return Fraction(sum(values), len(values) * 1000) if values else None


def frequencies(root):
    base = "sys/devices/system/cpu"
    cpus = [n for n in root.list(base) if re.fullmatch(r"cpu\d+", n)]

    def read(name):
        return mean_mhz([root.number("%s/%s/cpufreq/%s" % (base, c, name)) for c in cpus])
    now = read("scaling_cur_freq")
    if now is None:
        mhz = re.findall(r"^cpu MHz\s*:\s*(\d+\.\d+)$", root.text("proc/cpuinfo") or "", re.M)
        now = sum(map(Fraction, mhz)) / len(mhz) if mhz else None
    return now, read("cpuinfo_min_freq"), read("cpuinfo_max_freq")


def named(names, *candidates):
    return any(c in names for c in candidates)


def host_disks(root, storedev):
    rows = []
    for _, _, name, columns in fakeroot.diskstats(root.text("proc/diskstats")):
        base = "sys/block/%s/" % name
        uuid, label, kind = root.line(base + "dm/uuid"), name, "other"
        if uuid:
            label = root.line(base + "dm/name") or name
            kind = {"LVM": "lvm", "mpath": "multipath"}.get(uuid.split("-")[0], "other")
        elif root.exists(base + "device"):
            kind = "physical"
        row = Row(("disk", name), DISK_NAME=Text(label), DISK_CLASS=kind,
                  HD_COUNT=1, **dict(zip(HD, columns)))
        row.counted = named(storedev, name, label) if storedev else kind == "physical"
        if kind != "other" or row.counted:
            rows.append(row)
    return rows


def nic_columns(prefix, rx, tx):
    out = {prefix + "_RX_" + k: v for k, v in zip(NIC_RX, rx)}
    out.update({prefix + "_TX_" + k: v for k, v in zip(NIC_TX, tx)})
    return out


def host_nics(root, netdev):
    rows = []
    for name, rx, tx in fakeroot.net_dev(root.text("proc/1/net/dev")):
        if GUEST_NICS.match(name) and not named(netdev, name):
            continue
        speed = root.number("sys/class/net/%s/speed" % name)
        if speed is not None and speed > 10_000_000:
            speed = None  # an unsigned -1
        row = Row(("nic", name), NIC_NAME=Text(name), HN_SPEED=speed,
                  **nic_columns("HN", rx, tx))
        row.counted = (named(netdev, name) if netdev else
                       root.exists("sys/class/net/%s/device" % name))
        rows.append(row)
    return rows


def host_row(root, clock, options):
    cpus, ticks = fakeroot.proc_stat(root.text("proc/stat"))
    host = Row("host", CPU_CORES=cpus, **{"HT_" + k: v for k, v in zip(HT, ticks)})
    host.v["CPU_CURFREQ"], host.v["CPU_MINFREQ"], host.v["CPU_MAXFREQ"] = frequencies(root)
    lines = fakeroot.meminfo(root.text("proc/meminfo"))
    for metric, line in MEM_LINES.items():
        host.v["MEM_" + metric] = lines.get(line)
    for file, name in (("cpu", "CPU"), ("io", "IO"), ("memory", "MEM")):
        for kind, values in fakeroot.psi(root.text("proc/pressure/" + file)).items():
            for field, value in values.items():
                metric = "PSI_%s_%s_%s" % (kind.upper(), name, field.upper())
                if metric in BY_ID:
                    host.v[metric] = value
    uuid = root.line("sys/class/dmi/id/product_uuid")
    host.v["HOST_UUID"] = Text(uuid) if uuid else None
    host.v["HOST_UPTIME"] = clock[0] // NS
    host.v["HOST_NAME"] = vm_model.host_name(root)
    host.v["HOST_ID"] = Pattern(r"[0-9a-f-]{16,64}")
    host.below = {"HOST_DISK": host_disks(root, options.get("storedev", [])),
                  "HOST_NIC": host_nics(root, options.get("netdev", []))}
    return host


# ---- two ticks: rates, sums, formulas ----

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
        out["CPU_READY"] = share(None if wait is None else max(wait - (limited or 0), 0))
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


# ---- the document ----

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
