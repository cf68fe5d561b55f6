# SPDX-License-Identifier: Apache-2.0
"""Each rule finds what it is for, and nothing where all is well."""

import unittest

import files
import globals as global_state
import layers
import source
import table

SPDX = "SPDX-License-Identifier: " + "Apache-2.0"


class Code(unittest.TestCase):
    def test_comments_go_strings_stay(self):
        text = 'a /* b\n"c" */ "d /* e" // f\n"\\"g" \'"\' h'
        self.assertEqual(source.code_of(text), 'a     \n       "d /* e"     \n"\\"g" \'"\' h')

    def test_includes(self):
        text = '#include "a.h"\n# include <b/c.h>\n/* #include "d.h" */\nx #include "e.h"\n'
        self.assertEqual(list(source.includes(text)), [(1, '"', "a.h"), (2, "<", "b/c.h")])


class Files(unittest.TestCase):
    def test_licence(self):
        for name, text, wrong in (
            ("a.c", "/* %s */\n" % SPDX, 0),
            ("a.c", "// %s\n" % SPDX, 1),
            ("a.c", "\n/* %s */\n" % SPDX, 1),
            ("a.py", "# %s\n" % SPDX, 0),
            ("run", "#!/bin/sh\n# %s\n" % SPDX, 0),
            ("run", "#!/bin/sh\n", 1),
            ("a.def", "", 1),
        ):
            self.assertEqual(len(list(files.licence(name, text))), wrong, (name, text))

    def test_guards(self):
        texts = {
            "a.h": "/* x */\n#ifndef P_A_H\n#define P_A_H\n",
            "b.h": "#ifndef P_A_H\n#define P_A_H\n",
            "c.h": "#ifndef P_C_H\n#define P_D_H\n",
            "d.h": "#pragma once\n",
            "e/a.h": "#ifndef P_A_H\n#define P_A_H\n",
        }
        found = list(files.guards(sorted(texts), texts.get))
        self.assertEqual([f.split(":")[0] for f in found], ["b.h", "c.h", "d.h", "e/a.h"])

    def test_traces(self):
        s = "/"
        for text, wrong in (
            ("see %swork%smain" % (s, s), 1),
            ('"%swork"' % s, 1),
            ("cd %sroot%ssrc" % (s, s), 1),
            ("HOME=%sroot" % s, 0),
            ("%srootfs%setc" % (s, s), 0),
            ("a%swork" % s, 0),
            ("%sworker" % s, 0),
            ("$TOP%swork%sx" % (s, s), 0),
            ("http:%s%sbuild.internal/x" % (s, s), 1),
            ("qemu+ssh:%s%sother/system" % (s, s), 0),
            ("pip from py" + "pi.org", 1),
            ("as in is" + "sue 2", 1),
            ("is" + "sues that remain", 0),
            ("TO" + "DO", 1),
        ):
            self.assertEqual(len(list(files.traces("x", text))), wrong, text)

    def test_parses(self):
        self.assertEqual(list(files.parses("a.py", "x = 1\n")), [])
        self.assertEqual(len(list(files.parses("a.py", "x = \n"))), 1)


