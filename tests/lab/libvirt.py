# SPDX-License-Identifier: Apache-2.0
"""A real libvirtd and its domains."""
import json
import os
import re
import signal
import subprocess

import lab

URI = "qemu:///system"
SOCKET = "/run/libvirt/libvirt-sock-ro"


def virsh(*args, check=True, timeout=60):
    return lab.run("virsh", "-q", "-c", URI, *args, check=check, timeout=timeout)


class Daemon:
    def __init__(self):
        self.process = None

    def start(self):
        log = open("/var/log/libvirt/libvirtd.out", "ab")
        os.makedirs("/run/libvirt", exist_ok=True)
        self.process = subprocess.Popen(["libvirtd"], stdout=log, stderr=log,
                                        stdin=subprocess.DEVNULL)
        log.close()
        lab.wait_for("libvirtd", self._answers, 60, 0.2)
        return self

    def _answers(self):
        if self.process.poll() is not None:
            raise RuntimeError(lab.read("/var/log/libvirt/libvirtd.out"))
        try:
            return virsh("version", timeout=30)
        except RuntimeError:
            return None

    def stop(self):
        """SIGSTOP"""
        os.kill(self.process.pid, signal.SIGSTOP)

    def cont(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def kill(self):
        self.process.kill()
        self.process.wait()


class Domain:
    """One guest. vcpu_cpu and emulator_cpus pin its threads."""

    def __init__(self, name, number, vcpus=1, max_vcpus=None, mib=128, nic=True, disks=1,
                 vcpu_cpu=None, emulator_cpus=lab.REST, quota=None, monitor=None, pidfile=None,
                 cache="none", uuid=None, tap=None):
        self.name = name
        self.uuid = uuid or f"8c1f9a52-6d3e-4b7a-9c00-0000000000{number:02x}"
        self.mac = f"52:54:00:77:00:{number:02x}"
        self.ip = f"10.77.0.{100 + number}"
        self.serial = f"/var/lib/libvirt/qemu/{name}.serial"
        self.console = lab.Console(self.serial)
        self.vcpus = vcpus
        self.max_vcpus = max_vcpus or vcpus
        self.mib = mib
        self.disks = [lab.new_disk(f"{name}-{i}") for i in range(disks)]
        self.nic = nic
        self.vcpu_cpu = vcpu_cpu
        self.emulator_cpus = emulator_cpus
        self.quota = quota
        self.monitor = monitor
        self.pidfile = pidfile
        self.cache = cache
        self.tap_name = tap
        self.pid = None

    def xml(self):
        tune = "".join(f"<vcpupin vcpu='{i}' cpuset='{self.vcpu_cpu}'/>"
                       for i in range(self.max_vcpus) if self.vcpu_cpu is not None)
        tune += f"<emulatorpin cpuset='{self.emulator_cpus}'/>"
        if self.quota:
            tune += f"<period>100000</period><quota>{self.quota}</quota>"
        disks = "".join(
            f"<disk type='file' device='disk'>"
            f"<driver name='qemu' type='raw' cache='{self.cache}' io='threads'/>"
            f"<source file='{path}'/><target dev='vd{chr(97 + i)}' bus='virtio'/></disk>"
            for i, path in enumerate(self.disks))
        target = f"<target dev='{self.tap_name}'/>" if self.tap_name else ""
        nic = (f"<interface type='bridge'><mac address='{self.mac}'/><source bridge='br0'/>"
               f"{target}<model type='virtio'/></interface>" if self.nic else "")
        extra = []
        if self.monitor:
            extra += ["-chardev", f"socket,id=second,path={self.monitor},server=on,wait=off",
                      "-mon", "chardev=second,mode=control"]
        if self.pidfile:
            extra += ["-pidfile", self.pidfile]
        args = "".join(f"<qemu:arg value='{a}'/>" for a in extra)
        return f"""
<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>{self.name}</name><uuid>{self.uuid}</uuid>
  <memory unit='MiB'>{self.mib}</memory>
  <vcpu placement='static' current='{self.vcpus}'>{self.max_vcpus}</vcpu>
  <cputune>{tune}</cputune>
  <os><type arch='x86_64' machine='pc'>hvm</type>
    <kernel>{lab.IMAGES}/vmlinuz</kernel><initrd>{lab.IMAGES}/initrd.img</initrd>
    <cmdline>{lab.append_line(self.ip if self.nic else None)}</cmdline></os>
  <features><acpi/></features>
  <on_poweroff>destroy</on_poweroff><on_reboot>destroy</on_reboot><on_crash>destroy</on_crash>
  <devices>
    <emulator>/usr/bin/qemu-system-x86_64</emulator>
    {disks}{nic}
    <serial type='file'><source path='/var/log/libvirt/qemu/{self.name}.console'/>
      <target port='0'/></serial>
    <serial type='unix'><source mode='bind' path='{self.serial}'/><target port='1'/></serial>
    <memballoon model='virtio'><stats period='2'/></memballoon>
  </devices>
  <qemu:commandline>{args}</qemu:commandline>
</domain>"""

    def create(self):
        """Starts it; does not wait for the guest."""
        path = f"/run/lab/{self.name}.xml"
        lab.write(path, self.xml())
        virsh("create", path)
        pidfile = f"/run/libvirt/qemu/{self.name}.pid"
        self.pid = int(lab.wait_for(pidfile, lambda: lab.read(pidfile).strip(), 10))
        return self

    def ready(self):
        """Waits until the guest takes commands."""
        self.console.open()
        return self

    def start(self):
        return self.create().ready()

    @property
    def tap(self):
        return re.search(r"<interface .*?<target dev='([^']+)'/>", virsh("dumpxml", self.name),
                         re.S)[1]

    def suspend(self):
        virsh("suspend", self.name)

    def resume(self):
        virsh("resume", self.name)

    def destroy(self):
        self.console.close()
        virsh("destroy", self.name)

    def stats(self):
        """virsh domstats --raw as a dict"""
        return dict(line.strip().split("=", 1)
                    for line in virsh("domstats", "--raw", self.name).splitlines() if "=" in line)

    def blockstats(self):
        """query-blockstats through libvirt's monitor"""
        out = virsh("qemu-monitor-command", self.name, '{"execute":"query-blockstats"}')
        return json.loads(out)["return"]
