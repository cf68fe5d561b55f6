#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Profiles of VMs in a cluster: told to a sink, kept in a directory, and true whatever is
killed: each sample counts once."""

import json
import os
import random
import re
import threading
import time

from cluster import (AGGREGATOR, Cluster, TcpSink, end_fake_vm, fake_host, fake_vm, free_port, main,
                     wait_for)

INTERVAL = 0.1
NAMES = ("alpha", "beta", "gamma")
VALUES = ["cpu", "mem"]
ANOMALY, ALARM, WHY = "anomaly", "anomaly_alarm", "anomaly_why"


def uuid_of(name):
    return "%08x-0000-4000-8000-000000000000" % (1 + NAMES.index(name))


class Documents(TcpSink):
    """The newest document of each name."""

    def take(self, line):
        with self.lock:
            self.newest = getattr(self, "newest", {})
            document = json.loads(line)
            self.newest[document["uuid"]] = document["profile"]

    def counts(self):
        with self.lock:
            return {name: count_of(p) for name, p in getattr(self, "newest", {}).items()}


class Events(TcpSink):
    """The newest json-vm event of each VM."""

    def __init__(self, **how):
        self.newest = {}
        super().__init__(**how)

    def take(self, line):
        with self.lock:
            event = json.loads(line)
            if event["scope"] == "vm":
                self.newest[event["UUID"]] = event

    def events(self):
        with self.lock:
            return list(self.newest.values())


def count_of(profile):
    """Values of its first metric."""
    return profile["roottx"][0]["stats"]["count"]


def newest(path):
    """Of a file of documents, by name."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {d["uuid"]: d["profile"] for d in map(json.loads, lines)}


class Guest(threading.Thread):
    """Works a share of its vCPU, which may be changed."""

    def __init__(self, root, uuid, pid=4711):
        super().__init__(daemon=True)
        fake_vm(root, uuid, 10**9, pid=pid)
        # The agent holds it open.
        self.file = os.open(root / "proc" / str(pid) / "task" / str(pid + 1) / "schedstat",
                            os.O_WRONLY)
        self.share = 0.02
        self.ended = threading.Event()
        self.start()

    def run(self):
        dice = random.Random(1)
        run_ns, last = 10**9, time.monotonic()
        while not self.ended.wait(0.01):
            now = time.monotonic()
            run_ns += int((now - last) * 1e9 * self.share * dice.uniform(0.5, 1.5))
            last = now
            os.pwrite(self.file, b"%d 0 1\n" % run_ns, 0)

    def end(self):
        self.ended.set()
        self.join()
        os.close(self.file)


