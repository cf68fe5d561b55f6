# SPDX-License-Identifier: Apache-2.0
"""Who includes whom: common nobody, agent and aggregator common, console common and of the
agent only measure.h and measure_options.h; console/proxprofiler also the aggregator's profiles.
In the agent, kernel text and command lines know nobody, the connectors know neither each other
nor lookup and collectors.  libvirt, nng, libsodium, libmicrohttpd and libcurl are behind their
own files; headers do not include each other in circles."""

import os

import source

MAY = {
    "common": {"common"},
    "agent": {"agent", "common"},
    "aggregator": {"aggregator", "common"},
    "console": {"console", "common"},
}
OF_AGENT = {"measure.h", "measure_options.h"}  # what others may include of it
# Parts of the aggregator that are libraries, and who in the console may include them.
PROFILES = {"profile", "profiler"}
OF_PROFILES = "proxprofiler"
# Libraries of others, and who may include their headers.
BEHIND = {
    "libvirt/": ("agent/libvirt/",),
    "nng/": ("common/net/link",),
    "sodium.h": ("common/net/seal", "common/net/key"),
    "microhttpd.h": ("common/http/",),
    "curl/": ("aggregator/output/",),
    "ncurses": ("console/terminal/terminal",),
    "curses.h": ("console/terminal/terminal",),
}
# Folders: which others of their part they may include; "" is the part's own, all may themselves.
ROOMS = {
    "common": {
        "": set(),
        "option": {""},
        "wire": {""},
        "net": {""},
        "http": {""},
        "uplink": {"", "wire", "net"},
        "feed": {"", "wire", "net"},
        "record": {"", "wire"},
    },
    "agent": {
        "read": set(),
        "qemu": {"read"},
        "lookup": {"", "read", "qemu"},
        "collect": {"", "read", "lookup"},
        "libvirt": {"", "read", "qemu"},
        "proxmox": {"", "read", "qemu"},
        "daemon": {""},
    },
    "aggregator": {"output": set(), "profile": set(), "profiler": {"profile"}},
    "console": {
        "source": set(),
        "world": {"source"},
        "screen": set(),
        "ui": {"source", "world", "screen"},
        "terminal": {"screen"},
        "proxprofiler": {"", "source"},
    },
}


def part_of(name):
    return name.split("/")[0]


def room_of(name):
    """collect of agent/collect/x.c; "" of agent/x.c"""
    return "/".join(name.split("/")[1:-1])


def headers_by_name(names):
    found = {}
    for name in names:
        if name.endswith((".h", ".def")) and part_of(name) in source.PARTS:
            found.setdefault(os.path.basename(name), []).append(name)
    return found


def one_include(name, kind, header, owner):
    """What is wrong with it, or None."""
    if kind == "<":
        for library, where in BEHIND.items():
            if header.startswith(library) and not name.startswith(where):
                return "%s belongs into %s" % (library.strip("/"), " and ".join(where))
        if header in owner:
            return "our own headers are included with quotes"
        return None
    if header not in owner:
        return "no such header in common, agent, aggregator or console"
    part = part_of(owner[header][0])
    mine = part_of(name)
    rooms = ROOMS.get(mine, {})
    room, other = room_of(name), room_of(owner[header][0])
    if part == mine and (room or "" in rooms):
        if other != room and other not in rooms.get(room, ()):
            return "%s includes nothing of %s" % (room or mine, other or "the part's own folder")
    if part in MAY[mine] or (mine == "console" and header in OF_AGENT):
        return None
    if (mine, room, part) == ("console", OF_PROFILES, "aggregator") and other in PROFILES:
        return None
    return "%s includes nothing of %s" % (mine, part)


def circles(graph):
    done, path = set(), []

    def visit(name):
        if name in path:
            yield " -> ".join(path[path.index(name) :] + [name])
        if name in done or name in path:
            return
        path.append(name)
        for other in graph.get(name, ()):
            yield from visit(other)
        path.pop()
        done.add(name)

    for name in sorted(graph):
        yield from visit(name)


def findings(names, text_of=source.text_of):
    owner = headers_by_name(names)
    for header, where in sorted(owner.items()):
        if len(where) > 1:
            yield "%s: two headers of one name: %s" % (header, ", ".join(where))
    graph = {}
    for name in names:
        if part_of(name) not in source.PARTS or not name.endswith((".c", ".h", ".def")):
            continue
        for n, kind, header in source.includes(text_of(name)):
            wrong = one_include(name, kind, header, owner)
            if wrong:
                yield "%s:%d: %s: %s" % (name, n, header, wrong)
            elif kind == '"' and name.endswith(".h"):
                graph.setdefault(name, []).append(owner[header][0])
    for circle in circles(graph):
        yield "headers in a circle: " + circle


def main():
    names = source.files()
    looked_at = [n for n in names if part_of(n) in source.PARTS and n.endswith((".c", ".h"))]
    source.report(findings(names), len(looked_at))


if __name__ == "__main__":
    main()
