# SPDX-License-Identifier: Apache-2.0
"""The VMs of a fixture: which there are, and their raw values tick by tick.

Written from the definitions: Proxmox VE's files, QMP's documentation, sched-stats.rst,
and the rules that the metrics' help texts state.
"""
import os
import re

import fakeroot
from host_model import host_name
from pve_model import describe
from values import About, Row, Text
from vm_threads_model import Threads, vcpu_number

NS = 10**9
PERIOD = NS // 10  # of a CPU limit, cpu.max
PAGE = os.sysconf("SC_PAGE_SIZE")

STATES = {
    "running": "running", "paused": "paused", "inmigrate": "migrating in",
    "io-error": "blocked", "guest-panicked": "crashed", "internal-error": "crashed",
    "shutdown": "shutting down", "suspended": "suspended",
}
BLOCKSTATS = {"VD_RD_OPS": "rd_operations", "VD_WR_OPS": "wr_operations",
              "VD_RD_BYTES": "rd_bytes", "VD_WR_BYTES": "wr_bytes",
              "VD_FL_OPS": "flush_operations", "VD_RD_NS": "rd_total_time_ns",
              "VD_WR_NS": "wr_total_time_ns", "VD_FL_NS": "flush_total_time_ns"}
IO = {"IO_READ": "read_bytes", "IO_WRITE": "write_bytes", "IO_RCHAR": "rchar",
      "IO_WCHAR": "wchar", "IO_CANCELLED": "cancelled_write_bytes", "IO_SYSCR": "syscr",
      "IO_SYSCW": "syscw"}


# ---- what QMP says ----

class Reading:
    """The latest answer of a QEMU and the one before, with their times."""

    def __init__(self):
        self.now = self.before = None  # (time ns, values)

    def take(self, time, values):
        if values is not None:
            self.before, self.now = self.now, (time, values)


def qmp_disk_name(entry):
    name = entry.get("device") or ""
    if name:
        return name[len("drive-"):] if name.startswith("drive-") else name
    m = re.match(r"/machine/peripheral/([^/]+)", entry.get("qdev") or "")
    return m.group(1) if m else entry.get("qdev")


def qmp_number(value):
    """Only a JSON integer of 64 bits is one."""
    good = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < fakeroot.U64
    return value if good else None


