# SPDX-License-Identifier: Apache-2.0
"""The images and compose.yml, built and run by real Docker daemons (dockers.py)."""
import json
import pathlib
import re
import shutil
import subprocess
import sys
import time
import unittest
import urllib.parse

import dockers

SOURCE = dockers.SOURCE
CASE = SOURCE / "tests/golden/make_case.py"
MEGABYTES = {"agent": 60, "aggregator": 60, "console": 65}  # over the base


def block(name):
    """The README's commands under this mark."""
    text = (SOURCE / "docker/README.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- test: %s -->\n```sh\n(.*?)```" % name, text, re.DOTALL)
    assert found, f"docker/README.md has no commands '{name}'"
    return found.group(1)


def wait(seconds, what, condition):
    end = time.monotonic() + seconds
    while True:
        try:
            result = condition()
            if result:
                return result
            last = ""
        except (AssertionError, ValueError, KeyError, IndexError) as e:
            last = str(e)
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what} {last}")
        time.sleep(0.3)


class Docker(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.dockers = dockers.shared()
        cls.d = cls.dockers.run
        cls.top = cls.dockers.top

    def inspect(self, name):
        return json.loads(self.d.call("inspect", name))[0]

    def shell(self, text, **kw):
        """Commands of the README, in the running daemon's network."""
        return dockers.run(*self.d.prefix, "sh", "-ec", text, env={**self.d.environment, "PATH":
                           "/usr/bin:/bin:/usr/sbin:/sbin"}, **kw)

    def get(self, url):
        return dockers.run(*self.d.prefix, "curl", "-sS", "--max-time", "5", url)

    # ---- the images ----

    def test_images(self):
        base = self.inspect(dockers.BASE)
        for target, user in (("agent", ""), ("aggregator", "65534:65534"), ("console", "65534:65534")):
            with self.subTest(target=target):
                name = dockers.image(target)
                found = self.inspect(name)
                config = found["Config"]
                self.assertEqual(config["User"], user)
                labels = config["Labels"]
                self.assertEqual(labels["org.opencontainers.image.version"], "1.2.3-test")
                for label in ("title", "description", "licenses", "source", "revision", "vendor"):
                    self.assertTrue(labels["org.opencontainers.image." + label], label)
                self.assertNotIn("sh", [pathlib.Path(w).name for w in config["Entrypoint"]])
                if target != "console":
                    self.assertEqual(config["Healthcheck"]["Test"], ["CMD", name, "--healthcheck"])
                self.assertLess(found["Size"] - base["Size"], MEGABYTES[target] * 1000 * 1000)
                tools = self.d.try_call("run", "--rm", "--entrypoint=/bin/sh", name, "-c",
                                        "command -v gcc cc make cmake ld curl wget python3")
                self.assertEqual(tools.stdout, "")
                version = self.d.call("run", "--rm", name, "--version")
                self.assertRegex(version, r"^proxtop\S* \d")

    def test_without_a_shell(self):
        """With no shell and no tool in it, it still runs."""
        for target in self.dockers.targets:
            name = dockers.image(target)
            self.d.call("create", "--name=bare", name)
            try:
                with open(self.top / "bare.tar", "wb") as tar:
                    subprocess.run([dockers.DOCKER, "export", "bare"], env=self.d.environment,
                                   stdout=tar, check=True)
            finally:
                self.d.call("rm", "bare")
            bare = self.top / "bare"
            bare.mkdir()
            dockers.run("tar", "-x", "-C", str(bare), "-f", str(self.top / "bare.tar"))
            for tool in [*(bare / "usr/bin").iterdir(), *(bare / "usr/sbin").iterdir()]:
                if not tool.name.startswith("prox"):
                    tool.unlink()
            for link in ("bin", "sbin"):
                (bare / link).unlink()
            dockers.run("tar", "-c", "-C", str(bare), "-f", str(self.top / "bare.tar"), ".")
            shutil.rmtree(bare)
            self.d.call("import", str(self.top / "bare.tar"), "bare:test")
            done = self.d.try_call("run", "--rm", "--entrypoint=/bin/sh", "bare:test", "-c", "exit 0")
            self.assertNotEqual(done.returncode, 0, "there is a shell: nothing is tested")
            entry = self.inspect(name)["Config"]["Entrypoint"][0]
            self.assertIn("Usage", self.d.call("run", "--rm", f"--entrypoint=/usr/bin/{entry}", "bare:test",
                                               "--help"))

    def test_what_is_missing(self):
        """One line says what, and what gives it."""
        for name in ("proxtop-agent", "proxtop"):
            done = self.d.try_call("run", "--rm", name)
            self.assertEqual(done.returncode, 1)
            error = [l for l in done.stderr.splitlines() if "error" in l]
            self.assertEqual(len(error), 1, done.stderr)
            self.assertIn("-v /proc:/host/proc:ro", error[0])
        done = self.d.try_call("run", "--rm", "-v", "/proc:/host/proc:ro", "-e", "PROXTOP_FREQUENCY=0",
                               "proxtop-agent")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (2, 1), done.stderr)
        self.assertIn("PROXTOP_FREQUENCY=0 is not possible; allowed", done.stderr)
        (self.top / "open.key").write_text("x")
        (self.top / "open.key").chmod(0o644)
        done = self.d.try_call("run", "--rm", "-v", f"{self.top}/open.key:/key:ro", "-e",
                               "PROXTOP_KEY_FILE=/key", "proxtop-aggregator")
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)
        self.assertIn("/key", done.stderr)

    def test_unknown_variable(self):
        """Kubernetes makes such variables for each service: a warning, no more."""
        done = self.d.try_call("run", "--rm", "-e", "PROXTOP_AGENT_PORT=tcp://10.0.0.1:7409", "-v",
                               "/proc:/host/proc:ro", "proxtop", "--printer=json", "--runs=1", "--cpu")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("PROXTOP_AGENT_PORT", done.stderr)

    def test_original(self):
        """The original's docker run line, and its image's PARAMS."""
        line = ("run", "--rm", "-v", "/proc:/host/proc:ro", "-v", "/var/run/libvirt:/var/run/libvirt")
        done = self.d.try_call(*line, "proxtop", "--procfs=/host/proc", "--runs=2")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cpu", done.stdout.splitlines()[0])
        done = self.d.try_call(*line, "-e", "PARAMS=-c qemu:///system --printer=json --cpu --runs=1", "proxtop")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("cpu_cores", json.loads(done.stdout)["host"])

    # ---- README ----

    def test_all_on_one_host(self):
        """The README's commands; what only a registry has is left out of `up`."""
        place = self.top / "checkout"
        shutil.copytree(SOURCE / "docker", place / "docker", ignore=shutil.ignore_patterns("cluster.key"))
        commands = block("all on one host")
        self.assertEqual(re.findall(r"--target (\w+) -t (\S+)", commands),
                         [(t, dockers.image(t)) for t in self.dockers.targets])
        commands = "\n".join(l for l in commands.splitlines() if not l.startswith("docker build"))
        self.assertIn("up -d", commands)
        self.addCleanup(lambda: self.shell("docker-compose -f docker/compose.yml down -v -t 10", cwd=place))
        self.shell(commands.replace("up -d", "up -d --no-build aggregator agent"), cwd=place)

        host = wait(60, "the host", lambda: json.loads(self.get("http://127.0.0.1:7412/hosts"))["hosts"][0])
        self.assertEqual(host["state"], "live")
        wait(60, "all are healthy", lambda: self.d.call("ps", "--format", "{{.Status}}").count("(healthy)") == 3)
        query = urllib.parse.quote('SELECT COUNT(cpu_cores) FROM proxtop_host')
        wait(60, "points in InfluxDB", lambda: json.loads(
            self.get(f"http://127.0.0.1:8086/query?db=proxtop&q={query}"))["results"][0]["series"])
        look = block("look").replace("-it", "-t") + "  --screen=100x24 --keys='o{wait 1}'"
        screen = self.shell(look.replace("\n  --screen", " --screen"), cwd=place)
        self.assertIn(host["host_name"][:12], screen)
        for name in ("agent", "aggregator"):
            config = self.inspect(f"docker_{name}_1")["HostConfig"]
            self.assertFalse(config["Privileged"])
            self.assertTrue(config["ReadonlyRootfs"])
            self.assertEqual(config["CapDrop"], ["ALL"])
            self.assertEqual(config["RestartPolicy"]["Name"], "unless-stopped")

    def test_another_host(self):
        """Its line runs as printed; the aggregator's name is one that this network knows."""
        key = self.top / "etc-key"
        self.shell(f"(umask 077; docker run --rm proxtop --generate-key > {key})")
        line = block("another host").replace("/etc/proxtop/cluster.key", str(key))
        self.assertNotIn("privileged", line)
        line = line.replace("tcp://centre:7410", "tcp://127.0.0.1:7499")
        self.addCleanup(self.d.call, "rm", "-f", "proxtop-agent")
        self.shell(line)
        wait(40, "healthy", lambda: "(healthy)" in self.d.call("ps", "--format", "{{.Status}}"))
        begin = time.monotonic()
        self.d.call("stop", "-t", "10", "proxtop-agent")
        self.assertLess(time.monotonic() - begin, 9, "SIGTERM did not end it")
        self.assertEqual(self.inspect("proxtop-agent")["State"]["ExitCode"], 0)

    # ---- three hosts ----

    def fake_host(self, name):
        """A Proxmox VE host made of files, with its own identity."""
        made = self.top / "case"
        if not made.exists():
            dockers.run(sys.executable, str(CASE), "normal", str(made))
        host = self.top / name
        shutil.copytree(made / "2", host, symlinks=True)
        (host / "etc/machine-id").write_text((name.encode().hex() * 32)[:32] + "\n")
        (host / "etc/hostname").write_text(name + "\n")
        return host

    def hosts(self):
        text = self.d.call("exec", "centre", "proxtop-aggregator", "--version")
        self.assertIn("proxtop-aggregator", text)
        address = self.inspect("centre")["NetworkSettings"]["Networks"]["lab"]["IPAddress"]
        return {h["host_name"]: h for h in json.loads(self.get(f"http://{address}:7412/hosts"))["hosts"]}

    def test_three_hosts(self):
        """One is killed, one is cut off and comes back with all it measured."""
        self.d.call("network", "create", "lab")
        names = ["alpha", "beta", "gamma"]
        self.addCleanup(self.d.call, "network", "rm", "lab")
        self.addCleanup(self.d.call, "rm", "-f", "-v", "centre", *names)
        self.d.call("run", "-d", "--name=centre", "--network=lab", "--read-only", "--cap-drop=ALL",
                    "-e", "PROXTOP_LISTEN=tcp://0.0.0.0:7410", "-e", "PROXTOP_FEED=tcp://0.0.0.0:7411",
                    "-e", "PROXTOP_HTTP=0.0.0.0:7412", "-e", "PROXTOP_INSECURE=1", "proxtop-aggregator")
        for name in names:
            self.d.call("run", "-d", f"--name={name}", "--network=lab", "--read-only", "--cap-drop=ALL",
                        "-v", f"{self.fake_host(name)}:/host:ro", "-e", "PROXTOP_AGGREGATOR=tcp://centre:7410",
                        "-e", "PROXTOP_INSECURE=1", "proxtop-agent")
        wait(30, "three live hosts",
             lambda: sorted(n for n, h in self.hosts().items() if h["state"] == "live") == names)
        screen = self.console()
        for name in names:
            self.assertIn(name, screen)
        self.assertEqual(screen.count("web01"), 3, "each has its VMs:\n" + screen)

        self.d.call("kill", "alpha")
        self.d.call("network", "disconnect", "lab", "beta")
        wait(30, "two are stale", lambda: [self.hosts()[n]["state"] for n in names] == ["stale", "stale", "live"])
        before = self.hosts()["beta"]
        time.sleep(4)
        self.d.call("network", "connect", "lab", "beta")
        wait(60, "beta is back", lambda: self.hosts()["beta"]["state"] == "live")
        after = wait(30, "beta has no backlog", lambda: (lambda h: h["behind"] <= 1 and h)(self.hosts()["beta"]))
        self.assertEqual(after["epoch"], before["epoch"], "the agent was not restarted")
        self.assertEqual((after["lost"], after["gap"]), (0, 0))
        self.assertEqual(after["samples"], after["received"], "nothing is missing")
        self.d.call("start", "alpha")
        wait(30, "alpha is back", lambda: self.hosts()["alpha"]["state"] == "live")

    def console(self):
        return self.d.call("run", "--rm", "--network=lab", "proxtop", "--connect=tcp://centre:7411",
                           "--insecure", "--screen=120x40", "--keys={wait 2}")


if __name__ == "__main__":
    unittest.main(verbosity=2)
