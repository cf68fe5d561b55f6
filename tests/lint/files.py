# SPDX-License-Identifier: Apache-2.0
"""What every file keeps: licence line, header guard, a language that parses, no traces of
the machine it was written on."""

import ast
import os
import re
import subprocess

import source

LICENCE = "SPDX-License-Identifier: Apache-2.0"
CODE = (".c", ".h", ".def", ".py", ".sh")
SLASH = "/"  # so that the patterns do not find themselves

# Where a path of one machine begins; what follows a name or another path is none.
MACHINE_PATH = re.compile(r"(?<![\w.%%}/$-])%s(?:work|root|workspace)(?![\w-])" % SLASH)
# Hosts that only one place knows, or that a build must not depend on.
HOST = re.compile(
    r"\w+://(?:[\w.-]+@)?([\w-]+|[\w.-]+\.(?:internal|local|lan|corp|intra))(?=[:/\"'\s]|$)"
)
REGISTRY = re.compile(
    r"(?i)\b(?:pypi|registry\.npmjs|npmjs|crates|rubygems|ghcr|quay|gcr|docker)\.(?:org|io|com)\b"
    r"|\bproxy\.golang\.org\b"
)
KNOWN_HOSTS = {"localhost", "host", "HOST", "h", "peer", "node", "remote"}
TRACES = re.compile(r"(?i)\bissue #?\d|\b(?:TODO|FIXME|XXX)\b")


def is_code(name, text):
    base = os.path.basename(name)
    return name.endswith(CODE) or base == "CMakeLists.txt" or text.startswith("#!")


def licence(name, text):
    lines = text.split("\n")
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    want = "/* %s */" if name.endswith((".c", ".h", ".def")) else "# %s"
    if first.strip() != want % LICENCE:
        yield "%s: the first line is not '%s'" % (name, want % LICENCE)


def guard(name, text):
    base = re.sub(r"\W", "_", os.path.basename(name)).upper()
    want = ("TEST_" if name.startswith("tests/unit/") else "PROXTOP_") + base
    lines = source.code_of(text).split()
    if lines[:2] != ["#ifndef", want] or lines[2:4] != ["#define", want]:
        yield "%s: the guard is not %s" % (name, want)


def parses(name, text):
    if name.endswith(".py"):
        try:
            ast.parse(text, name)
        except SyntaxError as e:
            yield "%s:%s: %s" % (name, e.lineno, e.msg)
        return
    m = re.match(r"#!\S*?(?:env )?(ba)?sh\b", text)
    if not m and not name.endswith(".sh"):
        return
    shell = "bash" if m and m.group(1) else "sh"
    run = subprocess.run([shell, "-n", name], cwd=source.TOP, capture_output=True, encoding="utf-8")
    if run.returncode:
        yield "%s: %s" % (name, run.stderr.strip())


def traces(name, text):
    for n, line in enumerate(text.split("\n"), 1):
        at = "%s:%d: " % (name, n)
        m = MACHINE_PATH.search(line)
        if m:
            yield at + "a path of one machine: " + m.group()
        m = REGISTRY.search(line)
        if m:
            yield at + "a package registry: " + m.group()
        for m in HOST.finditer(line):
            if m.group(1) not in KNOWN_HOSTS:
                yield at + "a host of one place: " + m.group(1)
        m = TRACES.search(line)
        if m:
            yield at + "belongs into an issue, not here: " + m.group()


def findings(names):
    for name in names:
        text = source.text_of(name)
        if is_code(name, text):
            yield from licence(name, text)
            yield from parses(name, text)
        if name.endswith(".h"):
            yield from guard(name, text)
        yield from traces(name, text)
        if text and not text.endswith("\n"):
            yield "%s: the last line does not end" % name
        if "\r" in text:
            yield "%s: lines end with CR" % name


def main():
    names = [n for n in source.files() if n != "LICENSE" and not n.endswith((".png", ".bin"))]
    source.report(findings(names), len(names))


if __name__ == "__main__":
    main()
