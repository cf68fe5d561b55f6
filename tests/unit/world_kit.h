/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_WORLD_KIT_H
#define PROXTOP_TEST_WORLD_KIT_H

/* Worlds out of hand-made samples: a host is a sample that the test fills, encoded as a real
 * frame and put into a moment. */
#include "world.h"
#include "xalloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KIT_SECOND UINT64_C(1000000000)
#define KIT_WALL   (UINT64_C(1700000000) * KIT_SECOND)

/* The frame of this second; the sample is left as it is. */
static inline struct frame *kit_frame(const struct sample *s, const char *host, uint64_t second)
{
	struct frame_head head = {.version = "test",
				  .epoch = 1,
				  .sequence = second,
				  .boot_ns = second * KIT_SECOND,
				  .wall_ns = KIT_WALL + second * KIT_SECOND,
				  .interval_ns = KIT_SECOND};
	struct frame *f;
	struct buf b;

	snprintf(head.host_id, sizeof(head.host_id), "id-%s", host);
	snprintf(head.host_name, sizeof(head.host_name), "%s", host);
	buf_init(&b, FRAME_MAX);
	if (frame_encode(&b, &head, s) < 0)
		abort();
	f = frame_new(&head, b.data, b.used);
	buf_fini(&b);
	return f;
}

static inline uint32_t kit_host(struct sample *s)
{
	return sample_row(s, SCOPE_HOST, NO_ROW, 1);
}

/* A VM; uuid, name and state may be NULL. */
static inline uint32_t kit_vm(struct sample *s, const char *uuid, const char *name,
			      const char *state)
{
	uint32_t row =
		sample_row(s, SCOPE_VM, 0, id_hash(s->table[SCOPE_VM].rows, name ? name : ""));

	sample_set_text(s, SCOPE_VM, row, M_UUID, uuid);
	sample_set_text(s, SCOPE_VM, row, M_NAME, name);
	sample_set_text(s, SCOPE_VM, row, M_STATE, state);
	return row;
}

/* What is below a VM. */
static inline uint32_t kit_below(struct sample *s, enum scope scope, uint32_t vm, unsigned number)
{
	return sample_row(s, scope, vm,
			  id_hash_u64(s->table[SCOPE_VM].id[vm], scope * 100 + number));
}

/* Takes the frames over; before may be NULL. */
static inline void kit_add(struct moment *m, struct frame *now, struct frame *before)
{
	moment_add(m, NULL, now, before, now->wall_ns);
	frame_unref(now);
	frame_unref(before);
}

/* Takes the moment over. */
static inline void kit_set(struct world *w, struct moment *m)
{
	moment_sort(m);
	world_set(w, m);
	moment_unref(m);
}

static inline bool kit_same(double a, double b)
{
	return isnan(a) ? isnan(b) : a >= b && a <= b;
}

/* The first VM of that name. */
static inline struct thing kit_named(const struct world *w, const char *name)
{
	struct thing_list list = {0};
	struct thing found = NO_THING;

	world_list(w, SCOPE_VM, &list);
	for (uint32_t i = 0; i < list.n && !thing_is(found); i++) {
		const char *text = world_text(w, list.item[i], M_NAME);

		if (text && !strcmp(text, name))
			found = list.item[i];
	}
	free(list.item);
	return found;
}

static inline const char *kit_metric(int m)
{
	static const char *const ids[] = {
#define METRIC(id, ...) #id,
#include "metrics.def"
#undef METRIC
	};

	return ids[m];
}

#endif
