/* SPDX-License-Identifier: Apache-2.0 */
#include "record_format.h"

#include "crc32c.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

/* CR and LF: a transfer that changes line ends is seen at once. */
static const uint8_t file_magic[16] = "proxtop-record\r\n";
const uint8_t record_block_magic[RECORD_MAGIC] = "\xf1pxblock";
static const uint8_t index_magic[RECORD_MAGIC] = "\xf1pxindex";
static const uint8_t trailer_magic[RECORD_MAGIC] = "\xf1pxtrail";

/* The least that zstd makes of anything, magic number and all. */
#define DATA_MIN 9u

void record_put32(uint8_t *to, uint32_t v)
{
	v = htole32(v);
	memcpy(to, &v, sizeof(v));
}

void record_put64(uint8_t *to, uint64_t v)
{
	v = htole64(v);
	memcpy(to, &v, sizeof(v));
}

uint32_t record_get32(const uint8_t *from)
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return le32toh(v);
}

uint64_t record_get64(const uint8_t *from)
{
	uint64_t v;

	memcpy(&v, from, sizeof(v));
	return le64toh(v);
}

/* Every fixed part ends with the checksum of what is before it. */
static void seal(uint8_t *part, size_t n)
{
	record_put32(part + n - 4, crc32c(0, part, n - 4));
}

static bool is_sound(const uint8_t *part, size_t n, const uint8_t *magic)
{
	return !memcmp(part, magic, RECORD_MAGIC) &&
	       record_get32(part + n - 4) == crc32c(0, part, n - 4);
}

void record_file_head_put(uint8_t to[RECORD_FILE_HEAD], uint64_t created_wall_ns,
			  const char *program)
{
	memset(to, 0, RECORD_FILE_HEAD);
	memcpy(to, file_magic, sizeof(file_magic));
	record_put32(to + 16, RECORD_VERSION);
	record_put32(to + 20, RECORD_FILE_HEAD);
	record_put64(to + 24, created_wall_ns);
	snprintf((char *)to + 32, RECORD_PROGRAM, "%s", program);
	seal(to, RECORD_FILE_HEAD);
}

int record_file_head_get(const uint8_t *from, size_t n, uint32_t *ret_version)
{
	*ret_version = 0;
	if (n < sizeof(file_magic) || memcmp(from, file_magic, sizeof(file_magic)))
		return -EBADMSG;
	if (n < RECORD_FILE_HEAD ||
	    record_get32(from + RECORD_FILE_HEAD - 4) != crc32c(0, from, RECORD_FILE_HEAD - 4))
		return -EIO;
	*ret_version = record_get32(from + 16);
	if (*ret_version != RECORD_VERSION)
		return -EPROTO;
	return record_get32(from + 20) == RECORD_FILE_HEAD ? 0 : -EIO;
}

void record_block_put(uint8_t to[RECORD_BLOCK_HEAD], const struct record_block *b)
{
	memset(to, 0, RECORD_BLOCK_HEAD);
	memcpy(to, record_block_magic, RECORD_MAGIC);
	record_put32(to + 8, b->directory_bytes);
	record_put32(to + 12, b->data_bytes);
	record_put32(to + 16, b->raw_bytes);
	record_put32(to + 20, b->frames);
	record_put64(to + 24, b->from_wall_ns);
	record_put64(to + 32, b->to_wall_ns);
	record_put32(to + 40, b->hosts);
	record_put32(to + 44, b->longest_ms);
	record_put32(to + 48, b->number);
	record_put32(to + 52, b->directory_crc);
	seal(to, RECORD_BLOCK_HEAD);
}

static bool is_within_bounds(const struct record_block *b)
{
	return b->frames && b->frames <= RECORD_FRAMES_MAX && b->hosts && b->hosts <= b->frames &&
	       b->directory_bytes >= 2 * b->hosts &&
	       b->directory_bytes <= (1 + HOST_ID_MAX) * b->hosts && b->raw_bytes &&
	       b->raw_bytes <= RECORD_RAW_MAX &&
	       b->raw_bytes / (RECORD_LENGTH + FRAME_MIN) >= b->frames &&
	       b->data_bytes >= DATA_MIN && b->data_bytes <= 2 * RECORD_RAW_MAX &&
	       b->from_wall_ns <= b->to_wall_ns;
}

bool record_block_get(struct record_block *ret, const uint8_t from[RECORD_BLOCK_HEAD])
{
	if (!is_sound(from, RECORD_BLOCK_HEAD, record_block_magic))
		return false;
	*ret = (struct record_block){
		.directory_bytes = record_get32(from + 8),
		.data_bytes = record_get32(from + 12),
		.raw_bytes = record_get32(from + 16),
		.frames = record_get32(from + 20),
		.from_wall_ns = record_get64(from + 24),
		.to_wall_ns = record_get64(from + 32),
		.hosts = record_get32(from + 40),
		.longest_ms = record_get32(from + 44),
		.number = record_get32(from + 48),
		.directory_crc = record_get32(from + 52),
	};
	return is_within_bounds(ret);
}

void record_index_head_put(uint8_t to[RECORD_INDEX_HEAD], const struct record_index_head *h)
{
	memset(to, 0, RECORD_INDEX_HEAD);
	memcpy(to, index_magic, RECORD_MAGIC);
	record_put64(to + 8, h->offset);
	record_put32(to + 16, h->data_bytes);
	record_put32(to + 20, h->raw_bytes);
	seal(to, RECORD_INDEX_HEAD);
}

bool record_index_head_get(struct record_index_head *ret, const uint8_t from[RECORD_INDEX_HEAD])
{
	if (!is_sound(from, RECORD_INDEX_HEAD, index_magic))
		return false;
	*ret = (struct record_index_head){.offset = record_get64(from + 8),
					  .data_bytes = record_get32(from + 16),
					  .raw_bytes = record_get32(from + 20)};
	return ret->data_bytes <= 2 * RECORD_RAW_MAX && ret->raw_bytes <= RECORD_RAW_MAX;
}

void record_trailer_put(uint8_t to[RECORD_TRAILER], uint64_t index_offset, uint64_t file_size)
{
	memset(to, 0, RECORD_TRAILER);
	memcpy(to, trailer_magic, RECORD_MAGIC);
	record_put64(to + 8, index_offset);
	record_put64(to + 16, file_size);
	seal(to, RECORD_TRAILER);
}

bool record_trailer_get(const uint8_t from[RECORD_TRAILER], uint64_t *ret_index_offset,
			uint64_t *ret_file_size)
{
	if (!is_sound(from, RECORD_TRAILER, trailer_magic))
		return false;
	*ret_index_offset = record_get64(from + 8);
	*ret_file_size = record_get64(from + 16);
	return true;
}
