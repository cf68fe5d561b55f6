# SPDX-License-Identifier: Apache-2.0
"""Printing and recording from every source: this host, a feed, a recording."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import tempfile
import time

import cli

AGENT = os.environ.get("PROXTOP_AGENT", "build/bin/proxtop-agent")
AGGREGATOR = os.environ.get("PROXTOP_AGGREGATOR", "build/bin/proxtop-aggregator")

REFUSED = [
    # arguments, exit status, what the one line says
    (["--connect=http://127.0.0.1:1"], 2, "is not possible; allowed: tcp://HOST:PORT"),
    (["--connect=tcp://192.0.2.1:7411"], 2, "--key-file"),
    (["--connect=tcp://127.0.0.1:1", "--key-file=/nowhere"], 1, "/nowhere"),
    (["--connect=tcp://127.0.0.1:1", "--replay=x"], 2, "exclude each other"),
    (["--check", "--connect=tcp://127.0.0.1:1,x"], 2, "allowed with --check: tcp://HOST:PORT[,"),
    (["--check", "--connect=tcp://192.0.2.1:7411"], 1, "--key-file"),
    (["--check", "--expect=2"], 2, "--expect is for --check with --connect"),
    (["--check", "--connect=tcp://127.0.0.1:1", "--expect=2x"], 2, "a number of hosts, or a name"),
    (["--replay=/nowhere"], 1, "/nowhere"),
    (["--replay=/etc/hostname"], 1, "/etc/hostname"),
    (["--record=/nowhere/x"], 1, "/nowhere/x"),
    (["--record=/etc/hostname"], 1, "/etc/hostname"),
    (["--screen=80x24"], 2, "--screen is for --printer=ncurses"),
    (["--replay=/etc/hostname", "-o", "file"], 2, "--output=file needs --target=PATH"),
]


def records(text):
    return [json.loads(line) for line in text.splitlines()]


def without_origin(record):
    return {k: v for k, v in record.items()
            if k not in ("host_name", "host_id", "epoch", "seq")}


class Source(cli.Cli):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="proxtop-source-")
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)

    def daemon(self, program, *args):
        process = subprocess.Popen(
            [program, *args], env=cli.environment(), stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(self.kill, process)
        return process

    @staticmethod
    def kill(process):
        if process.poll() is None:
            process.kill()
        process.wait()

    def agent(self, *args, name="h1"):
        return self.daemon(
            AGENT, *self.host, f"--host-id={name}", f"--host-name={name}.example", "-f0.2", *args
        )

    def reached(self, port):
        until = time.monotonic() + cli.TIMEOUT
        while time.monotonic() < until:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return f"tcp://127.0.0.1:{port}"
            time.sleep(0.02)
        self.fail(f"nobody listens on {port}")

    def line_of(self, process, text):
        seen = []
        for line in process.stderr:
            seen.append(line)
            if text in line:
                return line
        self.fail(f"no line with {text!r} in {seen}")

    # ---- what is refused, what is not used ----

    def test_refused(self):
        for args, status, says in REFUSED:
            with self.subTest(args=args):
                done = self.run_program("-p", "json", "-r1", *args, "--log-level=error")
                self.assertEqual((done.returncode, done.stdout), (status, ""), done.stderr)
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertIn(says, done.stderr)

    def test_unused_is_said(self):
        path = self.dir / "r"
        self.run_program("-p", "json", "-r1", f"--record={path}")
        done = self.run_program("-p", "json", f"--replay={path}")
        line = done.stderr.splitlines()[0]
        self.assertIn("not used with --replay: --procfs, --sysfs, --rootfs, --proxmox", line)

    # ---- recordings ----

    def test_record_and_print(self):
        """What is replayed is what was printed, with who measured it."""
        path = self.dir / "r"
        live = self.run_program("-p", "json", "-r3", "-f0.2", "--verbose", f"--record={path}")
        self.assertEqual(live.returncode, 0, live.stderr)
        self.assertIn(f"--record={path}: 4 samples", live.stderr)
        again = self.run_program("-p", "json", "--verbose", f"--replay={path}", host=False)
        self.assertEqual((again.returncode, again.stderr), (0, ""))
        live, again = records(live.stdout), records(again.stdout)
        # The first sample is where the first rates begin.
        self.assertEqual([r["seq"] for r in again], [1, 2, 3, 4])
        self.assertNotIn("interval", again[0])
        self.assertEqual(live, [without_origin(r) for r in again[1:]])
        self.assertEqual({r["host_name"] for r in again}, {os.uname().nodename})

    def test_record_without_printing(self):
        path = self.dir / "r"
        process = self.start("-f0.1", f"--record={path}")
        self.line_of(process, f"this host is recorded every 0.1 s into {path}")
        time.sleep(1)
        status, out, err = self.finish(process)
        self.assertEqual((status, out), (0, ""), err)
        self.assertRegex(err, r"--record=\S+: \d+ samples\n$")
        again = records(self.run_program("-p", "json", f"--replay={path}", host=False).stdout)
        self.assertGreaterEqual(len(again), 5)
        self.assertEqual([r["seq"] for r in again], list(range(1, len(again) + 1)))

    def test_record_so_many(self):
        path = self.dir / "r"
        done = self.run_program("-f0.1", "-r5", f"--record={path}")
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertIn("5 samples", done.stderr)

    def test_record_never_overwrites(self):
        path = self.dir / "r"
        path.write_text("mine")
        done = self.run_program("-r1", f"--record={path}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(path.read_text(), "mine")

    def test_replay_formats(self):
        path, target = self.dir / "r", self.dir / "out.prom"
        self.run_program("-p", "json", "-r4", "-f0.1", f"--record={path}")

        def replay(*args):
            done = self.run_program(f"--replay={path}", *args, host=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""), args)
            return done.stdout

        self.assertEqual(len(records(replay("-p", "json", "-r2"))), 2)
        lines = replay("-p", "text", "--cpu").splitlines()
        self.assertEqual(len(lines), 2 + 5)
        self.assertTrue(lines[0].startswith("host_name\t"), lines[0])
        self.assertTrue(all(line.startswith(os.uname().nodename + "\t") for line in lines[2:]), lines)
        self.assertEqual(replay("-p", "openmetrics").count("# EOF\n"), 5)
        replay("-p", "openmetrics", "-o", "file", f"--target={target}")
        text = target.read_text()
        self.assertNotIn("# EOF", text)
        self.assertEqual(text.count("# TYPE proxtop_self_cpu_seconds_total counter\n"), 1)
        self.assertIn('{host_id="', text)
        target = self.dir / "out.metrics"
        replay("-p", "openmetrics", "-o", "file", f"--target={target}")
        self.assertEqual(target.read_text().count("# EOF\n"), 1)

    def test_replay_cut_off(self):
        """A recording that ends in the middle: up to there, and it is said."""
        path, cut = self.dir / "r", self.dir / "cut"
        process = self.start("-f0.1", f"--record={path}")
        time.sleep(2.5)
        process.send_signal(signal.SIGKILL)
        process.wait()
        data = path.read_bytes()
        cut.write_bytes(data[: len(data) - 7])
        for each in (path, cut):
            done = self.run_program("-p", "json", f"--replay={each}", host=False)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertGreater(len(records(done.stdout)), 3, each)
            self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
            self.assertIn(f"warning: {each}: ", done.stderr)

    def test_replay_grows(self):
        """What is added to a recording comes to its end, and is not there for who prints."""
        path = self.dir / "r"
        process = self.start("-f0.1", f"--record={path}")
        self.line_of(process, "is recorded")
        before, until = 0, time.monotonic() + cli.TIMEOUT
        # Blocks come when the machine has time for them.
        while before < 10 and time.monotonic() < until:
            time.sleep(0.2)
            done = self.run_program("-p", "json", f"--replay={path}", host=False)
            before = len(records(done.stdout))
        screens = [self.run_program(f"--replay={path}", "--screen=120x20", f"--keys={keys}",
                                    host=False).stdout.split("\n")[0]
                   for keys in ("{Home}", "{wait 4}")]
        for line in screens:
            self.assertRegex(line, r"RECORDED .* it grows")
        self.assertNotEqual(*[line.split("|")[1] for line in screens])
        self.assertEqual(self.finish(process)[0], 0)
        after = self.run_program("-p", "json", f"--replay={path}", host=False)
        self.assertGreater(len(records(after.stdout)), before + 20)
        self.assertEqual(after.stderr, "")

    def test_replay_opening_is_ended(self):
        """A huge file without an index is looked through: said, and ended at once."""
        path = self.dir / "r"
        self.run_program("-f0.1", "-r3", f"--record={path}", "--log-level=error")
        os.truncate(path, 100)
        os.truncate(path, 1 << 40)
        for how, wanted in (("--printer=json", 0), ("--screen=80x20", 1)):
            process = self.start(how, f"--replay={path}")
            self.line_of(process, "all of it is looked through")
            began = time.monotonic()
            self.assertEqual(self.finish(process, signal.SIGINT)[:2], (wanted, ""))
            self.assertLess(time.monotonic() - began, 2)

    def test_screen_of_nobody(self):
        """Said what is waited for, and that it did not come."""
        url = f"tcp://127.0.0.1:{cli.free_port()}"
        process = self.start(f"--connect={url}", "--screen=80x20", "-f0.1")
        began = time.monotonic()
        self.line_of(process, f"{url}: waiting for samples, ")
        self.assertLess(time.monotonic() - began, 5)
        out, err = process.communicate(timeout=cli.TIMEOUT)
        self.assertEqual(process.returncode, 1)
        self.assertIn("NO CONNECTION", out)
        self.assertIn(f"{url}: samples did not come within 10", err)

    def test_replay_to_a_slow_peer(self):
        """A peer that comes late gets all of it."""
        path = self.dir / "r"
        self.run_program("-f0.1", "-r12", f"--record={path}", "--log-level=error")
        port = cli.free_port()
        process = self.start(
            "-p", "json", f"--replay={path}", "-o", "tcp", f"--target=127.0.0.1:{port}"
        )
        time.sleep(0.5)
        got = b""
        with contextlib.closing(socket.create_server(("127.0.0.1", port))) as server:
            server.settimeout(cli.TIMEOUT)
            peer, _ = server.accept()
            with peer:
                while part := peer.recv(4096):
                    got += part
                    time.sleep(0.01)
        self.assertEqual(process.wait(timeout=cli.TIMEOUT), 0)
        self.assertEqual([r["seq"] for r in records(got.decode())], list(range(1, 13)))

    # ---- a feed ----

    def test_agent(self):
        port = cli.free_port()
        self.agent(f"--feed=tcp://127.0.0.1:{port}")
        url = self.reached(port)
        time.sleep(0.5)
        began = time.monotonic()
        done = self.run_program("-p", "json", "-r1", f"--connect={url}", host=False)
        # At once, with rates: the feed has kept what they begin at.
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertLess(time.monotonic() - began, 2)
        (record,) = records(done.stdout)
        self.assertEqual((record["host_id"], record["host_name"]), ("h1", "h1.example"))
        self.assertAlmostEqual(record["interval"], 0.2, delta=0.1)
        self.assertEqual(record["host"]["cpu_cores"], 1)
        # Rates go from one printed sample to the next, whatever lies between.
        done = self.run_program("-p", "json", "-r3", "-f0.6", f"--connect={url}", host=False)
        some = records(done.stdout)
        self.assertEqual(len(some), 3)
        # (The second comes with the next samples, to find their time.)
        self.assertGreater(some[2]["seq"] - some[1]["seq"], 1)
        for before, after in zip(some, some[1:]):
            self.assertAlmostEqual(after["interval"], 0.2 * (after["seq"] - before["seq"]),
                                   delta=0.1)

    def test_agent_goes_and_comes_back(self):
        port = cli.free_port()
        first = self.agent(f"--feed=tcp://127.0.0.1:{port}")
        url = self.reached(port)
        process = self.start("-p", "json", "-f0.2", f"--connect={url}")
        epoch = json.loads(process.stdout.readline())["epoch"]
        self.kill(first)
        self.line_of(process, f"--connect={url}: the connection was lost")
        self.agent(f"--feed=tcp://127.0.0.1:{port}")
        for line in process.stdout:
            if json.loads(line)["epoch"] > epoch:
                break
        self.line_of(process, "reached again")
        self.assertEqual(self.finish(process)[0], 0)

    def test_nobody_there(self):
        url = f"tcp://127.0.0.1:{cli.free_port()}"
        process = self.start("-p", "json", "-r1", f"--connect={url}")
        self.line_of(process, f"--connect={url}: not reachable")
        began = time.monotonic()
        self.assertEqual(self.finish(process)[0], 0)
        self.assertLess(time.monotonic() - began, 2)

    def test_key(self):
        port, key = cli.free_port(), self.dir / "key"
        key.write_text(self.run_program("--generate-key", host=False).stdout)
        key.chmod(0o600)
        self.agent(f"--feed=tcp://127.0.0.1:{port}", f"--key-file={key}")
        url = self.reached(port)
        done = self.run_program(
            "-p", "json", "-r1", f"--connect={url}", f"--key-file={key}", host=False
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(len(records(done.stdout)), 1)
        process = self.start("-p", "json", "-r1", f"--connect={url}")
        self.line_of(process, "it wants a key: give its --key-file")
        self.finish(process)

    def test_cluster(self):
        """Two hosts of an aggregator: a record each; one exposition; and recorded."""
        feed, uplink = cli.free_port(), cli.free_port()
        self.daemon(AGGREGATOR, f"--feed=tcp://127.0.0.1:{feed}",
                    f"--listen=tcp://127.0.0.1:{uplink}", "--http=none")
        self.reached(uplink)
        for name in ("h1", "h2"):
            self.agent("--feed=none", f"--aggregator=tcp://127.0.0.1:{uplink}", name=name)
        url = self.reached(feed)
        until = time.monotonic() + cli.TIMEOUT
        hosts = set()
        while hosts != {"h1", "h2"} and time.monotonic() < until:
            done = self.run_program("-p", "json", "-r2", "-f0.4", f"--connect={url}", host=False)
            hosts = {r["host_id"] for r in records(done.stdout)}
        self.assertEqual(hosts, {"h1", "h2"})

        text = self.run_program("-p", "openmetrics", "-r1", f"--connect={url}", host=False).stdout
        self.assertEqual(text.count("# EOF\n"), 1)
        self.assertEqual(text.count("# TYPE proxtop_host_cpu_cores gauge\n"), 1)
        for name in ("h1", "h2"):
            line = f'proxtop_host_cpu_cores{{host_id="{name}",host="{name}.example"}} 1\n'
            self.assertIn(line, text)

        self.check_cluster(url)

        path = self.dir / "r"
        done = self.run_program("-r3", "-f0.4", f"--record={path}", f"--connect={url}", host=False)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        again = records(self.run_program("-p", "json", f"--replay={path}", host=False).stdout)
        for name in ("h1", "h2"):
            numbers = [r["seq"] for r in again if r["host_id"] == name]
            self.assertGreater(len(numbers), 2, done.stderr)
            self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def check_cluster(self, url):
        """--check: who is live, and whether that is enough."""
        for expect, status in (((), 0), (("--expect=2",), 0), (("--expect=3",), 1),
                               (("--expect=localhost",), 0), (("--expect=no.such.name.invalid",), 1)):
            with self.subTest(expect=expect):
                done = self.run_program("--check", f"--connect={url},{url}", *expect, host=False)
                self.assertEqual(done.returncode, status, done.stderr)
                if "invalid" in str(expect):
                    self.assertEqual((done.stdout, done.stderr.count("\n")), ("", 1), done.stderr)
                    continue
                for name in ("h1", "h2"):
                    self.assertIn(f"{url}: {name}.example ({name}) live, age ", done.stdout)
                self.assertIn("\n2 live, 0 not, ", done.stdout)
        done = self.run_program("--check", f"--connect=tcp://127.0.0.1:{cli.free_port()}", host=False)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)


if __name__ == "__main__":
    cli.main()
