#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# build.sh SOURCE BUILD: the fuzz targets, and all they use, with clang's instrumentation.
set -e
cmake -S "$1" -B "$2" -DCMAKE_C_COMPILER=clang -DTESTS=ON \
	-DSANITIZE=fuzzer-no-link,address,undefined
exec cmake --build "$2" --target fuzzers
