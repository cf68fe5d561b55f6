# SPDX-License-Identifier: Apache-2.0
"""Who includes whom: common nobody, agent common, console common and of the agent only
measure.h.  libvirt is behind its own files; headers do not include each other in circles."""

import os

import source

MAY = {"common": {"common"}, "agent": {"agent", "common"}, "console": {"console", "common"}}
OF_AGENT = {"measure.h"}  # what others may include of it
LIBVIRT = ("agent/libvirt/",)


def part_of(name):
    return name.split("/")[0]


def headers_by_name(names):
    found = {}
    for name in names:
        if name.endswith((".h", ".def")) and part_of(name) in source.PARTS:
            found.setdefault(os.path.basename(name), []).append(name)
    return found


def one_include(name, kind, header, owner):
    """What is wrong with it, or None."""
    if kind == "<":
        if header.startswith("libvirt/") and not name.startswith(LIBVIRT):
            return "libvirt belongs into agent/libvirt/"
        if header in owner:
            return "our own headers are included with quotes"
        return None
    if header not in owner:
        return "no such header in common, agent or console"
    part = part_of(owner[header][0])
    mine = part_of(name)
    if part in MAY[mine] or (mine == "console" and header in OF_AGENT):
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
