#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What proxtop-aggregator costs, and how much it can take, against a fleet of make-believe hosts.

Aggregator and floor (receive, unseal, decode; nothing else) take turns with the same fleet,
with a key and without; then the hosts become more until it breaks; then how long a sample
takes to a tcp sink.  See README.md.
"""
import argparse
import datetime
import json
import os
import re
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from fakehost import cpu_ns, find, status_kib

HERE = os.path.dirname(os.path.abspath(__file__))
HISTORY_S = 10
failures = []


def check(what, ok):
    if not ok:
        failures.append(what)


class Sink(threading.Thread):
    """A tcp server that reads and forgets.  With look() each line (of it the most bytes that
    are wanted) is handed to it, with the time at which its last byte was there."""

    def __init__(self, look=None, most=1 << 30):
        super().__init__(daemon=True)
        self.look = look
        self.most = most
        self.bytes = 0
        self.ended = threading.Event()  # a connection has come and gone
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with connection:
                self.read(connection)
            self.ended.set()

    def read(self, connection):
        room = bytearray(1 << 20)
        line = b""
        while True:
            n = connection.recv_into(room)
            if not n:
                return
            self.bytes += n
            if not self.look:
                continue
            now = time.time()
            at = 0
            while at < n:
                end = room.find(b"\n", at, n)
                stop = n if end < 0 else end
                line += room[at:min(stop, at + self.most - len(line))]
                if end < 0:
                    break
                self.look(line, now)
                line = b""
                at = end + 1

    def finish(self):
        """All that was sent is read.  For another connection, if there will be one."""
        check("the sink: nobody came, or stayed", self.ended.wait(20))
        self.ended.clear()

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


class Receiver:
    """The aggregator or the floor, until the block ends."""

    def __init__(self, args, kind, key, outputs, memory, more=()):
        self.kind = kind
        self.log = tempfile.TemporaryFile("w+")
        key = [f"--key-file={args.key_file}"] if key else []
        if kind == "floor":
            command = [args.floor, *key]
        else:
            command = [args.aggregator, "--listen=tcp://127.0.0.1:0", "--feed=tcp://127.0.0.1:0",
                       "--http=127.0.0.1:0", f"--history={HISTORY_S}s", "--max-hosts=20000",
                       f"--history-memory={memory}M", *key, *(f"--output={o}" for o in outputs),
                       *more]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=self.log)
        self.pid = self.process.pid
        self.port = self.wait_for_port()

    def text(self):
        self.log.seek(0)
        return self.log.read()

    def wait_for_port(self):
        until = time.monotonic() + 20
        while time.monotonic() < until and self.process.poll() is None:
            found = re.search(r"listens at \S+:(\d+);|port=(\d+)", self.text())
            if found:
                return found.group(1) or found.group(2)
            time.sleep(0.02)
        raise RuntimeError(f"{self.kind} does not listen: {self.text()}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        status = self.process.wait()
        check(f"{self.kind} ended with {status}: {self.text()[-500:]}", status == 0)
        self.log.close()
        return False


def fields(line):
    words = dict(word.split("=") for word in line.split()[1:])
    return {k: float(v) for k, v in words.items()}


def run_fleet(args, receiver, key, **options):
    """Returns what it said, and what the receiver cost in the window that is measured."""
    command = [args.fleet, f"tcp://127.0.0.1:{receiver.port}"]
    command += [f"--{name.replace('_', '-')}={value}" for name, value in options.items()]
    command += [f"--key-file={args.key_file}"] if key else []
    said = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as p:
        for line in p.stdout:
            name = line.split(" ", 1)[0]
            if name == "error":
                said["error"] = line[6:].strip()
                continue
            said[name] = fields(line)
            said[name]["cpu_ns"] = cpu_ns(receiver.pid)
            said[name]["rss_anon"] = status_kib(receiver.pid, "RssAnon")
    if p.returncode:
        raise RuntimeError(f"{' '.join(command)}: ended with {p.returncode}")
    return digest(said)


def digest(said):
    begin, end, drained, fleet = (said[k] for k in ("begin", "end", "drained", "fleet"))
    samples = end["received"] - begin["received"]
    seconds = end["at"] - begin["at"]
    values = samples * fleet["values"]
    return {
        "hosts": int(fleet["hosts"]), "frame": fleet["frame"], "facts": fleet,
        "wanted": end["made"] - begin["made"], "samples": samples, "seconds": seconds,
        "values_s": values / seconds, "bytes_s": (end["bytes"] - begin["bytes"]) / seconds,
        "ns": (end["cpu_ns"] - begin["cpu_ns"]) / values if values else float("nan"),
        "cpu": (end["cpu_ns"] - begin["cpu_ns"]) / 1e9 / seconds,
        "fleet_cpu": (end["cpu"] - begin["cpu"]) / seconds,
        "rss": end["rss_anon"] * 1024, "behind": end["behind"], "left": drained["behind"],
        "lost": drained["lost"], "failed": drained["failures"], "delays": said["delays"],
        "error": said.get("error"), "made": drained["made"],
    }


def keeps_up(r):
    """What was made in the window was taken in it, at most half an interval late, and nothing
    was left or lost in the end."""
    return (r["samples"] >= r["wanted"] - r["hosts"] * 0.5 and r["behind"] <= r["hosts"] * 0.5
            and r["left"] == 0 and r["lost"] == 0 and not r["error"]
            and r["delays"]["received_p50"] < 250)


def memory_mib(hosts, args):
    """More than what is kept."""
    return int(hosts * args.vms * args.values * 9 * (HISTORY_S + 4) / 1e6) + 256


def measure(args, kind, hosts, key, seconds, warm=None, vms=None, more=()):
    sink = Sink()
    outputs = [f"json-vm+tcp://127.0.0.1:{sink.port}?interval=10s"]
    with Receiver(args, kind, key, outputs, memory_mib(hosts, args), more) as receiver:
        r = run_fleet(args, receiver, key, hosts=hosts, vms=args.vms if vms is None else vms,
                      values=args.values, seconds=seconds, warm=args.warm if warm is None else warm,
                      threads=args.threads)
    if kind == "aggregator":
        sink.finish()
    sink.close()
    r["sunk"] = sink.bytes
    return r


def line(what, r):
    d = r["delays"]
    print(f"  {what:28} {r['values_s'] / 1e6:6.2f} M values/s, {r['bytes_s'] / 1e6:6.1f} MB/s; "
          f"CPU {r['cpu']:.3f} s/s = {r['ns']:5.1f} ns a value; fleet {r['fleet_cpu']:.3f} s/s; "
          f"taken after {d['received_p50']:.1f}/{d['received_p99']:.1f} ms (p50/p99); "
          f"behind {r['behind']:.0f}, after the end {r['left']:.0f}; lost {r['lost']:.0f}"
          + (f"; {r['error']}" if r["error"] else ""))
    sys.stdout.flush()


def report_ratio(args):
    """Floor and aggregator by turns."""
    kinds = [(kind, key) for key in (False, True) for kind in ("floor", "aggregator")]
    runs = {k: [] for k in kinds}
    print(f"\n{args.hosts} hosts, {args.vms} VMs each, {args.values} values a VM, a sample a second, "
          f"json-vm to a tcp sink every 10 s")
    for n in range(args.rounds):
        for kind, key in kinds:
            r = measure(args, kind, args.hosts, key, args.seconds)
            runs[kind, key].append(r)
            line(f"{kind}{', sealed' if key else ''}", r)
            check(f"{kind}, round {n + 1}: does not keep up", keeps_up(r))
    facts = runs["floor", False][0]["facts"]
    print(f"  a sample: {facts['values']:.0f} values, {facts['frame']:.0f} bytes; from one to the "
          f"next {facts['changed_columns'] * 100:.0f} % of the columns and "
          f"{facts['changed_values'] * 100:.0f} % of the values differ")
    check("less than half of the columns change", facts["changed_columns"] >= 0.5)
    ratios = [a["ns"] / f["ns"] for key in (False, True)
              for a, f in zip(runs["aggregator", key], runs["floor", key])]
    mean = {k: statistics.mean(r["ns"] for r in runs[k]) for k in kinds}
    print(f"  ratio to the floor, each round: {', '.join(f'{x:.2f}' for x in ratios)} "
          f"(at most 3 is wanted)")
    print(f"  sealing adds {mean['floor', True] - mean['floor', False]:.2f} ns a value to the floor, "
          f"{mean['aggregator', True] - mean['aggregator', False]:.2f} to the aggregator")
    report_memory(runs["aggregator", False][-1])
    return max(ratios)


def report_memory(r):
    received = r["hosts"] * r["frame"] * (2 + HISTORY_S)
    print(f"  memory: {r['rss'] / 1e6:.0f} MB anonymous; two samples a host and {HISTORY_S} s of "
          f"history as received are {received / 1e6:.0f} MB: {r['rss'] / received:.2f} "
          "(at most 1.5 is wanted)")


def report_break(args):
    print("\nmore hosts until it breaks")
    hosts, best = args.hosts, None
    while hosts <= args.most_hosts:
        r = measure(args, "aggregator", hosts, False, args.seconds, warm=args.warm + 5)
        line(f"{hosts} hosts", r)
        if not keeps_up(r):
            break
        best = hosts
        hosts = int(hosts * args.step)
    print(f"  {best} hosts are kept up with" + (f", {hosts} are not" if hosts <= args.most_hosts
                                               else "; more were not tried"))


def report_profiles(args):
    """With profiles of all VMs and without, by turns: who receives must not wait for who counts,
    nor for who writes."""
    print(f"\nprofiles of {args.hosts * args.vms} VMs, 5 values each, a sample a second, all of "
          f"them written every 5 s to a directory and to a tcp sink")
    taken = {False: [], True: []}
    for n in range(args.rounds):
        for on in (False, True):
            sink = Sink()
            with tempfile.TemporaryDirectory(prefix="bench-profiles-") as directory:
                more = ["--profile=cpu,net,io,disk,mem", "--profile-freq=5s",
                        f"--profile-dir={directory}/kept",
                        f"--profile-output=json+tcp://127.0.0.1:{sink.port}"] if on else []
                r = measure(args, "aggregator", args.hosts, False, args.seconds, more=more)
                kept = sum(e.stat().st_size for e in os.scandir(directory + "/kept")) if on else 0
            sink.close()
            line("with profiles" if on else "without", r)
            if on:
                print(f"    {kept / 1e6:.0f} MB kept, {sink.bytes / 1e6:.0f} MB told, "
                      f"{r['rss'] / 1e6:.0f} MB anonymous")
                check("profiles: nothing was kept, or told", kept and sink.bytes)
            check(f"profiles {on}, round {n + 1}: samples are missing",
                  r["left"] == 0 and r["lost"] == 0 and not r["error"])
            taken[on].append(r["delays"])
    for name in ("received_p50", "received_p99"):
        without, having = (statistics.median(d[name] for d in taken[on]) for on in (False, True))
        print(f"  taken after ({name[-3:]}): {without:.1f} ms without, {having:.1f} ms with: "
              f"{having / without:.2f}")


TIMESTAMP = re.compile(rb'"@timestamp":"([^"]+)"')
TIMESTAMP_WITHIN = 200


def sample_time(text):
    stamp = TIMESTAMP.search(text, 0, TIMESTAMP_WITHIN).group(1).decode().replace("Z", "+00:00")
    return datetime.datetime.fromisoformat(stamp).timestamp()


def percentile(values, part):
    return sorted(values)[min(len(values) - 1, int(part * len(values)))]


def report_latency(args, hosts, spread):
    """As with hosts of their own: requests are made before they are due, and none waits for
    another one's answer."""
    seen = []
    sink = Sink(lambda text, now: seen.append((text, now)), TIMESTAMP_WITHIN)
    outputs = [f"json+tcp://127.0.0.1:{sink.port}"]
    with Receiver(args, "aggregator", False, outputs, memory_mib(hosts, args)) as receiver:
        r = run_fleet(args, receiver, False, hosts=hosts, vms=args.vms, values=args.values,
                      seconds=args.seconds, warm=2, spread=spread, threads=min(hosts, 256),
                      ahead=400)
    sink.finish()
    sink.close()
    check("latency: samples are missing at the sink", len(seen) >= r["made"])
    # The first come while hosts still connect.
    delays = [(now - sample_time(text)) * 1000 for text, now in seen[2 * hosts:]]
    p99 = percentile(delays, 0.99)
    how = "spread over the second" if spread else "all at the same instant"
    print(f"\nfrom sample to the last byte of its json at a tcp sink, {hosts} hosts, {how}, "
          f"{sink.bytes / r['made'] / 1000:.0f} KB each: p50 {statistics.median(delays):.1f}, "
          f"p99 {p99:.1f}, most {max(delays):.1f} ms of {len(delays)}"
          f" (p99 below 50 wanted); the fleet itself is {r['delays']['late_p99']:.1f} ms late, "
          f"a request is answered after {r['delays']['asked_p99']:.1f} ms (p99)")
    sys.stdout.flush()
    return p99


