#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# guest.sh OUT: makes OUT/vmlinuz and OUT/initrd.img, the smallest guest that can burn
# CPU, write a disk and send over a network when it is told to (guest/init).
#
# The kernel is Debian's cloud kernel, downloaded with apt and unpacked, never
# installed.  What is there and current is kept.
set -eu -o pipefail
[ $# = 1 ] || { echo "usage: guest.sh OUT" >&2; exit 2; }
out=$1
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$out"
out=$(cd "$out" && pwd)

# The order matters: a module comes after those it needs.
modules="
  drivers/virtio/virtio_ring drivers/virtio/virtio
  drivers/virtio/virtio_pci_modern_dev drivers/virtio/virtio_pci_legacy_dev
  drivers/virtio/virtio_pci
  net/core/failover drivers/net/net_failover drivers/net/virtio_net
  drivers/block/virtio_blk
  drivers/scsi/scsi_common drivers/scsi/scsi_mod drivers/scsi/sd_mod drivers/scsi/virtio_scsi
  drivers/virtio/virtio_balloon"

stamp=$(cat "$here/guest.sh" "$here/guest/init" /bin/busybox | sha256sum)
if [ -s "$out/vmlinuz" ] && [ "$(cat "$out/stamp" 2>/dev/null)" = "$stamp" ]; then
	echo "guest: $out is current"
	exit 0
fi

kernel_package() {
	{ apt-cache depends linux-image-cloud-amd64 2> /dev/null || :; } |
		sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p' | head -n 1
}

work=$(mktemp -d "$out/work.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ ! -d "$out/kernel/lib/modules" ]; then
	package=$(kernel_package)
	if [ -z "$package" ]; then
		apt-get update -q
		package=$(kernel_package)
	fi
	[ -n "$package" ] || { echo "guest: apt knows no linux-image-cloud-amd64" >&2; exit 1; }
	(cd "$work" && apt-get download -q "$package")
	dpkg-deb -x "$work"/linux-image-*.deb "$work/kernel"
	rm -rf "$out/kernel"
	mv "$work/kernel" "$out/kernel"
fi

root=$work/root
mkdir -p "$root"/{bin,proc,sys,dev,mods,tmp}
cp /bin/busybox "$root/bin/"
install -m 755 "$here/guest/init" "$root/init"
source=$(echo "$out"/kernel/lib/modules/*/kernel)
for m in $modules; do
	name=${m##*/}
	if [ -e "$source/$m.ko.xz" ]; then
		xz -dc "$source/$m.ko.xz" > "$root/mods/$name.ko"
	else
		cp "$source/$m.ko" "$root/mods/"
	fi
	echo "$name" >> "$root/mods/order"
done
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) > "$work/initrd.img"
cp "$out"/kernel/boot/vmlinuz-* "$work/vmlinuz"
mv "$work/vmlinuz" "$work/initrd.img" "$out/"
echo "$stamp" > "$out/stamp"
echo "guest: made $out ($(cd "$out"/kernel/lib/modules && echo *))"
