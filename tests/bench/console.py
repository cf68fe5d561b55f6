#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the console costs, on a terminal: a cluster of 300 hosts with 10,000 VMs through an
aggregator, and a host of 30 VMs that it measures itself.  See README.md.
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

from fakehost import FakeHost, cpu_ns, find, status_kib
from pty_screen import PtyScreen

HERE = os.path.dirname(os.path.abspath(__file__))
# Each of them changes what is on the screen.  \033O: as this TERM's keys are in keypad mode.
KEYS = ["c", "r", "r", ">", "<", "d", "m", "n", "o", "a", "j", "k", "\033[6~", "\033OF", "\033OH",
        "1", "2", "a", "v", "v"]
REDRAW = "\f"
failures = []
only_check = "--check" in sys.argv


def limit(what, value, most, unit):
    ok = value is not None and (value <= most or only_check)
    text = "nothing" if value is None else "%.2f" % value
    print("  %-58s %8s %s (at most %g)%s" % (what, text, unit, most, "" if ok else "   TOO MUCH"))
    sys.stdout.flush()
    if not ok:
        failures.append(what)


def share(pid, seconds):
    """Of a core, percent."""
    before, began = cpu_ns(pid), time.monotonic()
    time.sleep(seconds)
    return (cpu_ns(pid) - before) / (time.monotonic() - began) / 1e7


def settle(seconds):
    time.sleep(seconds / 4 if only_check else seconds)


class Cluster:
    """An aggregator and hosts that send to it."""

    def __init__(self, args):
        self.log = tempfile.TemporaryFile("w+")
        self.aggregator = subprocess.Popen(
            [args.aggregator, "--listen=tcp://127.0.0.1:0", "--feed=tcp://127.0.0.1:0",
             "--http=127.0.0.1:0", "--history=30s", "--history-memory=1024M"],
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)
        found, until = None, time.monotonic() + 20
        while not found and self.aggregator.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
            self.log.seek(0)
            found = re.search(r"listens at \S+:(\d+); feed \S+:(\d+)", self.log.read())
        if not found:
            self.aggregator.kill()
            self.aggregator.wait()
            raise RuntimeError("the aggregator does not listen")
        self.feed = "tcp://127.0.0.1:" + found[2]
        self.fleet = subprocess.Popen(
            [args.fleet, "tcp://127.0.0.1:" + found[1], f"--hosts={args.hosts}",
             f"--vms={args.vms}", f"--values={args.values}", "--spread=0", "--warm=0",
             "--seconds=3600", "--drain=0"], stdout=subprocess.DEVNULL)
        settle(4)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for p in (self.fleet, self.aggregator):
            p.terminate()
            p.wait()
        return False


def started(screen, what, name):
    """The first screen, and the first one that has what is looked for."""
    for told, text in (("first screen", b"View: ALL"), ("first VM on it", name)):
        s = screen.wait_for(text)
        limit(f"{what}: {told} after the start", s and s * 1000, 300, "ms")


def has(screen, text):
    """A screen that shows nothing costs nothing."""
    since = len(screen.text)
    screen.send(REDRAW)
    if screen.wait_for(text, 5, since) is None:
        failures.append("not on the screen: " + text.decode())
    settle(2)


def memory(screen, what):
    own, all_of_it = (status_kib(screen.pid, k) / 1024 for k in ("RssAnon", "VmRSS"))
    limit(f"{what}: memory of its own", own, 150, "MB")
    limit(f"{what}: memory in all", all_of_it, 150, "MB")


def report_keys(screen, what, rounds):
    ms = []
    for _ in range(rounds):
        for key in KEYS:
            answer = screen.answer_s(key)
            if answer is not None:
                ms.append(answer * 1000)
            time.sleep(0.02)
    if len(ms) < rounds * len(KEYS) * 0.8:
        failures.append(f"{what}: {rounds * len(KEYS) - len(ms)} keys changed nothing")
    ms.sort()
    print("  %-58s median %.1f, p90 %.1f, most %.1f ms of %d keys" % (
        f"{what}: key to the last byte at the terminal", statistics.median(ms),
        ms[int(len(ms) * 0.9)], ms[-1], len(ms)))
    limit(f"{what}: the median of them", statistics.median(ms), 16, "ms")


