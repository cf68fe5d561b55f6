# SPDX-License-Identifier: Apache-2.0
"""State is passed: no variable outlives a call but the log's, xalloc's, and main's."""

import re
import subprocess
import sys

import source

# 0000000000000000 l     O .bss	0000000000000004 name
SYMBOL = re.compile(r"^[0-9a-f]+ (.{7}) (\.t?(?:bss|data)\S*)\s+([0-9a-f]+)\s+(?:\.hidden )?(\S+)$")
OBJECT = re.compile(r"^(\S+\.o):\s+file format")
ALLOWED = {
    ("log.c.o", None),
    ("xalloc.c.o", "at_end"),  # memory can be gone anywhere
    ("libvirt_connection.c.o", "process"),  # libvirt has one event loop per process
    ("qemu_args.c.o", "on"),  # a text that is never written to
}


def findings(dump):
    this = None
    for line in dump.split("\n"):
        m = OBJECT.match(line)
        if m:
            this = m.group(1)
            continue
        m = SYMBOL.match(line)
        if not m or "O" not in m.group(1) or m.group(2).startswith(".data.rel.ro"):
            continue
        section, size, name = m.group(2), int(m.group(3), 16), m.group(4)
        variable = name.split(".")[0]  # on.0: a static one inside of a function
        if (this, None) not in ALLOWED and (this, variable) not in ALLOWED:
            yield "%s: %s (%d bytes in %s) outlives its call" % (this, name, size, section)


def main():
    found, looked_at = [], 0
    for library in sys.argv[2:]:
        run = subprocess.run(
            ["objdump", "-t", library], capture_output=True, encoding="utf-8", check=True
        )
        looked_at += len(re.findall(OBJECT.pattern, run.stdout, re.MULTILINE))
        found += findings(run.stdout)
    source.report(found, looked_at)


if __name__ == "__main__":
    main()
