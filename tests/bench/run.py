#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a cycle of proxtop costs, against the floor, on hosts of 10, 100 and 300 VMs.

Everything happens in PID, mount and network namespaces of its own.  Floor and program take
turns on the same host, so that a busy machine disturbs both alike.  See README.md.
"""
import argparse
import datetime
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import threading
import time

from fakehost import FakeHost, cpu_ns, enter_namespaces, find, status_kib

START_S = 8  # of the program's start that are not measured
HERE = os.path.dirname(os.path.abspath(__file__))


def command(args, host, runs, target="/dev/null"):
    return [args.proxtop, "--proxmox", f"--rootfs={host.dir}", "--printer=json", "--verbose",
            "--frequency=1", f"--runs={runs}", "--output=file", f"--target={target}"]


def run_floor(args, host):
    options = [f"--qmp-every={args.qmp_every}"] + (["--cgroups"] if args.cgroups else [])
    line = subprocess.run([args.floor, host.dir, str(args.cycles), *options], check=True,
                          stdout=subprocess.PIPE, text=True).stdout
    values = dict(word.split("=") for word in line.split())
    if int(values["vms"]) != host.n:
        raise RuntimeError(f"floor saw {values['vms']} of {host.n} VMs")
    return {k: float(v) for k, v in values.items()}


def thread_us(pid):
    """us of CPU of each thread there is, by name and thread ID."""
    times = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        try:
            with open(f"/proc/{pid}/task/{tid}/comm") as f:
                name = f.read().strip()
            with open(f"/proc/{pid}/task/{tid}/schedstat") as f:
                times[name, tid] = int(f.read().split()[0]) / 1000
        except FileNotFoundError:
            pass
    return times


def run_proxtop(args, host):
    """us of CPU in each second, and what the monitors saw in the same time."""
    p = subprocess.Popen(command(args, host, START_S + args.cycles + 30))
    try:
        start = time.monotonic() + START_S
        clock, asked, threads = [], [], None
        for n in range(args.cycles + 1):
            time.sleep(max(0, start + n - time.monotonic()))
            if p.poll() is not None:
                raise RuntimeError(f"proxtop ended with {p.returncode}")
            clock.append(cpu_ns(p.pid))
            asked.append(host.counters())
            threads = threads or thread_us(p.pid)
        return {
            "us": [(b - a) / 1000 for a, b in zip(clock, clock[1:])],
            "asked": [(b - a) / args.cycles for a, b in zip(asked[0], asked[-1])],
            "rss_anon": status_kib(p.pid, "RssAnon"),
            "threads": [(key[0], (us - threads.get(key, 0)) / args.cycles)
                        for key, us in thread_us(p.pid).items()],
            "start_us": clock[0] / 1000,
        }
    finally:
        p.terminate()
        p.wait()


def json_lines(args, host, runs, stderr=None):
    """What the program printed, and whether all VMs are in it."""
    target = host.dir + "/out.json"
    try:
        subprocess.run(command(args, host, runs, target), check=True, stderr=stderr)
        with open(target) as f:
            lines = [json.loads(line) for line in f]
    finally:
        if os.path.exists(target):
            os.unlink(target)
    if len(lines) != runs or len(lines[-1]["domains"]) != host.n:
        raise RuntimeError(f"{len(lines)} lines of {runs}, "
                           f"{len(lines[-1]['domains']) if lines else 0} VMs of {host.n}")
    return lines


def system_calls(args, host):
    """System calls per cycle, and the most frequent ones; by two runs, so without the start."""
    def count(runs):
        path = host.dir + "/strace"
        subprocess.run(["strace", "-f", "-c", "-o", path] + command(args, host, runs), check=True)
        calls = {}
        with open(path) as f:
            for line in f:
                words = line.split()
                if len(words) >= 5 and words[3].isdigit() and words[-1] != "total":
                    calls[words[-1]] = int(words[3])
        os.unlink(path)
        return calls

    few, many = count(5), count(15)
    each = {name: (n - few.get(name, 0)) / 10 for name, n in many.items()}
    return sum(each.values()), sorted(each.items(), key=lambda item: -item[1])[:6]


def lateness_ms(lines):
    """How late the cycles start, against the earliest one; the first two are the start."""
    times = [datetime.datetime.fromisoformat(line["@timestamp"].replace("Z", "+00:00"))
             for line in lines[2:]]
    offset = [(t - times[0]).total_seconds() * 1000 - 1000 * i for i, t in enumerate(times)]
    return [o - min(offset) for o in offset]


def measure(args, n):
    options = list(args.options)
    with FakeHost(args.fakevms, n, options) as host:
        json_lines(args, host, 2)
        floors, runs = [], []
        for _ in range(args.rounds):
            floors.append(run_floor(args, host))
            runs.append(run_proxtop(args, host))
        calls = system_calls(args, host) if args.strace else None
    us = [v for r in runs for v in r["us"]]
    return {
        "n": n, "floors": floors, "runs": runs, "calls": calls, "us": us,
        "floor_mean": statistics.mean(f["mean_us"] for f in floors),
        "floor_median": statistics.median(f["median_us"] for f in floors),
        "mean": statistics.mean(us), "median": statistics.median(us),
        "rss_anon": max(r["rss_anon"] for r in runs),
    }


def report(args, r):
    n, first = r["n"], r["runs"][0]
    ratios = [statistics.mean(p["us"]) / f["mean_us"] for f, p in zip(r["floors"], r["runs"])]
    print(f"\n{n} VMs, {r['floors'][0]['threads']:.0f} threads; the program has "
          f"{len(first['threads'])} threads, its first {START_S} s cost "
          f"{first['start_us'] / 1000:.0f} ms")
    print(f"  floor   mean {r['floor_mean'] / 1000:7.2f}  median {r['floor_median'] / 1000:7.2f} "
          "ms a cycle; of it "
          + ", ".join(f"{part} {r['floors'][0][part + '_us'] / 1000:.2f}"
                      for part in ("threads", "processes", "host", "cgroups", "qmp")))
    print(f"  proxtop mean {r['mean'] / 1000:7.2f}  median {r['median'] / 1000:7.2f} ms a cycle; "
          f"least {min(r['us']) / 1000:.2f}, most {max(r['us']) / 1000:.2f}")
    print("  of it threads: " + ", ".join(f"{name} {us / 1000:.2f}" for name, us in first["threads"]))
    print(f"  ratio of each round's means: {', '.join(f'{x:.2f}' for x in ratios)}; "
          f"of the medians {r['median'] / r['floor_median']:.2f}")
    print(f"  QMP: floor {r['floors'][0]['exchanges']:.1f} exchanges a cycle; proxtop "
          f"{first['asked'][0]:.1f} with {first['asked'][1]:.1f} requests, "
          f"{first['asked'][2]:.0f} bytes")
    if r["floors"][0]["failed"]:
        print(f"  floor: {r['floors'][0]['failed']:.0f} exchanges failed")
    if r["calls"]:
        print(f"  system calls a cycle: {r['calls'][0]:.0f} ("
              + ", ".join(f"{name} {count:.0f}" for name, count in r["calls"][1])
              + f"); floor reads {r['floors'][0]['calls']:.0f} times")
    sys.stdout.flush()


def table(results):
    print("\n| VMs | floor, ms a cycle | proxtop, ms a cycle | ratio of means | of medians "
          "| proxtop, us a VM | RssAnon, KiB |\n|---|---|---|---|---|---|---|")
    for r in results:
        print(f"| {r['n']} | {r['floor_mean'] / 1000:.2f} | {r['mean'] / 1000:.2f} "
              f"| {r['mean'] / r['floor_mean']:.2f} | {r['median'] / r['floor_median']:.2f} "
              f"| {r['mean'] / r['n']:.0f} | {r['rss_anon']} |")
    for a, b in zip(results, results[1:]):
        per_vm = (b["mean"] - a["mean"]) / (b["n"] - a["n"])
        floor = (b["floor_mean"] - a["floor_mean"]) / (b["n"] - a["n"])
        print(f"each VM more, from {a['n']} to {b['n']}: proxtop {per_vm:.1f} us, "
              f"floor {floor:.1f} us")


class Sleeper(threading.Thread):
    """Sleeps ten times a second and notes how late it wakes up: what the machine itself costs."""

    def __init__(self):
        super().__init__(daemon=True)
        self.late_ms = []
        self.over = threading.Event()

    def run(self):
        start, n = time.monotonic(), 0
        while not self.over.is_set():
            n += 1
            time.sleep(max(0, start + n / 10 - time.monotonic()))
            self.late_ms.append((time.monotonic() - start - n / 10) * 1000)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.join()
        return False


def report_lateness(args, n, silent):
    options = list(args.options) + [f"--silent={silent}"]
    with FakeHost(args.fakevms, n, options) as host:
        with tempfile.TemporaryFile("w+") as stderr, Sleeper() as sleeper:
            lines = json_lines(args, host, args.cycles + 2, stderr)
            stderr.seek(0)
            said = stderr.read().splitlines()
    late = lateness_ms(lines)
    last = lines[-1]["domains"]
    with_disks = sum("disk_reads" in d for d in last)
    with_cpu = sum("cpu_total" in d for d in last)
    print(f"\nlateness, {n} VMs of which {silent} have a silent monitor, {len(late)} cycles: "
          f"median {statistics.median(late):.1f}, most {max(late):.1f} ms (at most 5 is wanted)\n"
          f"  a thread that only sleeps, meanwhile: median "
          f"{statistics.median(sleeper.late_ms):.1f}, most {max(sleeper.late_ms):.1f} ms\n"
          f"  in the last cycle {with_cpu} VMs have cpu_total, {with_disks} have disk_reads "
          f"({n - silent} have a monitor that answers)")
    if said:
        print(f"  proxtop said on stderr, {len(said)} lines: {said[0]}")
    sys.stdout.flush()


def machine():
    model = "unknown CPU"
    with open("/proc/cpuinfo") as f:
        for line in f:
            if line.startswith("model name"):
                model = line.split(":", 1)[1].strip()
                break
    print(f"{model}, {os.cpu_count()} CPUs, Linux {platform.release()}, "
          f"load {os.getloadavg()[0]:.2f} at the start, {time.strftime('%Y-%m-%d')}")
    sys.stdout.flush()


def parse():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", default=os.path.join(HERE, "../../build"))
    p.add_argument("--proxtop", help="another program than the build directory's")
    p.add_argument("--vms", default="10,100,300")
    p.add_argument("--cycles", type=int, default=20, help="measured in each run (20)")
    p.add_argument("--rounds", type=int, default=2, help="of floor and program (2)")
    p.add_argument("--qmp-every", type=int, default=5,
                   help="cycles in which the floor asks each VM once (5)")
    p.add_argument("--silent", type=int, default=10, help="silent monitors in the test of lateness")
    p.add_argument("--no-taps", action="store_true", help="the VMs hold no tap interfaces")
    p.add_argument("--cgroups", action="store_true",
                   help="each VM in a cgroup v2 of its own, whose pressure both read")
    p.add_argument("--no-strace", action="store_true")
    p.add_argument("--no-lateness", action="store_true")
    p.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    args.proxtop = args.proxtop or find(args.build, "bin/proxtop")
    args.fakevms = find(args.build, "bench/fakevms")
    args.floor = find(args.build, "bench/floor")
    args.sizes = [int(n) for n in args.vms.split(",")]
    args.strace = not args.no_strace and any(
        os.access(os.path.join(d, "strace"), os.X_OK) for d in os.get_exec_path())
    args.options = [] if args.no_taps else ["--taps"]
    if args.cgroups:
        v2 = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"]
        mount = [m for m in v2 if os.path.exists(m + "/cgroup.controllers")]
        if not mount:
            p.error("--cgroups: no cgroup v2 is mounted")
        args.options.append(f"--cgroups={mount[0]}")
    return args


def main():
    args = parse()
    if not args.inside:
        enter_namespaces()
    machine()
    if not args.strace:
        print("no strace: system calls are not counted")
    results = []
    for n in args.sizes:
        results.append(measure(args, n))
        report(args, results[-1])
    table(results)
    if not args.no_lateness:
        report_lateness(args, args.sizes[-1], 0)
        report_lateness(args, args.sizes[-1], min(args.silent, args.sizes[-1]))


if __name__ == "__main__":
    main()
