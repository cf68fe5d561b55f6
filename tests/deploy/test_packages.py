# SPDX-License-Identifier: Apache-2.0
"""The Debian packages: made from this build, installed, upgraded and purged in a Debian of its own
under a real systemd.  BUILD is the build directory."""
import contextlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import booted

SOURCE = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("BUILD", SOURCE / "build")).resolve()
PACKAGES = {"proxtop": "/etc/proxtop.conf", "proxtop-agent": "/etc/proxtop/agent.conf",
            "proxtop-aggregator": "/etc/proxtop/aggregator.conf"}
PAGES = ["proxtop.1", "proxtop.conf.5", "proxtop-agent.8", "proxtop-agent.conf.5", "proxtop-aggregator.8",
         "proxtop-aggregator.conf.5"]
KEY = "/etc/proxtop/cluster.key"
# As the original's documentation has it.
ORIGINAL = """[Unit]
Description=Monitor virtual machine experience from outside on KVM/Proxmox hypervisor level
After=libvirtd.service
[Service]
Type=simple
Restart=always
RestartSec=3
EnvironmentFile=/etc/proxtop.conf
ExecStart=/usr/bin/proxtop --printer=json --output=tcp --target=${PROXTOP_TARGET} --cpu --net --mem --io --disk --host --verbose
[Install]
WantedBy=multi-user.target
"""
LOOK_ONLY = ("test_completion", "test_contents", "test_lintian", "test_pages", "test_scripts", "test_units")
LISTEN = """import socket, sys
s = socket.create_server(("127.0.0.1", int(sys.argv[1])))
s.settimeout(20)
c, _ = s.accept()
c.settimeout(20)
print(c.makefile().readline())
"""
# Where every package manager writes.
NOT_OURS = ("var/lib/dpkg", "var/lib/apt", "var/cache", "var/log", "var/tmp", "tmp", "run", "proc", "sys", "dev", "debs")


def wait(seconds, what, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.2)


def second_version(deb, top):
    """The same package as a later one, whose configuration has one line more."""
    work = top / (deb.name + ".d")
    booted.run("dpkg-deb", "-R", deb, work)
    control = work / "DEBIAN/control"
    control.write_text(re.sub(r"(?m)^Version: .*", r"Version: 2.0", control.read_text()))
    conf = pathlib.Path(str(work) + (work / "DEBIAN/conffiles").read_text().strip())
    conf.write_text(conf.read_text() + "# new in 2.0\n")
    to = top / "debs/2.0" / (deb.name.split("_")[0] + "_2.0.deb")
    booted.run("dpkg-deb", "--root-owner-group", "-b", work, to)
    return to


