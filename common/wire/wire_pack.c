/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_pack.h"

#include <string.h>

static int write_to_buf(void *arg, const char *p, size_t n)
{
	struct buf *to = arg;

	buf_put(to, p, n);
	return to->error;
}

void wire_pack_init(msgpack_packer *pk, struct buf *to)
{
	msgpack_packer_init(pk, to, write_to_buf);
}

void wire_pack_str(msgpack_packer *pk, const char *s)
{
	size_t n = strlen(s);

	msgpack_pack_str(pk, n);
	msgpack_pack_str_body(pk, s, n);
}

void wire_pack_bin(msgpack_packer *pk, const void *p, size_t n)
{
	msgpack_pack_bin(pk, n);
	msgpack_pack_bin_body(pk, p, n);
}

void wire_pack_versioned(msgpack_packer *pk, uint64_t version, size_t n)
{
	msgpack_pack_map(pk, n);
	wire_pack_u64(pk, "v", version);
}

void wire_pack_u64(msgpack_packer *pk, const char *key, uint64_t v)
{
	wire_pack_str(pk, key);
	msgpack_pack_uint64(pk, v);
}

void wire_pack_i64(msgpack_packer *pk, const char *key, int64_t v)
{
	wire_pack_str(pk, key);
	msgpack_pack_int64(pk, v);
}

void wire_pack_bool(msgpack_packer *pk, const char *key, bool v)
{
	wire_pack_str(pk, key);
	if (v)
		msgpack_pack_true(pk);
	else
		msgpack_pack_false(pk);
}

void wire_pack_text(msgpack_packer *pk, const char *key, const char *v)
{
	wire_pack_str(pk, key);
	wire_pack_str(pk, v);
}
