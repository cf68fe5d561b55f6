#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What asking costs the guests: the CPU time of real QEMUs, by who asks them.

Starts QEMUs (software emulation) laid out as Proxmox VE does, with a guest that wakes up once
a minute, and measures the CPU time of their processes:

  rest      nobody asks
  original  once a second and VM: a connection, qmp_capabilities, query-balloon and
            query-blockstats, one at a time and each on a line of its own
  least     once in five seconds and VM: a connection with qmp_capabilities and
            query-blockstats in the fewest bytes
  proxtop   the program at its default settings

Each phase is compared with the rest before and after it, so that a busy machine disturbs
both alike.
"""
import argparse
import glob
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

from fakehost import cpu_ns, enter_namespaces, find

# A guest in one boot sector.  Everything that ticks is switched off, and the clock wakes it
# once a minute: each wake-up costs QEMU as much as ten bytes of a question.
MAIN = (
    "fa"  # cli
    "b0fb e621"  # PIC 1: only the second PIC
    "b0fe e6a1"  # PIC 2: only interrupt 8, the clock
    "b030 e643 30c0 e640 e640"  # PIT channel 0: count down once, then stop
    "b001 e670 30c0 e671"  # clock: alarm at second 0
    "b003 e670 b0c0 e671"  # of every minute
    "b005 e670 b0c0 e671"  # of every hour
    "b00b e670 b022 e671"  # alarm interrupts, 24 h
    "31c0 8ed8"  # ds = 0
    "c706c001 477c c706c201 0000"  # vector 0x70 = 0:7c47, the handler
    "fb"  # sti
    "f4 ebfd"  # hlt, again
)
HANDLER = (
    "50"  # push ax
    "b00c e670 e471"  # read clock register C: interrupt seen
    "b020 e6a0 e620"  # end of interrupt
    "58 cf"  # pop ax, iret
)
BOOT_SECTOR = bytes.fromhex(MAIN + HANDLER)
assert len(bytes.fromhex(MAIN)) == 0x47, "the vector points to the handler"

ORIGINAL = [b'{"execute": "qmp_capabilities"}\n', b'{"execute": "query-balloon"}\n',
            b'{"execute": "query-blockstats"}\n']
LEAST = b'{"execute":"qmp_capabilities"}{"execute":"query-blockstats"}'


class Guest:
    """One QEMU, its files below root, and its CPU clock."""

    def __init__(self, root, vmid, shim):
        self.vmid = vmid
        self.socket = f"{root}/run/qemu-server/{vmid}.qmp"
        self.disk = f"{root}/vm-{vmid}-disk-0.raw"
        uuid = f"b7a9f0e2-6c1d-4e83-9a57-{vmid:012x}"
        with open(self.disk, "wb") as f:
            f.write(BOOT_SECTOR.ljust(510, b"\0") + b"\x55\xaa")
            f.truncate(16 << 20)
        with open(f"{root}/etc/pve/qemu-server/{vmid}.conf", "w") as f:
            f.write(f"cores: 1\nmemory: 64\nname: guest{vmid}\nostype: l26\n"
                    f"scsi0: local:{vmid}/vm-{vmid}-disk-0.raw,size=16M\nscsihw: virtio-scsi-pci\n"
                    f"smbios1: uuid={uuid}\nsockets: 1\n")
        pidfile = f"{root}/run/qemu-server/{vmid}.pid"
        subprocess.run([
            "qemu-system-x86_64", "-id", f"{vmid}", "-name", f"guest{vmid},debug-threads=on",
            "-no-shutdown",
            "-chardev", f"socket,id=qmp,path={self.socket},server=on,wait=off",
            "-mon", "chardev=qmp,mode=control", "-pidfile", pidfile, "-daemonize",
            "-smbios", f"type=1,uuid={uuid}", "-smp", "1,sockets=1,cores=1,maxcpus=1",
            "-nodefaults", "-vnc", "none", "-display", "none", "-accel", "tcg,thread=multi",
            "-cpu", "qemu64", "-m", "64",
            "-device", "virtio-balloon-pci,id=balloon0,free-page-reporting=on",
            "-device", "virtio-scsi-pci,id=scsihw0",
            "-drive", f"file={self.disk},if=none,id=drive-scsi0,format=raw,cache=none,aio=threads",
            "-device", "scsi-hd,bus=scsihw0.0,channel=0,scsi-id=0,lun=0,drive=drive-scsi0,"
            "id=scsi0,bootindex=100",
            "-machine", "type=pc,hpet=off"],
            check=True, env={**os.environ, "LD_PRELOAD": shim, "PVESHIM_KVM": "1"})
        with open(pidfile) as f:
            self.pid = int(f.read())

    def cpu_ns(self):
        """CPU time of the process, threads that have ended included; and of its vCPU."""
        vcpu = 0
        for task in glob.glob(f"/proc/{self.pid}/task/*"):
            try:
                with open(task + "/comm") as f:
                    if f.read().startswith("CPU "):
                        with open(task + "/schedstat") as s:
                            vcpu += int(s.read().split()[0])
            except FileNotFoundError:
                pass
        return cpu_ns(self.pid), vcpu

    def kill(self):
        try:
            os.kill(self.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass


def connect(guest):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    s.settimeout(5)
    s.connect(guest.socket)
    return s, s.makefile("rb")


def ask_original(guest):
    s, f = connect(guest)
    f.readline()
    for command in ORIGINAL:
        s.sendall(command)
        if b'"return"' not in f.readline():
            raise RuntimeError(f"VM {guest.vmid} did not answer {command!r}")
    f.close()
    s.close()


def ask_least(guest):
    s, f = connect(guest)
    s.sendall(LEAST)
    for _ in range(2):
        f.readline()
    if b'"return"' not in f.readline():
        raise RuntimeError(f"VM {guest.vmid} did not answer")
    f.close()
    s.close()


def ask_for(guests, seconds, interval, ask):
    start = time.monotonic()
    for n in range(int(seconds / interval)):
        time.sleep(max(0, start + n * interval - time.monotonic()))
        for guest in guests:
            ask(guest)
    time.sleep(max(0, start + seconds - time.monotonic()))


class Proxtop:
    """The program, running; its start is not what is measured."""

    def __init__(self, path, root):
        self.output = f"{root}/proxtop.json"
        with open(self.output, "w") as f:
            self.process = subprocess.Popen(
                [path, "--proxmox", f"--rootfs={root}", "--printer=json"],
                stdin=subprocess.DEVNULL, stdout=f)
        time.sleep(11)

    def stop(self, guests):
        """Ends it, and makes sure that it has asked: it knows what only QEMU knows."""
        if self.process.poll() is not None:
            raise RuntimeError(f"proxtop ended with {self.process.returncode}")
        self.process.terminate()
        self.process.wait()
        with open(self.output) as f:
            last = json.loads(f.read().splitlines()[-1])
        seen = {d.get("vmid"): d for d in last["domains"]}
        for guest in guests:
            for key in ("disk_reads", "ram_balloon"):
                if key not in seen.get(guest.vmid, {}):
                    raise RuntimeError(f"proxtop has no {key} of VM {guest.vmid}: "
                                       f"{json.dumps(seen.get(guest.vmid))}")


def measure(guests, seconds, action):
    """ms of CPU per VM and minute while action() runs: whole process, without vCPUs."""
    before = [g.cpu_ns() for g in guests]
    start = time.monotonic()
    action(seconds)
    minutes = (time.monotonic() - start) / 60
    after = [g.cpu_ns() for g in guests]
    whole = sum(a[0] - b[0] for a, b in zip(after, before))
    vcpu = sum(a[1] - b[1] for a, b in zip(after, before))
    scale = 1e6 * len(guests) * minutes
    return whole / scale, (whole - vcpu) / scale


def run(args, root, guests):
    """Phases in the order measured, as (name, (whole process, without vCPUs))."""
    phases = {
        "original": lambda s: ask_for(guests, s, 1, ask_original),
        "least": lambda s: ask_for(guests, s, 5, ask_least),
    }
    if args.proxtop:
        phases["proxtop"] = time.sleep
    measured = []
    for _ in range(args.rounds):
        for name, action in phases.items():
            measured.append(("rest", measure(guests, args.seconds, time.sleep)))
            program = Proxtop(args.proxtop, root) if name == "proxtop" else None
            measured.append((name, measure(guests, args.seconds, action)))
            if program:
                program.stop(guests)
    measured.append(("rest", measure(guests, args.seconds, time.sleep)))
    return measured


def report(args, measured):
    """Each phase against the mean of the rests before and after it."""
    extra = {}
    for i in range(1, len(measured), 2):
        name, values = measured[i]
        rest = [statistics.mean(pair) for pair in zip(measured[i - 1][1], measured[i + 1][1])]
        extra.setdefault(name, []).append([v - r for v, r in zip(values, rest)])
    rests = [values for name, values in measured if name == "rest"]
    print(f"QEMU's own CPU, ms per VM and minute; {args.vms} VMs, phases of {args.seconds} s, "
          "medians (least to most)")
    both = ("whole process", "without vCPUs")
    print("  rest             " + "   ".join(spread(w, [r[i] for r in rests])
                                             for i, w in enumerate(both)))
    median = {}
    for name, values in extra.items():
        median[name] = [statistics.median(v[i] for v in values) for i in (0, 1)]
        print(f"  {name:8} - rest  " + "   ".join(spread(w, [v[i] for v in values])
                                                  for i, w in enumerate(both)))
    for name in ("least", "proxtop"):
        if name in median:
            ratio = [m / o for m, o in zip(median[name], median["original"])]
            print(f"  ({name} - rest) / (original - rest): whole process {ratio[0]:.3f}, "
                  f"without vCPUs {ratio[1]:.3f}"
                  + ("; at most 0.1 is wanted" if name == "proxtop" else ""))


def spread(what, values):
    return (f"{what} {statistics.median(values):7.2f} ({min(values):.2f} to "
            f"{max(values):.2f})")


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("--build", default=os.path.join(here, "../../build"))
    p.add_argument("--proxtop", help="another program than the build directory's; "
                                     "'' measures without it")
    p.add_argument("--vms", type=int, default=2, help="QEMUs (2)")
    p.add_argument("--seconds", type=int, default=60, help="of one phase (60), a multiple of 5")
    p.add_argument("--rounds", type=int, default=2, help="of all phases (2)")
    p.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    args = p.parse_args()
    if args.seconds < 5 or args.seconds % 5 or args.vms < 1 or args.rounds < 1:
        p.error("--seconds is a multiple of 5, --vms and --rounds are at least 1")
    if args.proxtop is None:
        args.proxtop = find(args.build, "bin/proxtop")
    # Hides the option -id, which only Proxmox VE's QEMU has, from the one that is here.
    shim = os.path.realpath(find(args.build, "tests/lab/libpveshim.so"))
    if not args.inside:
        enter_namespaces()
    root = tempfile.mkdtemp(prefix="guestcost.", dir="/tmp")
    guests = []
    try:
        for d in ("run/qemu-server", "etc/pve/qemu-server", "var"):
            os.makedirs(f"{root}/{d}")
        os.symlink("../run", f"{root}/var/run")
        for i in range(args.vms):
            guests.append(Guest(root, 100 + i, shim))
        time.sleep(15)  # QEMU and the guest start
        report(args, run(args, root, guests))
    finally:
        for guest in guests:
            guest.kill()
        shutil.rmtree(root)


if __name__ == "__main__":
    sys.exit(main())
