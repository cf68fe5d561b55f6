# SPDX-License-Identifier: Apache-2.0
"""What the lab's tests share: results, the program under test, /proc, guests.

A test is a file test_NAME.py that runs inside the lab's namespaces (lab.sh); it prints
what it measured and PASS or FAIL for each statement, and exits 1 when one failed.
"""
import decimal
import glob
import json
import os
import re
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time

PROXTOP = os.environ["PROXTOP"]
IMAGES = os.environ["LAB_IMAGES"]
SHIM = os.environ["LAB_SHIM"]
CPU = int(os.environ["LAB_CPU"])  # for what is measured
REST = os.environ["LAB_REST"]  # for everything else, as a list for taskset
CPUS = {CPU, *map(int, REST.split(","))}
HOST_IP = "10.77.0.1"
CLK_TCK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Test:
    """Counts and prints the statements of one test."""

    def __init__(self, name):
        self.name = name
        self.failed = 0
        self.count = 0
        self.started = time.monotonic()
        sys.excepthook = self._broken

    def _broken(self, kind, error, trace):
        sys.__excepthook__(kind, error, trace)
        print(f"FAIL {self.name}: {kind.__name__}: {error}", flush=True)

    def note(self, text):
        print(f"     [{time.monotonic() - self.started:5.1f} s] {text}", flush=True)

    def check(self, ok, text):
        self.count += 1
        if not ok:
            self.failed += 1
        print(f"{'PASS' if ok else 'FAIL'} {self.name}: {text}", flush=True)
        return bool(ok)

    def near(self, what, value, low, high):
        """value lies in [low, high]; None (absent) never does."""
        shown = "absent" if value is None else f"{value:.6g}"
        return self.check(value is not None and low <= value <= high,
                          f"{what} is {shown}, allowed {low:.6g} to {high:.6g}")

    def same(self, what, a, b):
        a_text, b_text = (str(v) if isinstance(v, decimal.Decimal) else repr(v) for v in (a, b))
        return self.check(a == b, f"{what}: {a_text}" + ("" if a == b else f" is not {b_text}"))

    def done(self):
        word = "FAILED" if self.failed or not self.count else "passed"
        print(f"{self.name}: {self.count - self.failed} of {self.count} statements hold, {word}, "
              f"{time.monotonic() - self.started:.0f} s", flush=True)
        sys.exit(1 if word == "FAILED" else 0)


def wait_for(what, condition, timeout=30.0, step=0.05):
    """Calls condition until it answers something true; returns that."""
    end = time.monotonic() + timeout
    while True:
        got = condition()
        if got:
            return got
        if time.monotonic() > end:
            raise TimeoutError(f"{what}: not within {timeout} s")
        time.sleep(step)


def run(*command, check=True, timeout=60, **more):
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          timeout=timeout, **more)
    if check and done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}: "
                           f"{(done.stderr or done.stdout).strip()}")
    return done.stdout


def read(path):
    with open(path, encoding="utf-8", errors="replace") as f:
        return f.read()


def write(path, text):
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def median(values):
    values = [v for v in values if v is not None]
    return statistics.median(values) if values else None


# ---- the program under test ------------------------------------------------------------


class Proxtop:
    """The program running in the background, printing JSON; its cycles as they come.

    cycles is a list of (CLOCK_MONOTONIC of arrival, object)."""

    def __init__(self, *args, freq=1, verbose=True, connector="--libvirt", env=None):
        command = [PROXTOP, "--printer=json", f"--frequency={freq}", connector]
        command += ["--verbose"] if verbose else []
        self.command = [c for c in command if c] + list(args)
        self.cycles = []
        self.bad = []
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, text=True,
                                        stderr=subprocess.PIPE, env={**os.environ, **(env or {})})
        self.stderr = ""
        self.threads = [threading.Thread(target=f, daemon=True) for f in (self._out, self._err)]
        for t in self.threads:
            t.start()

    def _out(self):
        for line in self.process.stdout:
            try:
                self.cycles.append((time.monotonic(), json.loads(line)))
            except ValueError as e:
                self.bad.append(f"{e}: {line[:200]}")

    def _err(self):
        for line in self.process.stderr:
            self.stderr += line

    def wait_cycles(self, n, timeout=60):
        """Waits until n more cycles have come, and returns their objects."""
        start = len(self.cycles)
        wait_for(f"{n} cycles of {' '.join(self.command)} (stderr: {self.stderr!r})",
                 lambda: len(self.cycles) >= start + n or self.process.poll() is not None, timeout)
        got = [c for _, c in self.cycles[start:start + n]]
        if len(got) < n:
            raise RuntimeError(f"proxtop ended with {self.process.returncode}: {self.stderr}")
        return got

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for t in self.threads:
            t.join(5)
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self.stop()


def proxtop(*args, timeout=60, check=True, **more):
    """Runs the program to its end; returns the finished process."""
    done = subprocess.run([PROXTOP, *args], capture_output=True, text=True, timeout=timeout, **more)
    if check and done.returncode:
        raise RuntimeError(f"proxtop {' '.join(args)}: exit {done.returncode}: {done.stderr}")
    return done


def cycles(runs, *args, freq=1, connector="--libvirt", verbose=True):
    """The JSON objects of that many cycles."""
    command = ["--printer=json", f"--frequency={freq}", f"--runs={runs}"]
    command += [connector] if connector else []
    command += ["--verbose"] if verbose else []
    out = proxtop(*command, *args, timeout=30 + 2 * freq * runs).stdout
    return [json.loads(line) for line in out.splitlines()]


LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"')


def openmetrics(*args, connector="--libvirt"):
    """One reading of the raw values: {name: [(labels, Decimal)]}."""
    command = ["--printer=openmetrics", "--runs=1", "--verbose"]
    command += [connector] if connector else []
    return parse_openmetrics(proxtop(*command, *args).stdout)


