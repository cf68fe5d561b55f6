# SPDX-License-Identifier: Apache-2.0
"""Monitors of Proxmox VE's VMs that are busy, silent, cut off or endless: they cost their own
values and nothing else; and how often, and for how long, a monitor is taken."""
import datetime
import json
import socket
import time

import lab
import pve

t = lab.Test("qmp-faults")
pve.prepare()
good = pve.Vm(100, "good", 1).create()
fakes = {}
for vmid, mode in ((101, "silent"), (102, "cut"), (103, "flood")):
    fakes[mode] = pve.FakeQmp(f"{pve.RUN}/{vmid}.qmp", mode)
    pve.Vm(vmid, mode, vmid - 99, kernel=False, qmp=f"/run/lab/{vmid}.qmp").create()
good.ready().console.burn()
good.console.send("(while :; do dd if=/dev/zero of=/dev/sda bs=64k count=2 oflag=direct "
                  "conv=notrunc 2> /dev/null; usleep 200000; done) &")
good.balloon_on()


def stamp(cycle):
    return datetime.datetime.fromisoformat(cycle["@timestamp"].replace("Z", "+00:00")).timestamp()


def row(cycle, name):
    return lab.domain(cycle, name=name) or {}


with lab.Proxtop("--qmp-interval=1", freq=1, connector="--proxmox") as p:
    p.wait_cycles(4)
    rows = p.wait_cycles(10)
    times = [stamp(c) for c in rows]
    late = [1000 * (x - times[0] - round(x - times[0])) for x in times]
    middle = lab.median(late)
    near = sum(abs(x - middle) <= 5 for x in late)
    t.check(near >= 9, f"{near} of 10 cycles within 5 ms of their time: "
            f"{[round(x - middle, 1) for x in late]}")
    for mode in fakes:
        t.check(all("cpu_total" in row(c, mode) for c in rows), f"{mode}: cpu_total in every cycle")
        t.check(not any("disk_writes" in row(c, mode) for c in rows), f"{mode}: no disk values")
        t.check(fakes[mode].accepts, f"{mode}: it was asked: {len(fakes[mode].accepts)} times")
    for key in ("cpu_total", "disk_writes", "disk_mbwrite", "ram_used"):
        t.check(all(key in row(c, "good") for c in rows), f"good: {key} in every cycle")

    # Somebody else, as qm or pvestatd, holds the monitor: it is not waited for.
    holder = socket.socket(socket.AF_UNIX)
    holder.connect(good.qmp_path)
    lines = holder.makefile("rw")
    json.loads(lines.readline())
    rows = p.wait_cycles(9)
    t.check(all("cpu_total" in row(c, "good") for c in rows), "held monitor: cpu_total in every cycle")
    t.check("disk_writes" not in row(rows[-1], "good"), "held monitor: disk values become absent")
    holder.close()
    lines.close()
    lab.wait_for("disk values when it is free", lambda: "disk_writes" in row(p.cycles[-1][1], "good"),
                 40)
    t.check(True, "free again: disk values are back")

    # The VM is not disturbed: another client gets its greeting at once, again and again.
    worst = 0.0
    for _ in range(40):
        start = time.monotonic()
        good.qmp("query-status")
        worst = max(worst, time.monotonic() - start)
        time.sleep(0.1)
    t.near("longest wait of another client for the monitor, s", worst, 0, 0.5)
    t.same("lines that are not JSON", p.bad, [])
    t.note(f"stderr: {p.stderr!r}")

# At the default interval a monitor that answers is asked at most once per 5 s, after the first two.
counter = pve.FakeQmp(f"{pve.RUN}/104.qmp", "cut")
pve.Vm(104, "counted", 6, kernel=False, qmp="/run/lab/104.qmp").create()
with lab.Proxtop(freq=1, connector="--proxmox") as p:
    p.wait_cycles(16)
t.near("connections to one monitor in 16 s at the default interval", len(counter.accepts), 1, 5)
t.done()
