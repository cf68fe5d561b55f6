# SPDX-License-Identifier: Apache-2.0
"""The main loop: cycles and their times, outputs, signals."""

import datetime
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import tempfile
import threading
import time

import cli


def stamp(record):
    text = record["@timestamp"].replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(text).timestamp()


class Cycles(cli.Cli):
    def test_one_run_has_rates(self):
        began = time.monotonic()
        done = self.run_program("-p", "json", "--runs=1", "--frequency=60")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(time.monotonic() - began, 10, "the first cycle waits for the frequency")
        records = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(records), 1)
        self.assertAlmostEqual(records[0]["interval"], 0.2, delta=0.1)
        self.assertEqual(records[0]["host"]["cpu_cores"], 1)
        self.assertEqual(records[0]["domains"], [])

    def test_times_do_not_drift(self):
        done = self.run_program("-p", "json", "--runs=11", "--frequency=0.3", "--cpu")
        self.assertEqual(done.returncode, 0, done.stderr)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(len(records), 11)
        times = [stamp(r) for r in records]
        # On a busy machine a cycle may be late, even leave out a point of the grid; but
        # one that is on time is on the grid of the first ones, and most are.
        first = min(t - 0.3 * i for i, t in enumerate(times[:3]))
        off = [(t - first) % 0.3 for t in times]
        near = [o for o in off if o < 0.02 or o > 0.29]
        self.assertGreaterEqual(len(near), 8, f"off the grid by {off}")
        for before, after in zip(times, times[1:]):
            self.assertGreater(after - before, 0.1, "a burst")

    def test_late_cycles_make_no_burst(self):
        process = self.start("-p", "json", "--frequency=0.2", "--cpu", "--runs=8")
        first = json.loads(process.stdout.readline())
        process.send_signal(signal.SIGSTOP)
        time.sleep(1.1)
        process.send_signal(signal.SIGCONT)
        out, err = process.communicate(timeout=cli.TIMEOUT)
        self.assertEqual(process.returncode, 0, err)
        times = [stamp(first)] + [stamp(json.loads(line)) for line in out.splitlines()]
        self.assertEqual(len(times), 8)
        # The point that was slept through may come late, once; those missed do not.
        short = [b - a for a, b in zip(times, times[1:]) if b - a < 0.15]
        self.assertLessEqual(len(short), 1, times)
        self.assertGreater(max(b - a for a, b in zip(times, times[1:])), 0.9)

    def test_text_has_its_header_once(self):
        done = self.run_program("-p", "text", "-r3", "-f0.1", "--cpu")
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        self.assertEqual(len(lines), 2 + 3, done.stdout)
        self.assertTrue(lines[0].startswith("cpu_cores\t"))
        self.assertTrue(lines[1].startswith("UUID\tname\t"))
        for line in lines[2:]:
            self.assertEqual(line.count("\t"), lines[0].count("\t"))

    def test_collectors_choose(self):
        done = self.run_program("-p", "json", "-r1", "--mem")
        host = json.loads(done.stdout)["host"]
        self.assertEqual(host["ram_Total"], 8000000)
        self.assertFalse([k for k in host if k.startswith(("cpu_", "net_", "disk_", "psi_"))])

    def test_no_vms_is_said_once(self):
        done = self.run_program("-p", "json", "-r3", "-f0.1")
        lines = [line for line in done.stderr.splitlines() if "No VMs detected" in line]
        self.assertEqual(len(lines), 1, done.stderr)
        for hint in ("virsh list --all", "qm list", "/proc/*/cmdline"):
            self.assertIn(hint, lines[0])
        quiet = self.run_program("-p", "json", "-r1", "--log-level=error")
        self.assertNotIn("No VMs", quiet.stderr)

    def test_openmetrics(self):
        done = self.run_program("-p", "openmetrics", "-r1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("\nproxtop_host_", "\n" + done.stdout)
        self.assertTrue(done.stdout.endswith("# EOF\n"))

    def test_missing_procfs_is_one_error(self):
        done = self.run_program("-p", "json", "-r1", f"--procfs={self.root}/nowhere")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertRegex(done.stderr, r"error: .*/nowhere")

    def test_check(self):
        done = self.run_program("--check")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertGreater(done.stdout.count("\n"), 2, done.stdout)
        wrong = self.run_program(
            *self.host[:3], "--check", "-c", f"qemu+unix:///system?socket={self.root}/none",
            host=False,
        )
        self.assertEqual(wrong.returncode, 1, wrong.stdout + wrong.stderr)
        self.assertIn("libvirt", wrong.stdout)


class Vms(cli.Cli):
    """Two QEMU processes that nobody describes: found in the proc filesystem."""

    UUIDS = {"web-01": "4f1c2a33-0000-4000-8000-00000000ab01",
             "Db,two": "4f1c2a33-0000-4000-8000-00000000ab02"}

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for pid, (name, uuid) in enumerate(cls.UUIDS.items(), 4201):
            process = cls.root / f"proc/{pid}"
            (process / f"task/{pid}").mkdir(parents=True)
            words = ["/usr/bin/qemu-system-x86_64", "-name", f"guest={name.replace(',', ',,')}",
                     "-uuid", uuid, "-m", "64", "-smp", "1"]
            (process / "cmdline").write_text("".join(w + "\0" for w in words))
            stat = f"{pid} (qemu-system-x86) S 1 {pid} {pid} 0 -1 0 " + "0 " * 12 + "5000 "
            stat += "1000000 500 " + "0 " * 30
            for each in (process, process / f"task/{pid}"):
                (each / "stat").write_text(stat.strip() + "\n")
                (each / "comm").write_text("qemu-system-x86\n")
                (each / "schedstat").write_text("1000000 1000 10\n")

    def names(self, *args):
        done = self.run_program("-p", "json", "-r1", *args)
        self.assertEqual(done.returncode, 0, done.stderr)
        return sorted(vm["name"] for vm in json.loads(done.stdout)["domains"]), done.stderr

    def test_all(self):
        names, err = self.names()
        self.assertEqual(names, ["Db,two", "web-01"])
        self.assertNotIn("No VMs", err)

    def test_pattern(self):
        for patterns, want in (
            (["--vm=WEB-*"], ["web-01"]),
            (["--vm=web"], []),
            (["--vm=db?two"], ["Db,two"]),
            (["--vm=none", "--vm=x,*-00000000ab02"], ["Db,two"]),
            (["--vm=*"], ["Db,two", "web-01"]),
        ):
            with self.subTest(patterns=patterns):
                names, err = self.names(*patterns)
                self.assertEqual(names, want)
                self.assertEqual("none of the 2 VMs matches --vm" in err, not want, err)


class Signals(cli.Cli):
    def test_end_quietly(self):
        for sig in (signal.SIGINT, signal.SIGTERM):
            process = self.start("-p", "json", "--frequency=60", "--log-level=error")
            json.loads(process.stdout.readline())
            began = time.monotonic()
            status, out, err = self.finish(process, sig)
            self.assertEqual((status, out, err), (0, "", ""), sig)
            self.assertLess(time.monotonic() - began, 3)

    def test_reader_gone_at_write(self):
        process = self.start("-p", "json", "-f0.1", "--log-level=error")
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(timeout=cli.TIMEOUT), 0)
        self.assertEqual(process.stderr.read(), "")

    def test_reader_gone_while_waiting(self):
        process = self.start("-p", "json", "-f3600", "--log-level=error")
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(timeout=5), 0)

    def test_reader_gone_before_the_first(self):
        done = subprocess.run(
            ["/bin/sh", "-c", '"$0" "$@" | :', cli.PROGRAM]
            + self.host + ["-p", "json", "-f60", "--log-level=error"],
            env=cli.environment(), capture_output=True, timeout=cli.TIMEOUT, check=False,
        )
        self.assertEqual(done.stderr, b"")

    def test_hangup_does_not_end_it(self):
        process = self.start("-p", "json", "-f0.2")
        process.stdout.readline()
        process.send_signal(signal.SIGHUP)
        for _ in range(2):
            json.loads(process.stdout.readline())
        self.assertEqual(self.finish(process)[0], 0)


