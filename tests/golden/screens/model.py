# SPDX-License-Identifier: Apache-2.0
"""What the numbers on a screen must be, from worlds.py, as a person would work them out.

values(host, row, second) is by column title; host_values() by the keys of the panel.  None: there
is none, "-" must be shown.
"""
from recordings import EVERY, MIB, rate_at

SILENT_AFTER = 3 * EVERY


def part(a, b):
    return a / b if b else None


class Rates:
    """Of a row at a second; of several rows their sum."""

    def __init__(self, second, *rows):
        self.second, self.rows = second, rows

    def __call__(self, name):
        found = [r for r in self.rows if name in r.rates or name in r.asked_rates]
        if not found:
            return None
        return sum(rate_at(r.rates.get(name, r.asked_rates.get(name)), self.second)
                   for r in found)


def is_silent(host, second):
    return second > host.silent_after + SILENT_AFTER


def last_sample(host, second):
    return min(second, host.silent_after)


def has_rates(host, row, second):
    """Of its counters; what QEMU is asked for brings its own time."""
    return not is_silent(host, second) and row.is_there(last_sample(host, second) - EVERY)


def cpu(host, row, second):
    vcpus = row.of("vcpu") if row.scope == "vm" else [row]
    if not has_rates(host, row if row.scope == "vm" else row.parent, second):
        return dict.fromkeys(("CPU", "STEAL", "DEMAND") +
                             (("READY", "LIMIT") if row.scope == "vm" else ()))
    run, wait = ([rate_at(v.rates[m], second) / 1e7 for v in vcpus] for m in ("run", "wait"))
    v = {"CPU": sum(run) / len(vcpus), "STEAL": sum(wait) / len(vcpus),
         "DEMAND": (sum(run) + sum(wait)) / len(vcpus)}
    if row.scope == "vm":
        v["LIMIT"] = rate_at(row.rates["limited"], second) / 1e7 / len(vcpus)
        v["READY"] = max(0, v["STEAL"] - v["LIMIT"])
    return v


def guest_disks(host, row, second):
    names = "LAT LATRD LATWR LATFL QUEUE READS WRITES MBRD MBWR".split()
    disks = row.of("vm_disk") if row.scope == "vm" else [row]
    if not disks or is_silent(host, second):
        return dict.fromkeys(names)
    r = Rates(second, *disks)
    time = r("read_time") + r("write_time") + r("flush_time")
    v = {"LATRD": part(r("read_time"), r("reads")), "LATWR": part(r("write_time"), r("writes")),
         "LATFL": part(r("flush_time"), r("flushes")),
         "LAT": part(time, r("reads") + r("writes") + r("flushes"))}
    v = {name: None if x is None else x / 1e6 for name, x in v.items()}
    v.update(QUEUE=time / 1e9, READS=r("reads"), WRITES=r("writes"), MBRD=r("read") / MIB,
             MBWR=r("written") / MIB)
    return v


def guest_nics(host, row, second):
    titles = {"RXBYTES": "receive", "TXBYTES": "transmit", "RXPKTS": "receive_packets",
              "TXPKTS": "transmit_packets", "RXDROP": "receive_drops", "TXDROP": "transmit_drops"}
    nics = row.of("vm_nic") if row.scope == "vm" else [row]
    if not nics or not has_rates(host, row if row.scope == "vm" else row.parent, second):
        return dict.fromkeys(titles)
    return {title: Rates(second, *nics)(name) for title, name in titles.items()}


def guest_memory(host, row, second):
    v = {"MEM": row.gauges.get("memory_total"), "VMID": row.gauges.get("vmid")}
    asked = row.asked
    if not asked or is_silent(host, second):
        return {**v, "USED": None, "MEM%": None, "BALLOON": None, "FREE": None}
    v["BALLOON"], v["FREE"] = asked.get("memory_balloon"), asked.get("memory_free")
    v["USED"] = asked["memory_guest"] - asked["memory_usable"]
    v["MEM%"] = 100 * v["USED"] / asked["memory_guest"]
    return v


def guest_rest(host, row, second):
    io = {"RDOPS": "io_read_syscalls", "WROPS": "io_write_syscalls"}
    psi = {"PSICPU": "cpu_some", "PSIIO": "io_some", "PSIIOF": "io_full", "PSIMEM": "mem_some",
           "PSIMEMF": "mem_full"}
    if not has_rates(host, row, second):
        return dict.fromkeys([*io, *psi])
    v = {title: row.rates[name] for title, name in io.items()}
    v.update({title: row.rates["pressure_" + name] / 1e4 for title, name in psi.items()})
    return v


def vm_values(host, row, second):
    v = {}
    for some in (cpu, guest_disks, guest_nics, guest_memory, guest_rest, process_io):
        v.update(some(host, row, second))
    return v


def process_io(host, row, second):
    if not has_rates(host, row, second):
        return {"IOMBRD": None, "IOMBWR": None}
    return {"IOMBRD": row.rates["io_read"] / MIB, "IOMBWR": row.rates["io_written"] / MIB}


def host_disk_values(host, row, second):
    if not has_rates(host, row, second):
        return dict.fromkeys("UTIL AWAIT READS WRITES MBRD MBWR QLEN SVCTM".split())
    r = Rates(second, row)
    requests = r("reads") + r("writes")
    return {"UTIL": r("busy_time") / 10, "READS": r("reads"), "WRITES": r("writes"),
            "AWAIT": part(r("read_time") + r("write_time"), requests),
            "MBRD": r("read") / 2048, "MBWR": r("written") / 2048,
            "QLEN": r("queue_time") / 1000, "SVCTM": part(r("busy_time"), requests)}


