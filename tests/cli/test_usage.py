# SPDX-License-Identifier: Apache-2.0
"""Options on the command line: messages and exit codes. test_options.c has every
spelling; here is what only the whole program shows."""

import os
import subprocess

import cli

REFUSED = [
    # arguments, environment, what the one line says
    ([], {}, "without one: --printer=text"),
    (["-p", "ncurses"], {}, "--printer=text, json or openmetrics"),
    (["--connect=http://a:1"], {}, "--connect=http://a:1 is not possible; allowed: tcp://HOST:PORT"),
    (["--screen=80"], {}, "--screen=80 is not possible; allowed: COLSxROWS from 20x5"),
    (["--bogus"], {}, "unknown option --bogus"),
    (["-z"], {}, "unknown option -z"),
    (["-p", "text", "--frequncy=1"], {}, "did you mean --frequency?"),
    (["-p", "text", "-f"], {}, "--frequency needs a value; allowed: seconds from 0.1 to 86400"),
    (["-p", "text", "-f", "0"], {}, "--frequency=0 is not possible; allowed: seconds from 0.1"),
    (["-p", "text", "-f", "2,5"], {}, "--frequency=2,5 is not possible"),
    (["-p", "text", "-r", "0"], {}, "--runs=0 is not possible; allowed: 1 and up, or -1"),
    (["-p", "xml"], {}, "--printer=xml is not possible; allowed: ncurses, text, json, openmetrics, auto"),
    (["-p", "text", "-o", "mail"], {}, "--output=mail is not possible; allowed: stdout, file, tcp"),
    (["-p", "text", "-o", "file"], {}, "--output=file needs --target=PATH"),
    (["-p", "text", "-o", "tcp"], {}, "--output=tcp needs --target=HOST:PORT"),
    (["-p", "text", "-o", "udp"], {}, "--output=udp needs --target=HOST:PORT"),
    (["-p", "text", "-o", "tcp", "--target=nothing"], {}, "nothing"),
    (["-p", "text", "-o", "udp", "--target=h:99999"], {}, "h:99999"),
    (["-p", "text", "extra"], {}, "surplus argument extra"),
    (["-p", "text", "--cpu=1"], {}, "--cpu takes no value"),
    (["-p", "text", "--libvirt", "--proxmox"], {}, "--proxmox and --libvirt exclude each other"),
    (["-p", "text", "--log-level=x"], {}, "--log-level=x is not possible; allowed: error, warning"),
    (["-p", "text"], {"PROXTOP_FREQUENCY": "often"}, "PROXTOP_FREQUENCY=often is not possible"),
    (["-p", "text"], {"PROXTOP_CPU": "2"}, "PROXTOP_CPU=2 is not possible; allowed: yes, no"),
    (["-p", "text", "a\nb\x1b[2J"], {}, "surplus argument a?b?[2J"),
    (["-p", "x" * 5000], {}, "--printer=" + "x" * 80 + "... is not possible"),
]


class Usage(cli.Cli):
    def test_refused(self):
        """Exit 2, nothing on stdout, one line on stderr that says what is allowed."""
        for args, env, says in REFUSED:
            with self.subTest(args=args, env=env):
                done = self.run_program(*args, env=env, host=False)
                self.assertEqual(done.returncode, 2, done.stderr)
                self.assertEqual(done.stdout, "")
                self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
                self.assertTrue(done.stderr.startswith("proxtop: error: "), done.stderr)
                self.assertIn(says, done.stderr)

    def test_version(self):
        for option in ("-v", "--version"):
            done = self.run_program(option, host=False)
            self.assertRegex(done.stdout, r"^proxtop \d+\.\d+\.\d+\n$")
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_help(self):
        for option in ("-h", "--help"):
            done = self.run_program(option, host=False)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            at = [
                done.stdout.find("\n " + group + "\n")
                for group in (
                    "Application Options",
                    "What Is Looked At",
                    "Hypervisor Selection",
                    "Collectors",
                    "Output",
                    "Screen",
                    "Help Options",
                )
            ]
            self.assertNotIn(-1, at)
            self.assertEqual(at, sorted(at))
            self.assertIn("-f, --frequency=SECONDS", done.stdout)
            self.assertIn("(default: 2)", done.stdout)

    def test_help_in_any_environment(self):
        done = self.run_program("-h", env={"PROXTOP_RUNS": "none", "PROXTOP_X": 1}, host=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_unknown_variable_is_said(self):
        done = self.run_program(
            "-p", "text", "-r1", env={"PROXTOP_TARGE": "x", "PROXTOP_LOG_LEVEL": "warning"}
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = [line for line in done.stderr.splitlines() if "PROXTOP_" in line]
        self.assertEqual(len(lines), 1, done.stderr)
        self.assertIn("warning: unknown in the environment, not used: PROXTOP_TARGE ", lines[0])
        self.assertNotIn("PROXTOP_LOG_LEVEL", done.stderr)

    def test_environment_is_the_option(self):
        done = self.run_program(env={"PROXTOP_PRINTER": "text", "PROXTOP_RUNS": 1})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("UUID\tname", done.stdout)

    def test_target_without_use_is_said(self):
        done = self.run_program("-p", "text", "-r1", "--target=h:1")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("--target is not used with --output=stdout", done.stderr)

    def test_metrics_are_listed(self):
        done = self.run_program("--list-metrics", host=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        keys = [line.split()[0] for line in done.stdout.splitlines()]
        for key in ("UUID", "cpu_total", "cpu_steal", "ram_used", "io_MBRD/s", "psi_some_cpu"):
            self.assertIn(key, keys)
        markdown = self.run_program("--list-metrics=markdown", host=False)
        for key in set(keys) - {"KEY", "-"}:
            self.assertIn(f"`{key}`", markdown.stdout)

    def test_full_disk_is_said(self):
        with open("/dev/full", "w", encoding="ascii") as full:
            for option in ("--help", "--version", "--list-metrics", "--list-keys", "--list-options"):
                done = self.run_program(option, host=False, stdout=full)
                self.assertEqual(done.returncode, 1, option)
                self.assertIn("cannot write to stdout", done.stderr)

    def test_closed_descriptors(self):
        for fd in (0, 1, 2):
            done = subprocess.run(
                ["/bin/sh", "-c", f'exec "$0" "$@" {fd}>&-', cli.PROGRAM]
                + self.host + ["-p", "text", "-r1"],
                env=cli.environment(), capture_output=True, timeout=cli.TIMEOUT, check=False,
            )
            self.assertEqual(done.returncode, 0, (fd, done.stderr))

    def test_locale_changes_no_number(self):
        for locale in ("C", "C.UTF-8", "de_DE.UTF-8"):
            done = self.run_program(
                "-p", "json", "-r1", "-f", "0.5", env={"LC_ALL": locale, "LANG": locale}
            )
            self.assertEqual(done.returncode, 0, (locale, done.stderr))
            self.assertRegex(done.stdout, r'"interval":0\.\d+')


if __name__ == "__main__":
    os.environ.pop("ARGP_HELP_FMT", None)
    cli.main()
