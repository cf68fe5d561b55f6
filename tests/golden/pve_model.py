# SPDX-License-Identifier: Apache-2.0
"""Which VMs there are, by the files of Proxmox VE and by /proc, and what describes them."""
import re

import fakeroot
from fakeroot import number, pve_property

DISK_KEYS = re.compile(r"(scsi|virtio|sata|ide|efidisk|tpmstate)\d+$")
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$")
MAC = re.compile(r"[0-9a-f]{2}(:[0-9a-f]{2}){5}$")


class Process:
    def __init__(self, root, pid, stat, args):
        self.pid, self.start, self.args = pid, stat[22], args
        self.stat = stat

    def option(self, name):
        for word, value in zip(self.args, self.args[1:]):
            if word == name:
                return value
        return None

    def uuid(self):
        uuid = self.option("-uuid") or pve_property(self.option("-smbios") or "").get("uuid")
        return uuid.lower() if uuid and UUID.match(uuid.lower()) else None

    def drives(self):
        """Drive's id -> file, of -drive and -blockdev in their comma form."""
        out = {}
        for word, value in zip(self.args, self.args[1:]):
            if word == "-drive":
                p = pve_property(value)
                if "id" in p and "file" in p:
                    out[p["id"]] = p["file"]
        return out


def qemus(root):
    out = {}
    for pid in root.pids():
        data = root.data("proc/%d/cmdline" % pid)
        stat = fakeroot.pid_stat(root.text("proc/%d/stat" % pid))
        if not data or not stat or stat[3] in "ZX":
            continue
        args = [a.decode("utf-8", "surrogateescape") for a in data.split(b"\0")[:-1]]
        if args and re.fullmatch(r"kvm|qemu-kvm|qemu-system-\w+", args[0].rsplit("/")[-1]):
            out[pid] = Process(root, pid, stat, args)
    return out


class Description:
    """A VM as its connector sees it."""

    def __init__(self, root, process, vmid, hypervisor):
        self.process, self.vmid, self.hypervisor = process, vmid, hypervisor
        self.conf = None
        if hypervisor == "proxmox":
            conf = "etc/pve/qemu-server/%d.conf" % vmid
            if root.exists(conf):
                self.conf = fakeroot.pve_conf(root.data(conf) or b"")

    def uuid(self, root):
        conf_uuid = pve_property((self.conf or {}).get("smbios1", "")).get("uuid", "").lower()
        if UUID.match(conf_uuid):
            return conf_uuid
        if self.process.uuid():
            return self.process.uuid()
        if self.hypervisor == "proc":
            return "qemu-%d" % self.process.pid
        m = re.search(r"^\s*cluster_name:\s*(\S+)", root.text("etc/pve/corosync.conf") or "",
                      re.M)
        return "proxmox-%s-%d" % (m.group(1), self.vmid) if m else "proxmox-%d" % self.vmid

    def name(self):
        if self.conf is not None:
            return self.conf.get("name") or "VM %d" % self.vmid
        name = self.process.option("-name") or ""
        p = pve_property(name.replace(",,", "\0"))
        name = (p.get("guest") or p.get("") or "").replace("\0", ",")
        if name:
            return name
        return "VM %d" % self.vmid if self.vmid else "qemu-%d" % self.process.pid

    def cores(self):
        if self.conf is None:
            smp = pve_property(self.process.option("-smp") or "")
            return number(smp.get("", smp.get("cpus", ""))) or None
        if number(self.conf.get("vcpus", "")):
            return number(self.conf["vcpus"])
        return (number(self.conf.get("sockets", "")) or 1) * (number(self.conf.get("cores", ""))
                                                              or 1)

    def memory_kib(self):
        text = (self.conf or {}).get("memory") or self.process.option("-m") or "512"
        p = pve_property(text)
        mib = number(p.get("current", p.get("", "")))
        return mib * 1024 if mib else None

    def disks(self):
        """[(name, device, capacity)]"""
        out = []
        drives = self.process.drives()
        for key, value in (self.conf or {}).items():
            p = pve_property(value)
            volume = p.get("", p.get("file", ""))
            if DISK_KEYS.match(key) and p.get("media") != "cdrom" and volume not in ("", "none"):
                out.append((key, drives.get("drive-" + key, volume),
                            fakeroot.size(p.get("size"))))
        if self.conf is None:
            out = [(d[len("drive-"):], f, None) for d, f in drives.items()
                   if d.startswith("drive-")]
        return out

    def nics(self):
        """[(tap, mac, bridge)]"""
        out = []
        if self.conf is None:
            macs = {}
            for word, value in zip(self.process.args, self.process.args[1:]):
                p = pve_property(value)
                if word == "-device" and "netdev" in p:
                    macs[p["netdev"]] = p.get("mac", "").lower()
            for word, value in zip(self.process.args, self.process.args[1:]):
                p = pve_property(value)
                if word == "-netdev" and "ifname" in p:
                    out.append((p["ifname"], macs.get(p.get("id")), p.get("br")))
            return out
        for key, value in self.conf.items():
            m = re.fullmatch(r"net(\d+)", key)
            if not m:
                continue
            p = pve_property(value)
            mac = [v.lower() for v in p.values() if MAC.match(v.lower())]
            tap = "tap%di%s" % (self.vmid, m.group(1)) if "bridge" in p else None
            out.append((tap, mac[-1] if mac else None, p.get("bridge")))
        return out

    def lock(self):
        return (self.conf or {}).get("lock")


def describe(root):
    """Running VMs: those of Proxmox VE by their pid files, then other QEMUs."""
    running, out, taken = qemus(root), [], set()
    pid_files = [f[:-4] for f in root.list("run/qemu-server") if f.endswith(".pid")]
    for vmid in sorted(int(v) for v in pid_files if v.isdigit()):
        process = running.get(root.number("run/qemu-server/%d.pid" % vmid))
        # The PID of a stale file may be another VM's by now.
        if process and process.option("-id") in (None, str(vmid)):
            out.append(Description(root, process, vmid, "proxmox"))
            taken.add(process.pid)
    for pid, process in sorted(running.items()):
        if pid not in taken:
            out.append(Description(root, process, number(process.option("-id") or "") or 0,
                                   "proc"))
    return out
