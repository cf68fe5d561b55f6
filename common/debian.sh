# SPDX-License-Identifier: Apache-2.0
# Sourced by console/run and tests/run: what a bare Debian 12 or 13 needs, and the build.

# Debian 12 and 13 name it differently.
msgpack_package() {
	if grep -q '^VERSION_ID="12"' /etc/os-release 2>/dev/null; then
		echo libmsgpack-dev
	else
		echo libmsgpack-c-dev
	fi
}

# To build.
BUILD_PACKAGES="gcc libc6-dev cmake ninja-build pkg-config libvirt-dev libjansson-dev libxml2-dev \
	libnng-dev $(msgpack_package) libsodium-dev libmicrohttpd-dev libcurl4-openssl-dev libzstd-dev libncurses-dev"

as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		echo "$0: root is needed to install packages (no sudo here): $*" >&2
		exit 1
	fi
}

# install_packages NAME...: those that are missing; nothing is asked of apt when none is.
install_packages() {
	missing=
	for package in "$@"; do
		case $(dpkg-query -W -f '${Status}' "$package" 2>/dev/null) in
		"install ok installed") ;;
		*) missing="$missing $package" ;;
		esac
	done
	[ -z "$missing" ] && return 0
	echo "installing:$missing" >&2
	as_root apt-get -qq update &&
		as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq install -y \
			--no-install-recommends $missing >/dev/null
}

# build DIR [cmake option...]: quiet while all is well
build() {
	dir=$1
	log=$dir/build.log # in there: the checkout itself stays as it was
	shift
	mkdir -p "$dir" &&
		cmake -S "$TOP" -B "$dir" -G Ninja "$@" >"$log" 2>&1 &&
		cmake --build "$dir" >>"$log" 2>&1 && return 0
	tail -n 60 "$log" >&2
	echo "building $dir failed; all of it is in $log" >&2
	return 1
}
