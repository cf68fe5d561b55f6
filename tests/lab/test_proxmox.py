# SPDX-License-Identifier: Apache-2.0
"""QEMUs as Proxmox VE starts them: what is found, and what must not be."""
import os
import subprocess
import time

import lab
import pve

t = lab.Test("proxmox")
pve.prepare()
web = pve.Vm(100, "web", 1).create()
db = pve.Vm(101, "db", 2, layout="blockdev", cores=1, tags="prod;database").create()
web.ready().balloon_on()
db.ready().balloon_on()

# One that is migrating in (no configuration yet), one cloned with its UUID.
incoming = pve.Vm(104, "incoming", 4, kernel=False, config=False,
                  extra=["-incoming", "tcp:127.0.0.1:60000"]).create()
clone = pve.Vm(105, "clone", 5, kernel=False, uuid=web.uuid).create()

# One that is locked, with a monitor that counts who asks.
locked_qmp = pve.FakeQmp(f"{pve.RUN}/106.qmp", "cut")
locked = pve.Vm(106, "locked", 6, kernel=False, lock="backup", qmp="/run/lab/106.qmp").create()

# Stale pid files: of a process that is gone, and of one that is no QEMU. And a VM that is off.
gone = subprocess.Popen(["true"])
gone.wait()
sleeper = subprocess.Popen(["sleep", "1000"])
pve.Vm(102, "stale", 7)
lab.write(f"{pve.RUN}/102.pid", f"{gone.pid}\n")
pve.Vm(103, "reused", 8)
lab.write(f"{pve.RUN}/103.pid", f"{sleeper.pid}\n")
pve.Vm(107, "off", 9)

# A QEMU started by hand, not by Proxmox VE.
HAND_UUID = "5d2e7c10-94ab-4c0e-8f00-0000000001ff"
hand = subprocess.Popen(["qemu-system-x86_64", "-name", "by-hand", "-uuid", HAND_UUID, "-display",
                         "none", "-nodefaults", "-accel", "tcg", "-m", "64", "-S"],
                        stdin=subprocess.DEVNULL)
db.console.run("dd if=/dev/zero of=/dev/sda bs=16k count=20 oflag=direct conv=notrunc 2> /dev/null;"
               "dd if=/dev/zero of=/dev/vda bs=8k count=7 oflag=direct conv=notrunc 2> /dev/null")
web.console.run("dd if=/dev/zero of=/dev/sda bs=16k count=33 oflag=direct conv=notrunc "
                "2> /dev/null")
web.console.burn()
time.sleep(2.5)  # the balloons report every 2 s
db.qmp("stop")

with lab.Proxtop("--qmp-interval=1", freq=1, connector="--proxmox") as p:
    p.wait_cycles(6)
    cycle = p.cycles[-1][1]
    asked_while_locked = len(locked_qmp.accepts)
    stderr = p.stderr
shown = {x.get("PID"): x for x in cycle["domains"]}
t.note(f"shown: {[(x.get('vmid'), x.get('name'), x.get('state'), x.get('hypervisor')) for x in cycle['domains']]}")
t.note(f"stderr: {stderr!r}")
t.same("processes shown", sorted(shown), sorted(
    [v.pid for v in (web, db, incoming, clone, locked)] + [hand.pid]))

w = shown.get(web.pid, {})
for key, value in {"vmid": 100, "name": "web", "UUID": web.uuid, "tags": "prod;web",
                   "state": "running", "hypervisor": "proxmox", "cpu_cores": 2,
                   "ram_total": web.mib * 1024}.items():
    t.same(f"web: {key}", w.get(key), value)
t.near("web: cpu_total, one of two vCPUs busy", w.get("cpu_total"), 35, 65)
t.same("web: vCPUs", sorted(v.get("vcpu") for v in w.get("vcpus", [])), [0, 1])
t.same("web: disks", [x.get("disk") for x in w.get("disks", [])], ["scsi0"])
t.same("web: device of scsi0", w["disks"][0].get("device") if w.get("disks") else None,
       web.disks["scsi0"])
t.same("web: interfaces", [(x.get("interface"), x.get("mac"), x.get("bridge"))
                           for x in w.get("interfaces", [])], [("tap100i0", web.mac, "br0")])
t.same("web: disk_size_capacity", w.get("disk_size_capacity"), 64 << 20)
t.check(0 < w.get("ram_used", 0) < web.mib * 1024, f"web: ram_used {w.get('ram_used')}")
t.check(w.get("ram_balloon") == web.mib * 1024, f"web: ram_balloon {w.get('ram_balloon')}")
t.check("psi_some_cpu" in w, f"web: pressure of its cgroup: {w.get('psi_some_cpu')}")
t.near("web: uptime", w.get("uptime"), 5, 120)

