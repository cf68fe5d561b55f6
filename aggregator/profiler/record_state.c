/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record as bytes, little-endian:
 *
 *   u32 bytes of what follows; u8 n, UUID; u8 n, name; u64 boot_ns, wall_ns, interval_ns of the
 *   last sample; u64 the latest of the positions that are forgotten; u8 positions, u8 which of
 *   them is the last sample's; each u64 host, epoch, sequence, wall_ns; u32 bytes of struct
 *   anomaly, which as it is; the rest: the profile (profile_pack.h)
 */
#include "profile_pack.h"
#include "profiler_internal.h"
#include "store_bytes.h"
#include "xalloc.h"

#include <stdlib.h>

_Static_assert(SAMPLE_NAME_MAX <= UINT8_MAX, "a length is one byte");

static void put(struct buf *b, unsigned n, uint64_t v)
{
	char bytes[8];

	bytes_set(bytes, n, v);
	buf_put(b, bytes, n);
}

static void put_text(struct buf *b, const char *text)
{
	size_t n = strnlen(text, SAMPLE_NAME_MAX);

	put(b, 1, n);
	buf_put(b, text, n);
}

void record_pack(struct buf *to, const struct record *r, const struct profile_settings *s)
{
	size_t start = to->used;

	put(to, 4, 0);
	put_text(to, r->uuid);
	put_text(to, r->name);
	put(to, 8, r->boot_ns);
	put(to, 8, r->wall_ns);
	put(to, 8, r->interval_ns);
	put(to, 8, r->forgotten_wall_ns);
	put(to, 1, r->n_positions);
	put(to, 1, r->owner);
	for (unsigned i = 0; i < r->n_positions; i++) {
		const struct position *p = &r->position[i];

		put(to, 8, p->host);
		put(to, 8, p->epoch);
		put(to, 8, p->sequence);
		put(to, 8, p->wall_ns);
	}
	put(to, 4, sizeof(r->anomaly));
	buf_put(to, &r->anomaly, sizeof(r->anomaly));
	profile_pack(to, &r->profile, s);
	if (!to->error)
		bytes_set(to->data + start, 4, to->used - start - 4);
}

/* ---- reading: what is left, and whether all was there ---- */

struct reader {
	const char *at, *end;
	bool bad;
};

static uint64_t get(struct reader *r, unsigned n)
{
	uint64_t v;

	if (r->bad || (size_t)(r->end - r->at) < n) {
		r->bad = true;
		return 0;
	}
	v = bytes_get(r->at, n);
	r->at += n;
	return v;
}

static void get_text(struct reader *r, char *to)
{
	size_t n = get(r, 1);

	*to = '\0';
	if (r->bad || (size_t)(r->end - r->at) < n || memchr(r->at, 0, n)) {
		r->bad = true;
		return;
	}
	memcpy(to, r->at, n);
	to[n] = '\0';
	r->at += n;
}

static void get_positions(struct reader *r, struct record *to)
{
	unsigned n = (unsigned)get(r, 1), owner = (unsigned)get(r, 1);

	if (r->bad || !n || n > PROFILER_POSITIONS_MAX || owner >= n) {
		r->bad = true;
		return;
	}
	to->position = xcalloc(n, sizeof(*to->position));
	to->n_positions = (uint8_t)n;
	to->owner = (uint8_t)owner;
	for (unsigned i = 0; i < n; i++) {
		struct position *p = &to->position[i];

		p->host = get(r, 8);
		p->epoch = get(r, 8);
		p->sequence = get(r, 8);
		p->wall_ns = get(r, 8);
	}
}

/* Of another version of the program it is learnt anew. */
static void get_anomaly(struct reader *r, struct record *to, const struct profile_settings *s)
{
	size_t n = get(r, 4);

	if (r->bad || (size_t)(r->end - r->at) < n) {
		r->bad = true;
		return;
	}
	if (n == sizeof(to->anomaly))
		memcpy(&to->anomaly, r->at, n);
	if (!anomaly_sound(&to->anomaly, s))
		memset(&to->anomaly, 0, sizeof(to->anomaly));
	r->at += n;
}

static struct record *unpack(const struct profiler *p, struct reader *in)
{
	char uuid[UINT8_MAX + 1], name[UINT8_MAX + 1];
	struct record *r;

	get_text(in, uuid);
	get_text(in, name);
	if (in->bad || !*uuid)
		return NULL;
	r = record_new(p, uuid, name);
	r->boot_ns = get(in, 8);
	r->wall_ns = get(in, 8);
	r->interval_ns = get(in, 8);
	r->forgotten_wall_ns = get(in, 8);
	get_positions(in, r);
	get_anomaly(in, r, p->o.settings);
	profile_fini(&r->profile, p->o.settings);
	if (!in->bad &&
	    profile_unpack(&r->profile, p->o.settings, in->at, (size_t)(in->end - in->at)) == 0)
		return r;
	profile_init(&r->profile, p->o.settings);
	record_free(r, p->o.settings);
	return NULL;
}

struct record *record_unpack(const struct profiler *p, const char **at, const char *end)
{
	struct reader in = {.at = *at, .end = end};
	uint64_t n = get(&in, 4);

	if (in.bad || (size_t)(end - in.at) < n)
		return NULL;
	in.end = in.at + n;
	*at = in.end;
	return unpack(p, &in);
}