def balloon_values(answers, wall_ns):
    """query-balloon with Proxmox VE's additions, or the guest-stats of the balloon."""
    b = answers.get("query-balloon")
    if not isinstance(b, dict):
        return None
    out = {"RAM_BALLOON": b["actual"] // 1024}
    guest = {"free": b.get("free_mem"), "total": b.get("total_mem"),
             "in": b.get("mem_swapped_in"), "out": b.get("mem_swapped_out"),
             "updated": b.get("last_update")}
    stats = next((v for k, v in answers.items() if k.startswith("qom-get ")), None)
    if "max_mem" not in b and stats:
        s = stats["stats"]
        guest = {"free": s.get("stat-free-memory"), "total": s.get("stat-total-memory"),
                 "usable": s.get("stat-available-memory"), "in": s.get("stat-swap-in"),
                 "out": s.get("stat-swap-out"), "updated": stats.get("last-update")}
    guest = {k: v for k, v in guest.items() if v is not None and v < fakeroot.U64}
    # A guest that does not say anything new for a minute is not to be believed.
    if guest.get("updated") and abs(wall_ns // NS - guest["updated"]) <= 60:
        for key, metric in (("free", "RAM_FREE"), ("total", "RAM_GUEST"),
                            ("usable", "RAM_USABLE")):
            if key in guest:
                out[metric] = guest[key] // 1024
        for key, metric in (("in", "RAM_SWAPIN"), ("out", "RAM_SWAPOUT")):
            if key in guest:
                out[metric] = guest[key]
    return out


# ---- one VM over the ticks ----

class Memory:
    """What the agent remembers of one run of one VM."""

    def __init__(self):
        self.threads = Threads()
        self.balloon, self.disks = Reading(), Reading()
        self.state = None
        self.throttled, self.limited = None, 0
        self.excess = self.limit_slack = 0


class Agent:
    def __init__(self):
        self.memory = {}

    def look(self, root, clock, host, options):
        boot_id = root.line("proc/sys/kernel/random/boot_id")
        rows, memory = [], {}
        for d in describe(root):
            key = (d.uuid(root), boot_id, d.process.pid, d.process.start)
            memory[key] = self.memory.get(key) or Memory()
            rows.append(VmTick(root, clock, host, options, d, memory[key], key).row)
        self.memory = memory
        return rows


class VmTick:
    def __init__(self, root, clock, host, options, d, memory, key):
        self.root, self.clock, self.host, self.d, self.memory = root, clock, host, d, memory
        self.options = options
        self.pid = d.process.pid
        self.row = Row(key)
        self.row.below = {"VCPU": [], "VM_DISK": [], "VM_NIC": []}
        self.identity(key[0])
        self.process()
        self.cgroups()
        self.cpu()
        self.ask()
        self.disks()
        self.nics()

    def identity(self, uuid):
        v, d = self.row.v, self.d
        v["UUID"], v["NAME"] = Text(uuid), Text(d.name())
        v["VMID"] = d.vmid or None
        v["TAGS"] = Text(d.conf["tags"]) if (d.conf or {}).get("tags") else None
        v["HYPERVISOR"], v["PID"] = d.hypervisor, self.pid
        v["UPTIME"] = (self.clock[0] - d.process.start * (NS // 100)) // NS
        v["HOST_NAME"] = host_name(self.root)
        v["CPU_CORES"] = d.cores()
        v["RAM_TOTAL"] = d.memory_kib()

    def process(self):
        v, stat = self.row.v, self.d.process.stat
        v["RAM_VSIZE"] = stat.get(23)
        v["RAM_RSS"] = None if stat.get(24) is None else stat[24] * PAGE
        v["RAM_MINFLT"], v["RAM_CMINFLT"] = stat.get(10), stat.get(11)
        v["RAM_MAJFLT"], v["RAM_CMAJFLT"] = stat.get(12), stat.get(13)
        v["VD_DELAYBLKIO"] = stat.get(42)
        io = fakeroot.pid_io(self.root.text("proc/%d/io" % self.pid))
        for metric, name in IO.items():
            v[metric] = io.get(name)

    # ---- cgroups ----

    def cgroup_dirs(self):
        paths = fakeroot.cgroups(self.root.text("proc/%d/cgroup" % self.pid))
        base = "sys/fs/cgroup/"
        v2 = [b + paths.get("", "/none").lstrip("/") for b in (base, base + "unified/")]
        v1 = [base + c + paths.get("cpu", "/none") for c in ("cpu", "cpu,cpuacct", "cpuacct,cpu")]

        def first(dirs):
            dirs = [re.sub(r"(/libvirt)?/emulator$", "", d) for d in dirs]
            return next((d for d in dirs if self.root.exists(d + "/cgroup.procs")), None)
        return first(v2), first(v1)

    def cgroups(self):
        v2, v1 = self.cgroup_dirs()
        if v2:
            for file, name in (("cpu", "CPU"), ("io", "IO"), ("memory", "MEM")):
                found = fakeroot.psi(self.root.text("%s/%s.pressure" % (v2, file)))
                for kind in found:
                    if (kind, name) != ("full", "CPU"):
                        self.row.v["VPSI_%s_%s" % (kind.upper(), name)] = found[kind]["total"]
        self.limits = []
        for d in filter(None, (v2, v1)):
            below = [d] + ["%s/%s" % (d, n) for n in self.root.list(d) if n.startswith("vcpu")]
            for cgroup in below:
                limit = self.root.text(cgroup + "/cpu.max") or self.root.text(
                    cgroup + "/cpu.cfs_quota_us")
                if limit and limit[0].isdigit():
                    self.limits.append(cgroup + "/cpu.stat")

    # ---- CPU ----

    def cpu(self):
        v, m = self.row.v, self.memory
        tasks = self.tasks("proc/%d/task" % self.pid)
        foreign = []
        for pid in self.root.pids():
            if self.root.line("proc/%d/comm" % pid) == "vhost-%d" % self.pid:
                foreign += self.tasks("proc", [pid])
        t = m.threads
        t.look(self.clock[0], tasks, foreign, self.d.process.stat)
        for n, vcpu in sorted(t.vcpus.items()):
            row = Row(("vcpu", n, vcpu.tid), VCPU=n)
            if vcpu.readable:
                row.v.update(RUN=vcpu.run, WAIT=vcpu.wait, SLICES=vcpu.slices,
                             CPU_LAST=vcpu.last_cpu(self.clock[0]))
            self.row.below["VCPU"].append(row)
        # What runs is the truth, the configuration may be of tomorrow.
        named = {vcpu_number(task[2]) for task in tasks} - {None}
        if named:
            v["CPU_CORES"] = len(named)
        if not t.vcpus:
            return
        v["OTHER_RUN"] = About(t.other_run, t.slack) if t.slack else t.other_run
        v["OTHER_WAIT"] = t.other_wait
        v["VHOST_RUN"], v["IOTHREAD_RUN"] = t.vhost_run, t.iothread_run
        self.limit()

    def tasks(self, base, tids=None):
        out = []
        for tid in self.root.pids(base) if tids is None else tids:
            path = "%s/%d/" % (base, tid)
            sched = fakeroot.schedstat(self.root.text(path + "schedstat"))
            stat = fakeroot.pid_stat(self.root.text(path + "stat"))
            comm = self.root.line(path + "comm")
            if stat and comm is not None:
                out.append((tid, stat[22], comm, sched, stat))
        return out

    def limit(self):
        """Of the waiting time, what the kernel held the cgroup back; not more than the
        wait.  A VM without a limit waits for others only."""
        t, m = self.memory.threads, self.memory
        if self.limits:
            found = [fakeroot.throttled_ns(self.root.text(f)) for f in self.limits]
            now = None if None in found else sum(found)
            if now is not None and m.throttled is not None and now >= m.throttled:
                held = min(now - m.throttled, t.last_wait)
                m.limited += held
                # The kernel's two clocks may be a period apart.
                m.limit_slack += min(PERIOD, m.excess, t.last_wait - held)
                m.excess = now - m.throttled - held
            m.throttled = self.row.v["THROTTLED"] = now
            if now is not None:
                self.row.v["LIMITED"] = (About(m.limited, m.limit_slack) if m.limit_slack
                                         else m.limited)
        elif self.limits_known():
            self.row.v["LIMITED"] = m.limited

    def limits_known(self):
        """Outside the reader's cgroup namespace nothing can be told."""
        text = self.root.text("proc/%d/cgroup" % self.pid)
        return bool(fakeroot.cgroups(text))

    # ---- QMP ----

    def ask(self):
        m, d = self.memory, self.d
        self.answered = False
        if d.hypervisor == "proc":
            # Nobody asks any more; should somebody again, it is a new beginning.
            m.balloon, m.disks, m.state = Reading(), Reading(), None
        mode, answers = None, {}
        if d.hypervisor == "proxmox":
            mode, answers = fakeroot.script(self.root, d.vmid)
        migrating = d.hypervisor == "proxmox" and d.conf is None and "-incoming" in d.process.args
        if migrating:
            self.row.v["STATE"] = "migrating in"
        if (mode == "answer" and not d.lock() and not migrating and
                isinstance(answers["query-status"], dict) and
                all(isinstance(e, dict) for e in answers["query-blockstats"])):
            self.answered = True
            m.balloon.take(self.clock[0], balloon_values(answers, self.clock[1]))
            described = [name for name, _, _ in d.disks()]
            m.disks.take(self.clock[0], {
                qmp_disk_name(e): {k: qmp_number(e["stats"].get(f))
                                   for k, f in BLOCKSTATS.items()}
                for e in answers["query-blockstats"] if qmp_disk_name(e) in described})
            m.state = STATES.get(answers["query-status"].get("status"))
        # A vCPU that runs is a better witness than an answer of a while ago.
        if m.threads.vcpus_ran and (self.row.v.get("STATE") or m.state) in (
                None, "paused", "migrating in"):
            self.row.v["STATE"] = "running"
        elif not migrating:
            self.row.v["STATE"] = m.state
        self.own_time(self.row, m.balloon, lambda values: values)

    def own_time(self, row, reading, pick):
        """Values with their own interval; absent when the last question failed."""
        if not self.answered or not reading.now or reading.now[0] != self.clock[0]:
            return
        now = pick(reading.now[1]) or {}
        row.v.update(now)
        if not reading.before:
            before, seconds = {}, None
        else:
            before = pick(reading.before[1]) or {}
            seconds = (reading.now[0] - reading.before[0]) / NS
        for metric in now:
            row.own[metric] = (before.get(metric), seconds)

    # ---- disks and NICs ----

    def disks(self):
        for name, device, capacity in self.d.disks():
            row = Row(("disk", name), DISK_NAME=Text(name), DISK_DEVICE=Text(device),
                      VD_CAPACITY=capacity)
            self.backing(row, device)
            self.row.below["VM_DISK"].append(row)
        for row in self.row.below["VM_DISK"]:
            name = row.key[1]
            self.own_time(row, self.memory.disks, lambda values, n=name: values.get(n))

    def backing(self, row, device):
        """options: backing=NAME says which host disk the work directory is said to be on."""
        path = device.lstrip("/")
        if not device.startswith("/") or not self.root.exists(path):
            return
        length = os.stat(os.path.join(self.root.path, path)).st_size
        row.v["VD_PHYSICAL"] = length
        row.v["VD_ALLOCATION"] = About(length, 1 << 20)
        name = os.path.basename(self.options.get("backing", ""))
        for _, _, disk, columns in fakeroot.diskstats(self.root.text("proc/diskstats")):
            if disk == name:
                row.v["DISK_BACKING"] = name
                row.v["VD_BACKBUSY"] = columns[9]
                row.v["VD_BACKOPS"] = columns[0] + columns[4]

    def nics(self):
        lines = {name: (rx, tx) for name, rx, tx in
                 fakeroot.net_dev(self.root.text("proc/%d/net/dev" % self.pid))}
        for tap, mac, bridge in self.d.nics():
            row = Row(("nic", tap), NIC_NAME=Text(tap) if tap else None,
                      NIC_MAC=Text(mac) if mac else None,
                      NIC_BRIDGE=Text(bridge) if bridge else None)
            if tap in lines:
                rx, tx = lines[tap]
                row.v.update(guests_view(rx, tx))
            self.row.below["VM_NIC"].append(row)


def guests_view(rx, tx):
    """What the tap received is what the guest sent.  Errors that only one direction of
    an interface has (framing, multicast; collisions, carrier) have no counterpart on
    the other side of the tap."""
    out = {}
    for name, value in zip(("BYTES", "PACKETS", "ERRS", "DROP", "FIFO", None, "COMPRESSED"), rx):
        if name:
            out["VN_TX_" + name] = value
    for name, value in zip(("BYTES", "PACKETS", "ERRS", "DROP", "FIFO", None, None,
                            "COMPRESSED"), tx):
        if name:
            out["VN_RX_" + name] = value
    return out
