# SPDX-License-Identifier: Apache-2.0
"""The cases: each is a generator that yields the host once per tick."""
from hostmodel import NS, Disk, Host, Nic, Thread, Vm, VmDisk, stat_line

V2 = ""            # cgroup v2 alone is mounted at sys/fs/cgroup
UUID = "4dea22b3-1d52-d8f3-2516-782e98ab3%03d"
MAC = "BC:24:11:00:00:%02X"


def standard_devices(h):
    h.disks = [
        Disk("loop0", 7, 0, (9, 0, 72, 1), device=False),
        Disk("sda", 8, 0, (31_702, 6_462, 2_746_778, 11_688, 12_151, 6_505, 1_407_528, 2_948,
                           0, 5_540, 15_039, 5_458, 50, 160_120, 324, 2_112, 77)),
        Disk("sda3", 8, 3, (31_000, 6_400, 2_700_000, 11_000, 12_000, 6_500, 1_400_000, 2_900,
                            0, 5_500, 15_000), sysfs=False),
        Disk("nvme0n1", 259, 0, (900_100, 12, 57_606_400, 90_010, 700_007, 44, 44_800_448,
                                 70_001, 3, 66_000, 161_000)),
        Disk("dm-0", 252, 0, (38_000, 0, 2_746_000, 18_000, 18_500, 0, 1_407_000, 9_000, 0,
                              5_400, 27_000),
             dm=("pve-vm--100--disk--0", "LVM-dGhpcyBpcyBub3QgcmVhbGx5IGEgVVVJRA")),
        Disk("dm-1", 252, 1, (5_000, 0, 40_000, 700, 6_000, 0, 48_000, 900, 0, 1_000, 1_600),
             dm=("mpatha", "mpath-3600a098000aa0000000000000000001")),
        Disk("dm-2", 252, 2, (1, 0, 8, 1, 1, 0, 8, 1, 0, 2, 2), dm=("crypt", "CRYPT-LUKS2-x")),
    ]
    h.nics = [
        Nic("lo", (5_538_797, 97_221), (5_538_797, 97_221)),
        Nic("eno1", (61_141_998_112, 52_152_118, 3, 17, 0, 1, 0, 100_322),
            (48_117_704, 401_630, 0, 2, 0, 0, 1, 0), physical=True, speed=10_000),
        Nic("eno2", physical=True, speed=-1, up=False),
        Nic("vmbr0", (3_843_840, 40_789, 0, 0, 0, 0, 0, 13), (48_082_610, 31_127), speed=10_000),
    ]


