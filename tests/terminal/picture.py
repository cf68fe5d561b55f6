# SPDX-License-Identifier: Apache-2.0
"""A captured screen (tmux capture-pane -e) as a PNG.

Needs python3-pil and fonts-dejavu-core."""
import re
import unicodedata

from PIL import Image, ImageDraw, ImageFont

FONTS = "/usr/share/fonts/truetype/dejavu/DejaVuSansMono%s.ttf"
SIZE = 15
PAD = 8
BACK, FORE = (24, 26, 30), (208, 210, 214)
SIXTEEN = [(24, 26, 30), (224, 90, 90), (120, 190, 100), (220, 180, 80), (96, 150, 230),
           (190, 130, 210), (90, 190, 200), (208, 210, 214),
           (110, 114, 122), (255, 120, 120), (150, 220, 130), (250, 215, 110), (130, 180, 255),
           (220, 160, 240), (120, 220, 230), (255, 255, 255)]
LEVELS = (0, 95, 135, 175, 215, 255)


def indexed(n):
    """One of the 256 colours."""
    if n < 16:
        return SIXTEEN[n]
    if n < 232:
        n -= 16
        return LEVELS[n // 36], LEVELS[n // 6 % 6], LEVELS[n % 6]
    return (8 + 10 * (n - 232),) * 3


class Look:
    """What the sequences so far have chosen."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.fore = self.back = None
        self.bold = self.dim = self.underline = self.reverse = False

    def take(self, parameters):
        p = [int(x or 0) for x in parameters.split(";")]
        while p:
            n = p.pop(0)
            if n in (38, 48):
                if p.pop(0) == 5:
                    colour = indexed(p.pop(0))
                else:
                    colour, p = tuple(p[:3]), p[3:]
                if n == 38:
                    self.fore = colour
                else:
                    self.back = colour
            else:
                self._simple(n)

    def _simple(self, n):
        if n == 0:
            self.reset()
        elif n in (1, 2, 4, 7):
            setattr(self, {1: "bold", 2: "dim", 4: "underline", 7: "reverse"}[n], True)
        elif n == 22:
            self.bold = self.dim = False
        elif n in (24, 27):
            setattr(self, {24: "underline", 27: "reverse"}[n], False)
        elif 30 <= n <= 37 or 90 <= n <= 97:
            self.fore = SIXTEEN[n - 30 if n < 90 else n - 82]
        elif 40 <= n <= 47 or 100 <= n <= 107:
            self.back = SIXTEEN[n - 40 if n < 100 else n - 92]
        elif n == 39:
            self.fore = None
        elif n == 49:
            self.back = None

    def colours(self):
        fore, back = self.fore or FORE, self.back or BACK
        if self.reverse:
            fore, back = back, fore
        if self.dim:
            fore = tuple((2 * f + b) // 3 for f, b in zip(fore, back))
        return fore, back


def cells(line, look):
    """(character, columns, colours, bold, underline) of one line."""
    for m in re.finditer(r"\x1b\[([\d;]*)m|\x1b.|([^\x1b])", line):
        if m[1] is not None:
            look.take(m[1])
        elif m[2] and not unicodedata.combining(m[2]):
            wide = unicodedata.east_asian_width(m[2]) in "WF"
            yield m[2], 2 if wide else 1, look.colours(), look.bold, look.underline


def write(ansi, path, size):
    """size: columns and rows of the terminal."""
    plain, bold = (ImageFont.truetype(FONTS % name, SIZE) for name in ("", "-Bold"))
    width, height = round(plain.getlength("M")), sum(plain.getmetrics())
    image = Image.new("RGB", (size[0] * width + 2 * PAD, size[1] * height + 2 * PAD), BACK)
    draw = ImageDraw.Draw(image)
    look = Look()
    for row, line in enumerate(ansi.split("\n")[:size[1]]):
        x, y = PAD, PAD + row * height
        for text, columns, (fore, back), is_bold, underline in cells(line, look):
            end = x + columns * width
            if back != BACK:
                draw.rectangle((x, y, end - 1, y + height - 1), fill=back)
            draw.text((x, y), text, font=bold if is_bold else plain, fill=fore)
            if underline:
                draw.line((x, y + height - 2, end - 1, y + height - 2), fill=fore)
            x = end
    # Few colours, and none of them another than it was.
    image.quantize(256, method=Image.Quantize.MAXCOVERAGE, dither=0).save(path, optimize=True)
