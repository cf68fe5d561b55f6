#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Runs one golden case through the program and compares all it prints:

    run_case.py CASE TICKS-PROGRAM [--keep]
    run_case.py selftest TICKS-PROGRAM

Exit 0 when everything is as expected; differences are on stderr, one a line.
--keep leaves the fixture, the outputs and the expectation behind and says where.
"""
import glob
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time

import compare
import expect
import make_case
import selftest

DIFFERENCES_SHOWN = 40
ATTEMPTS = 5


class Failure(Exception):
    pass


def misbehaving(casedir):
    """VMIDs of those whose QEMU is not meant to answer in some tick."""
    out = set()
    for path in glob.glob(os.path.join(casedir, "*/run/qemu-server/*.qmp.json")):
        with open(path) as f:
            if json.load(f)["mode"] != "answer":
                out.add(os.path.basename(path).split(".")[0])
    return out


def run(program, casedir, top, printer, verbose):
    """stdout of the driver over a fresh work directory.

    QMP has a deadline of 500 ms of real time.  Where a VM that answers missed it, this
    machine was too busy, and the run says nothing: it is made again."""
    command = [program, casedir, os.path.join(top, "w"), "--printer=" + printer]
    if verbose:
        command.append("--verbose")
    for attempt in range(ATTEMPTS):
        time.sleep(5 * attempt)
        done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=240)
        shutil.rmtree(os.path.join(top, "w"), ignore_errors=True)
        messages = done.stderr.decode("utf-8", "replace")
        if done.returncode != 0:
            raise Failure("%s: exit %d\n%s" % (" ".join(command), done.returncode,
                                               messages[-4000:]))
        late = set(re.findall(r"VM (\d+) .*no answer within", messages))
        if not late - misbehaving(casedir):
            return done.stdout
    raise Failure("%s: %d times this machine was too busy to answer within 500 ms" % (
        " ".join(command), ATTEMPTS))


def promtool(record):
    """Prometheus' own opinion, where it is installed."""
    tool = shutil.which("promtool")
    if not tool:
        return []
    done = subprocess.run([tool, "check", "metrics"], input=record, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=120)
    # 3: only matters of style, such as units in names.
    if done.returncode in (0, 3):
        return []
    return ["promtool: " + line for line in done.stdout.decode("utf-8", "replace").split("\n")
            if line]


def check_json(data, expected, ticks, verbose):
    lines = data.splitlines(keepends=True)
    if len(lines) != ticks - 1:
        return ["json: %d records, want %d" % (len(lines), ticks - 1)]
    out = []
    for tick, line in enumerate(lines, 2):
        out += ["tick %d%s" % (tick, d) for d in
                compare.json_record(expected.document(tick, verbose), line)]
    return out


def check_text(data, expected, ticks, verbose):
    columns = {"host": expected.columns("HOST", verbose), "VM": expected.columns("VM", verbose)}
    return compare.text_output(columns, [(t, expected.document(t, verbose))
                                         for t in range(2, ticks + 1)], data)


def check_openmetrics(data, expected, ticks):
    records = [r + b"# EOF\n" for r in data.split(b"# EOF\n")]
    if records.pop() != b"# EOF\n" or len(records) != ticks - 1:
        return ["openmetrics: %d records, want %d" % (len(records), ticks - 1)]
    out = []
    for tick, record in enumerate(records, 2):
        out += ["tick %d %s" % (tick, d) for d in
                compare.openmetrics_record(expected.series(tick), expected.infos(tick), record) +
                promtool(record)]
    return out


def check_case(name, program, top):
    casedir = os.path.join(top, "case")
    ticks = make_case.make(name, casedir)
    expected = expect.Expected(casedir, ticks)
    out = []
    for verbose in (False, True):
        for printer, check in (("json", check_json), ("text", check_text)):
            data = run(program, casedir, top, printer, verbose)
            keep(top, "%s%s" % (printer, "-verbose" if verbose else ""), data)
            out += ["%s%s: %s" % (printer, " --verbose" if verbose else "", d)
                    for d in check(data, expected, ticks, verbose)]
    data = run(program, casedir, top, "openmetrics", True)
    keep(top, "openmetrics", data)
    out += check_openmetrics(data, expected, ticks)
    for tick in range(2, ticks + 1):
        keep(top, "expected-%d" % tick, json.dumps(
            expected.document(tick, True), default=expect.for_people, indent=1).encode())
    return out


def keep(top, name, data):
    with open(os.path.join(top, name), "wb") as f:
        f.write(data)


def main():
    arguments = [a for a in sys.argv[1:] if a != "--keep"]
    if len(arguments) != 2 or arguments[0] not in (*make_case.CASES, "selftest"):
        raise SystemExit(__doc__)
    name, program = arguments
    # Sockets below must have short paths.
    top = tempfile.mkdtemp(prefix="golden-", dir="/tmp")
    try:
        if name == "selftest":
            out = selftest.check(lambda case, printer, verbose: run(
                program, case, top, printer, verbose), top)
        else:
            out = check_case(name, program, top)
    except Failure as e:
        out = [str(e)]
    finally:
        if "--keep" in sys.argv:
            print("kept in", top)
        else:
            shutil.rmtree(top, ignore_errors=True)
    for line in out[:DIFFERENCES_SHOWN]:
        print("%s: %s" % (name, line), file=sys.stderr)
    if len(out) > DIFFERENCES_SHOWN:
        print("%s: and %d more" % (name, len(out) - DIFFERENCES_SHOWN), file=sys.stderr)
    return 1 if out else 0


if __name__ == "__main__":
    sys.exit(main())
