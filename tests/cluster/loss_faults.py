# SPDX-License-Identifier: Apache-2.0
"""What can go wrong in a cluster, at random from a seed.

A fault is a generator: it yields whom it needs for itself and its name, begins, yields
for how many seconds it lasts, and ends.  All kinds come before one comes again.
"""

import signal
import time

KINDS = []


def fault(f):
    KINDS.append(f)
    return f


def pause(rng):
    """Until who was killed is started again: at once, or later."""
    return rng.choice((0, rng.uniform(0.2, 3)))


@fault
def aggregator_killed(w, rng):
    yield {"aggregator"}, "kill -9 of the aggregator"
    w.aggregator.kill()
    yield pause(rng)
    w.start_aggregator()


@fault
def aggregator_ended(w, rng):
    yield {"aggregator"}, "SIGTERM to the aggregator"
    w.ending = True
    w.aggregator.process.send_signal(signal.SIGTERM)
    yield rng.uniform(0.1, 6)
    w.aggregator.stop()
    w.start_aggregator()
    w.ending = False


@fault
def http_sink_killed(w, rng):
    yield {"http sink"}, "kill -9 of the http sink"
    w.http_sink.kill()
    yield pause(rng)
    w.http_sink.start()


@fault
def tcp_sink_killed(w, rng):
    yield {"tcp sink"}, "kill -9 of the tcp sink"
    w.tcp_sink.kill(reset=rng.random() < 0.5)
    yield pause(rng)
    w.tcp_sink.start()


@fault
def tcp_sink_stopped_and_killed(w, rng):
    """With a full receive buffer: what is in it was acknowledged, and nobody will read it."""
    yield {"tcp sink"}, "SIGSTOP and kill -9 of the tcp sink"
    w.tcp_sink.process.send_signal(signal.SIGSTOP)
    yield rng.uniform(0.5, 2)
    w.tcp_sink.kill(reset=rng.random() < 0.5)
    w.tcp_sink.start()


@fault
def agent_killed(w, rng):
    a = rng.choice([a for a in w.agents if "killed" in a.kind])
    yield {a.name}, "kill -9 of " + a.name
    a.kill()
    yield pause(rng)
    a.start()


@fault
def agents_killed(w, rng):
    """All that can be at once: a rack without power."""
    all_of_them = [a for a in w.agents if "killed" in a.kind]
    yield {a.name for a in all_of_them}, "kill -9 of %d agents" % len(all_of_them)
    for a in all_of_them:
        a.kill()
    yield pause(rng)
    for a in all_of_them:
        a.start()


def stopped(who, process, rng):
    """SIGSTOP.  The process is asked for then: it may be another one by now."""
    yield {who}, "SIGSTOP of " + who
    process().send_signal(signal.SIGSTOP)
    yield rng.uniform(0.3, 4)
    process().send_signal(signal.SIGCONT)


@fault
def aggregator_stopped(w, rng):
    return stopped("aggregator", lambda: w.aggregator.process, rng)


@fault
def agent_stopped(w, rng):
    a = rng.choice(w.agents)
    return stopped(a.name, lambda: a.program.process, rng)


@fault
def http_sink_stopped(w, rng):
    return stopped("http sink", lambda: w.http_sink.program.process, rng)


@fault
def tcp_sink_stopped(w, rng):
    return stopped("tcp sink", lambda: w.tcp_sink.process, rng)


@fault
def http_sink_500(w, rng):
    yield {"500"}, "the http sink answers 500"
    w.http_sink.fail(True)
    yield rng.uniform(0.5, 4)
    w.http_sink.fail(False)


def cut(w, host, seconds):
    yield {"link of " + host.name}, "link cut of " + host.name
    w.bridge.link(host, False)
    yield seconds
    w.bridge.link(host, True)


@fault
def agent_cut(w, rng):
    return cut(w, rng.choice(w.agents).host, rng.uniform(0.3, 6))


@fault
def place_cut(w, rng):
    return cut(w, rng.choice((w.centre, w.sink_host, w.proxy_host)), rng.uniform(0.3, 3))


@fault
def full_cut(w, rng):
    """Until its spool is full: that holds some 2.5 s."""
    full = [a for a in w.agents if "full" in a.kind]
    return cut(w, rng.choice(full).host, rng.uniform(4, 7))


@fault
def packets_lost(w, rng):
    host = rng.choice([w.centre, w.sink_host, w.proxy_host] + [a.host for a in w.agents])
    yield {"packets of " + host.name}, "5 % loss at " + host.name
    rule = ("-m", "statistic", "--mode", "random", "--probability", "0.05", "-j", "DROP")
    for chain in ("INPUT", "OUTPUT"):
        host.run("iptables", "-A", chain, *rule)
    yield rng.uniform(2, 8)
    for chain in ("INPUT", "OUTPUT"):
        host.run("iptables", "-D", chain, *rule)


@fault
def line_slow(w, rng):
    yield {"line"}, "a slow line"
    least = rng.uniform(5, 100)
    w.order("delay %d %d" % (least, least + rng.uniform(0, 300)))
    yield rng.uniform(1, 5)
    w.order("delay 0 0")


@fault
def line_reset(w, rng):
    yield {"line"}, "connections through the proxy reset"
    w.order("reset")
    yield 0.2


@fault
def connections_killed(w, rng):
    """Under both of their owners."""
    a = rng.choice(w.agents)
    at, to = rng.choice(((w.centre, a.host), (w.centre, w.sink_host), (a.host, w.centre)))
    yield {"sockets of " + at.name}, "connections between %s and %s killed" % (at.name, to.name)
    at.run("ss", "-K", "-t", "dst", to.address, check=False)
    yield 0.2


class Faults:
    QUIET_EVERY, QUIET = 14.0, 4.0  # now and then there is time to get on

    def __init__(self, world, rng, say):
        self.w, self.rng, self.say = world, rng, say
        self.bag, self.running, self.counts = [], [], {}

    def busy(self):
        return {key for _, keys, _, _ in self.running for key in keys}

    def begin(self):
        if not self.bag:
            self.bag = KINDS[:]
            self.rng.shuffle(self.bag)
        kind = self.bag.pop()
        f = kind(self.w, self.rng)
        keys, name = next(f)
        if keys & self.busy():
            self.bag.insert(self.rng.randrange(len(self.bag) + 1), kind)
            return
        seconds = next(f)
        self.counts[kind.__name__] = self.counts.get(kind.__name__, 0) + 1
        self.say("%s, %.1f s" % (name, seconds))
        self.running.append((time.monotonic() + seconds, keys, name, f))

    def finish(self, all_of_them=False):
        """Those whose time has come."""
        for one in sorted(self.running, key=lambda r: r[0]):
            due, _, name, f = one
            if all_of_them or time.monotonic() >= due:
                next(f, None)
                self.running.remove(one)
                self.say("over: " + name)

    def run(self, seconds):
        start = time.monotonic()
        until = start + seconds
        due = start
        while time.monotonic() < until:
            self.finish()
            now = time.monotonic()
            if now >= due and (now - start) % self.QUIET_EVERY < self.QUIET_EVERY - self.QUIET:
                self.begin()
                due = now + self.rng.uniform(0.1, 1.0)
            ended = self.w.ended()
            if ended:
                raise AssertionError("ended by itself: %s" % ended)
            time.sleep(0.05)
        self.finish(True)
