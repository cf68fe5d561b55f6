# SPDX-License-Identifier: Apache-2.0
"""What the cluster's tests share: programs that are started and killed, and databases that
remember what they were given.

The programs are named by the environment's PROXTOP_AGENT and PROXTOP_AGGREGATOR.  All of
it is on 127.0.0.1.
"""

import base64
import collections
import concurrent.futures
import fcntl
import functools
import http.server
import itertools
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest
import urllib.error
import urllib.request

import line_server

AGENT = os.environ.get("PROXTOP_AGENT", "build/bin/proxtop-agent")
AGGREGATOR = os.environ.get("PROXTOP_AGGREGATOR", "build/bin/proxtop-aggregator")
TIMEOUT = 30

PROC = {
    "stat": "cpu  100 0 100 1000 0 0 0 0 0 0\ncpu0 100 0 100 1000 0 0 0 0 0 0\nbtime 1700000000\n",
    "meminfo": "MemTotal:        8000000 kB\nMemFree:         4000000 kB\nMemAvailable:    6000000 kB\n",
    "cpuinfo": "processor\t: 0\ncpu MHz\t\t: 2000.000\n\n",
    "uptime": "1000.00 2000.00\n",
    "diskstats": "   8       0 sda 10 0 80 10 10 0 80 10 0 20 20 0 0 0 0 0 0\n",
    "1/net/dev": "Inter-|   Receive                                                |  Transmit\n"
    " face |bytes    packets errs drop fifo frame compressed multicast|"
    "bytes    packets errs drop fifo colls carrier compressed\n"
    "  eth0: 1000 10 0 0 0 0 0 0 2000 20 0 0 0 0 0 0\n",
    "pressure/cpu": "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n",
    "sys/kernel/random/boot_id": "11111111-2222-4333-8444-555555555555\n",
    "sys/kernel/hostname": "fakehost\n",
}


def fake_host(root, interfaces=0):
    """A host of a few files and without VMs below root; the options that show it.  Its samples
    grow by some 40 bytes with each further interface."""
    root = pathlib.Path(root)
    names = ["fat%d" % i for i in range(interfaces)]
    for name, text in PROC.items():
        path = root / "proc" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("sys/class/net", "sys/block", "root/etc/pve/qemu-server", "root/run",
                 "root/var/run/qemu-server"):
        (root / name).mkdir(parents=True)
    with open(root / "proc/1/net/dev", "a") as f:
        for i, name in enumerate(names):
            f.write("  %s: %d 1 0 0 0 0 0 0 %d 2 0 0 0 0 0 0\n" % (name, i * 10**7, i * 10**8))
    netdev = ["--netdev=" + ",".join(names)] if names else []
    return [f"--procfs={root}/proc", f"--sysfs={root}/sys", f"--rootfs={root}/root", "--proxmox",
            *netdev]


