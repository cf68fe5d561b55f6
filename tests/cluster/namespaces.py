# SPDX-License-Identifier: Apache-2.0
"""Hosts without machines: network and UTS namespaces on one bridge.

A namespace is held by a descriptor of this process and by who runs in it, and by nothing
else: no names below /run, no mounts.  However this process ends, the kernel kills what it
started (parent-death signal) and takes namespaces, links and firewall rules away.

setns() is for the calling thread alone; start programs from the main thread, because the
parent-death signal comes when the thread that started a program ends.
"""

import contextlib
import ctypes
import os
import socket
import subprocess

NEWUTS, NEWNET = 0x04000000, 0x40000000
KINDS = {"net": NEWNET, "uts": NEWUTS}

libc = ctypes.CDLL(None, use_errno=True)


def call(name, *args):
    if getattr(libc, name)(*args) != 0:
        e = ctypes.get_errno()
        raise OSError(e, "%s: %s" % (name, os.strerror(e)))


def current(kind):
    return os.open("/proc/thread-self/ns/" + kind, os.O_RDONLY | os.O_CLOEXEC)


@contextlib.contextmanager
def restored(*kinds):
    before = [current(k) for k in kinds]
    try:
        yield
    finally:
        for fd in before:
            call("setns", fd, 0)
            os.close(fd)


def dies_with_us(command):
    """The command with a parent-death signal."""
    return ["setpriv", "--pdeathsig", "KILL", *[str(c) for c in command]]


class Host:
    """A network namespace, and a hostname of its own."""

    def __init__(self, name):
        self.name = name
        self.address = None
        with restored("net", "uts"):
            call("unshare", NEWNET | NEWUTS)
            self.net, self.uts = current("net"), current("uts")
            socket.sethostname(name)
        self.run("ip", "link", "set", "lo", "up")

    @contextlib.contextmanager
    def entered(self):
        with restored("net", "uts"):
            call("setns", self.net, NEWNET)
            call("setns", self.uts, NEWUTS)
            yield

    def run(self, *command, check=True):
        """A short command in there; its output."""
        with self.entered():
            done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        if check and done.returncode:
            raise RuntimeError("%s: %s: %s" % (self.name, " ".join(command), done.stderr))
        return done.stdout

    def connect(self, address, timeout=30):
        """A socket from there."""
        with self.entered():
            return socket.create_connection(address, timeout)

    def listen(self, address):
        with self.entered():
            return socket.create_server(address)

    def close(self):
        os.close(self.net)
        os.close(self.uts)


class Bridge:
    """A switch that hosts are plugged into."""

    def __init__(self):
        self.switch = Host("switch")
        self.switch.run("ip", "link", "add", "br0", "type", "bridge")
        self.switch.run("ip", "link", "set", "br0", "up")
        self.hosts = []

    def host(self, name, address):
        """A new host with this address, 10.88.X.Y; its port on the bridge is port-X-Y."""
        host = Host(name)
        host.address = address
        host.port = "port-" + "-".join(address.split(".")[2:])
        self.switch.run(
            "ip", "link", "add", host.port, "type", "veth", "peer", "name", "eth0", "netns",
            "/proc/%d/fd/%d" % (os.getpid(), host.net),
        )
        self.switch.run("ip", "link", "set", host.port, "master", "br0", "up")
        host.run("ip", "addr", "add", address + "/16", "dev", "eth0")
        host.run("ip", "link", "set", "eth0", "up")
        self.hosts.append(host)
        return host

    def link(self, host, up):
        """Plugs the host's cable in, or out."""
        self.switch.run("ip", "link", "set", host.port, "up" if up else "down")

    def close(self):
        for host in self.hosts:
            host.close()
        self.switch.close()
