# SPDX-License-Identifier: Apache-2.0
"""A program on a terminal of its own, which nobody looks at: when it writes, and how much."""
import fcntl
import os
import pty
import signal
import struct
import termios
import threading
import time


class PtyScreen:
    """Running until the end of the with block."""

    def __init__(self, argv, cols=200, rows=50, env=None):
        self.began = time.monotonic()
        self.pid, self.fd = pty.fork()
        if not self.pid:
            os.environ.update({"TERM": "xterm-256color", "LC_ALL": "C.UTF-8", **(env or {})})
            # Before it looks how large its terminal is.
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", rows, cols, 0, 0))
            os.execv(argv[0], argv)
        self.lock = threading.Condition()
        self.text = b""
        self.wrote = []                 # (time, how many bytes there are then)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        while True:
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:             # the other side has gone
                data = b""
            with self.lock:
                self.text += data
                self.wrote.append((time.monotonic(), len(self.text)))
                self.lock.notify_all()
            if not data:
                return

    def wait_for(self, text, seconds=20, since=0):
        """Seconds from the start until it had been written; None: it was not."""
        until = time.monotonic() + seconds
        with self.lock:
            while text not in self.text[since:]:
                left = until - time.monotonic()
                if left <= 0:
                    return None
                self.lock.wait(left)
            end = self.text.index(text, since) + len(text)
        return next(when for when, n in self.wrote if n >= end) - self.began

    def send(self, keys):
        os.write(self.fd, keys.encode())

    def answer_s(self, keys, quiet=0.05):
        """Seconds from a key until the last byte that it brought; None: nothing came."""
        with self.lock:
            before = len(self.wrote)
        began = time.monotonic()
        self.send(keys)
        until = began + 0.5
        while time.monotonic() < until:
            time.sleep(quiet / 10)
            with self.lock:
                last = self.wrote[-1][0] if len(self.wrote) > before else None
            if last and time.monotonic() - last > quiet:
                return last - began
        return None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.kill(self.pid, signal.SIGTERM)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
        return False
