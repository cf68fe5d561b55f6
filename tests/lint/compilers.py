# SPDX-License-Identifier: Apache-2.0
"""Each source compiles with the other compiler too, with the flags that CMake gives."""

import os
import re
import sys

import source


def jobs(build):
    for name, args in source.commands(build):
        if name.startswith(".."):
            continue
        this = os.path.basename(os.path.realpath(args[0]))
        if re.match(r"clang", this):
            yield "%s with gcc" % name, ["gcc"] + args[1:] + ["-c", "-o", "/dev/null"]
        else:
            yield "%s with clang" % name, ["clang"] + args[1:] + ["-fsyntax-only"]


def main():
    all_jobs = list(jobs(sys.argv[1]))
    source.report(source.run_all(all_jobs), len(all_jobs))


main()