class Outputs(cli.Cli):
    def path(self, name):
        directory = tempfile.TemporaryDirectory(prefix="proxtop-out-")
        self.addCleanup(directory.cleanup)
        return pathlib.Path(directory.name) / name

    def test_file_is_appended(self):
        path = self.path("log")
        path.write_text("before\n", encoding="ascii")
        for _ in range(2):
            done = self.run_program("-p", "json", "-r1", "-o", "file", f"--target={path}")
            self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        lines = path.read_text(encoding="utf-8").splitlines()
        self.assertEqual(lines[0], "before")
        self.assertEqual(len([json.loads(line) for line in lines[1:]]), 2)

    def wait_for(self, what, seconds=10):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if what():
                return
            time.sleep(0.02)
        self.fail("it did not come")

    def test_file_is_reopened(self):
        path = self.path("log")
        rotated = path.with_suffix(".1")
        process = self.start("-p", "json", "-f0.1", "-o", "file", f"--target={path}")
        self.wait_for(lambda: path.exists() and path.stat().st_size)
        path.rename(rotated)
        process.send_signal(signal.SIGHUP)
        self.wait_for(lambda: path.exists() and path.stat().st_size)
        self.assertEqual(self.finish(process)[0], 0)
        for each in (path, rotated):
            for line in each.read_text(encoding="utf-8").splitlines():
                json.loads(line)

    def openmetrics_file(self, name):
        path = self.path(name)
        done = self.run_program("-p", "openmetrics", "-r3", "-f0.1", "-o", "file",
                                f"--target={path}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(os.listdir(path.parent), [path.name])
        return path.read_text(encoding="utf-8")

    def test_openmetrics_file_is_whole(self):
        text = self.openmetrics_file("proxtop.metrics")
        self.assertEqual(text.count("# EOF\n"), 1)
        self.assertTrue(text.endswith("# EOF\n"))
        self.assertIn("# TYPE proxtop_self_cpu_seconds counter\n", text)

    def test_file_for_node_exporter(self):
        """Its textfile collector takes *.prom, and reads Prometheus' own text format alone."""
        text = self.openmetrics_file("proxtop.prom")
        self.assertNotIn("# EOF", text)
        self.assertNotIn("# UNIT", text)
        self.assertEqual(text.count("# TYPE proxtop_self_cpu_seconds_total counter\n"), 1)
        self.assertEqual(text.count("# HELP proxtop_self_cpu_seconds_total "), 1)
        types = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE ")}
        series = {line.split("{")[0].split(" ")[0] for line in text.splitlines() if line[0] != "#"}
        self.assertEqual(series - types, set(), "without a type")

    def test_file_that_cannot_be(self):
        path = self.path("no/such/directory")
        done = self.run_program("-p", "text", "-r1", "-o", "file", f"--target={path}")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn(str(path), done.stderr)
        self.assertIn("No such file or directory", done.stderr)

    def test_tcp(self):
        server = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(server.close)
        server.settimeout(10)
        port = server.getsockname()[1]
        got = []

        def serve():
            peer, _ = server.accept()
            with peer, peer.makefile("rb") as lines:
                got.extend(lines)

        thread = threading.Thread(target=serve)
        thread.start()
        done = self.run_program("-p", "json", "-r3", "-f0.1", "-o", "tcp",
                                env={"PROXTOP_TARGET": f"127.0.0.1:{port}"})
        thread.join(10)
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        self.assertEqual(len([json.loads(line) for line in got]), 3)

    def test_tcp_without_peer_goes_on(self):
        closed = socket.create_server(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        closed.close()
        began = time.monotonic()
        done = self.run_program("-p", "json", "-r3", "-f0.1", "-o", "tcp",
                                f"--target=127.0.0.1:{port}")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertLess(time.monotonic() - began, 10)
        self.assertIn(f"127.0.0.1:{port}", done.stderr)

    def test_udp(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
            server.bind(("127.0.0.1", 0))
            server.settimeout(10)
            target = f"127.0.0.1:{server.getsockname()[1]}"
            done = self.run_program("-p", "json", "-r1", "-o", "udp", f"--target={target}")
            self.assertEqual(done.returncode, 0, done.stderr)
            record = json.loads(server.recv(65536))
            self.assertTrue(re.match(r"\d{4}-\d\d-\d\dT", record["@timestamp"]))


if __name__ == "__main__":
    cli.main()
