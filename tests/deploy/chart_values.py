# SPDX-License-Identifier: Apache-2.0
"""The table of values in helm/README.md, from helm/values.yaml and its comments.

    chart_values.py            exit 1 when the README is behind
    chart_values.py --update   writes it anew

Only what values.yaml uses of YAML is understood: nested keys, flow values, and lists of maps, which
are shown as they stand.
"""
import pathlib
import re
import sys

HELM = pathlib.Path(__file__).resolve().parents[2] / "helm"
BEGIN, END = "<!-- values: begin -->\n", "<!-- values: end -->\n"
KEY = re.compile(r"^( *)([A-Za-z./]+):(?: (.*))?$")


def rows():
    """(path, default, comment) of each leaf."""
    path, comment, found = [], [], []
    lines = (HELM / "values.yaml").read_text(encoding="utf-8").splitlines()
    lines = lines[lines.index("") + 1:]
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        if line.strip().startswith("#"):
            comment.append(line.strip()[1:].strip())
            continue
        m = KEY.match(line)
        if not m:
            comment = []
            continue
        depth = len(m[1]) // 2
        path = path[:depth] + [m[2]]
        value, block = m[3], []
        while value is None and at < len(lines) and (
                lines[at].startswith("  " * (depth + 1)) and
                (lines[at].strip().startswith("- ") or block or m[2] in ("nodeSelector", "updateStrategy"))):
            block.append(lines[at].strip())
            at += 1
        if block:
            value = " ".join(block)
        if value is not None:
            found.append((".".join(path), value, " ".join(comment)))
        elif comment:
            found.append((".".join(path), "", " ".join(comment)))
        comment = []
    return found


def table():
    text = "| Value | Default | What |\n|---|---|---|\n"
    for path, value, comment in rows():
        shown = f"`{value}`" if value else ""
        text += f"| `{path}` | {shown} | {comment.replace('|', chr(92) + '|')} |\n"
    return text


def main():
    readme = HELM / "README.md"
    text = readme.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    now = before + BEGIN + "\n" + table() + "\n" + END + rest.split(END)[1]
    if sys.argv[1:] == ["--update"]:
        readme.write_text(now, encoding="utf-8")
    elif now != text:
        sys.exit("helm/README.md is behind: python3 tests/deploy/chart_values.py --update")


if __name__ == "__main__":
    main()
