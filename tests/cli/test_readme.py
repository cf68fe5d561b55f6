# SPDX-License-Identifier: Apache-2.0
"""The reader of recordings that common/record/README.md shows, read by nobody but Python, sees
the same samples as proxtop does."""

import datetime
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile

import cli

README = cli.SOURCE / "common/record/README.md"
MAKE_RECORDING = os.environ.get("MAKE_RECORDING", "build/bin/make_recording")
SECONDS = 420
TABLE_OF = {"vcpus": "vcpu", "disks": "vm_disk", "interfaces": "vm_nic"}   # in json, in frames

sys.path.insert(0, str(cli.SOURCE / "tests/golden/screens"))
import recordings  # noqa: E402
import worlds      # noqa: E402


def nanoseconds(stamp):
    t = datetime.datetime.fromisoformat(stamp.replace("Z", "+00:00"))
    return round(t.timestamp() * 1000) * 10 ** 6


def reader():
    blocks = re.findall(r"^```python\n(.*?)^```$", README.read_text(encoding="utf-8"), re.M | re.S)
    assert len(blocks) == 1, f"{README} has {len(blocks)} Python programs"
    return blocks[0]


class Readme(cli.Cli):
    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="proxtop-readme-")
        self.addCleanup(directory.cleanup)
        self.dir = pathlib.Path(directory.name)
        (self.dir / "reader.py").write_text(reader(), encoding="utf-8")

    def make(self, hosts):
        path = self.dir / "r"
        text = "".join(line + "\n" for line in recordings.lines(hosts, SECONDS))
        subprocess.run([MAKE_RECORDING, path], input=text, text=True, check=True,
                       timeout=cli.TIMEOUT)
        return path

    def read(self, path):
        """By the README's program, with the packages of Debian."""
        done = subprocess.run(
            ["/usr/bin/python3", self.dir / "reader.py", path], timeout=cli.TIMEOUT, text=True,
            env=cli.environment(PYTHONIOENCODING="utf-8"), stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, encoding="utf-8", check=False,
        )
        return done

    def test_same_samples(self):
        """Of hosts and VMs whose names are hard too: as many, in the same order, at the same
        times, with the same tables."""
        path = self.make(worlds.cluster())
        done = self.read(path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        read = []
        for line in done.stdout.splitlines():
            host, seq, wall, tables = re.fullmatch(r"(\S+) (\d+) (\d+) (\[.*\])", line).groups()
            read.append((host, int(seq), int(wall), "'host'" in tables,
                         {t for t in ("vm", *TABLE_OF.values()) if f"'{t}'" in tables}))
        again = self.run_program("-p", "json", "--verbose", f"--replay={path}", host=False)
        printed = []
        for line in again.stdout.splitlines():
            r = json.loads(line)
            below = {t for key, t in TABLE_OF.items() for vm in r["domains"] if vm.get(key)}
            printed.append((r["host_name"], r["seq"], nanoseconds(r["@timestamp"]), "host" in r,
                            below | ({"vm"} if r["domains"] else set())))
        self.assertGreater(len(printed), 150)
        self.assertEqual(sorted(read, key=str), sorted(printed, key=str))

    def test_no_recording(self):
        path = self.dir / "r"
        path.write_bytes(b"proxtop-record\r\n\2" + bytes(100))
        done = self.read(path)
        self.assertEqual((done.returncode, done.stderr), (1, "not a recording of version 1\n"))


if __name__ == "__main__":
    cli.main()
