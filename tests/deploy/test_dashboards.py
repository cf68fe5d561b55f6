# SPDX-License-Identifier: Apache-2.0
"""Every query of every dashboard, asked of an InfluxDB and a Prometheus that a real agent fed.

The agent measures a Proxmox VE host made of files (tests/golden); its VMs' monitors are played here,
with disks that do something between two questions.
"""
import contextlib
import json
import os
import pathlib
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.parse
import urllib.request

SOURCE = pathlib.Path(__file__).resolve().parents[2]
DASHBOARDS = SOURCE / "helm/dashboards"
BIN = pathlib.Path(os.environ.get("PROXTOP_BIN", SOURCE / "build/bin"))


def free_port():
    with contextlib.closing(socket.socket()) as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Monitor(threading.Thread):
    """A QEMU's monitor that answers from a script of the golden tests."""

    def __init__(self, path, script):
        super().__init__(daemon=True)
        self.answers = {k: json.loads(v) for k, v in json.loads(script)["answers"].items()}
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen(4)
        self.start()

    def work(self):
        """Since the last question a hundred requests of 2 ms were done by each disk."""
        for disk in self.answers.get("query-blockstats", ()):
            for part in (disk, disk.get("parent", {})):
                stats = part.get("stats", {})
                for what, ns in (("rd", 200_000_000), ("wr", 300_000_000)):
                    stats[f"{what}_operations"] = stats.get(f"{what}_operations", 0) + 100
                    stats[f"{what}_total_time_ns"] = stats.get(f"{what}_total_time_ns", 0) + ns
                    stats[f"{what}_bytes"] = stats.get(f"{what}_bytes", 0) + 409600

    def run(self):
        while True:
            client, _ = self.listener.accept()
            with client, contextlib.suppress(OSError):
                self.serve(client)

    def serve(self, client):
        """Questions need not be lines: each ends with its last brace."""
        def say(what):
            client.sendall(json.dumps(what).encode() + b"\r\n")
        say({"QMP": {"version": {"qemu": {"major": 8, "minor": 1, "micro": 0}}, "capabilities": []}})
        text = ""
        while data := client.recv(65536):
            text = (text + data.decode()).lstrip()
            while text:
                try:
                    question, end = json.JSONDecoder().raw_decode(text)
                except ValueError:
                    break
                text = text[end:].lstrip()
                say({**self.answer(question["execute"]), **({"id": question["id"]} if "id" in question else {})})

    def answer(self, command):
        if command == "qmp_capabilities":
            return {"return": {}}
        if command == "query-blockstats":
            self.work()
        if command in self.answers:
            return {"return": self.answers[command]}
        return {"error": {"class": "CommandNotFound", "desc": "no " + command}}


def get(url, data=None):
    with urllib.request.urlopen(url, data=data, timeout=10) as r:
        return json.loads(r.read() or b"null")


