# SPDX-License-Identifier: Apache-2.0
"""What the READMEs tell people to write, so that tests run exactly that."""

import pathlib
import re
import shlex

TOP = pathlib.Path(__file__).resolve().parents[2]
OUTPUTS = "aggregator/output/README.md"


def section(path, title):
    """The text below a heading, up to the next one of any level."""
    text = (TOP / path).read_text(encoding="utf-8")
    found = re.search(r"^#+ %s\n(.*?)(?=^#+ |\Z)" % re.escape(title), text, re.M | re.S)
    if not found:
        raise AssertionError("%s has no section %s" % (path, title))
    return found[1]


def blocks(path, title):
    """The code blocks of a section."""
    return re.findall(r"^```\w*\n(.*?)^```$", section(path, title), re.M | re.S)


def outputs(text, peer):
    """The URLs of --output in commands that write to this peer (host:port)."""
    found = []
    for command in re.findall(r"^\s*(?:proxtop-aggregator\b|--output=).*", text, re.M):
        for word in shlex.split(command.rstrip("\\")):
            url = word.removeprefix("--output=")
            if url != word and f"://{peer}" in url:
                found.append(url)
    return found
