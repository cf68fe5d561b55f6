#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Peers that are no agents, against the real aggregator: connections by the thousand, a
gigabyte, aborted handshakes, what was recorded and is played again.  Meanwhile agents are
served on, a new one is let in, and memory and descriptors are bounded."""

import os
import pathlib
import random
import re
import resource
import select
import socket
import struct
import threading
import time

from cluster import Cluster, HttpSink, main, wait_for, write_key

HELLO = b"\0SP\0\0\x30\0\0"  # what a requester of nng says first
CONNECTIONS = 10000
SEED = int(os.environ.get("SEED", random.randrange(1 << 32)))


def message(text, number=1):
    body = struct.pack(">I", 0x80000000 | number) + text
    return struct.pack(">Q", len(body)) + body


def sealed_junk(rng, n):
    """An envelope that looks right and was sealed with no key."""
    return b"pxtp\1\1\1\0" + rng.randbytes(16 + 24 + n)


def memory_mib(program):
    status = pathlib.Path(f"/proc/{program.process.pid}/status").read_text()
    return int(re.search(r"RssAnon:\s+(\d+)", status).group(1)) / 1024


def descriptors(program):
    return len(os.listdir(f"/proc/{program.process.pid}/fd"))


def reset(s):
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    s.close()


class Recorder:
    """Passes one connection on and keeps what the client sent."""

    def __init__(self, target):
        self.sent = b""
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.target = target
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            near, _ = self.listener.accept()
            try:
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                near.close()  # the test is over
                continue
            try:
                while True:
                    for s in select.select([near, far], [], [])[0]:
                        data = s.recv(1 << 16)
                        if not data:
                            raise OSError
                        if s is near:
                            self.sent += data
                        (far if s is near else near).sendall(data)
            except OSError:
                near.close()
                far.close()


class Abuse(Cluster):
    def setUp(self):
        super().setUp()
        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        self.connections = min(CONNECTIONS, hard - 500)
        self.rng = random.Random(SEED)
        print("SEED=%d" % SEED, end=" ", flush=True)
        self.sockets = []
        self.key = "--key-file=%s" % write_key(self.top / "key", os.urandom(32))
        self.store = self.sink(HttpSink)
        self.centre = self.aggregator(
            f"--output=json+http://127.0.0.1:{self.store.port}/", self.key
        )
        self.one = self.agent("one", self.key)
        self.assertTrue(wait_for(lambda: self.store.last("one") > 5))
        self.memory = memory_mib(self.centre)
        self.descriptors = descriptors(self.centre)

    def tearDown(self):
        for s in self.sockets:
            s.close()
        super().tearDown()

    def connect(self, port=None):
        s = socket.create_connection(("127.0.0.1", port or self.uplink), 20)
        return s

    def still_served(self, name):
        """The agent that was there, and one that comes now."""
        last = self.store.last("one")
        self.agent(name, self.key)
        self.assertTrue(wait_for(lambda: self.store.last("one") > last + 10), "one is not served")
        self.assertTrue(wait_for(lambda: self.store.last(name) > 3), "a new one is not let in")

    def all_well(self):
        """As it was before, and nothing is missing or twice."""
        for s in self.sockets:
            s.close()
        self.sockets = []
        self.assertTrue(
            wait_for(lambda: descriptors(self.centre) < self.descriptors + 30),
            "%d descriptors, %d before" % (descriptors(self.centre), self.descriptors),
        )
        self.assertEqual(self.get("/healthz")[0], 200)
        self.drained("one")
        self.assertEqual(self.one.stop(), 0)
        self.assert_whole(self.store, "one", 10)
        h = self.host_state("one")
        self.assertEqual((h["lost"], h["gap"], h["refused"]), (0, 0, 0))
        self.assertEqual(self.centre.stop(), 0)

    def test_connections(self):
        """Ten thousand that say nothing, half a hello, a hello, or a part of a message."""
        words = [b"", HELLO[:4], HELLO, HELLO + struct.pack(">Q", 1000) + b"\x80\0\0\1part"]
        slowest = 0
        for i in range(self.connections):
            s = self.connect()
            self.sockets.append(s)
            s.sendall(words[i % len(words)])
            if i % 1000 == 999:
                begun, last = time.monotonic(), self.store.last("one")
                self.assertTrue(wait_for(lambda: self.store.last("one") > last + 2, step=0.01))
                slowest = max(slowest, time.monotonic() - begun)
        print("three samples took at most %.2f s" % slowest, end=" ", flush=True)
        self.assertLess(slowest, 5)
        self.still_served("late")
        self.assertLess(memory_mib(self.centre) - self.memory, 100)
        self.all_well()

    def test_gigabyte(self):
        """One announces it, one sends it as junk, forty send as much as is allowed."""
        s = self.connect()
        s.sendall(HELLO + struct.pack(">Q", 1 << 30))
        s.settimeout(20)
        self.assertEqual(s.recv(8)[:3], b"\0SP")
        try:
            self.assertEqual(s.recv(1), b"")
        except ConnectionResetError:
            pass
        s.close()
        chunk, highest = self.rng.randbytes(1 << 20), 0
        for begin in (b"", HELLO + struct.pack(">Q", 60 << 20)):
            for _ in range(40 if begin else 1):
                s = self.connect()
                self.sockets.append(s)
                s.settimeout(5)
                try:
                    s.sendall(begin)
                    for _ in range(50 if begin else 1024):
                        s.sendall(chunk)
                except OSError:
                    continue  # it had enough
                finally:
                    highest = max(highest, memory_mib(self.centre))
                if not begin:
                    self.fail("a gigabyte of junk was taken")
        print("%.0f MiB, at most %.0f" % (self.memory, highest), end=" ", flush=True)
        self.assertLess(highest - self.memory, 200)
        self.still_served("late")
        self.all_well()

    def test_storm(self):
        """Handshakes that are aborted at any point, uplink and http, closed or reset."""
        hello_tls = bytes.fromhex("16030102000100") + self.rng.randbytes(250)
        whole = HELLO + message(sealed_junk(self.rng, 500)) + message(b"junk", 2) * 3
        until, n = time.monotonic() + 15, 0
        while time.monotonic() < until:
            port = self.rng.choice((self.uplink, self.uplink, self.http))
            text = self.rng.choice((whole, whole, hello_tls, b"GET / HTTP/1.1\r\n\r\n"))
            s = self.connect(port)
            try:
                s.sendall(text[: self.rng.randrange(len(text) + 1)])
            except OSError:
                pass
            if self.rng.random() < 0.5:
                reset(s)
            else:
                s.close()
            n += 1
        print("%d aborted" % n, end=" ", flush=True)
        self.assertGreater(n, 1000)
        self.still_served("late")
        self.assertLess(memory_mib(self.centre) - self.memory, 100)
        self.all_well()

    def test_played_again(self):
        """What an agent sent, sent once more by somebody without the key: nothing happens."""
        recorder = Recorder(self.uplink)
        self.agent("two", self.key, f"--aggregator=tcp://127.0.0.1:{recorder.port}")
        self.assertTrue(wait_for(lambda: self.store.last("two") > 10))
        recorded = recorder.sent
        self.assertGreater(len(recorded), 1000)
        before = self.store.last("two")
        for cut in (len(recorded), len(recorded) // 2, 500):
            s = self.connect()
            self.sockets.append(s)
            s.sendall(recorded[:cut])
        self.assertTrue(wait_for(lambda: self.store.last("two") > before + 10))
        self.drained("two")
        h = self.host_state("two")
        self.assertEqual((h["lost"], h["gap"], h["refused"]), (0, 0, 0))
        self.assertEqual(self.store.repeated(), 0)
        self.all_well()


if __name__ == "__main__":
    main()
