# SPDX-License-Identifier: Apache-2.0
"""VMs, their parts, and hosts as rows of counters, from numbers that people use."""
from recordings import GIB, MS, NS, Row, Steps

UUID = "6b1f0c52-9a04-4c37-8f6e-%012x"


def times(rate, by):
    if isinstance(rate, Steps):
        return Steps(*((since, times(r, by)) for since, r in rate.steps))
    return round(rate * by)


def percent(p):
    """Of each second, in ns."""
    return times(p, 10 * MS)


def vcpu(number, run, wait, last):
    """run and wait: percent of the time; last: the host CPU it was on."""
    return Row("vcpu", str(number), gauges={"vcpu": number, "cpu_last": last},
               rates={"run": percent(run), "wait": percent(wait), "slices": 250})


def vm_disk(name, backing, reads, writes, read_ms, write_ms, flushes=0, flush_ms=0,
            read_size=16384, write_size=16384, gib=32):
    """reads, writes, flushes: a second, each of so many ms and bytes."""
    return Row("vm_disk", name,
               texts={"disk": name, "backing": backing, "device": "/dev/pve/vm-%s" % name},
               asked={"capacity": gib * GIB, "allocation": gib * GIB // 2, "physical": gib * GIB},
               asked_rates={"reads": reads, "writes": writes, "flushes": flushes,
                            "read": times(reads, read_size), "written": times(writes, write_size),
                            "read_time": times(reads, read_ms * MS),
                            "write_time": times(writes, write_ms * MS),
                            "flush_time": times(flushes, flush_ms * MS)})


def vm_nic(name, receive, transmit, drops=0):
    """Bytes a second; a packet has 1000.  drops: of received packets, a second."""
    mac = "bc:24:11:00:00:%02x" % (sum(map(ord, name)) % 256)
    return Row("vm_nic", name, texts={"interface": name, "bridge": "vmbr0", "mac": mac},
               rates={"receive": receive, "receive_packets": times(receive, 0.001),
                      "receive_drops": drops, "receive_errors": 0,
                      "transmit": transmit, "transmit_packets": times(transmit, 0.001),
                      "transmit_drops": 0, "transmit_errors": 0})


def pressure(some_cpu=0, some_io=0, full_io=0, some_mem=0, full_mem=0):
    """Percent of the time, as counters of us."""
    names = "pressure_cpu_some pressure_io_some pressure_io_full pressure_mem_some " \
            "pressure_mem_full"
    values = (some_cpu, some_io, full_io, some_mem, full_mem)
    return {name: times(value, 10_000) for name, value in zip(names.split(), values)}


def memory_of_guest(gib, used):
    total = gib << 20
    return {"memory_balloon": total, "memory_guest": total,
            "memory_free": round(total * (1 - used) / 2),
            "memory_usable": round(total * (1 - used))}


def vm(number, name, vcpus, disks=(), nics=(), gib=4, used=0.5, tags=None, state="running",
       limited=0, major_faults=0, swap_in=0, psi=None, days=30, qemu_writes=0, **life):
    """used: share of its memory; limited: percent of its vCPUs' time that its limit took, summed;
    qemu_writes: bytes a second."""
    it = Row("vm", name, **life,
             texts={"name": name, "uuid": UUID % number, "state": state, "hypervisor": "proxmox"},
             gauges={"vmid": number, "uptime": days * 86400, "cpu_cores": len(vcpus),
                     "memory_total": gib << 20, "pid": 40000 + number,
                     "process_resident": gib * GIB * 3 // 4, "process_virtual": (gib + 2) * GIB},
             asked=memory_of_guest(gib, used),
             asked_rates={"memory_swap_in": swap_in, "memory_swap_out": 0},
             rates={"limited": percent(limited), "throttled": percent(limited),
                    "other_run": percent(2), "other_wait": percent(0.1), "vhost_run": 0,
                    "iothread_run": 0, "major_faults": major_faults, "minor_faults": 12,
                    "io_read": 4096, "io_written": qemu_writes, "io_read_calls": 8192,
                    "io_write_calls": qemu_writes, "io_read_syscalls": 20,
                    "io_write_syscalls": 30, **pressure(**(psi or {}))})
    if tags:
        it.texts["tags"] = tags
    for row in (*vcpus, *disks, *nics):
        it.add(row)
    return it


def host_disk(name, kind, reads, writes, read_ms, write_ms, busy, size=16384):
    """busy: percent of the time."""
    queue = times(reads, read_ms) + times(writes, write_ms)
    return Row("host_disk", name, counted=kind == "physical", texts={"disk": name, "class": kind},
               gauges={"in_flight": round(queue / 1000), "present": 1},
               rates={"reads": reads, "writes": writes, "reads_merged": 0, "writes_merged": 0,
                      "read": times(reads, size // 512), "written": times(writes, size // 512),
                      "read_time": times(reads, read_ms), "write_time": times(writes, write_ms),
                      "busy_time": times(busy, 10), "queue_time": queue})


def host_nic(name, mbit, receive, transmit, errors=0):
    return Row("host_nic", name, texts={"interface": name}, gauges={"speed": mbit},
               rates={"receive": receive, "receive_packets": times(receive, 0.001),
                      "receive_errors": errors, "receive_drops": 0, "transmit": transmit,
                      "transmit_packets": times(transmit, 0.001), "transmit_errors": 0,
                      "transmit_drops": 0})


def host(name, cpus, gib, user, system, used, psi=None, version="0.9.1", silent_after=10 ** 9):
    """user, system: percent of all CPUs' time; used: share of its memory."""
    ticks = cpus * 100
    meminfo = {"mem_total": gib << 20, "mem_free": round((gib << 20) * (1 - used) / 2),
               "mem_available": round((gib << 20) * (1 - used)), "mem_cached": 2 << 20,
               "mem_swap_total": 8 << 20, "mem_swap_free": 8 << 20}
    averages = {"pressure_%s_avg%d" % (what, seconds): 100 * value
                for seconds in (10, 60, 300)
                for what, value in (("cpu_some", 3), ("io_some", 12), ("io_full", 4),
                                    ("mem_some", 0), ("mem_full", 0))}
    it = Row("host", name, texts={"host_name": name, "host_id": "id-of-" + name.split(".")[0]},
             gauges={"uptime": 100 * 86400, "cpu_cores": cpus, "cpu_curfreq": 3200,
                     **meminfo, **averages},
             rates={"cpu_user": times(ticks, user / 100), "cpu_system": times(ticks, system / 100),
                    "cpu_idle": times(ticks, (100 - user - system) / 100), "cpu_nice": 0,
                    "cpu_iowait": 0, "cpu_irq": 0, "cpu_softirq": 0, "cpu_steal": 0,
                    "cpu_guest": times(ticks, user / 200), "cpu_guestnice": 0,
                    **pressure(**(psi or {}))})
    it.id = "id-of-" + name.split(".")[0]
    it.version, it.silent_after = version, silent_after
    return it


def put(on, *rows):
    """Rows on a host; what its VMs' disks lie on is known to them."""
    for row in rows:
        on.add(row)
    busy = {d.name: d for d in on.of("host_disk")}
    for disk in (d for v in on.of("vm") for d in v.of("vm_disk")):
        backing = busy.get(disk.texts["backing"])
        if backing:
            disk.rates = {"backing_busy": backing.rates["busy_time"],
                          "backing_requests": backing.rates["reads"] + backing.rates["writes"]}
    return on
