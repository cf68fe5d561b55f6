#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Outputs into real databases (Debian's influxdb and victoria-metrics), and what these say
they have compared with what was in the frames, number by number.

The environment's PROXTOP_OUTPUT_FEED names the program output_feed.c makes.  A database
that is not installed fails the test: it is in packages.txt.
"""

import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.parse
import urllib.request

from cluster import Program, free_port, wait_for

FEED = os.environ.get("PROXTOP_OUTPUT_FEED", "build/bin/output_feed")
SECOND = 10**9
HOSTS, VMS, SAMPLES = 3, 8, 20
# As output_feed.c has them; what a tag cannot hold is written as it can.
NAMES = ("plain", "two words", "a,b=c", 'q"uo"te', "b\\s/", "\u00e4\u20ac", "new?line", "123")

# Of each raw metric of the feed: the key of json, or None when it is not shown as it is read
GAUGES = {"mem_total": "ram_Total", "mem_free": "ram_Free", "uptime": "uptime",
          "cpu_cores": "cpu_cores"}
COUNTERS = ("cpu_user", "io_read", "io_read_syscalls")


def http(url, data=None):
    """Status and text."""
    try:
        with urllib.request.urlopen(url, data=data, timeout=30) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as e:
        return e.code, e.read().decode()
    except OSError as e:
        return 0, str(e)


class Feed:
    """What a run of the feed put into its output."""

    def __init__(self, text):
        self.raw = {}  # (host, sequence, scope, uuid, metric) -> number
        self.wall = {}
        self.done = None
        for line in text.splitlines():
            what, *rest = line.split("\t")
            if what == "raw":
                host, sequence, wall, scope, uuid, metric, value = rest
                self.raw[host, int(sequence), scope, uuid, metric] = int(value)
                self.wall[int(sequence)] = int(wall)
            elif what == "done":
                self.done = dict(zip(("committed", "sent", "refused", "failures"), map(int, rest)))

    def want(self):
        """(scope, host, uuid, wall, field) -> number, as line protocol has them."""
        want = {}
        for (host, seq, scope, uuid, metric), v in self.raw.items():
            at = (scope, host, uuid, self.wall[seq])
            if metric in GAUGES:
                want[at + (GAUGES[metric],)] = v
                continue
            want[at + (metric + "_total",)] = v
            before = self.raw.get((host, seq - 1, scope, uuid, metric))
            if metric == "io_read":
                want[at + ("io_read_bytes",)] = before if before is None else v - before
                want[at + ("io_MBRD/s",)] = (
                    before if before is None else round((v - before) / 2**20, 2)
                )
            if metric == "io_read_syscalls":
                for key in ("io_syscr", "io_RDOPS"):
                    want[at + (key,)] = before if before is None else v - before
        return {k: v for k, v in want.items() if v is not None}


def feed(url, hosts=HOSTS, vms=VMS, samples=SAMPLES, first=1, delay=0, timeout=120):
    run = subprocess.run(
        [FEED, url, str(hosts), str(vms), str(samples), str(first), str(delay)],
        capture_output=True, text=True, timeout=timeout,
    )
    if run.returncode:
        raise AssertionError("output_feed: %s" % run.stderr)
    return Feed(run.stdout), run.stderr


class Running:
    """A feed that runs beside the test; its output is not held up by a full pipe."""

    def __init__(self, top, url, *numbers):
        self.out, self.err = top / "feed.out", top / "feed.err"
        with open(self.out, "w") as out, open(self.err, "w") as err:
            self.process = subprocess.Popen([FEED, url, *map(str, numbers)], stdout=out,
                                            stderr=err)

    def end(self):
        self.process.wait(120)
        return Feed(self.out.read_text()), self.err.read_text()


class Database(unittest.TestCase):
    program = None

    def setUp(self):
        self.assertTrue(shutil.which(self.program), self.program + " is not installed")
        self.directory = tempfile.TemporaryDirectory(prefix="proxtop-db-")
        self.top = pathlib.Path(self.directory.name)
        self.port, self.second = free_port(), free_port()
        self.running = None

    def tearDown(self):
        if self.running:
            self.running.kill()
        self.directory.cleanup()

    def run_it(self, command, ready):
        self.running = Program(command, self.top / "log")
        if not wait_for(lambda: http(self.at(ready))[0] in (200, 204)):
            self.fail("%s is not ready:\n%s" % (self.program, self.running.messages()[-3000:]))

    def at(self, path):
        return f"http://127.0.0.1:{self.port}{path}"

    def compare(self, want, have):
        missing = [k for k in want if k not in have]
        self.assertEqual(missing[:5], [], "%d of %d are missing" % (len(missing), len(want)))
        wrong = [(k, want[k], have[k]) for k in want if have[k] != want[k]]
        self.assertEqual(wrong[:5], [], "%d of %d are wrong" % (len(wrong), len(want)))
        self.assertGreater(len(want), HOSTS * VMS * SAMPLES)


class Influx(Database):
    program = "influxd"
    auth = False

    def setUp(self):
        super().setUp()
        self.udp = free_port()
        (self.top / "conf").write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{self.second}"
[meta]
  dir = "{self.top}/meta"
[data]
  dir = "{self.top}/data"
  wal-dir = "{self.top}/wal"
[http]
  bind-address = "127.0.0.1:{self.port}"
  log-enabled = false
  auth-enabled = {"true" if self.auth else "false"}
[[udp]]
  enabled = true
  bind-address = "127.0.0.1:{self.udp}"
  database = "x"
  batch-size = 10
  batch-timeout = "100ms"
""")
        self.start()

    def start(self):
        self.run_it(["influxd", "-config", self.top / "conf"], "/ping")

    def query(self, q, **more):
        args = urllib.parse.urlencode({"q": q, "db": "x", "epoch": "ns", **more})
        status, text = http(self.at("/query?" + args), b"")
        self.assertEqual(status, 200, text)
        result = json.loads(text)["results"][0]
        self.assertNotIn("error", result)
        return result.get("series", [])

    def create(self):
        self.query("CREATE DATABASE x")

    def have(self, **more):
        """Like Feed.want(), and the names of VMs by UUID."""
        have, self.names = {}, {}
        for scope in ("host", "vm"):
            for series in self.query(f"SELECT * FROM proxtop_{scope}", **more):
                for row in series["values"]:
                    row = dict(zip(series["columns"], row))
                    uuid = row.get("uuid", "")
                    if uuid:
                        self.names[uuid] = row["name"]
                    for key, v in row.items():
                        if v is not None and key != "time":
                            have[scope, row["host"], uuid, row["time"], key] = v
        return have

    def test_http(self):
        self.create()
        f, log = feed(self.at("/write?db=x&verbose=1&counters=1").replace("http", "influx+http"))
        self.assertEqual(f.done["committed"], HOSTS * SAMPLES)
        self.assertEqual((f.done["refused"], f.done["failures"], log), (0, 0, ""))
        have = self.have()
        self.compare(f.want(), have)
        for uuid, name in self.names.items():
            self.assertEqual(name, NAMES[int(uuid.split("-")[1])], uuid)
        points = {k[:4] for k in have}
        self.assertEqual(len(points), HOSTS * SAMPLES * (1 + VMS))
        # The same once more changes nothing.
        feed(self.at("/write?db=x&verbose=1&counters=1").replace("http", "influx+http"))
        self.assertEqual(self.have(), have)

    def test_precision(self):
        self.create()
        f, _ = feed(self.at("/write?db=x&precision=s&counters=1&verbose=1").replace(
            "http", "influx+http"))
        self.compare(f.want(), self.have())

    def test_udp(self):
        self.create()
        f, _ = feed(f"influx+udp://127.0.0.1:{self.udp}?counters=1&verbose=1", 1, VMS, 10,
                    delay=50)
        want = f.want()
        wait_for(lambda: want.keys() <= self.have().keys(), 10, 0.2)
        have = self.have()
        self.assertEqual({k: have.get(k) for k in want}, want)

    def test_killed_and_back(self):
        """kill -9 in the middle of it: what it said it had is there, the rest comes."""
        self.create()
        url = self.at("/write?db=x&counters=1&verbose=1").replace("http", "influx+http")
        running = Running(self.top, url, HOSTS, VMS, 60, 1, 50)
        for _ in range(3):
            time.sleep(0.6)
            self.running.kill()
            time.sleep(0.3)
            self.start()
        f, log = running.end()
        self.assertEqual(f.done["committed"], HOSTS * 60)
        self.assertEqual(f.done["refused"], 0)
        self.assertGreater(f.done["failures"], 0)
        self.assertIn("trying again, samples wait", log)
        self.assertIn("works again", log)
        self.compare(f.want(), self.have())

    def test_no_database_yet(self):
        url = self.at("/write?db=x&counters=1&verbose=1").replace("http", "influx+http")
        running = Running(self.top, url, 1, VMS, SAMPLES)
        time.sleep(1)
        self.create()
        f, log = running.end()
        self.assertEqual((f.done["committed"], f.done["refused"]), (SAMPLES, 0))
        self.assertIn('http 404: {"error":"database not found: \\"x\\""}', log)
        have = self.have()
        self.assertEqual({k: have.get(k) for k in f.want()}, f.want())

    def test_type_conflict(self):
        """Somebody's field of another type: those lines are refused, the rest is there."""
        self.create()
        status, text = http(self.at("/write?db=x"), b'proxtop_vm,host=old uptime="a week" 1')
        self.assertEqual(status, 204, text)
        # Influx sees a conflict where shards meet: the same day.
        day = int(time.time()) // 86400 * 86400 - 86400 + 1
        http(self.at("/write?db=x"),
             b'proxtop_vm,host=old uptime="a week" %d' % (day * SECOND))
        f, log = feed(self.at("/write?db=x").replace("http", "influx+http"), 1, 4, 3)
        self.assertEqual(f.done["committed"], 3)
        self.assertEqual(f.done["refused"], 12)
        self.assertIn("http 400", log)
        self.assertIn("field type conflict", log)
        self.assertEqual(log.count("refused"), 1)
        have = self.have()
        want = {k: v for k, v in f.want().items() if k[0] == "host" and k[4] in GAUGES.values()}
        self.assertEqual({k: have.get(k) for k in want}, want)


