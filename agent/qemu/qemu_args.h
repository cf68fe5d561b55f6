/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_QEMU_ARGS_H
#define PROXTOP_QEMU_ARGS_H

/*
 * The value of one QEMU option as key=value pairs.
 *
 * QEMU takes two forms: `socket,id=qmp,path=/a,,b,server=on` (a doubled comma is a
 * comma; the first part may leave out its key; a bare word is word=on) and, for some
 * options, a JSON object.  JSON is flattened: {"file":{"filename":"x"}} becomes
 * file.filename=x, as QEMU's own dotted form spells it.
 *
 * At most QEMU_PAIRS_MAX pairs are kept, of JSON QEMU_JSON_DEPTH levels.
 */
#include <stdbool.h>

#define QEMU_PAIRS_MAX  128u
#define QEMU_JSON_DEPTH 8u

struct qemu_args {
	unsigned n;
	char *key[QEMU_PAIRS_MAX], *value[QEMU_PAIRS_MAX];
	char *text; /* where key and value point into; NULL: each is its own allocation */
};

/* implied: key of the first part when it has none, NULL if the option has no such key.
 * json: does the option take a JSON object?  Text that is no valid JSON gives no pairs. */
void qemu_args_parse(struct qemu_args *a, const char *text, const char *implied, bool json);
void qemu_args_fini(struct qemu_args *a);

/* The last one of that name, as QEMU does; NULL when there is none. */
const char *qemu_args_get(const struct qemu_args *a, const char *key);
bool qemu_args_is(const struct qemu_args *a, const char *key, const char *value);

#endif
