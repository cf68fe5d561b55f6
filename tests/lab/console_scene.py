# SPDX-License-Identifier: Apache-2.0
"""The scene that the console is looked at with: three hosts with real VMs and agents, an
aggregator, and proxtop in a terminal.  The test and the pictures (pictures.py) have the same.

On kvm1 shop-db, shop-web and reports share one core.  shop-db always wants it, shop-web a
little; reports sleeps until it burns that core, and has four times the weight.  files has two
disks, of which vdb lets ten requests a second through.  The others do next to nothing."""
import os
import subprocess
import sys

import lab

sys.path.insert(0, os.path.join(os.environ["LAB_DIR"], "..", "terminal"))
import tmux  # noqa: E402

FEED = "tcp://127.0.0.1:7411"
HOSTS = ("kvm1", "kvm2", "kvm3")


class Scene:
    def __init__(self):
        self.aggregator = None
        self.hosts = {name: self._host(name) for name in HOSTS}
        for name in HOSTS:
            self._expect(name, "ready")

    def _host(self, name):
        return subprocess.Popen(
            ["unshare", "--pid", "--fork", "--kill-child", "--mount", "--uts", "--mount-proc",
             "--propagation", "unchanged", sys.executable, "-B",
             os.path.join(os.environ["LAB_DIR"], "console_node.py"), name],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def _expect(self, name, answer):
        got = self.hosts[name].stdout.readline().strip()
        if got != answer:
            raise RuntimeError(f"host {name} says {got!r}, not {answer!r}")

    def tell(self, names, line):
        """A line for hosts, to all of them at once."""
        for name in names:
            print(line, file=self.hosts[name].stdin, flush=True)
        for name in names:
            self._expect(name, "done")

    def measure(self):
        """The aggregator, and an agent on each host."""
        command = [os.path.join(os.path.dirname(lab.PROXTOP), "proxtop-aggregator"), "--http=none"]
        with open("/run/lab/aggregator.log", "wb") as log:
            self.aggregator = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log,
                                               stderr=log)
        self.tell(HOSTS, "measure")

    def reports_burns(self):
        self.tell(["kvm1"], "burn reports")

    # ---- proxtop in a terminal ----

    def console(self, *options, size=(120, 40)):
        """At the aggregator."""
        return tmux.Terminal(lab.PROXTOP, "--frequency=1", f"--connect={FEED}", *options,
                             size=size)

    def local(self, *options, size=(120, 40)):
        """On kvm1 itself, without any daemon."""
        outer = self.hosts["kvm1"].pid
        inner = next(p for p in os.listdir("/proc")
                     if p.isdigit() and lab.stat_fields(f"/proc/{p}/stat")[4] == str(outer))
        return tmux.Terminal("nsenter", f"--target={inner}", "--mount", "--uts", "--pid",
                             lab.PROXTOP, "--libvirt", "--frequency=1", *options, size=size)

    # ---- the end ----

    def logs(self):
        return lab.read("/run/lab/aggregator.log")

    def end(self):
        if self.aggregator:
            self.aggregator.terminate()
        for host in self.hosts.values():
            host.stdin.close()
        for host in self.hosts.values():
            host.wait(30)
        if self.aggregator:
            self.aggregator.wait(20)
