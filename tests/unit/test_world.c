/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A world is what its moment says, whatever it was set to before: checked against samples
 * decoded and derived anew, while hosts come, go, stand still, jump and send rubbish.
 */
#include "wire_sample.h"
#include "world_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#define HOSTS   9u
#define SECONDS 12u
#define ROUNDS  60u

/* ---- random moments ---- */

struct pool {
	struct frame *frame[HOSTS][SECONDS];
	unsigned at[HOSTS];
	uint64_t random;
};

static unsigned pick(struct pool *p, unsigned n)
{
	p->random = wire_mix(p->random, 1);
	return (unsigned)(p->random >> 33) % n;
}

static void host_name(unsigned host, char to[16])
{
	/* Not in the order of their numbers. */
	snprintf(to, 16, "hv-%u", (host * 7 + 3) % 10);
}

/* Hosts differ in size, and what they have changes; some frames are damaged. */
static struct frame *make(unsigned host, unsigned second)
{
	struct wire_host h = {.vms = host == 4 ? 60 : host + second % 2,
			      .vcpus = 1 + host % 3,
			      .disks = host % 3,
			      .nics = host % 2,
			      .seed = host + 1,
			      .second = second};
	struct sample *s = sample_new();
	struct frame *f;
	char name[16];

	wire_fill(s, &h);
	for (unsigned m = 0; m < METRICS; m++)
		if (host % 2 && m % 5 == host % 5)
			for (int scope = 0; scope < SCOPES; scope++)
				for (uint32_t r = 0; r < s->table[scope].rows; r++)
					if (s->table[scope].value[m])
						s->table[scope].value[m][r] = ABSENT;
	host_name(host, name);
	f = kit_frame(s, name, second + 1);
	if (host == 6 && second % 4 == 3)
		f->bytes[f->size / 2] ^= 0x55, f->size -= 7;
	sample_free(s);
	return f;
}

static void pool_fill(struct pool *p)
{
	for (unsigned i = 0; i < HOSTS; i++)
		for (unsigned k = 0; k < SECONDS; k++)
			p->frame[i][k] = make(i, k);
}

static void pool_free(struct pool *p)
{
	for (unsigned i = 0; i < HOSTS; i++)
		for (unsigned k = 0; k < SECONDS; k++)
			frame_unref(p->frame[i][k]);
}

static struct moment *next_moment(struct pool *p)
{
	struct moment *m = moment_new();

	for (unsigned i = 0; i < HOSTS; i++) {
		unsigned step = pick(p, 8), at = p->at[i];
		struct frame *now, *before;

		if (step == 7 && pick(p, 3) == 0)
			continue; /* not there */
		at = step == 0 ? at : step == 1 ? pick(p, SECONDS) : at + 1;
		p->at[i] = at % SECONDS;
		now = p->frame[i][p->at[i]];
		before = p->at[i] && pick(p, 10)
				 ? p->frame[i][p->at[i] - 1 - (step == 2 && p->at[i] > 1)]
				 : NULL;
		moment_add(m, NULL, now, before, now->wall_ns);
	}
	if (pick(p, 5))
		moment_sort(m);
	return m;
}

/* ---- the model ---- */

static double value_of(const struct sample *s, const struct view *v, int scope, uint32_t r, int m)
{
	if (metrics[m].kind == COUNTER && (metrics[m].flags & AS_TOTAL)) {
		uint64_t raw = sample_get(s, scope, r, m);

		return raw == ABSENT ? NAN : (double)raw;
	}
	return view_get(v, scope, r, m);
}

static void check_row(const struct world *w, struct thing t, const struct sample *s,
		      const struct view *v, unsigned round)
{
	for (int m = 0; m < METRICS; m++) {
		const char *want = sample_text(s, t.scope, t.row, m), *got = world_text(w, t, m);

		if (metrics[m].kind != INFO &&
		    !kit_same(world_value(w, t, m), value_of(s, v, t.scope, t.row, m)))
			fail_msg("round %u: %s %u of host %u: %s is %g, not %g", round,
				 scope_names[t.scope], t.row, t.host, kit_metric(m),
				 world_value(w, t, m), value_of(s, v, t.scope, t.row, m));
		if (metrics[m].kind != INFO || !want)
			continue;
		if (!got || strcmp(got, want))
			fail_msg("round %u: %s %u of host %u: %s is '%s', not '%s'", round,
				 scope_names[t.scope], t.row, t.host, kit_metric(m), got, want);
	}
}