def parse_openmetrics(text):
    got = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        m = re.fullmatch(r"([a-zA-Z_:]\w*)(?:\{(.*)\})? (\S+)", line)
        if not m:
            raise ValueError(f"not OpenMetrics: {line}")
        labels = {k: re.sub(r"\\(.)", lambda e: "\n" if e[1] == "n" else e[1], v)
                  for k, v in LABEL.findall(m[2] or "")}
        got.setdefault(m[1], []).append((labels, decimal.Decimal(m[3])))
    if not text.endswith("# EOF\n"):
        raise ValueError("OpenMetrics without # EOF")
    return got


def raw(metrics, name, **labels):
    """The sum of the series of that name with these labels; None when there is none."""
    values = [v for l, v in metrics.get(name, []) if all(l.get(k) == w for k, w in labels.items())]
    return sum(values) if values else None


def domain(cycle, **by):
    """The one domain of a JSON cycle with these values, or None."""
    got = [d for d in cycle["domains"] if all(d.get(k) == v for k, v in by.items())]
    if len(got) > 1:
        raise RuntimeError(f"{len(got)} domains are {by}")
    return got[0] if got else None


# ---- /proc ----------------------------------------------------------------------------


def stat_fields(path):
    """Fields of /proc/.../stat numbered as in proc(5) (field 3 is the state)."""
    text = read(path)
    return [None, None, None] + text[text.rindex(")") + 2:].split()


def cpu_ticks(pid):
    f = stat_fields(f"/proc/{pid}/stat")
    return int(f[14]) + int(f[15])


def threads(pid):
    """{tid: (comm, run ns, wait ns)}"""
    got = {}
    for task in glob.glob(f"/proc/{pid}/task/*"):
        try:
            run_ns, wait_ns, _ = read(f"{task}/schedstat").split()
            got[int(os.path.basename(task))] = (read(f"{task}/comm").strip(), int(run_ns),
                                                int(wait_ns))
        except (FileNotFoundError, ProcessLookupError):
            pass  # a worker that went
    return got


def vcpu_threads(pid):
    """tids in the order of the vCPUs"""
    found = []
    for tid, (comm, _, _) in threads(pid).items():
        m = re.fullmatch(r"CPU (\d+)/(KVM|TCG)", comm)
        if m:
            found.append((int(m[1]), tid))
    return [tid for _, tid in sorted(found)]


def schedstat(pid, tid):
    return [int(v) for v in read(f"/proc/{pid}/task/{tid}/schedstat").split()]


def pin(pid, cpus):
    """All threads of a process."""
    run("taskset", "-acp", cpus, pid)


# ---- guests ---------------------------------------------------------------------------


class Console:
    """The shell on a guest's second serial port."""

    def __init__(self, path):
        self.path = path
        self.number = 0
        self.socket = None

    def open(self, timeout=90):
        """Connects and waits until the guest answers."""
        self.socket = socket.socket(socket.AF_UNIX)
        wait_for(f"console {self.path}", self._connect, timeout)
        end = time.monotonic() + timeout
        while True:
            try:
                if "there" in self.run("echo there", 2):
                    return self
            except (TimeoutError, RuntimeError):
                # Not up yet; or it was just opening the port and has missed some letters.
                if time.monotonic() > end:
                    raise

    def _connect(self):
        try:
            self.socket.connect(self.path)
            return True
        except OSError:
            return False

    def send(self, command):
        self.socket.sendall(command.encode() + b"\n")

    def run(self, command, timeout=60):
        """Runs a command in the guest; returns what it printed. Raises when it failed."""
        self.number += 1
        self.send(f"{command}\necho done {self.number} $?")
        end = time.monotonic() + timeout
        got = ""
        while True:
            self.socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                part = self.socket.recv(65536)
            except socket.timeout:
                raise TimeoutError(f"guest did not finish {command!r}: {got!r}") from None
            if not part:
                raise ConnectionError(f"QEMU closed the console during {command!r}")
            got += part.decode(errors="replace")
            m = re.search(rf"^done {self.number} (\d+)$", got, re.M)
            if m:
                if m[1] != "0":
                    raise RuntimeError(f"guest: {command!r} failed with {m[1]}: {got!r}")
                return got[:m.start()]

    def burn(self):
        """A process in the guest that never sleeps."""
        self.send("(while :; do :; done) &")

    def close(self):
        if self.socket:
            self.socket.close()
            self.socket = None


def append_line(ip=None):
    return "console=ttyS0 quiet panic=-1 " + (f"g_ip={ip}" if ip else "")


def new_disk(name, mib=64):
    path = f"{IMAGES}/disks/{name}.raw"
    with open(path, "wb") as f:
        f.truncate(mib << 20)
    os.chmod(path, 0o666)
    return path


# ---- QMP ------------------------------------------------------------------------------


def qmp(path, *commands, timeout=10):
    """Connects, asks, leaves; returns the answers."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(timeout)
        s.connect(path)
        lines = s.makefile("rw")
        json.loads(lines.readline())
        answers = []
        for c in ("qmp_capabilities",) + commands:
            lines.write(json.dumps({"execute": c} if isinstance(c, str) else c) + "\n")
            lines.flush()
            while True:
                answer = json.loads(lines.readline())
                if "event" not in answer:
                    break
            if "error" in answer:
                raise RuntimeError(f"QMP {c}: {answer['error']}")
            answers.append(answer["return"])
        return answers[1:]


def stop_process(pid, timeout=10):
    """Kills a process that is not our child and waits until it is gone."""
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return
    wait_for(f"end of process {pid}", lambda: not os.path.exists(f"/proc/{pid}"), timeout)
