# SPDX-License-Identifier: Apache-2.0
"""A real terminal for a program: a tmux server of its own, keys sent, the screen captured."""
import os
import re
import shutil
import subprocess
import tempfile
import time

# Keys of proxtop's --keys scripts, as tmux calls them.
NAMES = {"Enter": "Enter", "Esc": "Escape", "Backspace": "BSpace", "Tab": "Tab", "Space": "Space",
         "Up": "Up", "Down": "Down", "Left": "Left", "Right": "Right", "PageUp": "PPage",
         "PageDown": "NPage", "Home": "Home", "End": "End", "Delete": "DC", "Ctrl-C": "C-c",
         "Ctrl-Z": "C-z", "Ctrl-L": "C-l", **{f"F{i}": f"F{i}" for i in range(1, 13)}}


def script(text):
    """A script of --keys in its parts: one character, or the name of a key in braces."""
    parts = []
    for m in re.finditer(r"\{\{|\{([^}]*)\}|[^{]", text):
        if m[1] is None:
            parts.append("{" if m[0] == "{{" else m[0])
        elif m[1] in NAMES:
            parts.append("{" + m[1] + "}")
        else:
            raise ValueError(f"{text!r}: no key {m[1]!r}")
    return parts


def zombie(pid):
    """The wait status of a process that has ended and that nobody has waited for."""
    try:
        with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as f:
            text = f.read()
    except OSError:
        return None
    fields = text[text.rindex(")") + 2:].split()
    return int(fields[49]) if fields[0] == "Z" else None


class Terminal:
    """A terminal of that size with one program in it.  size is (columns, rows)."""

    def __init__(self, *command, size=(120, 40), env=None, directory=None, term="tmux-256color"):
        self.made = directory is None
        self.directory = directory or tempfile.mkdtemp(prefix="proxtop-tmux-")
        self.socket = os.path.join(self.directory, "tmux")
        clean = {k: v for k, v in os.environ.items()
                 if not k.startswith(("PROXTOP", "TMUX", "LC_")) and k != "NO_COLOR"}
        clean.update({"LANG": "C.UTF-8", "TERM": "xterm-256color",
                      "XDG_CONFIG_HOME": os.path.join(self.directory, "config"), **(env or {})})
        # The server keeps its first environment, the program inside gets another LANG and TERM.
        inside = ["env", f"TERM={clean['TERM'] if env and 'TERM' in env else term}",
                  f"LANG={clean['LANG']}"]
        self.server_env = {**clean, "LANG": "C.UTF-8", "TERM": "xterm-256color"}
        self.tmux("new-session", "-d", "-x", str(size[0]), "-y", str(size[1]), *inside, *command)
        self.tmux("set", "-g", "status", "off")
        self.tmux("set", "-g", "window-size", "manual")
        self.tmux("set", "-s", "escape-time", "0")
        self.tmux("set", "-g", "remain-on-exit", "on")
        self.resize(*size)

    def tmux(self, *args, check=True):
        done = subprocess.run(["tmux", "-S", self.socket, "-f", "/dev/null", *args],
                              env=self.server_env, capture_output=True, text=True, timeout=20,
                              check=False)
        if check and done.returncode:
            raise RuntimeError(f"tmux {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    # ---- keys ----

    def keys(self, text, pause=0.0):
        """Presses the keys of a --keys script."""
        for part in script(text):
            if len(part) > 1:
                self.tmux("send-keys", NAMES[part[1:-1]])
            else:
                self.tmux("send-keys", "-l", "--", part)
            time.sleep(pause)

    def type(self, line):
        """A line for a shell."""
        self.tmux("send-keys", "-l", "--", line)
        self.tmux("send-keys", "Enter")

    def raw(self, octets):
        """Exactly these bytes, as a mouse sends them."""
        self.tmux("send-keys", "-H", *[f"{b:02x}" for b in octets])

    def click(self, column, row):
        """The left button at that cell, from 0,0, as a terminal with SGR mouse says it."""
        self.raw(b"\x1b[<0;%d;%dM" % (column + 1, row + 1))
        self.raw(b"\x1b[<0;%d;%dm" % (column + 1, row + 1))

    # ---- the screen ----

    def text(self):
        return self.tmux("capture-pane", "-p").rstrip("\n")

    def lines(self):
        return self.text().split("\n")

    def ansi(self):
        """With colours, and with the blanks at the ends of lines, which may have one too."""
        return self.tmux("capture-pane", "-e", "-N", "-p")

    def facts(self, *names):
        """tmux's variables of the pane: alternate_on, cursor_flag, pane_pid, …"""
        out = self.tmux("display-message", "-p", "\t".join("#{%s}" % n for n in names))
        return out.rstrip("\n").split("\t")

    def wait(self, what, seconds=20):
        """Until what(screen text) is true, or a text or pattern is on it; the screen then."""
        ok = what if callable(what) else re.compile(what, re.M).search
        until = time.monotonic() + seconds
        while True:
            screen = self.text()
            if ok(screen):
                return screen
            if time.monotonic() > until:
                raise TimeoutError(f"not on the screen within {seconds} s: {what}\n{screen}")
            time.sleep(0.05)

    def resize(self, columns, rows):
        self.tmux("resize-window", "-x", str(columns), "-y", str(rows))

    # ---- the end ----

    def dead(self, seconds=10):
        """Waits for the program's end; its exit status (a text), "" when a signal ended it, or
        None when it goes on."""
        until = time.monotonic() + seconds
        while True:
            # tmux does not always hear of it, and does not always know how.
            pid, status, killed = self.facts("pane_pid", "pane_dead_status", "pane_dead_signal")
            if status or killed:
                return status
            ended = zombie(int(pid))
            if ended is not None:
                return "" if ended & 0x7f else str(ended >> 8)
            if time.monotonic() > until:
                return None
            time.sleep(0.05)

    def close(self):
        self.tmux("kill-server", check=False)
        if self.made:
            shutil.rmtree(self.directory, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.close()
