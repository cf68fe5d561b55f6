/* SPDX-License-Identifier: Apache-2.0 */
#include "wire_column.h"

#include <endian.h>
#include <string.h>

#define CHUNK 512u /* bytes that are given to the packer at once */

/* Bytes of v as a msgpack integer. */
static unsigned int_size(uint64_t v, bool negative)
{
	int64_t i = (int64_t)v;

	if (negative)
		return i >= -32         ? 1
		       : i >= INT8_MIN  ? 2
		       : i >= INT16_MIN ? 3
		       : i >= INT32_MIN ? 5
					: 9;
	return v < 0x80 ? 1 : v <= UINT8_MAX ? 2 : v <= UINT16_MAX ? 3 : v <= UINT32_MAX ? 5 : 9;
}

static void pack_entry(msgpack_packer *pk, uint64_t v, bool differences)
{
	if (v == ABSENT)
		msgpack_pack_nil(pk);
	else if (differences)
		msgpack_pack_int64(pk, (int64_t)v);
	else
		msgpack_pack_uint64(pk, v);
}

/* The least width in which all values differ from the one that means absent. */
static unsigned width_of(uint64_t max)
{
	unsigned w = 1;

	while (w < 8 && max >= (UINT64_C(1) << 8 * w) - 1)
		w++;
	return w;
}

static void pack_packed(msgpack_packer *pk, const uint64_t *v, uint32_t n, unsigned width)
{
	char bytes[CHUNK + 8] = {(char)width};
	size_t used = 1;

	msgpack_pack_bin(pk, 1 + (size_t)n * width);
	for (uint32_t r = 0; r < n; r++) {
		uint64_t le = htole64(v[r]);

		memcpy(bytes + used, &le, 8); /* what is too much is overwritten */
		used += width;
		if (used < CHUNK)
			continue;
		msgpack_pack_bin_body(pk, bytes, used);
		used = 0;
	}
	msgpack_pack_bin_body(pk, bytes, used);
}

void column_pack(msgpack_packer *pk, const uint64_t *v, uint32_t n, bool differences)
{
	uint64_t max = 0, list = 0, packed;
	bool same = true;

	for (uint32_t r = 0; r < n; r++) {
		same = same && v[r] == v[0];
		if (v[r] != ABSENT && v[r] > max)
			max = v[r];
		list += v[r] == ABSENT ? 1 : int_size(v[r], differences && v[r] >> 63);
	}
	if (same) {
		pack_entry(pk, v[0], differences);
		return;
	}
	packed = 1 + (uint64_t)n * width_of(max);
	if (list >= packed - packed / 4) {
		pack_packed(pk, v, n, width_of(max));
		return;
	}
	msgpack_pack_array(pk, n);
	for (uint32_t r = 0; r < n; r++)
		pack_entry(pk, v[r], differences);
}

static void pack_text(msgpack_packer *pk, const char *text)
{
	if (text)
		wire_pack_str(pk, text);
	else
		msgpack_pack_nil(pk);
}

void column_pack_text(msgpack_packer *pk, const struct sample *s, enum scope scope,
		      enum metric_id m)
{
	uint32_t n = s->table[scope].rows, r;
	const char *first = sample_text(s, scope, 0, m);

	for (r = 1; r < n; r++) {
		const char *text = sample_text(s, scope, r, m);

		if (!first != !text || (text && strcmp(text, first)))
			break;
	}
	if (r == n) {
		pack_text(pk, first);
		return;
	}
	msgpack_pack_array(pk, n);
	for (r = 0; r < n; r++)
		pack_text(pk, sample_text(s, scope, r, m));
}
