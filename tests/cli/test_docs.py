# SPDX-License-Identifier: Apache-2.0
"""The generated references are what the programs say now.

    PROXTOP=build/bin/proxtop python3 tests/cli/test_docs.py             compares
    PROXTOP=build/bin/proxtop python3 tests/cli/test_docs.py --update    writes them anew
"""

import pathlib
import re
import subprocess
import sys

import cli

BIN = pathlib.Path(cli.PROGRAM).parent
BLOCK = re.compile(
    r"(?P<begin><!-- (?P<program>prox[a-z-]+) --(?P<option>[a-z-]+): begin -->\n)"
    r"(?P<text>.*?)"
    r"(?P<end><!-- (?P=program) --(?P=option): end -->\n)",
    re.DOTALL,
)
MINE = ("common", "agent", "aggregator", "console", "docker", "helm")


def says(program, option):
    command = [BIN / program, f"--{option}=markdown"]
    return subprocess.run(
        command, env=cli.environment(), timeout=cli.TIMEOUT, check=True, text=True,
        stdout=subprocess.PIPE
    ).stdout.strip()


def now(path):
    """The file's text with each block between its marks written anew, and how many there are."""
    return BLOCK.subn(
        lambda m: m["begin"] + "\n" + says(m["program"], m["option"]) + "\n\n" + m["end"],
        path.read_text(encoding="utf-8"),
    )


def files():
    return [p for room in MINE for p in sorted((cli.SOURCE / room).rglob("*.md"))]


class Docs(cli.Cli):
    def test_blocks(self):
        """Each program's options, and the console's keys, stand in one README."""
        seen = []
        for path in files():
            text, n = now(path)
            marks = len(re.findall("<!-- prox.*: begin -->", path.read_text(encoding="utf-8")))
            self.assertEqual(marks, n, f"{path}: a mark without its other one")
            self.assertEqual(
                path.read_text(encoding="utf-8"), text,
                f"{path} is behind: python3 tests/cli/test_docs.py --update",
            )
            seen += [(m["program"], m["option"]) for m in BLOCK.finditer(text)]
            for m in BLOCK.finditer(text):
                self.assertGreater(len(m["text"]), 1000, f"{path}: {m['begin']} has too little")
        programs = [p.name for p in BIN.glob("prox*") if p.is_file()]
        self.assertEqual(
            sorted(seen), sorted([(p, "list-options") for p in programs] + [("proxtop", "list-keys")])
        )

    def test_metrics(self):
        written = (cli.SOURCE / "console/METRICS.md").read_text(encoding="utf-8")
        done = self.run_program("--list-metrics=markdown", host=False).stdout
        self.assertEqual(
            written, done, "console/METRICS.md is behind: python3 tests/cli/test_docs.py --update"
        )


def update():
    for path in files():
        path.write_text(now(path)[0], encoding="utf-8")
    (cli.SOURCE / "console/METRICS.md").write_text(
        says("proxtop", "list-metrics") + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    if sys.argv[1:] == ["--update"]:
        update()
    else:
        cli.main()
