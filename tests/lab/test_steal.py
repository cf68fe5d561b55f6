# SPDX-License-Identifier: Apache-2.0
"""CPU time and waiting of vCPUs, where the truth is known: two busy guests share one core,
one has it alone, and one is held back by a CPU limit."""
import time

import lab
import libvirt

WINDOWS = 10
SECONDS = 2

t = lab.Test("steal")
libvirt.Daemon().start()
a = libvirt.Domain("one", 1, vcpu_cpu=lab.CPU).create()
b = libvirt.Domain("two", 2, vcpu_cpu=lab.CPU).create()
a.ready().console.burn()
b.ready().console.burn()
time.sleep(1)


def measure(*domains):
    """Ten windows of the program; beside it, what the kernel says over the same time."""
    before = {d: lab.schedstat(d.pid, lab.vcpu_threads(d.pid)[0]) for d in domains}
    start = time.monotonic()
    got = lab.cycles(WINDOWS + 1, freq=SECONDS)[1:]  # the first window is a short one
    ns = (time.monotonic() - start) * 1e9
    for d in domains:
        run, wait, _ = (100 * (y - x) / ns for x, y in zip(before[d], lab.schedstat(
            d.pid, lab.vcpu_threads(d.pid)[0])))
        t.note(f"{d.name}: schedstat says run {run:.1f} %, wait {wait:.1f} %")
    t.check(len(got) == WINDOWS, f"{len(got)} windows of {WINDOWS}")
    t.check(all(abs(c.get("interval", 0) - SECONDS) < 0.1 for c in got),
            f"each window is {SECONDS} s: {[c.get('interval') for c in got]}")
    return [[lab.domain(c, UUID=d.uuid) or {} for c in got] for d in domains]


def near(what, rows, key, low, high):
    values = [r.get(key) for r in rows]
    t.note(f"{what} {key}: {values}")
    t.near(f"{what}: median of {key}", lab.median(values), low, high)


for domain, rows in zip((a, b), measure(a, b)):
    what = f"{domain.name} beside a busy guest on the same core"
    near(what, rows, "cpu_total", 45, 55)
    near(what, rows, "cpu_steal", 45, 55)
    near(what, rows, "cpu_ready", 45, 55)
    near(what, rows, "cpu_limit", 0, 0)
    near(what, rows, "cpu_demand", 95, 105)
    near(what, rows, "psi_some_cpu", 40, 101)
    last = {v.get("cpu_last") for r in rows for v in r.get("vcpus", [])}
    t.same(f"{what}: CPU the vCPU ran on", last, {lab.CPU})

b.destroy()
time.sleep(0.5)
(rows,) = measure(a)
near("alone", rows, "cpu_total", 95, 105)
near("alone", rows, "cpu_steal", 0, 5)
near("alone", rows, "psi_some_cpu", 0, 15)

libvirt.virsh("schedinfo", a.name, "--live", "vcpu_period=100000", "vcpu_quota=50000")
time.sleep(0.5)
(rows,) = measure(a)
near("limited to half a core", rows, "cpu_total", 45, 55)
near("limited to half a core", rows, "cpu_steal", 45, 55)
near("limited to half a core", rows, "cpu_limit", 43, 57)
near("limited to half a core", rows, "cpu_ready", 0, 5)
t.done()
