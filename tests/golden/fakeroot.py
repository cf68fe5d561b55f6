# SPDX-License-Identifier: Apache-2.0
"""Reads a tick's files: the fixture's numbers, by the documentation of the formats.

What is missing, empty or not of its form is None.
"""
import json
import os
import re

U64 = 2**64 - 1  # as a value: "none"
DEVICE_NAME_MAX = 31  # the kernel's own bounds are 15 (interfaces) and 31 (disks)


class Root:
    def __init__(self, path):
        self.path = path

    def data(self, name):
        """Bytes, None when the file is missing or empty."""
        try:
            with open(os.path.join(self.path, name), "rb") as f:
                return f.read() or None
        except OSError:
            return None

    def text(self, name):
        data = self.data(name)
        return None if data is None else data.decode("utf-8", "surrogateescape")

    def line(self, name):
        text = self.text(name)
        return None if text is None else text.split("\n")[0]

    def exists(self, name):
        return os.path.exists(os.path.join(self.path, name))

    def list(self, name):
        try:
            return sorted(os.listdir(os.path.join(self.path, name)))
        except OSError:
            return []

    def pids(self, name="proc"):
        return sorted(int(x) for x in self.list(name) if x.isdigit())

    def link(self, name):
        try:
            return os.readlink(os.path.join(self.path, name))
        except OSError:
            return None

    def number(self, name):
        text = self.text(name)
        return None if text is None else number(text.split("\n")[0])


def number(word):
    """An unsigned decimal number of 64 bits, the largest one left out."""
    word = word.strip()
    if not word.isascii() or not word.isdigit():
        return None
    value = int(word)
    return value if value < U64 else None


def numbers(text):
    return [number(w) for w in text.split()]


def proc_stat(text):
    """(CPUs that are online, the ticks of the line cpu)."""
    cpus, ticks = None, [None] * 10
    for line in (text or "").split("\n"):
        word = line.split()
        if not word:
            continue
        if word[0] == "cpu":
            ticks = (numbers(line)[1:] + [None] * 10)[:10]
        elif re.fullmatch(r"cpu\d+", word[0]):
            cpus = (cpus or 0) + 1
    return cpus, ticks


def meminfo(text):
    out = {}
    for line in (text or "").split("\n"):
        m = re.fullmatch(r"(\S+):\s+(\d+)(?: kB)?", line)
        if m and number(m.group(2)) is not None:
            out[m.group(1)] = number(m.group(2))
    return out


def diskstats(text):
    """[(major, minor, name, 11 columns)]"""
    out = []
    for line in (text or "").split("\n"):
        word = line.split()
        if (len(word) >= 14 and len(word[2]) <= DEVICE_NAME_MAX and
                None not in numbers(" ".join(word[:2] + word[3:14]))):
            out.append((int(word[0]), int(word[1]), word[2], numbers(" ".join(word[3:14]))))
    return out


def net_dev(text):
    """[(name, 8 receive columns, 8 transmit columns)]"""
    out = []
    for line in (text or "").split("\n"):
        name, colon, rest = line.rpartition(":")
        value = numbers(rest)
        name = name.strip()
        if (colon and 0 < len(name) <= DEVICE_NAME_MAX and len(value) >= 16 and
                None not in value[:16]):
            out.append((name, value[:8], value[8:16]))
    return out


def psi(text):
    """{"some": {"avg10": hundredths, ..., "total": us}, "full": ...}"""
    out = {}
    for line in (text or "").split("\n"):
        m = re.fullmatch(r"(some|full) avg10=(\d+)\.(\d\d) avg60=(\d+)\.(\d\d)"
                         r" avg300=(\d+)\.(\d\d) total=(\d+)", line)
        if not m:
            continue
        g = m.groups()
        if number(g[7]) is None or any(int(x) > 10**6 for x in g[1:7]):
            continue
        out[g[0]] = {"avg10": int(g[1] + g[2]), "avg60": int(g[3] + g[4]),
                     "avg300": int(g[5] + g[6]), "total": int(g[7])}
    return out


def pid_stat(text):
    """Field number -> value, proc(5); fields 2 and 3 are text."""
    if not text or "(" not in text or ") " not in text:
        return None
    head, _, rest = text.rpartition(")")
    word = rest.split()
    field = {2: head[head.index("(") + 1:], 3: word[0]}
    for i, w in enumerate(word[1:], 4):
        field[i] = number(w)
    return field if field.get(22) is not None else None


def schedstat(text):
    """(run ns, wait ns, slices)"""
    value = numbers(text or "")
    return tuple(value[:3]) if len(value) >= 3 and None not in value[:3] else None


def pid_io(text):
    out = {}
    for line in (text or "").split("\n"):
        key, colon, value = line.partition(":")
        if colon and number(value) is not None:
            out[key] = number(value)
    return out


def throttled_ns(text):
    """cpu.stat: throttled_usec (cgroup v2), throttled_time in ns (v1)."""
    for line in (text or "").split("\n"):
        word = line.split()
        if len(word) == 2 and number(word[1]) is not None:
            if word[0] == "throttled_usec":
                return number(word[1]) * 1000
            if word[0] == "throttled_time":
                return number(word[1])
    return None


def cgroups(text):
    """Controller -> path; "" is cgroup v2."""
    out = {}
    for line in (text or "").split("\n"):
        part = line.split(":", 2)
        if len(part) == 3 and ".." not in part[2].split("/"):
            for controller in part[1].split(","):
                out.setdefault(controller, part[2])
    return out


SIZE = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


CONF_MAX = 1 << 20  # bytes of a configuration that are believed


def pve_conf(data):
    """Keys of the part before the first [section]; of a line that is cut, nothing."""
    if len(data) > CONF_MAX:
        data = data[:CONF_MAX].rpartition(b"\n")[0]
    out = {}
    for line in data.decode("utf-8", "surrogateescape").split("\n"):
        line = line.strip()
        if line.startswith("["):
            break
        key, colon, value = line.partition(":")
        if colon and value.strip() and not line.startswith("#"):
            out[key] = value.strip()
    return out


def pve_property(value):
    """'vol,size=1G' -> {"": "vol", "size": "1G"}"""
    out = {}
    for n, part in enumerate(value.split(",")):
        key, equals, rest = part.partition("=")
        if equals:
            out[key] = rest
        elif n == 0:
            out[""] = part
    return out


def size(word):
    m = re.fullmatch(r"(\d+(?:\.\d+)?)([KMGT]?)", word or "")
    return int(float(m.group(1)) * SIZE[m.group(2)]) if m else None


def script(root, vmid):
    """(mode, command -> what it returns)"""
    data = root.data("run/qemu-server/%s.qmp.json" % vmid)
    if data is None:
        return None, {}
    script = json.loads(data)
    return script["mode"], {k: json.loads(v) for k, v in script["answers"].items()}
