# SPDX-License-Identifier: Apache-2.0
"""One QEMU process, seen by libvirt and, through a second monitor, as a VM of Proxmox VE:
every key that both have agrees."""
import os
import pwd

import lab
import libvirt

ROOT = "/run/lab/pve"
RUN = f"{ROOT}/var/run/qemu-server"
CONF = f"{ROOT}/etc/pve/qemu-server"
VMID = 200

t = lab.Test("connectors")
os.makedirs(RUN)
os.makedirs(CONF)
user = pwd.getpwnam("libvirt-qemu")
os.chown(RUN, user.pw_uid, user.pw_gid)  # QEMU makes its socket and pid file there
libvirt.Daemon().start()
d = libvirt.Domain("both", 1, vcpus=2, monitor=f"{RUN}/{VMID}.qmp", pidfile=f"{RUN}/{VMID}.pid")
lab.write(f"{CONF}/{VMID}.conf", f"""cores: 2
memory: {d.mib}
name: {d.name}
net0: virtio={d.mac.upper()},bridge=br0
smbios1: uuid={d.uuid}
sockets: 1
""")
d.start()
d.console.run("dd if=/dev/zero of=/dev/vda bs=32k count=100 oflag=direct conv=notrunc 2> /dev/null;"
              "dd if=/dev/vda of=/dev/null bs=16k count=60 iflag=direct 2> /dev/null;"
              f"ping -c 3 -i 0.2 {lab.HOST_IP} > /dev/null")
lab.wait_for("balloon statistics", lambda: "balloon.usable" in d.stats(), 20, 0.5)

LIBVIRT = ["--libvirt"]
PROXMOX = ["--proxmox", f"--rootfs={ROOT}"]
# What is different by its nature: who says it, and what only one of them knows.
BY_NATURE = {"hypervisor", "vmid", "tags"}
# Moments: they move between two runs of the program.
MOVING = {"uptime": 15}


def compare(what, a, b, tolerance=None):
    common = sorted((a.keys() & b.keys()) - BY_NATURE - {"vcpus", "disks", "interfaces"})
    t.note(f"{what}: {len(common)} common keys; only libvirt {sorted(a.keys() - b.keys())}, "
           f"only Proxmox {sorted(b.keys() - a.keys())}")
    t.check(len(common) >= (tolerance or {}).pop("at least", 2), f"{what}: {len(common)} common keys")
    for key in common:
        allowed = (tolerance or {}).get(key, MOVING.get(key, 0))
        same = a[key] == b[key] or (isinstance(a[key], (int, float)) and allowed and
                                    abs(a[key] - b[key]) <= allowed)
        t.check(same, f"{what} {key}: libvirt {a[key]}, Proxmox {b[key]}")


# ---- suspended: nothing moves, everything is equal ----

d.suspend()
shown = {}
for name, options in (("libvirt", LIBVIRT), ("proxmox", PROXMOX)):
    rows = lab.cycles(3, *options, "--qmp-interval=0.5", connector=None)
    shown[name] = lab.domain(rows[-1], PID=d.pid)
    t.check(shown[name] is not None, f"{name} shows the process")
    t.same(f"{name}: hypervisor", (shown[name] or {}).get("hypervisor"), name)
a, b = shown["libvirt"] or {}, shown["proxmox"] or {}
compare("suspended", a, b, {"at least": 40})
t.same("suspended: state", (a.get("state"), b.get("state")), ("paused", "paused"))
for array in ("vcpus", "interfaces"):
    key = {"vcpus": "vcpu", "interfaces": "interface"}[array]
    rows = [{r[key]: r for r in x.get(array, [])} for x in (a, b)]
    t.same(f"suspended: {array}", sorted(rows[0]), sorted(rows[1]))
    for name in rows[0].keys() & rows[1].keys():
        compare(f"suspended {array} {name}", rows[0][name], rows[1][name])

# Raw counters: one series per name and label set, of any metric both have.
raw = [lab.openmetrics(*options, connector=None) for options in (LIBVIRT, PROXMOX)]
ALIAS = {"virtio-disk0": "vda"}  # libvirt's name for the device, QEMU's for the disk


def series(metrics, name):
    """By what distinguishes the series within the VM."""
    got = {}
    for labels, value in metrics.get(name, []):
        if labels.get("uuid") == d.uuid and not name.endswith("_info"):
            rest = {k: ALIAS.get(v, v) for k, v in labels.items() if k not in ("uuid", "pid")}
            got[tuple(sorted(rest.items()))] = value
    return got


compared = 0
for name in sorted(raw[0].keys() & raw[1].keys()):
    if not name.startswith("proxtop_v") or name == "proxtop_vm_uptime_seconds":
        continue
    one, other = series(raw[0], name), series(raw[1], name)
    for labels in one.keys() & other.keys():
        compared += 1
        t.check(one[labels] == other[labels],
                f"{name}{dict(labels) or ''}: libvirt {one[labels]}, Proxmox {other[labels]}")
t.check(compared >= 40, f"{compared} raw series compared")
for name in ("proxtop_vm_disk_written_bytes_total", "proxtop_vm_disk_reads_total",
             "proxtop_vm_disk_write_time_seconds_total", "proxtop_vm_nic_transmit_bytes_total",
             "proxtop_vcpu_run_seconds_total", "proxtop_vm_memory_usable_bytes"):
    t.check(series(raw[0], name) and series(raw[0], name).keys() == series(raw[1], name).keys(),
            f"both have {name}: {sorted(series(raw[0], name))}, {sorted(series(raw[1], name))}")

# ---- busy: at the same time, rates agree ----

d.resume()
d.console.burn()
d.console.send("(while :; do dd if=/dev/zero of=/dev/vda bs=64k count=4 oflag=direct conv=notrunc "
               "2> /dev/null; usleep 100000; done) &")
d.console.send(f"ping -i 0.1 -s 1000 {lab.HOST_IP} > /dev/null &")
with lab.Proxtop(*LIBVIRT, "--qmp-interval=1", connector=None) as p, \
        lab.Proxtop(*PROXMOX, "--qmp-interval=1", connector=None) as q:
    p.wait_cycles(3)
    q.wait_cycles(3)
    starts = len(p.cycles), len(q.cycles)
    p.wait_cycles(12)
    q.wait_cycles(max(0, starts[1] + 12 - len(q.cycles)) or 1)
    rows = [[lab.domain(c, PID=d.pid) or {} for _, c in x.cycles[s:s + 12]]
            for x, s in zip((p, q), starts)]
for key, allowed in {"cpu_total": 5, "cpu_steal": 5, "cpu_other_total": 5, "disk_mbwrite": 0.5,
                     "disk_writes": 8, "net_transmittedBytes": 2500, "net_receivedBytes": 2500,
                     "io_MBWR/s": 0.5}.items():
    medians = [lab.median([r.get(key) for r in x]) for x in rows]
    t.check(None not in medians and abs(medians[0] - medians[1]) <= allowed,
            f"busy {key}: medians {medians}, allowed to differ by {allowed}")
t.check((lab.median([r.get("cpu_total") for r in rows[0]]) or 0) > 25 and
        (lab.median([r.get("disk_writes") for r in rows[0]]) or 0) > 1, "busy it was")
t.done()