class Packages(unittest.TestCase):
    maxDiff = None
    fresh = False

    @classmethod
    def setUpClass(cls):
        try:
            booted.needed()
        except booted.CannotBeHad as e:
            sys.exit(f"packages cannot be tested here: {e}")
        cls.stack = contextlib.ExitStack()
        cls.addClassCleanup(cls.stack.close)
        cls.top = pathlib.Path(tempfile.mkdtemp(prefix="packages-"))
        cls.stack.callback(shutil.rmtree, cls.top)
        out = cls.top / "debs/1.0"
        (cls.top / "debs/2.0").mkdir(parents=True)
        booted.run("cpack", "--config", BUILD / "CPackConfig.cmake", "-B", cls.top / "out")
        out.mkdir()
        cls.debs = {}
        for deb in (cls.top / "out").glob("*.deb"):
            cls.debs[deb.name.split("_")[0]] = deb.rename(out / deb.name)
        cls.later = [second_version(d, cls.top) for d in cls.debs.values()]
        needs = set()
        for deb in cls.debs.values():
            for need in booted.run("dpkg-deb", "-f", deb, "Depends").split(","):
                needs.add(need.split()[0])
        root = cls.top / "root"
        booted.make_root(root, ["systemd", "man-db", "bash-completion", *sorted(needs)])
        shutil.copytree(cls.top / "debs", root / "debs")
        (root / "etc/machine-id").write_text("0123456789abcdef0123456789abcdef\n", encoding="ascii")
        cls.m = booted.Booted(root)
        cls.stack.callback(cls.m.close)
        cls.root = root

    def everything(self):
        """All files but those of package management, and what they hold."""
        found = {}
        for folder, folders, files in os.walk(self.root):
            here = os.path.relpath(folder, self.root)
            folders[:] = [f for f in folders if os.path.normpath(f"{here}/{f}") not in NOT_OURS]
            for name in folders + files:
                path = pathlib.Path(folder, name)
                found[os.path.normpath(f"{here}/{name}")] = (
                    os.readlink(path) if path.is_symlink() else path.stat().st_size if path.is_file() else "")
        return found

    def install(self, version="1.0", *options):
        return self.m.shell(f"apt-get install -y {' '.join(options)} /debs/{version}/*.deb")

    def purge(self):
        return self.m.shell("dpkg --purge " + " ".join(PACKAGES))

    def setUp(self):
        """Freshly installed; tests that only look leave it so."""
        if not type(self).fresh:
            self.m.try_call("sh", "-c", "dpkg --purge " + " ".join(PACKAGES))
            self.install()
        type(self).fresh = self.id().rpartition(".")[2] in LOOK_ONLY

    def pid(self, unit):
        return int(self.m.show(unit, "MainPID"))

    def configure(self):
        """The README's steps, on one host."""
        self.m.shell(f"(umask 077; proxtop --generate-key > {KEY}); "
                     "sed -i 's,^#PROXTOP_AGGREGATOR=.*,PROXTOP_AGGREGATOR=tcp://127.0.0.1:7410,; "
                     "s,^#PROXTOP_KEY_FILE,PROXTOP_KEY_FILE,' /etc/proxtop/agent.conf; "
                     "systemctl enable --now proxtop-aggregator proxtop-agent 2>&1")

    def status_of(self, unit):
        """What the kernel says of the service's process."""
        text = self.m.call("cat", f"/proc/{self.pid(unit)}/status")
        return dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)

    def test_contents(self):
        """Each has its program, unit, conffile, pages and completion; nothing is built in twice."""
        self.assertEqual(sorted(self.debs), sorted(PACKAGES))
        for name, conf in PACKAGES.items():
            with self.subTest(name):
                listed = booted.run("dpkg-deb", "-c", self.debs[name])
                for path in (f"/usr/bin/{name}", f"/lib/systemd/system/{name}.service", conf,
                             f"/usr/share/bash-completion/completions/{name}", f"man5/{name}.conf.5.gz",
                             f"/usr/share/doc/{name}/changelog.gz", f"/usr/share/doc/{name}/copyright"):
                    self.assertIn(path + "\n", listed)
                self.assertEqual([], [line for line in listed.splitlines() if line.split()[1] != "root/root"])
                version = booted.run("dpkg-deb", "-f", self.debs[name], "Version").strip()
                self.assertRegex(version, r"^\d+\.\d+[\w.+~]*$")
                self.assertIn(version, self.m.call("zcat", f"/usr/share/doc/{name}/changelog.gz"))
        if (BUILD / "bin/proxprofiler").exists():
            self.assertIn("/usr/bin/proxprofiler\n", booted.run("dpkg-deb", "-c", self.debs["proxtop"]))

    def test_lintian(self):
        said = subprocess.run(["lintian", "--allow-root", "--tag-display-limit=0", "--fail-on=error",
                               *map(str, self.debs.values())], check=False, text=True, capture_output=True)
        self.assertEqual((said.returncode, [t for t in said.stdout.splitlines() if t.startswith("E:")]), (0, []),
                         said.stdout + said.stderr)

    def test_scripts(self):
        for name in PACKAGES:
            for script in ("postinst", "prerm", "postrm"):
                booted.run("shellcheck", "-s", "sh", self.root / f"var/lib/dpkg/info/{name}.{script}")

    def test_units(self):
        most = {"proxtop-agent": 4.0, "proxtop-aggregator": 4.0, "proxtop": 4.0}
        for name in PACKAGES:
            with self.subTest(name):
                said = self.m.call("systemd-analyze", "verify", f"/usr/lib/systemd/system/{name}.service")
                self.assertEqual(said.strip(), "")
                level = self.m.call("systemd-analyze", "security", "--offline=true", "--no-pager",
                                    f"/usr/lib/systemd/system/{name}.service").splitlines()[-1]
                self.assertLess(float(re.search(r": ([\d.]+) ", level)[1]), most[name], level)
                self.assertEqual(self.m.show(name, "UnitFileState"), "disabled")
                self.assertEqual(self.m.show(name, "ActiveState"), "inactive")

    def test_pages(self):
        pages = PAGES + (["proxprofiler.1"] if (BUILD / "bin/proxprofiler").exists() else [])
        for page in pages:
            with self.subTest(page):
                name, section = page.rsplit(".", 1)
                path = f"/usr/share/man/man{section}/{page}.gz"
                said = self.m.call("man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", path,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
                self.assertFalse(said)
                lint = subprocess.run(["mandoc", "-Tlint", "-Wwarning", str(self.root) + path], check=False,
                                      text=True, capture_output=True)
                self.assertEqual((lint.returncode, lint.stdout + lint.stderr), (0, ""))
                shown = self.m.shell(f"MANWIDTH=500 man {section} {name} | cat")
                if section == "5":
                    self.assertIn(PACKAGES[name[:-5]], shown)
                    continue
                # Word for word what --help has, defaults included.
                text = " ".join(re.sub(r"\x1b\[[\d;]*m|.\x08", "", shown).split())
                table = self.m.call(name, "--list-options=markdown").splitlines()
                rows = [re.split(r"(?<!\\) \| ", t.strip("| ")) for t in table if t.startswith("| `")]
                self.assertGreater(len(rows), 15)
                for row in rows:
                    meaning = row[-1].replace("\\|", "|").strip()
                    self.assertIn(meaning, text, f"{page} lacks a row of --list-options")

    def complete(self, *words):
        quoted = " ".join("'%s'" % w for w in words)
        return self.m.shell(
            "cd /; . /usr/share/bash-completion/bash_completion; _completion_loader %s || :; "
            "COMP_WORDS=(%s); COMP_CWORD=%d; complete -p %s | grep -q _%s; set +e; _%s; printf '%%s\\n' \"${COMPREPLY[@]}\"" % (
                words[0], quoted, len(words) - 1, words[0], words[0], words[0])).split("\n")[:-1]

    def test_completion(self):
        self.assertEqual(self.complete("proxtop", "--printer", "=", "te"), ["text"])
        self.assertEqual(self.complete("proxtop", "-p", "j"), ["json"])
        self.assertEqual(self.complete("proxtop", "--printer", "="),
                         ["ncurses", "text", "json", "openmetrics", "auto"])
        self.assertEqual(sorted(self.complete("proxtop", "--conn")), ["--connect=", "--connection="])
        self.assertEqual(self.complete("proxtop", "--vers"), ["--version"])
        self.assertEqual(self.complete("proxtop-agent", "--key-file", "=", "/etc/host"), sorted(
            "/etc/" + p.name for p in (self.root / "etc").glob("host*")))
        self.assertEqual(self.complete("proxtop-agent", "--spool-dir", "=", "/var/li"), ["/var/lib"])
        self.assertEqual(self.complete("proxtop-aggregator", "--list-options", "=", "man"), ["man", "man-conf"])
        self.assertEqual(self.complete("proxtop-aggregator", "--list-options", "--lis"), ["--listen=", "--list-options"])
        for name in PACKAGES:
            rows = re.findall(r"(?m)^\| (?:`-.`, )?`--([\w-]+)", self.m.call(name, "--list-options"))
            got = [w[2:].rstrip("=") for w in self.complete(name, "--")]
            self.assertEqual(sorted(got), sorted(rows))

    def test_services(self):
        """Configured and enabled as the README says; what systemd and the kernel see of them."""
        self.configure()
        for unit in ("proxtop-agent", "proxtop-aggregator"):
            self.assertEqual(self.m.show(unit, "ActiveState"), "active")
            status = self.status_of(unit)
            self.assertEqual(status["NoNewPrivs"], "1")
            self.assertEqual(status["Seccomp"], "2")
        agent, aggregator = self.status_of("proxtop-agent"), self.status_of("proxtop-aggregator")
        self.assertEqual(int(agent["CapBnd"], 16), 1 << 19 | 1 << 2)  # SYS_PTRACE, DAC_READ_SEARCH
        self.assertEqual(agent["Uid"].split()[0], "0")
        self.assertEqual(int(aggregator["CapBnd"], 16), 0)
        self.assertNotEqual(aggregator["Uid"].split()[0], "0")
        wait(20, "the aggregator counts its host", lambda: self.m.show(
            "proxtop-aggregator", "StatusText") == "1 hosts, 0 of them silent; 0 outputs")
        wait(20, "the agent says what it sees", lambda: self.m.show("proxtop-agent", "StatusText") == "0 VMs")
        self.m.call("proxtop", "--check", "--connect=tcp://127.0.0.1:7411", f"--key-file={KEY}", "--expect=1")
        refused = self.m.try_call("proxtop", "--check", "--connect=tcp://127.0.0.1:7409", f"--key-file={KEY}")
        self.assertNotEqual(refused.returncode, 0, "the agent's feed is to be off")
        # SIGTERM is the end, not a failure.
        self.m.call("systemctl", "stop", "proxtop-agent", "proxtop-aggregator")
        for unit in ("proxtop-agent", "proxtop-aggregator"):
            self.assertEqual((self.m.show(unit, "Result"), self.m.show(unit, "ExecMainStatus")), ("success", "0"))

    def test_watchdog(self):
        """A process that hangs is killed and started anew; one that works is left alone."""
        units = ("proxtop-agent", "proxtop-aggregator")
        for unit in units:
            self.m.shell(f"mkdir -p /etc/systemd/system/{unit}.service.d; "
                         f"printf '[Service]\\nWatchdogSec=2\\n' > /etc/systemd/system/{unit}.service.d/w.conf")
        self.m.call("systemctl", "daemon-reload")
        self.configure()
        before = {u: self.pid(u) for u in units}
        time.sleep(5)
        self.assertEqual({u: self.pid(u) for u in units}, before)
        for unit in units:
            self.m.shell(f"kill -STOP {before[unit]}")
        for unit in units:
            wait(20, f"{unit} is started anew", lambda u=unit: self.pid(u) not in (0, before[u]))
            self.assertEqual(self.m.show(unit, "NRestarts"), "1")
        self.m.call("systemctl", "stop", *units)

    def hears(self, port):
        python = ["nsenter", "-t", str(self.m.pid), "-n", "--", sys.executable, "-c", LISTEN, str(port)]
        self.m.call("systemctl", "stop", "proxtop")  # or it is the one that connects
        with subprocess.Popen(python, text=True, stdout=subprocess.PIPE) as p:
            wait(10, "a listener", lambda: f":{port:04X} " in self.m.call("cat", "/proc/1/net/tcp"))
            self.m.call("systemctl", "restart", "proxtop")
            return json.loads(p.communicate(timeout=60)[0])

    def test_original(self):
        """proxtop.service, ours and the original's as it is documented, with PROXTOP_TARGET."""
        unit = self.root / "etc/systemd/system/proxtop.service"
        (self.root / "etc/proxtop.conf").write_text("PROXTOP_TARGET=127.0.0.1:12345\n", encoding="ascii")
        try:
            for text in (ORIGINAL, None):
                with self.subTest(text):
                    if text:
                        unit.write_text(text, encoding="ascii")
                    else:
                        unit.unlink()
                    self.m.call("systemctl", "daemon-reload")
                    line = self.hears(12345)
                    self.assertTrue(line)
                    self.assertIn("host", line)
        finally:
            unit.unlink(missing_ok=True)
            self.m.shell("systemctl stop proxtop; systemctl daemon-reload")

    def test_upgrade(self):
        """What an administrator changed stays, the rest is new, and what runs is the new program."""
        self.configure()
        changed = (self.root / "etc/proxtop/agent.conf").read_text(encoding="utf-8")
        before = {u: self.pid(u) for u in ("proxtop-agent", "proxtop-aggregator")}
        self.install("2.0", "-o", "Dpkg::Options::=--force-confold")
        self.assertEqual((self.root / "etc/proxtop/agent.conf").read_text(encoding="utf-8"), changed)
        self.assertIn("# new in 2.0", (self.root / "etc/proxtop/aggregator.conf").read_text(encoding="utf-8"))
        for unit, pid in before.items():
            self.assertEqual(self.m.show(unit, "ActiveState"), "active")
            self.assertNotIn(self.pid(unit), (0, pid))
            self.assertEqual(self.m.show(unit, "UnitFileState"), "enabled")
        self.assertEqual(self.m.show("proxtop", "ActiveState"), "inactive")
        self.assertEqual(self.m.call("dpkg-query", "-W", "-f", "${Version}", "proxtop").strip(), "2.0")

    def test_scripts_twice(self):
        """Each maintainer script may be run again, and without systemd running."""
        version = self.m.call("dpkg-query", "-W", "-f", "${Version}", "proxtop").strip()
        for name in PACKAGES:
            info = f"/var/lib/dpkg/info/{name}"
            for arguments in ("postinst configure", f"postinst configure {version}", "postinst abort-upgrade",
                              "prerm upgrade 9", "prerm remove", "prerm remove", "postrm remove", "postrm remove",
                              "postrm upgrade 9", f"postinst configure {version}"):
                script, words = arguments.split(" ", 1)
                self.m.shell(f"{info}.{script} {words}")
                booted.run("chroot", self.root, "sh", "-e", f"{info}.{script}", *words.split(),
                           env=self.m.environment())

    def test_purge(self):
        """Removed: services end, configuration stays, and comes back; purged: nothing is left."""
        self.purge()
        before = self.everything()
        self.install()
        self.configure()
        wait(20, "the spool", lambda: any((self.root / "var/lib/proxtop-agent").iterdir()))
        changed = (self.root / "etc/proxtop/agent.conf").read_text(encoding="utf-8")
        self.m.shell("apt-get remove -y " + " ".join(PACKAGES))
        self.assertEqual(self.m.shell("ls -l /proc/[0-9]*/exe | grep /usr/bin/proxtop || :"), "")
        self.assertEqual((self.root / "etc/proxtop/agent.conf").read_text(encoding="utf-8"), changed)
        self.assertTrue((self.root / KEY[1:]).exists())
        self.install()
        self.assertEqual(self.m.show("proxtop-agent", "UnitFileState"), "enabled")
        self.m.shell("apt-get purge -y proxtop-agent")
        self.assertTrue((self.root / KEY[1:]).exists(), "the others still use the key")
        self.purge()
        after = self.everything()
        self.assertEqual({p: v for p, v in after.items() if before.get(p) != v}, {})
        self.assertEqual([p for p in before if p not in after], [])
        for name in PACKAGES:
            self.assertNotEqual(self.m.try_call("dpkg-query", "-W", name).returncode, 0)


if __name__ == "__main__":
    unittest.main()
