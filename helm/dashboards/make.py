# SPDX-License-Identifier: Apache-2.0
"""The Grafana dashboards: cluster, host and VM, for InfluxDB (InfluxQL) and for Prometheus.

    make.py            exit 1 when a dashboard beside this file is not what is made now
    make.py --update   writes them

A panel is one row of PANELS: InfluxDB has the derived metrics by their keys, Prometheus the raw
counters of which PromQL makes the same.  Titles and units of keys come from console/METRICS.md, which the
metric table makes.
"""
import json
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
METRICS = HERE.parents[1] / "console/METRICS.md"
GRAFANA = {"%": "percent", "ms": "ms", "B": "bytes", "B/s": "Bps", "KB": "kbytes", "1/s": "ops", "s": "s", "": "short"}
VM = '{host_id=~"$host_id",uuid=~"$uuid"}'
HOST = '{host_id=~"$host_id"}'
# What a VM's series lack for people: its name.
NAMED = "(%s) * on (host_id, uuid) group_left (name) proxtop_vm_info"


def rate(name, labels):
    return f"rate(proxtop_{name}{labels}[$__rate_interval])"


def vcpus(what):
    """Of each VM's vCPUs the mean, in percent: the VM's own sum is not exported beside its parts."""
    return f"100 * avg by (host, host_id, uuid) ({rate(f'vcpu_{what}_seconds_total', VM)})"


def latency(what):
    time = f"vm_disk_{what}_time_seconds_total"
    return f"1000 * {rate(time, VM)} / ({rate(f'vm_disk_{what}s_total', VM)} > 0)"


# dashboard, scope, key (None: no InfluxDB), title (None: the key's meaning), PromQL, legend
PANELS = [
    ("cluster", "vm", "cpu_steal", "VMs that wait for CPU", "topk(10, " + NAMED % vcpus("wait") + ")", "{{name}} on {{host}}"),
    ("cluster", "vm", "cpu_total", "VMs that use CPU", "topk(10, " + NAMED % vcpus("run") + ")", "{{name}} on {{host}}"),
    ("cluster", "vm", "disk_lat_rd", "VMs that wait for reads", "topk(10, " + latency("read") + ")",
     "{{uuid}} {{disk}}"),
    ("cluster", "vm", "disk_lat_wr", "VMs that wait for writes", "topk(10, " + latency("write") + ")",
     "{{uuid}} {{disk}}"),
    ("cluster", "host", "cpu_idle", "CPU that is left", "100 * sum by (host) (" +
     rate("host_cpu_idle_seconds_total", HOST) + ") / sum by (host) (proxtop_host_cpu_cores" + HOST + ")", "{{host}}"),
    ("cluster", "host", "ram_Available", "Memory that is left",
     "proxtop_host_mem_available_bytes" + HOST + " / 1024", "{{host}}"),
    ("cluster", "host", "psi_some_io_avg10", "Hosts that wait for I/O",
     "100 * proxtop_host_pressure_io_some_avg10_ratio" + HOST, "{{host}}"),
    ("cluster", None, None, "Time since a host's last sample", 'proxtop_self_age_seconds{part="aggregator",host_id=~"$host_id"}',
     "{{host}}"),

    ("host", "host", "cpu_user", None, "100 * " + rate("host_cpu_user_seconds_total", HOST) + " / proxtop_host_cpu_cores" + HOST,
     "{{host}}"),
    ("host", "host", "cpu_system", None, "100 * " + rate("host_cpu_system_seconds_total", HOST) + " / proxtop_host_cpu_cores" + HOST,
     "{{host}}"),
    ("host", "host", "cpu_iowait", None, "100 * " + rate("host_cpu_iowait_seconds_total", HOST) + " / proxtop_host_cpu_cores" + HOST,
     "{{host}}"),
    ("host", "host", "ram_Available", None, "proxtop_host_mem_available_bytes" + HOST + " / 1024", "{{host}}"),
    ("host", "host", "psi_some_cpu_avg10", None, "100 * proxtop_host_pressure_cpu_some_avg10_ratio" + HOST, "{{host}}"),
    ("host", "host", "psi_some_io_avg10", None, "100 * proxtop_host_pressure_io_some_avg10_ratio" + HOST, "{{host}}"),
    ("host", "host", "psi_some_mem_avg10", None, "100 * proxtop_host_pressure_mem_some_avg10_ratio" + HOST, "{{host}}"),
    ("host", "host_disk", "disk_device_reads", None, rate("host_disk_reads_total", HOST), "{{host}} {{disk}}"),
    ("host", "host_disk", "disk_device_writes", None, rate("host_disk_writes_total", HOST), "{{host}} {{disk}}"),
    ("host", "host_nic", "net_host_receivedBytes", None, rate("host_nic_receive_bytes_total", HOST), "{{host}} {{interface}}"),
    ("host", "host_nic", "net_host_transmittedBytes", None, rate("host_nic_transmit_bytes_total", HOST),
     "{{host}} {{interface}}"),
    ("host", "vm", "cpu_total", "CPU of its VMs", NAMED % vcpus("run"),
     "{{name}}"),

    ("vm", "vm", "cpu_total", None, vcpus("run"), "{{uuid}}"),
    ("vm", "vm", "cpu_steal", None, vcpus("wait"), "{{uuid}}"),
    ("vm", "vm", "cpu_other_total", None, "100 * " + rate("vm_other_run_seconds_total", VM) + " / proxtop_vm_cpu_cores" + VM,
     "{{uuid}}"),
    ("vm", "vm", "ram_rss", None, "proxtop_vm_process_resident_bytes" + VM, "{{uuid}}"),
    ("vm", "vm_disk", "disk_reads", None, rate("vm_disk_reads_total", VM), "{{disk}}"),
    ("vm", "vm_disk", "disk_writes", None, rate("vm_disk_writes_total", VM), "{{disk}}"),
    ("vm", "vm_disk", "disk_lat_rd", None, latency("read"), "{{disk}}"),
    ("vm", "vm_disk", "disk_lat_wr", None, latency("write"), "{{disk}}"),
    ("vm", "vm_nic", "net_receivedBytes", None, rate("vm_nic_receive_bytes_total", VM), "{{interface}}"),
    ("vm", "vm_nic", "net_transmittedBytes", None, rate("vm_nic_transmit_bytes_total", VM), "{{interface}}"),
    ("vm", "vm_nic", "net_receivedDrop", None, rate("vm_nic_receive_drops_total", VM), "{{interface}}"),
    ("vm", "vm_nic", "net_transmittedDrop", None, rate("vm_nic_transmit_drops_total", VM), "{{interface}}"),
]
TAGS = {"host": ["host"], "vm": ["name", "host"], "vm_disk": ["name", "disk"], "vm_nic": ["name", "interface"],
        "host_disk": ["host", "disk"], "host_nic": ["host", "interface"]}
