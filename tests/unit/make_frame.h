/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_MAKE_FRAME_H
#define PROXTOP_TEST_MAKE_FRAME_H

/* Real frames for what keeps and carries them: of a host, an epoch and a sequence, with
 * about `size` bytes that cannot be packed small. */
#include "frame.h"

#include <stdio.h>

static inline struct frame_head make_head(const char *host, uint64_t epoch, uint64_t sequence)
{
	struct frame_head h = {.epoch = epoch,
			       .sequence = sequence,
			       .boot_ns = sequence * 1000000000u,
			       .wall_ns = 1700000000000000000u + sequence * 1000000000u,
			       .interval_ns = 1000000000u};

	snprintf(h.host_id, sizeof(h.host_id), "%s", host);
	snprintf(h.host_name, sizeof(h.host_name), "name of %s", host);
	snprintf(h.version, sizeof(h.version), "test");
	return h;
}

static inline struct frame *make_frame(const char *host, uint64_t epoch, uint64_t sequence,
				       unsigned size)
{
	struct frame_head h = make_head(host, epoch, sequence);
	struct sample *s = sample_new();
	struct buf b;
	struct frame *f;

	for (unsigned i = 0; i < size / 18; i++)
		sample_set(s, SCOPE_VM, sample_row(s, SCOPE_VM, NO_ROW, id_hash_u64(sequence, i)),
			   M_VPSI_SOME_IO, id_hash_u64(i, sequence) >> 1);
	buf_init(&b, FRAME_MAX);
	f = frame_encode(&b, &h, s) < 0 ? NULL : frame_new(&h, b.data, b.used);
	buf_fini(&b);
	sample_free(s);
	return f;
}

#endif
