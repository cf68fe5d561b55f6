# SPDX-License-Identifier: Apache-2.0
"""What hosts.py watches: hosts that move on, and a reader in Logstash's place."""

import calendar
import json
import os
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "golden"))
import openmetrics  # noqa: E402, F401  the strict reader of the golden tests
from fixture_host import Host  # noqa: E402
from line_server import LineServer  # noqa: E402
from standard import go_host, go_web, standard_devices, web  # noqa: E402

READER = 12345


def stamp(record):
    """Seconds since 1970 of @timestamp."""
    text = record["@timestamp"]
    whole = time.strptime(text[:19], "%Y-%m-%dT%H:%M:%S")
    return calendar.timegm(whole) + float("0" + text[19:-1])


class Machine:
    """One host: a fixture that moves on, with one VM, below a directory."""

    def __init__(self, top, bridge, number, name):
        self.name, self.number, self.top = name, number, top / name
        self.net = bridge.host(name, "10.88.1.%d" % number)
        self.model = Host()
        standard_devices(self.model)
        # Whatever the age of this machine, the VM is younger.
        self.vm = web(self.model, 100 + number, 4100 + number)
        self.vm.name = "web-" + name
        self.vm.start = 100
        self.model.write(str(self.top))
        (self.top / "etc/hostname").unlink()  # its name is the one that the kernel says
        (self.top / "etc/machine-id").write_text("%032x\n" % (0xabc + number))
        self.tick = 0

    def options(self):
        t = self.top
        return [f"--procfs={t}/proc", f"--sysfs={t}/sys", f"--rootfs={t}", "--proxmox"]

    def go(self):
        """Counters grow; files are written in place, with one call each, as they are read."""
        self.tick += 1
        go_host(self.model, 0.1 * self.number)
        go_web(self.model, self.vm, self.tick % 7)
        for path, value in self.model.files().items():
            if path in ("proc/stat", "proc/diskstats", "proc/1/net/dev") or path.endswith(
                    (f"{self.vm.pid}/io", "schedstat")):
                data = value.encode() if isinstance(value, str) else value
                fd = os.open(self.top / path, os.O_WRONLY)
                os.write(fd, data)
                os.close(fd)


class Reader(LineServer):
    """Logstash's place: lines from whoever connects."""

    def __init__(self, host):
        self.records = []  # (arrival, record)
        super().__init__(host.listen((host.address, READER)))

    def take(self, line):
        record = json.loads(line)
        with self.lock:
            self.records.append((time.time(), record))

    def all(self):
        with self.lock:
            return self.records[:]
