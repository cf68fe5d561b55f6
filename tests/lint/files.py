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
CAPTURES = (".frame", ".message", ".pack")  # bytes as they travel, or are kept
NO_LICENCE = ("LICENSE", ".ci/")  # .ci is what calls us

# The patterns are written so that they do not find themselves.
# A path of the machine something was written on; what stands behind a name is another path.
MACHINE_PATH = re.compile(r"(?<![\w.%}/$-])/(?:work(?:space)?(?![\w-])|root/)")
# Hosts that only one place knows, and such that a build must not depend on.
HOST = re.compile(r"\w+://(?:[\w.-]+@)?([\w.-]+\.(?:internal|local|lan|corp|intra))\b")
REGISTRY = re.compile(
    r"(?i)\b(?:pypi|registry\.npmjs|npmjs|crates|rubygems|ghcr|quay|gcr|docker)\.(?:org|io|com)\b"
    r"|\bproxy\.golang\.org\b"
)
# Names of Debian's packages that look like one.
DEBIAN = {"docker" ".io"}
TRACES = re.compile(r"\b[Ii]ssue #?\d|\b(?:TO[D]O|FIX[M]E|XX[X])\b")


def is_code(name, text):
    base = os.path.basename(name)
    return name.endswith(CODE) or base == "CMakeLists.txt" or text.startswith("#!")


def licence(name, text):
    lines = text.split("\n")
    first = lines[1] if lines[0].startswith("#!") and len(lines) > 1 else lines[0]
    want = "/* %s */" if name.endswith((".c", ".h", ".def")) else "# %s"
    if first.strip() != want % LICENCE:
        yield "%s: the first line is not '%s'" % (name, want % LICENCE)


def guards(headers, text_of=source.text_of):
    """The guard ends like the file is named, and nobody else has it."""
    seen = {}
    for name in headers:
        words = source.code_of(text_of(name)).split()[:4]
        end = re.sub(r"\W", "_", os.path.basename(name)).upper()
        if words[0:3:2] != ["#ifndef", "#define"] or words[1] != words[3]:
            yield "%s: no guard" % name
        elif not words[1].endswith("_" + end):
            yield "%s: the guard is %s, and does not end with _%s" % (name, words[1], end)
        elif words[1] in seen:
            yield "%s: the guard is that of %s" % (name, seen[words[1]])
        else:
            seen[words[1]] = name


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
        if m and not (name.endswith("packages.txt") and line in DEBIAN):
            yield at + "a package registry: " + m.group()
        m = HOST.search(line)
        if m:
            yield at + "a host of one place: " + m.group(1)
        m = TRACES.search(line)
        if m:
            yield at + "belongs into an issue, not here: " + m.group()


def findings(names):
    for name in names:
        text = source.text_of(name)
        if is_code(name, text):
            if not name.startswith(NO_LICENCE):
                yield from licence(name, text)
            yield from parses(name, text)
        yield from traces(name, text)
        if text and not text.endswith("\n") and not name.endswith(CAPTURES):
            yield "%s: the last line does not end" % name
        if "\r" in text:
            yield "%s: lines end with CR" % name
    yield from guards([n for n in names if n.endswith(".h")])


def main():
    names = [n for n in source.files() if n != "LICENSE" and not n.endswith((".png", ".bin"))]
    source.report(findings(names), len(names))


if __name__ == "__main__":
    main()
