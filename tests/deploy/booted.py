# SPDX-License-Identifier: Apache-2.0
"""A Debian of the tests' own, without a virtual machine: a root made by mmdebstrap from the mirror
that apt here is told of, with its own systemd as pid 1 of its own namespaces, seen from nobody
else.  What is installed comes by file: the machine has no network but its loopback."""
import ctypes
import os
import pathlib
import signal
import subprocess
import tempfile
import time

PR_SET_PDEATHSIG = 1
TOOLS = ("mmdebstrap", "unshare", "nsenter", "ip", "cpack", "dpkg-deb", "lintian", "mandoc", "shellcheck")


class CannotBeHad(Exception):
    """This machine does not give what a test needs."""


def needed():
    """Raises CannotBeHad in one line."""
    if os.getuid():
        raise CannotBeHad("root is needed, for a Debian of its own")
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin"
    missing = [t for t in TOOLS if not any(os.access(f"{p}/{t}", os.X_OK) for p in path.split(":"))]
    if missing:
        raise CannotBeHad("missing: " + " ".join(missing) + " (tests/deploy/packages.txt)")


def run(*command, **kw):
    kw.setdefault("stdout", subprocess.PIPE)
    kw.setdefault("stderr", subprocess.STDOUT)
    done = subprocess.run([str(c) for c in command], text=True, check=False, **kw)
    if done.returncode:
        raise AssertionError("%s: status %d\n%s" % (" ".join(map(str, command)), done.returncode,
                                                    (done.stdout or "")[-6000:]))
    return done.stdout


def codename():
    for line in pathlib.Path("/etc/os-release").read_text(encoding="utf-8").splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=")[1].strip('"')
    raise CannotBeHad("no VERSION_CODENAME in /etc/os-release: no Debian")


def mirror(suite):
    lines = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE)", "Identifier: Packages")
    for line in lines.splitlines():
        if line.split()[1:] == [suite]:
            return line.split()[0]
    raise CannotBeHad(f"apt knows no mirror of {suite} (apt-get update)")


def make_root(root, packages):
    """As small as it gets, with these packages: what is tested may need nothing else."""
    suite = codename()
    log = run("mmdebstrap", "--variant=minbase", "--mode=root", "--include=" + ",".join(packages), suite, root,
              mirror(suite))
    assert (root / "lib/systemd/systemd").exists(), log[-3000:]


def end_with_us():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Booted:
    """ROOT, running."""

    def __init__(self, root):
        self.root = root
        unified = pathlib.Path("/sys/fs/cgroup/unified")
        top = unified if unified.is_dir() else pathlib.Path("/sys/fs/cgroup")
        self.cgroup = pathlib.Path(tempfile.mkdtemp(prefix="debian-test-", dir=top))
        script = pathlib.Path(__file__).with_name("boot.sh")
        self.log = open(f"{root}.log", "w+b")  # pylint: disable=consider-using-with
        self.outer = subprocess.Popen(  # pylint: disable=subprocess-popen-preexec-fn
            ["sh", "-c", 'echo 0 > "$1/cgroup.procs" && exec unshare -m -p -u -i -n -C -f --kill-child '
                         'sh "$2" "$3"', "sh", self.cgroup, script, root],
            stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, preexec_fn=end_with_us)
        self.pid = None
        for _ in range(300):
            if self.outer.poll() is not None:
                break
            if self.pid is None:
                self.pid = self.child()
            elif self.try_call("systemctl", "is-system-running").stdout.strip() in ("running", "degraded"):
                return
            time.sleep(0.1)
        self.log.seek(0)
        said = self.log.read().decode(errors="replace")[-3000:]
        self.close()
        raise AssertionError("systemd does not come up:\n" + said)

    def child(self):
        found = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(self.outer.pid)], check=False, text=True,
                               capture_output=True).stdout.split()
        return int(found[0]) if found[1:2] == ["systemd"] else None

    def enter(self, *options):
        return ["nsenter", "-t", str(self.pid), "-m", "-p", "-u", "-i", "-n", "-C", "-r", "-w", *options, "--"]

    def environment(self):
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8", "DEBIAN_FRONTEND": "noninteractive"}

    def call(self, *command, **kw):
        return run(*self.enter(), *command, env=self.environment(), stdin=subprocess.DEVNULL, **kw)

    def try_call(self, *command, seconds=60):
        return subprocess.run([*self.enter(), *command], env=self.environment(), check=False, text=True,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              timeout=seconds)

    def shell(self, text):
        return self.call("bash", "-ec", text)

    def show(self, unit, what):
        return self.call("systemctl", "show", "--value", "-p", what, unit).strip()

    def close(self):
        if self.pid:
            try:
                os.kill(self.pid, signal.SIGKILL)  # pid 1 of its namespace: all in it go with it
            except ProcessLookupError:
                pass
        self.outer.kill()
        self.outer.wait()
        self.log.close()
        for _ in range(50):
            folders = sorted((p for p in self.cgroup.rglob("*") if p.is_dir()), reverse=True)
            try:
                for folder in [*folders, self.cgroup]:
                    folder.rmdir()
                return
            except OSError:
                time.sleep(0.1)
