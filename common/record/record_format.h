/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_RECORD_FORMAT_H
#define PROXTOP_RECORD_FORMAT_H

/*
 * The bytes of a recording's fixed parts: head of the file, heads of blocks, head of the
 * index, trailer.  README.md beside this file says what they are.  Whoever gets one has it
 * checked: magic, checksum, and every size within the bounds here.
 */
#include "frame.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RECORD_VERSION    1u
#define RECORD_FILE_HEAD  64u /* bytes */
#define RECORD_BLOCK_HEAD 64u
#define RECORD_INDEX_HEAD 32u
#define RECORD_TRAILER    32u
#define RECORD_MAGIC      8u  /* bytes that blocks, index and trailer begin with */
#define RECORD_PROGRAM    28u /* bytes of the program's version, with a NUL */

#define RECORD_RAW_MAX    (48u << 20) /* bytes of a block or index, uncompressed */
#define RECORD_FRAMES_MAX 65536u      /* frames of a block */
#define RECORD_HOSTS_MAX  65536u      /* hosts of a recording */
#define RECORD_LENGTH     4u          /* bytes before each frame of a block */

/* What is known of a block without reading it. */
struct record_block {
	uint64_t offset; /* of its head in the file; not in the head itself */
	uint64_t from_wall_ns, to_wall_ns;
	uint32_t directory_bytes, data_bytes, raw_bytes;
	uint32_t frames, hosts;
	uint32_t longest_ms; /* the longest interval of its frames */
	uint32_t number;     /* from 0 */
	uint32_t directory_crc;
	uint32_t set; /* of hosts (record_index.h); not in the head */
	/* Found out when it was read, not in the head: nothing of it is readable; what is wrong
	 * with it was said. */
	bool damaged, said;
};

/* All of it: head, directory, data. */
static inline uint64_t record_block_bytes(const struct record_block *b)
{
	return (uint64_t)RECORD_BLOCK_HEAD + b->directory_bytes + b->data_bytes;
}

void record_put32(uint8_t *to, uint32_t v); /* little endian */
void record_put64(uint8_t *to, uint64_t v);
uint32_t record_get32(const uint8_t *from);
uint64_t record_get64(const uint8_t *from);

void record_file_head_put(uint8_t to[RECORD_FILE_HEAD], uint64_t created_wall_ns,
			  const char *program);
/* n bytes, the beginning of a file.  0; -EBADMSG: not a recording; -EPROTO: of another
 * version, which is then in *ret_version; -EIO: of a recording, but damaged or cut off. */
int record_file_head_get(const uint8_t *from, size_t n, uint32_t *ret_version);

extern const uint8_t record_block_magic[RECORD_MAGIC];
void record_block_put(uint8_t to[RECORD_BLOCK_HEAD], const struct record_block *b);
bool record_block_get(struct record_block *ret, const uint8_t from[RECORD_BLOCK_HEAD]);

struct record_index_head {
	uint64_t offset; /* of this head */
	uint32_t data_bytes, raw_bytes;
};
void record_index_head_put(uint8_t to[RECORD_INDEX_HEAD], const struct record_index_head *h);
bool record_index_head_get(struct record_index_head *ret, const uint8_t from[RECORD_INDEX_HEAD]);

/* The file's last bytes: where the index is, and how large the file should be. */
void record_trailer_put(uint8_t to[RECORD_TRAILER], uint64_t index_offset, uint64_t file_size);
bool record_trailer_get(const uint8_t from[RECORD_TRAILER], uint64_t *ret_index_offset,
			uint64_t *ret_file_size);

#endif
