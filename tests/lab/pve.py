# SPDX-License-Identifier: Apache-2.0
"""QEMUs laid out as Proxmox VE's qemu-server lays them out: command line, pid file, QMP
socket, configuration, tap, cgroup."""
import glob
import json
import os
import socket
import subprocess
import threading
import time

import lab

RUN = "/var/run/qemu-server"
CONF = "/etc/pve/qemu-server"


def prepare():
    os.makedirs(RUN, exist_ok=True)
    os.makedirs(CONF, exist_ok=True)


def cgroups(*parts):
    """The directory in every hierarchy of the lab that has it; made where it is missing."""
    for mount in lab.read("/proc/self/mounts").splitlines():
        _, where, kind = mount.split()[:3]
        if kind in ("cgroup", "cgroup2"):
            path = os.path.join(where, *parts)
            os.makedirs(path, exist_ok=True)
            if "cpuset" in where:
                for d in (os.path.dirname(path), path):
                    for f in ("cpuset.cpus", "cpuset.mems"):
                        above = lab.read(os.path.join(os.path.dirname(d), f))
                        lab.write(os.path.join(d, f), above)
            yield path


class Vm:
    """One VM of Proxmox VE.

    layout: "drive" as up to machine type 9.x, "blockdev" as from 10.0 on (no device names in
    query-blockstats, throttle filter on top, an empty CD-ROM, and a second disk virtio0).
    kernel: boots the lab's guest; without, it stays as it was started (-S).
    config: writes the configuration file.  qmp: where the monitor really is."""

    def __init__(self, vmid, name, number, layout="drive", cores=2, mib=128, kernel=True,
                 config=True, uuid=None, extra=(), tags="prod;web", qmp=None, lock=None):
        self.vmid = vmid
        self.name = name
        self.number = number
        self.layout = layout
        self.cores = cores
        self.mib = mib
        self.kernel = kernel
        self.uuid = uuid or f"5d2e7c10-94ab-4c0e-8f00-0000000001{number:02x}"
        self.mac = f"bc:24:11:77:00:{number:02x}"
        self.ip = f"10.77.0.{150 + number}"
        self.tap = f"tap{vmid}i0"
        self.extra = list(extra)
        self.tags = tags
        self.lock = lock
        self.qmp_path = qmp or f"{RUN}/{vmid}.qmp"
        self.conf_path = f"{CONF}/{vmid}.conf"
        self.pid_path = f"{RUN}/{vmid}.pid"
        self.console = lab.Console(f"{RUN}/{vmid}.serial0")
        self.disks = {"scsi0": lab.new_disk(f"vm-{vmid}-disk-0", 64)}
        if layout == "blockdev":
            self.disks["virtio0"] = lab.new_disk(f"vm-{vmid}-disk-1", 32)
        self.pid = None
        if config:
            self.write_config()

    def write_config(self):
        """With a comment, a snapshot and a pending change: other values that are not those of
        the running VM."""
        lines = ["#Web frontend", "agent: 1", "boot: order=scsi0;net0", f"cores: {self.cores}",
                 "cpu: kvm64", f"memory: {self.mib}", f"name: {self.name}",
                 f"net0: virtio={self.mac.upper()},bridge=br0,firewall=1", "numa: 0", "onboot: 1",
                 "ostype: l26", f"scsi0: local:{self.vmid}/vm-{self.vmid}-disk-0.raw,size=64M",
                 "scsihw: virtio-scsi-single", "serial0: socket", f"smbios1: uuid={self.uuid}",
                 "sockets: 1", f"tags: {self.tags}"]
        if "virtio0" in self.disks:
            lines += [f"virtio0: local:{self.vmid}/vm-{self.vmid}-disk-1.raw,size=32M",
                      "ide2: none,media=cdrom"]
        if self.lock:
            lines.append(f"lock: {self.lock}")
        lines += ["", "[PENDING]", "cores: 8", "memory: 4096", "", "[before-upgrade]", "cores: 7",
                  "memory: 99", "name: oldname", "tags: snapshot", "snaptime: 1700000000"]
        lab.write(self.conf_path, "\n".join(lines) + "\n")

    def _disk_args(self):
        args = ["-device", "virtio-scsi-pci,id=virtioscsi0,bus=pci.0,addr=0x5,"
                "iothread=iothread-virtioscsi0"]
        if self.layout == "drive":
            return args + [
                "-drive", f"file={self.disks['scsi0']},if=none,id=drive-scsi0,format=raw,"
                "cache=none,aio=threads,detect-zeroes=on",
                "-device", "scsi-hd,bus=virtioscsi0.0,channel=0,scsi-id=0,lun=0,"
                "drive=drive-scsi0,id=scsi0,bootindex=100"]
        for key, path in self.disks.items():
            node = f"{self.number:02x}{key}".encode().hex()[:31]
            args += ["-object", f"throttle-group,id=throttle-drive-{key}", "-blockdev", json.dumps({
                "driver": "throttle", "node-name": f"drive-{key}",
                "throttle-group": f"throttle-drive-{key}",
                "file": {"driver": "raw", "node-name": f"f{node}"[:31], "detect-zeroes": "on",
                         "cache": {"direct": True, "no-flush": False},
                         "file": {"driver": "file", "node-name": f"e{node}"[:31], "aio": "threads",
                                  "filename": path, "detect-zeroes": "on",
                                  "cache": {"direct": True, "no-flush": False}}}})]
        return args + [
            "-device", "ide-cd,bus=ide.1,unit=0,id=ide2,bootindex=101",
            "-device", "scsi-hd,bus=virtioscsi0.0,channel=0,scsi-id=0,lun=0,drive=drive-scsi0,"
            "id=scsi0,device_id=drive-scsi0,bootindex=100,write-cache=on",
            "-device", "virtio-blk-pci,drive=drive-virtio0,id=virtio0,bus=pci.0,addr=0xa,"
            "write-cache=on"]

    def command(self):
        args = ["/usr/bin/kvm", "-id", str(self.vmid), "-name", f"{self.name},debug-threads=on",
                "-no-shutdown",
                "-chardev", f"socket,id=qmp,path={self.qmp_path},server=on,wait=off",
                "-mon", "chardev=qmp,mode=control",
                "-chardev", "socket,id=qmp-event,path=/var/run/qmeventd.sock,reconnect=5",
                "-mon", "chardev=qmp-event,mode=control",
                "-pidfile", self.pid_path, "-daemonize",
                "-smbios", f"type=1,uuid={self.uuid}",
                "-smp", f"{self.cores},sockets=1,cores={self.cores},maxcpus={self.cores}",
                "-nodefaults", "-vnc", f"unix:{RUN}/{self.vmid}.vnc,password=on",
                "-accel", "tcg,thread=multi", "-cpu", "qemu64", "-m", str(self.mib),
                "-object", "iothread,id=iothread-virtioscsi0",
                "-device", "virtio-balloon-pci,id=balloon0,bus=pci.0,addr=0x3,"
                "free-page-reporting=on",
                "-chardev", f"file,id=boot,path=/run/lab/{self.vmid}.console",
                "-device", "isa-serial,chardev=boot",
                "-chardev", f"socket,id=serial0,path={RUN}/{self.vmid}.serial0,server=on,wait=off",
                "-device", "isa-serial,chardev=serial0"]
        args += self._disk_args()
        args += ["-netdev", f"type=tap,id=net0,ifname={self.tap},script=no,downscript=no",
                 "-device", f"virtio-net-pci,mac={self.mac.upper()},netdev=net0,bus=pci.0,"
                 "addr=0x12,id=net0,rx_queue_size=1024,tx_queue_size=256"]
        if self.kernel:
            args += ["-kernel", f"{lab.IMAGES}/vmlinuz", "-initrd", f"{lab.IMAGES}/initrd.img",
                     "-append", lab.append_line(self.ip)]
        elif "-incoming" not in self.extra:
            args.append("-S")
        return args + ["-machine", "type=pc+pve0"] + self.extra

    def create(self, cpus=None):
        """Starts QEMU in its cgroup, as systemd's scope does; does not wait for the guest.
        cpus: where it may run, as a set."""
        lab.run("ip", "tuntap", "add", self.tap, "mode", "tap")
        lab.run("ip", "link", "set", self.tap, "master", "br0", "up")
        places = list(cgroups("qemu.slice", f"{self.vmid}.scope"))

        def enter():
            for place in places:
                with open(f"{place}/cgroup.procs", "w", encoding="ascii") as f:
                    f.write(str(os.getpid()))
            os.sched_setaffinity(0, cpus or lab.CPUS)

        env = {**os.environ, "LD_PRELOAD": lab.SHIM, "PVESHIM_KVM": "1"}
        started = subprocess.run(self.command(), env=env,
                                 stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                 timeout=30, preexec_fn=enter)
        if started.returncode:
            raise RuntimeError(f"VM {self.vmid}: {started.stderr}")
        self.pid = int(lab.read(self.pid_path))
        return self

    def ready(self):
        self.console.open()
        return self

    def start(self):
        return self.create().ready()

    def qmp(self, *commands):
        return lab.qmp(self.qmp_path, *commands)

    def balloon_on(self):
        """What qemu-server does after the start, so that the guest reports its memory."""
        self.qmp({"execute": "qom-set", "arguments": {
            "path": "machine/peripheral/balloon0", "property": "guest-stats-polling-interval",
            "value": 2}})

    def kill(self):
        self.console.close()
        lab.stop_process(self.pid)
        for f in glob.glob(f"{RUN}/{self.vmid}.*"):
            os.unlink(f)
        lab.run("ip", "link", "del", self.tap, check=False)


class FakeQmp:
    """A QMP socket that does not behave.

    silent: accepts and says nothing.  cut: greets, takes the capabilities, answers the next
    question halfway and hangs up.  flood: sends without an end and without a newline."""

    def __init__(self, path, mode="silent"):
        self.mode = mode
        self.accepts = []  # CLOCK_MONOTONIC
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        self.socket.listen(4)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.accepts.append(time.monotonic())
            threading.Thread(target=self._client, args=(client,), daemon=True).start()

    def _client(self, client):
        greeting = {"QMP": {"version": {"qemu": {"micro": 2, "minor": 0, "major": 9},
                                        "package": "pve-qemu-kvm_9.0.2"}, "capabilities": []}}
        try:
            with client:
                if self.mode == "silent":
                    while client.recv(65536):
                        pass
                elif self.mode == "flood":
                    while True:
                        client.sendall(b'{"QMP": {"version": "' + b"x" * 65536)
                else:
                    client.sendall(json.dumps(greeting).encode() + b"\r\n")
                    client.recv(65536)
                    client.sendall(b'{"return": {}}\r\n{"return": [{"device": "drive-scsi0", "st')
        except OSError:
            pass

    def close(self):
        self.socket.close()
