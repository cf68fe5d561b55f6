# SPDX-License-Identifier: Apache-2.0
"""What most cases start from: a host, two kinds of VM, and a second of their lives."""
from fixture_host import NS, Disk, Nic, Thread, Vm, VmDisk, stat_line

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


def vhost_process(pid, owner, run, wait):
    comm = "vhost-%d" % owner
    sched = "%d %d %d\n" % (run, wait, run // 1_000_000)
    files = {"comm": comm + "\n", "cmdline": b"", "schedstat": sched,
             "stat": stat_line(pid, comm, "S", 400_200, ppid=2)}
    files.update({"task/%d/%s" % (pid, k): v for k, v in list(files.items()) if k != "cmdline"})
    return files
