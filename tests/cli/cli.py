# SPDX-License-Identifier: Apache-2.0
"""What the tests of the command line share: how proxtop is started.

The program is named by the environment's PROXTOP. It sees a host of its own, made of
a few files in a temporary directory and without any VM, so that what really runs on
this machine does not matter.
"""

import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

PROGRAM = os.environ.get("PROXTOP", "build/bin/proxtop")
SOURCE = pathlib.Path(__file__).resolve().parents[2]
TIMEOUT = 30

sys.path.insert(0, str(SOURCE / "tests/cluster"))
from cluster import free_port  # noqa: E402, F401  for the tests of this folder

PROC = {
    "stat": "cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 100 0 100 1000 0 0 0 0 0 0\nbtime 1700000000\n",
    "meminfo": "MemTotal:        8000000 kB\nMemFree:         4000000 kB\nMemAvailable:    6000000 kB\n",
    "cpuinfo": "processor\t: 0\ncpu MHz\t\t: 2000.000\n\n",
    "uptime": "1000.00 2000.00\n",
    "diskstats": "   8       0 sda 10 0 80 10 10 0 80 10 0 20 20 0 0 0 0 0 0\n",
    "1/net/dev": "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|"
    "bytes    packets errs drop fifo colls carrier compressed\n"
    "  eth0: 1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n",
    "pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "sys/kernel/random/boot_id": "11111111-2222-4333-8444-555555555555\n",
    "sys/kernel/hostname": "fakehost\n",
}


def environment(**extra):
    """The caller's environment without the programs' own variables, and with extra."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("PROXTOP", "PROXPROFILER"))}
    env.update({k: str(v) for k, v in extra.items()})
    return env


class Cli(unittest.TestCase):
    """A test with a host made of files; self.host are the options that show it."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="proxtop-cli-")
        root = pathlib.Path(cls.directory.name)
        for name, text in PROC.items():
            path = root / "proc" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        (root / "sys/class/net").mkdir(parents=True)
        (root / "sys/block").mkdir(parents=True)
        (root / "root/etc/pve/qemu-server").mkdir(parents=True)
        (root / "root/var/run/qemu-server").mkdir(parents=True)
        (root / "root/run").mkdir(parents=True)
        cls.root = root
        cls.host = [
            f"--procfs={root}/proc",
            f"--sysfs={root}/sys",
            f"--rootfs={root}/root",
            "--proxmox",
        ]

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def run_program(self, *args, env=None, host=True, **kw):
        """Runs it to its end: status, stdout and stderr as text."""
        command = [PROGRAM, *(self.host if host else []), *args]
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        done = subprocess.run(
            command, env=environment(**(env or {})), timeout=TIMEOUT, check=False, text=True, **kw
        )
        if done.returncode < 0:
            self.fail(f"{args}: ended by signal {-done.returncode}: {done.stderr}")
        return done

    def start(self, *args, env=None, **kw):
        """Starts it; it is killed at the test's end at the latest."""
        kw.setdefault("stdout", subprocess.PIPE)
        kw.setdefault("stderr", subprocess.PIPE)
        process = subprocess.Popen(
            [PROGRAM, *self.host, *args], env=environment(**(env or {})), text=True, **kw
        )

        def end():
            if process.poll() is None:
                process.kill()
            process.communicate()

        self.addCleanup(end)
        return process

    def finish(self, process, sig=signal.SIGTERM):
        """Ends it with a signal: status, stdout, stderr."""
        process.send_signal(sig)
        out, err = process.communicate(timeout=TIMEOUT)
        return process.returncode, out, err


def main():
    if not os.access(PROGRAM, os.X_OK):
        sys.exit(f"{PROGRAM}: no such program; set PROXTOP to it")
    unittest.main(verbosity=2)
