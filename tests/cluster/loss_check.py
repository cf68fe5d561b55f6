# SPDX-License-Identifier: Apache-2.0
"""What the databases of loss.py were given, and whether anything is missing."""

import collections
import hashlib
import re

from loss_sink import LENGTH

KEY = re.compile(rb'^\{"@timestamp":"([^"]+)",.*?"host_id":"([^"]+)","epoch":(\d+),"seq":(\d+)')


class Records:
    """By (host, epoch) and sequence: a hash of the record."""

    def __init__(self):
        self.streams = collections.defaultdict(dict)
        self.repeated = 0
        self.other_time = []  # came twice, and not as the same sample
        self.differing = []  # came twice, with another rate

    def take(self, line):
        m = KEY.match(line)
        if not m:
            raise AssertionError("not a record: %r" % line[:300])
        time, host, epoch, sequence = m.groups()
        stream, sequence = (host.decode(), int(epoch)), int(sequence)
        record = (time, hashlib.blake2b(line, digest_size=8).digest())
        before = self.streams[stream].setdefault(sequence, record)
        if before is record:
            return
        self.repeated += 1
        if before[0] != time:
            self.other_time.append((*stream, sequence))
        elif before != record:
            self.differing.append((*stream, sequence))

    def total(self):
        return sum(map(len, self.streams.values()))


def lines_of(data):
    """Whole lines: what comes after the last newline was cut off with the writer."""
    return data.split(b"\n")[:-1]


def read_http(directory):
    records = Records()
    for path in sorted(directory.glob("http-*")):
        for line in lines_of(path.read_bytes()):
            records.take(line)
    return records


def chunks(data):
    """Whole ones: before the last one is whole, nothing of it was taken from the kernel."""
    at = 0
    while at + LENGTH.size <= len(data):
        (n,) = LENGTH.unpack_from(data, at)
        at += LENGTH.size + n
        if at <= len(data):
            yield data[at - n:at]


def read_tcp(directory):
    """What readers got, and what their kernels had when they were killed."""
    got, left = Records(), Records()
    for path in sorted(directory.glob("tcp-*.left")) + sorted(directory.glob("tcp-*.read")):
        if path.suffix == ".left" and path.with_suffix(".read").exists():
            continue
        pieces = list(chunks(path.read_bytes())) if path.suffix == ".read" else []
        rest = path.with_suffix(".left")
        rest = rest.read_bytes() if rest.exists() else b""
        # Killed after it had written a piece, before it took it out of the kernel.
        if pieces and rest.startswith(pieces[-1]):
            rest = rest[len(pieces[-1]):]
        read = b"".join(pieces)
        whole = lines_of(read)
        for line in whole:
            got.take(line)
        for line in lines_of(read + rest)[len(whole):]:
            left.take(line)
    return got, left


def some(items):
    items = sorted(items)
    return "%d: %s%s" % (len(items), items[:5], " ..." if len(items) > 5 else "")


class Verdict:
    def __init__(self):
        self.wrong = []
        self.all_dropped = set()
        self.made = self.dropped = self.dropped_arrived = self.missing = 0

    def check(self, ok, text):
        if not ok:
            self.wrong.append(text)

    def agent(self, a, http, lost_there):
        """Every sample that it made, in each of its runs, is in the http sink or was dropped
        and counted.  lost_there: /hosts' count, of the epochs this aggregator knows."""
        streams = {e: got for (host, e), got in http.streams.items() if host == a.name}
        said = a.dropped()
        dropped = set(said)
        self.all_dropped |= {(a.name, *d) for d in dropped}
        missing = set()
        arrived = set()
        for epoch in streams.keys() | a.newest.keys() | {e for e, _ in dropped}:
            got = streams.get(epoch, {})
            newest = max([*got, a.newest.get(epoch, 0)] + [s for e, s in dropped if e == epoch])
            self.made += newest
            missing |= {(epoch, s) for s in range(1, newest + 1) if s not in got}
            arrived |= {(epoch, s) for s in got}
        self.missing += len(missing)
        self.check(missing <= dropped, "%s: missing in the http sink, and not dropped: %s" %
                   (a.name, some(missing - dropped)))
        if "full" not in a.kind:
            self.check(not dropped, "%s: dropped, with room for all: %s" % (a.name, some(dropped)))
            lost = a.lost() if a.directory else 0
            self.check(lost == lost_there == 0, "%s: %d are lost by its directory, %d by /hosts" %
                       (a.name, lost, lost_there))
            return
        lost = a.lost() if a.directory else lost_there
        self.dropped += lost
        self.dropped_arrived += lost - len(missing)
        if "killed" in a.kind:
            # What was dropped and then, with the next run, read from its files again, is not lost.
            ok = len(missing) <= lost <= len(said)
        else:
            ok = lost == len(said) == len(dropped) and lost_there == lost
            ok = ok and lost - len(missing) == len(dropped & arrived)
        self.check(ok, "%s: %d are missing, %d counted as lost, /hosts says %d; %d were dropped, "
                   "of which %d had arrived" %
                   (a.name, len(missing), lost, lost_there, len(said), len(dropped & arrived)))

    def same(self, records, where, full):
        """A record that comes twice is the same.  Where samples were dropped in between, the
        one after them has a rate over another time."""
        self.check(not records.other_time, "%s: one number, two samples: %s" %
                   (where, some(records.other_time)))
        differing = [k for k in records.differing if k[0] not in full]
        self.check(not differing, "%s: came twice and differs: %s" % (where, some(differing)))

    def tcp(self, http, got, left):
        """All of what is in the http sink, but for what the killed readers' kernels had, and what
        was dropped when only the http sink had it."""
        unexplained, unread = [], 0
        for stream, sequences in http.streams.items():
            for s in sequences.keys() - got.streams.get(stream, {}).keys():
                if s in left.streams.get(stream, {}):
                    unread += 1
                elif (*stream, s) not in self.all_dropped:
                    unexplained.append((*stream, s))
        self.check(not unexplained, "missing in the tcp sink, and not left in a killed reader's "
                   "kernel, nor dropped: %s" % some(unexplained))
        return unread

    def both(self, http, got, full):
        """The two say the same of a sample."""
        differing = []
        for stream, sequences in http.streams.items():
            if stream[0] not in full:
                there = got.streams.get(stream, {})
                differing += [(*stream, s) for s, r in sequences.items() if there.get(s, r) != r]
        self.check(not differing, "the two sinks differ: %s" % some(differing))
