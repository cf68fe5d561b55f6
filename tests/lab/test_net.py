# SPDX-License-Identifier: Apache-2.0
"""A guest sends N bytes to a listener on the host: its transmitted bytes are N plus protocol
overhead, its received bytes are not; and the other way round."""
import socket
import threading

import lab
import libvirt

N = 12_000_000
PORT = 9000

t = lab.Test("net")
libvirt.Daemon().start()
d = libvirt.Domain("netvm", 1).start()
NAMES = ["receive_bytes", "transmit_bytes", "receive_packets", "transmit_packets",
         "receive_errors", "transmit_errors", "receive_drops", "transmit_drops"]


class Peer:
    """Counts what it receives, then sends what it should, to one client."""

    def __init__(self, send=0):
        self.received = 0
        self.send = send
        self.socket = socket.create_server((lab.HOST_IP, PORT))
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def _serve(self):
        client, _ = self.socket.accept()
        with client:
            if self.send:
                client.sendall(b"x" * self.send)
                client.shutdown(socket.SHUT_WR)
            while part := client.recv(1 << 16):
                self.received += len(part)

    def finish(self):
        self.thread.join(60)
        self.socket.close()
        return self.received


def reading():
    m = lab.openmetrics()
    got = {n: lab.raw(m, f"proxtop_vm_nic_{n}_total", uuid=d.uuid, interface=d.tap) for n in NAMES}
    t.check(all(v is not None for v in got.values()), f"every counter of {d.tap} is there: {got}")
    return {k: float(v or 0) for k, v in got.items()}


def during(command, peer):
    before = reading()
    with lab.Proxtop(freq=0.5) as p:
        p.wait_cycles(2)
        at = len(p.cycles)
        d.console.run(command, 120)
        received = peer.finish()
        p.wait_cycles(3)
        rows = [(c["interval"], lab.domain(c, UUID=d.uuid) or {}) for _, c in p.cycles[at:]]
    after = reading()
    return {k: after[k] - before[k] for k in NAMES}, rows, received


peer = Peer()
delta, rows, received = during(f"head -c {N} /dev/zero | nc {lab.HOST_IP} {PORT}", peer)
t.same("bytes that arrived", received, N)
t.near("transmitted / N", delta["transmit_bytes"] / N, 1, 1.12)
t.near("received / N", delta["receive_bytes"] / N, 0, 0.1)
t.near("sum of net_transmittedBytes over the cycles / N",
       sum(i * r.get("net_transmittedBytes", 0) for i, r in rows) / N, 0.99, 1.12)
t.near("packets transmitted", delta["transmit_packets"], N / 65536, N / 1000)
nic = (rows[-1][1].get("interfaces") or [{}])[0]
t.same("interface, mac, bridge", (nic.get("interface"), nic.get("mac"), nic.get("bridge")),
       (d.tap, d.mac, "br0"))

peer = Peer(send=N)
delta, rows, _ = during(f"nc {lab.HOST_IP} {PORT} < /dev/null > /dev/null", peer)
t.near("the other way: received / N", delta["receive_bytes"] / N, 1, 1.12)
t.near("the other way: transmitted / N", delta["transmit_bytes"] / N, 0, 0.1)
t.near("the other way: sum of net_receivedBytes over the cycles / N",
       sum(i * r.get("net_receivedBytes", 0) for i, r in rows) / N, 0.99, 1.12)
t.done()
