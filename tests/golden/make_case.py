#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes a golden test's fixture:

    make_case.py CASE OUTDIR        OUTDIR/1, OUTDIR/2, ... are its ticks
    make_case.py --list

The same every time: nothing is random, nothing is read from this machine.
"""
import copy
import os
import sys

import cases
from cases_hostile import hostile

CASES = {f.__name__.replace("_", "-"): f for f in (
    cases.normal, cases.odd_names, cases.no_psi, cases.many_cpus, cases.hotplug, cases.reset,
    cases.pid_reuse, hostile, cases.starving, cases.limit, cases.limit_v1,
    cases.named_devices, cases.backing, cases.vm_states)}


def make(name, outdir):
    """Returns the number of ticks."""
    tick = 0
    os.makedirs(outdir)
    for tick, host in enumerate(CASES[name](), 1):
        host.write(os.path.join(outdir, str(tick)))
        options = copy.copy(host.options)
    with open(os.path.join(outdir, "options"), "w") as f:
        f.write("".join("%s=%s\n" % kv for kv in options.items()))
    return tick


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(CASES))
    elif len(sys.argv) == 3 and sys.argv[1] in CASES:
        make(sys.argv[1], sys.argv[2])
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