static void check_host(const struct world *w, const struct moment_host *m, uint32_t host,
		       unsigned round)
{
	struct sample *now = sample_new(), *before = sample_new();
	struct view *v = view_new();
	struct frame_head head;
	bool readable = !frame_decode(now, &head, m->now->bytes, m->now->size), based;

	if (!readable)
		sample_clear(now);
	based = m->before && readable &&
		!frame_decode(before, &head, m->before->bytes, m->before->size);
	view_derive(v, based ? before : NULL, now);
	if (w->hosts[host]->readable != readable)
		fail_msg("round %u: host %u is readable: %d", round, host, !readable);
	assert_string_equal(w->hosts[host]->about.host_id, m->about.host_id);
	for (int s = 0; s < SCOPES; s++) {
		if (w->hosts[host]->now->table[s].rows != now->table[s].rows)
			fail_msg("round %u: host %u has %u rows of %s, not %u", round, host,
				 w->hosts[host]->now->table[s].rows, scope_names[s],
				 now->table[s].rows);
		for (uint32_t r = 0; r < now->table[s].rows; r++)
			check_row(w, (struct thing){host, r, (uint8_t)s}, now, v, round);
	}
	sample_free(now);
	sample_free(before);
	view_free(v);
}

static int compare_u64(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* The same as in a world that knows nothing of the past; found again by it; no two alike. */
static void check_ids(const struct world *w, const struct world *fresh, enum scope s,
		      unsigned round)
{
	struct thing_list list = {0};
	uint64_t *ids;

	world_list(w, s, &list);
	ids = xcalloc(list.n + 1, sizeof(*ids));
	for (uint32_t i = 0; i < list.n; i++) {
		struct thing t = list.item[i], found;

		ids[i] = world_id(w, t);
		found = world_find(w, s, ids[i]);
		if (ids[i] != world_id(fresh, t))
			fail_msg("round %u: another id of %s %u/%u", round, scope_names[s], t.host,
				 t.row);
		if (found.host != t.host || found.row != t.row || found.scope != s)
			fail_msg("round %u: %s %u/%u is not found", round, scope_names[s], t.host,
				 t.row);
	}
	qsort(ids, list.n, sizeof(*ids), compare_u64);
	for (uint32_t i = 1; i < list.n; i++)
		if (ids[i] == ids[i - 1])
			fail_msg("round %u: two %s have one id", round, scope_names[s]);
	free(ids);
	free(list.item);
}

static void check_world(const struct world *w, const struct moment *m, unsigned round)
{
	struct world *fresh = world_new();
	uint32_t vms = 0;

	world_set(fresh, (struct moment *)m);
	assert_int_equal(w->n_hosts, m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		check_host(w, &m->hosts[i], i, round);
		vms += w->hosts[i]->now->table[SCOPE_VM].rows;
	}
	assert_int_equal(w->n_vms, vms);
	for (int s = 0; s < SCOPES; s++)
		check_ids(w, fresh, s, round);
	world_free(fresh);
}

static void any_order(void **state)
{
	struct world *w = world_new();
	struct pool p = {.random = 11};

	(void)state;
	pool_fill(&p);
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct moment *m = next_moment(&p);

		world_set(w, m);
		check_world(w, m, i);
		moment_unref(m);
	}
	world_free(w);
	pool_free(&p);
}

