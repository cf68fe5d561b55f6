/* SPDX-License-Identifier: Apache-2.0 */
#include "record_pack.h"

#include "crc32c.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

/* The first level that looks for the earlier frames of the same host: a quarter less than with
 * level 1, at some 300 MB/s. */
#define LEVEL 3
#define MS    1000000u

void record_pack_init(struct record_pack *p)
{
	*p = (struct record_pack){.zstd = ZSTD_createCCtx(), .generation = 1};
	if (!p->zstd)
		abort();
	/* Both stick to the context. */
	ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_compressionLevel, LEVEL);
	ZSTD_CCtx_setParameter(p->zstd, ZSTD_c_checksumFlag, 1);
	buf_init(&p->raw, RECORD_RAW_MAX);
	buf_init(&p->out, 3 * (size_t)RECORD_RAW_MAX);
}

void record_pack_fini(struct record_pack *p)
{
	ZSTD_freeCCtx(p->zstd);
	buf_fini(&p->raw);
	buf_fini(&p->out);
	free(p->host);
	free(p->seen);
	*p = (struct record_pack){0};
}

/* host's mark, whether it is in this pack; room for all that are numbered. */
static uint32_t *mark_of(struct record_pack *p, const struct record_hosts *hosts, uint32_t host)
{
	if (p->seen_room < hosts->n) {
		uint32_t before = p->seen_room;

		p->seen_room = hosts->room;
		p->seen = xrealloc(p->seen, p->seen_room, sizeof(*p->seen));
		memset(p->seen + before, 0, (p->seen_room - before) * sizeof(*p->seen));
	}
	return &p->seen[host];
}

static void add_host(struct record_pack *p, const struct record_hosts *hosts, uint32_t host)
{
	uint32_t *mark = mark_of(p, hosts, host);

	if (*mark == p->generation)
		return;
	*mark = p->generation;
	if (p->block.hosts == p->hosts_room) {
		p->hosts_room = p->hosts_room ? 2 * p->hosts_room : 64;
		p->host = xrealloc(p->host, p->hosts_room, sizeof(*p->host));
	}
	p->host[p->block.hosts++] = host;
}

static void add_times(struct record_block *b, const struct frame *f, const struct frame_head *head)
{
	uint64_t ms = head->interval_ns / MS;

	if (!b->frames || f->wall_ns < b->from_wall_ns)
		b->from_wall_ns = f->wall_ns;
	if (!b->frames || f->wall_ns > b->to_wall_ns)
		b->to_wall_ns = f->wall_ns;
	if (ms > b->longest_ms)
		b->longest_ms = ms > UINT32_MAX ? UINT32_MAX : (uint32_t)ms;
}

int record_pack_add(struct record_pack *p, struct record_hosts *hosts, const struct frame *f)
{
	struct frame_head head;
	uint8_t length[RECORD_LENGTH];
	uint32_t host;

	if (f->size < FRAME_MIN || f->size > FRAME_MAX ||
	    frame_head_decode(&head, f->bytes, f->size) < 0)
		return -EBADMSG;
	host = record_hosts_add(hosts, head.host_id, strlen(head.host_id));
	if (host == RECORD_NO_HOST)
		return -ENOSPC;
	add_host(p, hosts, host);
	add_times(&p->block, f, &head);
	record_put32(length, f->size);
	buf_put(&p->raw, length, sizeof(length));
	buf_put(&p->raw, f->bytes, f->size);
	p->block.frames++;
	return 0;
}

bool record_pack_is_full(const struct record_pack *p, size_t block_bytes)
{
	return p->raw.used >= block_bytes || p->block.frames == RECORD_FRAMES_MAX;
}

int record_pack_compress(void *zstd, struct buf *to, const struct buf *from)
{
	size_t most = ZSTD_compressBound(from->used), n;
	char *at = from->error ? NULL : buf_room(to, most);

	if (!at)
		return -EMSGSIZE;
	n = ZSTD_compress2(zstd, at, most, from->data, from->used);
	if (ZSTD_isError(n))
		return -EIO;
	to->used += n;
	return 0;
}

int record_pack_finish(struct record_pack *p, const struct record_hosts *hosts, uint32_t number)
{
	struct record_block *b = &p->block;
	uint8_t head[RECORD_BLOCK_HEAD] = {0};
	int r;

	record_numbers_sort(p->host, b->hosts);
	buf_clear(&p->out);
	buf_put(&p->out, head, sizeof(head));
	record_directory_put(hosts, p->host, b->hosts, &p->out);
	b->directory_bytes = (uint32_t)(p->out.used - sizeof(head));
	b->directory_crc = crc32c(0, p->out.data + sizeof(head), b->directory_bytes);
	r = record_pack_compress(p->zstd, &p->out, &p->raw);
	if (r < 0)
		return r;
	b->data_bytes = (uint32_t)(p->out.used - sizeof(head) - b->directory_bytes);
	b->raw_bytes = (uint32_t)p->raw.used;
	b->number = number;
	record_block_put(head, b);
	memcpy(p->out.data, head, sizeof(head));
	return 0;
}

void record_pack_clear(struct record_pack *p)
{
	buf_clear(&p->raw);
	buf_clear(&p->out);
	p->block = (struct record_block){0};
	p->generation++;
}
