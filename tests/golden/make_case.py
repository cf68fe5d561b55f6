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

NAMES = ("normal", "odd-names", "no-psi", "many-cpus", "hotplug", "reset", "pid-reuse",
         "hostile", "starving", "limit", "limit-v1", "named-devices", "backing", "vm-states")


def make(name, outdir):
    """Returns the number of ticks."""
    tick = 0
    os.makedirs(outdir)
    for tick, host in enumerate(getattr(cases, name.replace("-", "_"))(), 1):
        host.write(os.path.join(outdir, str(tick)))
        options = copy.copy(host.options)
    with open(os.path.join(outdir, "options"), "w") as f:
        f.write("".join("%s=%s\n" % kv for kv in options.items()))
    return tick


def main():
    if sys.argv[1:] == ["--list"]:
        print("\n".join(NAMES))
    elif len(sys.argv) == 3 and sys.argv[1] in NAMES:
        make(sys.argv[1], sys.argv[2])
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
