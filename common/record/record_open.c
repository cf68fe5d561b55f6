/* SPDX-License-Identifier: Apache-2.0 */
/* A reader's life: head, trailer, index; a file that grows. */
#include "record_file.h"
#include "record_reader.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#define PROBES 16u /* heads that are compared with the index before it is believed */

/* ---- the index ---- */

bool record_inflate(struct record_reader *r, const uint8_t *data, size_t n, uint8_t *raw,
		    size_t raw_n)
{
	/* Fails where it is more than raw_n, whatever is declared inside. */
	size_t got = ZSTD_decompressDCtx(r->zstd, raw, raw_n, data, n);

	return !ZSTD_isError(got) && got == raw_n;
}

/* Does the head at its place say the same? */
static bool is_confirmed(const struct record_reader *r, const struct record_block *b)
{
	uint8_t bytes[RECORD_BLOCK_HEAD], wanted[RECORD_BLOCK_HEAD];

	record_block_put(wanted, b);
	return record_file_read(r->fd, bytes, sizeof(bytes), b->offset) == 0 &&
	       !memcmp(bytes, wanted, sizeof(bytes));
}

/* A sample of them: looking at each would be the walk that the index spares. */
static bool are_confirmed(const struct record_reader *r)
{
	uint32_t n = r->index.n_blocks, step = n / PROBES + 1;

	for (uint32_t i = 0; i < n; i += step)
		if (!is_confirmed(r, &r->index.block[i]))
			return false;
	return !n || is_confirmed(r, &r->index.block[n - 1]);
}

static bool read_index(struct record_reader *r, const struct record_index_head *h)
{
	uint8_t *data = xcalloc(h->data_bytes ? h->data_bytes : 1, 1);
	uint8_t *raw = xcalloc(h->raw_bytes ? h->raw_bytes : 1, 1);
	bool good =
		record_file_read(r->fd, data, h->data_bytes, h->offset + RECORD_INDEX_HEAD) == 0 &&
		record_inflate(r, data, h->data_bytes, raw, h->raw_bytes) &&
		record_index_get(&r->index, raw, h->raw_bytes, h->offset);

	free(data);
	free(raw);
	return good;
}

enum index_state { INDEX_GOOD, INDEX_MISSING, INDEX_LIES };

static enum index_state find_index(struct record_reader *r)
{
	uint8_t trailer[RECORD_TRAILER], bytes[RECORD_INDEX_HEAD];
	uint64_t offset, size, behind = r->size - RECORD_TRAILER;
	struct record_index_head head;

	if (r->size < RECORD_FILE_HEAD + RECORD_INDEX_HEAD + RECORD_TRAILER ||
	    record_file_read(r->fd, trailer, sizeof(trailer), behind) < 0 ||
	    !record_trailer_get(trailer, &offset, &size))
		return INDEX_MISSING;
	if (size != r->size || offset < RECORD_FILE_HEAD || offset > behind - RECORD_INDEX_HEAD ||
	    record_file_read(r->fd, bytes, sizeof(bytes), offset) < 0 ||
	    !record_index_head_get(&head, bytes) || head.offset != offset ||
	    offset + RECORD_INDEX_HEAD + head.data_bytes != behind || !read_index(r, &head))
		return INDEX_LIES;
	if (are_confirmed(r))
		return INDEX_GOOD;
	record_index_fini(&r->index);
	return INDEX_LIES;
}

static int by_end(const void *a, const void *b, void *arg)
{
	const struct record_block *block = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	if (block[x].to_wall_ns != block[y].to_wall_ns)
		return block[x].to_wall_ns < block[y].to_wall_ns ? -1 : 1;
	return x < y ? -1 : x > y;
}

static void put_in_order(struct record_reader *r)
{
	uint32_t n = r->index.n_blocks;

	free(r->order);
	r->order = xcalloc(n + 1, sizeof(*r->order));
	for (uint32_t i = 0; i < n; i++)
		r->order[i] = i;
	qsort_r(r->order, n, sizeof(*r->order), by_end, r->index.block);
}

static void remark_end(struct record_reader *r)
{
	if (r->growing) {
		record_remark(r, "still being written: what is shown is what is there so far");
	} else if (!r->index_end || r->index_end > r->size) {
		record_remark(r, "was not closed, and ends at byte %" PRIu64, r->size);
	} else if (!r->damages) {
		free(r->damage);
		r->damage = NULL;
	}
}

void record_find_blocks(struct record_reader *r)
{
	enum index_state state = find_index(r);

	r->from_file = state == INDEX_GOOD;
	if (state == INDEX_LIES)
		record_note(r, "its index is damaged: all of it is looked through instead");
	r->growing = state == INDEX_MISSING && record_file_is_written(r->fd);
	if (!r->from_file)
		record_walk(r);
	if (state == INDEX_MISSING)
		remark_end(r);
	put_in_order(r);
}

