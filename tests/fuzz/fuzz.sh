#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh BUILD TARGET SECONDS: runs one target, from the seeds and from what earlier runs found
# (BUILD/corpus/TARGET, kept).  FUZZ_SECONDS overrides SECONDS.  What makes it fail lies in
# BUILD/failed/TARGET-* and is run again by giving it to the target as its only argument.
set -e
BUILD=$1
TARGET=$2
SECONDS_TO_RUN=${FUZZ_SECONDS:-$3}
HERE=$(cd "$(dirname "$0")" && pwd)
PROGRAM=$(find "$BUILD" -type f -name "fuzz_$TARGET" -perm -u+x | head -n 1)
CORPUS=$BUILD/corpus/$TARGET

if [ -z "$PROGRAM" ]; then
	echo "fuzz_$TARGET is not in $BUILD: run the test fuzz/build first" >&2
	exit 1
fi
mkdir -p "$CORPUS" "$BUILD/failed"
case $TARGET in
frame) set -- "$HERE/../unit/wire" ;;
message) set -- "$HERE/../unit/wire" ;;
*) set -- "$HERE/seeds/$TARGET" ;;
esac
if [ -f "$HERE/$TARGET.dict" ]; then
	set -- "$@" "-dict=$HERE/$TARGET.dict"
fi
# One allocation of 64 MiB would be an amount that nobody has sent.
LOG=$BUILD/failed/$TARGET.log
if ! "$PROGRAM" "$CORPUS" "$@" -max_total_time="$SECONDS_TO_RUN" -timeout=10 -max_len=16384 \
	-rss_limit_mb=1500 -malloc_limit_mb=64 -artifact_prefix="$BUILD/failed/$TARGET-" \
	-print_final_stats=1 >"$LOG" 2>&1; then
	cat "$LOG"
	exit 1
fi
RUNS=$(sed -n 's/^stat::number_of_executed_units: *//p' "$LOG")
echo "fuzz_$TARGET: $RUNS inputs in $SECONDS_TO_RUN s, nothing found"
# So few are no run: something is broken.
[ "${RUNS:-0}" -ge $((SECONDS_TO_RUN * 50)) ]
