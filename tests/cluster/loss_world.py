# SPDX-License-Identifier: Apache-2.0
"""What loss.py does its worst to: agents, an aggregator and two databases, each on a host of
its own, and a slow line between some of them.

  agent-N ──────────────┐           ┌── tcp ─────────► sink
  agent-N ──► proxy ──► centre (aggregator)
                        └── http ──► proxy ──► sink
"""

import http.client
import json
import os
import re
import signal
import subprocess
import time

from cluster import AGENT, AGGREGATOR, fake_host, wait_for, write_key
from loss_databases import HERE, HTTP_SINK, PYTHON, TCP_SINK, HttpSink, TcpSink, program
from namespaces import Bridge, dies_with_us

UPLINK, PAGES = 7410, 7412
INTERVAL = 0.1
FAT = 1000  # interfaces of an agent whose spool is soon full: some 40 KB a sample
SEGMENT_HEAD, RECORD_HEAD = 16, 8


class Agent:
    """A real agent.  kind: plain, kept (a spool directory), full (a small spool)."""

    def __init__(self, world, number, kind, slow):
        self.world, self.kind = world, kind
        self.name = "agent-%02d" % number
        self.host = world.bridge.host(self.name, "10.88.1.%d" % number)
        self.log = world.top / (self.name + ".log")
        self.directory = None
        self.newest = {}  # epoch: the last sample that a run which was killed has kept
        self.program = None
        to = world.proxy_host if slow else world.centre
        options = world.fat if "full" in kind else world.lean
        if "kept" in kind:
            self.directory = world.top / (self.name + ".spool")
            options = [*options, f"--spool-dir={self.directory}"]
        if "full" in kind:
            options = [*options, "--spool=1M", "--log-level=debug"]
        self.command = [
            AGENT, *options, f"--host-id={self.name}", f"--host-name={self.name}",
            f"--frequency={INTERVAL}", "--feed=none", f"--key-file={world.key}",
            f"--aggregator=tcp://{to.address}:{UPLINK}",
        ]

    def start(self):
        self.program = program(self.host, self.command, self.log)

    def kill(self):
        self.program.kill()
        for epoch, newest in self.kept().items():
            self.newest[epoch] = max(newest, self.newest.get(epoch, 0))

    def kept(self):
        """Newest sample by epoch, as the files have it that the agent left: what was written to
        them must arrive."""
        newest = {}
        for path in self.directory.glob("*.spool"):
            epoch, first = map(int, path.stem.split("-"))
            newest[epoch] = max(newest.get(epoch, 0), first + records(path.read_bytes()) - 1)
        return newest

    def lost(self):
        """What the agent's directory says was dropped, of all its runs."""
        text = (self.directory / "position").read_text()
        return sum(map(int, re.findall(r"\blost (\d+)", text)))

    def dropped(self):
        """{(epoch, sequence)} that the agent said it dropped."""
        text = self.log.read_text(encoding="utf-8", errors="replace")
        found = re.findall(r"drops sample (\d+) of epoch (\d+)", text)
        return [(int(epoch), int(sequence)) for sequence, epoch in found]


def records(segment):
    """How many whole records there are."""
    n, at = 0, SEGMENT_HEAD
    while at + RECORD_HEAD <= len(segment):
        at += RECORD_HEAD + int.from_bytes(segment[at:at + 4], "little")
        n += at <= len(segment)
    return n


