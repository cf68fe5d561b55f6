#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# inside.sh SECONDS TEST.py: process 1 of the lab's namespaces.  Makes the world (mounts,
# network), runs the test and ends with it.  bash reaps whatever dies here, which libvirt
# needs: it waits for a killed QEMU to be gone.
set -eu -o pipefail
seconds=$1 test=$2
export PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C.UTF-8 HOME=/root
unset LAB_STAGE

# sysfs of our network namespace, cgroups of our cgroup namespace.
cgroups=$(cat /proc/self/cgroup)
! mountpoint -q /sys || umount -l -R /sys
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
pure=$(grep -qv '^0:' <<< "$cgroups" || echo pure)
while IFS=: read -r _ controllers _; do
	dir=/sys/fs/cgroup/${controllers:-unified}
	dir=${dir/name=/}
	[ -z "$pure" ] || dir=/sys/fs/cgroup
	mkdir -p "$dir"
	case $controllers in
	'')
		mount -t cgroup2 cgroup2 "$dir"
		# A cgroup with processes of its own cannot give controllers to its children.
		mkdir -p "$dir/lab"
		echo $$ > "$dir/lab/cgroup.procs"
		;;
	name=*) mount -t cgroup -o "none,$controllers" cgroup "$dir" ;;
	*) mount -t cgroup -o "$controllers" cgroup "$dir" ;;
	esac
done <<< "$cgroups"

# Devices: what QEMU and libvirt need and no more.  Without /dev/kvm, so that the lab is the
# same everywhere (software emulation).
# The old mounts have to go: libvirt moves what /proc/mounts names below /dev.
! mountpoint -q /dev || umount -l -R /dev
mount -t tmpfs -o mode=755 dev /dev
mkdir -p /dev/{net,pts,shm}
while read -r node major minor; do
	mknod -m 666 "/dev/$node" c "$major" "$minor"
done <<X
null 1 3
zero 1 5
full 1 7
random 1 8
urandom 1 9
tty 5 0
net/tun 10 200
X
mount -t devpts -o newinstance,mode=620,ptmxmode=666 devpts /dev/pts
ln -s pts/ptmx /dev/ptmx
ln -s /proc/self/fd /dev/fd
ln -s fd/0 /dev/stdin
ln -s fd/1 /dev/stdout
ln -s fd/2 /dev/stderr
mount -t tmpfs -o mode=1777 shm /dev/shm

# Nothing that is written in these reaches the machine.
mount -t tmpfs -o mode=755 run /run
mkdir -p /run/lab /run/lock
mount -t tmpfs -o mode=755 lab /run/lab
for dir in /etc /var/lib/libvirt /var/cache/libvirt /var/log/libvirt; do
	mkdir -p "$dir" "/run/lab/over$dir" "/run/lab/work$dir"
	mount -t overlay overlay -o "lowerdir=$dir,upperdir=/run/lab/over$dir,workdir=/run/lab/work$dir" "$dir"
done
# What libvirt found out about QEMU takes seconds: kept between tests.
mkdir -p "$LAB_STATE/cache"
mount --bind "$LAB_STATE/cache" /var/cache/libvirt

# Where libvirt's QEMU, which is not root, may read; the disks on a real file system.
images=/var/lib/libvirt/images/lab
rm -rf "$images" "$LAB_STATE/disks"
mkdir -p "$images/disks" "$LAB_STATE/disks"
chmod 755 /var/lib/libvirt/images "$images" "$LAB_STATE/disks"
cp "$LAB_GUEST/vmlinuz" "$LAB_GUEST/initrd.img" "$images/"
mount --bind "$LAB_STATE/disks" "$images/disks"
export LAB_IMAGES=$images

hostname kvmlab
printf '127.0.0.1 localhost\n127.0.1.1 kvmlab\n' > /etc/hosts
: > /etc/resolv.conf
rm -rf /etc/pve /etc/libvirt/qemu/*.xml /etc/libvirt/qemu/networks/autostart/*
cat >> /etc/libvirt/qemu.conf <<X
stdio_handler = "file"
security_driver = "none"
X

echo 1 > /proc/sys/net/ipv6/conf/default/disable_ipv6 2> /dev/null || :
ip link set lo up
ip link add br0 type bridge
ip addr add 10.77.0.1/24 dev br0
ip link set br0 up

# The last CPU is for what is measured, the others for everything else.
cpus=$(/usr/bin/python3 -c 'import os; print(*sorted(os.sched_getaffinity(0)))')
read -r -a list <<< "$cpus"
if [ "${#list[@]}" -lt 2 ]; then
	echo "FAIL lab: needs two CPUs, there is one" >&2
	exit 1
fi
export LAB_CPU=${list[-1]}
unset 'list[-1]'
LAB_REST=$(IFS=,; echo "${list[*]}")
export LAB_REST
taskset -cp "$LAB_REST" $$ > /dev/null

status=0
timeout -k 10 "$seconds" /usr/bin/python3 -B "$test" || status=$?
[ "$status" != 124 ] || echo "FAIL lab: ${test##*/} took longer than $seconds s" >&2
exit "$status"