WHICH = {"cluster": "", "host": ' AND "host" =~ /^$host$/', "vm": ' AND "host" =~ /^$host$/ AND "name" =~ /^$name$/'}


def metrics():
    """(key, scope) → (meaning, unit)."""
    found = {}
    for line in METRICS.read_text(encoding="utf-8").splitlines():
        cells = [c.strip() for c in re.split(r"(?<!\\)\|", line)[1:-1]]
        if len(cells) == 8 and cells[0].startswith("`"):
            for scope in cells[2].split(","):
                found[cells[0].strip("`"), scope] = (cells[6], cells[3])
    return found


def influx_target(dashboard, scope, key):
    by = ", ".join(["time($__interval)"] + [f'"{t}"' for t in TAGS[scope]])
    query = (f'SELECT mean("{key}") FROM "proxtop_{scope}" WHERE $timeFilter{WHICH[dashboard]} '
             f"GROUP BY {by} fill(none)")
    alias = " ".join(f"$tag_{t}" for t in TAGS[scope])
    return {"refId": "A", "rawQuery": True, "query": query, "alias": alias, "resultFormat": "time_series"}


def variables(database, dashboard):
    """host and VM, as far as the dashboard asks for them."""
    def one(name, label, query):
        return {"name": name, "label": label, "type": "query", "query": query, "refresh": 2, "includeAll": True,
                "multi": True, "allValue": ".*", "datasource": SOURCE[database], "sort": 1,
                "current": {"text": "All", "value": "$__all"}}
    if database == "influxdb":
        found = [one("host", "Host", 'SHOW TAG VALUES FROM "proxtop_host" WITH KEY = "host"'),
                 one("name", "VM", 'SHOW TAG VALUES FROM "proxtop_vm" WITH KEY = "name" WHERE "host" =~ /^$host$/')]
        return found[:{"cluster": 0, "host": 1, "vm": 2}[dashboard]]
    found = [one("host_id", "Host", "label_values(proxtop_host_cpu_cores, host_id)"),
             one("uuid", "VM", 'label_values(proxtop_vm_cpu_cores{host_id=~"$host_id"}, uuid)')]
    return found


SOURCE = {"influxdb": {"type": "influxdb", "uid": "${source}"}, "prometheus": {"type": "prometheus", "uid": "${source}"}}


def panel(database, n, row, known):
    dashboard, scope, key, title, promql, legend = row
    meaning, unit = known[key, scope] if key else (title, "s")
    target = (influx_target(dashboard, scope, key) if database == "influxdb" else
              {"refId": "A", "expr": promql, "legendFormat": legend})
    target["datasource"] = SOURCE[database]
    if scope and scope.startswith("host_disk"):
        unit = "1/s"
    return {"id": n + 1, "type": "timeseries", "title": title or meaning, "description": f"{key or ''}: {meaning}".strip(": "),
            "datasource": SOURCE[database], "targets": [target],
            "gridPos": {"x": 12 * (n % 2), "y": 8 * (n // 2), "w": 12, "h": 8},
            "fieldConfig": {"defaults": {"unit": GRAFANA[unit], "min": 0}, "overrides": []},
            "options": {"legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
                        "tooltip": {"mode": "multi", "sort": "desc"}}}


def dashboard(database, name):
    known = metrics()
    rows = [r for r in PANELS if r[0] == name and (r[2] or database == "prometheus")]
    source = {"name": "source", "label": "Data source", "type": "datasource", "query": database, "refresh": 1,
              "current": {}, "hide": 0}
    return {"uid": f"proxtop-{name}-{database}", "title": f"proxtop: {name} ({database})", "tags": ["proxtop"],
            "schemaVersion": 39, "version": 1, "editable": True, "timezone": "browser", "refresh": "10s",
            "time": {"from": "now-1h", "to": "now"}, "annotations": {"list": []}, "links": [],
            "templating": {"list": [source, *variables(database, name)]},
            "panels": [panel(database, n, r, known) for n, r in enumerate(rows)]}


def main():
    behind = []
    for database in SOURCE:
        for name in WHICH:
            path = HERE / f"{name}-{database}.json"
            text = json.dumps(dashboard(database, name), indent=1) + "\n"
            if sys.argv[1:] == ["--update"]:
                path.write_text(text, encoding="utf-8")
            elif not path.exists() or path.read_text(encoding="utf-8") != text:
                behind.append(path.name)
    if behind:
        sys.exit(f"behind: {', '.join(behind)}; python3 helm/dashboards/make.py --update")


if __name__ == "__main__":
    main()