def host_nic_values(host, row, second):
    v = {"SPEED": row.gauges["speed"], "RXBYTES": None, "TXBYTES": None}
    if has_rates(host, row, second):
        v["RXBYTES"], v["TXBYTES"] = row.rates["receive"], row.rates["transmit"]
    return v


def vms_of(host, second):
    return [v for v in host.of("vm") if v.is_there(last_sample(host, second))]


def mean_steal(host, second):
    vcpus = [c for v in vms_of(host, second) for c in v.of("vcpu") if has_rates(host, v, second)]
    return sum(rate_at(c.rates["wait"], second) for c in vcpus) / 1e7 / len(vcpus)


def host_columns(host, row, second):
    v = {"VMS": len(vms_of(host, second)), "CPU%": None, "VMSTEAL": None, "MEM%": None}
    if not has_rates(host, host, second):
        return v
    keys = host_values([host], second)
    v.update({"CPU%": 100 - keys["cpu_idle"], "VMSTEAL": mean_steal(host, second),
              "MEM%": 100 - 100 * keys["ram_Available"] / keys["ram_Total"]})
    return v


def host_values(hosts, second):
    """The panel of hosts together: shares are of all their CPUs and disks, not means of means."""
    hosts = [h for h in hosts if not is_silent(h, second)]
    r = Rates(second, *hosts)
    cpus = sum(h.gauges["cpu_cores"] for h in hosts)
    disks = [d for h in hosts for d in h.of("host_disk") if d.counted]
    nics = [n for h in hosts for n in h.of("host_nic")]
    d, n = Rates(second, *disks), Rates(second, *nics)
    return {"cpu_cores": cpus, "cpu_user": r("cpu_user") / cpus,
            "cpu_system": r("cpu_system") / cpus, "cpu_idle": r("cpu_idle") / cpus,
            "ram_Total": sum(h.gauges["mem_total"] for h in hosts),
            "ram_Available": sum(h.gauges["mem_available"] for h in hosts),
            "disk_device_ioutil": d("busy_time") / 10 / len(disks),
            "disk_device_reads": d("reads"), "disk_device_writes": d("writes"),
            "disk_device_mbread": d("read") / 2048, "disk_device_mbwrite": d("written") / 2048,
            "disk_device_await": (d("read_time") + d("write_time")) / (d("reads") + d("writes")),
            "net_host_speed": sum(x.gauges["speed"] for x in nics),
            "net_host_receivedBytes": n("receive"), "net_host_transmittedBytes": n("transmit")}


def vm_keys(host, row, second):
    """The details of a VM."""
    names = {"CPU": "cpu_total", "STEAL": "cpu_steal", "READY": "cpu_ready", "LIMIT": "cpu_limit",
             "DEMAND": "cpu_demand", "LAT": "disk_lat_avg", "LATRD": "disk_lat_rd",
             "LATWR": "disk_lat_wr", "LATFL": "disk_lat_fl", "QUEUE": "disk_queue",
             "MBRD": "disk_mbread", "MBWR": "disk_mbwrite", "READS": "disk_reads",
             "WRITES": "disk_writes", "RXBYTES": "net_receivedBytes", "MEM": "ram_total",
             "TXBYTES": "net_transmittedBytes", "RXDROP": "net_receivedDrop", "USED": "ram_used",
             "PSICPU": "psi_some_cpu", "PSIIO": "psi_some_io", "PSIIOF": "psi_full_io",
             "PSIMEM": "psi_some_mem", "PSIMEMF": "psi_full_mem"}
    v = vm_values(host, row, second)
    return {key: v[title] for title, key in names.items()}


VALUES = {"vm": vm_values, "vcpu": cpu, "vm_disk": guest_disks, "vm_nic": guest_nics,
          "host_disk": host_disk_values, "host_nic": host_nic_values, "host": host_columns}

# What is said of a change once, though two columns show it, and what is hidden but for --verbose.
SAME, HIDDEN = {"STEAL": "READY"}, {"QUEUE"}
WORTH_SAYING = 0.1                      # of the larger one


def events(hosts, was, now):
    """(name, what is said) of VMs that came, went and moved, and hosts that fell silent."""
    before, after = ({v.name: h for h in hosts for v in vms_of(h, t)} for t in (was, now))
    found = [(n, "came: it was not there then") for n in after if n not in before]
    found += [(n, "is gone") for n in before if n not in after]
    found += [(n, "moved here from " + before[n].name) for n in after
              if before.get(n, after[n]) is not after[n]]
    for h in hosts:
        if is_silent(h, now) and not is_silent(h, was):
            age = now - h.silent_after
            found.append((h.name, "has been silent for %dm%02ds" % (age // 60, age % 60)))
    return sorted(found)


def changes(hosts, was, now):
    """(name, title) of all numbers of VMs that must be among what changed."""
    for h in hosts:
        for v in h.of("vm"):
            if not (v.is_there(was) and v.is_there(now)) or is_silent(h, now):
                continue
            a, b = vm_values(h, v, was), vm_values(h, v, now)
            large = {t for t in a if None not in (a[t], b[t]) and
                     abs(a[t] - b[t]) > WORTH_SAYING * max(abs(a[t]), abs(b[t]))} - HIDDEN
            for title in large:
                if SAME.get(title) not in large:
                    yield v.name, title
