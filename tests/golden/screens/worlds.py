# SPDX-License-Identifier: Apache-2.0
"""What the recordings are of: a host, and a cluster of four.  Seven minutes of them."""
from recordings import EVERY, MIB, Row, Steps
from things import host, host_disk, host_nic, put, vcpu, vm, vm_disk, vm_nic

SECONDS = 420
MOVED = 200                 # when the VM "nomad" went from hv1 to hv2
SILENT_AFTER = 300          # the last sample of hv3

WIDE = "日本語データベースサーバー-東京"
CONTROLS = "evil\x1b[31m\tname\r\n\x7f"
BROKEN = "latin1-caf\udce9"           # a byte that is no UTF-8

# Who suffers at the end, from what, its sign, who causes it; the worst first.
EXPECT = {"capped": ("LIMIT", "!!", "its own limit"), "shop": ("STEAL", "!!", "cpu3 batch"),
          "ledger": ("LATWR", "!!", "nightly"), "leaky": ("MAJFLT", "!", "its host"),
          "warehouse": ("LATWR", "!", "itself"), "chatty": ("RXDROP", "!", ""),
          "gone-1": ("silent", "", ""), "gone-2": ("silent", "", "")}
# Of the hosts: from what one of theirs suffers most, its sign, and who that is.  hv4 has no memory
# left, which is worse than warehouse's disks; of hv3 nothing is known any more.
EXPECT_HOSTS = {"hv3": ("silent", "!!", ""), "hv1": ("LIMIT", "!!", "capped"),
                "hv4-münchen-東京.example.org": ("AVAIL", "!!", "the host itself"),
                "hv2": ("", "", "")}


def hv1():
    """shop waits for CPU 3, which batch burns.  ledger has a slow disk, because nightly writes to
    it.  capped runs into its own limit, leaky swaps, chatty loses packets, idle does nothing,
    stopped is paused, fresh has just been started and has no rates yet.  pid-4711 was found in
    /proc only: most of it is not known.  Two more have names that are hard to show."""
    shop = vm(101, "shop", [vcpu(0, Steps((0, 60), (200, 40)), Steps((0, 1), (200, 20)), 3),
                            vcpu(1, 10, 4, 5)],
              [vm_disk("scsi0", "nvme0n1", 40, 20, 0.5, 1.0)],
              [vm_nic("tap101i0", 2_500_000, 7_500_000)], tags="prod;web",
              psi={"some_cpu": 22})
    batch = vm(102, "batch", [vcpu(0, Steps((0, 5), (200, 95)), 3, 3)],
               [vm_disk("scsi0", "nvme0n1", 2, 1, 0.4, 0.9)], gib=2, used=0.25, days=2)
    ledger = vm(103, "ledger", [vcpu(i, 12, 1, 6 + i) for i in range(4)],
                [vm_disk("scsi0", "nvme0n1", 10, 10, 0.5, 0.8),
                 vm_disk("scsi1", "sda", 50, 80, 35, 60, flushes=20, flush_ms=210,
                         write_size=8192, gib=1500)],
                [vm_nic("tap103i0", 300_000, 900_000)], gib=32, used=0.875, tags="prod;db",
                psi={"some_io": 44, "full_io": 12})
    nightly = vm(104, "nightly", [vcpu(0, 20, 1, 10)],
                 [vm_disk("virtio0", "sda", 0, Steps((0, 10), (100, 400)), 0, 15,
                          write_size=262_144)],
                 gib=1, qemu_writes=100 * MIB, days=1)
    capped = vm(105, "capped", [vcpu(0, 50, 30, 11), vcpu(1, 50, 30, 12)], limited=60)
    leaky = vm(106, "leaky", [vcpu(0, 8, 0.5, 13)], used=0.96, major_faults=60,
               swap_in=2 * MIB, psi={"some_mem": 14, "full_mem": 7})
    chatty = vm(107, "chatty", [vcpu(0, 9, 0.5, 14)],
                nics=[vm_nic("tap107i0", 110_000_000, 4_000_000, drops=3),
                      vm_nic("tap107i1", 1000, 500)])
    idle = vm(108, "idle", [vcpu(0, 0, 0, 15)], [vm_disk("ide0", "sda", 0, 0, 0, 0)],
              [vm_nic("tap108i0", 0, 0)], used=0.1)
    stopped = vm(109, "stopped", [vcpu(0, 0, 0, 15)], state="paused")
    fresh = vm(110, "fresh", [vcpu(0, 30, 1, 9)], since=SECONDS, days=0)
    unknown = vm(4711, "pid-4711", [vcpu(0, 15, 1, 8)])
    for known in ("vmid", "memory_total"):
        del unknown.gauges[known]
    del unknown.texts["state"], unknown.texts["uuid"]
    unknown.texts["hypervisor"] = "proc"
    unknown.asked, unknown.asked_rates = {}, {}
    nomad = vm(112, "nomad", [vcpu(0, 25, 1, 7)], tags="roams", until=MOVED)
    odd = [vm(113, WIDE, [vcpu(0, 33, 1, 2)], tags="本番"),
           vm(114, CONTROLS, [vcpu(0, 3, 0, 2)]), vm(115, BROKEN, [vcpu(0, 2, 0, 1)])]
    on = host("hv1", 16, 128, 24, 6, 0.75, psi={"some_cpu": 11, "some_io": 31, "full_io": 6})
    return put(on, host_disk("sda", "physical", 50, 480, 30, 25, 97, size=131_072),
               host_disk("nvme0n1", "physical", 52, 31, 0.3, 0.2, 2),
               host_disk("pve-root", "lvm", 1, 4, 2, 3, 1),
               host_disk("mpatha", "multipath", 10, 10, 4, 6, 8),
               host_nic("eno1", 10_000, 120_000_000, 15_000_000),
               host_nic("eno2", 1_000, 0, 0, errors=Steps((0, 0), (300, 2))),
               shop, batch, ledger, nightly, capped, leaky, chatty, idle, stopped, fresh, unknown,
               nomad, *odd)


