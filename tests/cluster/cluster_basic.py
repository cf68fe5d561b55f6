#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Real agents, a real aggregator, and databases that count what they get."""

import json
import os
import pathlib
import sys
import time

from cluster import (Cluster, HttpSink, TcpSink, end_fake_vm, fake_host, fake_vm, free_port, main,
                     wait_for, write_key)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
import openmetrics  # noqa: E402  the strict reader of the golden tests

INTERVAL = 0.1
NAMES = ("alpha", "beta", "gamma")


def lines_of(path):
    """The JSON lines that are whole."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text.splitlines(True) if line.endswith("\n")]


def own(series, name, part, host_id=None):
    """A self-metric's value."""
    labels = {"part": part}
    if host_id:
        labels.update(host_id=host_id, host=host_id)
    return float(series["proxtop_self_" + name, tuple(sorted(labels.items()))])


class Basic(Cluster):
    def test_every_sample_once(self):
        sink = self.sink()
        self.aggregator(f"--output=json+tcp://127.0.0.1:{sink.port}")
        started = time.monotonic()
        agents = {n: self.agent(n) for n in NAMES}
        self.assertTrue(wait_for(lambda: all(sink.last(n) for n in NAMES)))
        self.assertLess(time.monotonic() - started, 5)
        wait_for(lambda: all(sink.last(n) >= 30 for n in NAMES))
        status, text = self.get("/metrics")
        self.assertEqual(status, 200)
        series = openmetrics.parse(text.encode())
        for n in NAMES:
            ours = [labels for _, labels in series if ("host_id", n) in labels]
            self.assertGreater(len(ours), 5, n)
            self.assertTrue(all(("host", n) in labels for labels in ours), n)
        self.check_self(series, sink)
        status, text = self.get("/metrics?host=beta")
        hosts = {dict(l).get("host_id") for _, l in openmetrics.parse(text.encode())}
        self.assertEqual((status, hosts), (200, {"beta"}))
        self.assertEqual(self.get("/metrics?host=nobody")[0], 404)
        status, text = self.get("/hosts?host=beta")
        self.assertEqual((status, [h["host_id"] for h in json.loads(text)["hosts"]]),
                         (200, ["beta"]))
        self.assertEqual(self.get("/hosts?host=nobody")[0], 404)
        self.assertEqual(self.get("/healthz")[0], 200)
        for n in NAMES:
            h = self.host_state(n)
            self.assertEqual((h["host_name"], h["state"]), (n, "live"))
            self.assertLess(h["age"], 2)
            self.assertLess(abs(h["clock_ahead"]), 1)
            self.assertEqual((h["lost"], h["gap"], h["missed"], h["refused"]), (0, 0, 0, 0))
        self.drained(*NAMES)
        for a in agents.values():
            self.assertEqual(a.stop(10), 0)
        for n in NAMES:
            self.assert_whole(sink, n, 30)
        self.assertEqual(sink.repeated(), 0)
        self.assertTrue(all(o == sorted(o) for o in sink.order.values()))
        # A host that is silent: its values stop.
        self.assertTrue(wait_for(lambda: self.host_state("alpha")["state"] == "stale"))
        series = openmetrics.parse(self.get("/metrics")[1].encode())
        ours = [k for k in series if ("host_id", "alpha") in k[1]]
        # Only what is known of it here is left, such as its age.
        self.assertEqual({dict(labels)["part"] for _, labels in ours}, {"aggregator"})
        self.assertGreater(own(series, "age_seconds", "aggregator", "alpha"), 0.2)
        self.assertEqual(self.get("/metrics?host=alpha")[0], 200)

    def check_self(self, series, sink):
        """What the aggregator says of itself, and what it passes on of the agents."""
        output = f"json+tcp://127.0.0.1:{sink.port}"
        for n in NAMES:
            self.assertGreaterEqual(own(series, "samples_total", "aggregator", n), 30)
            self.assertGreater(own(series, "received_bytes_total", "aggregator", n), 1000)
            self.assertGreaterEqual(own(series, "committed_total", "aggregator", n), 25)
            self.assertLess(own(series, "age_seconds", "aggregator", n), 2)
            self.assertLess(own(series, "queued", "aggregator", n), 10)
            for what in ("lost", "dropped", "refused", "repeated"):
                self.assertEqual(own(series, what + "_total", "aggregator", n), 0, what)
            # The agents' own.
            self.assertGreater(own(series, "memory_bytes", "process", n), 100000)
            self.assertGreater(own(series, "cpu_seconds_total", "total", n), 0)
            self.assertGreaterEqual(own(series, "runs_total", "host", n), 30)
            self.assertGreater(own(series, "time_seconds_total", "host", n), 0)
            self.assertGreaterEqual(own(series, "failures_total", "vms", n), 0)
            for part in ("cpu", "mem", "disk", "net", "io", "pressure"):
                self.assertGreaterEqual(own(series, "runs_total", part, n), 30, part)
                self.assertGreater(own(series, "time_seconds_total", part, n), 0, part)
                # The host of files has no pressure but the CPU's.
                self.assertEqual(own(series, "failures_total", part, n), 0, part)
            self.assertGreaterEqual(own(series, "failures_total", "proxmox", n), 0)
            self.assertGreaterEqual(own(series, "samples_total", "uplink", n), 25)
            self.assertGreaterEqual(own(series, "committed_total", "spool", n), 20)
            self.assertGreater(own(series, "queue_bytes", "spool", n), 0)
        got = sum(len(sink.sequences(n)) for n in NAMES)
        self.assertGreater(own(series, "memory_bytes", "aggregator"), 100000)
        self.assertGreater(own(series, "cpu_seconds_total", "aggregator"), 0)
        self.assertGreaterEqual(own(series, "samples_total", "uplink"), 90)
        self.assertGreater(own(series, "received_bytes_total", "uplink"), 10000)
        self.assertGreater(own(series, "queue_bytes", "history"), 1000)
        self.assertTrue(80 <= own(series, "committed_total", output) <= got, got)
        self.assertGreater(own(series, "sent_bytes_total", output), 10000)
        for what in ("failures_total", "refused_total", "dropped_total"):
            self.assertEqual(own(series, what, output), 0, what)

    def test_killed_aggregator(self):
        sink = self.sink(HttpSink)
        output = f"--output=json+http://127.0.0.1:{sink.port}/"
        aggregator = self.aggregator(output)
        for n in NAMES:
            self.agent(n)
        self.assertTrue(wait_for(lambda: all(sink.last(n) >= 5 for n in NAMES)))
        for down in (0, 1.5, 0.3):
            aggregator.kill()
            time.sleep(down)
            aggregator = self.aggregator(output)
            last = {n: sink.last(n) for n in NAMES}
            self.assertTrue(wait_for(lambda: all(sink.last(n) > last[n] + 5 for n in NAMES)))
        self.drained(*NAMES)
        for n in NAMES:
            self.assert_whole(sink, n, 25)

    def test_stopped_aggregator(self):
        """SIGTERM flushes what it has; what was flushed is seldom sent again."""
        sink = self.sink(HttpSink)
        output = f"--output=json+http://127.0.0.1:{sink.port}/"
        aggregator = self.aggregator(output)
        self.agent("alpha")
        self.assertTrue(wait_for(lambda: sink.last("alpha") >= 10))
        self.assertEqual(aggregator.stop(10), 0)
        self.aggregator(output)
        last = sink.last("alpha")
        self.assertTrue(wait_for(lambda: sink.last("alpha") > last + 10))
        self.drained("alpha")
        self.assert_whole(sink, "alpha", 20)
        self.assertLess(sink.repeated(), 10)

    def test_sink_that_fails_and_goes(self):
        port = free_port()
        sink = self.sink(HttpSink, port=port)
        self.aggregator(f"--output=json+http://127.0.0.1:{port}/")
        self.agent("alpha")
        self.assertTrue(wait_for(lambda: sink.last("alpha") >= 5))
        sink.status = 500
        self.assertTrue(wait_for(lambda: sink.failures >= 2))
        self.assertTrue(wait_for(lambda: self.state()["outputs"][0]["failures"] > 0))
        time.sleep(1)
        self.assertGreater(self.host_state("alpha")["behind"], 5)
        sink.status = 204
        self.assertTrue(wait_for(lambda: self.host_state("alpha")["behind"] < 5))
        sink.close()
        time.sleep(1)
        again = self.sink(HttpSink, port=port)
        self.sinks.remove(sink)
        self.assertTrue(wait_for(lambda: again.last("alpha") > sink.last("alpha") + 5))
        self.drained("alpha")
        for k, n in sink.count.items():
            again.count[k] += n
            again.order[k[:2]].append(k[2])
        self.assert_whole(again, "alpha", 20)

    def test_dead_output_delays_nobody(self):
        """One that never reads, and one that is not there, beside one that is quick."""
        quick, deaf = self.sink(), self.sink(TcpSink, reads=False)
        self.aggregator(
            f"--output=json+tcp://127.0.0.1:{quick.port}",
            f"--output=json+tcp://127.0.0.1:{deaf.port}?required=no",
            f"--output=json+tcp://127.0.0.1:{free_port()}?give-up=2s",
        )
        self.agent("alpha")
        self.assertTrue(wait_for(lambda: quick.last("alpha") >= 15))
        # Not committed while the third one may come back, then given up.
        outputs = self.state()["outputs"]
        self.assertEqual([o["required"] for o in outputs], [True, False, True])
        self.assertTrue(wait_for(lambda: self.state()["outputs"][2]["given_up"]))
        self.assertTrue(wait_for(lambda: self.host_state("alpha")["behind"] < 5))
        self.assertTrue(wait_for(lambda: quick.last("alpha") >= 60))
        self.assertEqual(quick.sequences("alpha"), list(range(1, quick.last("alpha") + 1)))
        taken = sorted(quick.when.items())
        late = [
            b[1] - a[1] for a, b in zip(taken, taken[1:]) if b[1] - a[1] > 10 * INTERVAL
        ]
        self.assertEqual(late, [], "the quick one had to wait")

    def test_interval_and_two_outputs(self):
        every, thinned = self.sink(), self.sink()
        self.aggregator(
            f"--output=json+tcp://127.0.0.1:{every.port}",
            f"--output=json+tcp://127.0.0.1:{thinned.port}?interval=1s",
        )
        self.agent("alpha")
        self.assertTrue(wait_for(lambda: every.last("alpha") >= 45))
        n = len(thinned.sequences("alpha"))
        self.assertTrue(4 <= n <= 7, n)
        self.drained("alpha")

    def test_restarted_agents(self):
        """With a spool directory a kill -9 of the agent loses nothing that was sampled."""
        sink = self.sink(HttpSink)
        self.aggregator(f"--output=json+http://127.0.0.1:{sink.port}/")
        spool = self.top / "spool"
        spool.mkdir(mode=0o700)
        for _ in range(3):
            agent = self.agent("alpha", f"--spool-dir={spool}")
            seen = len(sink.sequences("alpha"))
            self.assertTrue(wait_for(lambda: len(sink.sequences("alpha")) > seen + 8))
            agent.kill()
        self.agent("alpha", f"--spool-dir={spool}")
        seen = len(sink.sequences("alpha"))
        self.assertTrue(wait_for(lambda: len(sink.sequences("alpha")) > seen + 8))
        self.assertEqual(len(sink.streams()), 4)
        self.drained("alpha")
        self.assert_whole(sink, "alpha", 36)
        h = self.host_state("alpha")
        self.assertEqual((h["state"], h["lost"], h["lost_epochs"]), ("live", 0, 0))
        self.assertNotIn("two live senders", pathlib.Path(self.programs[0].log).read_text())

    def test_full_spool(self):
        """What it drops while nobody listens is counted, and the counts agree."""
        sink = self.sink(HttpSink)
        self.host = fake_host(self.top / "fat", interfaces=2000)
        agent = self.agent("alpha", "--spool=1M")
        time.sleep(6)
        self.aggregator(f"--output=json+http://127.0.0.1:{sink.port}/")
        self.assertTrue(wait_for(lambda: sink.last("alpha") > 0))
        self.assertTrue(wait_for(lambda: self.host_state("alpha").get("behind") == 0))
        self.assertEqual(agent.stop(10), 0)
        h = self.host_state("alpha")
        got = sink.sequences("alpha")
        missing = len(set(range(1, got[-1] + 1)) - set(got))
        # Its own count has also those that it dropped when they were there, not yet committed.
        self.assertLessEqual(missing, h["lost"])
        self.assertLess(h["lost"] - missing, 10)
        self.assertEqual(missing, h["gap"])
        self.assertEqual(missing, h["missed"])
        self.assertGreater(missing, 0, "the spool was not full: make it smaller")

    def test_one_name_and_one_id(self):
        sink = self.sink()
        aggregator = self.aggregator(f"--output=json+tcp://127.0.0.1:{sink.port}")
        self.agent("same", host_id="one")
        self.agent("same", host_id="two")
        self.assertTrue(wait_for(lambda: sink.last("one") > 3 and sink.last("two") > 3))
        clone = self.agent("clone", host_id="one")
        self.assertTrue(wait_for(lambda: self.host_state("one")["state"] == "conflict"))
        self.assertEqual(sorted(self.host_state("one")["senders"]), ["clone", "same"])
        self.assertEqual(self.host_state("two")["state"], "live")
        self.assertTrue(wait_for(lambda: "two live senders" in clone.messages()))
        clone.stop()
        self.assertTrue(wait_for(lambda: self.host_state("one")["state"] == "live"))
        self.drained("one", "two")
        # Who is left is named.
        self.assertIn("host same (one): one sender only again", aggregator.messages())

    def test_bounded_number_of_hosts(self):
        self.aggregator("--max-hosts=2")
        for n in NAMES[:2]:
            self.agent(n)
        self.assertTrue(wait_for(lambda: len(self.state()["hosts"]) == 2))
        third = self.agent(NAMES[2])
        self.assertTrue(wait_for(lambda: "--max-hosts" in third.messages()))
        self.assertEqual(sorted(self.state()["by_id"]), sorted(NAMES[:2]))

    def test_two_aggregators(self):
        """One is killed: the other one gets the rest."""
        sink = self.sink(HttpSink)
        output = f"--output=json+http://127.0.0.1:{sink.port}/"
        ports = [free_port(), free_port()]
        urls = ",".join(f"tcp://127.0.0.1:{p}" for p in ports)
        programs = []
        for p in ports:
            self.uplink, self.http = p, free_port()
            programs.append(self.aggregator(output, name=f"aggregator-{p}"))
        for n in NAMES:
            self.agent(n, f"--aggregator={urls}")
        self.assertTrue(wait_for(lambda: all(sink.last(n) >= 5 for n in NAMES)))
        programs[0].kill()
        killed = time.monotonic()
        last = {n: sink.last(n) for n in NAMES}
        self.assertTrue(wait_for(lambda: all(sink.last(n) > last[n] + 15 for n in NAMES)))
        self.assertLess(time.monotonic() - killed, 8, "the other one was not asked soon")
        self.drained(*NAMES)
        for n in NAMES:
            self.assert_whole(sink, n, 20)

    def test_moved_vm(self):
        """One VM with its old and new host and no spike; two of one UUID are said."""
        uuid = "11111111-2222-4333-8444-00000000abcd"
        one, two = self.top / "one", self.top / "two"
        vm_file, cluster_file = self.top / "vm.json", self.top / "cluster.json"
        aggregator = self.aggregator(
            f"--output=json-vm+file://{vm_file}",
            f"--output=json-cluster+file://{cluster_file}?interval=1s",
        )
        for name, root in (("one", one), ("two", two)):
            self.host = fake_host(root)
            if root == one:
                fake_vm(one, uuid, run_ns=10**9)
            self.agent(name)

        def events(host):
            return [e for e in lines_of(vm_file) if e.get("UUID") == uuid and e["host_id"] == host]

        def cluster():
            return (lines_of(cluster_file) or [{"cluster": {"hosts": 0, "domains": 0}}])[-1]

        self.assertTrue(wait_for(lambda: events("one")))
        self.assertTrue(wait_for(lambda: cluster()["cluster"]["domains"] == 1))
        self.assertNotIn("host_from", events("one")[-1])
        fake_vm(two, uuid, run_ns=10**15)
        end_fake_vm(one)
        self.assertTrue(wait_for(lambda: self.state()["vms"]["moved"]))
        vms = self.state()["vms"]
        self.assertEqual((vms["known"], vms["moves"], vms["duplicates"]), (1, 1, []))
        moved = vms["moved"][0]
        self.assertEqual(
            (moved["UUID"], moved["host_id"], moved["host_from_id"]), (uuid, "two", "one"))
        self.assertTrue(wait_for(lambda: events("two")[-1].get("host_from") == "one"))
        spikes = [e for e in events("one") + events("two") if e.get("cpu_total", 0) > 100]
        self.assertEqual(spikes, [])
        self.assertTrue(wait_for(lambda: events("two")[-1].get("cpu_total") == 0))
        self.check_cluster(cluster, uuid)
        # It is started on the first one too.
        fake_vm(one, uuid, run_ns=10**9)
        self.assertTrue(wait_for(lambda: self.state()["vms"]["duplicates"]))
        also = self.state()["vms"]["duplicates"][0]
        self.assertEqual((also["host_id"], also["also_on_id"]), ("two", "one"))
        series = openmetrics.parse(self.get("/metrics")[1].encode())
        twice = {dict(k[1])["host_id"] for k in series if k[0] == "proxtop_vm_duplicate_uuid"}
        self.assertEqual(twice, {"one", "two"})
        self.assertIn("two VMs with one UUID", aggregator.messages())
        self.assertTrue(wait_for(lambda: events("one")[-1].get("duplicate_uuid") == 1))
        end_fake_vm(two)
        self.assertTrue(wait_for(lambda: not self.state()["vms"]["duplicates"]))

    def check_cluster(self, cluster, uuid):
        def there():
            """The newest object with the VM on its new host."""
            whole = cluster()
            on = [h["host_id"] for h in whole["hosts"] if h["domains"]]
            return whole if on == ["two"] and len(whole["hosts"]) == 2 else None

        whole = wait_for(there)
        self.assertTrue(whole, cluster())
        hosts = {h["host_id"]: h for h in whole["hosts"]}
        self.assertEqual(sorted(hosts), ["one", "two"])
        self.assertEqual(whole["interval"], 1)
        self.assertTrue(whole["@timestamp"].endswith(".000Z"), whole["@timestamp"])
        sums, each = whole["cluster"]["host"], [h["host"] for h in hosts.values()]
        for key in ("cpu_cores", "ram_Total", "net_host_receivedBytes"):
            self.assertEqual(sums[key], sum(h[key] for h in each), key)
        self.assertNotIn("cpu_curfreq", sums)
        self.assertEqual([d["UUID"] for d in hosts["two"]["domains"]], [uuid])
        self.assertEqual(whole["cluster"]["domain"]["cpu_cores"], 1)
        times = [c["@timestamp"] for c in lines_of(self.top / "cluster.json")]
        self.assertEqual(times, sorted(set(times)), "an interval twice")

    def test_two_tiers(self):
        """agents -> lower -> upper -> sink; both aggregators are killed."""
        sink = self.sink(HttpSink)
        lower, upper = (free_port(), free_port()), (free_port(), free_port())

        def start(tier, *options):
            self.uplink, self.http = tier
            return self.aggregator(*options, name="lower" if tier is lower else "upper")

        to_sink = f"--output=json+http://127.0.0.1:{sink.port}/"
        up = f"--aggregator=tcp://127.0.0.1:{upper[0]}"
        programs = {upper: start(upper, to_sink), lower: start(lower, up)}
        for n in NAMES:
            self.agent(n)
        self.assertTrue(wait_for(lambda: all(sink.last(n) >= 5 for n in NAMES)))
        for tier, options in ((lower, up), (upper, to_sink), (lower, up)):
            programs[tier].kill()
            time.sleep(0.5)
            programs[tier] = start(tier, options)
            last = {n: sink.last(n) for n in NAMES}
            self.assertTrue(wait_for(lambda: all(sink.last(n) > last[n] + 5 for n in NAMES)))
        # The last one started is the lower one, whose agents are asked.
        self.drained(*NAMES)
        for n in NAMES:
            self.assert_whole(sink, n, 20)
        state = self.state()
        self.assertTrue(state["aggregator"]["connected"])
        self.uplink, self.http = upper
        self.assertEqual(sorted(self.state()["by_id"]), sorted(NAMES))
        for h in self.state()["hosts"]:
            self.assertEqual((h["state"], h["gap"], h["lost"]), ("live", 0, 0), h)


    def test_its_own_next_tier(self):
        """Samples would go round for ever: an error names the URL."""
        aggregator = self.aggregator(f"--aggregator=tcp://127.0.0.1:{self.uplink}")
        self.assertIn("proxtop-aggregator: version ", aggregator.messages())
        self.assertIn(f": listens at 127.0.0.1:{self.uplink}; feed none, http 127.0.0.1:{self.http}; "
                      "0 outputs\n", aggregator.messages())
        self.agent("alpha")
        said = f"error: --aggregator: tcp://127.0.0.1:{self.uplink} is this aggregator itself"
        self.assertTrue(wait_for(lambda: said in aggregator.messages()), aggregator.messages())
        time.sleep(2.5)
        self.assertEqual(aggregator.messages().count(said), 1)
        self.assertEqual(self.host_state("alpha")["committed"], 0)

    def test_name_of_nobody(self):
        """An agent says that the name is not known, not that nobody answers."""
        agent = self.agent("alpha", "--aggregator=tcp://nowhere.invalid:7410", "--insecure")
        said = "tcp://nowhere.invalid:7410: its name is not known here; samples are kept"
        self.assertTrue(wait_for(lambda: said in agent.messages()), agent.messages())


