# SPDX-License-Identifier: Apache-2.0
"""The cases: each is a generator that yields the host once per tick."""
from fixture_host import NS, Disk, Host, Nic, Thread, VmDisk, stat_line
from standard import (MAC, V2, go_host, go_small, go_web, pve_balloon, small,
                      standard_devices, vhost_process, web)


def normal():
    h = Host()
    standard_devices(h)
    vm = web(h)
    db = small(h, 101, 4200, "db01")
    db.balloon = {"actual": 1024 << 20}
    db.balloon_path = "/machine/peripheral/balloon0"
    db.guest_stats = {"stats": {"stat-swap-out": 81_920, "stat-available-memory": 700 << 20,
                                "stat-free-memory": 300 << 20, "stat-minor-faults": 6_656,
                                "stat-major-faults": 0, "stat-total-memory": 980 << 20,
                                "stat-swap-in": 0, "stat-htlb-pgfail": 2**64 - 1},
                      "last-update": h.wall_ns // NS - 2}
    # vhost as kernels before 6.4 have it: a kernel thread of its own.
    h.processes[4300] = vhost_process(4300, db.pid, 50_000_000, 2_000_000)
    # A guest that crashed long ago still has its last numbers.
    old = small(h, 102, 4500, "stuck")
    old.balloon = pve_balloon(h, 1024 << 20, 500 << 20, 900 << 20, 0, 0, age=7_200)
    yield h
    for n, seconds in ((1, 1.0), (2, 2.0)):
        go_host(h, seconds)
        go_web(h, vm, n)
        go_small(h, db, n)
        go_small(h, old, n)
        db.guest_stats["stats"]["stat-swap-out"] += 8_192 * n
        db.guest_stats["stats"]["stat-available-memory"] -= n << 20
        db.guest_stats["last-update"] = h.wall_ns // NS - 1
        h.processes[4300] = vhost_process(4300, db.pid, 50_000_000 + 70_000_000 * n,
                                          2_000_000 + 500_000 * n)
        yield h


def no_psi():
    """A kernel with psi=0: no files, and no directory."""
    h = Host()
    standard_devices(h)
    h.psi = {}
    vm = web(h)
    for n in (0, 1, 2):
        if n:
            go_host(h, 1.0)
            go_web(h, vm, n)
        vm.cgroup_files = {k: v for k, v in vm.cgroup_files.items() if ".pressure" not in k}
        yield h


ODD_NAMES = [
    b'say "hello" \\ world', "größer ☃ 🐧 ｗｉｄｅ".encode(), b"123", b"nan", b"true", b"null",
    b"-Infinity", b"bell\x07tab\tesc\x1b[31mred\x7f", b"c1 \xc2\x85\xc2\x9b",
    b"bad \xff\xfe utf8 \xc3( \xe2\x82 cut", b"%s%n%d %%", b"</script><b>&amp;",
    b"{\"a\":[1,2", b"x" * 300, ("ü" * 200).encode(), b"comma,equal=space end",
    b"$(reboot) `id` ;|&", b"0x10", b"1e400", b"\xed\xa0\x80 surrogate \xf4\x90\x80\x80",
]


def odd_names():
    h = Host()
    standard_devices(h)
    h.disks[4].dm = ('pve-"quoted"--\\disk', h.disks[4].dm[1])
    h.disks[5].dm = ("mpath\u00fc \u2603", h.disks[5].dm[1])
    for i, name in enumerate(ODD_NAMES):
        vm = small(h, 200 + i, 5000 + 100 * i, name.decode("utf-8", "surrogateescape"))
        vm.cmdline = vm_cmdline_plain(vm)
        vm.tags = name.decode("utf-8", "surrogateescape") if i % 2 else None
        vm.disks[0].volume = "dir:%d/ü \"quote\" \\ vm" % vm.vmid
    # A name line that is empty, and a UUID that is none.
    vm = small(h, 250, 8000, None)
    vm.uuid = "not-a-uuid"
    vm.cmdline = vm_cmdline_plain(vm, uuid=False)
    yield h
    for n in (1, 2):
        go_host(h, 1.0)
        for vm in h.vms:
            go_small(h, vm, n)
        yield h


def vm_cmdline_plain(vm, uuid=True):
    words = ["/usr/bin/kvm", "-id", str(vm.vmid), "-name", "vm%d,debug-threads=on" % vm.vmid]
    if uuid:
        words += ["-smbios", "type=1,uuid=" + vm.uuid]
    return "\0".join(words).encode() + b"\0"


def many_cpus():
    h = Host(cpus=1100)
    standard_devices(h)
    # Two CPUs are off: their directories are there, without a frequency; one is not there.
    h.cpu_ids = [i for i in range(1103) if i not in (7, 500, 640)]
    for gone in (7, 500):
        h.extra["sys/devices/system/cpu/cpu%d/online" % gone] = "0\n"
    h.freq = [(2_000_000 + 1_000 * (i % 901), 800_000, 3_600_000 + 100_000 * (i % 2))
              for i in range(1100)]
    vm = small(h, 100, 4100, "huge", cores=240)
    yield h
    for n in (1, 2):
        go_host(h, 1.0)
        h.spend(idle=109_600)
        go_small(h, vm, n)
        for i, t in enumerate(vm.threads[1:]):
            t.cpu = 4 * i + n
        yield h


def hotplug():
    h = Host()
    standard_devices(h)
    vm = web(h)
    vm.conf_extra = "vcpus: 2\n"
    gone = small(h, 101, 4200, "goes")
    yield h
    # Comes: a vCPU, a worker, a disk with much history, a NIC, a VM, a host disk and NIC.
    go_host(h, 1.0)
    go_web(h, vm, 1)
    go_small(h, gone, 1)
    vm.vcpus(Thread(vm.pid + 30, "CPU 2/KVM", 400_000_000, 90_000_000, 300, "R"),
             Thread(vm.pid + 31, "worker", 120_000_000, 8_000_000, 60))
    vm.conf_extra = "vcpus: 3\n"
    vm.disks.append(VmDisk("scsi2", "local-lvm:vm-100-disk-2", "100G"))
    vm.disks[2].go((9_000_000, 36_864_000_000, 10**13), (8_000_000, 32_768_000_000, 10**13),
                   (1_000, 10**9))
    vm.nics.append((1, "tap100i1", MAC % 2, "vmbr1"))
    h.nics.append(Nic("tap100i1", (10**12, 10**9), (10**12, 10**9)))
    h.nics.append(Nic("enx00", (10**13, 10**10), (10**13, 10**10), physical=True, speed=1_000))
    h.disks.append(Disk("sdb", 8, 16, [10**9] * 17))
    new = small(h, 102, 4600, "comes")
    new.disks[0].go((10**8, 10**12, 10**13), (10**8, 10**12, 10**13), (10**6, 10**12))
    yield h
    # Goes: the first vCPU, the worker (another one is born: as many threads as before), a
    # disk, a NIC, a VM.  What came before has rates now.
    go_host(h, 1.0)
    go_web(h, vm, 2)
    go_small(h, new, 2)
    vm.end_thread(vm.pid + 8)
    vm.thread(vm.pid + 31).run += 180_000_000
    vm.end_thread(vm.pid + 31)
    vm.vcpus(Thread(vm.pid + 40, "worker", 250_000_000, 1_000_000, 40))
    vm.thread(vm.pid + 30).go(500, 20, 90, "S")
    vm.conf_extra = "vcpus: 2\n"
    del vm.disks[1]
    vm.disks.append(VmDisk("scsi3", "local-lvm:vm-100-disk-3", "1G"))
    vm.disks[1].go((50, 204_800, 9_000_000), (7, 28_672, 700_000), (3, 20_000))
    vm.disks[2].go((5, 20_480, 900_000), (0, 0, 0), (0, 0))
    del vm.nics[1]
    h.nics = [x for x in h.nics if x.name != "tap100i1"]
    next(x for x in h.nics if x.name == "enx00").go((12_345_678, 9_999), (2_345_678, 888))
    next(d for d in h.disks if d.name == "sdb").go(reads=50, rsectors=800, rms=90, busy=80)
    h.vms.remove(gone)
    yield h
    # One worker for another: there are as many threads as before.
    go_host(h, 1.0)
    go_web(h, vm, 3)
    vm.thread(vm.pid + 30).go(510, 21, 91, "S")
    vm.thread(vm.pid + 40).run += 90_000_000
    vm.end_thread(vm.pid + 40)
    vm.vcpus(Thread(vm.pid + 41, "worker", 400_000_000, 0, 7))
    vm.disks[2].go((10, 40_960, 1_900_000), (7, 28_672, 800_000), (1, 10_000))
    go_small(h, new, 3)
    yield h
    # And everything goes on.
    go_host(h, 1.0)
    go_web(h, vm, 4)
    vm.thread(vm.pid + 30).go(470, 21, 91, "S")
    vm.thread(vm.pid + 41).go(40, 2, 9)
    vm.disks[2].go((10, 40_960, 1_900_000), (7, 28_672, 800_000), (1, 10_000))
    go_small(h, new, 3)
    yield h


def reset():
    h = Host()
    standard_devices(h)
    vm = web(h)
    yield h
    # Everything that can go back goes back at once.
    go_host(h, 1.0)
    go_web(h, vm, 1)
    for cpu in h.cpus:
        cpu[4] -= 300  # iowait
    h.disks[1].stats = [5, 1, 40, 3, 2, 0, 16, 1, 0, 4, 4] + [0] * 6
    h.nics[1].rx = [1_000, 10, 0, 0, 0, 0, 0, 0]
    h.nics[1].tx = [2_000, 20, 0, 0, 0, 0, 0, 0]
    h.psi["io"] = [(0, 0, 0, 17), (0, 0, 0, 5)]
    vm.io = {k: v // 1_000 for k, v in vm.io.items()}
    vm.faults = [5, 0, 0, 0]
    vm.disks[0] = VmDisk("scsi0", "local-lvm:vm-100-disk-0", "32G", options=",iothread=1")
    vm.disks[0].go((3, 12_288, 1_000), (4, 16_384, 2_000), (1, 500))
    tap = next(x for x in h.nics if x.name == "tap100i0")
    tap.rx, tap.tx = [10, 1] + [0] * 6, [20, 2] + [0] * 6
    vm.balloon["mem_swapped_in"] = 0
    vm.pressure(V2, 5, (6, 4), (0, 0))
    yield h
    # From here on all of it counts again.
    go_host(h, 1.0)
    go_web(h, vm, 2)
    yield h


def pid_reuse():
    h = Host()
    standard_devices(h)
    vm = web(h)
    other = small(h, 101, 4200, "stopped")
    yield h
    # VM 100 was stopped and started, and got the same PID and TIDs: another run of the same
    # VM.  The PID of VM 101 is some other program's now, its pid file is still there.
    go_host(h, 1.0)
    restart(h, vm, 862_000)
    for t in vm.threads:
        t.run, t.wait, t.slices = t.run + 5_000_000_000, t.wait + 10**9, t.slices + 900
    h.vms.remove(other)
    h.extra["run/qemu-server/101.pid"] = "4200\n"
    h.extra["etc/pve/qemu-server/101.conf"] = other.conf()
    h.processes[4200] = {"cmdline": b"/usr/bin/python3\0-id\x00101\0", "comm": "kvm) x\n",
                         "stat": stat_line(4200, "kvm) x", "S", 863_000),
                         "cgroup": "0::/user.slice\n"}
    yield h
    go_host(h, 1.0)
    go_web(h, vm, 1)
    # A worker ended and its TID is another worker's now, which used more in less time.
    vm.vcpus(Thread(vm.pid + 50, "worker", 10_000_000, 0, 3, start=864_000))
    yield h
    go_host(h, 1.0)
    go_web(h, vm, 2)
    vm.end_thread(vm.pid + 50)
    vm.dead_run += 20_000_000
    vm.vcpus(Thread(vm.pid + 50, "worker", 300_000_000, 9_000_000, 30, start=864_480))
    yield h
    go_host(h, 1.0)
    go_web(h, vm, 3)
    vm.thread(vm.pid + 50).go(60, 1, 7)
    yield h


def restart(h, vm, start):
    vm.start = start
    vm.dead_run = 0
    for t in vm.threads:
        t.run, t.wait, t.slices = t.run // 1_000, t.wait // 1_000, t.slices // 100


def starving():
    h = Host(cpus=2)
    standard_devices(h)
    vm = small(h, 100, 4100, "starves", cores=2)
    pinned = small(h, 101, 4200, "runs")
    total = 50_000
    yield h
    v0, v1 = vm.thread(4110), vm.thread(4111)
    steps = [
        # Ready, never on a CPU: nothing moves.  The other one sleeps: nothing moves either.
        (1.0, lambda: (v0.go(0, 0, 0, "R"), v1.go(0, 0, 0, "S"))),
        # Still starving; the other one works.
        (1.0, lambda: (v0.go(0, 0, 0, "R"), v1.go(400, 10, 50, "S"))),
        # It got its CPU: the kernel adds the 2.6 s that it waited by now.
        (1.0, lambda: (v0.go(100, 2_600, 2, "R"), v1.go(300, 20, 50, "S"))),
        # As usual.
        (1.0, lambda: (v0.go(500, 480, 90, "R"), v1.go(0, 0, 0, "S"))),
        # A wait that had begun when nobody could know: more than there was room for; what
        # is too much is shown in the next one.
        (1.0, lambda: (v0.go(300, 1_200, 5, "R"), v1.go(10, 0, 5, "S"))),
        (1.0, lambda: (v0.go(200, 100, 5, "S"), v1.go(10, 0, 5, "S"))),
    ]
    for n, (seconds, step) in enumerate(steps, 1):
        go_host(h, seconds)
        step()
        vm.thread(4100).go(5, 1, 4)
        total += 900_000
        vm.pressure(V2, total, (2_000, 1_000), (0, 0))
        go_small(h, pinned, n)
        yield h


def limited_steps(h, vm, throttle):
    """(run, wait of each vCPU, throttled) in ms, per tick."""
    t = 0
    for run, wait, held in ((500, 480, 900),   # held back most of the time it waited
                            (300, 200, 0),     # waits for others only
                            (400, 100, 5_000),  # held back longer than anyone waited
                            (450, 150, 0)):    # again only others: nothing is left over
        go_host(h, 1.0)
        for v in vm.threads[1:]:
            v.go(run, wait, 90, "R")
        t += held
        throttle(t)
        vm.pressure(V2, 10_000 + 1_000 * t + run, (2_000, 1_000), (0, 0))
        yield h


def limit():
    h = Host()
    standard_devices(h)
    vm = small(h, 100, 4100, "limited", cores=2)
    free = small(h, 101, 4200, "unlimited")
    vm.cgroup_files[vm.cgroup + "/cpu.max"] = "100000 100000\n"
    free.cgroup_files[free.cgroup + "/cpu.max"] = "max 100000\n"
    vm.cpu_stat(V2, 77_000, nr=(10, 5))
    free.cpu_stat(V2, 5_000)
    yield h
    for n, _ in enumerate(limited_steps(h, vm, lambda ms: vm.cpu_stat(
            V2, 77_000 + 1_000 * ms, nr=(100, 50))), 1):
        go_small(h, free, n)
        # A number that grows without a limit is no limit of this VM.
        free.cpu_stat(V2, 5_000 + 300_000 * n)
        yield h


def limit_v1():
    """cgroup v1, as libvirt lays it out, v2 beside it without controllers."""
    h = Host()
    standard_devices(h)
    vm = small(h, 100, 4100, "limited", cores=2)
    vm.cgroup_text = ("12:cpu,cpuacct:/machine/qemu-1-vm.libvirt-qemu/emulator\n"
                      "4:memory:/machine/qemu-1-vm.libvirt-qemu\n1:name=systemd:/\n0::/\n")
    base = "cpu,cpuacct/machine/qemu-1-vm.libvirt-qemu"

    def throttle(ms):
        quota = {"": -1, "/emulator": -1, "/vcpu0": 50_000, "/vcpu1": 50_000}
        vm.cgroup_files = {"unified/cgroup.procs": "1\n"}
        for where, us in quota.items():
            d = base + where
            held = ms * 1_000_000 // 2 if us > 0 else 987 * ms
            vm.cgroup_files[d + "/cgroup.procs"] = "4100\n"
            vm.cgroup_files[d + "/cpu.cfs_quota_us"] = "%d\n" % us
            vm.cgroup_files[d + "/cpu.stat"] = (
                "nr_periods 100\nnr_throttled 50\nthrottled_time %d\n"
                "nr_bursts 0\nburst_time 0\n" % (7_000_000 + held))
    throttle(0)
    yield h
    for _ in limited_steps(h, vm, throttle):
        vm.cgroup_files = {k: v for k, v in vm.cgroup_files.items() if "pressure" not in k}
        yield h


def named_devices():
    """--netdev and --storedev make the host's sums."""
    h = Host()
    standard_devices(h)
    h.options = {"netdev": "vmbr0,tap100i0", "storedev": "mpatha,sda3,dm-0"}
    vm = web(h)
    yield h
    for n in (1, 2):
        go_host(h, 1.0)
        h.disks[2].go(reads=9, rsectors=72, rms=4, writes=3, wsectors=24, wms=8, busy=11, queue=12)
        h.disks[5].go(reads=90, rsectors=720, rms=40, writes=30, wsectors=240, wms=80, busy=110,
                      queue=120)
        go_web(h, vm, n)
        yield h


def backing():
    """Images in files: the device below is shared, and each VM has its part of it."""
    h = Host()
    standard_devices(h)
    h.options = {"backing": "../../devices/pci0000:00/0000:00:1f.2/ata1/host0/block/sda"}
    vms = [web(h), small(h, 101, 4200, "db01")]
    for vm in vms:
        for i, d in enumerate(vm.disks):
            path = "/var/lib/vz/images/%d/vm-%d-disk-%d.raw" % (vm.vmid, vm.vmid, i)
            d.volume = "local:%d/vm-%d-disk-%d.raw" % (vm.vmid, vm.vmid, i)
            h.extra[path[1:]] = b"\0" * (65_536 * (1 + i) + 512)
            vm.cmdline = vm.args() + b"-drive\0file=%s,if=none,id=drive-%s,format=raw\0" % (
                path.encode(), d.name.encode())
    yield h
    for n in (1, 2, 3):
        go_host(h, 1.0)
        go_web(h, vms[0], n)
        go_small(h, vms[1], n)
        if n == 2:
            # More than the device did in all: merged below, or the clocks differ.
            vms[0].disks[0].go((900, 3_686_400, 9_000_000), (0, 0, 0), (0, 0))
        yield h


def vm_states():
    """Paused, locked, on its way in, by hand, cloned, stale."""
    h = Host()
    standard_devices(h)
    paused = small(h, 100, 4100, "paused")
    paused.status = "paused"
    locked = small(h, 101, 4200, "locked")
    locked.lock = "backup"
    locked.qmp_mode = "garbage"  # must not be asked
    clone = small(h, 102, 4300, "clone-a")
    twin = small(h, 103, 4400, "clone-b")
    twin.uuid = clone.uuid
    blocked = small(h, 104, 4500, "full-disk")
    blocked.status = "io-error"
    coming = small(h, 105, 4600, "coming")
    coming.status = "inmigrate"
    coming.qmp_mode = "garbage"  # must not be asked
    coming.cmdline = coming.args() + b"-incoming\0unix:/run/qemu-server/105.migrate\0"
    snaps = small(h, 106, 4700, "snapshots", cores=2)
    snaps.conf_sections = ("\n[PENDING]\ncores: 8\nmemory: 9999\n\n[before-upgrade]\n"
                           "cores: 16\nmemory: 77\nname: old-name\ntags: old\n"
                           "smbios1: uuid=ffffffff-ffff-ffff-ffff-ffffffffffff\n")
    by_hand = small(h, 900, 4800, "by-hand")
    by_hand.has_pid_file = by_hand.qmp = False
    by_hand.cmdline = (b"qemu-system-x86_64\0-name\0guest=by-hand,debug-threads=on\0-uuid\0"
                       b"11111111-2222-3333-4444-555555555555\0-m\x00512\0-smp\x001\0")
    # Two interfaces of QEMU's user network: nothing of them is seen on the host.
    snaps.nics = [(0, None, MAC % 7, None), (1, None, MAC % 8, None)]
    h.missing = {"etc/pve/qemu-server/105.conf", "etc/pve/qemu-server/900.conf"}
    h.extra["run/qemu-server/107.pid"] = "999999\n"
    h.extra["etc/pve/qemu-server/107.conf"] = "name: stale\n"
    h.extra["run/qemu-server/104.swtpm.pid"] = "4100\n"
    yield h
    for n in (1, 2):
        go_host(h, 1.0)
        for vm in h.vms:
            if vm not in (paused, blocked, coming):
                go_small(h, vm, n)
        yield h