static void nothing_is_decoded_twice(void **state)
{
	struct world *w = world_new();
	struct moment *m;
	struct pool p = {.random = 1};
	struct sample *was;
	struct world_host *place;

	(void)state;
	pool_fill(&p);
	m = moment_new();
	moment_add(m, NULL, p.frame[4][1], p.frame[4][0], 0);
	kit_set(w, m);
	place = w->hosts[0];
	was = place->now;
	/* Written into: it must still be there after the same frames. */
	was->table[SCOPE_VM].value[M_VMID][0] = 4711;
	m = moment_new();
	moment_add(m, NULL, p.frame[4][1], p.frame[4][0], 0);
	moment_add(m, NULL, p.frame[2][1], NULL, 0);
	kit_set(w, m);
	assert_true(w->hosts[0] == place || w->hosts[1] == place);
	assert_ptr_equal(place->now, was);
	assert_int_equal(sample_get(place->now, SCOPE_VM, 0, M_VMID), 4711);
	/* And be the base of the next one, which it would not be if it were decoded again. */
	was->boot_ns -= KIT_SECOND;
	m = moment_new();
	moment_add(m, NULL, p.frame[4][2], p.frame[4][1], 0);
	kit_set(w, m);
	assert_true(place->view->interval > 1.9 && place->view->interval < 2.1);
	world_free(w);
	pool_free(&p);
}

static void empty(void **state)
{
	struct world *w = world_new();
	struct thing_list list = {0};
	struct moment *m = moment_new();

	(void)state;
	assert_false(thing_is(world_find(w, SCOPE_VM, 1)));
	assert_int_equal(world_id(w, NO_THING), 0);
	assert_null(world_text(w, NO_THING, M_NAME));
	assert_true(isnan(world_value(w, NO_THING, M_CPU_STEAL)));
	kit_set(w, m);
	for (int s = 0; s < SCOPES; s++) {
		world_list(w, s, &list);
		assert_int_equal(list.n, 0);
		assert_false(thing_is(world_find(w, s, 0)));
	}
	free(list.item);
	world_free(w);
}

/* ---- what is above and below ---- */

static void above_and_below(void **state)
{
	struct world *w = world_new();
	struct sample *s = sample_new();
	struct moment *m = moment_new();
	struct thing_list list = {0};
	struct thing vm, host = {0, 0, SCOPE_HOST}, t;
	uint32_t a, b;

	(void)state;
	kit_host(s);
	a = kit_vm(s, "a", "a", NULL);
	b = kit_vm(s, "b", "b", NULL);
	kit_below(s, SCOPE_VCPU, b, 0);
	kit_below(s, SCOPE_VCPU, a, 0);
	kit_below(s, SCOPE_VCPU, b, 1);
	sample_row(s, SCOPE_VCPU, NO_ROW, 77);
	sample_row(s, SCOPE_HOST_DISK, 0, 78);
	kit_add(m, kit_frame(s, "hv", 1), NULL);
	kit_set(w, m);

	vm = kit_named(w, "b");
	world_below(w, vm, SCOPE_VCPU, &list);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.item[0].row, 0);
	assert_int_equal(list.item[1].row, 2);
	t = world_parent(w, list.item[1]);
	assert_true(t.scope == SCOPE_VM && t.row == b);
	t = world_parent(w, t);
	assert_true(t.scope == SCOPE_HOST && t.host == 0 && t.row == 0);
	assert_false(thing_is(world_parent(w, t)));
	assert_false(thing_is(world_parent(w, (struct thing){0, 3, SCOPE_VCPU})));
	world_below(w, vm, SCOPE_VM_DISK, &list);
	assert_int_equal(list.n, 0);
	world_below(w, vm, SCOPE_HOST_DISK, &list);
	assert_int_equal(list.n, 0);
	world_below(w, host, SCOPE_VM, &list);
	assert_int_equal(list.n, 2);
	world_below(w, host, SCOPE_HOST_DISK, &list);
	assert_int_equal(list.n, 1);
	world_below(w, host, SCOPE_HOST, &list);
	assert_int_equal(list.n, 0);
	/* A host is a thing, also when nothing of it can be read. */
	m = moment_new();
	kit_add(m, kit_frame(s, "hv", 2), NULL);
	m->hosts[0].now->bytes[0] = 0xc1;
	kit_set(w, m);
	assert_false(w->hosts[0]->readable);
	world_list(w, SCOPE_HOST, &list);
	assert_int_equal(list.n, 1);
	assert_string_equal(world_text(w, host, M_HOST_NAME), "hv");
	assert_true(world_id(w, host) != 0);
	world_list(w, SCOPE_VM, &list);
	assert_int_equal(list.n, 0);
	free(list.item);
	sample_free(s);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_order),
		cmocka_unit_test(nothing_is_decoded_twice),
		cmocka_unit_test(empty),
		cmocka_unit_test(above_and_below),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
