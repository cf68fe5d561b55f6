# SPDX-License-Identifier: Apache-2.0
"""C is formatted as .clang-format says."""

import source


def main():
    names = source.with_suffix(".c", ".h")
    jobs = [(n, ["clang-format", "--dry-run", "-Werror", "--style=file", n]) for n in names]
    # Of each file the first place is enough: clang-format -i mends all.
    found = ("\n".join(f.split("\n")[:3]) for f in source.run_all(jobs))
    source.report(found, len(jobs))


main()
