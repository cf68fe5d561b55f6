# SPDX-License-Identifier: Apache-2.0
"""The generated references are what the program says now."""

import cli

MARKS = ("<!-- proxtop --%s: begin -->\n", "<!-- proxtop --%s: end -->\n")


class Docs(cli.Cli):
    def check_block(self, option):
        """What stands in console/README.md is what the option prints."""
        text = (cli.SOURCE / "console/README.md").read_text(encoding="utf-8")
        begin, end = (mark % option for mark in MARKS)
        self.assertEqual((text.count(begin), text.count(end)), (1, 1), "markers in README.md")
        written = text.split(begin)[1].split(end)[0].strip()
        now = self.run_program(f"--{option}=markdown", host=False).stdout.strip()
        self.assertGreater(len(now), 1000, f"--{option} prints too little")
        self.assertEqual(
            written, now, f"console/README.md is behind: put proxtop --{option} there"
        )

    def test_options(self):
        self.check_block("list-options")

    def test_keys(self):
        self.check_block("list-keys")

    def test_metrics(self):
        written = (cli.SOURCE / "console/METRICS.md").read_text(encoding="utf-8")
        now = self.run_program("--list-metrics=markdown", host=False).stdout
        self.assertEqual(
            written, now, "run proxtop --list-metrics=markdown > console/METRICS.md"
        )


if __name__ == "__main__":
    cli.main()
