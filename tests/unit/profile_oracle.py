#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A second profiler, compared with the first on random series.

    profile_oracle.py PROFILE_DUMP [--seed=N] [--cases=N]

Written from what markov.h, profile.h, periods.h and phases.h say, the other way round: the whole
series is at hand, all is counted from scratch when it is asked for, in exact numbers. Nothing
is ever re-mapped or merged here.
"""
import argparse
import collections
import fractions
import math
import random
import subprocess
import sys

F = fractions.Fraction
WARM_UP_VALUES, WARM_UP_PHASE, EVIDENCE, IN_DOUBT, PHASES_MAX = 10, 100, 1e9, 3.0, 16


class Case:
    """Settings and a series: ('values', [..]), ('gap', n), ('part',)."""

    def __init__(self, rng, number):
        self.states = rng.randint(2, 6)
        self.history = rng.randint(1, 3)
        self.buffersize = rng.choice([1, 1, 2, 3, 7])
        self.metrics = rng.randint(1, 3)
        self.fixed = rng.random() < 0.5
        self.filter = rng.choice([0, 0, 1.5])
        self.periods = [rng.randint(1, 5) for _ in range(rng.randint(0, 3))]
        self.likeliness, self.window = 0, 1
        self.bounds = [(0.0, 100.0)] * self.metrics
        if number % 2:
            self.with_phases(rng)
        else:
            self.with_gaps(rng)

    def with_gaps(self, rng):
        """Any values, gaps, parts: no phases, which depend on the parts."""
        ticks, spread, self.steps = 0, 1, []
        for _ in range(rng.randint(0, 300)):
            if not self.filter and ticks % self.buffersize == 0 and rng.random() < 0.02:
                self.steps.append(("part",))
            if rng.random() < 0.03:
                spread *= 8
            if rng.random() < 0.03:
                gap = rng.randint(0, 2 * self.buffersize)
                self.steps.append(("gap", gap))
                ticks += gap
            values = [math.nan if rng.random() < 0.1 else
                      rng.randint(-3 * spread, 10 * spread) / 8 for _ in range(self.metrics)]
            self.steps.append(("values", values))
            ticks += 1

    def with_phases(self, rng):
        """Some regimes in turn, long enough to be left."""
        self.buffersize, self.states = rng.choice([1, 1, 2]), rng.randint(3, 6)
        self.likeliness, self.window = rng.choice([0.4, 0.6, 0.9, 1]), rng.randint(8, 25)
        self.filter = 0
        regimes = [[[rng.random() ** 6 + 1e-3 for _ in range(self.states)]
                    for _ in range(self.states)] for _ in range(3)]
        at, self.steps = [0] * self.metrics, []
        for spell in range(rng.randint(1, 5)):
            rows = regimes[rng.randrange(3) if spell else 0]
            for _ in range(rng.randint(100, 260)):
                if rng.random() < 0.01:
                    self.steps.append(("gap", rng.randint(0, 5)))
                at = [rng.choices(range(self.states), rows[a])[0] for a in at]
                middle = [(a + 0.5) * 100 / self.states for a in at]
                for _ in range(self.buffersize):
                    self.steps.append(("values", [math.nan if rng.random() < 0.01 else m
                                                  for m in middle]))

    def text(self):
        lines = [" ".join(map(str, ["settings", self.states, self.history, self.buffersize,
                                    self.filter, int(self.fixed), self.metrics, self.likeliness,
                                    self.window] + self.periods))]
        lines += [f"bounds {low!r} {high!r}" for low, high in self.bounds]
        for step in self.steps:
            more = step[1] if step[0] == "values" else step[1:]
            lines.append(" ".join([step[0]] + [repr(v) for v in more]))
        return "\n".join(lines + ["end", ""])


# ---- values to states ----

def spread_of(values):
    """Least, greatest, mean and deviation, exact but for the root."""
    values = [F(v) for v in values]
    mean = sum(values) / len(values)
    return (min(values), max(values), mean,
            math.sqrt(sum((v - mean) ** 2 for v in values) / len(values)))


def is_left_out(value, before, limit):
    if limit <= 0 or len(before) < WARM_UP_VALUES:
        return False
    mean = math.fsum(before) / len(before)
    deviation = math.sqrt(math.fsum((v - mean) ** 2 for v in before) / len(before))
    return abs(value - mean) > limit * deviation


class Series:
    """All states of a case: .columns is a list of (number, [average or None per metric]); a gap
    is a column of None."""

    def __init__(self, case):
        self.values = [[] for _ in range(case.metrics)]
        self.filtered = [0] * case.metrics
        self.columns, self.ticks = [], 0
        buffers = [[] for _ in range(case.metrics)]
        for kind, *rest in case.steps:
            if kind == "gap":
                self.ticks += rest[0]
                buffers = [[] for _ in range(case.metrics)]
                self.columns.append((None, [None] * case.metrics))
            if kind != "values":
                continue
            for m, value in enumerate(rest[0]):
                if math.isnan(value):
                    continue
                if is_left_out(value, self.values[m], case.filter):
                    self.filtered[m] += 1
                else:
                    buffers[m].append(F(value))
                self.values[m].append(value)
            self.ticks += 1
            if self.ticks % case.buffersize == 0:
                self.columns.append(((self.ticks - 1) // case.buffersize,
                                     [float(sum(b) / len(b)) if b else None for b in buffers]))
                buffers = [[] for _ in range(case.metrics)]


def grid(case, metric, averages):
    """(begin, width) of the first state."""
    if case.fixed:
        low, high = map(F, case.bounds[metric])
        return low, (high - low) / case.states
    least, greatest = F(min(averages)), F(max(averages))
    magnitude = max(abs(least), abs(greatest))
    k = -1022
    if magnitude:
        k = max(k, math.frexp(float(magnitude))[1] - 1 - 20)
    while greatest // F(2) ** k - least // F(2) ** k >= case.states:
        k += 1
    return least // F(2) ** k * F(2) ** k, F(2) ** k


def to_states(case, metric, averages):
    """A list of averages or None as states."""
    known = [a for a in averages if a is not None]
    if not known:
        return averages
    begin, width = grid(case, metric, known)
    return [None if a is None else min(max(int((F(a) - begin) // width), 0), case.states - 1)
            for a in averages]


# ---- counting ----

def run_at(states, i, history):
    """What ends at i, as far as there is no gap, at most history + 1 states."""
    run = []
    while i >= 0 and states[i] is not None and len(run) <= history:
        run.insert(0, states[i])
        i -= 1
    return tuple(run)


def count(states, places, history):
    """Of the places: how often each run of 2 .. history + 1 states ends there."""
    counts = collections.Counter()
    for i in places:
        run = run_at(states, i, history)
        for length in range(2, len(run) + 1):
            counts[run[-length:]] += 1
    return counts


def cells(what, of, metric, counts, states):
    lines = []
    for run, n in counts.items():
        cell = 0
        for state in run:
            cell = cell * states + state
        lines.append((what, of, metric, len(run) - 1, cell, n))
    return lines


def stats(what, of, metric, values, filtered):
    if not values:
        return []
    return [(what, of, metric, len(values), filtered, *map(float, spread_of(values)))]


# ---- phases ----

class Rows:
    """How often which state followed which context, of any length up to history."""

    def __init__(self, states):
        self.states, self.transitions, self.came = states, 0, collections.Counter()
        self.rows = collections.defaultdict(collections.Counter)

    def add(self, run):
        if len(run) < 2:
            return
        self.transitions += 1
        self.came[run[-1]] += 1
        for length in range(1, len(run)):
            self.rows[run[-1 - length:-1]][run[-1]] += 1

    def probability(self, run):
        """Witten and Bell, from no context to the longest one that was there."""
        p = (self.came[run[-1]] + 0.5) / (self.transitions + 0.5 * self.states)
        for length in range(1, len(run)):
            row = self.rows.get(run[-1 - length:-1])
            if not row:
                break
            p = (row.get(run[-1], 0) + len(row) * p) / (sum(row.values()) + len(row))
        return p


class Phases:
    """Goes through the columns; all it keeps is to which phase each column belongs."""

    def __init__(self, case):
        self.case = case
        self.averages, self.phase = [], []
        self.n, self.current, self.left, self.likeliness = 1, 0, 0, math.nan
        self.tx = collections.Counter()
        # Only to be quick: what need not be done again as long as least and greatest are the same.
        self.states, self.ends = [[]] * case.metrics, [None] * case.metrics
        self.rows = {}

    def settle(self, end):
        self.phase += [self.current] * max(0, end - len(self.phase))

    def window(self):
        return range(len(self.phase), len(self.averages))

    def add(self, averages):
        gap = all(a is None for a in averages)
        if gap and (not self.averages or all(a is None for a in self.averages[-1])):
            return
        first = not self.averages
        self.averages.append(averages)
        self.settle(len(self.averages) - self.case.window)
        if gap:
            return
        for m in range(self.case.metrics):
            self.states[m] = self.states_of(m)
        before = self.current
        self.likeliness = self.mean_probability()
        if self.likeliness < self.case.likeliness:
            self.decide()
        if not first:
            self.tx[before, self.current] += 1

    def states_of(self, metric):
        averages = [c[metric] for c in self.averages]
        known = [a for a in averages if a is not None]
        ends = known and (min(known), max(known))
        if ends != self.ends[metric]:
            self.ends[metric] = ends
            self.rows = {key: rows for key, rows in self.rows.items() if key[1] != metric}
            return to_states(self.case, metric, averages)
        done, ends = self.states[metric], list(ends or [])
        more = to_states(self.case, metric, ends + averages[len(done):])
        return done + more[len(ends):]

    def rows_of(self, phase, metric):
        seen, rows = self.rows.get((phase, metric), (0, Rows(self.case.states)))
        for i in range(seen, len(self.phase)):
            if self.phase[i] == phase:
                rows.add(run_at(self.states[metric], i, self.case.history))
        self.rows[phase, metric] = len(self.phase), rows
        return rows

    def runs(self, metric, places):
        found = [(i, run_at(self.states[metric], i, self.case.history)) for i in places]
        return [(i, run) for i, run in found if len(run) > 1]

    def mean_probability(self):
        if not self.phase or len(self.window()) < self.case.window:
            return math.nan
        all_of = [self.rows_of(self.current, m).probability(run)
                  for m in range(self.case.metrics) for _, run in self.runs(m, self.window())]
        return sum(all_of) / len(all_of) if all_of else math.nan

    def surprise(self, phase, metric, run):
        return math.log(self.rows_of(phase, metric).probability(run))

    def cut(self, metric, other):
        """Where the current phase ends, by this metric, compared with another, or with chance."""
        most, total, at = 0, 0, len(self.phase)
        for i, run in self.runs(metric, self.window()):
            total += self.surprise(self.current, metric, run)
            total -= -math.log(self.case.states) if other is None else \
                self.surprise(other, metric, run)
            most = max(most, total)
            if total >= most - IN_DOUBT:
                at = i + 1
        return at

    def explained(self, phase, metric, begin):
        return sum(self.surprise(phase, metric, run)
                   for _, run in self.runs(metric, range(begin, len(self.averages))))

    def explained_anew(self, metric, begin):
        learned, total = Rows(self.case.states), 0
        for _, run in self.runs(metric, range(begin, len(self.averages))):
            total += math.log(learned.probability(run[-2:]))
            learned.add(run[-2:])
        return total

    def decide(self):
        asked = {m: self.cut(m, None) for m in range(self.case.metrics)
                 if self.rows_of(self.current, m).transitions >= WARM_UP_PHASE}
        if not asked:
            return
        of = {k: {m: self.explained(k, m, begin) for m, begin in asked.items()}
              for k in range(self.n)}
        now = of.pop(self.current)
        new = {m: self.explained_anew(m, begin) for m, begin in asked.items()}
        to = self.answer(now, new, of, asked)
        if to == self.current:
            return
        there = new if to == self.n else of[to]
        metric = max(asked, key=lambda m: (there[m] - now[m], -m))
        self.settle(self.cut(metric, None if to == self.n else to))
        self.n = max(self.n, to + 1)
        self.current = to
        self.left += 1

    def answer(self, now, new, known, asked):
        needed = math.log(EVIDENCE * self.case.window)

        def evidence(a, b):
            return math.log(sum(math.exp(a[m] - b[m]) for m in asked) / len(asked))

        best = max(known, key=lambda k: (evidence(known[k], now), -k), default=None)
        if best is None:
            return self.n if evidence(new, now) >= needed else self.current
        for_known, for_new = evidence(known[best], now), evidence(new, now)
        if max(for_known, for_new) < needed:
            return self.current
        if self.n == PHASES_MAX:
            return best if for_known > 0 else self.current
        if evidence(new, known[best]) >= needed:
            return self.n
        if for_known >= needed:
            return best
        surest = max(asked, key=lambda m: (new[m] - now[m], -m))
        if len(self.averages) - asked[surest] < self.case.window // 2:
            return self.current
        return self.n if evidence(new, known[best]) > 0 else best


def phases_of(case, series):
    phases = Phases(case)
    for _, averages in series.columns:
        phases.add(averages)
    lines = [("phases", phases.n, phases.current, phases.left, phases.likeliness)]
    lines += [("phase-to-phase", a, b, n) for (a, b), n in phases.tx.items()]
    for m in range(case.metrics):
        states = to_states(case, m, [c[m] for c in phases.averages])
        for k in range(phases.n):
            places = [i for i, p in enumerate(phases.phase) if p == k]
            lines += cells("phase-count", k, m, count(states, places, case.history), case.states)
    return lines, phases.n


# ---- all of it ----

def expected(case):
    series = Series(case)
    lines = [("ticks", series.ticks)]
    for m in range(case.metrics):
        averages = [c[m] for _, c in series.columns]
        known = [a for a in averages if a is not None]
        states = to_states(case, m, averages)
        lines += stats("values", 0, m, series.values[m], series.filtered[m])
        counts = count(states, range(len(states)), case.history)
        if known:
            begin, width = grid(case, m, known)
            lines.append(("states", m, len(known),
                          sum(n for r, n in counts.items() if len(r) == 2),
                          float(begin), float(begin + width)))
        lines += cells("count", 0, m, counts, case.states)
        leaves = math.prod(case.periods) if case.periods else 0
        for leaf in range(leaves):
            places = [i for i, (number, _) in enumerate(series.columns)
                      if number is not None and number % leaves == leaf]
            lines += stats("leaf", leaf, m,
                           [averages[i] for i in places if averages[i] is not None], 0)
            lines += cells("leaf-count", leaf, m, count(states, places, case.history),
                           case.states)
    found = 0
    if case.likeliness:
        more, found = phases_of(case, series)
        lines += more
    return lines, found


def same(a, b):
    if len(a) != len(b) or a[0] != b[0]:
        return False
    return all(x == y or (isinstance(x, float) and
                          (math.isnan(x) and math.isnan(y) or
                           math.isclose(x, y, rel_tol=1e-5 if a[0] == "phases" else 1e-9,
                                        abs_tol=1e-9)))
               for x, y in zip(a[1:], b[1:]))


def parse(line):
    word, *rest = line.split()
    return (word, *[float(v) for v in rest])


def difference(want, have):
    want = sorted(want, key=lambda line: tuple(map(str, line[:1])) + tuple(line[1:5]))
    want = [(w[0], *map(float, w[1:])) for w in want]
    have = sorted(have, key=lambda line: tuple(map(str, line[:1])) + tuple(line[1:5]))
    for a, b in zip(want, have):
        if not same(a, b):
            return f"expected {a}, got {b}"
    if len(want) != len(have):
        return f"expected {len(want)} lines, got {len(have)}"
    return None


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("dump")
    parser.add_argument("--seed", type=int, default=2026)
    parser.add_argument("--cases", type=int, default=30)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    cases = [Case(rng, i) for i in range(options.cases)]
    done = subprocess.run([options.dump], input="".join(c.text() for c in cases), text=True,
                          stdout=subprocess.PIPE, check=True, timeout=60)
    blocks = done.stdout.split("end\n")
    if len(blocks) != len(cases) + 1:
        sys.exit(f"{len(cases)} series, {len(blocks) - 1} profiles")
    most = 0
    for i, (case, block) in enumerate(zip(cases, blocks)):
        want, found = expected(case)
        most = max(most, found)
        wrong = difference(want, [parse(line) for line in block.splitlines()])
        if wrong:
            sys.exit(f"case {i} of seed {options.seed}: {wrong}")
    if most < 2:
        sys.exit("no series had more than one phase: that was no test of them")
    print(f"{len(cases)} series: the same; {most} phases at most")


if __name__ == "__main__":
    main()