def check_once(args):
    """Small and quick: does all this work, and does each sample arrive once?"""
    seen = []
    sink = Sink(lambda text, now: seen.append((text, now)))
    outputs = [f"json+tcp://127.0.0.1:{sink.port}"]
    options = {"hosts": 20, "vms": 3, "values": 60, "interval": 100, "seconds": 1, "warm": 0,
               "threads": 4}
    for key in (False, True):
        del seen[:]
        with Receiver(args, "aggregator", key, outputs, 64) as receiver:
            r = run_fleet(args, receiver, key, **options)
        sink.finish()
        got = [(e["host_id"], e["seq"], len(e["domains"])) for e in (json.loads(t) for t, _ in seen)]
        wanted = [("f1ee7%027d" % h, q, 3) for h in range(20) for q in range(1, 11)]
        check(f"the sink has {len(got)} samples, not each of {len(wanted)} once",
              sorted(got) == wanted)
        check(f"a VM has {r['facts']['vm_values']:.0f} values", r["facts"]["vm_values"] == 60)
        with Receiver(args, "floor", key, [], 64) as receiver:
            f = run_fleet(args, receiver, key, **options)
        for kind, x in (("aggregator", r), ("floor", f)):
            check(f"{kind}: {x['left']:.0f} samples are not committed, {x['lost']:.0f} lost, "
                  f"{x['failed']:.0f} requests failed, {x['error']}",
                  x["made"] == 200 and not x["left"] and not x["lost"] and not x["error"])
            check(f"{kind}: costs nothing", x["ns"] > 0)
    sink.close()


