# SPDX-License-Identifier: Apache-2.0
"""The screens that are kept: of which recording, how large, after which keys."""
import collections

import worlds

Screen = collections.namedtuple("Screen", "name world size keys options ascii at")


def screen(world, name, size, keys, options=(), ascii=False, at=worlds.SECONDS):
    """at: the second of the recording that it is of; None: of none."""
    return Screen("%s-%s-%s" % (world, name, size), world, size, keys, tuple(options), ascii, at)


def views(keys):
    for name, key in keys.items():
        yield screen("one", name, "80x24", key)
        yield screen("cluster", name, "120x40", key)
    for name in ("all", "hosts", "vm-disks"):
        for size in ("60x15", "80x24", "200x50"):
            yield screen("cluster", name, size, keys[name])
    for name in ("all", "disk"):
        yield screen("one", name, "400x100", keys[name])
        yield screen("one", name, "60x15", keys[name])
    yield screen("cluster", "all", "400x100", "a")
    yield screen("cluster", "hosts", "400x100", "o")
    yield screen("one", "mem", "200x50", "m")
    yield screen("one", "units", "120x40", "u")
    yield screen("one", "units-mem", "80x24", "mu")
    yield screen("one", "too-small", "50x10", "a", at=None)
    yield screen("empty", "all", "80x24", "a", at=None)


def overlays():
    yield screen("one", "help", "60x15", "?")
    yield screen("one", "help", "80x24", "?")
    yield screen("cluster", "help-disk", "120x40", "d?{PageDown}")
    yield screen("cluster", "help-hosts-end", "200x50", "o?{End}")
    yield screen("one", "fields", "80x24", "cf")
    yield screen("one", "fields-end", "60x15", "f{End}")
    yield screen("one", "fields-chosen", "120x40", "mfj {Down} {Esc}")
    yield screen("one", "filter-typing", "80x24", "/st")
    yield screen("one", "filter-wrong", "80x24", "/foo>5 st")
    yield screen("cluster", "filter-nothing", "80x24", "/nothing")
    yield screen("cluster", "filter", "120x40", "/host:hv2 !wiki{Enter}")
    yield screen("cluster", "filter-steal", "80x24", "c/steal>=4{Enter}")
    yield screen("cluster", "filter-wide", "80x24", "/本番{Enter}")
    yield screen("cluster", "next-match", "80x24", "/prod{Enter}{Esc};")
    yield screen("one", "time-prompt", "80x24", "b")
    yield screen("one", "time-wrong", "80x24", "bxyz{Enter}")
    yield screen("one", "option-vm", "80x24", "a", ["--vm=s*,101"])


def details():
    yield screen("one", "vm-waiting", "120x40", "/shop{Enter}{Enter}")
    yield screen("one", "vm-waiting", "60x15", "/shop{Enter}{Enter}")
    yield screen("one", "vm-slow-disk", "200x50", "/ledger{Enter}{Enter}")
    yield screen("one", "vm-slow-disk-end", "80x24", "/ledger{Enter}{Enter}{End}")
    yield screen("one", "vm-unknown", "80x24", "/4711{Enter}{Enter}")
    yield screen("one", "vm-fresh", "80x24", "/fresh{Enter}{Enter}")
    yield screen("one", "vm-controls", "80x24", "/evil{Enter}{Enter}")
    yield screen("cluster", "vm-silent", "120x40", "/gone-1{Enter}{Enter}")
    yield screen("cluster", "vm-large", "400x100", "/warehouse{Enter}{Enter}")
    yield screen("one", "vm-back", "80x24", "/shop{Enter}{Enter}{Esc}{Esc}")
    yield screen("cluster", "host", "80x24", "ojy")
    yield screen("cluster", "host", "120x40", "ojy")
    yield screen("cluster", "host", "400x100", "ojy")
    yield screen("cluster", "host-silent", "120x40", "oy")
    yield screen("cluster", "host-vms", "120x40", "oj{Enter}")
    yield screen("cluster", "host-vdisks", "80x24", "oj{Enter}2")
    yield screen("one", "device", "120x40", "s{Enter}")
    yield screen("one", "host", "80x24", "y")


def tables():
    yield screen("cluster", "tree", "120x40", "v")
    yield screen("cluster", "tree-end", "80x24", "v{End}")
    yield screen("cluster", "tree-filter", "80x24", "v/!hv1{Enter}")
    yield screen("one", "tree", "80x24", "v")
    yield screen("one", "sorted-name", "80x24", "c<<<<")
    yield screen("one", "sorted-up", "80x24", "c<r")
    yield screen("one", "click", "120x40", "{click 60,6}")
    yield screen("one", "scrolled", "80x24", "d{Right}{Right}{Right}")
    yield screen("cluster", "scrolled-end", "120x40", "a" + "{Right}" * 60)
    yield screen("cluster", "scrolled-vdisks", "80x24", "2{Right}{Right}{Right}{Right}{Right}")
    yield screen("one", "marked", "80x24", "{Tab}jj{Tab}j")
    yield screen("one", "only-marked", "80x24", "{Tab}jj{Tab},")
    yield screen("cluster", "end", "80x24", "{End}")
    yield screen("cluster", "page", "60x15", "{PageDown}")
    yield screen("cluster", "resized", "120x40", "{End}{resize 60x15}{resize 120x40}")


def times():
    yield screen("one", "past", "80x24", "b14:33:10{Enter}", at=190)
    yield screen("one", "past-before", "120x40", "TT", at=400)
    yield screen("one", "past-minutes", "80x24", "[[", at=300)
    yield screen("one", "past-start", "80x24", "b14:00{Enter}", at=0)
    yield screen("one", "past-and-back", "80x24", "[[e")
    yield screen("cluster", "past", "120x40", "b14:33:10{Enter}", at=190)
    yield screen("cluster", "past-moved", "200x50", "b14:33:10{Enter}tt", at=210)
    yield screen("cluster", "past-vm", "120x40", "b-3m{Enter}/shop{Enter}{Enter}", at=240)
    yield screen("one", "frozen", "80x24", "z")
    yield screen("one", "diff", "80x24", '"')
    yield screen("cluster", "diff", "120x40", '"')
    yield screen("cluster", "diff", "200x50", '"')
    yield screen("cluster", "diff-kept", "120x40", "b14:31{Enter}'e\"")
    yield screen("cluster", "diff-vm", "120x40", '"jjj{Enter}')


def plain():
    """Where the terminal has no UTF-8."""
    yield screen("one", "plain", "80x24", "a", ascii=True)
    yield screen("cluster", "plain-hosts", "120x40", "o", ascii=True)
    yield screen("one", "plain-help", "80x24", "?", ascii=True)
    yield screen("one", "plain-vm", "80x24", "/shop{Enter}{Enter}", ascii=True)


def all_screens(keys):
    """keys: of the views, by their names."""
    yield from views(keys)
    for some in (overlays, details, tables, times, plain):
        yield from some()
