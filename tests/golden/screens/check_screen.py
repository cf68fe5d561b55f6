# SPDX-License-Identifier: Apache-2.0
"""Reads a screen as a person does, and compares its numbers with those of model.py."""
import re
import unicodedata

import model
import recordings
import worlds

FIRST_TITLES = {"NAME": "vm", "DISK": "vm_disk", "INTERFACE": "vm_nic", "VCPU": "vcpu",
                "HOST": "host"}
SIGNS = "!v^~"
SCALES = {"K": 1, "M": 2, "G": 3, "T": 4}
EXPECT = {"vm": worlds.EXPECT, "host": worlds.EXPECT_HOSTS}


def width(c):
    if unicodedata.combining(c):
        return 0
    return 2 if unicodedata.east_asian_width(c) in "WF" else 1


def cells(line):
    """The line with one character for each column of the screen."""
    return "".join(c + " " * (width(c) - 1) for c in line if width(c))


def visible(text, ascii):
    """A name as it is shown: no control characters, no bytes that are no UTF-8."""
    text = re.sub("[\x00-\x1f\x7f\udc80-\udcff]", "?", text)
    return cells("".join("?" * width(c) if ascii and ord(c) > 126 else c for c in text))


def number(text):
    """Its value, and half of its last digit; None for none."""
    m = re.fullmatch(r"(-?\d+(?:\.(\d+))?)([KMGT]?)", text)
    if not m:
        return None
    return float(m[1]), 0.5 * 10 ** -len(m[2] or ""), m[3]


def unit_of(what):
    """The bytes in one of what model.py gives for that title or key."""
    what = what.split()[-1]
    if what in ("MEM", "USED", "BALLOON", "FREE") or what.startswith("ram_"):
        return 1024
    return 1024 ** 2 if re.search("MBRD|MBWR|mbread|mbwrite", what) else 1


def agrees(text, expected, unit):
    """Bytes with a prefix are in powers of 1024 of what is expected in its own unit."""
    if text == "-" or expected is None:
        return text == "-" and expected is None
    got = number(text)
    if not got:
        return False
    value, half, prefix = got
    if not prefix:
        return abs(value - expected) <= half * 1.0001 + 1e-9 * abs(expected)
    return abs(value - expected * unit / 1024 ** SCALES[prefix]) <= half * 1.001