def machine():
    with open("/proc/cpuinfo") as f:
        model = next((x.split(":", 1)[1].strip() for x in f if x.startswith("model name")), "?")
    print(f"{model}, {os.cpu_count()} CPUs, Linux {os.uname().release}, "
          f"load {os.getloadavg()[0]:.2f} at the start, {time.strftime('%Y-%m-%d')}")
    sys.stdout.flush()


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", default=os.path.join(HERE, "../../build"))
    p.add_argument("--hosts", type=int, default=1000)
    p.add_argument("--vms", type=int, default=100)
    p.add_argument("--values", type=int, default=60, help="of each VM (60)")
    p.add_argument("--seconds", type=int, default=20, help="measured in each run (20)")
    p.add_argument("--warm", type=int, default=5, help="before that (5)")
    p.add_argument("--rounds", type=int, default=2, help="of floor and aggregator (2)")
    p.add_argument("--threads", type=int, default=16, help="of the fleet (16)")
    p.add_argument("--step", type=float, default=1.5, help="so many times more hosts (1.5)")
    p.add_argument("--most-hosts", type=int, default=15000)
    p.add_argument("--latency-hosts", type=int, default=100)
    p.add_argument("--only", default="ratio,profiles,break,latency", help="what is measured")
    p.add_argument("--check", action="store_true", help="a few seconds: does it work?")
    args = p.parse_args()
    args.fleet = find(args.build, "bench/fleet")
    args.floor = find(args.build, "bench/fleet_floor")
    args.aggregator = find(args.build, "bin/proxtop-aggregator")
    args.proxtop = find(args.build, "bin/proxtop")
    return args


def run(args):
    only = args.only.split(",")
    if args.check:
        check_once(args)
        return
    machine()
    if "ratio" in only:
        check("CPU per value is more than 3 times the floor's", report_ratio(args) <= 3)
    if "profiles" in only:
        report_profiles(args)
    if "break" in only:
        report_break(args)
    if "latency" in only:
        for spread in (100, 0):
            check("p99 from sample to sink is not below 50 ms",
                  report_latency(args, args.latency_hosts, spread) < 50)


def main():
    args = parse()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        args.key_file = os.path.join(directory, "key")
        with open(os.open(args.key_file, os.O_WRONLY | os.O_CREAT, 0o600), "w") as f:
            subprocess.run([args.proxtop, "--generate-key"], check=True, stdout=f)
        run(args)
    for what in failures:
        print(f"FAILED: {what}")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
