/* SPDX-License-Identifier: Apache-2.0 */
/* What things are known by when they move, start again, or claim to be somebody else; which
 * VM came from where, and which UUID is there twice. */
#include "world_kit.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct on {
	const char *host, *uuid, *state;
};

/* A moment with these VMs, one row per VM; hosts by name, those given in stale are stale. */
static void set(struct world *w, uint64_t second, const struct on *on, unsigned n,
		const char *stale)
{
	static const char *const hosts[] = {"hv-a", "hv-b", "hv-c"};
	struct moment *m = moment_new();

	for (unsigned h = 0; h < 3; h++) {
		struct sample *s = sample_new();

		kit_host(s);
		for (unsigned i = 0; i < n; i++)
			if (!strcmp(on[i].host, hosts[h])) {
				uint32_t vm = kit_vm(s, on[i].uuid, on[i].uuid, on[i].state);
				uint32_t nic = kit_below(s, SCOPE_VM_NIC, vm, 0);

				sample_set_text(s, SCOPE_VM_NIC, nic, M_NIC_MAC,
						"bc:24:11:00:00:01");
				sample_set_text(s, SCOPE_VM_NIC, nic, M_NIC_NAME, hosts[h]);
			}
		kit_add(m, kit_frame(s, hosts[h], second), NULL);
		m->hosts[m->n - 1].about.stale = stale && !strcmp(stale, hosts[h]);
		sample_free(s);
	}
	kit_set(w, m);
}

#define SET(w, second, stale, ...)                                                                 \
	set(w, second, (const struct on[]){__VA_ARGS__},                                           \
	    sizeof((const struct on[]){__VA_ARGS__}) / sizeof(struct on), stale)

static const char *host_of(const struct world *w, struct thing t)
{
	return thing_is(t) ? w->hosts[t.host]->about.host_name : "nowhere";
}

static struct thing on_host(const struct world *w, const char *host, uint32_t row)
{
	for (uint32_t i = 0; i < w->n_hosts; i++)
		if (!strcmp(w->hosts[i]->about.host_name, host))
			return (struct thing){i, row, SCOPE_VM};
	return NO_THING;
}

static void moves(void **state)
{
	struct world *w = world_new();
	struct thing nic;
	uint64_t id, nic_id;

	(void)state;
	SET(w, 1, NULL, {"hv-b", "AA-11", "running"}, {"hv-a", "other", NULL});
	id = world_id(w, on_host(w, "hv-b", 0));
	nic = (struct thing){on_host(w, "hv-b", 0).host, 0, SCOPE_VM_NIC};
	nic_id = world_id(w, nic);
	assert_null(world_text(w, on_host(w, "hv-b", 0), M_HOST_FROM));
	/* It migrates: the target has it, but does not run it. */
	SET(w, 2, NULL, {"hv-b", "aa-11", "running"}, {"hv-a", "aa-11", "paused"});
	assert_string_equal(host_of(w, world_find(w, SCOPE_VM, id)), "hv-b");
	assert_true(world_id(w, on_host(w, "hv-a", 0)) != id);
	/* Both say so for a moment: two samples of one time are not of one instant. */
	SET(w, 3, NULL, {"hv-b", "aa-11", "running"}, {"hv-c", "aa-11", "running"});
	assert_string_equal(host_of(w, world_find(w, SCOPE_VM, id)), "hv-b");
	assert_true(isnan(world_value(w, on_host(w, "hv-b", 0), M_UUID_DUPLICATE)));
	SET(w, 4, NULL, {"hv-b", "aa-11", "paused"}, {"hv-c", "aa-11", "running"});
	assert_string_equal(host_of(w, world_find(w, SCOPE_VM, id)), "hv-c");
	SET(w, 5, NULL, {"hv-c", "aa-11", "running"});
	assert_string_equal(host_of(w, world_find(w, SCOPE_VM, id)), "hv-c");
	assert_string_equal(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM), "hv-b");
	nic = world_find(w, SCOPE_VM_NIC, nic_id);
	assert_string_equal(host_of(w, nic), "hv-c");
	/* Looked at once more from before: nothing is learned, and nothing said too early. */
	SET(w, 1, NULL, {"hv-b", "aa-11", "running"});
	assert_null(world_text(w, on_host(w, "hv-b", 0), M_HOST_FROM));
	SET(w, 6, NULL, {"hv-c", "aa-11", "running"});
	assert_string_equal(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM), "hv-b");
	/* There and back again. */
	SET(w, 7, NULL, {"hv-b", "aa-11", "running"});
	SET(w, 8, NULL, {"hv-c", "aa-11", "running"});
	assert_string_equal(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM), "hv-b");
	SET(w, 6, NULL, {"hv-c", "aa-11", "running"});
	assert_null(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM));
	/* Nobody has it for a while, then another host. */
	SET(w, 9, NULL, {"hv-c", "other", NULL});
	assert_false(thing_is(world_find(w, SCOPE_VM, id)));
	SET(w, 10, NULL, {"hv-a", "aa-11", NULL});
	assert_string_equal(world_text(w, on_host(w, "hv-a", 0), M_HOST_FROM), "hv-c");
	world_free(w);
}

