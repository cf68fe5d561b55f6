# SPDX-License-Identifier: Apache-2.0
"""What the tests of proxprofiler share: a VM on the host of files, recordings, a tcp sink."""

import contextlib
import itertools
import os
import socket
import subprocess
import threading

MAKE_RECORDING = os.environ.get("MAKE_RECORDING", "build/bin/make_recording")
NS = 10**9
START = 1_700_000_000 * NS
UUID = "11111111-2222-4333-8444-%012d"


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def add_vm(root, uuid=UUID % 100, pid=4711):
    """A VM of one vCPU on the host of files, as Proxmox VE has it; without a QMP socket."""
    process = root / "proc" / str(pid)
    stat = ("%d (%s) S 1 2 3 0 -1 4 5 6 7 8 9 0 0 12 13 20 0 2 0 900 1000 100 "
            "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n")
    for tid, comm in ((pid, "kvm"), (pid + 1, "CPU 0/KVM")):
        task = process / "task" / str(tid)
        task.mkdir(parents=True)
        (task / "stat").write_text(stat % (tid, comm))
        (task / "comm").write_text(comm + "\n")
        (task / "schedstat").write_text("0 0 1\n")
    (process / "cmdline").write_text(
        "\0".join(["/usr/bin/kvm", "-id", "100", "-name", "web,debug-threads=on", "-smbios",
                   "type=1,uuid=" + uuid, "-smp", "1", "-m", "1024", ""]))
    (process / "schedstat").write_text("0 0 1\n")
    (process / "stat").write_text(stat % (pid, "kvm"))
    (root / "root/etc/pve/qemu-server/100.conf").write_text("name: web\ncores: 1\nmemory: 1024\n")
    (root / "root/var/run/qemu-server/100.pid").write_text("%d\n" % pid)


class Vm:
    """Of a recording: what it does is added to its counters, a step at a time."""

    def __init__(self, number, name=None):
        self.number = number
        self.uuid = UUID % number
        self.name = name or "vm%d" % number
        self.run = self.net = self.io = 0

    def go(self, seconds, cpu, net, io):
        """cpu: percent of its one vCPU; net and io: bytes per second."""
        self.run += int(cpu * seconds * NS / 100)
        self.net += int(net * seconds)
        self.io += int(io * seconds)

    def lines(self):
        yield "row vm 0 %d" % self.number
        yield "text uuid " + self.uuid
        yield "text name " + self.name
        yield "number cpu_cores 1"
        yield "number io_read %d" % self.io
        yield "number io_written 0"


class Host:
    def __init__(self, name, epoch=1, speed=None):
        self.name, self.epoch, self.speed = name, epoch, speed
        self.sequence = 0

    def frame(self, second, vms, interval=2):
        self.sequence += 1
        yield "frame %s %d %d %d %d %d test %s" % (
            self.name, self.epoch, self.sequence, 1000 * NS + second * NS, START + second * NS,
            interval * NS, self.name)
        yield "row host - 1"
        for vm in vms:
            yield from vm.lines()
        for i, vm in enumerate(vms):
            yield "row vcpu %d %d" % (i, vm.number * 10)
            yield "number run %d" % vm.run
            yield "number wait 0"
        for i, vm in enumerate(vms):
            yield "row vm_nic %d %d" % (i, vm.number * 10 + 1)
            yield "number receive %d" % vm.net
            yield "number transmit 0"
        if self.speed:
            yield "row host_nic 0 5"
            yield "number speed %d" % self.speed
        yield "end"


def make_recording(path, lines):
    text = "".join(line + "\n" for line in lines)
    subprocess.run([MAKE_RECORDING, str(path)], input=text, text=True, check=True, timeout=60)


def square_wave(steps, speed=None, vms=2, interval=2):
    """One host whose VMs are busy for 20 steps, idle for 20, and so on."""
    host, all_vms = Host("h1", speed=speed), [Vm(100 + i) for i in range(vms)]
    for step in range(steps):
        yield from host.frame(step * interval, all_vms, interval)
        busy = step // 20 % 2
        for i, vm in enumerate(all_vms):
            vm.go(interval, 90 if busy else 10 + i, 50e6 if busy else 1e3, 1e6)


class Sink:
    """A tcp peer that takes what comes: bytes of each connection, in order."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.taken = []
        self.arrived = threading.Condition()
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        for n in itertools.count():
            try:
                peer, _ = self.socket.accept()
            except OSError:
                return
            self.taken.append(b"")
            with peer:
                while data := peer.recv(65536):
                    with self.arrived:
                        self.taken[n] += data
                        self.arrived.notify_all()
            with self.arrived:
                self.arrived.notify_all()

    def wait_lines(self, n, seconds=30):
        """At least n whole lines, as text."""
        def lines():
            return b"".join(self.taken).decode().splitlines(keepends=True)

        with self.arrived:
            if not self.arrived.wait_for(lambda: len(lines()) >= n, seconds):
                raise AssertionError("%d lines wanted, got %r" % (n, lines()))
            return lines()

    def close(self):
        self.socket.close()
