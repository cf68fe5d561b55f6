/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_maker.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

/* As the agents' epochs, microseconds: a later run's is greater. */
static uint64_t new_epoch(void)
{
	return clock_wall_ns() / 1000;
}

void frame_maker_init(struct frame_maker *k, const struct measure *m, uint64_t interval_ns)
{
	const char *id = measure_host_id(m), *name = measure_host_name(m);

	*k = (struct frame_maker){.head = {.epoch = new_epoch(), .interval_ns = interval_ns}};
	snprintf(k->head.host_id, sizeof(k->head.host_id), "%s", id ? id : LOCAL_HOST_ID);
	snprintf(k->head.host_name, sizeof(k->head.host_name), "%s", name ? name : "");
	snprintf(k->head.version, sizeof(k->head.version), "%s", PROXTOP_VERSION);
	buf_init(&k->bytes, FRAME_MAX);
}

void frame_maker_fini(struct frame_maker *k)
{
	buf_fini(&k->bytes);
}

struct frame *frame_maker_make(struct frame_maker *k, const struct sample *s)
{
	struct frame_head head = k->head;
	int r;

	head.sequence++;
	head.boot_ns = s->boot_ns;
	head.wall_ns = s->wall_ns;
	buf_clear(&k->bytes);
	r = frame_encode(&k->bytes, &head, s);
	if (r < 0) {
		log_once(LOG_WARNING, "encode", "a sample cannot be encoded, and is left out: %s",
			 strerror(-r));
		return NULL;
	}
	k->head.sequence = head.sequence;
	return frame_new(&head, k->bytes.data, k->bytes.used);
}
