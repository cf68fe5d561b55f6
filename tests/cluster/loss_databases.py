# SPDX-License-Identifier: Apache-2.0
"""The two databases of loss.py, seen by who kills them."""

import pathlib
import socket
import subprocess
import sys
import threading
import time

from cluster import Program
from namespaces import dies_with_us

HERE = pathlib.Path(__file__).resolve().parent
PYTHON = [sys.executable, "-B"]
HTTP_SINK, TCP_SINK = 8080, 9000


def program(host, command, log):
    with host.entered():
        return Program(dies_with_us(command), log)


class HttpSink:
    def __init__(self, host, directory):
        self.host, self.directory = host, directory
        self.runs = 0
        self.start()

    def start(self):
        self.runs += 1
        self.program = program(
            self.host,
            [*PYTHON, HERE / "loss_sink.py", "http", self.host.address, HTTP_SINK,
             self.directory, self.runs],
            self.directory / "http.log",
        )

    def kill(self):
        self.program.kill()

    def fail(self, yes):
        path = self.directory / "500"
        path.touch() if yes else path.unlink()


class TcpSink:
    """A reader that can be killed, and we, who hold its connections too: what the kernel had
    acknowledged and the killed reader never read is then taken out, and kept apart."""

    def __init__(self, host, directory):
        self.host, self.directory = host, directory
        self.lock = threading.Lock()
        self.number = 0
        self.start()
        threading.Thread(target=self.keep, daemon=True).start()

    def start(self):
        with self.lock:
            self.peers = {}
            self.listener = self.host.listen((self.host.address, TCP_SINK))
            self.listener.setblocking(False)
            self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            self.control.setblocking(False)
            with open(self.directory / "tcp.log", "ab") as log, self.host.entered():
                self.process = subprocess.Popen(
                    dies_with_us([*PYTHON, HERE / "loss_sink.py", "tcp", self.directory]),
                    stdin=theirs, stdout=log, stderr=log,
                )
            theirs.close()

    def keep(self):
        while True:
            with self.lock:
                if self.listener:
                    self.accept()
                    self.forget()
            time.sleep(0.02)

    def accept(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except BlockingIOError:
                return
            self.number += 1
            name = str(self.number)
            self.peers[name] = peer
            try:
                socket.send_fds(self.control, [name.encode()], [peer.fileno()])
            except OSError:
                pass  # it has just been killed

    def forget(self):
        try:
            while name := self.control.recv(64):
                self.peers.pop(name.decode()).close()
        except OSError:
            pass

    def kill(self, reset):
        """kill -9.  Meanwhile nothing more is acknowledged; reset: the connections end with RST."""
        rule = ("INPUT", "-p", "tcp", "--dport", str(TCP_SINK), "-j", "DROP")
        with self.lock:
            self.host.run("iptables", "-I", *rule)
            self.process.kill()
            self.process.wait()
            self.accept()
            for name, peer in self.peers.items():
                (self.directory / ("tcp-%s.left" % name)).write_bytes(drain(peer))
                if reset:
                    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                peer.close()
            self.listener.close()
            self.control.close()
            self.listener = None
            self.host.run("iptables", "-D", *rule)


def drain(peer):
    data = b""
    try:
        while part := peer.recv(1 << 20, socket.MSG_DONTWAIT):
            data += part
    except OSError:
        pass
    return data
