// SPDX-License-Identifier: Apache-2.0
// Reads YAML documents from stdin and validates each with the published schema of its kind
// (npm: kubernetes-models), without a cluster.  One JSON array of {kind, name, error, object} to stdout;
// kinds of other API groups (monitoring.coreos.com) have error "no schema".
const fs = require("fs");
const yaml = require("yaml");

const GROUPS = {
  v1: "v1",
  "apps/v1": "apps/v1",
  "policy/v1": "policy/v1",
  "networking.k8s.io/v1": "networking.k8s.io/v1",
};

const found = yaml
  .parseAllDocuments(fs.readFileSync(0, "utf8"))
  .map((d) => {
    if (d.errors.length) throw d.errors[0];
    return d.toJS();
  })
  .filter((o) => o)
  .map((object) => {
    const one = { kind: object.kind, name: object.metadata && object.metadata.name, error: null, object };
    const group = GROUPS[object.apiVersion];
    if (!group) return { ...one, error: "no schema" };
    try {
      const Model = require(`kubernetes-models/${group}/${object.kind}`)[object.kind];
      new Model(object).validate();
    } catch (e) {
      one.error = e.message;
    }
    return one;
  });
process.stdout.write(JSON.stringify(found));
