# SPDX-License-Identifier: Apache-2.0
"""The console at real VMs, an agent on each host and an aggregator, in a real terminal: the
questions of the walk-through in console/README.md are answered with the keys written there."""
import os
import re
import time

import lab
from console_scene import Scene

README = os.path.join(os.environ["LAB_DIR"], "..", "..", "console", "README.md")
FIRST_SCREEN = 2  # seconds, on a machine that is busy with three hosts
SHOWN = 20        # seconds until what has begun must be on the screen

t = lab.Test("console")


def walk_through():
    """{number: keys} from the README's table."""
    section = re.search(r"^## Walk-through\n(.*?)(?=^## |\Z)", lab.read(README), re.M | re.S)
    rows = re.findall(r"^\| (\d) \|[^|]*\|([^|]*)\|", section[1] if section else "", re.M)
    return {int(n): "".join(re.findall(r"`([^`]+)`", keys)) for n, keys in rows}


def table(screen):
    """The rows of the table on a screen: dicts by column title.  A value may be followed by a
    sign; cells are split at their column's place."""
    lines = screen.split("\n")
    at = next((i for i, line in enumerate(lines) if re.match(r"  +[A-Z]+v? .*[A-Z]", line)), None)
    if at is None:
        return []
    rows = []
    for line in lines[at + 1:]:
        if not line.strip() or not line.startswith(("  ", "> ")):
            break
        rows.append(line[2:].split())
    titles = [w.rstrip("v>") for w in lines[at].split()]
    return [dict(zip(titles, row)) for row in rows]


def number(cell):
    """The number of a cell, without unit and sign."""
    m = re.match(r"[-+]?[\d.]+", cell or "")
    return float(m[0]) if m else None


def show(what, screen):
    t.note(what + "\n" + "\n".join("       " + line for line in screen.split("\n") if line))


def ask(console, keys, answered):
    """Presses keys and waits until the screen answers; the screen then, or as it is at last."""
    console.keys(keys, 0.1)
    try:
        return console.wait(answered, SHOWN)
    except TimeoutError:
        return console.text()


def first(column, value, view=""):
    """The screen's first row has that value there, and there are rates."""
    return lambda screen: view in screen and any(
        row.get(column) == value and row.get("CPU", "") != "-" and row.get("LAT", "") != "-"
        for row in table(screen)[:1])


def who_waits(screen):
    rows = table(screen)
    show("who waits", screen)
    t.same("waits most for CPU", rows[0]["NAME"], "shop-db")
    t.near("its STEAL", number(rows[0]["STEAL"]), 50, 100)
    t.check(rows[0]["STEAL"].endswith("!!"), "the value has the sign of what is bad")
    others = [number(r["STEAL"]) for r in rows[1:]]
    t.check(max(others) < number(rows[0]["STEAL"]), f"the others wait less: {others}")
    t.check(re.search(rf"^> shop-db .* cpu{lab.CPU} reports\b", screen, re.M),
            "CAUSE of that row is the core and who burns it")


def who_burns(screen):
    rows = table(screen)
    show("who burns", screen)
    t.same("the vCPU that uses most is of", rows[0]["VM"], "reports")
    t.same("and was last on the core", rows[0]["LAST"], str(lab.CPU))
    t.near("it uses, in percent", number(rows[0]["CPU"]), 40, 100)


def slow_disk(screen):
    rows = table(screen)
    show("which disk", screen)
    t.same("the slowest disk is", (rows[0]["DISK"], rows[0]["VM"]), ("vdb", "files"))
    t.near("its requests take, in ms", number(rows[0]["LAT"]), 50, 1000)
    others = [number(r["LAT"]) for r in rows[1:]]
    t.check(all(v is None or v < number(rows[0]["LAT"]) / 2 for v in others),
            f"those of others take less than half: {others}")


def changes(screen):
    """{(name, metric): (was, is)} of a diff's rows on a screen."""
    rows = [line.lstrip(">").split() for line in screen.split("\n") if re.match(r"[> ] \S", line)]
    return {(r[0], r[2]): (number(r[3]), number(r[4])) for r in rows if len(r) > 5}


def what_changed(console, screen):
    """The rest of the machine may have changed too: what is asked for is on the first pages."""
    show("what changed", screen)
    found = changes(screen)
    console.keys("{PageDown}")
    time.sleep(1)
    found.update(changes(console.text()))
    for vm, metric, change in (("shop-db", "READY", 30), ("reports", "CPU", 40)):
        was, now = found.get((vm, metric), (None, None))
        t.check(None not in (was, now) and now - was > change,
                f"among what changed most: {vm} {metric} from {was} to {now}")


keys = walk_through()
t.same("the README has the questions", sorted(keys), [1, 2, 3, 4])
scene = Scene()
scene.measure()
time.sleep(8)
start = time.monotonic()
with scene.console() as console:
    console.wait(r"^[> ] shop-db ", SHOWN)
    t.near("seconds to the first screen with VMs", time.monotonic() - start, 0, FIRST_SCREEN)
    screen = ask(console, "", first("NAME", "files"))
    show("before", screen)
    t.check(all(r.get("NAME") != "reports" or number(r["CPU"]) < 20 for r in table(screen)),
            "reports does nothing yet")
    scene.reports_burns()
    screen = ask(console, "", first("NAME", "shop-db"))
    time.sleep(5)
    screen = console.text()
    show("without a key", screen)
    rows = table(screen)
    t.same("without a key, the first row is who suffers most", rows[0]["NAME"], "shop-db")
    t.check(re.search(rf"^> shop-db +kvm1 .*!! +cpu{lab.CPU} reports\b", screen, re.M),
            "and says who causes it")
    t.check(re.search(r"^  files +kvm1 +LATWR [\d.]+!", screen, re.M), "files suffers from its disk")
    who_waits(ask(console, keys[1], first("NAME", "shop-db", "View: CPU")))
    who_burns(ask(console, keys[2], first("VM", "reports")))
    slow_disk(ask(console, keys[3], first("DISK", "vdb")))
    # Less than five minutes are kept: since the beginning.
    what_changed(console, ask(console, keys[4], lambda s: "WHAT CHANGED" in s and " reports " in s))
    console.keys("{Esc}")
    screen = ask(console, "'", lambda s: "is kept" in s)
    t.check("is kept" in screen, "the moment is kept")
    screen = ask(console, '"', lambda s: "WHAT CHANGED" in s)
    t.check(not re.search(r"reports +kvm1 +CPU +0", screen), "since then reports goes on as it did")

with scene.local() as console:
    console.wait(r"^[> ] shop-db ", SHOWN)
    who_waits(ask(console, keys[1], first("NAME", "shop-db", "View: CPU")))
    who_burns(ask(console, keys[2], first("VM", "reports")))
    slow_disk(ask(console, keys[3], first("DISK", "vdb")))
    console.keys("q")
    t.same("status after q", console.dead(), "0")

printed = lab.proxtop("--connect=tcp://127.0.0.1:7411", "--screen=120x40", "--keys=" + keys[1]).stdout
t.same("printed as text, with the same keys", table(printed)[0]["NAME"], "shop-db")
t.check("" == scene.logs().split("\n", 1)[1].strip(),
        f"the aggregator has nothing to complain of: {scene.logs()!r}")
scene.end()
t.done()
