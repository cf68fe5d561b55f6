# SPDX-License-Identifier: Apache-2.0
"""CPU time of a VM's threads: what schedstat's traps do to it, and what is true.

A vCPU is a thread named CPU n/KVM or CPU n/TCG; all others are overhead, together with
the vhost kernel threads of the VM.
"""
import re

from values import OneOf

NS = 10**9
TICK = NS // 100
# What a process' utime + stime, cut to ticks, cannot tell about threads that ended.
SLACK = 4 * TICK
LAST_CPU_AGE = 10 * NS  # how old the CPU a vCPU last ran on may be
VCPUS_MAX = 4096


def vcpu_number(comm):
    m = re.fullmatch(r"CPU (\d{1,4})/(?:KVM|TCG)", comm)
    return int(m.group(1)) if m and int(m.group(1)) < VCPUS_MAX else None


class Vcpu:
    def __init__(self, tid):
        self.tid = tid
        self.run = self.wait = self.slices = 0
        self.seen_on = []  # (time, CPU)
        self.readable = True

    def last_cpu(self, now):
        return OneOf({cpu for time, cpu in self.seen_on if now - time <= LAST_CPU_AGE})


class Thread:
    """One thread from tick to tick: its steps, with the waiting put where it belongs."""

    def __init__(self, start, sched, time):
        self.start, self.time = start, time
        self.run, self.wait, self.slices = sched
        self.ahead = 0   # ns of waiting counted before the kernel did
        self.behind = 0  # ns of waiting that did not fit into their interval

    def step(self, sched, state, time):
        interval, self.time = time - self.time, time
        run, wait, slices = (a - b for a, b in zip(sched, (self.run, self.wait, self.slices)))
        self.run, self.wait, self.slices = sched
        if (run, wait, slices) == (0, 0, 0) and state == "R" and not self.behind:
            # Ready all the time and never on a CPU: the kernel will say so later.
            self.ahead += interval
            return 0, interval, 0
        taken = min(wait, self.ahead)
        self.ahead -= taken
        want = wait - taken + self.behind
        # An interval has room for itself only; cycles are a little unequal.
        room = max(0, interval + max(interval // 50, 5_000_000) - run)
        shown = min(want, room)
        self.behind = want - shown
        return run, shown, slices


class Threads:
    def __init__(self):
        self.time = None
        self.known = {}       # (tid, foreign) -> Thread
        self.vcpus = {}       # number -> Vcpu
        self.other_run = self.other_wait = self.vhost_run = self.iothread_run = 0
        self.slack = 0
        self.last_wait = 0    # of all vCPUs in the latest interval
        self.vcpus_ran = False
        self.ticks = None     # utime + stime of the tick before

    def look(self, time, tasks, foreign, stat):
        known, vcpus = {}, {}
        shown_own = 0         # ns that the process' own threads showed in this interval
        self.last_wait, self.vcpus_ran = 0, False
        changed = False
        for is_foreign, task in [(False, t) for t in tasks] + [(True, t) for t in foreign]:
            tid, start, comm, sched, task_stat = task
            key = (tid, is_foreign)
            thread = self.known.get(key)
            if sched is None:
                # It is there but cannot be read: unknown now, and all there next time.
                known[key] = thread
                n = vcpu_number(comm)
                if n in self.vcpus and not is_foreign:
                    vcpus[n] = self.vcpus[n]
                    vcpus[n].readable = False
                continue
            if thread and thread.start == start and not any(
                    a < b for a, b in zip(sched, (thread.run, thread.wait, thread.slices))):
                run, wait, slices = thread.step(sched, task_stat[3], time)
            elif self.time is None or is_foreign:
                thread, (run, wait, slices) = Thread(start, sched, time), (0, 0, 0)
            elif thread and thread.start == start:
                # Counters that went back: nothing is known of this interval.
                thread, (run, wait, slices) = Thread(start, sched, time), (0, 0, 0)
            else:
                # Born in this interval: all it used is of this interval.
                thread, (run, wait, slices) = Thread(start, sched, time), sched
                changed = True
            known[key] = thread
            if not is_foreign:
                shown_own += run
            n = vcpu_number(comm)
            if n is not None:
                old = self.vcpus.get(n)
                vcpu = old if old and old.tid == tid else Vcpu(tid)
                vcpu.readable = True
                vcpu.run += run
                vcpu.wait += wait
                vcpu.slices += slices
                vcpu.seen_on.append((time, task_stat.get(39)))
                vcpus[n] = vcpu
                self.last_wait += wait
                self.vcpus_ran = self.vcpus_ran or run > 0
                continue
            self.other_run += run
            self.other_wait += wait
            if comm.startswith("vhost-"):
                self.vhost_run += run
            elif comm.startswith("IO ") and comm != "IO mon_iothread":
                self.iothread_run += run
        changed = changed or any(k not in known for k in self.known)
        self._ended(stat, shown_own, changed)
        self.known, self.vcpus, self.time = known, vcpus, time

    def _ended(self, stat, shown_own, changed):
        """Threads that ended took with them what they used since they were last seen; the
        process' own total has it, to the tick."""
        ticks = None if stat.get(14) is None or stat.get(15) is None else stat[14] + stat[15]
        if ticks is not None and self.ticks is not None and ticks >= self.ticks and changed:
            unseen = (ticks - self.ticks) * TICK - shown_own
            self.slack = SLACK
            self.other_run += max(0, unseen)
        self.ticks = ticks
