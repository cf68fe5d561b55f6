# SPDX-License-Identifier: Apache-2.0
"""However proxtop ends or is stopped, the terminal is as it was before."""
import os
import re
import signal
import subprocess
import time
import unittest

from console_case import BAR, PROXTOP, Case, alive, children, cpu_seconds

STATE = ("alternate_on", "cursor_flag", "mouse_any_flag", "keypad_flag", "keypad_cursor_flag")


def read(path):
    """What stty says, without the size."""
    with open(path, encoding="ascii") as f:
        return re.sub(r"rows \d+; columns \d+; ", "", f.read())


class Restored(Case):
    """A shell, and whether it has its terminal back."""
    times = 0

    def begin(self, *options):
        """A shell that has started it, and what its terminal was like before."""
        t = self.shell()
        t.type("stty -a > before; echo said before".replace("before;", f"{t.directory}/before;"))
        t.wait(r"^said before$")
        self.was = t.facts(*STATE)
        self.assertEqual(self.was[:2], ["0", "1"], "a shell: no alternate screen, a cursor")
        t.type(self.command(*options))
        t.wait(BAR)
        self.assertEqual(t.facts(*STATE[:2]), ["1", "0"], "alternate screen, no cursor")
        return t

    def restored(self, t, status=None):
        """Back in the shell, which sees its terminal as it was, with what was there."""
        screen = t.wait(r"^said before$(.|\n)*^\$\Z")
        self.assertNotRegex(screen, BAR)
        self.assertEqual(t.facts(*STATE), self.was, dict(zip(STATE, t.facts(*STATE))))
        # Before: $? is the program's.
        self.times += 1
        t.type(f"echo status {self.times}: $?; stty -a > {t.directory}/after; echo after {self.times}")
        screen = t.wait(rf"^after {self.times}$")
        if status is not None:
            self.assertRegex(screen, rf"(?m)^status {self.times}: {status}$")
        self.assertEqual(*(read(f"{t.directory}/{f}") for f in ("before", "after")), "stty -a")


class Ends(Restored):
    def test_quit(self):
        for keys in ("q", "{Ctrl-C}", "c?{Esc}2{Enter}{Esc}q"):
            with self.subTest(keys=keys):
                t = self.begin()
                t.keys(keys, 0.1)
                self.restored(t, 0)

    def test_signals(self):
        for name in ("SIGTERM", "SIGHUP", "SIGINT", "SIGQUIT"):
            with self.subTest(signal=name):
                t = self.begin("--mouse")
                os.kill(self.pid_in(t), getattr(signal, name))
                self.restored(t, 0)

    def test_stopped(self):
        """Ctrl-Z and fg, twice; the size has changed meanwhile."""
        t = self.begin("--mouse")
        for size in ((100, 30), (120, 40)):
            t.keys("{Ctrl-Z}")
            t.wait("Stopped")
            self.restored(t)
            t.resize(*size)
            t.type("fg")
            t.wait(lambda s, rows=size[1]: re.search(BAR, s, re.M) and
                   s.split("\n")[rows - 1:][:1] and "VMs, all" in s.split("\n")[rows - 1])
            self.assertEqual(t.facts(*STATE[:2]), ["1", "0"])
            self.assertNotEqual(t.facts("mouse_any_flag"), ["0"], "the mouse is taken again")
        t.keys("c")
        t.wait("View: CPU")
        t.keys("q")
        self.restored(t, 0)

    def test_stopped_from_outside(self):
        """SIGSTOP cannot be seen coming; after SIGCONT all is drawn anew."""
        t = self.begin()
        pid = self.pid_in(t)
        os.kill(pid, signal.SIGSTOP)
        t.wait("Stopped")
        t.type("clear; fg")
        t.wait(BAR)
        t.keys("q")
        self.wait("its end", lambda: not alive(pid))
        self.assertEqual(t.facts(*STATE[:2]), ["0", "1"])

    def test_terminal_goes(self):
        """The window is closed: it ends, also where it does not hear SIGHUP, and burns nothing."""
        for how in ("", "trap '' HUP; "):
            with self.subTest(how=how):
                t = self.open("sh", "-c", how + "exec " + self.command())
                t.wait(BAR)
                pid = int(t.facts("pane_pid")[0])
                with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                    self.assertEqual(f.read().strip(), "proxtop")
                t.tmux("kill-pane")
                self.wait("its end", lambda: not alive(pid), 10)

    def test_quiet(self):
        """Nobody presses anything: next to no CPU time."""
        t = self.proxtop("--frequency=1")
        t.wait(BAR)
        pid = int(t.facts("pane_pid")[0])
        time.sleep(1)
        used = cpu_seconds(pid)
        time.sleep(4)
        self.assertLess(cpu_seconds(pid) - used, 0.4, "CPU seconds in 4 s")

    def test_no_processes_left(self):
        t = self.begin()
        shell = int(t.facts("pane_pid")[0])
        t.keys("q")
        self.restored(t, 0)
        self.assertEqual(children(shell), [])


class Refused(Case):
    """Where there is no terminal it says so in one line, and draws nothing."""

    def test_no_terminal(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("PROXTOP")}
        done = subprocess.run([PROXTOP, *self.host], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, timeout=20, check=False, env=env)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertIn("--printer=text", done.stderr)

    def test_one_is_missing(self):
        """Only stdin, or only stdout, is a terminal."""
        t = self.shell()
        for redirect, which in (("< /dev/null", "stdin"), ("| cat", "stdout")):
            with self.subTest(missing=which):
                t.type(f"clear; {self.command()} {redirect}; echo {which}=${{PIPESTATUS[0]}}")
                screen = t.wait(rf"^{which}=\d")
                self.assertRegex(screen, rf"(?m)^proxtop: .*{which} is no terminal")
                self.assertIn("--printer=text", screen)
                self.assertRegex(screen, rf"(?m)^{which}=2$")
                self.assertEqual(t.facts("alternate_on"), ["0"])

    def test_term(self):
        """An unknown terminal, one that cannot move the cursor, none at all."""
        t = self.shell()
        for term in ("dumb", "no-such-terminal", ""):
            with self.subTest(TERM=term):
                t.resize(300, 20)
                t.type(f"clear; TERM={term} {self.command()} 2> {t.directory}/why; echo of {term}=$?")
                screen = t.wait(rf"^of {term}=\d")
                self.assertRegex(screen, rf"(?m)^of {term}=2$")
                with open(f"{t.directory}/why", encoding="utf-8") as f:
                    why = f.read()
                self.assertEqual(why.count("\n"), 1, why)
                self.assertIn(f"TERM={term} ", why)
                self.assertIn("--printer=text", why)
                self.assertEqual(t.facts("alternate_on"), ["0"])


if __name__ == "__main__":
    unittest.main()
