# SPDX-License-Identifier: Apache-2.0
"""Who reads lines from whoever connects."""

import socket
import threading


def shut(sockets):
    for s in sockets:
        try:
            s.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        s.close()


class LineServer:
    """Each line, without its \\n, goes to take(), which is the heir's, in a thread of its connection.

    sizes: the most that is read at once, by turns; of none nothing is read.  .rest is what came
    last behind a \\n."""

    def __init__(self, listener, sizes=(1 << 20,)):
        self.listener, self.sizes = listener, sizes
        self.port = listener.getsockname()[1]
        self.open, self.rest = [listener], b""
        self.lock = threading.Lock()
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            self.open.append(peer)
            if self.sizes:
                threading.Thread(target=self.read, args=(peer,), daemon=True).start()

    def read(self, peer):
        rest, n = b"", 0
        with peer:
            while data := self.receive(peer, self.sizes[n % len(self.sizes)]):
                n += 1
                *lines, rest = (rest + data).split(b"\n")
                for line in lines:
                    self.take(line)
                self.rest = rest

    @staticmethod
    def receive(peer, size):
        try:
            return peer.recv(size)
        except OSError:
            return b""

    def close(self):
        shut(self.open)
