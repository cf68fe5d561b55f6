#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The agent's side of the cluster: when it samples, what it keeps while nobody listens, how
it ends, and what it makes of a network that holds, cuts and delays."""

import calendar
import os
import pathlib
import random
import re
import select
import signal
import socket
import threading
import time

from cluster import Cluster, HttpSink, fake_host, main, wait_for


def wall(record_time):
    """Seconds since 1970 of @timestamp."""
    whole, rest = re.fullmatch(r"(.*?)(\.\d+)?Z", record_time).groups()
    at = time.strptime(whole, "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(at) + float(rest or 0)


def memory_kib(pid):
    """RssAnon."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1))


class Proxy:
    """A network between agent and aggregator that can be made bad: mode is pass, hold (what
    comes is not passed on, and stays where it is), or drop (all connections are reset)."""

    def __init__(self, target):
        self.target = target
        self.mode = "pass"
        self.delay = 0
        self.pairs = []
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.target), 5)
            except OSError:
                self.reset(near)
                continue
            with self.lock:
                self.pairs.append((near, far))
            threading.Thread(target=self.carry, args=(near, far), daemon=True).start()

    def carry(self, near, far):
        try:
            while True:
                if self.mode == "hold":
                    time.sleep(0.02)
                    continue
                for s in select.select([near, far], [], [], 0.05)[0]:
                    data = s.recv(1 << 16)
                    if not data:
                        raise OSError
                    time.sleep(self.delay)
                    (far if s is near else near).sendall(data)
        except (OSError, ValueError):
            self.reset(near)
            self.reset(far)

    @staticmethod
    def reset(s):
        try:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        except OSError:
            pass
        s.close()

    def drop(self):
        with self.lock:
            for near, far in self.pairs:
                self.reset(near)
                self.reset(far)
            self.pairs = []

    def close(self):
        self.listener.close()
        self.drop()


