# SPDX-License-Identifier: Apache-2.0
"""What goes wrong on a host: a hung, killed, restarted libvirtd, VMs that come and go, readers
that go, files that are rotated, receivers that restart."""
import datetime
import json
import os
import signal
import socket
import subprocess
import threading
import time

import lab
import libvirt

t = lab.Test("faults")
daemon = libvirt.Daemon().start()
one = libvirt.Domain("one", 1).create()
two = libvirt.Domain("two", 2).create()
one.ready().console.burn()
two.ready()
one.console.send("(while :; do dd if=/dev/zero of=/dev/vda bs=64k count=2 oflag=direct "
                 "conv=notrunc 2> /dev/null; usleep 200000; done) &")


def stamp(cycle):
    return datetime.datetime.fromisoformat(cycle["@timestamp"].replace("Z", "+00:00")).timestamp()


def punctual(what, rows):
    """Cycles are due every second on a grid: none is missing, none is late."""
    times = [stamp(c) for c in rows]
    late = [1000 * (x - times[0] - round(x - times[0])) for x in times]
    middle = lab.median(late)
    late = [x - middle for x in late]
    gaps = [b - a for a, b in zip(times, times[1:])]
    t.near(f"{what}: longest gap between two of {len(rows)} cycles, s", max(gaps), 0.9, 1.1)
    near = sum(abs(x) <= 5 for x in late)
    t.check(near >= 0.9 * len(late), f"{what}: {near} of {len(late)} cycles within 5 ms of their "
            f"time, the worst {max(late, key=abs):.1f} ms off")


def has(cycle, guest, *keys):
    row = lab.domain(cycle, UUID=guest.uuid) or {}
    return all(k in row for k in keys)


CPU = ("cpu_total", "cpu_steal", "net_transmittedBytes", "psi_some_cpu", "io_WROPS")
DISK = ("disk_writes", "disk_mbwrite")


def always(what, rows, guest, keys):
    t.check(all(has(c, guest, *keys) for c in rows), f"{what}: {', '.join(keys)} in every cycle")


with lab.Proxtop("--qmp-interval=1", freq=1) as p:
    p.wait_cycles(4)
    rows = p.wait_cycles(5)
    always("quiet", rows, one, CPU + DISK)
    punctual("quiet", rows)

    # ---- libvirtd hangs ----
    daemon.stop()
    rows = p.wait_cycles(15)
    punctual("libvirtd stopped", rows)
    always("libvirtd stopped", rows, one, CPU)
    t.check(not any(has(c, one, "disk_writes") for c in rows[-4:]),
            "libvirtd stopped: disk values are absent after a while: "
            f"{[(lab.domain(c, UUID=one.uuid) or {}).get('disk_writes') for c in rows]}")
    # The cycles before say the last reading, never another value.
    late = [(lab.domain(c, UUID=one.uuid) or {}).get("disk_writes") for c in rows]
    daemon.cont()
    start = time.monotonic()
    lab.wait_for("disk values after SIGCONT", lambda: has(p.cycles[-1][1], one, *DISK), 60)
    t.near("libvirtd goes on: seconds until disk values are back", time.monotonic() - start, 0, 40)
    rows = p.wait_cycles(3)
    always("libvirtd goes on", rows, one, CPU + DISK)
    t.near("rate after the gap: disk_writes", lab.domain(rows[-1], UUID=one.uuid).get("disk_writes"),
           0.5, 30)

    # ---- libvirtd dies and comes back ----
    daemon.kill()
    rows = p.wait_cycles(6)
    punctual("libvirtd killed", rows)
    always("libvirtd killed", rows, one, CPU)
    t.check(p.process.poll() is None, "libvirtd killed: the program goes on")
    daemon.start()
    start = time.monotonic()
    at = len(p.cycles)
    lab.wait_for("disk values after the restart", lambda: len(p.cycles) > at + 2 and
                 has(p.cycles[-1][1], one, *DISK), 60)
    t.near("libvirtd restarted: seconds until disk values are back", time.monotonic() - start, 0, 45)
    always("libvirtd restarted", [c for _, c in p.cycles[at:]], one, CPU)

    # ---- a VM ends, a VM starts ----
    at = len(p.cycles)
    two.destroy()
    rows = p.wait_cycles(4)
    t.check(not has(rows[-1], two, "UUID"), "a destroyed VM is no longer shown")
    always("beside a destroyed VM", rows, one, CPU)
    three = libvirt.Domain("three", 3).create()
    start = time.monotonic()
    lab.wait_for("the new VM", lambda: has(p.cycles[-1][1], three, "UUID"), 30)
    t.near("seconds until a started VM is shown", time.monotonic() - start, 0, 10)
    at = len(p.cycles) - 1
    three.ready()
    p.wait_cycles(4)
    rows = [lab.domain(c, UUID=three.uuid) or {} for _, c in p.cycles[at:]]
    for key, most in {"cpu_total": 105, "cpu_steal": 105, "cpu_other_total": 105, "disk_mbread": 100,
                      "net_receivedBytes": 1e6, "io_MBRD/s": 500}.items():
        values = [r.get(key) for r in rows]
        there = [v for v in values if v is not None]
        t.check(there and max(there) <= most, f"a started VM: {key} does not jump: {values}")
    # The same VM again: another process, counters from zero.
    at = len(p.cycles)
    three.destroy()
    three.create().ready()
    lab.wait_for("the VM again", lambda: has(p.cycles[-1][1], three, "cpu_total", "disk_reads"), 30)
    rows = [lab.domain(c, UUID=three.uuid) or {} for _, c in p.cycles[at:]]
    for key in ("cpu_total", "disk_reads", "net_transmittedBytes", "io_RDOPS"):
        values = [r[key] for r in rows if key in r]
        t.check(all(0 <= v < 1e6 for v in values), f"a VM that was restarted: {key}: {values}")
    t.same("lines that are not JSON", p.bad, [])
    t.note(f"stderr: {p.stderr!r}")
    t.check("libvirt" in p.stderr, "stderr names libvirt")
    t.check(len(p.stderr.splitlines()) <= 12, f"stderr has {len(p.stderr.splitlines())} lines")
    t.same("exit status after SIGTERM", p.stop(), 0)

