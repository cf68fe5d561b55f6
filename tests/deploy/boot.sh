#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# boot.sh ROOT: becomes systemd, as pid 1 of the Debian in ROOT.  For a process that has namespaces
# of its own (mount, pid, uts, ipc, net, cgroup) and sits in a cgroup of its own.
set -e
mount --make-rprivate /
mount --bind "$1" "$1"
cd "$1"
mount -t proc proc proc
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do
	: >dev/$node
	mount --bind /dev/$node dev/$node
done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
: >dev/console # what systemd says
mount -t tmpfs -o mode=755 tmpfs run
mount -t tmpfs tmpfs tmp
hostname debian-test
ip link set lo up
mount --make-rshared . # as systemd would have it on a machine of its own
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . /lib/systemd/systemd --system \
	--log-target=console --unit=basic.target
