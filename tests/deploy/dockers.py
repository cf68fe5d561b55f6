# SPDX-License-Identifier: Apache-2.0
"""Docker daemons of the tests' own, and images without a registry.

One daemon builds, in the machine's network (apt); one runs, in a network namespace of its own, so
that its bridges and firewall rules are nobody else's.  Both keep all they have below one directory
and end with this process.

Only Debian can be had, so the images that others publish are made of its packages and imported
under the names that the Dockerfile and compose.yml ask for.
"""
import atexit
import contextlib
import ctypes
import functools
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile
import time

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BASE = "debian:bookworm-slim"
# Debian's own: another one may come before it in PATH.
DOCKER, COMPOSE = "/usr/bin/docker", "/usr/bin/docker-compose"
PR_SET_PDEATHSIG = 1

INFLUXDB = """FROM %s
RUN apt-get -qq update && apt-get -qq install -y --no-install-recommends influxdb influxdb-client
RUN printf 'influxd &\\nuntil influx -execute "CREATE DATABASE $INFLUXDB_DB" 2>/dev/null; do sleep 0.2; done\\nwait\\n' >/start
CMD ["/bin/sh", "/start"]
""" % BASE


def run(*command, **kw):
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.STDOUT)
    done = subprocess.run(command, text=True, check=False, **kw)
    if done.returncode:
        raise AssertionError("%s: status %d\n%s" % (" ".join(command), done.returncode,
                                                    (done.stdout or "")[-4000:]))
    return done.stdout


def end_with_us():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


class Daemon:
    """A dockerd; call(...) is docker's command line at it."""

    def __init__(self, top, *options, prefix=()):
        self.top = top
        self.prefix = prefix
        top.mkdir()
        self.socket = top / "sock"
        self.environment = {**os.environ, "DOCKER_HOST": f"unix://{self.socket}", "DOCKER_BUILDKIT": "0"}
        command = [*prefix, "/usr/sbin/dockerd", "--data-root", top / "data", "--exec-root", top / "exec",
                   "-H", f"unix://{self.socket}", "-p", top / "pid", *options]
        with open(top / "log", "wb") as log:
            self.process = subprocess.Popen([str(c) for c in command], stdout=log, stderr=log,
                                            preexec_fn=end_with_us)
        for _ in range(300):
            if subprocess.run([DOCKER, "info"], env=self.environment, check=False,
                              capture_output=True).returncode == 0:
                return
            if self.process.poll() is not None:
                break
            time.sleep(0.1)
        raise AssertionError("dockerd does not start:\n" + (top / "log").read_text()[-3000:])

    def call(self, *args, **kw):
        return run(DOCKER, *args, env=self.environment, **kw)

    def try_call(self, *args, seconds=60):
        return subprocess.run([DOCKER, *args], env=self.environment, check=False, text=True,
                              capture_output=True, timeout=seconds)

    def compose(self, *args, env=()):
        return run(*self.prefix, COMPOSE, *args, env={**self.environment, **dict(env)})

    def close(self):
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(30)
        self.process.kill()
        subprocess.run(["umount", "-q", self.top / "exec/netns/default"], check=False,
                       stderr=subprocess.DEVNULL)


class Dockers:
    """build and run: two daemons with the images of this tree."""

    def __init__(self):
        self.top = pathlib.Path(tempfile.mkdtemp(prefix="proxtop-docker-"))
        self.name = f"proxtop-{os.getpid()}"
        try:
            self.open()
        except BaseException:
            self.close()
            raise

    def open(self):
        self.build = Daemon(self.top / "build", "--bridge=none", "--iptables=false", "--ip6tables=false")
        run("mmdebstrap", "--variant=minbase", "bookworm", self.top / "base.tar")
        self.build.call("import", str(self.top / "base.tar"), BASE)
        self.targets = ("agent", "aggregator", "console")
        for target in self.targets:
            self.build.call("build", "--network=host", "-f", str(SOURCE / "docker/Dockerfile"),
                            "--build-arg", "VERSION=1.2.3-test", "--target", target,
                            "-t", image(target), str(SOURCE))
        (self.top / "Dockerfile").write_text(INFLUXDB)
        self.build.call("build", "--network=host", "-t", "influxdb:1.8", "-f", str(self.top / "Dockerfile"),
                        str(self.top / "build/exec"))
        run("ip", "netns", "add", self.name)
        run("ip", "-n", self.name, "link", "set", "lo", "up")
        self.run = Daemon(self.top / "run", "--bip=10.81.0.1/24",
                          prefix=("nsenter", f"--net=/run/netns/{self.name}"))
        names = [image(t) for t in self.targets] + [BASE, "influxdb:1.8"]
        self.build.call("save", "-o", str(self.top / "images.tar"), *names)
        self.run.call("load", "-i", str(self.top / "images.tar"))

    def close(self):
        for daemon in ("run", "build"):
            if hasattr(self, daemon):
                getattr(self, daemon).close()
        subprocess.run(["ip", "netns", "del", self.name], check=False, stderr=subprocess.DEVNULL)
        shutil.rmtree(self.top, ignore_errors=True)


@functools.lru_cache(maxsize=None)
def shared():
    """One pair of daemons for all tests of a run; it ends with the process."""
    d = Dockers()
    atexit.register(d.close)
    return d


def image(target):
    return {"console": "proxtop"}.get(target, f"proxtop-{target}")
