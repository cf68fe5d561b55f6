# SPDX-License-Identifier: Apache-2.0
"""What the scripts share: a host of make-believe VMs, namespaces, and a process's CPU clock."""
import os
import struct
import subprocess
import sys
import tempfile
import time


class FakeHost:
    """fakevms, running; gone at the end of the with block."""

    def __init__(self, fakevms, n, options=()):
        self.n = n
        # Short: the socket's path must fit into 107 bytes.
        self.dir = tempfile.mkdtemp(prefix="bench.", dir="/tmp")
        self.process = subprocess.Popen([fakevms, self.dir, str(n), *options],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            self.process.wait()
            raise RuntimeError(f"{fakevms} did not get {n} VMs ready")

    def counters(self):
        """What all monitors together have seen: sessions, requests, bytes in, bytes out."""
        with open(self.dir + "/counters", "rb") as f:
            data = f.read()
        rows = struct.iter_unpack("=4Q", data)
        return [sum(column) for column in zip(*rows)]

    def pids(self):
        pids = []
        for vmid in range(100, 100 + self.n):
            with open(f"{self.dir}/run/qemu-server/{vmid}.pid") as f:
                pids.append(int(f.read()))
        return pids

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        return False


def cpu_ns(pid):
    """CPU time of the process, all its threads and those that have ended."""
    return time.clock_gettime_ns((~pid << 3) | 2)


def status_kib(pid, key):
    with open(f"/proc/{pid}/status") as f:
        for line in f:
            if line.startswith(key + ":"):
                return int(line.split()[1])
    raise RuntimeError(f"/proc/{pid}/status has no {key}")


def find(build, path):
    """A program of the build directory; says which one is missing."""
    path = os.path.join(build, path)
    if not os.access(path, os.X_OK):
        raise SystemExit(f"{path}: not there; build it first (cmake --build {build})")
    return path


def enter_namespaces():
    """Starts this script again where it sees no other process or interface."""
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    os.execvp("unshare", ["unshare", *user, "--mount", "--pid", "--net", "--fork", "--kill-child",
                          "--mount-proc", sys.executable, "-B", os.path.abspath(sys.argv[0]),
                          "--inside", *sys.argv[1:]])