class Layers(unittest.TestCase):
    names = ["common/a.h", "agent/b.h", "agent/measure.h", "console/c.h"]

    def found(self, **texts):
        texts = {k.replace("__", "/") + ".c": v for k, v in texts.items()}
        names = sorted(self.names + list(texts))
        return list(layers.findings(names, lambda n: texts.get(n, "")))

    def test_downwards(self):
        self.assertEqual(self.found(agent__x='#include "a.h"\n#include "b.h"\n'), [])
        self.assertEqual(self.found(console__x='#include "a.h"\n#include "measure.h"\n'), [])

    def test_upwards(self):
        self.assertEqual(len(self.found(common__x='#include "b.h"\n')), 1)
        self.assertEqual(len(self.found(common__x='#include "measure.h"\n')), 1)
        self.assertEqual(len(self.found(agent__x='#include "c.h"\n')), 1)
        self.assertEqual(len(self.found(console__x='#include "b.h"\n')), 1)

    def test_rooms(self):
        def found(folder, header):
            names = ["agent/source.h", "agent/read/r.h", "agent/collect/c.h", "agent/proxmox/p.h"]
            texts = {"agent/%s/x.c" % folder: '#include "%s"\n' % header}
            return len(list(layers.findings(names + list(texts), lambda n: texts.get(n, ""))))

        for folder, header, wrong in (
            ("collect", "c.h", 0),
            ("collect", "r.h", 0),
            ("collect", "source.h", 0),
            ("collect", "p.h", 1),
            ("read", "source.h", 1),
            ("libvirt", "p.h", 1),
            ("proxmox", "c.h", 1),
            ("unheard-of", "r.h", 1),
        ):
            self.assertEqual(found(folder, header), wrong, (folder, header))

    def test_profiles(self):
        def found(name, header):
            names = ["aggregator/hosts.h", "aggregator/output/o.h", "aggregator/profile/p.h",
                     "aggregator/profiler/r.h", "console/options.h", "console/ui/ui.h"]
            texts = {name: '#include "%s"\n' % header}
            return len(list(layers.findings(names + list(texts), lambda n: texts.get(n, ""))))

        for name, header, wrong in (
            ("console/proxprofiler/x.c", "p.h", 0),
            ("console/proxprofiler/x.c", "r.h", 0),
            ("console/proxprofiler/x.c", "options.h", 0),
            ("console/proxprofiler/x.c", "ui.h", 1),
            ("console/proxprofiler/x.c", "hosts.h", 1),
            ("console/proxprofiler/x.c", "o.h", 1),
            ("console/x.c", "p.h", 1),
            ("console/ui/x.c", "r.h", 1),
            ("agent/x.c", "p.h", 1),
        ):
            self.assertEqual(found(name, header), wrong, (name, header))

    def test_libvirt(self):
        line = "#include <libvirt/libvirt.h>\n"
        self.assertEqual(self.found(agent__libvirt__x=line), [])
        self.assertEqual(len(self.found(agent__measure=line)), 1)
        self.assertEqual(len(self.found(console__x=line)), 1)

    def test_odd_includes(self):
        self.assertEqual(len(self.found(agent__x='#include "../common/a.h"\n')), 1)
        self.assertEqual(len(self.found(agent__x="#include <a.h>\n")), 1)

    def test_circles(self):
        texts = {"common/a.h": '#include "d.h"\n', "common/d.h": '#include "a.h"\n'}
        found = list(layers.findings(sorted(texts), texts.get))
        self.assertEqual(len(found), 1)
        self.assertIn("circle", found[0])

    def test_one_name(self):
        names = ["common/a.h", "agent/a.h"]
        self.assertEqual(len(list(layers.findings(names, lambda n: ""))), 1)


class Table(unittest.TestCase):
    rows = (
        'METRIC(A, VM, GAUGE, U_ID, F_CPU, SHOWN, 0, 0, "net_rxBytes", "receive", "T", "s",\n'
        '       "help")\n'
        'METRIC(B, VM, GAUGE, U_ID, F_CPU, HIDDEN, 0, 0, NULL, "cpu_user", "T", "s", "h")\n'
    )

    def found(self, text):
        return list(table.findings(["agent/x.c"], self.rows, lambda n: text))

    def test_names(self):
        self.assertEqual(table.names_of(self.rows), {"net_rxBytes": "A", "cpu_user": "B"})

    def test_written_again(self):
        self.assertEqual(len(self.found('f("cpu_user");')), 1)
        self.assertEqual(len(self.found('f("\\"net_rxBytes\\":");')), 1)
        self.assertEqual(self.found('f("receive", "cpu_users", "xcpu_user");'), [])
        self.assertEqual(self.found('/* "cpu_user" */ cpu_user;'), [])


class Globals(unittest.TestCase):
    def test_sections(self):
        dump = (
            "In archive x.a:\n\n%s:     file format elf64-x86-64\n\nSYMBOL TABLE:\n"
            "0000000000000000 l     O .bss\t0000000000000004 count\n"
            "0000000000000000 g     O .data\t0000000000000008 shared\n"
            "0000000000000000 l     O .tbss\t0000000000000008 mine\n"
            "0000000000000000 l     O .rodata\t0000000000000008 fixed\n"
            "0000000000000000 l     O .data.rel.ro.local\t0000000000000008 names\n"
            "0000000000000000 l    d  .bss\t0000000000000000 .bss\n"
            "0000000000000000 g     F .text\t0000000000000010 function\n"
        )
        self.assertEqual(len(list(global_state.findings(dump % "hub.c.o"))), 3)
        self.assertEqual(list(global_state.findings(dump % "log.c.o")), [])


if __name__ == "__main__":
    unittest.main()
