/* SPDX-License-Identifier: Apache-2.0 */
/* What an aggregator knows of VMs beside their samples, from its message to the values of a
 * world. */
#include "host_table.h"
#include "message.h"
#include "world_kit.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define VMS 3u

struct lab {
	struct sample *s;
	struct frame *now, *notes;
	struct host_table hosts;
	struct world *world;
};

static int setup(void **state)
{
	struct lab *l = xcalloc(1, sizeof(*l));
	struct sample *notes = sample_new();

	l->s = sample_new();
	kit_host(l->s);
	for (unsigned i = 0; i < VMS; i++) {
		static const char *const names[] = {"one", "two", "three"};

		kit_vm(l->s, names[i], names[i], "running");
	}
	l->now = kit_frame(l->s, "hv", 1);
	/* Of the first and the last one, in another order, and of one that is gone. */
	for (unsigned i = VMS + 1; i-- > 0;) {
		uint64_t id = i < VMS ? l->s->table[SCOPE_VM].id[i] : 4711;

		if (i == 1)
			continue;
		sample_row(notes, SCOPE_VM, NO_ROW, id);
		sample_set(notes, SCOPE_VM, notes->table[SCOPE_VM].rows - 1, M_ANOMALY, 10 + i);
		sample_set(notes, SCOPE_VM, notes->table[SCOPE_VM].rows - 1, M_VMID, 7);
		sample_set_text(notes, SCOPE_VM, notes->table[SCOPE_VM].rows - 1, M_ANOMALY_WHY,
				i ? "because" : NULL);
	}
	l->notes = kit_frame(notes, "hv", 1);
	sample_free(notes);
	l->world = world_new();
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct lab *l = *state;

	host_table_clear(&l->hosts);
	world_free(l->world);
	frame_unref(l->now);
	frame_unref(l->notes);
	sample_free(l->s);
	free(l);
	return 0;
}

/* As from a message: told, and the message gone. */
static int tell(struct lab *l, const void *notes, size_t n)
{
	struct feed_host about = {.host_id = "id-hv",
				  .host_name = "hv",
				  .interval_ns = KIT_SECOND,
				  .notes = {notes, (uint32_t)n}};
	struct feed_reply reply = {.n_hosts = 1, .hosts = &about}, got;
	struct buf b;
	int r;

	buf_init(&b, 1 << 20);
	feed_reply_encode(&b, &reply);
	r = feed_reply_decode(&got, b.data, b.used);
	if (!r) {
		assert_int_equal(got.hosts[0].notes.n, n);
		host_table_tell(&l->hosts, &got.hosts[0], 1);
		feed_reply_fini(&got);
	}
	memset(b.data, 0xee, b.room);
	buf_fini(&b);
	return r;
}

static void look(struct lab *l)
{
	struct moment *m = moment_new();

	host_table_moment(&l->hosts, m, 1, KIT_WALL);
	world_set(l->world, m);
	moment_unref(m);
}

static double value(const struct lab *l, uint32_t row, enum metric_id m)
{
	return world_value(l->world, (struct thing){0, row, SCOPE_VM}, m);
}

static void put(struct lab *l)
{
	struct frame_head head;

	assert_int_equal(frame_head_decode(&head, l->now->bytes, l->now->size), 0);
	assert_int_equal(host_table_put(&l->hosts, &head, l->now), PUT_NEWEST);
}

static void they_are_values_of_their_vms(void **state)
{
	struct lab *l = *state;

	assert_int_equal(tell(l, l->notes->bytes, l->notes->size), 0);
	put(l);
	look(l);
	assert_true(value(l, 0, M_ANOMALY) == 10);
	assert_true(isnan(value(l, 1, M_ANOMALY)));
	assert_true(value(l, 2, M_ANOMALY) == 12);
	assert_string_equal(world_text(l->world, (struct thing){0, 2, SCOPE_VM}, M_ANOMALY_WHY),
			    "because");
	assert_null(world_text(l->world, (struct thing){0, 0, SCOPE_VM}, M_ANOMALY_WHY));
	/* Nothing that the host itself says. */
	assert_true(isnan(value(l, 0, M_VMID)));
}

/* Told again with nothing of them: the frame is the same one. */
static void they_are_over_when_they_are_not_told(void **state)
{
	struct lab *l = *state;

	put(l);
	assert_int_equal(tell(l, l->notes->bytes, l->notes->size), 0);
	look(l);
	assert_true(value(l, 0, M_ANOMALY) == 10);
	assert_int_equal(tell(l, NULL, 0), 0);
	look(l);
	assert_true(isnan(value(l, 0, M_ANOMALY)));
	assert_true(l->world->hosts[0]->readable);
}

static void what_is_no_frame_is_nothing(void **state)
{
	struct lab *l = *state;
	char junk[64];

	put(l);
	memset(junk, 0xc1, sizeof(junk));
	assert_int_equal(tell(l, junk, sizeof(junk)), 0);
	look(l);
	assert_true(isnan(value(l, 0, M_ANOMALY)));
	/* A head, and nothing behind it. */
	assert_int_equal(tell(l, l->notes->bytes, l->notes->size - 1), 0);
	look(l);
	assert_true(isnan(value(l, 0, M_ANOMALY)));
	assert_true(l->world->hosts[0]->readable);
	/* Too short for any. */
	assert_int_equal(tell(l, junk, FRAME_MIN - 1), -EBADMSG);
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LAB(they_are_values_of_their_vms),
		LAB(they_are_over_when_they_are_not_told),
		LAB(what_is_no_frame_is_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
