/* SPDX-License-Identifier: Apache-2.0 */
/* VMs that move between hosts, and two with one UUID. */
#include "vms.h"

#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

static const char *const hosts[] = {"one", "two", "three"};

/* One sample a second of host number n: which VMs it has, "web db?" (?: paused, >: migrating
 * in, !: it does not say). */
static struct sample *sample_of(const char *vms)
{
	struct sample *s = sample_new();
	char list[200], *save = NULL;

	snprintf(list, sizeof(list), "%s", vms);
	for (char *name = strtok_r(list, " ", &save); name; name = strtok_r(NULL, " ", &save)) {
		size_t n = strlen(name) - 1;
		const char *state = name[n] == '?'   ? "paused"
				    : name[n] == '>' ? "migrating in"
				    : name[n] == '!' ? NULL
						     : "running";
		char uuid[64];
		uint32_t row;

		if (strchr("?>!", name[n]))
			name[n] = '\0';
		row = sample_row(s, SCOPE_VM, NO_ROW, id_hash(1, name));
		snprintf(uuid, sizeof(uuid), "uuid-of-%s", name);
		sample_set_text(s, SCOPE_VM, row, M_UUID, uuid);
		sample_set_text(s, SCOPE_VM, row, M_NAME, name);
		sample_set_text(s, SCOPE_VM, row, M_STATE, state);
	}
	return s;
}

static void says(struct vms *v, unsigned host, uint64_t second, const char *vms)
{
	struct vms_host h = {.number = host,
			     .id = hosts[host],
			     .name = hosts[host],
			     .interval_ns = S,
			     .silent_ns = 3 * S};
	struct sample *s = sample_of(vms);

	vms_report(v, &h, s, second * S);
	sample_free(s);
}

struct text {
	char *to;
	size_t size;
};

static void one(void *arg, const struct vms_one *vm)
{
	struct text *t = arg;
	size_t used = strlen(t->to);

	snprintf(t->to + used, t->size - used, "%s%s: %s %s %s", used ? ", " : "", vm->name,
		 vm->host_id, vm->duplicate ? "and" : "from", vm->other_id);
}

static const char *all(struct vms *v)
{
	static char text[512];
	struct text t = {text, sizeof(text)};

	*text = '\0';
	vms_each(v, 0, one, &t);
	return text;
}

/* What is added to a sample of the host that has the VM. */
static void added(struct vms *v, unsigned host, const char *vm, const char *from, bool duplicate)
{
	struct sample *s = sample_of(vm);
	const char *got;

	vms_annotate(v, hosts[host], s);
	got = sample_text(s, SCOPE_VM, 0, M_HOST_FROM);
	if (!from != !got || (from && strcmp(from, got)))
		fail_msg("%s on %s: from %s, not %s", vm, hosts[host], got ? got : "nowhere",
			 from ? from : "nowhere");
	assert_int_equal(sample_get(s, SCOPE_VM, 0, M_UUID_DUPLICATE), duplicate ? 1 : ABSENT);
	sample_free(s);
}

static void a_live_migration(void **state)
{
	struct vms *v = vms_new(3);
	struct vms_stats st;

	(void)state;
	for (uint64_t t = 1; t < 5; t++) {
		says(v, 0, t, "web db");
		says(v, 1, t, "");
	}
	assert_string_equal(all(v), "");
	added(v, 0, "web", NULL, false);
	/* It takes long: both have it, one only receives it. */
	for (uint64_t t = 5; t < 20; t++) {
		says(v, 0, t, "web db");
		says(v, 1, t, "web>");
		vms_tick(v, t * S);
	}
	assert_string_equal(all(v), "");
	says(v, 1, 20, "web");
	says(v, 0, 20, "web? db");
	says(v, 0, 21, "db");
	assert_string_equal(all(v), "web: two from one");
	added(v, 1, "web", "one", false);
	added(v, 0, "web", NULL, false);
	added(v, 0, "db", NULL, false);
	/* And back. */
	says(v, 0, 22, "db web");
	says(v, 1, 22, "");
	vms_tick(v, 22 * S);
	assert_string_equal(all(v), "web: one from two");
	vms_stats(v, &st);
	assert_int_equal(st.known, 2);
	assert_int_equal(st.moves, 2);
	assert_int_equal(st.duplicates, 0);
	vms_free(v);
}

static void stopped_here_started_there(void **state)
{
	struct vms *v = vms_new(3);

	(void)state;
	says(v, 0, 1, "web!");
	says(v, 0, 2, "");
	says(v, 1, 50, "web!");
	assert_string_equal(all(v), "web: two from one");
	vms_free(v);
}

