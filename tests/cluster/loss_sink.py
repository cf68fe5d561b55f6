# SPDX-License-Identifier: Apache-2.0
"""The databases of loss.py, each a process of its own that can be killed at any moment.

  loss_sink.py http ADDRESS PORT DIR NUMBER
      Takes bodies by POST.  A body is in DIR/http-NUMBER before 204 is answered.  While there is a
      file DIR/500 it answers 500 and keeps nothing.
  loss_sink.py tcp DIR
      Reads the connections that come through standard input (a Unix socket), and says there
      which ones have ended.  What it reads is in DIR/tcp-ID.read before it is taken
      out of the kernel: chunks, each after its length.
"""

import os
import selectors
import socket
import struct
import sys
import threading

LENGTH = struct.Struct("!I")


def write_all(fd, data):
    while data:
        data = data[os.write(fd, data):]


class Http:
    def __init__(self, address, port, directory, number):
        self.directory = directory
        self.lock = threading.Lock()
        self.file = os.open(os.path.join(directory, "http-" + number),
                            os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.listener = socket.create_server((address, int(port)))

    def run(self):
        while True:
            peer, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

    def serve(self, peer):
        try:
            with peer, peer.makefile("rb") as lines:
                while self.one(peer, lines):
                    pass
        except OSError:
            pass  # the writer has gone

    def one(self, peer, lines):
        if not lines.readline():
            return False
        length = 0
        while (line := lines.readline()) not in (b"\r\n", b""):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
            if name.lower() == b"expect":
                peer.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = lines.read(length)
        if len(body) < length:
            return False
        if os.path.exists(os.path.join(self.directory, "500")):
            peer.sendall(b"HTTP/1.1 500 Broken\r\nContent-Length: 7\r\n\r\nbroken\n")
            return True
        with self.lock:
            write_all(self.file, body)
        peer.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
        return True


class Tcp:
    def __init__(self, directory):
        self.directory = directory
        self.control = socket.socket(fileno=0)
        self.poll = selectors.DefaultSelector()

    def run(self):
        self.poll.register(self.control, selectors.EVENT_READ)
        while True:
            for key, _ in self.poll.select():
                if key.fileobj is self.control:
                    self.take()
                else:
                    self.read(key.fileobj, *key.data)

    def take(self):
        name, fds, _, _ = socket.recv_fds(self.control, 64, 1)
        if not name:
            sys.exit(0)
        peer = socket.socket(fileno=fds[0])
        peer.setblocking(False)
        file = os.open(os.path.join(self.directory, "tcp-%s.read" % name.decode()),
                       os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        self.poll.register(peer, selectors.EVENT_READ, (name, file))

    def read(self, peer, name, file):
        try:
            data = peer.recv(1 << 16, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if data:
            write_all(file, LENGTH.pack(len(data)) + data)
            peer.recv(len(data))
            return
        self.poll.unregister(peer)
        peer.close()
        os.close(file)
        self.control.send(name)


if __name__ == "__main__":
    {"http": Http, "tcp": Tcp}[sys.argv[1]](*sys.argv[2:]).run()
