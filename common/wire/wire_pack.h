/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_WIRE_PACK_H
#define PROXTOP_WIRE_PACK_H

/*
 * msgpack-c's packer writing into a buf, and the few forms that all our messages share.
 * Errors stick in the buf.
 */
#include "buf.h"

#include <msgpack.h>
#include <stdbool.h>

void wire_pack_init(msgpack_packer *pk, struct buf *to);

void wire_pack_str(msgpack_packer *pk, const char *s);
void wire_pack_bin(msgpack_packer *pk, const void *p, size_t n);

/* Enters a map of n members, the version the first of them. */
void wire_pack_versioned(msgpack_packer *pk, uint64_t version, size_t n);

/* One member of a map. */
void wire_pack_u64(msgpack_packer *pk, const char *key, uint64_t v);
void wire_pack_i64(msgpack_packer *pk, const char *key, int64_t v);
void wire_pack_bool(msgpack_packer *pk, const char *key, bool v);
void wire_pack_text(msgpack_packer *pk, const char *key, const char *v);

#endif
