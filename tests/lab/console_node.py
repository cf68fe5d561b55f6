# SPDX-License-Identifier: Apache-2.0
"""console_node.py NAME: one host of the scene (console_scene.py), in PID, mount and UTS
namespaces of its own, so that it sees its own VMs only.

Says "ready" when its guests run, then does what the lines on its stdin say, each answered by
"done": "measure" starts its agent, "silence" stops it, "burn VM" lets a guest take all the CPU
it gets.  Ends with its stdin."""
import os
import re
import signal
import subprocess
import sys

import lab
import libvirt
import pve

# Lines for the shells of guests.
# Works for a moment, sleeps, and again.
LIGHT = "(while :; do i=0; while [ $i -lt 500 ]; do i=$((i + 1)); done; usleep 500000; done) &"
BURNS = "(while :; do :; done) &"
# A request every now and then to a disk.
WRITES = ("(while :; do dd if=/dev/zero of=/dev/%s bs=64k count=1 oflag=direct conv=notrunc "
          "2> /dev/null; usleep 500000; done) &")
# One after the other, as fast as the disk lets.
WRITES_ON = ("(while :; do dd if=/dev/zero of=/dev/%s bs=4k count=64 oflag=direct conv=notrunc "
             "2> /dev/null; done) &")
# Packets to the host and back.
TALKS = "(while :; do ping -c 1 -s 8000 10.77.0.1 > /dev/null; usleep 400000; done) &"
IOPS = 10  # of the slow disk


def kvm1():
    """libvirt.  The first three share the core for what is measured."""
    libvirt.Daemon().start()
    vms = [libvirt.Domain(name, i + 1, vcpu_cpu=cpu, disks=disks).create()
           for i, (name, cpu, disks) in enumerate([
               ("shop-db", lab.CPU, 1), ("shop-web", lab.CPU, 1), ("reports", lab.CPU, 1),
               ("files", lab.REST, 2), ("mail", lab.REST, 1)])]
    for vm in vms:
        vm.ready()
    shares = re.search(r"^cpu_shares\s*:\s*(\d+)", libvirt.virsh("schedinfo", "reports"), re.M)
    libvirt.virsh("schedinfo", "reports", "--live", f"cpu_shares={4 * int(shares[1])}")
    libvirt.virsh("blkdeviotune", "files", "vdb", "--live", "--total-iops-sec", str(IOPS))
    return vms, {"shop-db": (BURNS, WRITES % "vda"), "shop-web": (LIGHT, TALKS),
                 "files": (WRITES % "vda", WRITES_ON % "vdb")}, ["--libvirt"]


def proxmox(*names):
    lab.run("mount", "-t", "tmpfs", "-o", "mode=755", "run", "/run")
    os.makedirs("/run/lab")
    os.makedirs("/etc/pve", exist_ok=True)
    lab.run("mount", "-t", "tmpfs", "-o", "mode=755", "pve", "/etc/pve")
    pve.prepare()
    rest = {int(cpu) for cpu in lab.REST.split(",")}
    vms = []
    for vmid, name in names:
        number = vmid // 100 * 10 + vmid % 10  # of its addresses, one of a kind in the lab
        vms.append(pve.Vm(vmid, name, number, cores=1, tags="prod").create(cpus=rest))
    for vm in vms:
        vm.ready().balloon_on()
    return vms, {vm.name: (LIGHT, WRITES % "sda") for vm in vms[:1]}, ["--proxmox"]


HOSTS = {"kvm1": kvm1,
         "kvm2": lambda: proxmox((201, "gitlab"), (202, "wiki")),
         "kvm3": lambda: proxmox((301, "ci-runner"), (302, "dns-2"))}


def start_agent(name, options):
    with open(f"/run/lab/{name}.log", "wb") as log:
        return subprocess.Popen(
            [os.path.join(os.path.dirname(lab.PROXTOP), "proxtop-agent"), *options,
             f"--host-id={name}", "--frequency=1", "--qmp-interval=1", "--feed=none",
             "--aggregator=tcp://127.0.0.1:7410"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log)


def main(name):
    lab.run("hostname", name)
    vms, loads, options = HOSTS[name]()
    for vm in vms:
        for load in loads.get(vm.name, ()):
            vm.console.send(load)
    print("ready", flush=True)
    agent = None
    for line in sys.stdin:
        word, *which = line.split()
        if word == "measure":
            agent = start_agent(name, options)
        elif word == "silence":
            agent.send_signal(signal.SIGSTOP)
        else:
            next(vm for vm in vms if vm.name == which[0]).console.burn()
        print("done", flush=True)
    if agent:
        agent.kill()


main(sys.argv[1])