def fake_vm(root, uuid, run_ns=0, vmid=100, pid=4711):
    """A VM of one vCPU on the fake host, as Proxmox VE has it; without a QMP socket."""
    root = pathlib.Path(root)
    process = root / "proc" / str(pid)
    stat = ("%d (%s) S 1 2 3 0 -1 4 5 6 7 8 9 %d 0 12 13 20 0 2 0 900 1000 100 18446744073709551615 "
            "1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n")
    for tid, comm in ((pid, "kvm"), (pid + 1, "CPU 0/KVM")):
        task = process / "task" / str(tid)
        task.mkdir(parents=True)
        (task / "stat").write_text(stat % (tid, comm, run_ns // 10**7))
        (task / "comm").write_text(comm + "\n")
        (task / "schedstat").write_text("%d 0 1\n" % run_ns)
    (process / "cmdline").write_text(
        "\0".join(["/usr/bin/kvm", "-id", str(vmid), "-name", "web,debug-threads=on", "-smbios",
                   "type=1,uuid=" + uuid, "-smp", "1", "-m", "1024", ""]))
    (process / "schedstat").write_text("%d 0 1\n" % run_ns)
    (process / "stat").write_text(stat % (pid, "kvm", run_ns // 10**7))
    (root / "root/etc/pve/qemu-server/100.conf").write_text("name: web\ncores: 1\nmemory: 1024\n")
    (root / "root/var/run/qemu-server/100.pid").write_text("%d\n" % pid)


def end_fake_vm(root, pid=4711):
    root = pathlib.Path(root)
    for name in ("root/etc/pve/qemu-server/100.conf", "root/var/run/qemu-server/100.pid"):
        (root / name).unlink()
    shutil.rmtree(root / "proc" / str(pid))


def own_ports(first=12000, each=500, slots=40):
    """Ports for this process alone, below those that the kernel takes for outgoing connections:
    the lock is held as long as it lives."""
    for slot in range(slots):
        lock = open(pathlib.Path(tempfile.gettempdir()) / ("proxtop-test-ports.%d" % slot), "a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            lock.close()
            continue
        return lock, itertools.cycle(range(first + slot * each, first + (slot + 1) * each))
    raise OSError("%d tests at once" % slots)


@functools.cache
def ports():
    return own_ports()


def free_port():
    """A port that nobody listens on now, and that is not given again soon."""
    for port in itertools.islice(ports()[1], 500):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise OSError("no free port")


def wait_for(what, seconds=TIMEOUT, step=0.05):
    """The first true answer of what(), or the last one when time is over."""
    until = time.monotonic() + seconds
    while True:
        answer = what()
        if answer or time.monotonic() > until:
            return answer
        time.sleep(step)


def write_key(path, *keys):
    """A key file for --key-file."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as f:
        f.write("".join(base64.b64encode(k).decode() + "\n" for k in keys))
    return path


class Program:
    """A program of ours that runs; its messages are in .log (a path)."""

    def __init__(self, command, log, env=None):
        clean = {k: v for k, v in os.environ.items() if not k.startswith("PROXTOP")}
        clean.update(env or {})
        self.command = [str(c) for c in command]
        self.log = log
        with open(log, "ab") as f:
            self.process = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=f, stderr=f, env=clean
            )

    def messages(self):
        return pathlib.Path(self.log).read_text(encoding="utf-8", errors="replace")

    def kill(self):
        """kill -9"""
        self.process.kill()
        self.process.wait()

    def terminate(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.send_signal(signal.SIGTERM)

    def stop(self, seconds=TIMEOUT):
        """SIGTERM, as systemd would; returns the exit status."""
        self.terminate()
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return "did not end within %d s" % seconds


class Records:
    """What a database was given: how often each (host, epoch, sequence), and in which order."""

    def __init__(self):
        self.lock = threading.Lock()
        self.count = collections.Counter()
        self.text = {}
        self.order = collections.defaultdict(list)  # (host, epoch) -> sequences
        self.differing = []
        self.when = {}

    def take(self, line):
        record = json.loads(line)
        stream = (record["host_id"], record["epoch"])
        key = stream + (record["seq"],)
        with self.lock:
            self.count[key] += 1
            # The first sample after a restart has no rates: what was measured is the same.
            if self.text.setdefault(key, record["@timestamp"]) != record["@timestamp"]:
                self.differing.append(key)
            self.order[stream].append(record["seq"])
            self.when.setdefault(key, time.time())

    def streams(self):
        with self.lock:
            return {stream: sorted(set(order)) for stream, order in self.order.items()}

    def sequences(self, host, epoch=None):
        """Of all epochs of the host, or of one."""
        with self.lock:
            return sorted(
                k[2] for k in self.count if k[0] == host and (epoch is None or k[1] == epoch)
            )

    def last(self, host):
        return max(self.sequences(host), default=0)

    def repeated(self):
        with self.lock:
            return sum(n - 1 for n in self.count.values())


class TcpSink(line_server.LineServer, Records):
    """Reads lines of JSON from whoever connects."""

    def __init__(self, port=0, reads=True):
        Records.__init__(self)
        line_server.LineServer.__init__(self, socket.create_server(("127.0.0.1", port)),
                                        sizes=(1 << 20,) if reads else ())

    def take(self, line):
        Records.take(self, line)


class HttpSink(Records):
    """Takes lines of JSON by POST; what it has answered 2xx to it has.  tls: an SSLContext."""

    def __init__(self, port=0, tls=None):
        super().__init__()
        self.authorizations = set()
        self.status = 204  # what it answers
        self.failures = 0
        self.open = []
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self):
                super().setup()
                sink.open.append(self.connection)

            def do_POST(self):
                length = self.headers.get("Content-Length")
                body = self.rfile.read(int(length))
                sink.authorizations.add(self.headers.get("Authorization"))
                if sink.status < 300:
                    for line in body.splitlines():
                        sink.take(line)
                else:
                    sink.failures += 1
                self.send_response(sink.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request, client_address):
                pass  # the writer was killed

        self.server = Server(("127.0.0.1", port), Handler)
        self.port = self.server.server_address[1]
        if tls:
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()
        line_server.shut(self.open)


class Cluster(unittest.TestCase):
    """A test with a directory of its own, whose programs end with it."""

    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="proxtop-cluster-")
        self.top = pathlib.Path(self.directory.name)
        self.host = fake_host(self.top / "host")
        self.programs, self.sinks = [], []
        self.uplink, self.http = free_port(), free_port()
        self.failed_before = self.failures()

    def failures(self):
        outcome = getattr(self, "_outcome", None)
        result = getattr(outcome, "result", None)
        return len(result.failures) + len(result.errors) if result else 0

    def tearDown(self):
        self.stop_all()
        for s in self.sinks:
            s.close()
        crashed = [p for p in self.programs if p.process.returncode not in (0, 2, 1, -9)]
        errors = getattr(self._outcome, "errors", None)
        failed = any(e for _, e in errors) if errors else self.failures() > self.failed_before
        if crashed or failed:
            for log in sorted({p.log for p in self.programs}):
                text = pathlib.Path(log).read_text(encoding="utf-8", errors="replace")
                print("---- %s\n%s" % (log, text[-4000:]), file=sys.stderr)
        self.directory.cleanup()
        for p in crashed:
            self.fail("%s ended with %s" % (" ".join(p.command), p.process.returncode))

    def stop_all(self):
        """Agents first: while there is an aggregator they end at once; all together."""
        centres = [p for p in self.programs if p.command[0] == AGGREGATOR]
        agents = [p for p in self.programs if p.command[0] != AGGREGATOR]
        for some in (agents, centres):
            for p in some:
                p.terminate()
            for p in some:
                p.stop(10)

    def start(self, name, command, env=None):
        p = Program(command, self.top / (name + ".log"), env)
        self.programs.append(p)
        return p

    def sink(self, kind=TcpSink, **how):
        s = kind(**how)
        self.sinks.append(s)
        return s

    def agent(self, name, *options, host_id=None, interval=0.1, env=None):
        return self.start(
            name,
            [AGENT, *self.host, f"--host-id={host_id or name}", f"--host-name={name}",
             f"--frequency={interval}", "--feed=none",
             *([] if any(o.startswith("--aggregator") for o in options)
               else [f"--aggregator=tcp://127.0.0.1:{self.uplink}"]), *options],
            env,
        )

    def aggregator(self, *options, name="aggregator", env=None, ready=True):
        p = self.start(
            name,
            [AGGREGATOR, f"--listen=tcp://127.0.0.1:{self.uplink}", "--feed=none",
             f"--http=127.0.0.1:{self.http}", *options],
            env,
        )
        if ready:
            if not wait_for(lambda: self.get("/readyz")[0] == 200 or p.process.poll() is not None):
                self.fail("not ready:\n" + p.messages())
        return p

    def get(self, path, **headers):
        """Status and text; status 0: no answer.  Metrics as OpenMetrics unless told otherwise."""
        headers.setdefault("Accept", "application/openmetrics-text")
        request = urllib.request.Request(f"http://127.0.0.1:{self.http}{path}", headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as e:
            return e.code, e.read().decode()
        except (urllib.error.URLError, OSError):
            return 0, ""

    def state(self):
        """/hosts as an object; .hosts by id."""
        status, text = self.get("/hosts")
        self.assertEqual(status, 200)
        state = json.loads(text)
        state["by_id"] = {h["host_id"]: h for h in state["hosts"]}
        return state

    def host_state(self, host_id):
        return self.state()["by_id"].get(host_id, {})

    def drained(self, *host_ids):
        """Waits until what the hosts' agents have by now is committed."""
        def have():
            hosts = self.state()["by_id"]
            return {i: hosts[i]["committed"] + hosts[i]["behind"] for i in host_ids if i in hosts}

        def done():
            hosts = self.state()["by_id"]
            return all(hosts[i]["committed"] >= goal[i] for i in host_ids)
        self.assertTrue(wait_for(lambda: len(have()) == len(host_ids)), "a host is not known")
        goal = have()
        self.assertTrue(wait_for(done), "not committed: %s" % self.state()["hosts"])

    def assert_whole(self, records, host_id, least):
        """Of each epoch of the host, every sequence from 1 to the last; least in all."""
        total = 0
        for (host, epoch), got in records.streams().items():
            if host != host_id:
                continue
            missing = sorted(set(range(1, got[-1] + 1)) - set(got))
            self.assertEqual(missing, [], "%s, epoch %s: missing" % (host, epoch))
            total += len(got)
        self.assertGreaterEqual(total, least, host_id)
        self.assertEqual(records.differing, [])


def names_of(suite):
    for t in suite:
        if isinstance(t, unittest.TestSuite):
            yield from names_of(t)
        else:
            yield t.id().split(".", 1)[1]


def run_one(name):
    """One test in a process of its own: its exit status."""
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-B", sys.argv[0], name], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
    )
    print("%s\n%s: %.1f s" % (done.stdout.strip(), name, time.monotonic() - began), flush=True)
    return done.returncode


def main():
    """The tests that are named; else all, several at once: they mostly wait."""
    if len(sys.argv) > 1:
        unittest.main(verbosity=2)
    names = list(names_of(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    with concurrent.futures.ThreadPoolExecutor(int(os.environ.get("PROXTOP_TEST_JOBS", "4"))) as pool:
        bad = [n for n, r in zip(names, pool.map(run_one, names)) if r]
    print("%d of %d tests failed%s" % (len(bad), len(names), "".join("\n  " + n for n in bad)))
    sys.exit(1 if bad or not names else 0)
