# SPDX-License-Identifier: Apache-2.0
"""Does check_screen.py find what is wrong?  Screens that are right are made wrong and read again."""
import collections
import re

import worlds
from check_screen import SCALES, read


def changed(r, i, start, end, text):
    """Whether the screen with that text in line i is found to be wrong."""
    line = r.lines[i][:start].ljust(start) + text + r.lines[i][end:]
    return bool(read(r.screen, r.lines[:i] + [line] + r.lines[i + 1:]).wrong)


def selftest_numbers(r, done):
    for what, i, end in r.compared:
        c = r.lines[i][end - 1]
        kind = what, c in SCALES
        if kind in done or not (c.isdigit() or c in SCALES):
            continue
        done.add(kind)
        wrong = "%d" % ((int(c) + 3) % 10) if c.isdigit() else "KMGT"[SCALES[c] - 2]
        if not changed(r, i, end - 1, end, wrong):
            yield "a wrong %s (%s for %s) is not found on %s" % (what, wrong, c, r.screen.name)


def selftest_trouble(r):
    """Another trouble, sign, cause; none; and two rows that changed places."""
    for name, i, a, b, c, sign in r.troubles:
        wrongs = [(a, a + 1, "X"), (b, b + 1, "X")]
        if sign:
            at = r.lines[i].index("!", a)
            wrongs += [(at, at + 2, "! " if r.lines[i][at + 1:at + 2] == "!" else "!!"),
                       (a, c, " " * (c - a))]
        for start, end, text in wrongs:
            if not changed(r, i, start, end, text):
                yield "a wrong trouble of %s is not found on %s" % (name, r.screen.name)
    if len(r.troubles) > 1 and r.troubles[0][5] and any("TROUBLEv" in line for line in r.lines):
        lines, i, k = list(r.lines), r.troubles[0][1], r.troubles[1][1]
        lines[i], lines[k] = lines[k], lines[i]
        if not read(r.screen, lines).wrong:
            yield "a wrong order of troubles is not found on %s" % r.screen.name


def selftest_changes(r):
    """Rows of what changed that are missing, there twice or of another; each moved to the end."""
    rows = [i for i, line in enumerate(r.lines[3:-2], 3) if line[2:].strip()]
    for i in rows:
        line, rest = r.lines[i], r.lines[i + 1:]
        known = i in r.changes or any(k == i for what, k, end in r.compared)
        wrongs = {"missing": r.lines[:i] + rest[:-2] + [""] + rest[-2:],
                  "of another": r.lines[:i] + [line[:2] + "X" + line[3:]] + rest,
                  "there twice": r.lines[:i] + [line, line] + rest[:-3] + rest[-2:]}
        if i in r.changes:
            last = rows[-1]
            wrongs["last"] = r.lines[:i] + r.lines[i + 1:last + 1] + [line] + r.lines[last + 1:]
        for what, lines in wrongs.items():
            if known and not read(r.screen, lines).wrong:
                yield "a row that is %s is not found on %s: %s" % (what, r.screen.name, line)


def selftest_time(r):
    at = re.search(r"RECORDED \S+ \d\d:\d(\d)", r.lines[0])
    if at and not changed(r, 0, at.start(1), at.end(1), "%d" % ((int(at[1]) + 3) % 10)):
        yield "a wrong time is not found on %s" % r.screen.name


def selftest(readers):
    """Each kind of number, each trouble, time and change is made wrong once, and must be found."""
    done, missed, looked = set(), [], collections.Counter()
    for r in readers:
        if r.wrong:
            continue        # what is wrong already would be found whatever is changed
        missed += selftest_numbers(r, done)
        if r.troubles and re.search("-all-|-hosts-", r.screen.name):
            looked["trouble of a VM" if "-all-" in r.screen.name else "trouble of a host"] += 1
            missed += selftest_trouble(r)
        if "WHAT CHANGED" in r.lines[1]:
            looked["change"] += 1
            missed += selftest_changes(r)
        if r.second not in (None, worlds.SECONDS):
            looked["time"] += 1
            missed += selftest_time(r)
    kinds = "trouble of a VM", "trouble of a host", "change", "time"
    return missed + ["no %s was looked at" % kind for kind in kinds if not looked[kind]]
