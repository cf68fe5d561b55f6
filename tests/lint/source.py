# SPDX-License-Identifier: Apache-2.0
"""The sources as the lint scripts see them."""

import json
import os
import pathlib
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

TOP = pathlib.Path(__file__).resolve().parents[2]
PARTS = ("common", "agent", "aggregator", "console")  # who includes whom: upwards never

TOKEN = re.compile(
    r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL
)


def files():
    """What is, or may be, in the repository; relative to TOP, sorted."""
    git = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        run = subprocess.run(git, cwd=TOP, capture_output=True, check=True)
        names = os.fsdecode(run.stdout).split("\0")
    except (OSError, subprocess.CalledProcessError):
        # Not a checkout: all but what a build leaves.
        names = [
            str(p.relative_to(TOP))
            for p in TOP.rglob("*")
            if not any(n.startswith(("build", ".git")) for n in p.relative_to(TOP).parts[:1])
            and "__pycache__" not in p.parts
        ]
    return sorted(n for n in names if n and (TOP / n).is_file())


def with_suffix(*suffixes):
    return [f for f in files() if f.endswith(suffixes)]


def text_of(name):
    return (TOP / name).read_text(encoding="utf-8", errors="replace")


def code_of(text):
    """C without comments; lines stay where they are, strings too."""

    def blank(m):
        token = m.group()
        return token if token[0] in "\"'" else re.sub(r"[^\n]", " ", token)

    return TOKEN.sub(blank, text)


def includes(text):
    """(line number, "<" or '"', header)"""
    for n, line in enumerate(code_of(text).split("\n"), 1):
        m = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if m:
            yield n, m.group(1), m.group(2)


def commands(build):
    """(file relative to TOP, arguments without output) as CMake compiles it."""
    with open(pathlib.Path(build) / "compile_commands.json", encoding="utf-8") as f:
        for entry in json.load(f):
            args = entry["command"].split()
            at = args.index("-o")
            args = [a for a in args[:at] + args[at + 2 :] if a != "-c"]
            name = os.path.relpath(entry["file"], TOP)
            # The shell's quotes around -DNAME="text"
            yield name, [a.replace('\\"', '"') for a in args]


def run_all(jobs):
    """Runs (what, arguments) beside each other; yields what it was and what was said."""

    def one(job):
        what, args = job
        try:
            run = subprocess.run(
                args, cwd=TOP, capture_output=True, encoding="utf-8", errors="replace"
            )
        except OSError as e:
            return "%s: %s: %s" % (what, args[0], e.strerror)
        if run.returncode or run.stderr:
            return "%s: %s" % (what, (run.stderr or run.stdout).strip())
        return None

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from filter(None, pool.map(one, jobs))


def report(findings, looked_at):
    """Prints and ends. A rule that looked at nothing has not been kept."""
    findings = list(findings)
    for f in findings:
        print(f)
    if not looked_at:
        sys.exit("nothing was looked at")
    print("%d looked at, %d found" % (looked_at, len(findings)))
    sys.exit(1 if findings else 0)