x = shown.get(db.pid, {})
for key, value in {"vmid": 101, "name": "db", "tags": "prod;database", "state": "paused",
                   "cpu_cores": 1, "cpu_total": 0, "UUID": db.uuid}.items():
    t.same(f"db: {key}", x.get(key), value)
t.same("db: disks", sorted(v.get("disk") for v in x.get("disks", [])), ["scsi0", "virtio0"])
t.same("db: devices", {v.get("disk"): v.get("device") for v in x.get("disks", [])}, db.disks)
t.same("db: disk_size_capacity", x.get("disk_size_capacity"), 96 << 20)

i = shown.get(incoming.pid, {})
t.same("incoming: state", i.get("state"), "migrating in")
t.same("incoming: vmid, name", (i.get("vmid"), i.get("name")), (104, "incoming"))
c = shown.get(clone.pid, {})
t.same("clone: UUID is web's too", (c.get("UUID"), c.get("name")), (web.uuid, "clone"))
h = shown.get(hand.pid, {})
t.same("by hand: hypervisor, name, UUID, vmid",
       (h.get("hypervisor"), h.get("name"), h.get("UUID"), h.get("vmid")),
       ("proc", "by-hand", HAND_UUID, None))
l = shown.get(locked.pid, {})
t.same("locked: name, hypervisor", (l.get("name"), l.get("hypervisor")), ("locked", "proxmox"))

# Counters against the monitor, which nobody else is asking now.
m = lab.openmetrics(connector="--proxmox")
for vm in (web, db):
    if vm is web:
        web.qmp("stop")
        m = lab.openmetrics(connector="--proxmox")
    for b in vm.qmp("query-blockstats")[0]:
        disk = {"/machine/peripheral/virtio0/virtio-backend": "virtio0"}.get(b["qdev"], b["qdev"])
        if disk not in vm.disks:
            t.same(f"{vm.name} {disk}: the empty CD-ROM does not count as a disk that works",
                   lab.raw(m, "proxtop_vm_disk_written_bytes_total", uuid=vm.uuid, disk=disk) or 0,
                   0)
            continue
        for ours, theirs in (("read_bytes", "rd_bytes"), ("written_bytes", "wr_bytes"),
                             ("reads", "rd_operations"), ("writes", "wr_operations"),
                             ("flushes", "flush_operations")):
            more = {"pid": str(vm.pid)} if vm is web else {}  # its UUID names two VMs
            t.same(f"{vm.name} {disk} {ours}",
                   lab.raw(m, f"proxtop_vm_disk_{ours}_total", uuid=vm.uuid, disk=disk, **more),
                   b["stats"][theirs])
t.check(lab.raw(m, "proxtop_vm_disk_written_bytes_total", uuid=db.uuid, disk="virtio0") == 7 * 8192,
        "db wrote 7 x 8 KiB to virtio0")

# The lock keeps the monitor alone; without it, it is asked (so that the count means something).
t.same("connections to the locked VM's monitor", asked_while_locked, 0)
locked.lock = None
locked.write_config()
with lab.Proxtop("--qmp-interval=1", freq=1, connector="--proxmox") as p:
    lab.wait_for("a question to the unlocked VM", lambda: locked_qmp.accepts, 30)
    t.check(locked_qmp.accepts, f"unlocked, it is asked: {len(locked_qmp.accepts)} connections")

# --rootfs: the same below another root, as in a container.
root = "/run/lab/root"
os.makedirs(f"{root}/etc/pve/qemu-server")
os.makedirs(f"{root}/run/qemu-server")
lab.run("mount", "--bind", "/etc/pve/qemu-server", f"{root}/etc/pve/qemu-server")
lab.run("mount", "--bind", "/run/qemu-server", f"{root}/run/qemu-server")
(cycle,) = lab.cycles(1, f"--rootfs={root}", connector="--proxmox")
t.same("names below --rootfs", sorted(x["name"] for x in cycle["domains"]),
       sorted(["web", "db", "incoming", "clone", "locked", "by-hand"]))

# Without an option, Proxmox VE is found.
(cycle,) = lab.cycles(1, connector=None)
t.same("found without --proxmox", (lab.domain(cycle, vmid=100) or {}).get("hypervisor"), "proxmox")
t.done()
