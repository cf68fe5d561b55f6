#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Builds all programs for arm64 on this machine, in a fresh root with Debian's cross compiler.
set -e
SOURCE=$(cd "$(dirname "$0")/../.." && pwd)
ROOT=$(mktemp -d /tmp/proxtop-arm64.XXXXXX)
trap 'rm -rf --one-file-system "$ROOT"' EXIT
[ "$(id -u)" = 0 ] || {
	echo "arm64.sh: root is needed, for a root of its own" >&2
	exit 1
}

mmdebstrap --quiet --variant=minbase --architectures=amd64,arm64 \
	--include=gcc-aarch64-linux-gnu,libc6-dev-arm64-cross,cmake,ninja-build,pkg-config bookworm "$ROOT/r"
cp /etc/resolv.conf "$ROOT/r/etc/"
mkdir "$ROOT/r/src"
tar -c -C "$SOURCE" --exclude='./build*' --exclude=./.git . | tar -x -C "$ROOT/r/src"
cat >"$ROOT/r/go" <<'GO'
set -e
. /src/common/debian.sh
wanted=
for p in $BUILD_PACKAGES; do
	case $p in lib*) [ "$p" = libc6-dev ] || wanted="$wanted $p:arm64" ;; esac
done
apt-get -qq update
# Scripts of arm64 packages cannot run here: what they cannot do is said, and of no use for a build.
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $wanted >/dev/null 2>/apt.log ||
	{ cat /apt.log; exit 1; }
L=/usr/lib/aarch64-linux-gnu
PKG_CONFIG_LIBDIR=$L/pkgconfig:/usr/share/pkgconfig cmake -S /src -B /b -G Ninja -DTESTS=OFF \
	-DCMAKE_BUILD_TYPE=Release -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
	-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_LIBRARY_ARCHITECTURE=aarch64-linux-gnu >/dev/null
ninja -C /b >/build.log 2>&1 || { tail -40 /build.log; exit 1; }
for program in proxtop proxprofiler proxtop-agent proxtop-aggregator; do
	aarch64-linux-gnu-readelf -h /b/bin/$program | grep -q 'Machine:.*AArch64' || {
		echo "$program is not for arm64" >&2
		exit 1
	}
done
GO
unshare -m sh -ec "mount -t proc proc '$ROOT/r/proc'; exec chroot '$ROOT/r' sh /go"
echo "four programs for arm64"
