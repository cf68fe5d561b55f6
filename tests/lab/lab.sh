#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# lab.sh GUEST_DIR STATE_DIR PROXTOP SHIM SECONDS TEST.py: runs one test in a world of its own.
#
# Own namespaces (mounts, network, names, processes, cgroups), so that the lab neither sees
# nor disturbs the machine, and another lab neither.  However it ends, nothing is left:
# the kernel kills the whole PID namespace with its first process, the mounts go with
# theirs, and the cgroups are removed here.  Without root it fails.
set -eu -o pipefail
[ $# = 6 ] || { echo "usage: lab.sh GUEST_DIR STATE_DIR PROXTOP SHIM SECONDS TEST.py" >&2; exit 2; }
here=$(cd "$(dirname "$0")" && pwd)
fail() { echo "FAIL lab: $*" >&2; exit 1; }
[ "$(id -u)" = 0 ] || fail "needs root (namespaces, taps, cgroups)"

# A private view of the mounts.  In a chroot, / is no mount point: unshare cannot make it
# private, so it has to be so already, or our mounts would be seen outside; and libvirt needs
# one, so we go into a copy of the tree that is.
mkdir -p "$2"
case ${LAB_STAGE:-} in
'')
	export LAB_STAGE=mounts
	! mountpoint -q / || exec unshare -m bash "$here/lab.sh" "$@"
	! grep -q ' shared:' /proc/self/mountinfo ||
		fail "in a chroot with shared mounts: bind-mount the chroot onto itself and make it private first"
	export LAB_STAGE=chroot
	exec unshare -m --propagation unchanged bash "$here/lab.sh" "$@"
	;;
chroot)
	export LAB_STAGE=mounts
	mkdir -p "$2/root"
	mount --rbind / "$2/root"
	exec chroot "$2/root" /bin/bash "$here/lab.sh" "$@"
	;;
esac

guest=$1 state=$2 export_proxtop=$3 shim=$4 seconds=$5 test=$6
for f in "$guest/vmlinuz" "$guest/initrd.img" "$export_proxtop" "$shim" "$test"; do
	[ -r "$f" ] || fail "$f is missing"
done
export LAB_DIR=$here LAB_GUEST=$guest LAB_STATE=$state PROXTOP=$export_proxtop LAB_SHIM=$shim

# One cgroup per hierarchy, named after this process.
hierarchies() { # "mount point<TAB>fs type" of each, once: a chroot elsewhere may show them too
	awk '{ for (i = 7; $i != "-"; i++); type = $(i + 1) }
	     type ~ /^cgroup2?$/ && $5 ~ /^\/sys\/fs\/cgroup/ && !seen[$3]++ { print $5 "\t" type }' \
		/proc/self/mountinfo
}
mount_cgroups() { # a chroot with a bare /sys
	mount -t tmpfs -o mode=755 cgroup /sys/fs/cgroup
	while IFS=: read -r _ controllers _; do
		local dir=/sys/fs/cgroup/${controllers:-unified}
		dir=${dir/name=/}
		mkdir -p "$dir"
		case $controllers in
		'') mount -t cgroup2 cgroup2 "$dir" ;;
		name=*) mount -t cgroup -o "none,$controllers" cgroup "$dir" ;;
		*) mount -t cgroup -o "$controllers" cgroup "$dir" ;;
		esac
	done < /proc/self/cgroup
}
[ -n "$(hierarchies)" ] || mount_cgroups

name=proxtop-lab.$$
remove_cgroups() {
	local dir old
	while IFS=$'\t' read -r dir _; do
		for old in "$dir"/proxtop-lab.*; do
			[ -d "$old" ] || continue
			[ "$old" = "$dir/$name" ] || [ ! -d "/proc/${old##*.}" ] || continue
			find "$old" -depth -type d -exec rmdir {} + 2> /dev/null || :
		done
	done < <(hierarchies)
}
child=
declare -A enabled=() # cgroup v2: what we switched on above our cgroup
finish() {
	[ -z "$child" ] || kill -KILL "$child" 2> /dev/null || :
	[ -z "$child" ] || wait "$child" 2> /dev/null || :
	for _ in 1 2 3 4 5 6 7 8 9 10; do # the killed need a moment to leave
		remove_cgroups
		[ -n "$(while IFS=$'\t' read -r d _; do [ ! -d "$d/$name" ] || echo "$d"; done < <(hierarchies))" ] ||
			break
		sleep 0.1
	done
	for dir in "${!enabled[@]}"; do
		echo "${enabled[$dir]//+/-}" > "$dir/cgroup.subtree_control" 2> /dev/null || :
	done
	rm -rf "$state/disks"
}
trap finish EXIT
trap 'exit 130' INT TERM HUP

remove_cgroups
while IFS=$'\t' read -r dir type; do
	# libvirt takes a cgroup v2 without controllers for one that is not there.
	if [ "$type" = cgroup2 ] && [ -z "$(cat "$dir/cgroup.subtree_control")" ]; then
		wanted=$(sed 's/[^ ]*/+&/g' "$dir/cgroup.controllers")
		if echo "$wanted" 2> /dev/null > "$dir/cgroup.subtree_control"; then
			enabled[$dir]=$wanted
		fi
	fi
	mkdir "$dir/$name" || fail "cannot make a cgroup in $dir"
	for f in cpuset.cpus cpuset.mems; do
		if [ "$type" = cgroup ] && [ -e "$dir/$name/$f" ]; then
			cat "$dir/$f" > "$dir/$name/$f"
		fi
	done
	# What else runs on the machine should not be seen in what is measured: the heaviest weight.
	[ ! -e "$dir/$name/cpu.shares" ] || echo 262144 > "$dir/$name/cpu.shares"
	[ ! -e "$dir/$name/cpu.weight" ] || echo 10000 > "$dir/$name/cpu.weight"
	# So that a real-time task may run in it (CONFIG_RT_GROUP_SCHED).  What the cgroup of the
	# last lab had comes back a little after its end.
	if [ -e "$dir/$name/cpu.rt_runtime_us" ]; then
		for _ in {1..50}; do
			! echo 900000 2> /dev/null > "$dir/$name/cpu.rt_runtime_us" || break
			sleep 0.1
		done
	fi
done < <(hierarchies)

(
	trap - EXIT INT TERM HUP
	while IFS=$'\t' read -r dir type; do
		echo "$BASHPID" > "$dir/$name/cgroup.procs"
	done < <(hierarchies)
	# Dies with this script, and everything in the PID namespace with it.
	exec setpriv --pdeathsig KILL unshare --cgroup --mount --propagation unchanged --net --uts \
		--ipc --pid --fork --kill-child --mount-proc \
		bash "$here/inside.sh" "$seconds" "$test" < /dev/null
) &
child=$!
status=0
wait "$child" || status=$?
child=
exit "$status"
