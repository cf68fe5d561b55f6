# SPDX-License-Identifier: Apache-2.0
"""A Proxmox VE host as its files: what a case changes from tick to tick.

Host.write(DIR) writes one fake root.  The formats are those of Linux 6.8 and
qemu-server 8; every number is the case's.
"""
import json
import os

NS = 1_000_000_000
TICKS = 100  # USER_HZ

MEMINFO = {
    "MemTotal": 131_901_744, "MemFree": 20_018_224, "MemAvailable": 61_240_332,
    "Buffers": 1_204_908, "Cached": 38_112_040, "SwapCached": 1_232,
    "Active": 50_331_020, "Inactive": 41_873_112, "Active(anon)": 31_004_128,
    "Inactive(anon)": 22_100_004, "Active(file)": 19_326_892,
    "Inactive(file)": 19_773_108, "Unevictable": 29_120, "Mlocked": 26_048,
    "SwapTotal": 8_388_604, "SwapFree": 8_300_540, "Zswap": 0, "Zswapped": 0,
    "Dirty": 4_420, "Writeback": 16, "AnonPages": 52_887_120, "Mapped": 1_010_320,
    "Shmem": 94_208, "KReclaimable": 2_998_004, "Slab": 4_470_128,
    "SReclaimable": 2_998_004, "SUnreclaim": 1_472_124, "KernelStack": 28_800,
    "PageTables": 160_212, "SecPageTables": 88_140, "NFS_Unstable": 0, "Bounce": 0,
    "WritebackTmp": 0, "CommitLimit": 74_339_476, "Committed_AS": 88_902_332,
    "VmallocTotal": 34_359_738_367, "VmallocUsed": 401_204, "VmallocChunk": 0,
    "Percpu": 44_032, "HardwareCorrupted": 0, "AnonHugePages": 38_215_680,
    "ShmemHugePages": 2_048, "ShmemPmdMapped": 2_048, "FileHugePages": 0,
    "FilePmdMapped": 0, "HugePages_Total": 512, "HugePages_Free": 500,
    "HugePages_Rsvd": 3, "HugePages_Surp": 1, "Hugepagesize": 2_048,
    "Hugetlb": 1_048_576, "DirectMap4k": 1_204_416, "DirectMap2M": 60_661_760,
    "DirectMap1G": 73_400_320,
}


class Thread:
    """A line of task/: run and wait in ns, as schedstat has them."""

    def __init__(self, tid, comm, run=0, wait=0, slices=0, state="S", cpu=0, start=None):
        self.tid, self.comm = tid, comm
        self.run, self.wait, self.slices = run, wait, slices
        self.state, self.cpu, self.start = state, cpu, start

    def go(self, run_ms=0, wait_ms=0, slices=1, state="S", cpu=None):
        self.run += round(run_ms * 1_000_000)
        self.wait += round(wait_ms * 1_000_000)
        self.slices += slices
        self.state = state
        if cpu is not None:
            self.cpu = cpu


class Disk:
    """A block device of the host, a row of /proc/diskstats (17 columns)."""

    def __init__(self, name, major, minor, stats=(), dm=None, device=True, sysfs=True):
        self.name, self.major, self.minor = name, major, minor
        self.stats = (list(stats) + [0] * 17)[:17]
        self.dm = dm            # (name, UUID) of the device mapper
        self.device = device    # a device of its own, not loop, zram or md
        self.sysfs = sysfs      # in /sys/block: no partition

    def go(self, **more):
        columns = ("reads", "rmerged", "rsectors", "rms", "writes", "wmerged", "wsectors",
                   "wms", "inflight", "busy", "queue")
        for key, value in more.items():
            i = columns.index(key)
            self.stats[i] = value if key == "inflight" else self.stats[i] + value