def go_host(h, seconds):
    """The host does about the same in each second."""
    h.pass_time(seconds)
    n = round(seconds * 100)
    h.spend(user=61 * n // 100, system=23 * n // 100, idle=3 * n - n // 5, iowait=n // 5,
            softirq=n // 50, nice=n // 25, irq=n // 100, steal=n // 20, guest=40 * n // 100)
    for d in h.disks:
        if d.name == "sda":
            d.go(reads=121 * n // 100, rmerged=5, rsectors=9_680 * n // 100, rms=77 * n // 100,
                 writes=60 * n // 100, wmerged=31, wsectors=4_808, wms=402, inflight=2,
                 busy=433 * n // 100, queue=1_290 * n // 100)
        if d.name == "nvme0n1":
            d.go(reads=2_011, rsectors=130_816, rms=207, writes=900, wsectors=72_008, wms=81,
                 inflight=1, busy=90, queue=288)
        if d.name == "dm-0":
            d.go(reads=100, rsectors=8_000, rms=70, writes=50, wsectors=4_000, wms=400,
                 busy=350, queue=470)
    for nic in h.nics:
        if nic.name == "eno1":
            nic.go((125_000_001, 90_017, 1, 2, 0, 1, 3, 44), (7_777_777, 5_003, 2, 1, 4, 5, 6, 7))
        if nic.name == "vmbr0":
            nic.go((7_000_000, 5_000), (118_000_000, 88_000))
    h.meminfo["MemFree"] -= 4_096
    h.meminfo["MemAvailable"] -= 2_048
    if h.psi:
        h.press(cpu=(120_345, 0), io=(88_001, 40_404), memory=(300, 200))


def web(h, vmid=100, pid=4100):
    """A VM with everything: iothread, vhost thread of QEMU, two disks, balloon."""
    vm = Vm(vmid, "web01", pid, UUID % vmid, 378_500)
    vm.tags = "prod;web"
    vm.vcpus(Thread(pid, "kvm", 608_563_585, 852_156_327, 11_389),
             Thread(pid + 2, "call_rcu", 77_969_132, 138_012_815, 140),
             Thread(pid + 4, "IO iothread-virt", 175_818_130, 195_950_137, 7_961),
             Thread(pid + 7, "IO mon_iothread", 701_791, 1_576_428, 5),
             Thread(pid + 8, "CPU 0/KVM", 3_841_369_538, 1_997_743_989, 10_900, cpu=1),
             Thread(pid + 9, "CPU 1/KVM", 7_280_810_111, 1_717_391_444, 7_232, cpu=3),
             Thread(pid + 10, "vhost-%d" % pid, 90_000_000, 1_000_000, 5_000))
    vm.disks = [VmDisk("scsi0", "local-lvm:vm-%d-disk-0" % vmid, "32G", options=",iothread=1"),
                VmDisk("virtio1", "local-lvm:vm-%d-disk-1" % vmid, "1.5T", new_style=True)]
    vm.disks[0].go((4_354, 17_830_400, 209_309_119), (1_096, 71_827_456, 136_427_274), (12, 9_000))
    vm.disks[1].go((100, 409_600, 1_000_000), (200, 819_200, 4_000_000), (0, 0))
    vm.nics = [(0, "tap%di0" % vmid, MAC % 1, "vmbr0")]
    h.nics.append(Nic("tap%di0" % vmid, (28_612, 412, 0, 1, 0, 0, 0, 9), (24_043_768, 578)))
    vm.balloon = pve_balloon(h, 4096 << 20, 1_000 << 20, 3_900 << 20, 8_192, 0)
    vm.cpu_stat(V2, 0)
    vm.cgroup_files[V2 + vm.cgroup + "/cpu.max"] = "max 100000\n"
    vm.cgroup_files[V2 + vm.cgroup + "/cgroup.procs"] = "%d\n" % pid
    vm.pressure(V2, 7_000_123, (44_000, 33_000), (0, 0))
    h.vms.append(vm)
    return vm


def pve_balloon(h, actual, free, total, swapped_in, swapped_out, age=1):
    return {"actual": actual, "max_mem": 4096 << 20, "free_mem": free, "total_mem": total,
            "mem_swapped_in": swapped_in, "mem_swapped_out": swapped_out,
            "major_page_faults": 12, "minor_page_faults": 88_000,
            "last_update": h.wall_ns // NS - age}


def go_web(h, vm, n):
    """n: which tick; makes the numbers of each tick different."""
    vm.thread(vm.pid).go(13.5 + n, 2.25, 150)
    vm.thread(vm.pid + 4).go(60 + n, 4, 700)
    vm.thread(vm.pid + 8).go(700 + 10 * n, 120 + n, 900, "R", cpu=n)
    vm.thread(vm.pid + 9).go(312.5, 75, 800, "S", cpu=2)
    vm.thread(vm.pid + 10).go(33, 1.5, 90)
    vm.faults = [vm.faults[0] + 1_205, 0, vm.faults[2] + 7 * n, 0]
    vm.rss_pages += 311
    vm.blkio += 3
    for key, more in zip(vm.io, (1_048_576, 2_097_152, 812, 433, 3_145_728, 917_504, 4_096)):
        vm.io[key] += more * n
    for d in vm.disks:
        if d.name == "scsi0":
            d.go((310 + n, 12_697_600, 155_000_000), (77, 1_261_568, 404_000_000 + n),
                 (5, 61_000_000))
        if d.name == "virtio1":
            d.go((0, 0, 0), (40, 163_840, 8_000_000), (0, 0))
    nic = next(x for x in h.nics if x.name == vm.nics[0][1])
    nic.go((1_310_720, 1_501, 2, 3, 4, 0, 5), (9_437_184, 7_003, 6, 7, 8, 0, 0, 9))
    vm.balloon = pve_balloon(h, 4096 << 20, (1_000 - 10 * n) << 20, 3_900 << 20,
                             vm.balloon["mem_swapped_in"] + 40_960, 4_096 * n)
    vm.cpu_stat(V2, 0)
    vm.pressure(V2, 7_000_123 + 210_000 * n, (44_000 + 15_000 * n, 33_000 + 9_000 * n),
                (100 * n, 0))


def small(h, vmid, pid, name, cores=1):
    """A VM with little: one disk, upstream's balloon, no network."""
    vm = Vm(vmid, name, pid, UUID % vmid, 400_000 + vmid, cores=cores, memory=1024)
    vm.vcpus(Thread(pid, "kvm", 100_000_000, 5_000_000, 1_000),
             *[Thread(pid + 10 + i, "CPU %d/KVM" % i, 900_000_000 + i, 80_000_000, 2_000)
               for i in range(cores)])
    vm.disks = [VmDisk("scsi0", "local-lvm:vm-%d-disk-0" % vmid, "8G")]
    vm.disks[0].go((10, 40_960, 1_000_000), (20, 81_920, 3_000_000), (1, 500_000))
    vm.cgroup_files[V2 + vm.cgroup + "/cgroup.procs"] = "%d\n" % pid
    vm.cpu_stat(V2, 0)
    vm.pressure(V2, 1_000, (2_000, 1_000), (0, 0))
    h.vms.append(vm)
    return vm


def go_small(h, vm, n):
    vm.thread(vm.pid).go(10, 1, 10)
    for t in vm.threads[1:]:
        t.go(250 + n, 30, 100, "S")
    vm.disks[0].go((10 + n, 409_600, 9_000_000), (20, 819_200, 30_000_000), (2, 1_000_000))
    vm.pressure(V2, 1_000 + 30_000 * n, (2_000, 1_000 + 10 * n), (0, 0))


# ---- the cases ----

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


def vhost_process(pid, owner, run, wait):
    comm = "vhost-%d" % owner
    sched = "%d %d %d\n" % (run, wait, run // 1_000_000)
    files = {"comm": comm + "\n", "cmdline": b"", "schedstat": sched,
             "stat": stat_line(pid, comm, "S", 400_200, ppid=2)}
    files.update({"task/%d/%s" % (pid, k): v for k, v in list(files.items()) if k != "cmdline"})
    return files


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
    b"-Infinity", b"bell\x07tab\tesc\x1b[31mred\x7f", b"c1 \xc2\x85\xc2\x9b next",
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


def hostile():
    """All is well, then everything is cut, garbled or too large, then all is well again."""
    h = Host()
    standard_devices(h)
    vms = {name: small(h, 100 + i, 4100 + 100 * i, name, cores=2) for i, name in enumerate((
        "cut-schedstat", "cut-stat", "garbage-io", "qmp-cut", "qmp-silent", "qmp-garbage",
        "qmp-huge", "qmp-types", "qmp-shape", "half-conf", "empty-conf", "10-mb-name", "100-kb-name",
        "10-mb-cmdline", "garbage-pid-file", "cgroup-path", "garbage-cgroup", "thread-names",
        "no-conf-lines"))}
    vms["10-mb-name"].conf_extra = "name: " + "x" * 10_000_000 + "\n"
    vms["100-kb-name"].conf_extra = "name: " + "y" * 100_000 + "\n"
    vm = vms["10-mb-cmdline"]
    vm.cmdline = vm.args() + b"-name\0" + b"z" * 10_000_000 + b"\0-uuid\0garbage\0"
    vms["cgroup-path"].cgroup_text = "0::/../../../proc\n"
    vms["no-conf-lines"].conf_text = "\udcff\udcfe:::\n: \n[\n"
    pid = vms["thread-names"].pid
    vms["thread-names"].vcpus(*[Thread(pid + 50 + i, comm, 1_000 * i, 0, 1) for i, comm in
                                enumerate(("CPU 5000/KVM", "CPU -1/KVM", "CPU 3/KVMX", "CPU 3",
                                           "CPU /KVM", "vhost-", "IO ", "(a) b)", " "))])
    yield h
    go_hostile(h, vms, 1)
    hostile_host(h)
    vms["cut-schedstat"].override["task/4110/schedstat"] = "9000000"
    vms["cut-stat"].override["stat"] = "4200 (kvm) S 1 4200 4200 0 -1 13841"
    vms["garbage-io"].override["io"] = bytes(range(1, 256)) * 40
    vms["garbage-pid-file"].has_pid_file = False
    h.extra["run/qemu-server/%d.pid" % vms["garbage-pid-file"].vmid] = "99999999999999999999\n\udcff"
    for mode in ("cut", "silent", "garbage", "huge"):
        vms["qmp-" + mode].qmp_mode = mode
    vms["qmp-types"].qmp_answers = {
        "query-blockstats": [{"device": "drive-scsi0", "qdev": "scsi0", "stats": {
            "rd_operations": "12", "wr_operations": -5, "rd_bytes": 2**64, "wr_bytes": 1.5e300,
            "flush_operations": None, "rd_total_time_ns": [1], "wr_total_time_ns": {"a": 1},
            "flush_total_time_ns": True}}]}
    vms["qmp-shape"].qmp_answers = {"query-blockstats": [7, None], "query-status": ["running"]}
    conf = vms["half-conf"].conf()
    vms["half-conf"].conf_text = conf[:conf.index("memory: ") + 4]
    vms["empty-conf"].conf_text = ""
    garble_cgroup(vms["garbage-cgroup"])
    yield h
    for n in (2, 3):
        for vm in vms.values():
            vm.override, vm.qmp_mode, vm.qmp_answers = {}, "answer", {}
        for name in ("half-conf", "empty-conf"):
            vms[name].conf_text = None
        vms["garbage-pid-file"].has_pid_file = True
        h.extra = {}
        go_hostile(h, vms, n)
        yield h


def go_hostile(h, vms, n):
    go_host(h, 1.0)
    for vm in vms.values():
        go_small(h, vm, n)


def hostile_host(h):
    f = h.files()
    h.extra["proc/stat"] = f["proc/stat"][:f["proc/stat"].index("\n") // 2]
    h.extra["proc/meminfo"] = (
        "MemTotal:       99999999999999999999999 kB\nMemFree: 18446744073709551614 kB\n"
        "MemAvailable:   -5 kB\nBuffers\nCached: kB\n:\n: 5 kB\nmemtotal: 5 kB\n"
        "SwapTotal:  12 kB\n\udcff\udcfe\x01: 17 kB\nMapp")
    stats = f["proc/diskstats"].split("\n")
    h.extra["proc/diskstats"] = "\n".join(
        ["", "x", "8 0", "   8       0 sda 1 2 3", "8 16 sdb 1 2 3 4 5 6 7 8 9 10 eleven"] +
        ["   8       0 %s 1 2 3 4 5 6 7 8 9 10 11" % ("s" * 200)] +
        ["   8 99999999999999999999 sdc 1 2 3 4 5 6 7 8 9 10 11"] +
        [line for line in stats if "nvme0n1" in line])[:-9]
    h.extra["proc/pressure/cpu"] = "some avg10=nan avg60=0.00 avg300=0.00 total=281466397\n"
    h.extra["proc/pressure/io"] = "some avg10=0.12 avg60="
    h.extra["proc/pressure/memory"] = ""
    h.extra["proc/1/net/dev"] = "\n".join([
        "Inter-|   Receive", " face |bytes", ":", "::::", "  eno1: 1 2 3",
        "%s: %s" % ("n" * 300, " 1" * 16), "  eno2: " + " 18446744073709551615" * 16,
        " vmbr0: " + " -1" * 16, "   lo:" + " 1" * 15])
    h.extra["sys/devices/system/cpu/cpu0/cpufreq/scaling_cur_freq"] = "<unknown>\n"
    h.extra["sys/block/sda/dm/uuid"] = "\n"


def garble_cgroup(vm):
    for name in vm.cgroup_files:
        if name.endswith(".pressure"):
            vm.cgroup_files[name] = "some avg10=1.00 avg60=1.00 avg300=1.00 total=\n\udcff full"
        if name.endswith("cpu.stat"):
            vm.cgroup_files[name] = "throttled_usec many\n"
