# SPDX-License-Identifier: Apache-2.0
"""The host of one tick: its raw values, its disks and its interfaces."""
import re
from fractions import Fraction

import fakeroot
from metric_table import BY_ID
from values import Pattern, Row, Text

NS = 10**9

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


def host_name(root):
    name = root.line("etc/hostname")
    return Text(name.split()[0]) if name and name.split() else None


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
    host.v["HOST_NAME"] = host_name(root)
    host.v["HOST_ID"] = Pattern(r"[0-9a-f-]{16,64}")
    host.below = {"HOST_DISK": host_disks(root, options.get("storedev", [])),
                  "HOST_NIC": host_nics(root, options.get("netdev", []))}
    return host