/* Who starts at the end, or looks back, learns from what was before. */
static void looking_back(void **state)
{
	struct world *w = world_new();

	(void)state;
	SET(w, 100, NULL, {"hv-c", "u", "running"}, {"hv-a", "stays", "running"});
	assert_false(world_has_moves(w));
	assert_null(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM));
	/* It does not run there: that is a migration's target, or what is left of one. */
	SET(w, 30, NULL, {"hv-a", "u", "paused"});
	assert_false(world_has_moves(w));
	SET(w, 40, NULL, {"hv-b", "u", "running"}, {"hv-a", "stays", "running"});
	assert_true(world_has_moves(w));
	assert_null(world_text(w, on_host(w, "hv-b", 0), M_HOST_FROM));
	/* It is there already, and nobody knows more exactly since when. */
	SET(w, 70, NULL, {"hv-c", "u", "running"});
	assert_string_equal(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM), "hv-b");
	SET(w, 60, NULL, {"hv-a", "u", "running"});
	SET(w, 100, NULL, {"hv-c", "u", "running"}, {"hv-a", "stays", "running"});
	assert_string_equal(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM), "hv-a");
	assert_null(world_text(w, on_host(w, "hv-a", 0), M_HOST_FROM));
	/* What was before that does not say where it came from. */
	SET(w, 20, NULL, {"hv-b", "u", "running"});
	SET(w, 101, NULL, {"hv-c", "u", "running"});
	assert_string_equal(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM), "hv-a");
	world_free(w);
}

static void host_that_is_silent(void **state)
{
	struct world *w = world_new();
	uint64_t id;

	(void)state;
	SET(w, 1, NULL, {"hv-a", "u", "running"});
	id = world_id(w, on_host(w, "hv-a", 0));
	/* Started elsewhere, while what hv-a said last still stands there. */
	SET(w, 9, "hv-a", {"hv-a", "u", "running"}, {"hv-b", "u", "running"});
	assert_string_equal(host_of(w, world_find(w, SCOPE_VM, id)), "hv-b");
	assert_string_equal(world_text(w, on_host(w, "hv-b", 0), M_HOST_FROM), "hv-a");
	assert_null(world_text(w, on_host(w, "hv-a", 0), M_HOST_FROM));
	world_free(w);
}

