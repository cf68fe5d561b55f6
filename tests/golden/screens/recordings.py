# SPDX-License-Identifier: Apache-2.0
"""Things with rates, and the lines of make_recording.c that say what they count at a time.

A rate is a number per second, or Steps: it changes at a second.  Counters go on from a start of
their own, so that nothing comes right because it began at zero.
"""
NS = 1_000_000_000
MS = 1_000_000
MIB = 1 << 20
GIB = 1 << 30
EVERY = 10                               # seconds between two samples
BOOTED = 100_000                         # seconds the hosts were up at second 0
START = 1_769_869_800                    # 2026-01-31 14:30:00 UTC
ASKED, ASKED_BEFORE = 1, 6               # seconds before a sample: QEMU's answers


def second_of(clock):
    """Of a time of that day: 14:33:10."""
    hours, minutes, seconds = map(int, clock.split(":"))
    return 3600 * (hours - 14) + 60 * (minutes - 30) + seconds


class Steps:
    """Steps((0, 10), (120, 50)): 10 a second, from second 120 on 50."""

    def __init__(self, *steps):
        self.steps = steps

    def at(self, second):
        return [rate for since, rate in self.steps if since < max(second, 1)][-1]

    def until(self, second):
        total = 0
        for i, (since, rate) in enumerate(self.steps):
            to = self.steps[i + 1][0] if i + 1 < len(self.steps) else second
            total += rate * max(0, min(to, second) - since)
        return total


def rate_at(rate, second):
    return rate.at(second) if isinstance(rate, Steps) else rate


class Row:
    """A thing: its counters (rates), gauges, texts, by their names in recordings; and what is
    asked of QEMU more rarely, asked (gauges) and asked_rates."""

    def __init__(self, scope, name, parent=None, **is_):
        self.scope, self.name, self.parent = scope, name, parent
        self.rates = is_.pop("rates", {})
        self.gauges = is_.pop("gauges", {})
        self.texts = is_.pop("texts", {})
        self.asked = is_.pop("asked", {})
        self.asked_rates = is_.pop("asked_rates", {})
        self.counted = is_.pop("counted", True)
        self.since, self.until = is_.pop("since", 0), is_.pop("until", 10 ** 9)
        self.below = []
        assert not is_, is_

    def add(self, row):
        row.parent = self
        self.below.append(row)
        return row

    def of(self, scope):
        return [r for r in self.below if r.scope == scope]

    def is_there(self, second):
        return self.since <= second < self.until

    def count(self, metric, rate, second):
        start = sum(map(ord, metric + self.name)) * 10 ** 8
        return start + round(rate.until(second) if isinstance(rate, Steps) else rate * second)


def quoted(text):
    return "".join(chr(b) if 32 <= b < 127 and b != 37 else "%%%02x" % b
                   for b in text.encode("utf-8", "surrogateescape"))


def identity(row):
    """Stays the same from one sample to the next."""
    h = 1469598103934665603
    while row:
        for b in (row.scope + "/" + row.name).encode("utf-8", "surrogateescape"):
            h = (h ^ b) * 1099511628211 % (1 << 64)
        row = row.parent
    return h


def row_lines(row, parent, second):
    boot = BOOTED + second
    yield "row %s %s %d" % (row.scope, "-" if parent is None else parent, identity(row))
    for metric, rate in row.rates.items():
        yield "number %s %d" % (metric, row.count(metric, rate, second))
    for metric, value in row.gauges.items():
        yield "number %s %d" % (metric, value + second if metric == "uptime" else value)
    for metric, text in row.texts.items():
        yield "text %s %s" % (metric, quoted(text))
    if not row.counted:
        yield "uncounted"
    if row.asked or row.asked_rates:
        yield "read %d %d" % ((boot - ASKED) * NS, (boot - ASKED_BEFORE) * NS)
    for metric, value in row.asked.items():
        yield "pair %s %d" % (metric, value)
    for metric, rate in row.asked_rates.items():
        yield "pair %s %d %d" % (metric, row.count(metric, rate, second - ASKED),
                                 row.count(metric, rate, second - ASKED_BEFORE))


def frame_lines(host, second):
    yield "frame %s 1 %d %d %d %d %s %s" % (
        host.id, second // EVERY + 1, (BOOTED + second) * NS, (START + second) * NS, EVERY * NS,
        host.version, quoted(host.name))
    yield from row_lines(host, None, second)
    number = {}
    for row in host.below:
        if row.is_there(second):
            number[row.scope] = number.get(row.scope, -1) + 1
            yield from row_lines(row, 0, second)
            if row.scope == "vm":
                for below in row.below:
                    yield from row_lines(below, number["vm"], second)
    yield "end"


def lines(hosts, seconds):
    """All samples of the hosts, until and with that second."""
    for second in range(0, seconds + 1, EVERY):
        for host in hosts:
            if second <= host.silent_after:
                yield from frame_lines(host, second)
