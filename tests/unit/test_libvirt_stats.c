/* SPDX-License-Identifier: Apache-2.0 */
#include "libvirt_stats.h"

#include "sample.h"
#include "xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define PARAMS_MAX 2048

/* Lines of "field=value", as `virsh domstats --raw` prints them, typed as libvirt does. */
static struct libvirt_stats *parse(const char *text)
{
	static virTypedParameter params[PARAMS_MAX];
	struct libvirt_stats *stats = xcalloc(1, sizeof(*stats));
	char *copy = xstrdup(text), *save = NULL;
	int n = 0;

	for (char *l = strtok_r(copy, "\n", &save); l; l = strtok_r(NULL, "\n", &save)) {
		virTypedParameter *p = &params[n++];
		char *value = strchr(l, '=');

		assert_non_null(value);
		assert_true(n <= PARAMS_MAX);
		*value++ = 0;
		snprintf(p->field, sizeof(p->field), "%s", l);
		if (!strncmp(l, "state.", 6)) {
			p->type = VIR_TYPED_PARAM_INT;
			p->value.i = atoi(value);
		} else if (strstr(l, ".name") || strstr(l, ".path")) {
			p->type = VIR_TYPED_PARAM_STRING;
			p->value.s = value;
		} else if (strstr(l, ".count") || strstr(l, ".backingIndex")) {
			p->type = VIR_TYPED_PARAM_UINT;
			p->value.ui = (unsigned)atoi(value);
		} else {
			p->type = VIR_TYPED_PARAM_ULLONG;
			p->value.ul = strtoull(value, NULL, 10);
		}
	}
	libvirt_stats_parse(params, n, stats);
	for (int i = 0; i < n; i++)
		if (params[i].type == VIR_TYPED_PARAM_STRING)
			params[i].value.s = NULL;
	free(copy);
	return stats;
}

static uint64_t value_of(const struct guest_values *v, enum metric_id m)
{
	uint64_t found = ABSENT;
	unsigned times = 0;

	for (unsigned i = 0; i < v->n; i++)
		if (v->v[i].metric == m) {
			found = v->v[i].value;
			times++;
		}
	if (times > 1)
		fail_msg("%s is there %u times", metrics[m].name, times);
	return found;
}

#define check_value(values, metric, wanted)                                                        \
	do {                                                                                       \
		uint64_t got_ = value_of(values, metric);                                          \
		if (got_ != (uint64_t)(wanted))                                                    \
			fail_msg("%s is %llu", metrics[metric].name, (unsigned long long)got_);    \
	} while (0)

#define BLOCK_0                                                                                    \
	"block.0.name=vda\nblock.0.path=/images/vm1.raw\nblock.0.backingIndex=1\n"                 \
	"block.0.rd.reqs=16321\nblock.0.rd.bytes=66847232\nblock.0.rd.times=10658092030\n"         \
	"block.0.wr.reqs=4096\nblock.0.wr.bytes=268435456\nblock.0.wr.times=5006242701\n"          \
	"block.0.fl.reqs=3\nblock.0.fl.times=77\nblock.0.allocation=4194304\n"                     \
	"block.0.capacity=67108864\nblock.0.physical=4198400\n"

static void test_full(void **state)
{
	struct libvirt_stats *s =
		parse("state.state=1\nstate.reason=1\nballoon.current=163840\n"
		      "balloon.maximum=196608\nballoon.swap_in=3\nballoon.swap_out=5\n"
		      "balloon.major_fault=0\nballoon.unused=93976\nballoon.available=125064\n"
		      "balloon.usable=98532\nballoon.last-update=1795540157\nballoon.rss=227200\n"
		      "block.count=1\n" BLOCK_0 "dirtyrate.calc_status=0\n");
	const struct guest_values *d = &s->disks[0].values;

	(void)state;
	assert_int_equal(s->state, VIR_DOMAIN_RUNNING);
	assert_int_equal(s->reason, 1);
	assert_true(s->has_memory);
	assert_true(s->has_disks);
	assert_int_equal(s->balloon_kib, 163840);
	assert_int_equal(s->last_update, 1795540157);
	check_value(&s->guest, M_RAM_FREE, 93976);
	check_value(&s->guest, M_RAM_GUEST, 125064);
	check_value(&s->guest, M_RAM_USABLE, 98532);
	check_value(&s->guest, M_RAM_SWAPIN, 3 * 1024);
	check_value(&s->guest, M_RAM_SWAPOUT, 5 * 1024);
	check_value(&s->guest, M_RAM_BALLOON, ABSENT);
	assert_int_equal(s->n_disks, 1);
	assert_string_equal(s->disks[0].name, "vda");
	check_value(d, M_VD_RD_OPS, 16321);
	check_value(d, M_VD_RD_BYTES, 66847232);
	check_value(d, M_VD_RD_NS, 10658092030);
	check_value(d, M_VD_WR_OPS, 4096);
	check_value(d, M_VD_WR_BYTES, 268435456);
	check_value(d, M_VD_WR_NS, 5006242701);
	check_value(d, M_VD_FL_OPS, 3);
	check_value(d, M_VD_FL_NS, 77);
	check_value(d, M_VD_CAPACITY, 67108864);
	check_value(d, M_VD_ALLOCATION, 4198400);
	check_value(d, M_VD_PHYSICAL, ABSENT);
	free(s);
}

