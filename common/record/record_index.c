/* SPDX-License-Identifier: Apache-2.0 */
#include "record_index.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_ROOM 16u

void record_index_fini(struct record_index *x)
{
	record_hosts_fini(&x->hosts);
	for (uint32_t i = 0; i < x->n_sets; i++)
		free(x->set[i].host);
	free(x->set);
	free(x->block);
	*x = (struct record_index){0};
}

static void *room_for(void *p, uint32_t n, uint32_t *room, size_t size)
{
	if (n < *room)
		return p;
	*room = *room ? 2 * *room : FIRST_ROOM;
	return xrealloc(p, *room, size);
}

static struct record_set *new_set(struct record_index *x, uint32_t n)
{
	struct record_set *s;

	x->set = room_for(x->set, x->n_sets, &x->sets_room, sizeof(*x->set));
	s = &x->set[x->n_sets++];
	s->n = n;
	s->host = xcalloc(n, sizeof(*s->host));
	return s;
}

static struct record_block *new_block(struct record_index *x)
{
	x->block = room_for(x->block, x->n_blocks, &x->blocks_room, sizeof(*x->block));
	return &x->block[x->n_blocks++];
}

void record_index_add(struct record_index *x, const struct record_block *b, const uint32_t *hosts,
		      uint32_t n)
{
	struct record_set *last = x->n_sets ? &x->set[x->n_sets - 1] : NULL;
	struct record_block *to = new_block(x);

	if (!last || last->n != n || memcmp(last->host, hosts, n * sizeof(*hosts)))
		memcpy(new_set(x, n)->host, hosts, n * sizeof(*hosts));
	*to = *b;
	to->set = x->n_sets - 1;
}

bool record_set_has(const struct record_set *s, uint32_t host)
{
	uint32_t from = 0, to = s->n;

	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (s->host[middle] == host)
			return true;
		if (s->host[middle] < host)
			from = middle + 1;
		else
			to = middle;
	}
	return false;
}

/* ---- a block's directory ---- */

static void put_id(struct buf *to, const char *id)
{
	size_t n = strlen(id);

	buf_byte(to, (char)n);
	buf_put(to, id, n);
}

/* The id's length, and *at behind it; 0: there is none. */
static size_t get_id(const uint8_t *bytes, size_t size, size_t *at, const char **ret)
{
	size_t n = *at < size ? bytes[*at] : 0;

	if (!n || n > HOST_ID_MAX || n > size - *at - 1)
		return 0;
	*ret = (const char *)bytes + *at + 1;
	*at += 1 + n;
	return n;
}

void record_directory_put(const struct record_hosts *h, const uint32_t *hosts, uint32_t n,
			  struct buf *to)
{
	for (uint32_t i = 0; i < n; i++)
		put_id(to, h->id[hosts[i]]);
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

void record_numbers_sort(uint32_t *number, uint32_t n)
{
	if (n)
		qsort(number, n, sizeof(*number), by_number);
}

static bool is_ascending(const uint32_t *hosts, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (hosts[i - 1] >= hosts[i])
			return false;
	return true;
}

bool record_directory_get(struct record_hosts *h, const uint8_t *bytes, size_t size, uint32_t n,
			  uint32_t **ret_hosts)
{
	uint32_t *hosts = xcalloc(n, sizeof(*hosts));
	size_t at = 0;

	for (uint32_t i = 0; i < n; i++) {
		const char *id = NULL;
		size_t id_n = get_id(bytes, size, &at, &id);

		hosts[i] = id_n ? record_hosts_add(h, id, id_n) : RECORD_NO_HOST;
		if (hosts[i] == RECORD_NO_HOST)
			goto bad;
	}
	record_numbers_sort(hosts, n);
	if (at != size || !is_ascending(hosts, n))
		goto bad;
	*ret_hosts = hosts;
	return true;
bad:
	free(hosts);
	return false;
}

/* ---- the index in the file ---- */

#define COUNTS      16u /* bytes: hosts, sets, blocks, 0 */
#define BLOCK_ENTRY 56u

static void put32(struct buf *to, uint32_t v)
{
	uint8_t b[4];

	record_put32(b, v);
	buf_put(to, b, sizeof(b));
}

static void put_block(struct buf *to, const struct record_block *b)
{
	uint8_t e[BLOCK_ENTRY];

	record_put64(e, b->offset);
	record_put64(e + 8, b->from_wall_ns);
	record_put64(e + 16, b->to_wall_ns);
	record_put32(e + 24, b->directory_bytes);
	record_put32(e + 28, b->data_bytes);
	record_put32(e + 32, b->raw_bytes);
	record_put32(e + 36, b->frames);
	record_put32(e + 40, b->longest_ms);
	record_put32(e + 44, b->number);
	record_put32(e + 48, b->directory_crc);
	record_put32(e + 52, b->set);
	buf_put(to, e, sizeof(e));
}

int record_index_put(const struct record_index *x, struct buf *to)
{
	put32(to, x->hosts.n);
	put32(to, x->n_sets);
	put32(to, x->n_blocks);
	put32(to, 0);
	for (uint32_t i = 0; i < x->hosts.n; i++)
		put_id(to, x->hosts.id[i]);
	for (uint32_t i = 0; i < x->n_sets; i++) {
		put32(to, x->set[i].n);
		for (uint32_t k = 0; k < x->set[i].n; k++)
			put32(to, x->set[i].host[k]);
	}
	for (uint32_t i = 0; i < x->n_blocks; i++)
		put_block(to, &x->block[i]);
	return to->error;
}

static bool get_hosts(struct record_index *x, const uint8_t *bytes, size_t n, size_t *at,
		      uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		const char *id = NULL;
		size_t id_n = get_id(bytes, n, at, &id);

		if (!id_n || record_hosts_add(&x->hosts, id, id_n) != i)
			return false;
	}
	return true;
}