class World:
    def __init__(self, top, agents):
        self.top = top
        self.ending = False  # the aggregator has been told to
        self.bridge = Bridge()
        self.centre = self.bridge.host("centre", "10.88.0.1")
        self.sink_host = self.bridge.host("sink", "10.88.0.2")
        self.proxy_host = self.bridge.host("proxy", "10.88.0.3")
        self.key = write_key(top / "cluster.key", os.urandom(32))
        self.records = top / "records"
        self.records.mkdir()
        # Real CPU counters, so that a rate over the wrong interval is another number.
        self.fat = [*fake_host(top / "fat", FAT), "--host", "--cpu", "--net"]
        fake_host(top / "lean")
        for name in ("fat", "lean"):
            stat = top / name / "proc/stat"
            stat.unlink()
            stat.symlink_to("/proc/stat")
        self.lean = [f"--procfs={top}/lean/proc", f"--sysfs={top}/lean/sys",
                     f"--rootfs={top}/lean/root", "--proxmox", "--host", "--cpu"]
        self.http_sink = HttpSink(self.sink_host, self.records)
        self.tcp_sink = TcpSink(self.sink_host, self.records)
        self.start_proxy()
        self.start_aggregator()
        self.agents = [Agent(self, i + 1, *kind) for i, kind in enumerate(kinds(agents))]
        for a in self.agents:
            a.start()

    def start_proxy(self):
        command = [
            *PYTHON, HERE / "loss_proxy.py", self.proxy_host.address,
            f"{UPLINK}={self.centre.address}:{UPLINK}",
            f"{HTTP_SINK}={self.sink_host.address}:{HTTP_SINK}",
        ]
        with open(self.top / "proxy.log", "ab") as log, self.proxy_host.entered():
            self.proxy = subprocess.Popen(dies_with_us(command), stdin=subprocess.PIPE, stdout=log,
                                          stderr=log)

    def order(self, text):
        """To the proxy."""
        self.proxy.stdin.write(text.encode() + b"\n")
        self.proxy.stdin.flush()

    def start_aggregator(self):
        self.aggregator = program(
            self.centre,
            [AGGREGATOR, f"--listen=tcp://{self.centre.address}:{UPLINK}", "--feed=none",
             f"--http=127.0.0.1:{PAGES}", f"--key-file={self.key}", "--history=5s",
             f"--output=json+http://{self.proxy_host.address}:{HTTP_SINK}/",
             f"--output=json+tcp://{self.sink_host.address}:{TCP_SINK}"],
            self.top / "aggregator.log",
        )

    def hosts(self):
        """/hosts, by id; {} when there is no answer."""
        try:
            with self.centre.entered():
                page = http.client.HTTPConnection("127.0.0.1", PAGES, timeout=10)
                page.connect()
            page.request("GET", "/hosts")
            return {h["host_id"]: h for h in json.loads(page.getresponse().read())["hosts"]}
        except (OSError, http.client.HTTPException, ValueError):
            return {}

    def outputs(self):
        with self.centre.entered():
            page = http.client.HTTPConnection("127.0.0.1", PAGES, timeout=10)
            page.connect()
        page.request("GET", "/hosts")
        return json.loads(page.getresponse().read())["outputs"]

    def ended(self):
        """Who should run and does not."""
        running = [(a.name, a.program.process) for a in self.agents]
        running += [("tcp sink", self.tcp_sink.process), ("proxy", self.proxy),
                    ("http sink", self.http_sink.program.process)]
        running += [] if self.ending else [("aggregator", self.aggregator.process)]
        return [(name, p.returncode) for name, p in running if p.poll() not in (None, -9)]

    def committed(self, seconds):
        """Waits until all that the agents have by now is committed; the hosts then."""
        names = {a.name for a in self.agents}
        until = time.monotonic() + seconds
        goal = {}

        def known():
            hosts = self.hosts()
            # On a busy machine one of so many quick ones is always stale for a moment.
            if not names <= hosts.keys() or any(
                    h["state"] not in ("live", "stale") or h["age"] > 5 for h in hosts.values()):
                return False
            goal.update({n: hosts[n]["committed"] + hosts[n]["behind"] for n in names})
            return True

        def done():
            hosts = self.hosts()
            if all(n in hosts and hosts[n]["committed"] >= goal[n] for n in names):
                return hosts
            return None

        if not wait_for(known, seconds, 0.5):
            raise AssertionError("not all hosts are live again: %s" % self.hosts())
        hosts = wait_for(done, max(1, until - time.monotonic()), 0.5)
        if not hosts:
            raise AssertionError("not committed after %d s: %s, outputs %s" %
                                 (seconds, self.hosts(), self.outputs()))
        return hosts

    def end(self):
        """All programs, as systemd ends them; complaints."""
        wrong = []
        for a in self.agents:
            a.program.process.send_signal(signal.SIGTERM)
        for a in self.agents:
            status = a.program.stop()
            if status != 0:
                wrong.append("%s ended with %s" % (a.name, status))
        hosts = self.hosts()
        status = self.aggregator.stop()
        if status != 0:
            wrong.append("the aggregator ended with %s" % status)
        if not wait_for(lambda: not self.tcp_sink.peers):
            wrong.append("the tcp sink's connections have not ended with the aggregator")
        self.tcp_sink.kill(False)
        self.http_sink.kill()
        self.proxy.kill()
        self.proxy.wait()
        return hosts, wrong


def kinds(n):
    """Of n agents: (kind, behind the slow line?)."""
    last = [("full", False), ("full", True), ("full+kept", False), ("full+kept+killed", False)]
    rest = n - len(last)
    kept = rest * 2 // 5
    some = [("plain", i % 4 == 0) for i in range(rest - kept)]
    some += [("kept+killed", i % 3 == 0) for i in range(kept)]
    return some + last
