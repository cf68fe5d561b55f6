# SPDX-License-Identifier: Apache-2.0
"""What the tests in a real terminal share: two hosts of a few files, an aggregator, a shell.

The programs are named by the environment's PROXTOP, PROXTOP_AGENT, PROXTOP_AGGREGATOR."""
import os
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cluster"))
import cluster  # noqa: E402
import tmux  # noqa: E402

PROXTOP = os.path.abspath(os.environ.get("PROXTOP", "build/bin/proxtop"))
NAMES = ("alpha", "beta")
BAR = r"^ proxtop \|"          # the first line of the screen


def children(pid):
    """The processes that this one has started."""
    found = []
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            continue
        if text[text.rindex(")") + 2:].split()[1] == str(pid):
            found.append(int(path.parent.name))
    return found


def alive(pid):
    """Is it there, and no zombie?"""
    try:
        text = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False
    return text[text.rindex(")") + 2] != "Z"


class Case(unittest.TestCase):
    """self.host are the options that show a host with one VM; open() is a terminal."""

    @classmethod
    def setUpClass(cls):
        cls.directory = tempfile.TemporaryDirectory(prefix="proxtop-terminal-")
        cls.top = pathlib.Path(cls.directory.name)
        cls.hosts = []
        for i, name in enumerate(NAMES):
            options = cluster.fake_host(cls.top / name)
            cluster.fake_vm(cls.top / name, f"8c1f9a52-6d3e-4b7a-9c00-00000000000{i}")
            cls.hosts.append([*options, f"--host-name={name}", f"--host-id={name}"])
        cls.host = cls.hosts[0]

    @classmethod
    def tearDownClass(cls):
        cls.directory.cleanup()

    def open(self, *command, **more):
        t = tmux.Terminal(*command, **more)
        self.addCleanup(t.close)
        return t

    def proxtop(self, *options, host=True, **more):
        return self.open(PROXTOP, *(self.host if host else []), *options, **more)

    def shell(self, env=None):
        """bash with job control, which starts what is typed."""
        t = self.open("bash", "--norc", "--noprofile", "-i", env={"PS1": "$ ", **(env or {})})
        t.wait(r"^\$ ?$")
        return t

    def command(self, *options):
        return " ".join([PROXTOP, *self.host, *options])

    def wait(self, what, condition, seconds=15):
        got = cluster.wait_for(condition, seconds)
        self.assertTrue(got, what)
        return got

    def pid_in(self, terminal):
        """The one process that the shell in there has started."""
        shell = int(terminal.facts("pane_pid")[0])
        return self.wait("a process in the shell", lambda: children(shell))[0]

    # ---- a cluster ----

    def start(self, name, program, *options):
        p = cluster.Program([program, *options], self.top / f"{self.id()}-{name}.log")
        self.addCleanup(p.stop)
        return p

    def aggregator(self, uplink, feed):
        return self.start("aggregator", cluster.AGGREGATOR, f"--listen=tcp://127.0.0.1:{uplink}",
                          f"--feed=tcp://127.0.0.1:{feed}", "--http=none")

    def agents(self, uplink):
        return [self.start(name, cluster.AGENT, *options, "--frequency=1", "--feed=none",
                           f"--aggregator=tcp://127.0.0.1:{uplink}")
                for name, options in zip(NAMES, self.hosts)]

    def cluster_of_two(self):
        """An aggregator with both hosts; it, its ports, and the option that shows it."""
        uplink, feed = cluster.free_port(), cluster.free_port()
        return self.aggregator(uplink, feed), (uplink, feed), self.agents(uplink), \
            f"--connect=tcp://127.0.0.1:{feed}"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

