#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# reference.sh PROGRAM FORMAT FILE: what the program says of its options (--list-options=FORMAT)
# into a file, compressed when its name ends so.
set -e
program=$1 format=$2 file=$3
mkdir -p "$(dirname "$file")"
trap 'rm -f "$file.new"' EXIT
"$program" "--list-options=$format" >"$file.new"
case $file in
*.gz)
	# The day it is of: that of the source, so that one source gives one page.
	day=$(date -u -d "@${SOURCE_DATE_EPOCH:-$(git -c safe.directory='*' -C "$(dirname "$0")" \
		log -1 --format=%ct 2>/dev/null || date +%s)}" +%Y-%m-%d)
	sed "s/^\\(\\.TH [^ ]* [0-9]\\) \"\"/\\1 \"$day\"/" "$file.new" | gzip -9n >"$file.gz.new"
	mv "$file.gz.new" "$file"
	;;
*) mv "$file.new" "$file" ;;
esac