# ---- the reader goes ----
for printer in ("json", "text", "openmetrics"):
    start = time.monotonic()
    done = subprocess.run(["bash", "-c", f"{lab.PROXTOP} --printer={printer} --libvirt -f 0.2 | "
                           "head -n 1 > /run/lab/head; echo ${PIPESTATUS[0]}"],
                          capture_output=True, text=True, timeout=60)
    t.check(done.stdout == "0\n" and not done.stderr, f"{printer} | head -n 1 ends quietly: exit "
            f"{done.stdout.strip()}, stderr {done.stderr!r}, {time.monotonic() - start:.1f} s")
    t.check(lab.read("/run/lab/head").count("\n") == 1, f"{printer} | head -n 1 gives a line")

# ---- logrotate ----
path = "/run/lab/out.json"
p = subprocess.Popen([lab.PROXTOP, "--printer=json", "--output=file", f"--target={path}",
                      "--libvirt", "-f", "0.5"], stderr=subprocess.PIPE, text=True)
lab.wait_for("lines in the file", lambda: os.path.exists(path) and lab.read(path).count("\n") > 3)
os.rename(path, path + ".1")
time.sleep(1.2)
p.send_signal(signal.SIGHUP)
lab.wait_for("lines in the new file", lambda: os.path.exists(path) and lab.read(path).count("\n") > 3)
p.terminate()
t.same("exit status after SIGTERM", p.wait(10), 0)
times = []
for f in (path + ".1", path):
    text = lab.read(f)
    t.check(text.endswith("\n"), f"{f} ends with a whole line")
    times += [stamp(json.loads(line)) for line in text.splitlines()]
gaps = [b - a for a, b in zip(times[1:], times[2:])]
t.near("longest gap over both files, s", max(gaps), 0.4, 0.6)

# ---- the receiver restarts ----


class Receiver:
    def __init__(self):
        self.data = b""
        self.socket = socket.create_server(("127.0.0.1", 5140))
        self.client = None
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        self.client, _ = self.socket.accept()
        try:
            while part := self.client.recv(1 << 16):
                self.data += part
        except OSError:
            pass

    def close(self):
        self.socket.close()
        self.client.shutdown(socket.SHUT_RDWR)
        self.thread.join(5)
        self.client.close()

    def cycles(self):
        """Whole lines: the last one may be on its way."""
        return [json.loads(x) for x in self.data.split(b"\n")[:-1]]


receiver = Receiver()
p = subprocess.Popen([lab.PROXTOP, "--printer=json", "--output=tcp", "--target=127.0.0.1:5140",
                      "--libvirt", "-f", "0.5"], stderr=subprocess.PIPE, text=True)
lab.wait_for("cycles at the receiver", lambda: len(receiver.cycles()) > 3)
receiver.close()
gone = stamp(receiver.cycles()[-1])
time.sleep(4)
t.check(p.poll() is None, "the receiver is gone: the program goes on")
receiver = Receiver()
lab.wait_for("cycles at the new receiver", lambda: len(receiver.cycles()) > 3, 40)
times = [stamp(c) for c in receiver.cycles()]
t.note(f"the new receiver got {len(times)} cycles, the first from {times[0] - gone:.1f} s after the "
       "old one's last")
# What was in the old connection's buffers is lost with it; what waited here is not.
t.near("first cycle after the last one of the old receiver, s", times[0] - gone, 0.4, 3)
gaps = [b - a for a, b in zip(times, times[1:])]
t.near("longest gap in what waited, s", max(gaps), 0.4, 0.6)
p.terminate()
out = p.communicate(timeout=10)
t.same("exit status after SIGTERM", p.returncode, 0)
t.check("127.0.0.1:5140" in out[1], f"stderr names the receiver: {out[1]!r}")
t.done()
