# SPDX-License-Identifier: Apache-2.0
"""Pods of the chart as Docker containers: what a kubelet would do with what was rendered.

Only what our pods use is understood; anything else is an error, not left out.
"""
import pathlib

import dockers

CONTEXT = {"privileged", "allowPrivilegeEscalation", "readOnlyRootFilesystem", "capabilities", "runAsUser",
           "runAsGroup", "runAsNonRoot", "fsGroup", "seccompProfile"}


class Kubelet:
    """host: a directory that stands for the node's root.  secrets, configs: name → entry → bytes."""

    def __init__(self, docker, top, network, secrets, configs=()):
        self.docker, self.top, self.network = docker, pathlib.Path(top), network
        self.secrets, self.configs = secrets, dict(configs)
        self.started = []

    def files(self, name, sources, mode, group):
        """A directory of projected files, with the group's right where there is an fsGroup."""
        place = self.top / f"volume-{self.network}-{name}-{len(self.started)}"
        place.mkdir(exist_ok=True)
        place.chmod(0o755)
        for entry, data in sources.items():
            path = place / entry
            path.write_bytes(data)
            path.chmod(mode | 0o040 if group else mode)
            dockers.run("chown", f"0:{group or 0}", str(path))
        return place

    def volume(self, volume, host, group, pod):
        if "hostPath" in volume:
            path = host / volume["hostPath"]["path"].lstrip("/")
            if volume["hostPath"]["type"] == "DirectoryOrCreate":
                path.mkdir(parents=True, exist_ok=True)
            assert path.exists(), path
            return path
        name = volume["name"]
        if "secret" in volume:
            s = volume["secret"]
            items = {i["key"]: i["path"] for i in s.get("items", [])}
            entries = {items.get(k, k): v for k, v in self.secrets[s["secretName"]].items()
                       if not items or k in items}
            return self.files(name, entries, s["defaultMode"], group)
        if "projected" in volume:
            entries = {}
            for source in volume["projected"]["sources"]:
                for i in source["secret"]["items"]:
                    entries[i["path"]] = self.secrets[source["secret"]["name"]][i["key"]]
            return self.files(name, entries, volume["projected"]["defaultMode"], group)
        if "configMap" in volume:
            return self.files(name, self.configs[volume["configMap"]["name"]], 0o444, None)
        assert "emptyDir" in volume, volume
        path = self.top / f"empty-{self.network}-{pod}-{name}"
        path.mkdir()
        dockers.run("chown", f"0:{group or 0}", str(path))
        path.chmod(0o2775)
        return path

    def start(self, pod, name, host, aliases, images=None, wait=False, annotations=None):
        """Runs all containers of a pod; the first one's network is everybody's."""
        group = pod["securityContext"].get("fsGroup")
        volumes = {v["name"]: self.volume(v, host, group, name) for v in pod["volumes"]}
        output = None
        for i, c in enumerate(pod["containers"]):
            context = {**pod["securityContext"], **c["securityContext"]}
            assert set(context) <= CONTEXT, set(context) - CONTEXT
            args = ["run", f"--name={name}-{c['name']}"] + ([] if wait else ["-d"])
            if i == 0:
                args += [f"--network={self.network}", *(f"--network-alias={a}" for a in aliases)]
            else:
                args += [f"--network=container:{name}-{pod['containers'][0]['name']}"]
            if pod.get("hostPID"):
                args += ["--pid=host"]
            args += [f"--user={context['runAsUser']}:{context.get('runAsGroup', 0)}"]
            if group:
                args += [f"--group-add={group}"]
            args += [f"--cap-drop={x}" for x in context["capabilities"]["drop"]]
            args += [f"--cap-add={x}" for x in context["capabilities"].get("add", ())]
            args += ["--security-opt=no-new-privileges"]
            if (annotations or {}).get(f"container.apparmor.security.beta.kubernetes.io/{c['name']}") == "unconfined":
                args += ["--security-opt=apparmor=unconfined"]
            args += ["--read-only"] if context["readOnlyRootFilesystem"] else []
            for e in c.get("env", ()):
                value = e.get("value")
                if value is None:
                    assert e["valueFrom"] == {"fieldRef": {"fieldPath": "spec.nodeName"}}, e
                    value = host.name
                args += ["-e", f"{e['name']}={value}"]
            for m in c.get("volumeMounts", ()):
                args += ["-v", f"{volumes[m['name']]}:{m['mountPath']}" + (":ro" if m.get("readOnly") else "")]
            if c.get("command"):
                args += [f"--entrypoint={c['command'][0]}"]
            image = (images or {}).get(c["image"], c["image"])
            self.started.append(f"{name}-{c['name']}")
            output = self.docker.call(*args, image, *c.get("command", [])[1:], *c.get("args", ()))
        return output

    def probe(self, container, which, pod_container):
        """One readiness or liveness probe: true when it passes."""
        probe = pod_container[which]
        if "exec" in probe:
            return self.docker.try_call("exec", container, *probe["exec"]["command"]).returncode == 0
        get = probe["httpGet"]
        port = next(p["containerPort"] for p in pod_container["ports"] if p["name"] == get["port"])
        networks = self.docker.call("inspect", "-f", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}",
                                    container)
        try:
            dockers.run(*self.docker.prefix, "curl", "-fsS", "--max-time", "3",
                        f"http://{networks.strip()}:{port}{get['path']}")
        except AssertionError:
            return False
        return True

    def close(self):
        if self.started:
            self.docker.try_call("rm", "-f", "-v", *self.started)
