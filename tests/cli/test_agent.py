# SPDX-License-Identifier: Apache-2.0
"""proxtop-agent as people start it: messages, exit codes, signals, pages, its reference."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

import cli

cli.PROGRAM = os.environ.get("PROXTOP_AGENT", "build/bin/proxtop-agent")

REFUSED = [
    # arguments, environment, exit status, what the one line says
    (["--bogus"], {}, 2, "unknown option --bogus"),
    (["--agregator=tcp://a:1"], {}, 2, "did you mean --aggregator?"),
    (["-f", "0.01"], {}, 2, "--frequency=0.01 is not possible; allowed: seconds from 0.1"),
    (["--spool=1K"], {}, 2, "--spool=1K is not possible; allowed: bytes with K, M, G or T, from 1M"),
    (["--history=1w"], {}, 2, "--history=1w is not possible; allowed: a time with ms, s, m, h or d (without: s)"),
    (["extra"], {}, 2, "surplus argument extra"),
    (["--feed=ipc:///x"], {}, 2, '--feed: "ipc:///x" is not tcp://HOST:PORT'),
    (["--feed=tcp://0.0.0.0:0"], {}, 2, "--key-file"),
    (["--aggregator=tcp://192.0.2.1:7410"], {}, 2, "--key-file"),
    (["--aggregator=tcp://127.0.0.1:1,"], {}, 2, "--aggregator: a URL is empty"),
    (["--aggregator=http://127.0.0.1:1"], {}, 2, '--aggregator: "http://127.0.0.1:1" is not'),
    (["--http=0.0.0.0:0"], {}, 2, "it needs --http-token-file, or --insecure"),
    (["--http=nothing"], {}, 2, "--http=nothing is not possible; allowed: ADDR:PORT"),
    (["--http-cert=/x"], {}, 2, "--http-cert and --http-key belong together"),
    (["--host-id=a/b"], {}, 2, "--host-id=a/b is not possible; allowed: at most 64 letters"),
    (["--key-file=/nowhere"], {}, 1, "/nowhere"),
    (["--procfs=/nowhere"], {}, 1, "--procfs=/nowhere: No such file"),
    ([], {"PROXTOP_SPOOL": "x"}, 2, "PROXTOP_SPOOL=x is not possible"),
]


class Agent(cli.Cli):
    def agent(self, *args, env=None):
        options = ["--host-id=test", "--host-name=test", "--feed=none", "-f0.1"]
        return self.start(*options, *args, env=env, stdout=subprocess.DEVNULL)

    def line_with(self, process, text):
        """Reads stderr up to the line that has it."""
        seen = []
        for line in process.stderr:
            seen.append(line)
            if text in line:
                return line
        self.fail("no line with %r in %s" % (text, seen))

    def test_refused(self):
        """No stdout, one line on stderr that says what is allowed."""
        for args, env, status, says in REFUSED:
            with self.subTest(args=args, env=env):
                known = [] if any("host-id" in a for a in args) else ["--host-id=x"]
                done = self.run_program(*known, *args, env=env)
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertTrue(done.stderr.startswith("proxtop-agent: error: "), done.stderr)
                self.assertIn(says, done.stderr)

    def test_help_and_version(self):
        done = self.run_program("--version", host=False)
        self.assertRegex(done.stdout, r"^proxtop-agent \d+\.\d+\.\d+\n$")
        done = self.run_program("--help", host=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("--aggregator=URL[,URL...]", done.stdout)
        self.assertIn("(default: 64M)", done.stdout)

    def test_check(self):
        done = self.run_program("--check")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertGreater(done.stdout.count("\n"), 2)

    def test_healthcheck(self):
        """It asks the one that runs with the same options, and says what is wrong in one line."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            feed = f"--feed=tcp://127.0.0.1:{free.getsockname()[1]}"
        asked = ("--healthcheck", feed)
        done = self.run_program(*asked, host=False)
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertRegex(done.stderr, r"^proxtop-agent: error: tcp://127.0.0.1:\d+: .*\n$")
        process = self.agent(feed)
        self.line_with(process, "no --aggregator")
        deadline = time.monotonic() + 10
        while self.run_program(*asked, host=False).returncode and time.monotonic() < deadline:
            time.sleep(0.1)
        done = self.run_program(*asked, host=False)
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))
        process.send_signal(signal.SIGSTOP)
        done = self.run_program(*asked, host=False)
        process.send_signal(signal.SIGCONT)
        self.assertEqual(done.returncode, 1, "it is stopped")
        done = self.run_program("--healthcheck", "--feed=none", host=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("--feed", done.stderr)

    def test_no_identity(self):
        done = self.run_program("--feed=none")
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"no identity of this host: .*etc/machine-id .*--host-id")

    def test_identity_is_a_hash(self):
        path = self.root / "root/etc/machine-id"
        path.write_text("0123456789abcdef0123456789abcdef\n")
        self.addCleanup(path.unlink)
        process = self.start("--feed=none", "--host-name=x", "--mem", stdout=subprocess.DEVNULL)
        line = self.line_with(process, "host x")
        found = re.search(r"\(([0-9a-f]{32})\)", line)
        self.assertTrue(found, line)
        self.assertNotIn("0123456789abcdef", line)

    def test_signals(self):
        for sig, ends in ((signal.SIGHUP, False), (signal.SIGTERM, True), (signal.SIGINT, True)):
            process = self.agent()
            self.line_with(process, "no --aggregator")
            process.send_signal(sig)
            began = time.monotonic()
            if not ends:
                time.sleep(0.3)
                self.assertIsNone(process.poll())
                process.send_signal(signal.SIGTERM)
            self.assertEqual(process.wait(cli.TIMEOUT), 0, sig)
            self.assertLess(time.monotonic() - began, 4)

    def test_ends_in_time_with_nobody_there(self):
        """What only memory holds is tried for, but 5 s are the end."""
        process = self.agent("--aggregator=tcp://127.0.0.1:1")
        self.line_with(process, "host test")
        time.sleep(0.5)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(cli.TIMEOUT), 0)
        self.assertLess(time.monotonic() - began, 5.5)

    def test_nobody_there_is_said_once(self):
        process = self.agent("--aggregator=tcp://127.0.0.1:1")
        line = self.line_with(process, "tcp://127.0.0.1:1")
        self.assertIn(": Connection refused; samples are kept in the spool", line)

    def get(self, port, path, headers={}):
        url = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=headers)
        try:
            with urllib.request.urlopen(url, timeout=cli.TIMEOUT) as answer:
                return answer.status, answer.headers["Content-Type"], answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.headers["Content-Type"], e.read().decode()

    def http_port(self, process):
        line = self.line_with(process, "http ")
        found = re.match(r"proxtop-agent: version \d+\.\d+\.\d+: host test \(test\), "
                         r"a sample every [\d.]+ s; feed none, http 127\.0\.0\.1:(\d+)\n$", line)
        self.assertTrue(found, line)
        return int(found[1])

    def test_pages(self):
        process = self.agent("--http=127.0.0.1:0", "--aggregator=tcp://127.0.0.1:1")
        port = self.http_port(process)
        until = time.monotonic() + 10
        while self.get(port, "/readyz")[0] != 200 and time.monotonic() < until:
            time.sleep(0.05)
        status, _, text = self.get(port, "/readyz")
        self.assertEqual((status, text), (200, "ok\nno answer from tcp://127.0.0.1:1\n"))
        self.assertEqual(self.get(port, "/healthz")[::2], (200, "ok\n"))
        self.assertEqual(self.get(port, "/nowhere")[0], 404)
        status, kind, text = self.get(port, "/metrics")
        self.assertEqual(status, 200)
        self.assertTrue(kind.startswith("text/plain; version=0.0.4"), kind)
        self.assertIn('host_id="test"', text)
        self.assertIn("# TYPE proxtop_self_cpu_seconds_total counter\n", text)
        self.assertNotIn("# EOF", text)
        status, kind, text = self.get(port, "/metrics", {"Accept": "application/openmetrics-text"})
        self.assertEqual(status, 200)
        self.assertTrue(kind.startswith("application/openmetrics-text"), kind)
        self.assertIn("# TYPE proxtop_self_cpu_seconds counter\n", text)
        self.assertTrue(text.endswith("# EOF\n"))

    def test_pages_without_a_sample(self):
        process = self.agent("--http=127.0.0.1:0", "-f86400")
        port = self.http_port(process)
        for path in ("/readyz", "/metrics"):
            self.assertEqual(self.get(port, path)[::2], (503, "no sample was taken lately\n"))
        self.assertEqual(self.get(port, "/healthz")[0], 200)

    def test_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            done = self.run_program("--host-id=x", f"--feed=tcp://127.0.0.1:{port}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(f"tcp://127.0.0.1:{port}: cannot listen: Address already in use", done.stderr)

    def test_spool_directory_is_one_agents(self):
        with tempfile.TemporaryDirectory(prefix="proxtop-spool-") as top:
            options = ["--aggregator=tcp://127.0.0.1:1", f"--spool-dir={top}/spool"]
            process = self.agent(*options)
            self.line_with(process, "host test")
            done = self.run_program("--host-id=x", "--feed=none", *options)
            self.assertEqual(done.returncode, 1)
            self.assertIn("another process uses it", done.stderr)
            self.assertEqual(pathlib.Path(top, "spool").stat().st_mode & 0o777, 0o700)
            process.kill()
            process.wait()

    def test_one_file_of_variables_for_both(self):
        env = {"PROXTOP_PRINTER": "json", "PROXTOP_SPOOOL": "1M"}
        process = self.agent(env=env)
        line = self.line_with(process, "unknown in the environment")
        self.assertIn("PROXTOP_SPOOOL ", line)
        self.assertNotIn("PRINTER", line)

    def test_systemd_is_told(self):
        with tempfile.TemporaryDirectory(prefix="proxtop-notify-") as top:
            path = top + "/notify"
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.bind(path)
                s.settimeout(cli.TIMEOUT)
                # cli.environment() keeps what is no PROXTOP_ variable.
                process = self.agent(env={"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "400000"})
                self.assertEqual(s.recv(100), b"READY=1")
                self.assertEqual(s.recv(100), b"WATCHDOG=1")
                process.send_signal(signal.SIGTERM)
                got = s.recv(100)
                seen = set()
                while got != b"STOPPING=1":
                    seen.add(got)
                    got = s.recv(100)
                self.assertLessEqual(seen, {b"WATCHDOG=1", b"STATUS=0 VMs"})
                self.assertEqual(process.wait(cli.TIMEOUT), 0)

    def test_closed_descriptors(self):
        for fd in (0, 1, 2):
            process = subprocess.Popen(
                ["/bin/sh", "-c", f'exec "$0" "$@" {fd}>&-', cli.PROGRAM]
                + self.host + ["--host-id=x", "--feed=none", "-f0.1"],
                env=cli.environment(), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            )
            time.sleep(0.3)
            self.assertIsNone(process.poll(), fd)
            process.terminate()
            self.assertEqual(process.wait(cli.TIMEOUT), 0, fd)


if __name__ == "__main__":
    if not os.access(cli.PROGRAM, os.X_OK):
        sys.exit(f"{cli.PROGRAM}: no such program; set PROXTOP_AGENT to it")
    os.environ.pop("ARGP_HELP_FMT", None)
    cli.main()