class Profiles(Cluster):
    def setUp(self):
        super().setUp()
        self.kept = self.top / "profiles"
        self.file = self.top / "profiles.json"

    def centre(self, *options, ready=True, **how):
        return self.aggregator("--profile=" + ",".join(VALUES), "--profile-buffersize=2", *options,
                               ready=ready, **how)

    def on_disk(self, *options):
        return self.centre(f"--profile-dir={self.kept}", "--profile-freq=1s",
                           f"--profile-output=json+file://{self.file}", *options)

    def agents(self, names=NAMES):
        found = {}
        for name in names:
            root = self.top / name
            self.host = fake_host(root)
            fake_vm(root, uuid_of(name), 10**9)
            found[name] = self.agent(name, interval=INTERVAL)
        return found

    def settled(self, names=NAMES):
        """Of hosts whose agents have ended: what they sent, once all of it is committed."""
        def whole():
            hosts = self.state()["by_id"]
            return all(n in hosts and hosts[n]["committed"] == hosts[n]["received"]
                       and hosts[n]["behind"] == 0 for n in names)
        self.assertTrue(wait_for(whole), "not committed: %s" % self.state()["hosts"])
        return {n: self.host_state(n)["received"] for n in names}

    def test_a_sink_gets_them(self):
        sink = self.sink(Documents)
        self.centre(f"--profile-output=json+tcp://127.0.0.1:{sink.port}", "--profile-freq=1s")
        self.agents()
        self.assertTrue(wait_for(lambda: len(sink.counts()) == len(NAMES)
                                 and min(sink.counts().values()) > 20), sink.counts())
        one = sink.newest[uuid_of("beta")]
        self.assertEqual([m["metric"] for m in one["roottx"]], VALUES)
        state = self.state()["profile"]
        self.assertEqual((state["vms"], state["refused"], state["repeated"]), (len(NAMES), 0, 0))
        self.assertGreater(state["counted"], 20 * len(NAMES))
        self.assertNotIn("dir", state)
        self.assertEqual([o["failures"] for o in state["outputs"]], [0])
        self.assertGreaterEqual(state["outputs"][0]["sent"], len(NAMES))

    def test_a_dead_sink_holds_nobody(self):
        self.centre(f"--profile-output=json+tcp://127.0.0.1:{free_port()}", "--profile-freq=1s")
        self.agents()
        self.assertTrue(wait_for(lambda: all(
            self.host_state(n).get("committed", 0) > 30 for n in NAMES)))
        self.assertGreater(self.state()["profile"]["outputs"][0]["failures"], 0)

    def test_killed_at_any_moment(self):
        """At the end each VM has exactly the samples of its host that have a rate."""
        dice = random.Random(len(NAMES))
        centre = self.on_disk()
        agents = self.agents()
        repeated = 0
        for turn in range(12):
            time.sleep(dice.uniform(0.1, 1.6))
            repeated += self.state()["profile"]["repeated"]
            if turn % 2:
                self.wait_for_writing()
            centre.kill()
            centre = self.on_disk()
        self.assertTrue(wait_for(lambda: all(
            self.host_state(n).get("committed", 0) > 30 for n in NAMES)))
        for a in agents.values():
            a.terminate()
        for a in agents.values():
            self.assertEqual(a.stop(), 0)
        sent = self.settled()
        repeated += self.state()["profile"]["repeated"]
        self.assertEqual(centre.stop(), 0)
        found = newest(self.file)
        for n in NAMES:
            self.assertGreater(sent[n], 80)
            # The first sample of all has no rate.
            self.assertEqual(count_of(found[uuid_of(n)]), sent[n] - 1, n)
        self.assertGreater(repeated, 0, "nothing was ever sent again: this proved nothing")

    def test_agents_killed_too(self):
        """Each run of an agent numbers its samples anew; what is left of an earlier one comes
        from its spool directory."""
        sink = self.sink()
        dice = random.Random(1)
        options = [f"--output=json+tcp://127.0.0.1:{sink.port}"]
        self.host = fake_host(self.top / "alpha")
        fake_vm(self.top / "alpha", uuid_of("alpha"), 10**9)
        spool = f"--spool-dir={self.top}/spool"
        centre = self.on_disk(*options)
        agent = self.agent("alpha", spool, interval=INTERVAL)
        for turn in range(6):
            time.sleep(dice.uniform(0.3, 1.2))
            if turn % 3:
                agent.kill()
                agent = self.agent("alpha", spool, interval=INTERVAL)
            if turn % 2:
                centre.kill()
                centre = self.on_disk(*options)
        self.assertTrue(wait_for(lambda: self.host_state("alpha").get("committed", 0) > 10))
        self.assertEqual(agent.stop(), 0)
        self.settled(NAMES[:1])
        self.assertEqual(centre.stop(), 0)
        runs = {epoch: got[-1] for (_, epoch), got in sink.streams().items()}
        self.assertGreaterEqual(len(runs), 5)
        # The first sample of each run has no rate.
        self.assertEqual(count_of(newest(self.file)[uuid_of("alpha")]),
                         sum(runs.values()) - len(runs), runs)

    def wait_for_writing(self):
        """Files are being replaced: of some the agents have not heard yet that they are saved."""
        def written():
            return {p.name: p.stat().st_mtime_ns for p in self.kept.glob("shard-*.profiles")}
        before = written()
        self.assertTrue(wait_for(lambda: written() != before, step=0.001))

    def test_a_restart_goes_on(self):
        centre = self.on_disk()
        agents = self.agents(NAMES[:1])
        self.assertTrue(wait_for(lambda: self.host_state("alpha").get("received", 0) > 15))
        self.assertEqual(centre.stop(), 0)
        before = count_of(newest(self.file)[uuid_of("alpha")])
        self.assertGreater(before, 13)
        centre = self.on_disk()
        self.assertTrue(wait_for(
            lambda: self.host_state("alpha").get("committed", 0) > before + 10))
        self.assertEqual(agents["alpha"].stop(), 0)
        sent = self.settled(NAMES[:1])["alpha"]
        self.assertEqual(centre.stop(), 0)
        self.assertEqual(count_of(newest(self.file)[uuid_of("alpha")]), sent - 1)

    def test_a_vm_that_moves_is_one(self):
        self.on_disk()
        self.agents(("alpha", "beta"))
        end_fake_vm(self.top / "beta")
        one = uuid_of("alpha")
        self.assertTrue(wait_for(lambda: count_of(newest(self.file).get(
            one, {"roottx": [{"stats": {"count": 0}}]})) > 10))
        end_fake_vm(self.top / "alpha")
        fake_vm(self.top / "beta", one, 10**9)
        moved = count_of(newest(self.file)[one])
        self.assertTrue(wait_for(lambda: count_of(newest(self.file)[one]) > moved + 20))

    def test_other_settings_are_refused(self):
        self.assertEqual(self.on_disk().stop(), 0)
        centre = self.on_disk()
        self.agents(NAMES[:1])
        self.assertTrue(wait_for(lambda: self.state()["profile"].get("saves", 0)
                                 and self.state()["profile"]["vms"]))
        time.sleep(1.2)
        self.assertEqual(centre.stop(), 0)
        other = self.centre(f"--profile-dir={self.kept}", "--profile-states=5", ready=False,
                            name="other")
        self.assertEqual(other.process.wait(10), 2)
        self.assertIn("other settings", other.messages())
        self.centre(f"--profile-dir={self.kept}", name="first")
        self.uplink, self.http = free_port(), free_port()
        second = self.centre(f"--profile-dir={self.kept}", ready=False, name="second")
        self.assertEqual(second.process.wait(10), 1)
        self.assertIn("another program uses it", second.messages())

    def test_what_is_unusual_is_said(self):
        """Two guests that hardly do anything; after a while one of them burns its vCPU."""
        sink = self.sink(Events)
        # So many samples a day that a day's worth of them takes half a minute to be learnt.
        self.centre("--profile-buffersize=2", "--profile-alarms=5000",
                    f"--output=json-vm+tcp://127.0.0.1:{sink.port}",
                    f"--output=influx+file://{self.top}/lines")
        guests = {}
        for name in NAMES[:2]:
            self.host = fake_host(self.top / name)
            guests[name] = Guest(self.top / name, uuid_of(name))
            self.addCleanup(guests[name].end)
            self.agent(name, interval=INTERVAL)
        # The very first event may leave before its sample is counted.
        self.assertTrue(wait_for(lambda: [e.get(WHY) for e in sink.events()] == ["learning"] * 2))
        self.assertTrue(all(ANOMALY not in e for e in sink.events()))
        self.assertEqual(self.state()["profile"]["learning"], 2)
        self.assertTrue(wait_for(lambda: self.state()["profile"]["learning"] == 0, seconds=120),
                        self.state()["profile"])
        self.assertTrue(wait_for(lambda: all(ANOMALY in e for e in sink.events())))
        guests["alpha"].share = 0.9
        # It gets used to that within seconds: all who should say it are asked again and again.
        seen = {}

        def is_said():
            state = self.state()["profile"]
            if state["unusual"]:
                seen.setdefault("hosts", state)
            text = self.get("/metrics")[1]
            if re.search(series % uuid_of("alpha") + " 1", text):
                seen.setdefault("metrics", text)
            if any(e.get(ALARM) == 1 for e in sink.events()):
                seen["json-vm"] = True
            if "anomaly_alarm=1i" in (self.top / "lines").read_text():
                seen["influx"] = True
            return len(seen) == 4
        series = r"proxtop_vm_anomaly_alarm{[^}]*%s[^}]*}"
        self.assertTrue(wait_for(is_said, seconds=20), "only in %s" % sorted(seen))
        state = seen["hosts"]
        self.assertEqual([v["UUID"] for v in state["unusual"]], [uuid_of("alpha")])
        self.assertIn("cpu", state["unusual"][0][WHY])
        self.assertGreaterEqual(state["unusual"][0][ANOMALY], 50)  # it ends at half of it
        self.assertEqual(state["unusual"][0]["host_name"], "alpha")
        self.assertEqual((state["alarms"], state["most_of_value"]["name"]), (1, "cpu"))
        self.assertRegex(seen["metrics"], series % uuid_of("beta") + " 0")

    def test_options_that_are_wrong(self):
        for i, (option, words) in enumerate((
            ("--profile=cpu,gpu", "--profile=gpu is not possible; allowed: cpu, net, io"),
            ("--profile-output=influx+tcp://x:1", "json only"),
            ("--profile-output=json+tcp://x", "host:port"),
            ("--profile-output=json+tcp://x:1?interval=5", "samples only"),
            ("--profile-periodsize=24,x", "--profile-periodsize=x is not possible"),
            ("--profile-states=1", "from 2 to 64"),
        )):
            p = self.centre(option, ready=False, name="wrong%d" % i)
            self.assertEqual(p.process.wait(10), 2, option)
            self.assertIn(words, p.messages())
            self.assertEqual(len(p.messages().splitlines()), 1, p.messages())
        p = self.start("alone", [AGGREGATOR, f"--profile-dir={self.kept}"])
        self.assertEqual(p.process.wait(10), 2)
        self.assertIn("--profile-dir needs --profile", p.messages())


if __name__ == "__main__":
    main()