static void twice(void **state)
{
	struct world *w = world_new();

	(void)state;
	for (uint64_t second = 1; second < 12; second++) {
		SET(w, second, NULL, {"hv-b", "u", "running"}, {"hv-c", "u", NULL},
		    {"hv-a", "u", "paused"});
		if (kit_same(world_value(w, on_host(w, "hv-b", 0), M_UUID_DUPLICATE), 1) !=
			    (second >= 6) ||
		    kit_same(world_value(w, on_host(w, "hv-c", 0), M_UUID_DUPLICATE), 1) !=
			    (second >= 6))
			fail_msg("second %u: it is there twice from second 6 on", (unsigned)second);
		assert_true(isnan(world_value(w, on_host(w, "hv-a", 0), M_UUID_DUPLICATE)));
		assert_true(world_id(w, on_host(w, "hv-b", 0)) !=
			    world_id(w, on_host(w, "hv-c", 0)));
	}
	/* Then the first of them ends: the other one has not moved. */
	SET(w, 12, NULL, {"hv-c", "u", "running"});
	assert_true(isnan(world_value(w, on_host(w, "hv-c", 0), M_UUID_DUPLICATE)));
	assert_null(world_text(w, on_host(w, "hv-c", 0), M_HOST_FROM));
	world_free(w);
}

/* One host that says the same of many rows: each is its own, and is found. */
static void impostors(void **state)
{
	struct world *w = world_new();
	struct sample *s = sample_new();
	struct moment *m = moment_new();
	struct thing_list list = {0};

	(void)state;
	kit_host(s);
	for (unsigned i = 0; i < 50; i++) {
		uint32_t vm = sample_row(s, SCOPE_VM, 0, i % 2 ? 5 : i);

		if (i % 3)
			sample_set_text(s, SCOPE_VM, vm, M_UUID, i % 3 == 1 ? "same" : "");
		for (unsigned k = 0; k < 3; k++)
			sample_row(s, SCOPE_VM_DISK, vm, 9);
	}
	for (unsigned i = 0; i < 3; i++) /* hosts of one id, too */
		kit_add(m, kit_frame(s, "twin", 1), NULL);
	kit_set(w, m);
	for (int scope = 0; scope < SCOPES; scope++) {
		world_list(w, scope, &list);
		assert_int_equal(list.n, scope == SCOPE_HOST      ? 3
					 : scope == SCOPE_VM      ? 150
					 : scope == SCOPE_VM_DISK ? 450
								  : 0);
		for (uint32_t i = 0; i < list.n; i++) {
			struct thing t = world_find(w, scope, world_id(w, list.item[i]));

			if (t.host != list.item[i].host || t.row != list.item[i].row)
				fail_msg("%s %u/%u is found as %u/%u", scope_names[scope],
					 list.item[i].host, list.item[i].row, t.host, t.row);
		}
	}
	free(list.item);
	sample_free(s);
	world_free(w);
}

/* Hosts and VMs that come and go for ever take no more memory than those that are there. */
static void strangers(void **state)
{
	struct world *w = world_new();
	char host[32], uuid[32];

	(void)state;
	for (unsigned i = 0; i < 5000; i++) {
		struct sample *s = sample_new();
		struct moment *m = moment_new();

		snprintf(host, sizeof(host), "h%u", i);
		snprintf(uuid, sizeof(uuid), "u%u", i / 2);
		kit_host(s);
		kit_vm(s, uuid, uuid, NULL);
		kit_add(m, kit_frame(s, host, i + 1), NULL);
		kit_set(w, m);
		if (i < 4000) { /* so many hosts are remembered */
			const char *from =
				world_text(w, (struct thing){0, 0, SCOPE_VM}, M_HOST_FROM);

			snprintf(host, sizeof(host), "h%u", i - 1);
			if (i % 2 ? !from || strcmp(from, host) : from != NULL)
				fail_msg("VM %s came from %s, not %s", uuid, from, host);
		}
		sample_free(s);
	}
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(moves),     cmocka_unit_test(host_that_is_silent),
		cmocka_unit_test(twice),     cmocka_unit_test(impostors),
		cmocka_unit_test(strangers), cmocka_unit_test(looking_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
