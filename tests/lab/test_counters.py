# SPDX-License-Identifier: Apache-2.0
"""With the guests suspended, every counter equals libvirt's and QEMU's own."""
import decimal
import os

import lab
import libvirt

t = lab.Test("counters")
libvirt.Daemon().start()
guests = [libvirt.Domain("first", 1, disks=2, vcpus=2).create(),
          libvirt.Domain("second", 2, cache="writeback").create()]
for g in guests:
    g.ready()
for g in guests:
    g.console.run("dd if=/dev/zero of=/dev/vda bs=32k count=50 oflag=direct conv=notrunc "
                  "2> /dev/null; sync; dd if=/dev/vda of=/dev/null bs=4k count=300 iflag=direct "
                  "2> /dev/null; dd if=/dev/zero of=/dev/vda bs=4k count=64 conv=notrunc,fsync "
                  f"2> /dev/null; ping -c 5 -i 0.2 -s 1000 {lab.HOST_IP} > /dev/null")
guests[0].console.run("dd if=/dev/zero of=/dev/vdb bs=8k count=10 oflag=direct conv=notrunc "
                      "2> /dev/null")
# The balloon reports every 2 s; what it says must be there and stand still.
lab.wait_for("balloon statistics", lambda: all("balloon.usable" in g.stats() for g in guests), 20, 0.5)
for g in guests:
    g.suspend()

NS = decimal.Decimal(10) ** -9
BLOCK = {  # metric: domstats, query-blockstats, unit
    "reads_total": ("rd.reqs", "rd_operations", 1),
    "writes_total": ("wr.reqs", "wr_operations", 1),
    "read_bytes_total": ("rd.bytes", "rd_bytes", 1),
    "written_bytes_total": ("wr.bytes", "wr_bytes", 1),
    "flushes_total": ("fl.reqs", "flush_operations", 1),
    "read_time_seconds_total": ("rd.times", "rd_total_time_ns", NS),
    "write_time_seconds_total": ("wr.times", "wr_total_time_ns", NS),
    "flush_time_seconds_total": ("fl.times", "flush_total_time_ns", NS),
}
NET = {f"{ours}_{what}_total": f"{theirs}.{field}"
       for ours, theirs in (("receive", "rx"), ("transmit", "tx"))
       for what, field in (("bytes", "bytes"), ("packets", "pkts"), ("errors", "errs"),
                           ("drops", "drop"))}
BALLOON = {"memory_balloon_bytes": "balloon.current", "memory_free_bytes": "balloon.unused",
           "memory_guest_bytes": "balloon.available", "memory_usable_bytes": "balloon.usable",
           "memory_total_bytes": "balloon.maximum"}

m = lab.openmetrics()
for g in guests:
    stats = g.stats()
    blocks = {b["qdev"]: b["stats"] for b in g.blockstats() if b.get("qdev")}
    t.same(f"{g.name}: disks", stats["block.count"], str(len(g.disks)))
    for i in range(len(g.disks)):
        disk = stats[f"block.{i}.name"]
        qemu = blocks[f"/machine/peripheral/virtio-disk{i}/virtio-backend"]
        for metric, (field, name, unit) in BLOCK.items():
            ours = lab.raw(m, f"proxtop_vm_disk_{metric}", uuid=g.uuid, disk=disk)
            t.same(f"{g.name} {disk} {metric} is domstats' block.{i}.{field}", ours,
                   int(stats[f"block.{i}.{field}"]) * unit)
            t.same(f"{g.name} {disk} {metric} is query-blockstats' {name}", ours, qemu[name] * unit)
        file = os.stat(g.disks[i])
        for metric, size in (("capacity", int(stats[f"block.{i}.capacity"])),
                             ("allocation", file.st_blocks * 512), ("physical", file.st_size)):
            t.same(f"{g.name} {disk} {metric}",
                   lab.raw(m, f"proxtop_vm_disk_{metric}_bytes", uuid=g.uuid, disk=disk), size)
    for metric, field in NET.items():
        t.same(f"{g.name} {metric} is domstats' net.0.{field}",
               lab.raw(m, f"proxtop_vm_nic_{metric}", uuid=g.uuid, interface=stats["net.0.name"]),
               int(stats[f"net.0.{field}"]))
    for metric, field in BALLOON.items():
        t.same(f"{g.name} {metric} is domstats' {field}",
               lab.raw(m, f"proxtop_vm_{metric}", uuid=g.uuid), int(stats[field]) * 1024)
    # The program counts run and wait from its own start on: of what stands still, nothing.
    t.same(f"{g.name}: vCPUs that neither run nor wait",
           {int(labels["vcpu"]): value
            for name in ("run", "wait")
            for labels, value in m.get(f"proxtop_vcpu_{name}_seconds_total", [])
            if labels.get("uuid") == g.uuid}, {i: 0 for i in range(g.vcpus)})
moved = [int(g.stats()["block.0.wr.bytes"]) for g in guests]
t.check(all(b > 0 for b in moved), f"there was something to count: {moved} bytes written")
(cycle,) = lab.cycles(1)
for g in guests:
    row = lab.domain(cycle, UUID=g.uuid) or {}
    t.same(f"{g.name}: state", row.get("state"), "paused")
    t.same(f"{g.name}: cpu_total", row.get("cpu_total"), 0)
t.done()
