# SPDX-License-Identifier: Apache-2.0
"""Terminals of all kinds and sizes: colours, none, ASCII, resize, mouse."""
import pathlib
import re
import sys
import time
import unittest

import console_case
from console_case import BAR, Case

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden/screens"))
import views  # noqa: E402

VIEWS = "".join(views.of(console_case.PROXTOP).values())


def colours(ansi):
    """The parameters of every SGR sequence that chooses a colour."""
    found = set()
    for parameters in re.findall(r"\x1b\[([\d;]*)m", ansi):
        parts = [int(p or 0) for p in parameters.split(";")]
        i = 0
        while i < len(parts):
            if parts[i] in (38, 48):
                kind = parts[i + 1]
                found.add((parts[i], *parts[i + 1:i + (3 if kind == 5 else 5)]))
                i += 3 if kind == 5 else 5
                continue
            if 30 <= parts[i] <= 37 or 40 <= parts[i] <= 47 or 90 <= parts[i] <= 107:
                found.add((parts[i],))
            i += 1
    return found


def attributes(ansi):
    return {int(p or 0) for parameters in re.findall(r"\x1b\[([\d;]*)m", ansi)
            for p in parameters.split(";")} & {1, 2, 4, 7}


class Colours(Case):
    def screens(self, **env):
        """The ANSI text of a few screens."""
        t = self.proxtop("--frequency=1", env=env)
        t.wait(BAR)
        got = []
        for keys in ("", "c", "o", "{Esc}a{Enter}", "{Esc}?"):
            t.keys(keys)
            time.sleep(0.3)
            got.append(t.ansi())
        t.keys("{Esc}q", 0.1)
        self.assertEqual(t.dead(), "0")
        return "".join(got)

    def test_256(self):
        self.assertTrue(colours(self.screens(TERM="xterm-256color")))

    def test_8(self):
        """TERM=xterm has eight: no others are sent."""
        found = colours(self.screens(TERM="xterm"))
        self.assertTrue(found)
        self.assertTrue(all(len(c) == 1 and c[0] < 48 for c in found), found)

    def test_none(self):
        """NO_COLOR, and a terminal without: attributes only.  An empty NO_COLOR is none."""
        for env in ({"TERM": "xterm-256color", "NO_COLOR": "1"}, {"TERM": "vt100"},
                    {"TERM": "vt220"}):
            with self.subTest(env=env):
                ansi = self.screens(**env)
                self.assertEqual(colours(ansi), set())
                self.assertIn(7, attributes(ansi), "something is reversed")
        self.assertTrue(colours(self.screens(TERM="xterm-256color", NO_COLOR="")))

    def test_ascii(self):
        """Where the locale is not UTF-8, not one other character, in any view."""
        t = self.proxtop("--frequency=1", env={"LANG": "C"})
        t.wait(BAR)
        for keys in [*VIEWS, "a{Enter}", "{Esc}?", "{Esc}f", "{Esc}v", "v/w", "{Esc}'\""]:
            t.keys(keys)
            time.sleep(0.2)
            text = t.text()
            self.assertTrue(text.isascii(), f"after {keys}: {text}")
            # What curses cannot show is a question mark: frames and graphs are made of others.
            self.assertNotIn("??", text, f"after {keys}: {text}")
        self.assertRegex(text, BAR)


