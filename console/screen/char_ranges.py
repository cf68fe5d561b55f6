#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Makes char_ranges.def from what Python knows of Unicode: char_ranges.py > char_ranges.def"""

import unicodedata


def kind(c):
    """W wide, Z takes no column, C not to be shown, None an ordinary one, ? not assigned."""
    category = unicodedata.category(chr(c))
    if 0xFDD0 <= c <= 0xFDEF or c & 0xFFFE == 0xFFFE or category in ("Cc", "Cf", "Cs", "Zl", "Zp"):
        return "C"
    if category in ("Mn", "Me") or 0x1160 <= c <= 0x11FF or 0xD7B0 <= c <= 0xD7FF:
        return "Z"
    if category == "Cn":
        return "?"
    return "W" if unicodedata.east_asian_width(chr(c)) in "WF" else None


def ranges():
    """What is not assigned may fall to either side, so that there are few of them."""
    last = [None, 0, 0]
    for c in range(0x80, 0x110000):
        k = kind(c)
        if k == "?":
            continue
        if k != last[0]:
            if last[0]:
                yield last
            last = [k, c, c]
        last[-1] = c
    if last[0]:
        yield last


print("/* SPDX-License-Identifier: Apache-2.0 */")
print("/* Made by char_ranges.py from Unicode %s: do not edit. */" % unicodedata.unidata_version)
print("/* clang-format off */")
for k, first, end in ranges():
    print("RANGE(0x%05x, 0x%05x, %s)" % (first, end, {"W": "WIDE", "Z": "NO_WIDTH", "C": "NO_CHAR"}[k]))
