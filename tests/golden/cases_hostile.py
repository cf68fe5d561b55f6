# SPDX-License-Identifier: Apache-2.0
"""The case with files and answers that are cut, garbled or far too large."""
from fixture_host import Host, Thread
from standard import go_host, go_small, small, standard_devices


def hostile():
    """All is well, then everything is cut, garbled or too large, then all is well again."""
    h = Host()
    standard_devices(h)
    vms = {name: small(h, 100 + i, 4100 + 100 * i, name, cores=2) for i, name in enumerate((
        "cut-schedstat", "cut-stat", "garbage-io", "qmp-cut", "qmp-silent", "qmp-garbage",
        "qmp-huge", "qmp-types", "qmp-shape", "half-conf", "empty-conf", "10-mb-name",
        "100-kb-name", "10-mb-cmdline", "garbage-pid-file", "cgroup-path", "garbage-cgroup",
        "thread-names", "no-conf-lines"))}
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
    pid_file = "run/qemu-server/%d.pid" % vms["garbage-pid-file"].vmid
    h.extra[pid_file] = "99999999999999999999\n\udcff"
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