class Nic:
    """An interface of the host: rx is what the interface received."""

    RX = ("bytes", "packets", "errs", "drop", "fifo", "frame", "compressed", "multicast")
    TX = ("bytes", "packets", "errs", "drop", "fifo", "colls", "carrier", "compressed")

    def __init__(self, name, rx=(), tx=(), physical=False, speed=None, up=True):
        self.name = name
        self.rx = (list(rx) + [0] * 8)[:8]
        self.tx = (list(tx) + [0] * 8)[:8]
        self.physical, self.speed, self.up = physical, speed, up

    def go(self, rx=(), tx=()):
        for i, v in enumerate(rx):
            self.rx[i] += v
        for i, v in enumerate(tx):
            self.tx[i] += v


class VmDisk:
    """A disk of a VM, a device of query-blockstats."""

    def __init__(self, name, volume=None, size="8G", new_style=False, options=""):
        self.name, self.volume, self.size = name, volume, size
        self.new_style, self.options = new_style, options
        self.rd_ops = self.wr_ops = self.fl_ops = 0
        self.rd_bytes = self.wr_bytes = 0
        self.rd_ns = self.wr_ns = self.fl_ns = 0

    def go(self, rd=(0, 0, 0), wr=(0, 0, 0), fl=(0, 0)):
        """(operations, bytes, ns) each, flushes (operations, ns)."""
        self.rd_ops += rd[0]
        self.rd_bytes += rd[1]
        self.rd_ns += rd[2]
        self.wr_ops += wr[0]
        self.wr_bytes += wr[1]
        self.wr_ns += wr[2]
        self.fl_ops += fl[0]
        self.fl_ns += fl[1]

    def blockstats(self):
        stats = {
            "rd_operations": self.rd_ops, "wr_operations": self.wr_ops,
            "flush_operations": self.fl_ops, "unmap_operations": 0,
            "rd_bytes": self.rd_bytes, "wr_bytes": self.wr_bytes, "unmap_bytes": 0,
            "rd_total_time_ns": self.rd_ns, "wr_total_time_ns": self.wr_ns,
            "flush_total_time_ns": self.fl_ns, "unmap_total_time_ns": 0,
            "rd_merged": 0, "wr_merged": 0, "unmap_merged": 0, "wr_highest_offset": 4_194_304,
            "idle_time_ns": 671_464, "timed_stats": [], "account_failed": True,
            "account_invalid": True, "failed_rd_operations": 0, "failed_wr_operations": 0,
            "failed_flush_operations": 0, "failed_unmap_operations": 0,
            "invalid_rd_operations": 0, "invalid_wr_operations": 0,
            "invalid_flush_operations": 0, "invalid_unmap_operations": 0,
        }
        qdev = self.name
        if self.name.startswith("virtio"):
            qdev = "/machine/peripheral/%s/virtio-backend" % self.name
        entry = {"stats": stats, "node-name": "#block105", "qdev": qdev,
                 # The file below counts in its own way: not to be taken for the disk's.
                 "parent": {"stats": dict(stats, rd_operations=1, wr_operations=2),
                            "node-name": "#block075"}}
        if self.new_style:
            entry["device"] = ""
            entry["node-name"] = "drive-" + self.name
        else:
            entry["device"] = "drive-" + self.name
        return entry