/* ---- a file that grows ---- */

bool record_grows(const struct record_reader *r)
{
	return r->growing;
}

bool record_grow(struct record_reader *r)
{
	uint32_t before = r->index.n_blocks;
	uint64_t size;

	if (!r->growing)
		return false;
	/* In this order: who has let it go writes no more. */
	r->growing = record_file_is_written(r->fd);
	if (record_file_size(r->fd, &size) == 0 && size > r->size)
		r->size = size;
	/* What is cut off now stays so, and is said. */
	if (r->size > r->walked)
		record_walk_on(r);
	/* What was not walked to its end goes on at the next call. */
	r->growing |= record_is_interrupted(r);
	remark_end(r);
	if (r->index.n_blocks > before)
		put_in_order(r);
	return r->index.n_blocks > before;
}

void record_begin(struct record_reader *r)
{
	uint64_t damages = r->damages;

	if (!r->lies)
		return;
	record_note(r, "its index does not fit: all of it is looked through instead");
	record_unload_all(r);
	record_walk(r);
	put_in_order(r);
	/* What was not walked to its end is walked again at the next question. */
	if (record_is_interrupted(r))
		record_forget_notes(r, damages);
	else
		r->lies = r->from_file = false;
}

/* ---- its life ---- */

static int check_head(struct record_reader *r, char *why, size_t why_size)
{
	uint8_t bytes[RECORD_FILE_HEAD];
	size_t n = r->size < sizeof(bytes) ? (size_t)r->size : sizeof(bytes);
	uint32_t version;
	int e = record_file_read(r->fd, bytes, n, 0);

	if (e < 0) {
		snprintf(why, why_size, "%s: %s", r->path, strerrordesc_np(-e));
		return e;
	}
	e = record_file_head_get(bytes, n, &version);
	if (e == -EBADMSG)
		snprintf(why, why_size, "%s: not a recording of proxtop", r->path);
	else if (e == -EPROTO)
		snprintf(why, why_size,
			 "%s: a recording of version %" PRIu32 "; this program reads version %u",
			 r->path, version, RECORD_VERSION);
	else if (e < 0)
		record_note(r,
			    n < sizeof(bytes) ? "cut off at byte %zu, within its head"
					      : "its head is damaged, before byte %zu",
			    n);
	return e == -EIO ? 0 : e;
}

int record_open(struct record_reader **ret, const char *path, char *why, size_t why_size)
{
	return record_open_until(ret, path, NULL, NULL, why, why_size);
}

int record_open_until(struct record_reader **ret, const char *path, bool (*stop)(void *arg),
		      void *arg, char *why, size_t why_size)
{
	struct record_reader *r;
	uint64_t size = 0;
	int fd = record_file_open(path, &size, why, why_size), e;

	if (fd < 0)
		return fd;
	r = xcalloc(1, sizeof(*r));
	r->at_bytes = RECORD_AT_BYTES;
	r->series_bytes = RECORD_SERIES_BYTES;
	r->at_hosts = RECORD_AT_HOSTS;
	r->stop = stop;
	r->stop_arg = arg;
	r->path = xstrdup(path);
	r->fd = fd;
	r->size = size;
	r->zstd = ZSTD_createDCtx();
	if (!r->zstd)
		abort();
	e = check_head(r, why, why_size);
	if (e == 0 && size >= RECORD_FILE_HEAD)
		record_find_blocks(r);
	if (e == 0 && record_is_interrupted(r)) {
		snprintf(why, why_size, "%s: ended while it was looked through", r->path);
		e = -ECANCELED;
	}
	if (e < 0) {
		record_reader_close(r);
		return e;
	}
	r->stop = NULL;
	*ret = r;
	return 0;
}

void record_reader_close(struct record_reader *r)
{
	if (!r)
		return;
	record_unload_all(r);
	record_index_fini(&r->index);
	ZSTD_freeDCtx(r->zstd);
	record_file_close(r->fd);
	free(r->order);
	free(r->first_damage);
	free(r->damage);
	free(r->path);
	free(r);
}

void record_interrupt(struct record_reader *r, bool yes)
{
	__atomic_store_n(&r->interrupted, yes, __ATOMIC_RELAXED);
}

bool record_is_stopped(struct record_reader *r)
{
	if (r->stop && r->stop(r->stop_arg))
		record_interrupt(r, true);
	return record_is_interrupted(r);
}

bool record_is_interrupted(const struct record_reader *r)
{
	return __atomic_load_n(&r->interrupted, __ATOMIC_RELAXED);
}