def report_cluster(args):
    what = f"{args.hosts} hosts x {args.vms} VMs"
    print(f"\n{what}, {args.values} values a VM, a sample a second, 200x50")
    with Cluster(args) as cluster, tempfile.TemporaryDirectory() as home:
        command = [args.proxtop, "--connect=" + cluster.feed, "--frequency=1"]
        with PtyScreen(command, env={"XDG_CONFIG_HOME": home}) as screen:
            started(screen, what, b"hv-0")
            settle(5)
            has(screen, b"VMs: %d | Hosts: %d" % (args.hosts * args.vms, args.hosts))
            limit(f"{what}: all VMs, by trouble", share(screen.pid, args.seconds), 5, "% of a core")
            memory(screen, what)
            report_keys(screen, what, args.rounds)
            for told, keys, text, most in (
                    ("as a tree", "av", b"View: ALL", 5),
                    ("all vCPUs", "v1", b"View: VCPUS", 5),
                    ("all about a VM", "a\r", b"vm: ", 5),
                    ("what changed", "\x7f'\"", b"WHAT CHANGED", 5)):
                for key in keys:
                    screen.send(key)
                    settle(0.8)
                has(screen, text)
                limit(f"{what}: {told}", share(screen.pid, args.seconds), most, "% of a core")
            memory(screen, what + ", with a kept moment")


def report_local(args):
    what = f"a host with {args.local_vms} VMs"
    print(f"\n{what}, all in one process, a refresh a second, 200x50")
    options = ["--vcpus=4", "--disks=1"]
    with FakeHost(args.fakevms, args.local_vms, options) as host, \
            tempfile.TemporaryDirectory() as home:
        command = [args.proxtop, "--proxmox", "--rootfs=" + host.dir, "--frequency=1"]
        with PtyScreen(command, env={"XDG_CONFIG_HOME": home}) as screen:
            started(screen, what, b"vm1")
            settle(8)
            has(screen, b"VMs: %d " % args.local_vms)
            limit(f"{what}: CPU", share(screen.pid, args.seconds), 1, "% of a core")
            memory(screen, what)
            report_keys(screen, what, args.rounds)


def inside(args):
    """Where no other process is seen."""
    if args.inside:
        report_local(args)
        return
    user = [] if os.geteuid() == 0 else ["--map-root-user"]
    done = subprocess.run(["unshare", *user, "--mount", "--pid", "--net", "--fork", "--kill-child",
                           "--mount-proc", sys.executable, "-B", os.path.abspath(__file__),
                           "--inside", *sys.argv[1:]])
    if done.returncode:
        failures.append("the host")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--build", default=os.path.join(HERE, "../../build"))
    parser.add_argument("--hosts", type=int, default=300)
    parser.add_argument("--vms", type=int, default=33)
    parser.add_argument("--values", type=int, default=80)
    parser.add_argument("--local-vms", type=int, default=30)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--rounds", type=int, default=5, help="how often each key is pressed")
    parser.add_argument("--check", action="store_true",
                        help="little and short: is there what is measured?  No limit holds")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.check:
        args.hosts, args.vms, args.local_vms, args.seconds, args.rounds = 5, 3, 3, 0.5, 1
    args.proxtop = os.path.abspath(find(args.build, "bin/proxtop"))
    args.aggregator = find(args.build, "bin/proxtop-aggregator")
    args.fleet = find(args.build, "bench/fleet")
    args.fakevms = find(args.build, "bench/fakevms")
    if not args.inside:
        report_cluster(args)
    inside(args)
    for failure in failures:
        print("over its limit, or missing: " + failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
