# SPDX-License-Identifier: Apache-2.0
"""What the chart renders runs: its pods as containers (pods.py), plain and through stunnel."""
import base64
import json
import shutil
import subprocess
import sys
import time
import unittest

import charts
import dockers
import pods

NODES = ("alpha", "beta")
STUNNEL = "FROM %s\nRUN apt-get -qq update && apt-get -qq install -y --no-install-recommends stunnel4\n" % dockers.BASE


def wait(seconds, what, condition):
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.3)


class Pods(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.d = dockers.shared().run
        cls.top = dockers.shared().top / "pods"
        cls.top.mkdir()
        dockers.run(sys.executable, str(charts.SOURCE / "tests/golden/make_case.py"), "normal", str(cls.top / "case"))
        version = charts.helm("show", "chart", charts.CHART).stdout.split("appVersion: ")[1].split()[0]
        for target in dockers.shared().targets:
            cls.d.call("tag", dockers.image(target), f"{dockers.image(target)}:{version}")

    def node(self, name):
        host = self.top / self.id().rsplit(".", 1)[1] / name
        shutil.copytree(self.top / "case/2", host, symlinks=True)
        (host / "etc/machine-id").write_text((name.encode().hex() * 32)[:32] + "\n")
        return host

    def rendered(self, *options):
        found = charts.objects(charts.render("--set", "agent.hostNetwork=false,agent.proxmox=true", *options))
        by = {o["kind"]: o["object"] for o in found}
        secrets = {by["Secret"]["metadata"]["name"]: {k: base64.b64decode(v) for k, v in by["Secret"]["data"].items()}}
        configs = {o["name"]: {k: v.encode() for k, v in o["object"]["data"].items()}
                   for o in found if o["kind"] == "ConfigMap"}
        return by, secrets, configs

    def cluster(self, by, kubelet, images=None):
        """An aggregator, two agents, all ready; then the chart's own test pod, whose output it returns."""
        network = kubelet.network
        self.d.call("network", "create", network)
        self.addCleanup(self.d.call, "network", "rm", network)
        self.addCleanup(kubelet.close)
        center, agent = (by[k]["spec"]["template"]["spec"] for k in ("StatefulSet", "DaemonSet"))
        notes = by["DaemonSet"]["spec"]["template"]["metadata"]["annotations"]
        name = "rel-proxtop-aggregator-0"
        kubelet.start(center, name, self.top, [f"{name}.rel-proxtop-aggregator-headless.ns.svc"], images)
        for which in ("readinessProbe", "livenessProbe"):
            wait(20, which, lambda w=which: kubelet.probe(f"{name}-aggregator", w, center["containers"][0]))
        for node in NODES:
            kubelet.start(agent, node, self.node(node), ["rel-proxtop-agent-headless.ns.svc"], images,
                          annotations=notes)
        for node in NODES:
            for which in ("readinessProbe", "livenessProbe"):
                wait(20, which, lambda n=node, w=which: kubelet.probe(f"{n}-agent", w, agent["containers"][0]))
        test = by["Pod"]["spec"]
        wait(30, "the chart's test passes", lambda: self.passes(kubelet, test))
        return kubelet.start(test, "hosts", self.top, [], images, wait=True)

    def passes(self, kubelet, test):
        try:
            kubelet.start(test, "try", self.top, [], wait=True)
        except AssertionError:
            return False
        finally:
            self.d.try_call("rm", "-f", "try-hosts")
        return True

    def test_plain(self):
        by, secrets, configs = self.rendered()
        kubelet = pods.Kubelet(self.d, self.top, "plain", secrets, configs)
        output = self.cluster(by, kubelet)
        for node in NODES:
            self.assertRegex(output, rf"{node} \([0-9a-f]+\) live")
        self.assertIn("2 live, 0 not, 2 expected", output)
        # The test can fail: an agent that is ready and of which nobody has heard.
        self.d.call("run", "-d", "--name=deaf", "--network=plain", "--network-alias=rel-proxtop-agent-headless.ns.svc",
                    "--entrypoint=sleep", dockers.BASE, "60")
        self.addCleanup(self.d.call, "rm", "-f", "deaf")
        self.assertFalse(self.passes(kubelet, by["Pod"]["spec"]))

    def test_unprivileged(self):
        """An agent without root and capabilities still reads its key, and reports what it can."""
        by, secrets, configs = self.rendered("--set", "agent.ioCapabilities=false,agent.proxmox=false,"
                                             "agent.securityContext.runAsUser=65534,"
                                             "agent.securityContext.runAsNonRoot=true")
        kubelet = pods.Kubelet(self.d, self.top, "bare", secrets, configs)
        self.assertIn("2 live, 0 not, 2 expected", self.cluster(by, kubelet))

    def test_stunnel(self):
        """Mutual: a client without a certificate of the authority does not get through."""
        (self.top / "stunnel").mkdir()
        (self.top / "stunnel/Dockerfile").write_text(STUNNEL)
        build = dockers.shared().build
        build.call("build", "--network=host", "-t", "stunnel:test", str(self.top / "stunnel"))
        build.call("save", "-o", str(self.top / "stunnel.tar"), "stunnel:test")
        self.d.call("load", "-i", str(self.top / "stunnel.tar"))
        by, secrets, configs = self.rendered(
            "--set", "stunnel.enabled=true,stunnel.image=stunnel:test,stunnel.existingSecret=certificates")
        secrets["certificates"] = self.certificates()
        kubelet = pods.Kubelet(self.d, self.top, "tls", secrets, configs)
        output = self.cluster(by, kubelet)
        self.assertIn("2 live, 0 not, 2 expected", output)
        self.restart_elsewhere(by, kubelet)
        address = self.d.call("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
                              "rel-proxtop-aggregator-0-aggregator").strip()
        for port, certificate, taken in ((7413, True, True), (7413, False, False)):
            with self.subTest(certificate=certificate):
                self.assertEqual(self.tls(address, port, certificate), taken)
        closed = subprocess.run([*self.d.prefix, "curl", "-s", "--max-time", "3", f"http://{address}:7410"],
                                check=False)
        self.assertEqual(closed.returncode, 7, "the uplink is open beside the sidecar")

    def restart_elsewhere(self, by, kubelet):
        """The aggregator's pod is made anew and has another address; agents find it."""
        name = "rel-proxtop-aggregator-0"
        self.d.call("rm", "-f", f"{name}-aggregator", f"{name}-stunnel")
        self.d.call("run", "-d", "--name=squatter", f"--network={kubelet.network}", "--entrypoint=sleep", dockers.BASE,
                    "300")  # has the old address now
        self.addCleanup(self.d.call, "rm", "-f", "squatter")
        shutil.rmtree(self.top / f"empty-{kubelet.network}-{name}-state")
        kubelet.start(by["StatefulSet"]["spec"]["template"]["spec"], name, self.top,
                      [f"{name}.rel-proxtop-aggregator-headless.ns.svc"])
        wait(60, "agents are back after the aggregator's restart", lambda: self.passes(kubelet, by["Pod"]["spec"]))

    def certificates(self):
        place = self.top / "certificates"
        place.mkdir()
        run = lambda *a: dockers.run("openssl", *a, cwd=place)
        run("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=ca",
            "-days", "2", "-keyout", "ca.key", "-out", "ca.crt")
        run("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=proxtop",
            "-keyout", "tls.key", "-out", "tls.csr")
        run("x509", "-req", "-in", "tls.csr", "-CA", "ca.crt", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-out", "tls.crt")
        return {f: (place / f).read_bytes() for f in ("ca.crt", "tls.crt", "tls.key")}

    def tls(self, address, port, certificate):
        """Does a handshake succeed, with or without a certificate?  By TLS 1.2: there a client is refused in
        it, not behind it."""
        place = self.top / "certificates"
        options = ["-cert", place / "tls.crt", "-key", place / "tls.key"] if certificate else []
        done = subprocess.run([*self.d.prefix, "openssl", "s_client", "-tls1_2", "-connect", f"{address}:{port}",
                               "-CAfile", str(place / "ca.crt"), *map(str, options)], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=30, check=False)
        return done.returncode == 0


if __name__ == "__main__":
    unittest.main(verbosity=2)
