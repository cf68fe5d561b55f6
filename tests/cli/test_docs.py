# SPDX-License-Identifier: Apache-2.0
"""The generated references are what the program says now."""

import cli

BEGIN = "<!-- proxtop --list-options: begin -->\n"
END = "<!-- proxtop --list-options: end -->\n"


class Docs(cli.Cli):
    def test_options(self):
        text = (cli.SOURCE / "console/README.md").read_text(encoding="utf-8")
        self.assertEqual((text.count(BEGIN), text.count(END)), (1, 1), "markers in README.md")
        written = text.split(BEGIN)[1].split(END)[0].strip()
        now = self.run_program("--list-options=markdown", host=False).stdout.strip()
        self.assertEqual(
            written, now, "console/README.md is behind: put proxtop --list-options there"
        )

    def test_metrics(self):
        written = (cli.SOURCE / "console/METRICS.md").read_text(encoding="utf-8")
        now = self.run_program("--list-metrics=markdown", host=False).stdout
        self.assertEqual(
            written, now, "run proxtop --list-metrics=markdown > console/METRICS.md"
        )


if __name__ == "__main__":
    cli.main()