/* What a domain whose job is held by somebody else gives with NOWAIT. */
static void test_busy(void **state)
{
	struct libvirt_stats *s = parse("state.state=1\nstate.reason=1\nballoon.current=163840\n"
					"balloon.maximum=196608\nblock.count=2\n"
					"block.0.name=vda\nblock.0.path=/images/vm1.raw\n"
					"block.0.backingIndex=1\nblock.1.name=vdb\n");

	(void)state;
	assert_false(s->has_disks);
	assert_false(s->has_memory);
	assert_int_equal(s->n_disks, 0);
	assert_int_equal(s->guest.n, 0);
	assert_int_equal(s->balloon_kib, 163840);
	free(s);
}

static void test_nothing(void **state)
{
	struct libvirt_stats *s = parse("");

	(void)state;
	assert_int_equal(s->state, -1);
	assert_false(s->has_disks);
	assert_false(s->has_memory);
	assert_true(s->balloon_kib == ABSENT);
	free(s);
	s = parse("block.count=0\n");
	assert_true(s->has_disks);
	assert_int_equal(s->n_disks, 0);
	free(s);
}

/* A chain gives the disk again for each image below it: only the top counts. */
static void test_backing_chain(void **state)
{
	struct libvirt_stats *s =
		parse("block.count=3\n" BLOCK_0 "block.1.name=vda\nblock.1.path=/images/base.raw\n"
		      "block.1.backingIndex=2\nblock.1.rd.reqs=99999\nblock.1.wr.reqs=0\n"
		      "block.2.name=vdb\nblock.2.path=/b\nblock.2.rd.reqs=7\nblock.2.wr.reqs=0\n");

	(void)state;
	assert_int_equal(s->n_disks, 2);
	assert_string_equal(s->disks[0].name, "vda");
	check_value(&s->disks[0].values, M_VD_RD_OPS, 16321);
	assert_string_equal(s->disks[1].name, "vdb");
	check_value(&s->disks[1].values, M_VD_RD_OPS, 7);
	free(s);
}

static void test_empty_drive(void **state)
{
	struct libvirt_stats *s =
		parse("block.count=3\nblock.0.name=sda\nblock.0.rd.reqs=0\nblock.0.wr.reqs=0\n"
		      /* on the network: no path, but a size */
		      "block.1.name=vda\nblock.1.rd.reqs=0\nblock.1.capacity=100\n"
		      "block.2.name=sdb\nblock.2.path=/cd.iso\nblock.2.rd.reqs=0\n");

	(void)state;
	assert_true(s->has_disks);
	assert_int_equal(s->n_disks, 2);
	assert_string_equal(s->disks[0].name, "vda");
	assert_string_equal(s->disks[1].name, "sdb");
	free(s);
}

static void test_many_disks(void **state)
{
	char *text = xcalloc(1, 1 << 16);
	struct libvirt_stats *s;
	size_t used = 0;

	(void)state;
	for (unsigned i = 0; i < VM_DISKS_MAX + 2; i++)
		used += (size_t)sprintf(
			text + used, "block.%u.name=vd%u\nblock.%u.path=/x\nblock.%u.rd.reqs=%u\n",
			i, i, i, i, i);
	s = parse(text);
	assert_int_equal(s->n_disks, VM_DISKS_MAX);
	assert_int_equal(s->left_out, 2);
	check_value(&s->disks[VM_DISKS_MAX - 1].values, M_VD_RD_OPS, VM_DISKS_MAX - 1);
	free(s);
	free(text);
}

/* A peer that is no libvirt may send anything. */
static void test_hostile(void **state)
{
	static const char *const cases[] = {
		"block.=1\n",
		"block.x=1\n",
		"block.0=1\n",
		"block.0.=1\n",
		"block.0.rd=1\n",
		"block.99999999999999999999.rd.reqs=1\n",
		"block.0.rd.reqs=1\n", /* no name */
		"block.0.name=\nblock.0.path=/x\nblock.0.rd.reqs=1\n",
		("block.0.name=a-name-that-is-longer-than-a-disk-name-may-be\nblock.0.path=/x\n"
		 "block.0.rd.reqs=1\n"),
		"balloon.=1\nballoon=1\nstate.=1\n",
		"balloon.swap_in=18446744073709551614\n",
		"balloon.unused=18446744073709551615\n",
	};
	virTypedParameter odd[4] = {0};
	struct libvirt_stats *s;

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = parse(cases[i]);
		if (s->n_disks || s->guest.n)
			fail_msg("case %u: %u disks, %u values", i, s->n_disks, s->guest.n);
		free(s);
	}
	/* Right names, wrong types. */
	strcpy(odd[0].field, "state.state");
	odd[0].type = VIR_TYPED_PARAM_STRING;
	odd[0].value.s = NULL;
	strcpy(odd[1].field, "balloon.current");
	odd[1].type = VIR_TYPED_PARAM_LLONG;
	odd[1].value.l = -1;
	strcpy(odd[2].field, "block.0.name");
	odd[2].type = VIR_TYPED_PARAM_STRING;
	odd[2].value.s = NULL;
	strcpy(odd[3].field, "balloon.rss");
	odd[3].type = VIR_TYPED_PARAM_DOUBLE;
	odd[3].value.d = 1.5;
	s = xcalloc(1, sizeof(*s));
	libvirt_stats_parse(odd, 4, s);
	assert_int_equal(s->state, -1);
	assert_true(s->balloon_kib == ABSENT);
	assert_false(s->has_memory);
	free(s);
}