class InfluxUsers(Influx):
    auth = True

    def query(self, q, **more):
        return super().query(q, u="admin", p="sesame", **more)

    def setUp(self):
        super().setUp()
        http(self.at("/query?" + urllib.parse.urlencode({
            "q": "CREATE USER admin WITH PASSWORD 'sesame' WITH ALL PRIVILEGES"})), b"")

    def test_password(self):
        self.create()
        url = self.at("/write?db=x&counters=1&verbose=1&u=admin&p=sesame").replace(
            "http", "influx+http")
        f, log = feed(url)
        self.assertEqual((f.done["refused"], log), (0, ""))
        self.compare(f.want(), self.have())
        url = url.replace("sesame", "wrong") + "&give-up=1s"
        f, log = feed(url, 1, 1, 2)
        self.assertEqual((f.done["committed"], f.done["refused"]), (2, 4))
        self.assertIn("http 401", log)
        self.assertIn("authorization failed", log)
        self.assertNotIn("wrong", log)

    # The others' tests are run without users.
    test_http = test_precision = test_udp = test_killed_and_back = None
    test_no_database_yet = test_type_conflict = None


class Victoria(Database):
    program = "victoria-metrics"

    def setUp(self):
        super().setUp()
        self.run_it(
            ["victoria-metrics", f"-storageDataPath={self.top}/data",
             f"-httpListenAddr=127.0.0.1:{self.port}",
             f"-influxListenAddr=127.0.0.1:{self.second}", "-retentionPeriod=100y",
             "-search.latencyOffset=0s"],
            "/health",
        )

    def have(self):
        have = {}
        http(self.at("/internal/force_flush"))
        status, text = http(self.at(
            "/api/v1/export?" + urllib.parse.urlencode({"match[]": '{__name__=~"proxtop_.+"}'})))
        self.assertEqual(status, 200, text)
        for line in text.splitlines():
            series = json.loads(line)
            labels = series["metric"]
            for scope in ("host", "vm"):
                prefix = f"proxtop_{scope}_"
                if labels["__name__"].startswith(prefix):
                    field = labels["__name__"][len(prefix):]
                    for ms, v in zip(series["timestamps"], series["values"]):
                        have[scope, labels["host"], labels.get("uuid", ""), ms * 10**6, field] = v
                    if scope == "vm":
                        number = int(labels["uuid"].split("-")[1])
                        self.assertEqual(labels["name"], NAMES[number])
        return have

    def check(self, f):
        want = f.want()
        # Its numbers are doubles of some 15 digits.
        want = {k: v for k, v in want.items() if v < 10**15}
        wait_for(lambda: want.keys() <= self.have().keys(), 15, 0.3)
        self.compare(want, self.have())

    def test_http(self):
        f, log = feed(self.at("/write?counters=1&verbose=1").replace("http", "influx+http"))
        self.assertEqual((f.done["refused"], f.done["failures"], log), (0, 0, ""))
        self.check(f)

    def test_v2(self):
        """The path of InfluxDB 2, which it has too."""
        f, log = feed(self.at("/api/v2/write?org=o&bucket=b&counters=1&verbose=1&precision=s")
                      .replace("http", "influx+http"))
        self.assertEqual((f.done["refused"], f.done["failures"], log), (0, 0, ""))
        self.check(f)

    def test_tcp(self):
        f, _ = feed(f"influx+tcp://127.0.0.1:{self.second}?counters=1&verbose=1")
        self.assertEqual(f.done["committed"], HOSTS * SAMPLES)
        self.check(f)

    def test_udp(self):
        f, _ = feed(f"influx+udp://127.0.0.1:{self.second}?counters=1&verbose=1", delay=20)
        self.check(f)


if __name__ == "__main__":
    unittest.main(verbosity=2)
