# SPDX-License-Identifier: Apache-2.0
"""The chart without a cluster: lint, what it renders to, what it refuses."""
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import charts

VALUES = sorted((charts.CHART / "ci").glob("*-values.yaml"))
OTHERS = {"ServiceMonitor", "PodMonitor", "PrometheusRule"}  # kinds with schemas of their own operators

REFUSED = [
    # what is set, the place that is named
    ("agent.frequency=abc", "agent.frequency"),
    ("agent.frequency=0", "agent.frequency"),
    ("agent.collectors={cpu,gpu}", "agent.collectors.1"),
    ("agent.hostNetwork=maybe", "agent.hostNetwork"),
    ("agent.http=9409", "agent.http"),
    ("agent.spool.hostPath=relative", "agent.spool.hostPath"),
    ("aggregator.replicas=0", "aggregator.replicas"),
    ("aggregator.outputs={http://influx}", "aggregator.outputs.0"),
    ("aggregator.profile.metrics=cpu;net", "aggregator.profile.metrics"),
    ("aggregator.history=ten", "aggregator.history"),
    ("image.agent.digest=sha256:abc", "image.agent.digest"),
    ("image.pullPolicy=Sometimes", "image.pullPolicy"),
    ("monitoring.prometheusRule.stealRatio=10", "monitoring.prometheusRule.stealRatio"),
    ("stunnel.port=70000", "stunnel.port"),
    ("bogus=1", "bogus"),
    ("agent.bogus=1", "bogus"),
    ("agent.feed=none", "agent.feed"),
    ("nameOverride=Tops_x", "nameOverride"),
    # not the schema's, but said as clearly
    ("stunnel.enabled=true", "stunnel.image"),
    ("monitoring.podMonitor.enabled=true", "agent.http"),
    ("networkPolicy.enabled=true", "networkPolicy.from"),
    ("aggregator.service.type=LoadBalancer", "aggregator.http.existingTokenSecret"),
]


def pods(found):
    for one in found:
        if one["kind"] in ("DaemonSet", "StatefulSet"):
            yield one["kind"], one["object"]["spec"]["template"]["spec"]
        elif one["kind"] == "Pod":
            yield one["kind"], one["object"]["spec"]


