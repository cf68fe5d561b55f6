/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RECORD_PACK_H
#define PROXTOP_RECORD_PACK_H

/* A block while it is collected, and the bytes it becomes. */
#include "record_index.h"

#define RECORD_BLOCK_LIMIT                                                                         \
	(8u << 20) /* what block_bytes may be at most; a frame more than that                      \
		      still is below RECORD_RAW_MAX */

struct record_pack {
	struct buf raw; /* the row of frames */
	struct buf out; /* head, directory, data */
	void *zstd;
	struct record_block block; /* as far as it is known */
	uint32_t *host;            /* whose frames it has */
	uint32_t hosts_room;
	uint32_t *seen; /* by host: the last pack it was in */
	uint32_t seen_room, generation;
};

void record_pack_init(struct record_pack *p);
void record_pack_fini(struct record_pack *p);

/* 0; -EBADMSG: no frame; -ENOSPC: of more hosts than a recording can have. */
int record_pack_add(struct record_pack *p, struct record_hosts *hosts, const struct frame *f);
bool record_pack_is_full(const struct record_pack *p, size_t block_bytes);

/* Makes p->out, completes p->block (without offset and set); host[block.hosts] is sorted.
 * 0 or negative errno. */
int record_pack_finish(struct record_pack *p, const struct record_hosts *hosts, uint32_t number);
/* Begins the next one. */
void record_pack_clear(struct record_pack *p);

/* Appends zstd of from to to.  0 or negative errno. */
int record_pack_compress(void *zstd, struct buf *to, const struct buf *from);

#endif
