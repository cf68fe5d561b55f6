# SPDX-License-Identifier: Apache-2.0
"""A vCPU that starves behind a real-time task shows waiting, not idleness and then 900 %; a
vCPU that is plugged in, and the pulse of one that comes and goes, make no rate jump."""
import os
import subprocess
import time

import lab
import libvirt

HOG_SECONDS = 0.8
MOST = 105  # percent: a cycle has its own clock, the kernel's figures another

t = lab.Test("starve")
libvirt.Daemon().start()
d = libvirt.Domain("starving", 1, max_vcpus=2, vcpu_cpu=lab.CPU).start()
d.console.burn()


def hog():
    """Takes the core for a while: a real-time task that never sleeps, ended from elsewhere."""

    def become():
        os.sched_setaffinity(0, {lab.CPU})
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(50))

    start = time.monotonic()
    loop = subprocess.Popen(["sh", "-c", "while :; do :; done"], preexec_fn=become)
    time.sleep(start + HOG_SECONDS - time.monotonic())
    loop.kill()
    loop.wait()
    return start, time.monotonic()


with lab.Proxtop(freq=0.2) as p:
    p.wait_cycles(10)
    at = len(p.cycles)
    tid = lab.vcpu_threads(d.pid)[0]
    run0, wait0, _ = lab.schedstat(d.pid, tid)
    spans = []
    for _ in range(4):
        spans.append(hog())
        time.sleep(1.2)
    p.wait_cycles(5)
    run1, wait1, _ = lab.schedstat(d.pid, tid)
    rows = [(when, c["interval"], lab.domain(c, UUID=d.uuid) or {}) for when, c in p.cycles[at:]]

for start, end in spans:
    t.note(f"hog of {end - start:.2f} s: cpu_total, cpu_steal " + " ".join(
        f"{r.get('cpu_total')},{r.get('cpu_steal')}" for w, _, r in rows
        if start < w < end + 0.5))
t.check(all("cpu_total" in r and "cpu_steal" in r for _, _, r in rows), "every cycle has both")
t.near("largest cpu_total of a cycle", max(r.get("cpu_total", 0) for _, _, r in rows), 50, MOST)
t.near("largest cpu_demand of a cycle", max(r.get("cpu_demand", 0) for _, _, r in rows), 50, MOST)
# Cycles that lie wholly within a hog's time: the line comes right after the sample.
inside = [r.get("cpu_steal", 0) for w, i, r in rows
          if any(start + i + 0.05 < w < end - 0.02 for start, end in spans)]
t.check(len(inside) >= 4, f"{len(inside)} cycles lie within the hogs' time")
t.check(inside and min(inside) >= 60, f"each of them shows waiting: {inside}")
waited = sum(i * r.get("cpu_steal", 0) / 100 for _, i, r in rows)
ran = sum(i * r.get("cpu_total", 0) / 100 for _, i, r in rows)
t.note(f"kernel: ran {(run1 - run0) / 1e9:.2f} s, waited {(wait1 - wait0) / 1e9:.2f} s")
t.near("shown waiting / the kernel's", waited / ((wait1 - wait0) / 1e9), 0.93, 1.07)
t.near("shown running / the kernel's", ran / ((run1 - run0) / 1e9), 0.93, 1.07)

# Hot-plug, while the guest burns on what it has.
with lab.Proxtop("--qmp-interval=1", freq=0.5) as p:
    p.wait_cycles(4)
    at = len(p.cycles)
    libvirt.virsh("setvcpus", d.name, "2", "--live")
    d.console.run("i=0; while [ $i -lt 50 ] && ! [ -e /sys/devices/system/cpu/cpu1/online ]; do "
                  "i=$((i + 1)); usleep 100000; done; "
                  "[ $(cat /sys/devices/system/cpu/cpu1/online) = 1 ] || "
                  "echo 1 > /sys/devices/system/cpu/cpu1/online", 60)
    lab.wait_for("second vCPU", lambda: lab.vcpu_threads(d.pid)[1:])
    libvirt.virsh("vcpupin", d.name, "1", lab.REST, "--live")
    d.console.burn()
    p.wait_cycles(24)  # the new vCPU is found within 10 s
    rows = [lab.domain(c, UUID=d.uuid) or {} for _, c in p.cycles[at:]]
cores = [r.get("cpu_cores") for r in rows]
t.note(f"vCPUs shown: {[len(r.get('vcpus', [])) for r in rows]}")
t.check(cores[-1] == 2, f"cpu_cores: {cores}")
for key in ("cpu_total", "cpu_steal", "cpu_demand"):
    values = [r[key] for r in rows if key in r]
    t.check(values and max(values) <= MOST, f"{key} stays below {MOST} %: {values}")
vcpus = [v for r in rows for v in r.get("vcpus", [])]
t.near("largest cpu_total of any vCPU", max(v.get("cpu_total", 0) for v in vcpus), 50, MOST)
t.same("vCPUs in the end", sorted(v.get("vcpu") for v in rows[-1].get("vcpus", [])), [0, 1])
t.near("the second one's cpu_total",
       lab.median([v.get("cpu_total") for r in rows[-5:] for v in r.get("vcpus", [])
                   if v.get("vcpu") == 1]), 20, MOST)
t.done()