class Chart(unittest.TestCase):
    maxDiff = None

    def each(self):
        self.assertGreaterEqual(len(VALUES), 6)
        for path in VALUES:
            with self.subTest(values=path.name):
                yield path, charts.objects(charts.render("-f", path))

    def test_lint(self):
        for path in VALUES:
            with self.subTest(values=path.name):
                charts.helm("lint", "--strict", charts.CHART, "-f", path)

    def test_schemas(self):
        """Each object is one that Kubernetes would take."""
        for _, found in self.each():
            for one in found:
                self.assertEqual(one["error"], "no schema" if one["kind"] in OTHERS else None,
                                 f"{one['kind']} {one['name']}")

    def test_schemas_can_refuse(self):
        text = charts.render("--set", "agent.updateStrategy.type=RollingUpdate")
        wrong = text.replace("replicas: 1", 'replicas: "one"')
        self.assertNotEqual(text, wrong)
        errors = [o["error"] for o in charts.objects(wrong) if o["kind"] == "StatefulSet"]
        self.assertIn("replicas", errors[0])

    def test_pods(self):
        """What must hold for every pod."""
        for path, found in self.each():
            seen = 0
            for kind, pod in pods(found):
                seen += 1
                where = f"{path.name} {kind}"
                self.assertIs(pod["automountServiceAccountToken"], False, where)
                self.assertIs(pod["enableServiceLinks"], False, where)
                for volume in pod["volumes"]:
                    self.assertNotIn(volume.get("hostPath", {}).get("path"), ("/", "/run", "/var/run", "/var/run/docker.sock"))
                for c in pod["containers"]:
                    context = c["securityContext"]
                    self.assertFalse(context.get("privileged"), where)
                    self.assertIs(context["allowPrivilegeEscalation"], False, where)
                    self.assertIs(context["readOnlyRootFilesystem"], True, where)
                    self.assertEqual(context["capabilities"]["drop"], ["ALL"], where)
                    self.assertLessEqual(set(context["capabilities"].get("add", ())),
                                         {"SYS_PTRACE", "DAC_READ_SEARCH"}, where)
                    volumes = {v["name"]: v for v in pod["volumes"]}
                    for mount in c["volumeMounts"]:
                        if mount["name"] not in ("spool", "state", "more"):
                            self.assertIs(mount.get("readOnly"), True, f"{where} {mount}")
                        if mount["mountPath"].startswith("/host/") and "machine-id" not in mount["name"]:
                            self.assertEqual(mount["mountPropagation"], "HostToContainer")
                        if mount["name"] != "state":
                            self.assertIn(mount["name"], volumes)
                    if kind != "Pod" and c["name"] != "stunnel":
                        self.assertIn("livenessProbe", c, where)
                        self.assertIn("readinessProbe", c, where)
                        self.assertNotIn("tcpSocket", json.dumps(c), where)
            self.assertEqual(seen, 3)

    def test_who_runs_as_whom(self):
        for path, found in self.each():
            for kind, pod in pods(found):
                context = {**pod["securityContext"], **pod["containers"][0]["securityContext"]}
                if kind == "DaemonSet" and path.name.startswith("hardened"):
                    self.assertNotIn("add", context["capabilities"])
                    self.assertEqual(context["runAsUser"], 65534)
                elif kind == "DaemonSet":
                    self.assertEqual(context["runAsUser"], 0)
                    self.assertIs(pod["hostPID"], True)
                else:
                    self.assertEqual((context["runAsUser"], context["runAsNonRoot"]), (65534, True))

    def test_labels(self):
        standard = {"name", "instance", "component", "version", "part-of", "managed-by"}
        for _, found in self.each():
            for one in found:
                if one["name"].endswith("-more"):
                    continue
                labels = one["object"]["metadata"]["labels"]
                self.assertLessEqual({f"app.kubernetes.io/{s}" for s in standard}, set(labels), one["name"])
                self.assertIn("helm.sh/chart", labels)
                self.assertEqual(one["object"]["metadata"].get("namespace"), "ns")

    def test_agents_know_every_aggregator(self):
        text = charts.render("--set", "aggregator.replicas=3")
        agent = next(p for k, p in pods(charts.objects(text)) if k == "DaemonSet")["containers"][0]
        urls = {e["name"]: e.get("value") for e in agent["env"]}["PROXTOP_AGGREGATOR"].split(",")
        service = next(o for o in charts.objects(text) if o["name"].endswith("aggregator-headless"))
        self.assertEqual(urls, [f"tcp://rel-proxtop-aggregator-{i}.{service['name']}.ns.svc:7410"
                                for i in range(3)])

    def test_the_key(self):
        """Made once, 32 bytes; none is made beside one from outside."""
        import base64
        secret = next(o["object"] for o in charts.objects(charts.render()) if o["kind"] == "Secret")
        text = base64.b64decode(secret["data"]["cluster.key"]).decode()
        self.assertEqual(len(base64.b64decode(text.strip(), validate=True)), 32)
        self.assertEqual(secret["metadata"]["annotations"]["helm.sh/resource-policy"], "keep")
        found = charts.objects(charts.render("--set", "key.existingSecret=ours"))
        self.assertFalse([o for o in found if o["kind"] == "Secret"])
        self.assertIn("ours", json.dumps([o["object"] for o in found if o["kind"] == "DaemonSet"]))

    def test_changes_roll_the_pods(self):
        def annotations(*options):
            return [o["object"]["spec"]["template"]["metadata"]["annotations"]
                    for o in charts.objects(charts.render(*options)) if o["kind"] in ("DaemonSet", "StatefulSet")]
        self.assertNotEqual(annotations(), annotations("--set", "key.existingSecret=a"))
        tls = ("--set", "stunnel.enabled=true,stunnel.image=x,stunnel.existingSecret=c")
        self.assertNotEqual(annotations(*tls), annotations(*tls, "--set", "stunnel.port=9999"))

    def test_refused(self):
        for setting, place in REFUSED:
            with self.subTest(setting=setting):
                done = charts.helm("template", "r", charts.CHART, "--set", setting, check=False)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(place, done.stderr)

    def test_rules(self):
        """promtool takes the rules, and each metric in them is one that we have."""
        found = charts.objects(charts.render("-f", charts.CHART / "ci/monitors-values.yaml"))
        rules = next(o["object"] for o in found if o["kind"] == "PrometheusRule")["spec"]
        self.assertGreaterEqual(len(rules["groups"][0]["rules"]), 5)
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as f:
            json.dump(rules, f)
            f.flush()
            done = subprocess.run(["promtool", "check", "rules", f.name], text=True, capture_output=True,
                                  check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        known = (charts.SOURCE / "console/METRICS.md").read_text(encoding="utf-8")
        for rule in rules["groups"][0]["rules"]:
            for scope, name in re.findall(r"proxtop_(self|vm_nic|vm)_(\w+)", rule["expr"]):
                stem = re.sub(r"(_seconds)?(_bytes)?(_total)?$", "", name)
                self.assertRegex(known, rf"\| `{stem}` \| [a-z_,]*{scope}[a-z_,]* \|", rule["alert"])

    def test_stunnel(self):
        """Links end at the sidecars, and nothing of the uplink is open without them."""
        found = charts.objects(charts.render("-f", charts.CHART / "ci/stunnel-values.yaml"))
        text = json.dumps(found)
        self.assertNotIn('"port": 7410', text)
        config = next(o["object"] for o in found if o["kind"] == "ConfigMap")["data"]
        for conf in config.values():
            self.assertIn("verifyChain = yes", conf)
        self.assertEqual(config["agent.conf"].count("connect = "), 2)

    def test_readme(self):
        done = subprocess.run([sys.executable, pathlib.Path(__file__).with_name("chart_values.py")],
                              text=True, capture_output=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        text = (charts.CHART / "README.md").read_text(encoding="utf-8")
        values = re.search(r"<!-- test: values -->\n```yaml\n(.*?)```", text, re.DOTALL).group(1)
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as f:
            f.write(values)
            f.flush()
            rendered = charts.render("-f", f.name, name="proxtop", namespace="proxtop")
        self.assertIn("registry.example/proxtop/proxtop-agent:", rendered)
        self.assertIn("influx+http://influxdb.databases", rendered)


if __name__ == "__main__":
    unittest.main(verbosity=2)
