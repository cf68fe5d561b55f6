# SPDX-License-Identifier: Apache-2.0
"""Not a test: the pictures of console/pictures, of the same scene that test_console.py has.
Runs inside the lab as tests do; console/pictures/make.sh calls it."""
import os
import time

import lab
from console_scene import Scene

import picture  # console_scene.py has shown where

TO = os.environ["PICTURES"]
SIZE = (120, 18)

t = lab.Test("pictures")


def take(console, name, keys, size=SIZE, wait=r"^ proxtop \|"):
    console.resize(*size)
    console.keys(keys, 0.2)
    time.sleep(2.5)
    console.wait(wait)
    path = os.path.join(TO, name + ".png")
    picture.write(console.ansi(), path, size)
    t.check(os.path.getsize(path) > 5000, f"{path}: {os.path.getsize(path)} bytes")
    t.note(console.text())


scene = Scene()
scene.measure()
with scene.console(size=SIZE) as console:
    console.wait("shop-db", 30)
    time.sleep(20)
    console.keys("'")
    time.sleep(1)
    scene.reports_burns()
    time.sleep(15)
    take(console, "cluster", "{Home}")
    take(console, "cpu", "c")
    take(console, "vm", "a{Home}{Enter}", (120, 40), "^ VM shop-db")
    take(console, "changed", "{Esc}\"", (120, 24), "WHAT CHANGED")
    take(console, "help", "{Esc}c?{PageDown}{PageDown}", (120, 40), "Columns of this view")
    scene.tell(["kvm3"], "silence")
    time.sleep(8)
    take(console, "hosts", "{Esc}o", (120, 15))
scene.end()
t.done()
