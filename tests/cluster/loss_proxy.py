# SPDX-License-Identifier: Apache-2.0
"""Carries connections through, late: this is what makes a line slow where the kernel has no
netem.

  loss_proxy.py ADDRESS PORT=ADDRESS:PORT...

Orders come on standard input, a line each: "delay LEAST MOST" (milliseconds; each piece of
data waits its own time, in order), "reset" (all connections end at once, with a RST).
"""

import queue
import random
import socket
import struct
import sys
import threading
import time


class Proxy:
    def __init__(self):
        self.least = self.most = 0.0
        self.lock = threading.Lock()
        self.open = set()

    def listen(self, address, port, to):
        listener = socket.create_server((address, port))
        threading.Thread(target=self.accept, args=(listener, to), daemon=True).start()

    def accept(self, listener, to):
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=self.join, args=(peer, to), daemon=True).start()

    def join(self, peer, to):
        try:
            other = socket.create_connection(to, 10)
            other.settimeout(None)
        except OSError:
            peer.close()
            return
        for s in (peer, other):
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pair = (peer, other)
        with self.lock:
            self.open.add(pair)
        ways = [threading.Thread(target=self.carry, args=way, daemon=True)
                for way in (pair, pair[::-1])]
        for t in ways:
            t.start()
        for t in ways:
            t.join()
        with self.lock:
            self.open.discard(pair)
        for s in pair:
            s.close()

    def carry(self, source, to):
        """Until one of the two ends; then both do."""
        late = queue.Queue(64)
        writer = threading.Thread(target=self.write, args=(late, to), daemon=True)
        writer.start()
        data = b"x"
        while data:
            try:
                data = source.recv(1 << 16)
            except OSError:
                data = b""
            wait = random.uniform(self.least, self.most)
            late.put((time.monotonic() + wait, data))
        writer.join()
        self.shut(source, to)

    def write(self, late, to):
        data = b"x"
        failed = False
        while data:
            due, data = late.get()
            time.sleep(max(0, due - time.monotonic()))
            if failed:
                continue
            try:
                to.sendall(data)
            except OSError:
                failed = True

    def shut(self, *sockets):
        for s in sockets:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def reset(self):
        with self.lock:
            for pair in self.open:
                for s in pair:
                    try:
                        s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    except OSError:
                        pass
                self.shut(*pair)


def main():
    proxy = Proxy()
    for rule in sys.argv[2:]:
        port, _, to = rule.partition("=")
        address, _, to_port = to.rpartition(":")
        proxy.listen(sys.argv[1], int(port), (address, int(to_port)))
    for line in sys.stdin:
        order, *args = line.split()
        if order == "delay":
            proxy.least, proxy.most = (float(a) / 1000 for a in args)
        elif order == "reset":
            proxy.reset()


if __name__ == "__main__":
    main()
