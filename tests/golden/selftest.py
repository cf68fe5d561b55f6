# SPDX-License-Identifier: Apache-2.0
"""Can the golden tests fail?  A difference that is made on purpose must be found.

One number of the fixture is changed for the expectation only, a sum, a direction, a
unit: each must be reported, at the key it belongs to.
"""
import os
import re
import shutil

import compare
import expect
import make_case

# (file of the last tick, what is replaced there, by what, the key that must be reported)
CHANGES = (
    ("proc/stat", r"^cpu  (\d+)", lambda m: "cpu  %d" % (int(m.group(1)) + 1), "cpu_user"),
    ("proc/meminfo", r"(MemFree: +)(\d)", lambda m: m.group(1) + str((int(m.group(2)) + 1) % 10),
     "ram_Free"),
    ("proc/diskstats", r"(sda) (\d+)", lambda m: "sda %d" % (int(m.group(2)) + 2),
     "disk_device_reads"),
    ("proc/1/net/dev", r"(eno1: +)(\d+)", lambda m: m.group(1) + str(int(m.group(2)) + 1),
     "net_host_receivedBytes"),
    ("proc/4100/net/dev", r"(tap100i0: +)(\d+)", lambda m: m.group(1) + str(int(m.group(2)) + 1),
     "net_transmittedBytes"),
    ("proc/4100/task/4108/schedstat", r"^(\d+)", lambda m: str(int(m.group(1)) + 400_000),
     "cpu_total"),
    ("proc/4100/task/4104/schedstat", r"^(\d+)", lambda m: str(int(m.group(1)) + 800_000),
     "cpu_other_total"),
    ("proc/pressure/io", r"total=(\d+)", lambda m: "total=%d" % (int(m.group(1)) + 1),
     "psi_some_io_total"),
    ("sys/fs/cgroup/qemu.slice/100.scope/io.pressure", r"total=(\d+)",
     lambda m: "total=%d" % (int(m.group(1)) + 400), "psi_some_io"),
    ("run/qemu-server/100.qmp.json", r'flush_operations\\": (\d+)',
     lambda m: 'flush_operations\\": %d' % (int(m.group(1)) + 1), "disk_lat_fl"),
    ("etc/pve/qemu-server/100.conf", r"memory: 4096", lambda m: "memory: 4097", "ram_total"),
)


def check(run, top):
    casedir = os.path.join(top, "case")
    ticks = make_case.make("normal", casedir)
    line = run(casedir, "json", True).splitlines(keepends=True)[-1]
    out = ["unchanged: " + d for d in differences(casedir, ticks, line)]
    for file, pattern, by, key in CHANGES:
        other = os.path.join(top, "changed")
        shutil.copytree(casedir, other, symlinks=True)
        path = os.path.join(other, str(ticks), file)
        with open(path) as f:
            before = f.read()
        after = re.sub(pattern, by, before, count=1, flags=re.M)
        with open(path, "w") as f:
            f.write(after)
        found = differences(other, ticks, line)
        if before == after:
            out.append("%s: nothing was changed there" % file)
        elif not any(re.search(r"\.%s: want" % re.escape(key), d) for d in found):
            out.append("%s was changed, and %s was not reported (but %s)" % (file, key, found))
        shutil.rmtree(other)
    return out


def differences(casedir, ticks, line):
    expected = expect.Expected(casedir, ticks)
    return compare.json_record(expected.document(ticks, True), line)
