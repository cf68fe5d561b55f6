#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Does the benchmark measure what it says?  smoke.py BUILD

The generator's VMs are seen by the program and by the floor, and nothing of them is left.
"""
import json
import os
import subprocess
import sys
import time

from fakehost import FakeHost, find

N = 3
failures = []


def check(what, got, wanted):
    if got != wanted:
        failures.append(f"{what}: got {got!r}, wanted {wanted!r}")


def domains(proxtop, host):
    out = subprocess.run([proxtop, "--proxmox", f"--rootfs={host.dir}", "--printer=json",
                          "--verbose", "--runs=2", "--frequency=1"],
                         check=True, stdout=subprocess.PIPE, text=True, timeout=60).stdout
    found = json.loads(out.splitlines()[-1])["domains"]
    # Other QEMUs of this machine are seen too, as found in /proc only.
    return {d.get("vmid"): d for d in found if d.get("hypervisor") == "proxmox"}


def check_proxtop(proxtop, host):
    seen = domains(proxtop, host)
    for vmid, pid in zip(range(100, 100 + N), host.pids()):
        d = seen.get(vmid)
        if d is None:
            failures.append(f"VM {vmid}: proxtop does not see it")
            continue
        check(f"VM {vmid}: name", d.get("name"), f"vm{vmid}")
        check(f"VM {vmid}: UUID", d.get("UUID"), f"b7a9f0e2-6c1d-4e83-9a57-{vmid:012x}")
        check(f"VM {vmid}: PID", d.get("PID"), pid)
        check(f"VM {vmid}: tags", d.get("tags"), "bench;" + ("odd" if vmid % 2 else "even"))
        check(f"VM {vmid}: vCPUs", [v.get("vcpu") for v in d.get("vcpus", [])], [0, 1, 2, 3])
        check(f"VM {vmid}: disks", [x.get("disk") for x in d.get("disks", [])], ["scsi0"])
        check(f"VM {vmid}: has cpu_total", "cpu_total" in d, True)
        # The first VM's monitor is silent: what only it knows is absent.
        check(f"VM {vmid}: has disk_reads", "disk_reads" in d, vmid != 100)


def check_floor(floor, host):
    line = subprocess.run([floor, host.dir, "3", "--skip=0", "--qmp-every=3"], check=True,
                          stdout=subprocess.PIPE, text=True, timeout=60).stdout
    values = dict(word.split("=") for word in line.split())
    check("floor: VMs", values.get("vms"), str(N))
    check("floor: threads", values.get("threads"), str(8 * N))
    check("floor: exchanges a cycle", values.get("exchanges"), f"{(N - 1) / 3:.1f}")
    check("floor: failed exchanges", values.get("failed"), "1")


def main():
    build = sys.argv[1]
    fakevms = find(build, "bench/fakevms")
    with FakeHost(fakevms, N, ["--silent=1"]) as host:
        pids = host.pids()
        check_floor(find(build, "bench/floor"), host)
        check_proxtop(find(build, "bin/proxtop"), host)
    time.sleep(0.1)
    check("processes left", [p for p in pids if os.path.exists(f"/proc/{p}")], [])
    check("directory left", os.path.exists(host.dir), False)
    for failure in failures:
        print(failure)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