class Dashboards(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kept = tempfile.TemporaryDirectory(prefix="proxtop-dash-")
        cls.addClassCleanup(cls.kept.cleanup)
        cls.top = pathlib.Path(cls.kept.name)
        cls.influx, cls.prometheus, cls.http = free_port(), free_port(), free_port()
        cls.begin_databases()
        cls.begin_host()
        cls.wait(60, "points and series", cls.fed)

    @classmethod
    def start(cls, *command):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PROXTOP")}
        with open(cls.top / "log", "ab") as log:
            p = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log, env=env)
        cls.addClassCleanup(lambda: (p.kill(), p.wait()))

    @classmethod
    def wait(cls, seconds, what, condition):
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError, KeyError, IndexError):
                if condition():
                    return
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what}\n{(cls.top / 'log').read_text()[-3000:]}")
            time.sleep(0.3)

    @classmethod
    def begin_databases(cls):
        (cls.top / "influx.conf").write_text(f"""
reporting-disabled = true
bind-address = "127.0.0.1:{free_port()}"
[meta]
  dir = "{cls.top}/meta"
[data]
  dir = "{cls.top}/data"
  wal-dir = "{cls.top}/wal"
[http]
  bind-address = "127.0.0.1:{cls.influx}"
  log-enabled = false
""")
        cls.start("influxd", "-config", cls.top / "influx.conf")
        cls.wait(30, "influxd", lambda: cls.influxql("CREATE DATABASE proxtop") is not None)
        readme = (SOURCE / "aggregator/output/README.md").read_text(encoding="utf-8")
        config = re.search(r"<!-- test: prometheus -->\n```yaml\n(.*?)```", readme, re.DOTALL).group(1)
        (cls.top / "prometheus.yml").write_text(
            "global: {scrape_interval: 1s}\n" + config.replace("127.0.0.1:7412", f"127.0.0.1:{cls.http}"))
        cls.start("prometheus", f"--config.file={cls.top}/prometheus.yml", f"--storage.tsdb.path={cls.top}/tsdb",
                  f"--web.listen-address=127.0.0.1:{cls.prometheus}")

    @classmethod
    def begin_host(cls):
        subprocess.run([sys.executable, SOURCE / "tests/golden/make_case.py", "normal", cls.top / "case"], check=True)
        host = cls.top / "host"
        shutil.copytree(cls.top / "case/2", host, symlinks=True)
        sockets = host / "run/qemu-server"
        for script in sockets.glob("*.qmp.json"):
            Monitor(sockets / script.name[:-5], script.read_text())
        cls.move(host / "proc/stat")
        uplink = free_port()
        cls.start(BIN / "proxtop-aggregator", f"--listen=tcp://127.0.0.1:{uplink}", "--feed=none",
                  f"--http=127.0.0.1:{cls.http}",
                  f"--output=influx+http://127.0.0.1:{cls.influx}/write?db=proxtop&verbose=1")
        cls.start(BIN / "proxtop-agent", f"--procfs={host}/proc", f"--sysfs={host}/sys", f"--rootfs={host}",
                  "--proxmox", "--feed=none", f"--aggregator=tcp://127.0.0.1:{uplink}", "--qmp-interval=1")

    @classmethod
    def move(cls, stat):
        """The host's CPUs go on: in place, the agent holds the file open."""
        lines = stat.read_text().splitlines()

        def tick(n):
            moved = []
            for line in lines:
                words = line.split()
                if words[0].startswith("cpu"):
                    words[1:] = [str(int(w) + n * (10 if i < 5 else 0)) for i, w in enumerate(words[1:])]
                moved.append(" ".join(words))
            with open(stat, "r+") as f:
                f.write("\n".join(moved) + "\n")
                f.truncate()

        def go():
            n = 0
            while stat.exists():
                n += 1
                with contextlib.suppress(OSError):
                    tick(n)
                time.sleep(0.2)
        threading.Thread(target=go, daemon=True).start()

    @classmethod
    def influxql(cls, query):
        answer = get(f"http://127.0.0.1:{cls.influx}/query?db=proxtop", urllib.parse.urlencode({"q": query}).encode())
        result = answer["results"][0]
        if "error" in result:
            raise AssertionError(f"{query}: {result['error']}")
        return result.get("series", [])

    @classmethod
    def promql(cls, expr):
        now = time.time()
        q = urllib.parse.urlencode({"query": expr, "start": now - 30, "end": now, "step": 1})
        answer = get(f"http://127.0.0.1:{cls.prometheus}/api/v1/query_range?{q}")
        assert answer["status"] == "success", answer
        return answer["data"]["result"]

    @classmethod
    def fed(cls):
        return (len(cls.influxql('SELECT disk_lat_rd FROM proxtop_vm_disk')) and
                len(cls.promql("rate(proxtop_vm_disk_read_time_seconds_total[5s])")))

    def each(self, database):
        """(dashboard and panel, target)"""
        paths = sorted(DASHBOARDS.glob(f"*-{database}.json"))
        self.assertEqual(len(paths), 3)
        return [(f"{path.name}: {panel['title']}", target) for path in paths
                for panel in json.loads(path.read_text())["panels"] for target in panel["targets"]]

    def test_influxdb(self):
        for where, target in self.each("influxdb"):
            query = target["query"]
            for variable, value in (("$timeFilter", "time > now() - 1m"), ("$__interval", "1s"),
                                    ("$host", ".*"), ("$name", ".*")):
                query = query.replace(variable, value)
            with self.subTest(panel=where):
                series = self.influxql(query)
                self.assertTrue(series, f"no data: {query}")
                for tag in [t[5:] for t in target["alias"].split() if t.startswith("$tag_")]:
                    self.assertTrue(series[0]["tags"].get(tag), f"the legend's {tag} is empty: {query}")

    def test_prometheus(self):
        for where, target in self.each("prometheus"):
            expr = target["expr"]
            for variable, value in (("$__rate_interval", "5s"), ("$host_id", ".*"), ("$uuid", ".*")):
                expr = expr.replace(variable, value)
            with self.subTest(panel=where):
                self.assertNotIn("$", expr)
                series = self.promql(expr)
                self.assertTrue(series, f"no data: {expr}")
                for label in [w.strip("{}") for w in target["legendFormat"].split() if w.startswith("{{")]:
                    self.assertIn(label, series[0]["metric"], f"the legend's {label}: {expr}")

    def test_rules(self):
        """Each series that the chart's alerts ask for is there."""
        text = (SOURCE / "helm/templates/prometheusrule.yaml").read_text()
        exprs = [l.split("expr:", 1)[1] for l in text.splitlines() if "expr:" in l]
        self.assertGreaterEqual(len(exprs), 5)
        for selector in {m for e in exprs for m in re.findall(r"proxtop_\w+(?:\{[^{}]*\})?", e)}:
            with self.subTest(selector=selector):
                self.assertTrue(self.promql(selector), selector)

    def test_variables(self):
        for path in sorted(DASHBOARDS.glob("*.json")):
            for variable in json.loads(path.read_text())["templating"]["list"]:
                if variable["type"] == "datasource":
                    continue
                with self.subTest(dashboard=path.name, variable=variable["name"]):
                    query = variable["query"].replace("$host_id", ".*").replace("$host", ".*")
                    if query.startswith("SHOW"):
                        self.assertTrue(self.influxql(query), query)
                    else:
                        metric, label = query.removeprefix("label_values(").rstrip(")").rsplit(", ", 1)
                        self.assertTrue(self.promql(metric)[0]["metric"][label], query)

    def test_both_say_the_same(self):
        """The latency that the monitors play: 2 and 3 ms."""
        influx = self.influxql("SELECT mean(disk_lat_rd), mean(disk_lat_wr) FROM proxtop_vm_disk WHERE time > now() - 1m")
        expr = [next(t["expr"] for p in json.loads((DASHBOARDS / "vm-prometheus.json").read_text())["panels"]
                     for t in p["targets"] if f"_{w}_time" in t["expr"]) for w in ("read", "write")]
        for want, have, e in zip((2, 3), influx[0]["values"][0][1:], expr):
            self.assertAlmostEqual(have, want, delta=0.2)
            for variable, value in (("$__rate_interval", "5s"), ("$host_id", ".*"), ("$uuid", ".*")):
                e = e.replace(variable, value)
            self.assertAlmostEqual(float(self.promql(e)[0]["values"][-1][1]), want, delta=0.2)

    def test_current(self):
        done = subprocess.run([sys.executable, DASHBOARDS / "make.py"], text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_shape(self):
        """What Grafana wants of a dashboard: unique ids, places that do not overlap, a known source."""
        for path in sorted(DASHBOARDS.glob("*.json")):
            d = json.loads(path.read_text())
            with self.subTest(dashboard=path.name):
                self.assertLessEqual(len(d["uid"]), 40)
                ids = [p["id"] for p in d["panels"]]
                self.assertEqual(len(ids), len(set(ids)))
                places = [(p["gridPos"]["x"], p["gridPos"]["y"]) for p in d["panels"]]
                self.assertEqual(len(places), len(set(places)))
                for p in d["panels"]:
                    self.assertEqual(p["datasource"]["uid"], "${source}")
                    self.assertLessEqual(p["gridPos"]["x"] + p["gridPos"]["w"], 24)


if __name__ == "__main__":
    unittest.main(verbosity=2)
