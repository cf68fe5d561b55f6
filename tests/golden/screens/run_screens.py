#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Compares the screens of recordings with those that are kept:

    run_screens.py PROXTOP MAKE-RECORDING [--update] [--only=PART] [--show]

Two checks that know nothing of each other: the numbers on the screens are those of worlds.py
(model.py computes them), and each screen is byte for byte the one in kept/.  --update keeps
the screens as they are now, but none with a wrong number.  --only: those with that in their name.
"""
import argparse
import difflib
import os
import subprocess
import sys
import tempfile

import check_screen
import recordings
import screens
import views
import worlds
import wrong_screens

KEPT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kept")
WORLDS = {"one": worlds.one, "cluster": worlds.cluster, "empty": lambda: []}
DIFFERENCES_SHOWN = 5


def make_recordings(program, top):
    for name, hosts in WORLDS.items():
        text = "".join(line + "\n" for line in recordings.lines(hosts(), worlds.SECONDS))
        subprocess.run([program, os.path.join(top, name + ".rec")], input=text, text=True,
                       check=True)


def print_screen(program, top, s):
    env = {"PATH": os.environ["PATH"], "HOME": top, "TZ": "UTC",
           "LC_ALL": "C" if s.ascii else "C.UTF-8"}
    for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS"):
        if name in os.environ:
            env[name] = os.environ[name]
    done = subprocess.run([program, "--replay=%s.rec" % s.world, "--screen=" + s.size,
                           "--keys=" + s.keys, *s.options], cwd=top, env=env,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, timeout=60)
    if done.returncode or done.stderr:
        return None, "exit %d, stderr: %s" % (done.returncode, done.stderr.decode()[-2000:])
    return done.stdout.decode(), ""


def read_kept(path):
    if not os.path.exists(path):
        return None
    with open(path, newline="") as f:
        return f.read()


def compare(s, text, update):
    """What differs, "" for nothing."""
    path = os.path.join(KEPT, s.name + ".txt")
    kept = read_kept(path)
    if kept == text:
        return ""
    if update:
        with open(path, "w", newline="") as f:
            f.write(text)
        return ""
    if kept is None:
        return "none is kept; --update keeps it"
    return "".join(difflib.unified_diff(kept.splitlines(True), text.splitlines(True), "kept", "now",
                                        n=0))


def forgotten(made):
    """Kept screens that nothing makes any more."""
    return sorted(set(os.listdir(KEPT)) - {s.name + ".txt" for s in made})


def run(o, top):
    make_recordings(o.make_recording, top)
    failures, readers = [], []
    made = list(screens.all_screens(views.of(o.proxtop)))
    for s in made:
        if o.only not in s.name:
            continue
        text, why = print_screen(o.proxtop, top, s)
        if text is None:
            failures.append("%s: %s" % (s.name, why))
            continue
        if o.show:
            print("---- %s  %s\n%s" % (s.name, s.keys, text))
        wrong, reader = check_screen.check(s, text)
        readers.append(reader)
        failures += ["%s: %s" % (s.name, w) for w in wrong]
        differs = compare(s, text, o.update and not wrong)
        if differs:
            failures.append("%s: %s" % (s.name, differs))
    if not o.only:
        failures += ["%s: kept, but no such screen is made" % name for name in forgotten(made)]
        failures += wrong_screens.selftest(readers)
    return failures, sum(len(r.compared) for r in readers)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("proxtop")
    parser.add_argument("make_recording")
    parser.add_argument("--update", action="store_true")
    parser.add_argument("--only", default="")
    parser.add_argument("--show", action="store_true")
    o = parser.parse_args()
    o.proxtop, o.make_recording = map(os.path.abspath, (o.proxtop, o.make_recording))
    os.makedirs(KEPT, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="proxtop-screens-") as top:
        failures, numbers = run(o, top)
    for failure in failures[:DIFFERENCES_SHOWN if not o.show else None]:
        print(failure, file=sys.stderr)
    if len(failures) > DIFFERENCES_SHOWN and not o.show:
        print("and %d more" % (len(failures) - DIFFERENCES_SHOWN), file=sys.stderr)
    print("%d numbers computed and found on the screens" % numbers)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