class Reader:
    def __init__(self, screen, lines):
        self.screen, self.lines = screen, lines
        self.hosts = {"one": worlds.one, "cluster": worlds.cluster}.get(screen.world, list)()
        self.troubles = []      # name, line, where TROUBLE and CAUSE stand and it ends, its sign
        self.changes = []       # lines of what came, went, moved or fell silent
        self.wrong, self.compared = [], []     # compared: what, line, column behind the number
        self.second = screen.at

    def compare(self, what, of, i, end, expected):
        """The number that ends in that column of line i."""
        text = re.split("[ !]", self.lines[i][:end])[-1]
        self.compared.append((what, i, end))
        if not agrees(text, expected, unit_of(what)):
            self.wrong.append("%s of %s is %s, and should be %s" % (
                what, of, text, "-" if expected is None else "%.4f" % expected))

    # ---- what any screen must be ----

    def check_time(self):
        """The bar says when it was, and that is what screens.py says."""
        at = re.search(r"RECORDED \S+ (\d\d:\d\d:\d\d)", self.lines[0])
        second = recordings.second_of(at[1]) if at else None
        if second != self.second:
            self.wrong.append("it is of second %s, and should be of %s" % (second, self.second))

    def check_form(self, text):
        cols, rows = map(int, self.screen.size.split("x"))
        lines = text.split("\n")
        if text[-1:] != "\n" or len(lines) != rows + 1:
            self.wrong.append("it has %d lines, not %d" % (len(lines) - 1, rows))
        for i, line in enumerate(self.lines):
            if len(line) > cols:
                self.wrong.append("line %d has %d columns" % (i, len(line)))
        if re.search("[\x00-\x09\x0b-\x1f\x7f\udc80-\udcff]", text):
            self.wrong.append("a control character")
        if self.screen.ascii and re.search("[^\n -~]", text):
            self.wrong.append("not plain ASCII")
        if re.search(r"\bnan\b|\binf\b|-0\.0+\b", text):
            self.wrong.append("a number that is none")

    # ---- tables ----

    def titles(self, i):
        """Of a header: title, and the columns it stands in."""
        return [(m[0].rstrip("v^"), m.start(), m.end() - (m[0][-1] in "v^"))
                for m in re.finditer(r"(WORST VM|[A-Z][A-Z0-9%]*)[v^]?", self.lines[i])]

    def header(self):
        for i, line in enumerate(self.lines):
            first = re.match(r" {2,}([A-Z]+)[v^]? ", line)
            if first and first[1] in FIRST_TITLES and len(re.findall(r"[A-Z]{2,}", line)) > 3:
                return i, first[1]
        return None, None

    def scope(self, first):
        scope, view = FIRST_TITLES[first], self.lines[0]
        if "PHYSICAL NET" in view or (first == "INTERFACE" and "RXDROP" not in view and
                                      " SPEED " in "\n".join(self.lines)):
            return "host_nic"
        if first == "DISK" and "BACKING" not in "\n".join(self.lines) and "AWAIT" in "\n".join(
                self.lines):
            return "host_disk"
        return scope

    def things(self, scope):
        """(host, row, VM it belongs to)"""
        for h in self.hosts:
            if scope == "host":
                yield h, h, None
            elif scope in ("vm", "host_disk", "host_nic"):
                for r in h.of(scope):
                    if r.is_there(model.last_sample(h, self.second)):
                        yield h, r, None
            else:
                for v in model.vms_of(h, self.second):
                    for r in v.of(scope):
                        yield h, r, v

    def row_of(self, line, titles, scope):
        """The thing that a line of the table shows: the one whose names stand there."""
        room = {t: (s, titles[i + 1][1] if i + 1 < len(titles) else len(line))
                for i, (t, s, e) in enumerate(titles)}
        first = titles[0][0]

        def stands(title, name):
            if title not in room:
                return True
            start, end = room[title]
            shown = line[start if start > 2 or title != first else 2:end]
            shown = re.sub(r" ?~.*", "", shown.strip().split("  ")[0])
            name = visible(name, self.screen.ascii).strip()
            return shown == name or (len(shown) > 7 and name.startswith(shown))

        found = []
        for h, r, v in self.things(scope):
            if scope == "vcpu":
                fits = line[:titles[0][2]].split()[-1] == r.name
            else:
                fits = stands(first, r.name)
            if fits and (scope == "host" or stands("HOST", h.name)) and (
                    not v or stands("VM", v.name)):
                found.append((h, r))
        return found[0] if len(found) == 1 else None

    def check_table(self):
        at, first = self.header()
        if at is None:
            return
        scope, titles = self.scope(first), self.titles(at)
        seen = 0
        for i in range(at + 1, len(self.lines) - 2):
            line = self.lines[i]
            thing = self.row_of(line, titles, scope) if line[2:].strip() else None
            if not thing:
                continue
            seen += 1
            self.check_row(i, titles, *thing)
            if scope in ("vm", "host"):
                self.check_trouble(i, titles, scope, thing[1].name)
        self.check_count(seen, at)
        self.check_order()
        self.check_trouble_order(at, EXPECT.get(scope, {}))

    def check_trouble(self, i, titles, scope, name):
        """Who suffers from what, how much, and who causes it, or which VM of a host it is: at the
        end of the recording."""
        starts = {t: s for t, s, e in titles}
        who = "CAUSE" if scope == "vm" else "WORST VM"
        if "TROUBLE" not in starts or who not in starts or self.second != worlds.SECONDS:
            return
        a, b = starts["TROUBLE"], starts[who]
        # On the list of hosts numbers stand between the two.
        c = min([s for s in starts.values() if s > a])
        trouble, cause = self.lines[i][a:c].strip(), self.lines[i][b:].split("  ")[0].strip()
        self.troubles.append((name, i, a, b, c, EXPECT[scope].get(name, ("", "", ""))[1]))
        shown = (trouble.split(" ")[0], re.search("!*$", trouble)[0], cause)
        expected = EXPECT[scope].get(name, ("", "", ""))
        cut = len(cause) > 4 and expected[2].startswith(cause)      # a narrow column
        if shown[:2] != expected[:2] or not (cut or cause == expected[2]):
            self.wrong.append("trouble of %s is %s, and should be %s" % (name, shown, expected))

    def check_trouble_order(self, at, expect):
        if "TROUBLEv" in self.lines[at] and "tree" not in self.screen.name:
            order = [n for n in expect if expect[n][1]]
            places = [order.index(t[0]) if t[0] in order else len(order) for t in self.troubles]
            if places != sorted(places):
                self.wrong.append("not in the order of their trouble: " +
                                  " ".join(t[0] for t in self.troubles))

    def check_row(self, i, titles, host, row):
        values = model.VALUES[row.scope](host, row, self.second)
        for title, _, end in titles:
            if title in values:
                self.compare(title, row.name, i, end, values[title])

    def check_count(self, seen, at):
        """Each row is there, as far as the screen goes."""
        told = re.search(r"(?:VMs|Rows|Hosts): (\d+)(?: of \d+)?", self.lines[0])
        room = len(self.lines) - 3 - at
        if told and not seen and int(told[1]):
            self.wrong.append("no row of the table could be read")
        if told and "{" not in self.screen.keys and "v" not in self.screen.keys and \
                seen < min(int(told[1]), room):
            self.wrong.append("%d rows could be read, of %s" % (seen, told[1]))

    def check_order(self):
        """Of the numbers under the title with v or ^; what is absent comes last."""
        at, first = self.header()
        sign = re.search(r"[A-Z%]([v^])( |$)", self.lines[at])
        if not sign or sign.start() + 1 not in {end for what, i, end in self.compared} or \
                "v" in self.screen.keys:
            return
        texts = [self.lines[i][:end].split()[-1] for what, i, end in self.compared
                 if end == sign.start() + 1 and i > at]
        values = [float("-inf") if t == "-" else number(t)[0] for t in texts]
        there = [v for v in values if v > float("-inf")]
        if values[:len(there)] != there or there != sorted(there, reverse=sign[1] == "v"):
            if not any(t[-1] in SCALES for t in texts):
                self.wrong.append("not sorted: " + " ".join(texts))

    def check_diff(self):
        """Was and is, of what model.py knows, and that all that changed is there, no more."""
        times = [recordings.second_of(t) for t in re.findall(r"\d\d:\d\d:\d\d", self.lines[1])]
        names, titles = [v.name for h in self.hosts for v in h.of("vm")], []
        events, metric = [], self.lines[2].index("METRIC")
        for i, line in enumerate(self.lines[3:-2], 3):
            name, text = line[2:].split(" ")[0], line[metric:].strip()
            m = re.match(r"([A-Z%]+) +(\S+?)(%| ms|/s)? +([^ !%/]+)", line[metric:])
            if m and name in names:
                titles.append((name, m[1]))
                self.check_change(i, name, m, metric, times)
            elif text:
                events.append((i, name, text))
        self.changes = [i for i, name, text in events]
        self.check_changes(events, titles, times)

    def check_change(self, i, name, m, start, times):
        for h, v in ((h, v) for h in self.hosts for v in h.of("vm") if v.name == name):
            if not (v.is_there(times[0]) and v.is_there(times[1])):
                continue
            was, now = (model.vm_values(h, v, t) for t in times)
            if m[1] not in was:
                continue
            self.compare("was " + m[1], name, i, start + m.end(2), was[m[1]])
            self.compare("is " + m[1], name, i, start + m.end(4), now[m[1]])
            if was[m[1]] == now[m[1]]:
                self.wrong.append("%s of %s did not change" % (m[1], name))

    def check_changes(self, events, titles, times):
        expected = model.events(self.hosts, *times)
        if sorted((name, text) for i, name, text in events) != expected:
            self.wrong.append("what happened is %s, and should be %s" % (events, expected))
        if [i for i, name, text in events] != list(range(3, 3 + len(events))):
            self.wrong.append("what happened is not first")
        if len(set(titles)) != len(titles):
            self.wrong.append("a change is there twice: %s" % titles)
        for missing in set(model.changes(self.hosts, *times)) - set(titles):
            self.wrong.append("%s of %s changed, and is not there" % missing[::-1])
        told = re.search(r"What changed: (\d+)", self.lines[0])
        if not told or int(told[1]) != sum(bool(s[2:].strip()) for s in self.lines[3:-2]):
            self.wrong.append("the bar does not say how many changed")

    # ---- key: value ----

    def check_keys(self, of, values):
        for i, line in enumerate(self.lines):
            for m in re.finditer(r"(\w+): (-|[\d.]+[KMGT]?)(?=[\s%!]|$)", line):
                if i and m[1] in values:
                    self.compare(m[1], of, i, m.end(), values[m[1]])

    def check_panel(self):
        head = re.search(r"HOST METRICS (\S+)", self.lines[1])
        if not head or self.second is None or not self.hosts:
            return
        if head[1] == "of":
            self.check_keys("the hosts", model.host_values(self.hosts, self.second))
        for h in self.hosts:
            if visible(h.name, self.screen.ascii) == head[1].rstrip(",") and \
                    not model.is_silent(h, self.second):
                self.check_keys(h.name, model.host_values([h], self.second))

    def check_detail(self):
        head = re.match(r" (Host|VM) (.*?)( on (\S+?),.*|,.*| ~.*)?$", self.lines[1].rstrip())
        for h in self.hosts if head else []:
            if head[1] == "Host" and visible(h.name, self.screen.ascii) == head[2] and \
                    not model.is_silent(h, self.second):
                self.check_keys(h.name, model.host_values([h], self.second))
            for v in model.vms_of(h, self.second) if head[1] == "VM" else []:
                if visible(v.name, self.screen.ascii) == head[2] and head[4] == h.name:
                    self.check_keys(v.name, model.vm_keys(h, v, self.second))


def read(screen, lines):
    r = Reader(screen, lines)
    r.check_time()
    if r.second is not None and screen.world != "empty":
        r.check_panel()
        if "WHAT CHANGED" in r.lines[1]:
            r.check_diff()
        elif re.search(r"\| (vm|host): ", r.lines[0]):
            r.check_detail()
        else:
            r.check_table()
    return r


def check(screen, text):
    """What is wrong with it, and the Reader."""
    r = read(screen, [cells(line) for line in text.split("\n")])
    r.check_form(text)
    return r.wrong, r
