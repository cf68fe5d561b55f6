#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real agents, a real aggregator and two databases, of which everything is killed, stopped,
cut off and slowed down at random; at the end no sample is missing.

  loss.py [--seconds=60] [--seed=N] [--agents=20] [--keep]

What is proved is in README.md.

Needs root (namespaces) and packages.txt; the programs are named by PROXTOP_AGENT and
PROXTOP_AGGREGATOR.  A seed gives the same faults at nearly the same times.
"""

import argparse
import os
import pathlib
import random
import shutil
import signal
import sys
import tempfile
import time

from loss_check import Verdict, read_http, read_tcp
from loss_faults import KINDS, Faults
from loss_world import INTERVAL, World

SETTLE = 180  # seconds that all may take to arrive once the faults are over


def parse():
    p = argparse.ArgumentParser()
    p.add_argument("--seconds", type=float, default=60)
    p.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    p.add_argument("--agents", type=int, default=20)
    p.add_argument("--keep", action="store_true", help="keep the directory")
    return p.parse_args()


class Log:
    def __init__(self, path):
        self.file = open(path, "w")
        self.start = time.monotonic()

    def __call__(self, text):
        self.file.write("%7.2f %s\n" % (time.monotonic() - self.start, text))
        self.file.flush()


def run(o, top, say):
    world = World(top, o.agents)
    world.committed(SETTLE)
    say("all are there")
    begun = time.monotonic()
    faults = Faults(world, random.Random(o.seed), say)
    faults.run(o.seconds)
    took = time.monotonic() - begun
    during = read_http(world.records).total()
    say("no more faults")
    world.committed(SETTLE)
    drained = time.monotonic() - begun - took
    hosts, wrong = world.end()
    say("the end")
    return judge(o, world, faults, hosts, wrong, (took, during, drained))


def judge(o, world, faults, hosts, wrong, figures):
    took, during, drained = figures
    v = Verdict()
    v.wrong += wrong
    http = read_http(world.records)
    got, left = read_tcp(world.records)
    full = {a.name for a in world.agents if "full" in a.kind}
    for a in world.agents:
        h = hosts.get(a.name)
        if not h:
            v.wrong.append("%s is not in /hosts" % a.name)
            continue
        v.agent(a, http, h["lost"])
        v.check(h["refused"] == 0, "%s: samples were refused" % a.name)
        n = sum(len(s) for (host, _), s in http.streams.items() if host == a.name)
        v.check(n > took / INTERVAL / 10, "%s has only %d samples" % (a.name, n))
    v.same(http, "http sink", full)
    v.same(got, "tcp sink", full)
    unread = v.tcp(http, got, left)
    v.both(http, got, full)
    if o.seconds >= 60:
        missing = [k.__name__ for k in KINDS if k.__name__ not in faults.counts]
        v.check(not missing, "these faults did not happen: %s" % missing)
        v.check(v.dropped, "no spool was full")
    print("%d agents, %.0f s of faults: %s" % (
        len(world.agents), took, ", ".join("%d %s" % (n, k) for k, n in sorted(faults.counts.items()))))
    print("%d samples of %d runs made; in the http sink %d (%d while faults went on, the rest within "
          "%.1f s after), repeated %d" % (v.made, len(http.streams), http.total(), during, drained,
                                          http.repeated))
    print("dropped by full spools and counted: %d, of which %d are missing and %d had arrived" %
          (v.dropped, v.missing, v.dropped_arrived))
    print("in the tcp sink %d, repeated %d; %d were acknowledged and left unread by killed readers" %
          (got.total(), got.repeated, unread))
    print("rates that differ, of agents with drops: http %d, tcp %d" % (
        len(http.differing), len(got.differing)))
    return v.wrong


def show_logs(top):
    for path in [top / "faults.log", top / "aggregator.log", *sorted(top.glob("agent-*.log")),
                 top / "proxy.log", *sorted((top / "records").glob("*.log"))]:
        if path.exists():
            text = path.read_text(encoding="utf-8", errors="replace")
            lines = [x for x in text.splitlines() if "debug: the spool drops" not in x]
            print("---- %s\n%s" % (path.name, "\n".join(lines[-60:])), file=sys.stderr)


def main():
    o = parse()
    if os.geteuid() != 0:
        sys.exit("loss.py needs root: it makes network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    top = pathlib.Path(tempfile.mkdtemp(prefix="proxtop-loss-"))
    print("seed %d; the same again: loss.py --seconds=%g --seed=%d" % (o.seed, o.seconds, o.seed),
          flush=True)
    try:
        wrong = run(o, top, Log(top / "faults.log"))
        for text in wrong:
            print("FAIL " + text)
        if not wrong:
            print("PASS")
        else:
            show_logs(top)
        return bool(wrong)
    except AssertionError as e:
        print("FAIL %s" % e)
        show_logs(top)
        return True
    finally:
        if o.keep:
            print("kept: %s" % top)
        else:
            shutil.rmtree(top, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