static bool get_set(struct record_index *x, const uint8_t *bytes, size_t n, size_t *at)
{
	uint32_t count = n - *at >= 4 ? record_get32(bytes + *at) : 0;
	struct record_set *s;

	if (!count || count > x->hosts.n || (n - *at - 4) / 4 < count)
		return false;
	s = new_set(x, count);
	*at += 4;
	for (uint32_t i = 0; i < count; i++, *at += 4)
		s->host[i] = record_get32(bytes + *at);
	return is_ascending(s->host, count) && s->host[count - 1] < x->hosts.n;
}

static bool get_block(struct record_index *x, const uint8_t *e, uint64_t *end)
{
	uint32_t set = record_get32(e + 52);
	uint8_t head[RECORD_BLOCK_HEAD];
	struct record_block b = {
		.offset = record_get64(e),
		.from_wall_ns = record_get64(e + 8),
		.to_wall_ns = record_get64(e + 16),
		.directory_bytes = record_get32(e + 24),
		.data_bytes = record_get32(e + 28),
		.raw_bytes = record_get32(e + 32),
		.frames = record_get32(e + 36),
		.longest_ms = record_get32(e + 40),
		.number = record_get32(e + 44),
		.directory_crc = record_get32(e + 48),
	};
	uint64_t offset = b.offset;

	if (set >= x->n_sets || offset != *end)
		return false;
	b.hosts = x->set[set].n;
	/* Its bounds are those of a head. */
	record_block_put(head, &b);
	if (!record_block_get(&b, head))
		return false;
	b.offset = offset;
	b.set = set;
	*new_block(x) = b;
	*end += record_block_bytes(&b);
	return true;
}

static bool get_all(struct record_index *x, const uint8_t *bytes, size_t n, uint64_t end)
{
	size_t at = COUNTS;
	uint64_t behind = RECORD_FILE_HEAD;
	uint32_t hosts, sets, blocks;

	if (n < COUNTS)
		return false;
	hosts = record_get32(bytes);
	sets = record_get32(bytes + 4);
	blocks = record_get32(bytes + 8);
	if (!get_hosts(x, bytes, n, &at, hosts))
		return false;
	for (uint32_t i = 0; i < sets; i++)
		if (!get_set(x, bytes, n, &at))
			return false;
	if ((n - at) / BLOCK_ENTRY != blocks || (n - at) % BLOCK_ENTRY)
		return false;
	for (uint32_t i = 0; i < blocks; i++, at += BLOCK_ENTRY)
		if (!get_block(x, bytes + at, &behind))
			return false;
	return behind == end;
}

bool record_index_get(struct record_index *x, const uint8_t *bytes, size_t n, uint64_t end)
{
	if (get_all(x, bytes, n, end))
		return true;
	record_index_fini(x);
	return false;
}