/* The host died, and another one has started its VMs. */
static void a_host_that_is_silent(void **state)
{
	struct vms *v = vms_new(3);

	(void)state;
	says(v, 0, 1, "web db");
	says(v, 1, 2, "web");
	assert_string_equal(all(v), "");
	says(v, 1, 5, "web");
	vms_tick(v, 5 * S);
	assert_string_equal(all(v), "web: two from one");
	/* It is back, and still has it: two. */
	for (uint64_t t = 6; t < 12; t++) {
		says(v, 0, t, "web db");
		says(v, 1, t, "web");
		vms_tick(v, t * S);
	}
	assert_string_equal(all(v), "web: two and one");
	vms_free(v);
}

static void two_with_one_uuid(void **state)
{
	struct vms *v = vms_new(3);
	struct vms_stats st;

	(void)state;
	for (uint64_t t = 1; t <= 4; t++) {
		says(v, 0, t, "web");
		says(v, 1, t, "web");
		vms_tick(v, t * S);
	}
	assert_string_equal(all(v), "");
	for (uint64_t t = 5; t <= 6; t++) {
		says(v, 0, t, "web");
		says(v, 1, t, "web");
		vms_tick(v, t * S);
	}
	assert_string_equal(all(v), "web: one and two");
	added(v, 0, "web", NULL, true);
	added(v, 1, "web", NULL, true);
	added(v, 2, "web", NULL, false);
	vms_stats(v, &st);
	assert_int_equal(st.duplicates, 1);
	assert_int_equal(st.moves, 0);
	/* One ends: one is left. */
	says(v, 1, 7, "");
	assert_string_equal(all(v), "");
	vms_stats(v, &st);
	assert_int_equal(st.duplicates, 0);
	vms_free(v);
}

static void what_nobody_has_is_forgotten(void **state)
{
	struct vms *v = vms_new(3);
	struct vms_stats st;

	(void)state;
	says(v, 0, 1, "web db");
	says(v, 0, 2, "db");
	says(v, 1, 2, "web");
	vms_forget(v, 0);
	/* From where is not known any more. */
	assert_string_equal(all(v), "");
	vms_tick(v, 100 * S);
	vms_tick(v, 4000 * S);
	vms_stats(v, &st);
	assert_int_equal(st.known, 0);
	says(v, 0, 5000, "web");
	assert_string_equal(all(v), "");
	vms_free(v);
	vms_free(NULL);
}

/* A forgotten host in the middle of a migration. */
static void a_host_is_forgotten_while_both_have_it(void **state)
{
	struct vms *v = vms_new(3);

	(void)state;
	says(v, 0, 1, "web");
	says(v, 1, 1, "web>");
	vms_forget(v, 1);
	says(v, 2, 2, "web>");
	says(v, 0, 2, "");
	assert_string_equal(all(v), "web: three from one");
	vms_forget(v, 2);
	vms_forget(v, 0);
	assert_string_equal(all(v), "");
	vms_free(v);
}

static void many(void **state)
{
	struct vms *v = vms_new(3);
	struct vms_host h = {.id = "one", .name = "one", .interval_ns = S, .silent_ns = 3 * S};
	struct sample *s = sample_new();
	struct vms_stats st;

	(void)state;
	for (unsigned i = 0; i < 50000; i++) {
		uint32_t row = sample_row(s, SCOPE_VM, NO_ROW, i);
		char uuid[64];

		snprintf(uuid, sizeof(uuid), "00000000-0000-4000-8000-%012u", i);
		sample_set_text(s, SCOPE_VM, row, M_UUID, uuid);
	}
	vms_report(v, &h, s, S);
	h.number = 1;
	h.id = h.name = "two";
	vms_report(v, &h, s, 60 * S);
	vms_stats(v, &st);
	assert_int_equal(st.known, 50000);
	assert_int_equal(st.moves, 50000);
	vms_annotate(v, "two", s);
	for (uint32_t r = 0; r < 50000; r++)
		assert_string_equal(sample_text(s, SCOPE_VM, r, M_HOST_FROM), "one");
	sample_free(s);
	vms_free(v);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_live_migration),
		cmocka_unit_test(stopped_here_started_there),
		cmocka_unit_test(a_host_that_is_silent),
		cmocka_unit_test(two_with_one_uuid),
		cmocka_unit_test(what_nobody_has_is_forgotten),
		cmocka_unit_test(a_host_is_forgotten_while_both_have_it),
		cmocka_unit_test(many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
