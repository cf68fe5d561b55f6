# SPDX-License-Identifier: Apache-2.0
"""The console's views, from the program's own reference."""
import re
import subprocess


def of(program):
    """Name ("physical-net") to key, in the order of the reference."""
    text = subprocess.run([program, "--list-keys=markdown"], stdout=subprocess.PIPE, text=True,
                          check=True, timeout=60).stdout
    rows = re.search(r"^### Views\n(.*?)^### ", text, re.M | re.S)[1]
    found = re.findall(r"^\| `(.)`.*? \| ([A-Z ]+) \|", rows, re.M)
    assert found and len(found) == len(re.findall(r"^\| `", rows, re.M)), rows
    return {name.lower().replace(" ", "-"): key for key, name in found}
