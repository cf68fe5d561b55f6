# SPDX-License-Identifier: Apache-2.0
"""A guest writes exactly N bytes to its disk, then reads M: so says the program."""
import time

import lab
import libvirt

MIB = 1 << 20
N, M = 40 * MIB, 24 * MIB

t = lab.Test("disk")
libvirt.Daemon().start()
d = libvirt.Domain("diskvm", 1, disks=2).start()
label = {"uuid": d.uuid, "disk": "vda"}
NAMES = {"read": "read_bytes", "written": "written_bytes", "reads": "reads", "writes": "writes"}


def reading():
    m = lab.openmetrics()
    got = {k: lab.raw(m, f"proxtop_vm_disk_{v}_total", **label) for k, v in NAMES.items()}
    got["other"] = lab.raw(m, "proxtop_vm_disk_written_bytes_total", uuid=d.uuid, disk="vdb")
    for k, v in {"io_read": "io_read_bytes", "io_written": "io_written_bytes"}.items():
        got[k] = lab.raw(m, f"proxtop_vm_{v}_total", uuid=d.uuid)
    t.check(all(v is not None for v in got.values()), f"every counter is there: {got}")
    return {k: float(v or 0) for k, v in got.items()}


def ops(command):
    """Runs it in the guest while the program watches; the JSON cycles of that time."""
    with lab.Proxtop("--qmp-interval=1", freq=1) as p:
        p.wait_cycles(3)
        at = len(p.cycles)
        d.console.run(command, 120)
        p.wait_cycles(3)
        return [(c["interval"], next((x for x in (lab.domain(c, UUID=d.uuid) or {}).get("disks", [])
                                      if x.get("disk") == "vda"), {}))
                for _, c in p.cycles[at:]]


def total(rows, key):
    return sum(i * r.get(key, 0) for i, r in rows) * MIB


start = reading()
# Slow enough to last over some cycles: 64 KiB at a time.
rows = ops("i=0; while [ $i -lt 10 ]; do dd if=/dev/zero of=/dev/vda bs=64k count=64 "
           "seek=$((i * 64)) oflag=direct conv=notrunc 2> /dev/null || exit 1; i=$((i + 1)); "
           "usleep 200000; done")
written = reading()
t.near("bytes written / N", (written["written"] - start["written"]) / N, 0.99, 1.01)
t.near("bytes QEMU wrote to storage / N", (written["io_written"] - start["io_written"]) / N,
       0.99, 1.01)
t.near("writes of 64 KiB", written["writes"] - start["writes"], N / 65536 * 0.99, N / 65536 * 1.01)
t.same("bytes read meanwhile", written["read"] - start["read"], 0)
t.same("bytes written to the other disk", written["other"] - start["other"], 0)
# Rates are over each reading's own time, shown per cycle: a sum over cycles is a little off.
t.near("sum of disk_mbwrite over the cycles / N", total(rows, "disk_mbwrite") / N, 0.7, 1.3)
t.same("sum of disk_mbread over the cycles", total(rows, "disk_mbread"), 0)
latency = [r["disk_lat_wr"] for _, r in rows if r.get("disk_lat_wr")]
t.check(latency and 0.01 < lab.median(latency) < 1000, f"disk_lat_wr in ms: {latency}")

before = reading()
rows = ops(f"dd if=/dev/vda of=/dev/null bs=64k count={M // 65536} iflag=direct 2> /dev/null")
after = reading()
t.near("bytes read / M", (after["read"] - before["read"]) / M, 0.99, 1.01)
t.near("bytes QEMU read from storage / M", (after["io_read"] - before["io_read"]) / M, 0.99, 1.01)
t.same("bytes written meanwhile", after["written"] - before["written"], 0)

d.suspend()
time.sleep(0.2)
m = lab.openmetrics()
t.same("capacity of vda", lab.raw(m, "proxtop_vm_disk_capacity_bytes", **label), 64 * MIB)
t.done()