class Security(Cluster):
    def test_keys(self):
        key, other, new = os.urandom(32), os.urandom(32), os.urandom(32)
        good = write_key(self.top / "good.key", key)
        sink = self.sink()
        aggregator = self.aggregator(
            f"--key-file={good}", f"--output=json+tcp://127.0.0.1:{sink.port}"
        )
        self.agent("sealed", f"--key-file={good}")
        plain = self.agent("plain")
        wrong = self.agent("wrong", f"--key-file={write_key(self.top / 'wrong.key', other)}")
        # Rotation: it seals with a new key, and so does whoever answers it.
        self.assertTrue(wait_for(lambda: sink.last("sealed") > 10))
        for p in (plain, wrong):
            self.assertTrue(wait_for(lambda: "samples are kept" in p.messages()), p.command)
        self.assertRegex(aggregator.messages(),
                         r"proxtop-aggregator: warning: a message from 127\.0\.0\.1:\d+ to --listen "
                         "is rejected: it was not sealed with a key of --key-file\n")
        self.assertEqual(list(self.state()["by_id"]), ["sealed"])
        self.assertGreater(self.state()["uplink"]["rejected"], 0)
        aggregator.stop()
        both = write_key(self.top / "both.key", new, key)
        self.aggregator(f"--key-file={both}", f"--output=json+tcp://127.0.0.1:{sink.port}")
        rotated = write_key(self.top / "rotated.key", new)
        self.agent("rotated", f"--key-file={rotated}")
        self.assertTrue(wait_for(lambda: sink.last("rotated") > 3))

    def refuse(self, *options, says):
        p = self.aggregator(*options, ready=False, name="refused-%d" % len(self.programs))
        self.assertEqual(wait_for(lambda: p.process.poll()), 2, options)
        self.assertRegex(p.messages(), r"^proxtop-aggregator: error: [^\n]*\n$")
        self.assertIn(says, p.messages())

    def test_refusals(self):
        self.refuse("--listen=tcp://0.0.0.0:0", says="--listen")
        self.refuse("--feed=tcp://0.0.0.0:0", says="--feed")
        self.refuse("--http=0.0.0.0:0", says="--http-token-file")
        self.refuse("--http=nonsense", says="--http")
        self.refuse("--output=json+pigeon://x", says="--output")
        self.refuse("--http-cert=/nowhere", says="--http-key")
        self.refuse("--max-hosts=0", says="--max-hosts")
        self.refuse("--history=10x", says="--history")
        self.refuse("--bogus", says="unknown option")
        self.refuse("surplus", says="surplus")

    def test_port_in_use(self):
        self.aggregator()
        again = self.aggregator(f"--http=127.0.0.1:{free_port()}", name="again", ready=False)
        self.assertEqual(wait_for(lambda: again.process.poll()), 1)
        self.assertIn(f"--listen=tcp://127.0.0.1:{self.uplink}", again.messages())

    def test_insecure_is_said(self):
        p = self.aggregator(
            "--listen=tcp://0.0.0.0:0", "--http=127.0.0.1:%d" % self.http, "--insecure"
        )
        self.assertIn("warning: --listen=tcp://0.0.0.0:0", p.messages())

    def test_token(self):
        token = self.top / "token"
        token.write_text("secret-of-the-test\n")
        token.chmod(0o600)
        self.aggregator(f"--http-token-file={token}")
        self.assertEqual(self.get("/hosts")[0], 401)
        self.assertEqual(self.get("/metrics")[0], 401)
        self.assertEqual(self.get("/hosts", Authorization="Bearer secret-of-the-test")[0], 200)
        self.assertEqual(self.get("/healthz")[0], 200)


if __name__ == "__main__":
    main()
