# SPDX-License-Identifier: Apache-2.0
"""Each header compiles alone, and twice, with gcc and with clang."""

import os
import sys
import tempfile

import source


def flags(build):
    """Of each folder: what its files are compiled with, compiler and file left out.  Of programs
    that see more or less (tests/bench), those of the one that sees most."""
    found = {}
    for name, args in source.commands(build):
        of = found.setdefault(os.path.dirname(name), [])
        if sum(a.startswith("-I") for a in args) > sum(a.startswith("-I") for a in of):
            of[:] = args[1:-1]
    return found


def jobs(build, work):
    by_folder = flags(build)
    for header in source.with_suffix(".h"):
        folder = os.path.dirname(header)
        # A folder whose files are not in this build (lab) has no flags of its own.
        args = by_folder.get(folder) or by_folder["tests/unit"]
        alone = os.path.join(work, header.replace("/", "_") + ".c")
        with open(alone, "w", encoding="utf-8") as f:
            f.write('#include "%s"\n#include "%s"\n' % ((os.path.join(source.TOP, header),) * 2))
        here = ["-I", os.path.join(source.TOP, folder)]
        # What a header defines for others is not unused.
        rest = ["-Wno-unused", "-fsyntax-only", alone]
        for compiler in ("gcc", "clang"):
            extra = ["-Wno-unknown-warning-option"] if compiler == "clang" else []
            yield "%s with %s" % (header, compiler), [compiler] + args + here + extra + rest


def main():
    with tempfile.TemporaryDirectory() as work:
        all_jobs = list(jobs(sys.argv[1], work))
        source.report(source.run_all(all_jobs), len(all_jobs))


main()