class Vm:
    def __init__(self, vmid, name, pid, uuid, start, cores=2, memory=4096):
        self.vmid, self.name, self.pid, self.uuid = vmid, name, pid, uuid
        self.start = start  # field 22: 1/100 s since boot
        self.cores, self.memory = cores, memory
        self.tags = self.lock = None
        self.conf_extra = ""       # lines of the current section
        self.conf_sections = ""    # snapshots and pending changes
        self.conf_text = None      # instead of all of it
        self.threads = []
        self.dead_run = 0          # ns of threads that ended
        self.faults = [15_669, 0, 2, 0]  # minflt cminflt majflt cmajflt
        self.vsize, self.rss_pages, self.blkio = 6_121_572_352, 539_450, 0
        self.io = {"rchar": 50_457_138, "wchar": 164_307, "syscr": 16_969, "syscw": 37_495,
                   "read_bytes": 2_322_432, "write_bytes": 4_096, "cancelled_write_bytes": 0}
        self.disks = []
        self.nics = []             # (index, tap, mac, bridge or None)
        self.cgroup = "/qemu.slice/%d.scope" % vmid
        self.cgroup_text = None    # of /proc/PID/cgroup
        self.cgroup_files = {}     # path below sys/fs/cgroup -> text
        self.status = "running"
        self.balloon = None        # dict of query-balloon, bytes
        self.guest_stats = None    # of qom-get, where query-balloon has only the size
        self.balloon_path = "balloon0"
        self.qmp_mode = "answer"
        self.qmp_answers = {}      # instead of what is made up here
        self.qmp = True
        self.has_pid_file = True
        self.comm = "kvm"
        self.cmdline = None
        self.override = {}         # file below proc/PID -> bytes

    def vcpus(self, *threads):
        self.threads += threads

    def thread(self, tid):
        """The thread, or one that nobody sees when there is none."""
        return next((t for t in self.threads if t.tid == tid), Thread(tid, "none"))

    def end_thread(self, tid):
        t = self.thread(tid)
        self.threads.remove(t)
        self.dead_run += t.run

    def pressure(self, root, cpu, io, memory):
        """Totals in us: cpu some; io and memory (some, full)."""
        def text(some, full):
            return ("some avg10=1.00 avg60=2.00 avg300=3.00 total=%d\n"
                    "full avg10=0.50 avg60=0.60 avg300=0.70 total=%d\n" % (some, full))
        base = root + self.cgroup + "/"
        self.cgroup_files[base + "cpu.pressure"] = text(cpu, cpu // 3)
        self.cgroup_files[base + "io.pressure"] = text(*io)
        self.cgroup_files[base + "memory.pressure"] = text(*memory)

    def cpu_stat(self, root, throttled_us, path=None, nr=(0, 0)):
        usage = sum(t.run for t in self.threads) // 1000
        self.cgroup_files[root + (path or self.cgroup) + "/cpu.stat"] = (
            "usage_usec %d\nuser_usec %d\nsystem_usec %d\nnr_periods %d\nnr_throttled %d\n"
            "throttled_usec %d\nnr_bursts 0\nburst_usec 0\n"
            % (usage, usage * 2 // 3, usage - usage * 2 // 3, nr[0], nr[1], throttled_us))

    def conf(self):
        if self.conf_text is not None:
            return self.conf_text
        lines = ["# written by the golden tests", "boot: order=scsi0;net0",
                 "cores: %d" % self.cores, "cpu: host", "memory: %d" % self.memory,
                 "meta: creation-qemu=9.0.2,ctime=1730000000"]
        if self.name is not None:
            lines.append("name: %s" % self.name)
        for index, _, mac, bridge in self.nics:
            lines.append("net%d: virtio=%s%s,firewall=1" % (
                index, mac, ",bridge=" + bridge if bridge else ""))
        if self.lock:
            lines.append("lock: %s" % self.lock)
        lines += ["numa: 0", "ostype: l26"]
        for d in self.disks:
            if d.volume:
                lines.append("%s: %s%s,size=%s" % (d.name, d.volume, d.options, d.size))
        lines += ["scsihw: virtio-scsi-single", "smbios1: uuid=%s" % self.uuid, "sockets: 1"]
        if self.tags:
            lines.append("tags: %s" % self.tags)
        return "\n".join(lines) + "\n" + self.conf_extra + self.conf_sections

    def args(self):
        if self.cmdline is not None:
            return self.cmdline
        words = ["/usr/bin/kvm", "-id", str(self.vmid), "-name",
                 "%s,debug-threads=on" % str(self.name).replace(",", ",,"), "-no-shutdown",
                 "-chardev",
                 "socket,id=qmp,path=/var/run/qemu-server/%d.qmp,server=on,wait=off" % self.vmid,
                 "-mon", "chardev=qmp,mode=control",
                 "-pidfile", "/var/run/qemu-server/%d.pid" % self.vmid, "-daemonize",
                 "-smbios", "type=1,uuid=%s" % self.uuid,
                 "-smp", "%d,sockets=1,cores=%d,maxcpus=%d" % ((self.cores,) * 3),
                 "-nodefaults", "-m", str(self.memory)]
        for index, tap, mac, bridge in self.nics:
            if not bridge:
                continue
            words += ["-netdev", "type=tap,id=net%d,ifname=%s,vhost=on" % (index, tap),
                      "-device", "virtio-net-pci,mac=%s,netdev=net%d,id=net%d"
                      % (mac, index, index)]
        return "\0".join(words).encode() + b"\0"

    def script(self):
        """What its QEMU answers: qmp_server.h."""
        answers = {"query-status": {"status": self.status, "singlestep": False,
                                    "running": self.status == "running"},
                   "query-blockstats": [d.blockstats() for d in self.disks]}
        errors = {}
        if self.balloon:
            answers["query-balloon"] = self.balloon
        else:
            errors["query-balloon"] = {"class": "DeviceNotActive",
                                       "desc": "No balloon device has been activated"}
        if self.guest_stats:
            answers["qom-get %s guest-stats" % self.balloon_path] = self.guest_stats
        answers.update(self.qmp_answers)
        return {"mode": self.qmp_mode,
                "answers": {k: json.dumps(v) for k, v in answers.items()},
                "errors": {k: json.dumps(v) for k, v in errors.items()}}


def stat_line(pid, comm, state, start, ppid=1, faults=(0, 0, 0, 0), cpu_ticks=0, threads=1,
              vsize=0, rss=0, cpu=0, blkio=0):
    """/proc/PID/stat: 52 fields, proc(5)."""
    utime = cpu_ticks * 3 // 4
    f = [pid, "(%s)" % comm, state, ppid, pid, pid, 0, -1, 138412480, *faults, utime,
         cpu_ticks - utime, 0, 0, 20, 0, threads, 0, start, vsize, rss, 18446744073709551615,
         94846185320448, 94846191180885, 140726882278592, 0, 0, 0, 268444224, 3674112, 16451,
         0, 0, 0, 17, cpu, 0, 0, blkio, 0, 0, 94846194292984, 94846199497136, 94846917758976,
         140726882280747, 140726882281878, 140726882281878, 140726882283499, 0]
    assert len(f) == 52
    return " ".join(str(x) for x in f) + "\n"


class Host:
    def __init__(self, cpus=4):
        self.boot_ns = 864_250 * NS // 1000 * 10  # 8,642.5 s
        self.wall_ns = 1_795_540_723 * NS + 123_000_000
        # user nice system idle iowait irq softirq steal guest guest_nice
        self.cpus = [[50_000 + 37 * i, 120, 9_000 + 11 * i, 700_000 + 1_000 * i, 800, 0,
                      300 + i, 0, 30_000, 0] for i in range(cpus)]
        self.cpu_ids = list(range(cpus))
        self.freq = [(2_400_000, 800_000, 3_600_000)] * cpus  # kHz: now, lowest, highest
        self.meminfo = dict(MEMINFO)
        self.disks, self.nics, self.vms = [], [], []
        self.processes = {}     # other processes: PID -> dict of files
        self.psi = {"cpu": [(1.5, 2.25, 3.75, 281_466_397), (0, 0, 0, 0)],
                    "io": [(0.31, 0.42, 0.53, 9_888_121), (0.2, 0.19, 0.18, 5_822_657)],
                    "memory": [(0, 0.01, 0.02, 1_000), (0, 0, 0.01, 900)]}
        self.extra = {}         # path -> bytes, text or ("link", target)
        self.missing = set()    # paths that are not written
        self.options = {}

    def pass_time(self, seconds):
        ns = round(seconds * NS)
        self.boot_ns += ns
        self.wall_ns += ns

    def spend(self, **ticks):
        """Adds ticks to CPU 0, 1, ... in turn: the sum over the CPUs grows by these."""
        names = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal",
                 "guest", "guest_nice")
        n = len(self.cpus)
        for name, total in ticks.items():
            k = names.index(name)
            for i in range(n):
                self.cpus[i][k] += total // n + (1 if i < total % n else 0)

    def press(self, **more):
        for key, (some, full) in more.items():
            self.psi[key] = [old[:3] + (old[3] + add,)
                             for old, add in zip(self.psi[key], (some, full))]

    # ---- files ----

    def files(self):
        f = {}
        self._proc(f)
        self._sys(f)
        f["etc/machine-id"] = "5c0ffee05c0ffee05c0ffee05c0ffee0\n"
        f["etc/hostname"] = "pve-golden\n"
        f["etc/pve/corosync.conf"] = ("totem {\n  cluster_name: goldencluster\n"
                                      "  config_version: 3\n  version: 2\n}\n")
        f["var/run"] = ("link", "../run")
        for vm in self.vms:
            self._vm(f, vm)
        for path, value in self.extra.items():
            f[path] = value
        for path in self.missing:
            f.pop(path, None)
        return f

    def _proc(self, f):
        total = [sum(c[k] for c in self.cpus) for k in range(10)]
        lines = ["cpu  " + " ".join(map(str, total))]
        lines += ["cpu%d %s" % (i, " ".join(map(str, c)))
                  for i, c in zip(self.cpu_ids, self.cpus)]
        lines += ["intr 153424 0 0 0 0 0 0", "ctxt 322922",
                  "btime %d" % ((self.wall_ns - self.boot_ns) // NS), "processes 6843",
                  "procs_running 2", "procs_blocked 0", "softirq 115341 0 16653 4 1303 42528"]
        f["proc/stat"] = "\n".join(lines) + "\n"
        f["proc/meminfo"] = "".join(
            "%-16s%8d%s\n" % (k + ":", v, "" if k.startswith("HugePages_") else " kB")
            for k, v in self.meminfo.items())
        f["proc/diskstats"] = "".join(
            "%4d %7d %s %s\n" % (d.major, d.minor, d.name, " ".join(map(str, d.stats)))
            for d in self.disks)
        f["proc/cpuinfo"] = "".join(
            "processor\t: %d\nvendor_id\t: GoldenTest\ncpu MHz\t\t: %.3f\n\n"
            % (i, q[0] / 1000) for i, q in zip(self.cpu_ids, self.freq or []))
        f["proc/uptime"] = "%.2f 1234.56\n" % (self.boot_ns / NS)
        f["proc/sys/kernel/random/boot_id"] = "b5a2c8d0-0d15-4e7b-9a57-60a1de000001\n"
        f["proc/sys/kernel/hostname"] = "pve-golden\n"
        for name, lines in (self.psi or {}).items():
            f["proc/pressure/" + name] = "".join(
                "%s avg10=%.2f avg60=%.2f avg300=%.2f total=%d\n" % ((kind,) + line)
                for kind, line in zip(("some", "full"), lines))
        f["proc/1/net/dev"] = self.net_dev()
        f["proc/1/comm"] = "systemd\n"
        f["proc/1/cmdline"] = b"/sbin/init\0"
        f["proc/1/stat"] = stat_line(1, "systemd", "S", 3, ppid=0)
        f["proc/1/cgroup"] = "0::/init.scope\n"
        f["proc/1/ns/net"] = ("link", "net:[4026531840]")
        f["proc/2/comm"] = "kthreadd\n"
        f["proc/2/cmdline"] = b""
        f["proc/2/stat"] = stat_line(2, "kthreadd", "S", 3, ppid=0)
        for pid, files in self.processes.items():
            for name, value in files.items():
                f["proc/%d/%s" % (pid, name)] = value

    def net_dev(self, nics=None):
        lines = ["Inter-|   Receive                                                |  Transmit",
                 " face |bytes    packets errs drop fifo frame compressed multicast|bytes    "
                 "packets errs drop fifo colls carrier compressed"]
        for n in self.nics if nics is None else nics:
            lines.append("%6s: %7d %7d %4d %4d %4d %5d %10d %9d %8d %7d %4d %4d %4d %5d %7d %10d"
                         % ((n.name,) + tuple(n.rx) + tuple(n.tx)))
        return "\n".join(lines) + "\n"

    def _sys(self, f):
        f["sys/class/dmi/id/product_uuid"] = "9d8c7b6a-1122-3344-5566-77889900aabb\n"
        f["sys/devices/system/cpu/online"] = "0-%d\n" % (len(self.cpus) - 1)
        for i, quad in zip(self.cpu_ids, self.freq or []):
            base = "sys/devices/system/cpu/cpu%d/cpufreq/" % i
            for name, value in zip(("scaling_cur_freq", "cpuinfo_min_freq", "cpuinfo_max_freq"),
                                   quad):
                f[base + name] = "%d\n" % value
        for n in self.nics:
            base = "sys/class/net/%s/" % n.name
            f[base + "operstate"] = ("up" if n.up else "down") + "\n"
            f[base + "carrier"] = "%d\n" % n.up
            f[base + "mtu"] = "1500\n"
            if n.speed is not None:
                f[base + "speed"] = "%d\n" % n.speed
            if n.physical:
                f[base + "device/vendor"] = "0x8086\n"
        for d in self.disks:
            if not d.sysfs:
                continue
            base = "sys/block/%s/" % d.name
            f[base + "dev"] = "%d:%d\n" % (d.major, d.minor)
            f[base + "size"] = "1953525168\n"
            if d.dm:
                f[base + "dm/name"], f[base + "dm/uuid"] = (x + "\n" for x in d.dm)
            elif d.device:
                f[base + "device/type"] = "0\n"

    def _vm(self, f, vm):
        base = "proc/%d/" % vm.pid
        cpu_ticks = (vm.dead_run + sum(t.run for t in vm.threads)) * TICKS // NS
        f[base + "stat"] = stat_line(vm.pid, vm.comm, "S", vm.start, faults=vm.faults,
                                     cpu_ticks=cpu_ticks, threads=len(vm.threads),
                                     vsize=vm.vsize, rss=vm.rss_pages, blkio=vm.blkio)
        f[base + "comm"] = vm.comm + "\n"
        f[base + "cmdline"] = vm.args()
        f[base + "status"] = "Name:\t%s\nTgid:\t%d\nPid:\t%d\nThreads:\t%d\n" % (
            vm.comm, vm.pid, vm.pid, len(vm.threads))
        if vm.io is not None:
            f[base + "io"] = "".join("%s: %d\n" % kv for kv in vm.io.items())
        f[base + "cgroup"] = vm.cgroup_text or "0::%s\n" % vm.cgroup
        f[base + "net/dev"] = f["proc/1/net/dev"]
        f[base + "ns/net"] = ("link", "net:[4026531840]")
        f[base + "exe"] = ("link", "/usr/bin/qemu-system-x86_64")
        leader = next((t for t in vm.threads if t.tid == vm.pid), None)
        if leader:
            f[base + "schedstat"] = "%d %d %d\n" % (leader.run, leader.wait, leader.slices)
        for t in vm.threads:
            task = base + "task/%d/" % t.tid
            f[task + "comm"] = t.comm + "\n"
            f[task + "schedstat"] = "%d %d %d\n" % (t.run, t.wait, t.slices)
            f[task + "stat"] = stat_line(t.tid, t.comm, t.state, t.start or vm.start,
                                         cpu_ticks=t.run * TICKS // NS, threads=len(vm.threads),
                                         vsize=vm.vsize, rss=vm.rss_pages, cpu=t.cpu)
        f["etc/pve/qemu-server/%d.conf" % vm.vmid] = vm.conf()
        if vm.has_pid_file:
            f["run/qemu-server/%d.pid" % vm.vmid] = "%d\n" % vm.pid
        if vm.qmp:
            f["run/qemu-server/%d.qmp.json" % vm.vmid] = json.dumps(vm.script(), indent=1) + "\n"
        for path, text in vm.cgroup_files.items():
            f["sys/fs/cgroup/" + path.lstrip("/")] = text
        for name, value in vm.override.items():
            f[base + name] = value

    def write(self, outdir):
        os.makedirs(outdir)
        with open(os.path.join(outdir, "clock"), "w") as out:
            out.write("%d %d\n" % (self.boot_ns, self.wall_ns))
        for path, value in self.files().items():
            full = os.path.join(outdir, path)
            os.makedirs(os.path.dirname(full), exist_ok=True)
            if isinstance(value, tuple):
                os.symlink(value[1], full)
                continue
            if isinstance(value, str):
                value = value.encode("utf-8", "surrogateescape")
            with open(full, "wb") as out:
                out.write(value)
