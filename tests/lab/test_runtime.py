# SPDX-License-Identifier: Apache-2.0
"""Over a minute, the run time the program shows (vCPUs and everything else of QEMU) is the
process's utime + stime, while QEMU's disk workers come and go."""
import threading
import time

import lab
import libvirt

SECONDS = 60
BURST = ("(for i in 1 2 3 4; do dd if=/dev/zero of=/dev/vda bs=4k count=400 seek=$((i * 1000)) "
         "oflag=direct conv=notrunc 2> /dev/null & done; wait)")

t = lab.Test("runtime")
libvirt.Daemon().start()
d = libvirt.Domain("worker", 1, vcpus=2).start()
d.console.send("(while :; do i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done; usleep 300000; done) &")

workers = []  # tids of the pool, at each look
stop = threading.Event()


def look():
    """A pool thread lives 10 s after its last request, so the pauses let them end."""
    while not stop.wait(0.25):
        workers.append(frozenset(tid for tid, (comm, _, _) in lab.threads(d.pid).items()
                                 if comm.startswith("worker")))


def load():
    while not stop.is_set():
        for _ in range(3):
            d.console.run(BURST, 60)
        stop.wait(12)


with lab.Proxtop(freq=1) as p:
    p.wait_cycles(2)
    threads = [threading.Thread(target=f, daemon=True) for f in (look, load)]
    for thread in threads:
        thread.start()
    (first,) = p.wait_cycles(1)
    before = lab.cpu_ticks(d.pid)
    at = len(p.cycles)
    got = p.wait_cycles(SECONDS, SECONDS + 30)
    after = lab.cpu_ticks(d.pid)
    stop.set()
    t.same("cycles come one by one", at + SECONDS, len(p.cycles))
for thread in threads:
    thread.join(90)

came = [a - b for a, b in zip(workers[1:], workers)]
went = [a - b for a, b in zip(workers, workers[1:])]
t.check(sum(map(len, came)) >= 4 and sum(map(len, went)) >= 4,
        f"workers came {sum(map(len, came))} times and went {sum(map(len, went))} times")

rows = [(c["interval"], lab.domain(c, UUID=d.uuid)) for c in got]
t.check(all(r and "cpu_total" in r and "cpu_other_total" in r for _, r in rows),
        "every cycle has cpu_total and cpu_other_total")
vcpu = sum(i * r["cpu_total"] * r["cpu_cores"] / 100 for i, r in rows if r and "cpu_total" in r)
other = sum(i * r["cpu_other_total"] * r["cpu_cores"] / 100 for i, r in rows
            if r and "cpu_other_total" in r)
truth = (after - before) / lab.CLK_TCK
t.note(f"over {sum(i for i, _ in rows):.1f} s: vCPUs {vcpu:.2f} s + other {other:.2f} s = "
       f"{vcpu + other:.2f} s; utime + stime {truth:.2f} s")
t.near("shown run time / (utime + stime)", (vcpu + other) / truth, 0.99, 1.01)
t.check(other > 0.02 * truth, f"the workers' share matters: {100 * other / truth:.1f} %")
# Some part may run on more CPUs than the guest has vCPUs, but never out of all proportion.
worst = max((r["cpu_total"] for _, r in rows if r and "cpu_total" in r), default=None)
t.near("largest cpu_total of a cycle", worst, 0, 105)
worst = max((r["cpu_other_total"] for _, r in rows if r and "cpu_other_total" in r), default=None)
t.near("largest cpu_other_total of a cycle", worst, 0, 105)
t.done()
