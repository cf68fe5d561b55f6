# SPDX-License-Identifier: Apache-2.0
"""What an expected value can be."""
import re

NAME_MAX = 255  # bytes of a text in a sample


class Text(bytes):
    """A text as the host has it: any bytes, at most NAME_MAX of them, not cut in the
    middle of a character."""

    def __new__(cls, value):
        if isinstance(value, str):
            value = value.encode("utf-8", "surrogateescape")
        if len(value) > NAME_MAX:
            value = value[:NAME_MAX + 1]
            end = NAME_MAX
            while end > NAME_MAX - 4 and value[end] & 0xC0 == 0x80:
                end -= 1
            value = value[:end]
        return super().__new__(cls, value)

    def __str__(self):
        """In JSON: each byte that is no UTF-8 is U+FFFD."""
        text = self.decode("utf-8", "surrogateescape")
        return re.sub("[\udc80-\udcff]", "\ufffd", text)

    def label(self):
        """In OpenMetrics, which has no escape for control characters (C0, DEL, C1)."""
        return re.sub("[\0-\x09\x0b-\x1f\x7f-\x9f]", "?", str(self))


class Rounded:
    """A number as it is printed: equal within half a unit of its last decimal."""

    def __init__(self, value, decimals=0, half_unit=None):
        self.value = value
        self.half_unit = 0.5 * 10**-decimals if half_unit is None else half_unit


class Pattern:
    """A text of which only the form is known."""

    def __init__(self, pattern):
        self.pattern = pattern

    def match(self, text):
        return re.fullmatch(self.pattern, text) is not None


class OneOf:
    """A value that may be a few seconds old."""

    def __init__(self, values):
        self.values = values


class About:
    """A raw value that is known within some slack."""

    def __init__(self, value, slack):
        self.value, self.slack = value, slack


class Row:
    """One thing: raw values, and in the printed order what is below it."""

    def __init__(self, key, **values):
        self.key = key
        self.v = values
        self.counted = True
        self.own = {}       # metric -> (value before, seconds between): OWN_TIME counters
        self.below = {}     # scope -> rows

    def get(self, metric):
        return self.v.get(metric)
