#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Three hosts and a centre on one bridge, each with a name of its own; keys; a plain reader on
tcp and a real InfluxDB: what a person sets up who follows the README.

Needs root (namespaces) and packages.txt.  --outage=SECONDS: how long the aggregator is away.
"""

import argparse
import http.client
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse

from cluster import AGENT, AGGREGATOR, Program, wait_for, write_key
from hosts_machine import READER, Machine, Reader, openmetrics, stamp
from namespaces import Bridge, dies_with_us

INTERVAL = 2
NAMES = ("kvm1", "kvm2", "kvm3")
OUTAGE = 20  # seconds that the aggregator is away
UPLINK, PAGES, AGENT_PAGES, INFLUX = 7410, 7412, 9409, 8086
WAIT = 120  # a busy machine
# What is a tag in InfluxDB, and so a text
TAGS = {"host_name": "host", "host_id": "host_id", "UUID": "uuid", "name": "name", "vmid": "vmid"}


class Hosts(unittest.TestCase):
    def setUp(self):
        for program in ("influxd", "promtool"):
            self.assertTrue(shutil.which(program), program + " is not installed")
        self.directory = tempfile.TemporaryDirectory(prefix="proxtop-hosts-")
        self.addCleanup(self.directory.cleanup)
        self.top = pathlib.Path(self.directory.name)
        self.programs, self.passed = [], False
        self.addCleanup(self.end)
        self.bridge = Bridge()
        self.addCleanup(self.bridge.close)
        self.centre = self.bridge.host("centre", "10.88.0.1")
        self.databases = self.bridge.host("databases", "10.88.0.2")
        self.machines = [Machine(self.top, self.bridge, i + 1, n) for i, n in enumerate(NAMES)]
        self.key = write_key(self.top / "cluster.key", os.urandom(32))
        self.reader = Reader(self.databases)
        self.addCleanup(self.reader.listener.close)
        self.moving = threading.Event()
        mover = threading.Thread(target=self.move, daemon=True)
        mover.start()
        self.addCleanup(mover.join)
        self.addCleanup(self.moving.set)

    def move(self):
        while not self.moving.wait(0.25):
            for m in self.machines:
                m.go()

    def end(self):
        for p in self.programs:
            p.stop(10)
        if not self.passed:
            for log in sorted(self.top.glob("*.log")):
                text = log.read_text(errors="replace")
                print("---- %s\n%s" % (log.name, text[-3000:]), file=sys.stderr)

    # ---- programs ----

    def start(self, host, name, command):
        with host.entered():
            p = Program(dies_with_us(command), self.top / (name + ".log"))
        self.programs.append(p)
        return p

    def start_influx(self):
        (self.top / "influx.conf").write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:8088"
[meta]
  dir = "{self.top}/influx/meta"
[data]
  dir = "{self.top}/influx/data"
  wal-dir = "{self.top}/influx/wal"
[http]
  bind-address = "{self.databases.address}:{INFLUX}"
  log-enabled = false
""")
        self.start(self.databases, "influx", ["influxd", "-config", self.top / "influx.conf"])
        self.assertTrue(wait_for(lambda: self.influx_get("/ping")[0] == 204, WAIT), "no influxd")
        self.query("CREATE DATABASE proxtop")

    def start_aggregator(self):
        to = self.databases.address
        p = self.start(self.centre, "aggregator", [
            AGGREGATOR, f"--listen=tcp://0.0.0.0:{UPLINK}", f"--key-file={self.key}",
            "--feed=none", f"--http=127.0.0.1:{PAGES}", f"--output=json+tcp://{to}:{READER}?verbose=1",
            f"--output=influx+http://{to}:{INFLUX}/write?db=proxtop&verbose=1",
        ])
        self.assertTrue(wait_for(lambda: self.page("/readyz")[0] == 200, WAIT), p.messages())
        return p

    def agent_command(self, machine, *options, key=True):
        return [AGENT, *machine.options(), f"--frequency={INTERVAL}", "--feed=none",
                f"--aggregator=tcp://{self.centre.address}:{UPLINK}",
                *([f"--key-file={self.key}"] if key else []), *options]

    # ---- what they say ----

    def get(self, host, address, path, method="GET", headers={}):
        """Status and text; 0 when nobody answers."""
        page = http.client.HTTPConnection(*address, timeout=WAIT)
        try:
            with host.entered():
                page.connect()
            page.request(method, path, headers=headers)
            answer = page.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException) as e:
            return 0, str(e)
        finally:
            page.close()

    def page(self, path):
        return self.get(self.centre, ("127.0.0.1", PAGES), path)

    def metrics(self, host, port, path="/metrics"):
        """What promtool and the strict reader make of it: the series, by name and labels."""
        status, text = self.get(host, ("127.0.0.1", port), path)
        self.assertEqual(status, 200, text)
        self.promtool(text)
        status, text = self.get(host, ("127.0.0.1", port), path,
                                headers={"Accept": "application/openmetrics-text"})
        self.assertEqual(status, 200, text)
        return openmetrics.parse(text.encode())

    def agent_page(self, machine, path):
        return self.get(machine.net, ("127.0.0.1", AGENT_PAGES), path)

    def influx_get(self, path, method="GET"):
        return self.get(self.centre, (self.databases.address, INFLUX), path, method)

    def query(self, q):
        args = urllib.parse.urlencode({"q": q, "db": "proxtop", "epoch": "ns"})
        status, text = self.influx_get("/query?" + args, "POST")
        self.assertEqual(status, 200, text)
        result = json.loads(text)["results"][0]
        self.assertNotIn("error", result)
        return result.get("series", [])

    def points(self, measurement):
        """[{column: value}], only what is there."""
        return [{k: v for k, v in zip(s["columns"], row) if v is not None}
                for s in self.query("SELECT * FROM " + measurement) for row in s["values"]]

    def hosts(self):
        status, text = self.page("/hosts")
        return {h["host_name"]: h for h in json.loads(text)["hosts"]} if status == 200 else {}

    def drained(self):
        """What was sampled by now is committed."""
        goal = {}

        def known():
            hosts = self.hosts()
            goal.update({n: h["committed"] + h["behind"] for n, h in hosts.items()})
            return set(NAMES) <= goal.keys() and all(hosts[n]["state"] == "live" for n in NAMES)

        self.assertTrue(wait_for(known, WAIT, 0.2), self.page("/hosts"))
        self.assertTrue(wait_for(lambda: all(self.hosts().get(n, {"committed": 0})["committed"] >=
                                             goal[n] for n in NAMES), WAIT, 0.2),
                        self.page("/hosts"))
        return goal

    # ---- the test ----

    def test_three_hosts(self):
        self.start_influx()
        aggregator = self.start_aggregator()
        agents = {m.name: self.start(m.net, m.name, self.agent_command(
            m, f"--http=127.0.0.1:{AGENT_PAGES}")) for m in self.machines}
        self.arrive()
        self.refuse()
        self.pages()

        # Away for a while.
        self.assertEqual(aggregator.stop(WAIT), 0)
        away = time.monotonic()
        time.sleep(OUTAGE)
        for m in self.machines:
            status, text = self.agent_page(m, "/readyz")
            self.assertEqual((status, "no answer from" in text), (200, True), text)
        self.start_aggregator()
        away, back = time.monotonic() - away, time.monotonic()
        self.drained()
        print("away for %.1f s; all in both databases %.1f s after it was back" % (
            away, time.monotonic() - back))
        for p in agents.values():
            self.assertEqual(p.stop(WAIT), 0)
        hosts = self.hosts()
        self.compare(hosts)
        self.passed = True

    def arrive(self):
        """Within two intervals of being there every host and VM is at both, once."""
        for m in self.machines:
            self.assertTrue(wait_for(lambda: self.agent_page(m, "/readyz")[0] == 200, WAIT), m.name)
        there = time.monotonic()
        want = {(n, "web-" + n) for n in NAMES}

        def at_reader():
            return {(r["host_name"], d["name"]) for _, r in self.reader.all() for d in r["domains"]}

        def at_influx():
            return {(p["host"], p["name"]) for p in self.points("proxtop_vm")}
        self.assertTrue(wait_for(lambda: want == at_reader() and want == at_influx(), WAIT),
                        (at_reader(), at_influx()))
        took = time.monotonic() - there
        print("\nthree hosts at both databases %.2f s after the last one's first sample" % took)
        self.assertLess(took, 2 * INTERVAL)
        goal = self.drained()
        seen = [(r["host_name"], r["epoch"], r["seq"]) for _, r in self.reader.all()]
        self.assertEqual(len(seen), len(set(seen)), "something came twice")
        self.assertTrue(all(any(s[0] == n and s[2] == goal[n] for s in seen) for n in NAMES))
        late = [a - stamp(r) for a, r in self.reader.all()]
        print("from sample to reader: at most %.3f s" % max(late))
        self.assertLess(max(late), 2 * INTERVAL)

    def refuse(self):
        """A wrong key and none are refused, and that is said at both ends."""
        wrong = write_key(self.top / "wrong.key", os.urandom(32))
        m = Machine(self.top, self.bridge, 9, "stranger")
        before = self.rejected()
        bad = self.start(m.net, "wrong", self.agent_command(m, f"--key-file={wrong}", key=False))
        plain = self.start(m.net, "plain", self.agent_command(m, "--insecure", key=False))
        for p in (bad, plain):
            self.assertTrue(wait_for(lambda: "it uses another key" in p.messages(), WAIT),
                            p.messages())
        self.assertGreater(self.rejected(), before)
        log = (self.top / "aggregator.log").read_text()
        self.assertIn("it was not sealed with a key of --key-file", log)
        self.assertEqual(sorted(self.hosts()), sorted(NAMES))
        self.assertEqual((bad.stop(WAIT), plain.stop(WAIT)), (0, 0))
        # Beyond loopback and no key at all.
        for host, command, said in (
            (m.net, self.agent_command(m, key=False), ("--aggregator", "tcp://10.88.0.1:7410")),
            (self.centre, [AGGREGATOR, "--listen=tcp://0.0.0.0:7499", "--feed=none",
                           "--http=none"], ("--listen", "tcp://0.0.0.0:7499")),
            (self.centre, [AGGREGATOR, "--listen=tcp://127.0.0.1:7499", "--http=none",
                           "--feed=tcp://10.88.0.1:7498"], ("--feed", "tcp://10.88.0.1:7498")),
        ):
            p = self.start(host, "no-key-%d" % len(self.programs), command)
            self.assertEqual(wait_for(lambda: p.process.poll(), WAIT), 2, p.messages())
            for text in (*said, "--key-file"):
                self.assertIn(text, p.messages())

    def rejected(self):
        return json.loads(self.page("/hosts")[1])["uplink"]["rejected"]

    def pages(self):
        self.assertEqual(self.page("/healthz")[0], 200)
        self.assertEqual(self.page("/readyz")[0], 200)
        hosts = self.hosts()
        self.assertEqual(sorted(hosts), sorted(NAMES))
        self.assertEqual(len({h["host_id"] for h in hosts.values()}), 3)
        for n, h in hosts.items():
            self.assertEqual((h["state"], h["lost"], h["gap"], h["missed"], h["refused"]),
                             ("live", 0, 0, 0, 0), h)
            self.assertEqual(h["interval"], INTERVAL)
            self.assertLess(abs(h["clock_ahead"]), 1)
            self.assertNotIn("abc", h["host_id"], "the machine-id itself")
        for path, names in (("/metrics", set(NAMES)), ("/metrics?host=kvm2", {"kvm2"})):
            series = self.metrics(self.centre, PAGES, path)
            self.assertEqual({dict(labels).get("host") for _, labels in series} - {None}, names)
        for m in self.machines:
            self.assertGreater(len(self.metrics(m.net, AGENT_PAGES)), 100)

    def promtool(self, text):
        done = subprocess.run(["promtool", "check", "metrics"], input=text, text=True,
                              capture_output=True, timeout=WAIT)
        self.assertEqual((done.returncode, done.stdout + done.stderr), (0, ""))

    def compare(self, hosts):
        """Nothing is missing in either, and the numbers are the same in both."""
        records = {}
        for _, r in self.reader.all():
            key = (r["host_name"], r["epoch"], r["seq"])
            self.assertEqual(records.setdefault(key, r), r, "came twice and differs")
        points = {s: {} for s in ("host", "vm")}
        for scope, there in points.items():
            for p in self.points("proxtop_" + scope):
                key = (p["host"], p["time"] // 10**6)
                self.assertNotIn(key, there, "two points of one sample")
                there[key] = p
        numbers = 0
        for n in NAMES:
            mine = {s: r for (host, _, s), r in records.items() if host == n}
            newest = max(mine)
            self.assertGreaterEqual(newest, OUTAGE // INTERVAL)
            self.assertEqual((hosts[n]["lost"], hosts[n]["gap"], hosts[n]["missed"]), (0, 0, 0))
            self.assertGreaterEqual(newest, hosts[n]["committed"])
            self.assertEqual(sorted(mine), list(range(1, newest + 1)), "missing at the reader")
            at = [(n, round(stamp(r) * 1000)) for r in mine.values()]
            self.assertEqual(len(set(at)), newest)
            for scope, there in points.items():
                self.assertEqual(sorted(k for k in there if k[0] == n), sorted(at),
                                 "%s: not the same samples in InfluxDB (%s)" % (n, scope))
            for key, r in zip(at, mine.values()):
                self.assertEqual(len(r["domains"]), 1)
                numbers += self.same(r["host"], points["host"][key])
                numbers += self.same(r["domains"][0], points["vm"][key])
        self.assertGreater(numbers, 50 * len(records))
        print("%d samples of 3 hosts in both, none missing; %d numbers are equal" % (
            len(records), numbers))

    def same(self, shown, point):
        """Every number and text that json shows is the field of that name."""
        n = 0
        for key, v in shown.items():
            if isinstance(v, list):
                continue
            self.assertEqual(point.get(TAGS.get(key, key)), str(v) if key in TAGS else v, key)
            n += 1
        return n


if __name__ == "__main__":
    if os.geteuid() != 0:
        sys.exit("hosts.py needs root: it makes network namespaces")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--outage", type=int, default=OUTAGE, metavar="SECONDS")
    options, rest = parser.parse_known_args()
    OUTAGE = options.outage
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