static void test_states(void **state)
{
	static const struct {
		int state, reason;
		bool has_run;
		enum vm_state wanted;
	} cases[] = {
		{VIR_DOMAIN_NOSTATE, 0, false, VM_UNKNOWN},
		{VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_BOOTED, true, VM_RUNNING},
		{VIR_DOMAIN_RUNNING, VIR_DOMAIN_RUNNING_POSTCOPY, true, VM_RUNNING},
		{VIR_DOMAIN_BLOCKED, 0, true, VM_RUNNING},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_USER, true, VM_PAUSED},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_STARTING_UP, false, VM_PAUSED},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, false, VM_MIGRATING_IN},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_MIGRATION, true, VM_PAUSED},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_POSTCOPY, true, VM_PAUSED},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_IOERROR, true, VM_BLOCKED},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_CRASHED, true, VM_CRASHED},
		{VIR_DOMAIN_PAUSED, VIR_DOMAIN_PAUSED_SHUTTING_DOWN, true, VM_SHUTDOWN},
		{VIR_DOMAIN_PAUSED, 9999, true, VM_PAUSED},
		{VIR_DOMAIN_SHUTDOWN, 0, true, VM_SHUTDOWN},
		{VIR_DOMAIN_SHUTOFF, 0, true, VM_UNKNOWN},
		{VIR_DOMAIN_CRASHED, 0, true, VM_CRASHED},
		{VIR_DOMAIN_PMSUSPENDED, 0, true, VM_SUSPENDED},
		{9999, 0, true, VM_UNKNOWN},
		{-1, -1, true, VM_UNKNOWN},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		enum vm_state got =
			libvirt_vm_state(cases[i].state, cases[i].reason, cases[i].has_run);

		if (got != cases[i].wanted)
			fail_msg("state %d, reason %d, run %d: %d", cases[i].state, cases[i].reason,
				 cases[i].has_run, got);
	}
}

#define S 1000000000ull

static void test_balloon_age(void **state)
{
	static const struct {
		const char *what;
		uint64_t last_update; /* s */
		uint64_t boot_s, wall_s;
		bool fresh;
	} steps[] = {
		{"never updated", 0, 100, 5000, false},
		{"first look, 3 s old", 4997, 101, 5000, true},
		{"the same number 31 s later: 34 s old", 4997, 132, 5031, true},
		{"35 s old, the limit is 30 + 5", 4997, 133, 5032, true},
		{"36 s old", 4997, 134, 5033, false},
		{"moves again", 5034, 135, 5034, true},
		{"the wall clock jumped: a number that moved is news", 5036, 140, 900000, true},
		{"and it may go back", 10, 145, 12, true},
		{"not read for long, but it moved", 700, 900, 702, true},
		{"it stands still", 700, 936, 738, false},
	};
	struct balloon_age age = {0}, old = {0}, foreign = {0}, future = {0};

	(void)state;
	for (unsigned i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		if (balloon_is_fresh(&age, steps[i].last_update, 5, steps[i].boot_s * S,
				     steps[i].wall_s) != steps[i].fresh)
			fail_msg("%s: fresh is %d", steps[i].what, !steps[i].fresh);

	/* A guest that died long before we came. */
	assert_false(balloon_is_fresh(&old, 1000, 2, 50 * S, 1040));
	assert_false(balloon_is_fresh(&old, 1000, 2, 51 * S, 1041));
	assert_true(balloon_is_fresh(&old, 1042, 2, 52 * S, 1042));
	assert_false(balloon_is_fresh(&(struct balloon_age){0}, 1, 2, 50 * S, UINT64_MAX));

	/* Another host's clock says nothing; standing still does. */
	assert_true(balloon_is_fresh(&foreign, 1000, 2, 50 * S, 0));
	assert_true(balloon_is_fresh(&foreign, 1000, 2, 82 * S, 0));
	assert_false(balloon_is_fresh(&foreign, 1000, 2, 83 * S, 0));

	/* From the future: until it stands still for too long. */
	assert_true(balloon_is_fresh(&future, 9000, 0, 50 * S, 1000));
	assert_false(balloon_is_fresh(&future, 9000, 0, 81 * S, 1031));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_full),        cmocka_unit_test(test_busy),
		cmocka_unit_test(test_nothing),     cmocka_unit_test(test_backing_chain),
		cmocka_unit_test(test_empty_drive), cmocka_unit_test(test_many_disks),
		cmocka_unit_test(test_hostile),     cmocka_unit_test(test_states),
		cmocka_unit_test(test_balloon_age),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