class Agent(Cluster):
    def test_instants(self):
        """Two hosts, one clock: whole multiples of the interval, the same for both."""
        sink = self.sink(HttpSink)
        self.aggregator(f"--output=json+http://127.0.0.1:{sink.port}/")
        for n in ("alpha", "beta"):
            self.agent(n, interval=0.5)
        self.assertTrue(wait_for(lambda: all(sink.last(n) >= 8 for n in ("alpha", "beta"))))
        times = {
            n: [wall(t) for k, t in sorted(sink.text.items()) if k[0] == n] for n in ("alpha", "beta")
        }
        for n, at in times.items():
            late = sorted(t % 0.5 for t in at)
            # A busy machine may be late, but never early, and most are on time.
            self.assertLess(late[len(late) // 2], 0.1, (n, late))
            self.assertLess(late[-1], 0.49, (n, late))
            self.assertTrue(all(b - a > 0.1 for a, b in zip(at, at[1:])), at)
        both = {round(t * 2) for t in times["alpha"]} & {round(t * 2) for t in times["beta"]}
        self.assertGreaterEqual(len(both), 6)

    def test_missed_instants_are_left_out(self):
        sink = self.sink(HttpSink)
        self.aggregator(f"--output=json+http://127.0.0.1:{sink.port}/")
        agent = self.agent("alpha", interval=0.2)
        self.assertTrue(wait_for(lambda: sink.last("alpha") >= 5))
        agent.process.send_signal(signal.SIGSTOP)
        time.sleep(2)
        before = sink.last("alpha")
        agent.process.send_signal(signal.SIGCONT)
        self.assertTrue(wait_for(lambda: sink.last("alpha") >= before + 8))
        at = [wall(t) for _, t in sorted(sink.text.items())]
        steps = [b - a for a, b in zip(at, at[1:])]
        self.assertEqual(len([s for s in steps if s > 1.5]), 1, steps)
        # The one that was due while it slept comes late, once; there is no burst.
        self.assertLessEqual(len([s for s in steps if s < 0.1]), 1, steps)
        # Its numbers have no gap: nothing was taken, so nothing was lost.
        self.assertEqual(sink.sequences("alpha"), list(range(1, sink.last("alpha") + 1)))

    def test_terminated_in_memory(self):
        """Without a directory SIGTERM brings the rest, even of an outage."""
        sink = self.sink(HttpSink)
        output = f"--output=json+http://127.0.0.1:{sink.port}/"
        aggregator = self.aggregator(output)
        agent = self.agent("alpha")
        self.assertTrue(wait_for(lambda: sink.last("alpha") >= 3))
        aggregator.kill()
        time.sleep(2)
        self.aggregator(output)
        began = time.monotonic()
        self.assertEqual(agent.stop(10), 0)
        self.assertLess(time.monotonic() - began, 5.5)
        h = self.host_state("alpha")
        self.assertEqual((h["behind"], h["gap"], h["lost"]), (0, 0, 0))
        self.assert_whole(sink, "alpha", 20)

    def test_terminated_while_nobody_listens(self):
        """Within 5 s, and what is gone is said."""
        agent = self.agent("alpha")
        self.assertTrue(wait_for(lambda: "refused" in agent.messages(), 30))
        began = time.monotonic()
        self.assertEqual(agent.stop(10), 0)
        self.assertLess(time.monotonic() - began, 5)
        self.assertIn("samples are not committed, and gone with this run (--spool-dir keeps them)",
                      agent.messages())

    def test_killed_while_nobody_listens(self):
        """Run after run is killed; the directory has them all."""
        spool = self.top / "spool"
        sink = self.sink(HttpSink)
        for _ in range(5):
            agent = self.agent("alpha", f"--spool-dir={spool}")
            position = spool / "position"
            runs = len(list(spool.glob("*.spool"))) if spool.exists() else 0
            self.assertTrue(wait_for(lambda: len(list(spool.glob("*.spool"))) > runs))
            time.sleep(0.5 + random.random())
            agent.kill()
        self.assertTrue(position.exists())
        self.aggregator(f"--output=json+http://127.0.0.1:{sink.port}/")
        self.agent("alpha", f"--spool-dir={spool}")
        self.assertTrue(wait_for(lambda: len(sink.streams()) == 6), sink.streams().keys())
        self.drained("alpha")
        self.assert_whole(sink, "alpha", 5 * 5)
        h = self.host_state("alpha")
        self.assertEqual((h["gap"], h["lost"], h["lost_epochs"]), (0, 0, 0))
        # Committed whole: the earlier runs' files are gone.
        self.assertTrue(wait_for(lambda: len(list(spool.glob("*.spool"))) == 1))

    def test_stopped_with_a_directory(self):
        """It need not wait for anybody: the next run brings the rest."""
        spool = self.top / "spool"
        agent = self.agent("alpha", f"--spool-dir={spool}")
        self.assertTrue(wait_for(lambda: list(spool.glob("*.spool"))))
        time.sleep(1)
        began = time.monotonic()
        self.assertEqual(agent.stop(10), 0)
        self.assertLess(time.monotonic() - began, 3)
        self.assertIn(f"samples are not committed: the next run sends them, from {spool}",
                      agent.messages())
        sink = self.sink(HttpSink)
        self.aggregator(f"--output=json+http://127.0.0.1:{sink.port}/")
        self.agent("alpha", f"--spool-dir={spool}")
        self.assertTrue(wait_for(lambda: len(sink.streams()) == 2))
        self.drained("alpha")
        self.assert_whole(sink, "alpha", 8)

    def test_bad_network(self):
        """Held, cut, slow: at random for 20 s.  All arrives, in order of each run."""
        seed = int(os.environ.get("SEED", random.randrange(1 << 30)))
        print("SEED=%d" % seed, flush=True)
        luck = random.Random(seed)
        sink = self.sink(HttpSink)
        self.aggregator(f"--output=json+http://127.0.0.1:{sink.port}/")
        proxy = Proxy(self.uplink)
        self.addCleanup(proxy.close)
        url = f"--aggregator=tcp://127.0.0.1:{proxy.port}"
        names = ["host%d" % i for i in range(4)]
        for n in names:
            self.agent(n, url)
        self.assertTrue(wait_for(lambda: all(sink.last(n) for n in names)))
        until = time.monotonic() + 20
        while time.monotonic() < until:
            what = luck.choice(["hold", "drop", "drop", "delay", "pass"])
            if what == "drop":
                proxy.drop()
            proxy.mode = "hold" if what == "hold" else "pass"
            proxy.delay = luck.random() * 0.2 if what == "delay" else 0
            time.sleep(luck.random() * (4 if what == "hold" else 1))
        proxy.mode, proxy.delay = "pass", 0
        reached = {n: sink.last(n) for n in names}
        self.assertTrue(wait_for(lambda: all(sink.last(n) > reached[n] + 10 for n in names)))
        self.drained(*names)
        for n in names:
            self.assert_whole(sink, n, 150)
            h = self.host_state(n)
            self.assertEqual((h["gap"], h["lost"], h["missed"]), (0, 0, 0), n)

    def test_memory(self):
        """What an outage took is given back; its own cost is small."""
        self.host = fake_host(self.top / "fat", interfaces=2000)
        agent = self.agent("alpha", "--spool=64M")
        time.sleep(1)
        begin = memory_kib(agent.process.pid)
        time.sleep(8)
        full = memory_kib(agent.process.pid)
        sink = self.sink(HttpSink)
        self.aggregator(f"--output=json+http://127.0.0.1:{sink.port}/")
        self.assertTrue(wait_for(lambda: sink.last("alpha") > 60))
        self.drained("alpha")
        time.sleep(1)
        end = memory_kib(agent.process.pid)
        print("RssAnon: %d KiB at first, %d with a spool, %d after it" % (begin, full, end))
        self.assertLess(end, 16 << 10)
        self.assertLess(end, begin + (6 << 10))


if __name__ == "__main__":
    main()
