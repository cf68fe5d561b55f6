#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How fast proxprofiler reads CSV: files of its own making, one column and five.  See README.md."""
import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time

ROWS = 10_000_000
ROWS_PER_MINUTE = 10_000_000  # at least
CHUNK = 1000  # different rows; repeated, so that making a file takes less than reading it


def make(path, columns, rows):
    numbers = random.Random(columns)
    chunk = "".join(
        ",".join("%.2f" % (numbers.random() * 100) for _ in range(columns)) + "\n"
        for _ in range(CHUNK))
    with open(path, "w") as f:
        f.write(",".join("m%d" % i for i in range(columns)) + "\n")
        for _ in range(rows // CHUNK):
            f.write(chunk)


def run(program, path, options):
    """CPU time of the cheapest of two in seconds (others may want the machine, too), how long it
    took, and the document."""
    best = None
    for _ in range(2):
        began, before = time.monotonic(), os.times()
        done = subprocess.run([program, "--input=" + path, *options], capture_output=True,
                              check=True, text=True)
        after = os.times()
        cpu = sum(after[2:4]) - sum(before[2:4])
        took = (max(cpu, 0.01), time.monotonic() - began)  # the clock ticks at 100 Hz
        best = min(best, took) if best else took
    return *best, json.loads(done.stdout)


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--build", default="build")
    p.add_argument("--check", action="store_true", help="small, and no limit of time")
    args = p.parse_args()
    program = os.path.join(args.build, "bin/proxprofiler")
    rows = ROWS // 100 if args.check else ROWS
    failed = False

    with tempfile.TemporaryDirectory(prefix="profiler-csv-") as directory:
        path = os.path.join(directory, "rows.csv")
        for columns, options in ((1, []), (5, []),
                                 (5, ["--history=2", "--buffersize=1", "--periodsize=7,24",
                                      "--phase-likeliness=0.1"])):
            make(path, columns, rows)
            cpu, seconds, document = run(program, path, options)
            counts = [m["stats"]["count"] for m in document["profile"]["roottx"]]
            if counts != [rows] * columns:
                sys.exit("%d rows of %d columns: counted %s" % (rows, columns, counts))
            rate = rows / cpu * 60
            slow = rate < ROWS_PER_MINUTE and not args.check
            failed |= slow
            print("%d rows, %d columns%s: %.2f s of CPU, %.0f million rows a minute (it took "
                  "%.2f s)%s" % (
                rows, columns, "".join(" " + o for o in options), cpu, rate / 1e6, seconds,
                "   TOO SLOW" if slow else ""))
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print("at most %.1f MB of memory" % (peak / 1024))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