def hv2():
    """All is well here; nomad came from hv1."""
    on = host("hv2", 32, 256, 10, 2, 0.25)
    return put(on, host_disk("nvme0n1", "physical", 100, 100, 0.2, 0.2, 3),
               host_nic("bond0", 20_000, 1_000_000, 1_000_000),
               vm(201, "mail", [vcpu(0, 11, 0.5, 0), vcpu(1, 7, 0.5, 1)],
                  [vm_disk("scsi0", "nvme0n1", 60, 30, 0.3, 0.6)],
                  [vm_nic("tap201i0", 50_000, 60_000)], tags="prod"),
               vm(202, "wiki", [vcpu(0, 3, 0.2, 2)], [vm_disk("scsi0", "nvme0n1", 5, 2, 0.3, 0.6)],
                  [vm_nic("tap202i0", 9_000, 30_000)]),
               vm(112, "nomad", [vcpu(0, 25, 1, 7)], tags="roams", since=MOVED, days=0))


def hv3():
    """Has not been heard of for two minutes."""
    on = host("hv3", 8, 64, 5, 1, 0.5, version="0.9.0", silent_after=SILENT_AFTER)
    return put(on, host_disk("sda", "physical", 5, 5, 5, 5, 5),
               host_nic("eno1", 1_000, 1_000, 1_000),
               vm(301, "gone-1", [vcpu(0, 90, 40, 1)], [vm_disk("scsi0", "sda", 5, 5, 90, 90)]),
               vm(302, "gone-2", [vcpu(0, 1, 0, 2)]))


def hv4():
    """A name that is long, and one VM that waits for I/O."""
    on = host("hv4-münchen-東京.example.org", 64, 512, 40, 5, 0.985)
    return put(on, host_disk("dm-7", "physical", 200, 100, 24, 31, 88),
               host_nic("enp129s0f0np0", 100_000, 2_000_000_000, 1_000_000_000),
               vm(401, "warehouse", [vcpu(i, 70, 0.2, i) for i in range(16)],
                  [vm_disk("scsi%d" % i, "dm-7", 100, 50, 24, 31, gib=4096) for i in range(2)],
                  [vm_nic("tap401i0", 900_000_000, 450_000_000)], gib=256, used=0.9,
                  tags="prod;olap", days=400))


def one():
    """This host alone."""
    return [hv1()]


def cluster():
    return [hv1(), hv2(), hv3(), hv4()]
