#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# make.sh BUILD: takes the pictures in this folder anew, of real VMs in the lab, with the
# programs in that build directory (cmake -DTESTS=ON).  Needs root, what
# tests/lab/packages.txt names, and a minute and a half.
set -eu
[ $# = 1 ] && [ -x "$1/bin/proxtop" ] || { echo "usage: make.sh BUILD" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
lab=$here/../../tests/lab
bash "$lab/guest.sh" "$build/tests/lab/guest"
PICTURES=$here exec bash "$lab/lab.sh" "$build/tests/lab/guest" "$build/tests/lab/state" \
	"$build/bin/proxtop" "$build/tests/lab/libpveshim.so" 300 "$lab/pictures.py"
