# SPDX-License-Identifier: Apache-2.0
"""One QEMU process, seen by libvirt and, through a second monitor, as a VM of Proxmox VE:
every key that both have agrees."""
import os
import pwd

import lab
import libvirt

ROOT = "/run/lab/pve"
RUN = "/run/qemu-server"  # as the command line names it
CONF = f"{ROOT}/etc/pve/qemu-server"
VMID = 200

t = lab.Test("connectors")
os.makedirs(RUN)
os.makedirs(CONF)
os.makedirs(ROOT + RUN)
lab.run("mount", "--bind", RUN, ROOT + RUN)
os.makedirs(ROOT + lab.IMAGES)
lab.run("mount", "--rbind", lab.IMAGES, ROOT + lab.IMAGES)
user = pwd.getpwnam("libvirt-qemu")
os.chown(RUN, user.pw_uid, user.pw_gid)  # QEMU makes its socket and pid file there
libvirt.Daemon().start()
d = libvirt.Domain("both", 1, vcpus=2, monitor=f"{RUN}/{VMID}.qmp", pidfile=f"{RUN}/{VMID}.pid",
                   tap=f"tap{VMID}i0")
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
# They move between two runs of the program: the questions themselves keep QEMU's main loop busy
# for a moment.
MOVING = {"uptime": 15, "io_RDOPS": 40, "io_WROPS": 40, "io_syscr": 40, "io_syscw": 40,
          "io_rchar": 20000, "io_wchar": 20000, "cpu_other_total": 1, "cpu_other_steal": 1,
          "psi_some_cpu": 1, "ram_minflt": 5}


def compare(what, a, b, least=2):
    common = sorted((a.keys() & b.keys()) - BY_NATURE - {"vcpus", "disks", "interfaces"})
    t.note(f"{what}: {len(common)} common keys; only libvirt {sorted(a.keys() - b.keys())}, "
           f"only Proxmox {sorted(b.keys() - a.keys())}")
    t.check(len(common) >= least, f"{what}: {len(common)} common keys")
    for key in common:
        allowed = MOVING.get(key, 0)
        same = a[key] == b[key] or (isinstance(a[key], (int, float)) and allowed and
                                    abs(a[key] - b[key]) <= allowed)
        t.check(same, f"{what} {key}: libvirt {a[key]}, Proxmox {b[key]}")


def show(what):
    """The process as each connector shows it."""
    got = []
    for name, options in (("libvirt", LIBVIRT), ("proxmox", PROXMOX)):
        rows = [lab.domain(c, PID=d.pid) for c in lab.cycles(5, *options, connector=None)]
        row = rows[-1]
        t.same(f"{what}, {name}: hypervisor", (row or {}).get("hypervisor"), name)
        t.same(f"{what}, {name}: state", (row or {}).get("state"), "paused")
        # Of what the questions move, the calmest of the cycles after the first answers.
        got.append({k: min(r.get(k, v) for r in rows[1:] if r) if k in MOVING else v
                    for k, v in (row or {}).items()})
    return got


def compare_rows(what, a, b, array, key):
    rows = [{r.get(key): r for r in x.get(array, [])} for x in (a, b)]
    rows = [{ALIAS.get(k, k): r for k, r in x.items()} for x in rows]
    t.same(f"{what}: {array}", sorted(rows[0]), sorted(rows[1]))
    for name in sorted(rows[0].keys() & rows[1].keys()):
        one, other = ({k: v for k, v in x[name].items() if k != key} for x in rows)
        compare(f"{what}: {array} {name}", one, other)


ALIAS = {"virtio-disk0": "vda"}  # QEMU's name for the device, libvirt's for the disk

# ---- suspended, with a configuration: nothing moves, everything is equal ----

# The host would ask a guest that says nothing whether it is still there.
lab.run("ip", "neigh", "replace", d.ip, "lladdr", d.mac, "dev", "br0", "nud", "permanent")
d.suspend()
a, b = show("configured")
compare("configured", a, b, 50)
compare_rows("configured", a, b, "vcpus", "vcpu")
compare_rows("configured", a, b, "interfaces", "interface")

# ---- without one: the disks are those of QEMU, as libvirt's are (in a configuration they would
# have the names of Proxmox VE, which libvirt cannot give to its devices) ----

os.unlink(f"{CONF}/{VMID}.conf")
a, b = show("unconfigured")
compare("unconfigured", a, b, 60)
for array, key in (("vcpus", "vcpu"), ("interfaces", "interface"), ("disks", "disk")):
    compare_rows("unconfigured", a, b, array, key)

# Raw counters: one series per name and label set, of any metric both have.
raw = [lab.openmetrics(*options, connector=None) for options in (LIBVIRT, PROXMOX)]
# Moved by what happens between the two readings, the questions above all.
MOVED = ("proxtop_vm_io_read_calls_bytes_total", "proxtop_vm_io_write_calls_bytes_total",
         "proxtop_vm_io_read_syscalls_total", "proxtop_vm_io_write_syscalls_total",
         "proxtop_vm_minor_faults_total", "proxtop_vm_uptime_seconds",
         "proxtop_vm_process_resident_bytes", "proxtop_vm_pressure_cpu_some_seconds_total",
         "proxtop_vm_other_run_seconds_total", "proxtop_vm_other_wait_seconds_total",
         "proxtop_vm_iothread_run_seconds_total",
         # the host's disk: others write to it too
         "proxtop_vm_disk_backing_busy_seconds_total", "proxtop_vm_disk_backing_requests_total")


def series(metrics, name):
    """By what distinguishes the series within the VM."""
    got = {}
    for labels, value in metrics.get(name, []):
        if labels.get("uuid") == d.uuid:
            rest = {k: ALIAS.get(v, v) for k, v in labels.items() if k not in ("uuid", "pid")}
            got[tuple(sorted(rest.items()))] = float(value)
    return got


compared = 0
for name in sorted(raw[0].keys() & raw[1].keys()):
    if not name.startswith("proxtop_v") or name.endswith("_info"):
        continue
    one, other = series(raw[0], name), series(raw[1], name)
    t.check(one.keys() == other.keys(), f"{name}: the same series, {len(one)}")
    for labels in one.keys() & other.keys():
        compared += 1
        x, y = one[labels], other[labels]
        same = x == y or name in MOVED and abs(y - x) <= 0.05 * x + 1
        t.check(same, f"{name}{dict(labels) or ''}: libvirt {x:.16g}, Proxmox {y:.16g}")
t.check(compared >= 55, f"{compared} raw series compared")
for name in ("proxtop_vm_disk_written_bytes_total", "proxtop_vm_disk_reads_total",
             "proxtop_vm_disk_write_time_seconds_total", "proxtop_vm_nic_transmit_bytes_total",
             "proxtop_vm_memory_usable_bytes", "proxtop_vm_memory_balloon_bytes"):
    found = series(raw[0], name)
    t.check(found and all(v > 0 for v in found.values()), f"there is something in {name}: {found}")

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
