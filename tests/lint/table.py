# SPDX-License-Identifier: Apache-2.0
"""metrics.def is the only list of metrics: no other source writes a key or a name of it.

Words that are also plain English or somebody else's (name, disk, state, ...) say nothing,
so only those count that nobody writes by chance: with an underscore, a slash or a capital
inside.
"""

import re

import source

ROW = re.compile(r"^METRIC\((\w+),(.*?)\)$", re.MULTILINE | re.DOTALL)
STRING = re.compile(r'"((?:\\.|[^"\\])*)"|\bNULL\b')
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_/]*")


def names_of(table):
    """key or name -> id of its metric"""
    found = {}
    for m in ROW.finditer(source.code_of(table)):
        key, name = [s.group(1) for s in STRING.finditer(m.group(2))][:2]
        for word in (key, name):
            if word and is_unmistakable(word):
                found[word] = m.group(1)
    return found


def is_unmistakable(word):
    return "_" in word or "/" in word or re.search(r"[a-z][A-Z]", word) is not None


def findings(names, table, text_of=source.text_of):
    metrics = names_of(table)
    for name in names:
        text = source.code_of(text_of(name))
        for m in source.TOKEN.finditer(text):
            if m.group()[0] != '"':
                continue
            for word in WORD.findall(m.group()):
                if word in metrics:
                    line = text.count("\n", 0, m.start()) + 1
                    yield "%s:%d: writes '%s', which is %s of metrics.def" % (
                        name,
                        line,
                        word,
                        metrics[word],
                    )


def main():
    table = source.text_of("common/metrics.def")
    names = [
        n
        for n in source.with_suffix(".c", ".h", ".def")
        if n.split("/")[0] in source.PARTS and n != "common/metrics.def"
    ]
    if len(names_of(table)) < 200:
        raise SystemExit("metrics.def is not understood")
    source.report(findings(names, table), len(names))


if __name__ == "__main__":
    main()