class Sizes(Case):
    def fits(self, t, columns, rows):
        """Drawn for that size: the first and the last line are where they belong."""
        def ok(screen):
            lines = screen.split("\n")
            return (re.search(BAR, lines[0]) and len(lines) == rows and lines[-1].strip()
                    and max(map(len, lines)) <= columns)
        t.wait(ok)

    def test_resize(self):
        t = self.proxtop("--frequency=1", size=(60, 15))
        self.fits(t, 60, 15)
        for size in ((200, 50), (80, 24), (400, 100), (60, 15), (120, 40)):
            t.resize(*size)
            self.fits(t, *size)

    def test_too_small(self):
        """Says what it needs, as far as that fits, and is there again when there is room."""
        t = self.proxtop("--frequency=1", size=(60, 15))
        self.fits(t, 60, 15)
        for size, said in (((59, 15), "At least 60x15, this is 59x15"),
                           ((60, 14), "At least 60x15, this is 60x14"),
                           ((40, 10), "At least 60x15, this is 40x10"), ((10, 3), "At least")):
            t.resize(*size)
            t.wait(lambda screen, said=said: screen.strip().startswith(said))
        for size in ((2, 1), (1, 2), (80, 24)):
            t.resize(*size)
        self.fits(t, 80, 24)
        t.resize(20, 5)
        t.keys("q")
        self.assertEqual(t.dead(), "0")

    def test_many(self):
        """A window that is dragged, while keys come."""
        t = self.proxtop("--frequency=1", size=(60, 15))
        self.fits(t, 60, 15)
        for i in range(60):
            t.resize(60 + i * 2, 15 + i)
            if i % 3 == 0:
                t.keys(VIEWS[i // 3 % len(VIEWS)])
        t.resize(100, 30)
        self.fits(t, 100, 30)


class Mouse(Case):
    """Clicks as terminals send them: SGR for TERM=xterm-256color, the old way for tmux's own."""

    def at(self, t, title):
        """Where on the screen a column's title is."""
        for row, line in enumerate(t.lines()):
            m = re.search(rf"(?<= ){title}(?=[v^ ])", line)
            if m and "NAME" in line:
                return m.start() + 1, row
        self.fail(f"no {title} in\n{t.text()}")

    def sorted_by(self, t, click):
        click(*self.at(t, "CPU"))
        t.wait(r"Sort: CPUv")
        click(*self.at(t, "CPU"))
        t.wait(r"Sort: CPU\^")
        click(*self.at(t, "NAME"))
        t.wait(r"Sort: NAME")

    def test_sgr(self):
        t = self.proxtop("--frequency=1", "--mouse", env={"TERM": "xterm-256color"})
        t.wait(BAR)
        self.assertNotEqual(t.facts("mouse_any_flag"), ["0"])
        self.sorted_by(t, t.click)

    def test_old(self):
        t = self.proxtop("--frequency=1", "--mouse", env={"TERM": "tmux-256color"})
        t.wait(BAR)

        def click(column, row):
            for button in (0, 3):
                t.raw(bytes((27, ord("["), ord("M"), 32 + button, 33 + column, 33 + row)))
        self.sorted_by(t, click)

    def test_off(self):
        """Without --mouse the terminal keeps its own (selecting text); F2 switches."""
        t = self.proxtop("--frequency=1")
        t.wait(BAR)
        self.assertEqual(t.facts("mouse_any_flag"), ["0"])
        t.keys("{F2}")
        self.wait("the mouse", lambda: t.facts("mouse_any_flag") != ["0"])
        t.keys("{F2}")
        self.wait("no mouse", lambda: t.facts("mouse_any_flag") == ["0"])

    def test_rows(self):
        """Sorted by a click, the rows are in that order, and in the other after one more; a row
        that is clicked has the cursor."""
        *_, connect = self.cluster_of_two()
        t = self.proxtop(connect, "--frequency=1", "--mouse", host=False,
                         env={"TERM": "xterm-256color"})
        t.wait(r"alpha")
        t.wait(r"beta")

        def order(screen):
            return re.findall(r"^[> ] web +(\w+)", screen, re.M)
        t.click(*self.at(t, "HOST"))
        t.wait(r"Sort: HOST")
        first = order(t.wait(lambda s: len(order(s)) == 2))
        self.assertEqual(sorted(first), ["alpha", "beta"])
        t.click(*self.at(t, "HOST"))
        t.wait(lambda s: order(s) == first[::-1])
        row = next(i for i, line in enumerate(t.lines()) if re.match(r"  web ", line))
        name = t.lines()[row].split()[1]
        t.click(3, row)
        t.wait(rf"^> web +{name}\b")


if __name__ == "__main__":
    unittest.main()
