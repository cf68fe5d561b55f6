/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many bytes and how much time a frame costs.  One line per figure; all times are of one
 * run, in turns, the best of several rounds, so that they may be compared with each other.
 *
 *   codec [VMS]       100 by default
 *   codec --check     only the sizes at 100 VMs; fails above 8 bytes a value, 6 with zstd
 */
#include "../unit/wire_sample.h"

#include "buf.h"
#include "frame.h"

#include <msgpack.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <zstd.h>

#define HOSTS  500u /* samples that do not fit into the caches together */
#define ROUNDS 15
#define REPEAT 200u

struct bench {
	struct buf frame[2];
	struct sample *made, *hot, **cold;
	struct frame_head head;
	size_t values;
	char *copy;
	unsigned next; /* of cold */
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static void encode(struct bench *b)
{
	buf_clear(&b->frame[1]);
	if (frame_encode(&b->frame[1], &b->head, b->made))
		abort();
}

static void decode(struct bench *b, struct sample *s)
{
	struct frame_head head;

	if (frame_decode(s, &head, b->frame[0].data, b->frame[0].used))
		abort();
}

static void decode_hot(struct bench *b)
{
	decode(b, b->hot);
}

static void decode_cold(struct bench *b)
{
	decode(b, b->cold[b->next++ % HOSTS]);
}

static void head_only(struct bench *b)
{
	struct frame_head head;

	if (frame_head_decode(&head, b->frame[0].data, b->frame[0].used))
		abort();
}

static void unpack_tree(struct bench *b)
{
	msgpack_unpacked u;
	size_t at = 0;

	msgpack_unpacked_init(&u);
	if (msgpack_unpack_next(&u, b->frame[0].data, b->frame[0].used, &at) !=
	    MSGPACK_UNPACK_SUCCESS)
		abort();
	msgpack_unpacked_destroy(&u);
}

static void copy(struct bench *b)
{
	memcpy(b->copy, b->frame[0].data, b->frame[0].used);
	__asm__ volatile("" ::"r"(b->copy) : "memory");
}

static const struct {
	const char *name;
	void (*run)(struct bench *b);
} parts[] = {
	{"encode", encode},
	{"decode, one host again and again", decode_hot},
	{"decode, 500 hosts in turn", decode_cold},
	{"head alone", head_only},
	{"msgpack_unpack_next", unpack_tree},
	{"memcpy of the frame", copy},
};
#define PARTS (sizeof(parts) / sizeof(*parts))

static void times(struct bench *b)
{
	double best[PARTS];

	for (int round = 0; round < ROUNDS; round++)
		for (size_t p = 0; p < PARTS; p++) {
			double began = now_us(), took;

			for (unsigned i = 0; i < REPEAT; i++)
				parts[p].run(b);
			took = (now_us() - began) / REPEAT;
			if (!round || took < best[p])
				best[p] = took;
		}
	for (size_t p = 0; p < PARTS; p++)
		printf("%-34s %9.2f us  %7.2f ns a value\n", parts[p].name, best[p],
		       best[p] * 1e3 / (double)b->values);
}

/* Returns whether it is above what is allowed. */
static bool size_line(const char *name, size_t bytes, size_t values, double most)
{
	double each = (double)bytes / (double)values;

	printf("%-34s %9zu B   %7.2f B a value\n", name, bytes, each);
	return each > most;
}

static bool sizes(struct bench *b)
{
	size_t room = ZSTD_compressBound(b->frame[0].used), n;
	char *to = malloc(room);
	bool above;

	if (!to)
		abort();
	above = size_line("frame", b->frame[0].used, b->values, 8);
	n = ZSTD_compress(to, room, b->frame[0].data, b->frame[0].used, 1);
	above |= size_line("frame, zstd -1", n, b->values, 6);
	n = ZSTD_compress(to, room, b->frame[0].data, b->frame[0].used, 3);
	above |= size_line("frame, zstd -3", n, b->values, 6);
	free(to);
	return above;
}

static void make(struct bench *b, unsigned vms)
{
	const struct wire_host host = {
		.vms = vms, .vcpus = 2, .disks = 2, .nics = 1, .seed = 1, .second = 1000};

	b->made = sample_new();
	b->hot = sample_new();
	b->cold = calloc(HOSTS, sizeof(*b->cold));
	if (!b->cold)
		abort();
	for (unsigned i = 0; i < HOSTS; i++)
		b->cold[i] = sample_new();
	buf_init(&b->frame[0], FRAME_MAX);
	buf_init(&b->frame[1], FRAME_MAX);
	wire_fill(b->made, &host);
	wire_head(&b->head, b->made);
	b->values = wire_values(b->made);
	if (frame_encode(&b->frame[0], &b->head, b->made))
		abort();
	b->copy = calloc(1, b->frame[0].used);
	if (!b->copy)
		abort();
	printf("%u VMs, %zu values\n", vms, b->values);
}

static void drop(struct bench *b)
{
	for (unsigned i = 0; i < HOSTS; i++)
		sample_free(b->cold[i]);
	free(b->cold);
	free(b->copy);
	sample_free(b->made);
	sample_free(b->hot);
	buf_fini(&b->frame[0]);
	buf_fini(&b->frame[1]);
}

int main(int argc, char **argv)
{
	bool check = argc == 2 && !strcmp(argv[1], "--check"), above;
	unsigned vms = argc == 2 && !check ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
	struct bench b = {.values = 0};

	if (argc > 2 || vms > 10000) {
		fputs("codec [VMS (0 to 10000) | --check]\n", stderr);
		return 2;
	}
	make(&b, vms);
	above = sizes(&b);
	if (!check)
		times(&b);
	drop(&b);
	return check && above;
}
