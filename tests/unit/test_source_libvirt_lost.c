/* SPDX-License-Identifier: Apache-2.0 */
/* A libvirt that is not there, refuses, hangs, goes and comes back. */
#include "libvirt_kit.h"

/* ---- without threads ---- */

static void test_unreachable(void **state)
{
	struct world *w = *state;

	fake_add("a");
	fake.refuses = true;
	fake.error_code = VIR_ERR_SYSTEM_ERROR;
	fake.error_errno = ENOENT;
	step(w);
	step(w);
	assert_int_equal(list_of(w)->n, 0); /* nobody waits for it */
	assert_int_equal(
		capture_count(
			&w->capture,
			"Failed to connect to libvirt (qemu:///system): it does not want; check "
			"that libvirtd runs (systemctl status libvirtd) and the URI (virsh -c "
			"qemu:///system list)"),
		1);
	assert_int_equal(capture_count(&w->capture, "\n"), 1);
	fake.refuses = false;
	step(w);
	assert_int_equal(reads_of(w, "a"), 100);
	assert_int_equal(capture_count(&w->capture, "Connected to libvirt (qemu:///system) again"),
			 1);

	/* Lost and back. What was listed stays: the VMs still run. */
	fake_break();
	fake.refuses = true;
	step(w);
	assert_int_equal(list_of(w)->n, 1);
	assert_int_equal(capture_count(&w->capture,
				       "The connection to libvirt (qemu:///system) was "
				       "lost"),
			 1);
	fake.refuses = false;
	step(w);
	assert_int_equal(reads_of(w, "a"), 100);
	assert_int_equal(capture_count(&w->capture, "\n"), 4);
}

static void test_denied(void **state)
{
	static const struct {
		int code, err;
	} cases[] = {
		{VIR_ERR_SYSTEM_ERROR, EACCES}, {VIR_ERR_SYSTEM_ERROR, EPERM},
		{VIR_ERR_AUTH_FAILED, 0},       {VIR_ERR_AUTH_UNAVAILABLE, 0},
		{VIR_ERR_ACCESS_DENIED, 0},
	};
	struct world *w = *state;

	fake.refuses = true;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.error_code = cases[i].code;
		fake.error_errno = cases[i].err;
		log_over("libvirt", NULL);
		step(w);
		if (capture_count(&w->capture, "No permission to connect to libvirt "
					       "(qemu:///system): it does not want; run as root or "
					       "add the user to the group libvirt") != i + 1)
			fail_msg("case %u", i);
	}
}

/* ---- with threads ---- */

/* One QEMU that does not answer takes nothing from the others. */
static void test_hung_vm(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a"), *b = fake_add("b");

	open_threaded(w);
	wait_for(reads_of(w, "a") == 100 && reads_of(w, "b") == 200, "first values");
	fake_set(b->hangs, true);
	assert_true(capture_wait(&w->capture,
				 "VM b: its QEMU does not answer libvirt; its disk and "
				 "memory values are absent until it does"));
	fake_set(a->reads, 101);
	wait_for(reads_of(w, "a") == 101, "values of the other VM");
	assert_true(reads_of(w, "b") == ABSENT);
	assert_int_equal(capture_count(&w->capture, "libvirt (qemu:///system) does not answer"), 0);

	/* What hung brings old numbers when it returns: they must not come after newer ones. */
	fake_set(b->reads, 201);
	fake_set(b->hangs, false);
	for (unsigned i = 0; i < 100; i++) {
		if (reads_of(w, "a") == 100 || reads_of(w, "b") == 200)
			fail_msg("old values after %u ms", i * 10);
		pause_ms(10);
	}
	assert_true(capture_wait(&w->capture, "VM b: its values are there again"));
	wait_for(reads_of(w, "b") == 201, "its values again");
	wait_for(fake_get(&fake.connections) == 1, "the end of the connection that hung");
	assert_int_equal(capture_count(&w->capture, "\n"), 2);
}

static void test_many_hung(void **state)
{
	struct world *w = *state;
	struct fake_domain *d[5];
	char name[8];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "vm%u", i);
		d[i] = fake_add(name);
	}
	open_threaded(w);
	wait_for(reads_of(w, "vm4") == 500, "first values");
	for (unsigned i = 0; i < 4; i++)
		fake_set(d[i]->hangs, true);
	assert_true(
		capture_wait(&w->capture, "3 questions to VMs hang in libvirt (qemu:///system)"));
	/* The list goes on. */
	fake_set(d[4]->state, VIR_DOMAIN_PAUSED);
	fake_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, d[4]);
	wait_for(hub_get_state(w->hub, key_of(w, "vm4")) == VM_PAUSED, "the state");
	assert_true(fake_get(&fake.connections) <= 4);
	for (unsigned i = 0; i < 4; i++)
		fake_set(d[i]->hangs, false);
	assert_true(
		capture_wait(&w->capture, "The VMs of libvirt (qemu:///system) are asked again"));
	fake_set(d[0]->reads, 7);
	wait_for(reads_of(w, "vm0") == 7 && reads_of(w, "vm4") == 500, "values again");
}

static void test_hung_libvirtd(void **state)
{
	struct world *w = *state;
	uint64_t start, took;

	fake_add("a");
	open_threaded(w);
	wait_for(reads_of(w, "a") == 100, "first values");
	start = fake_ms();
	fake_set(fake.stopped, true);
	assert_true(capture_wait(&w->capture, "libvirt (qemu:///system) does not answer"));
	took = fake_ms() - start;
	if (took < 1000 || took > 30000)
		fail_msg("said after %llu ms", (unsigned long long)took);
	wait_for(reads_of(w, "a") == ABSENT, "values that are too old");
	assert_int_equal(list_of(w)->n, 1);
	fake_set(fake.stopped, false);
	assert_true(capture_wait(&w->capture, "libvirt (qemu:///system) answers again"));
	wait_for(reads_of(w, "a") == 100, "values again");
	assert_int_equal(capture_count(&w->capture, "\n"), 2);
}

static void test_close_while_hung(void **state)
{
	struct world *w = *state;
	uint64_t start, took;

	fake_add("a");
	open_threaded(w);
	wait_for(reads_of(w, "a") == 100, "first values");
	fake_set(fake.stopped, true);
	pause_ms(500);
	start = fake_ms();
	source_libvirt.close(w->source);
	w->source = NULL;
	took = fake_ms() - start;
	if (took > 2000)
		fail_msg("closed in %llu ms", (unsigned long long)took);
	/* The hub may go; who comes back later must not touch it. */
	hub_free(w->hub);
	w->hub = NULL;
	fake_set(fake.stopped, false);
	wait_for(!fake_get(&fake.connections), "the end of what was left behind");
}

/* The same when the first connection hangs. */
static void test_close_while_connecting(void **state)
{
	struct world *w = *state;
	uint64_t start;

	fake_set(fake.stopped, true);
	start = fake_ms();
	open_threaded(w);
	assert_true(capture_wait(&w->capture, "libvirt (qemu:///system) does not answer"));
	assert_true(fake_ms() - start >= 2900);
	start = fake_ms();
	source_libvirt.close(w->source);
	w->source = NULL;
	assert_true(fake_ms() - start <= 2000);
	fake_set(fake.stopped, false);
	wait_for(fake_get(&fake.opened) == 1, "the connection that hung");
	wait_for(!fake_get(&fake.connections), "the end of what was left behind");
}

static void test_lost_and_back(void **state)
{
	struct world *w = *state;

	fake_add("a");
	open_threaded(w);
	wait_for(reads_of(w, "a") == 100, "first values");
	fake_set(fake.refuses, true);
	fake_break();
	assert_true(capture_wait(&w->capture, "was lost; trying again"));
	pause_ms(1500);
	fake_set(fake.domains[0].reads, 104);
	fake_set(fake.refuses, false);
	wait_for(reads_of(w, "a") == 104, "values again");
	assert_true(capture_wait(&w->capture, "Connected to libvirt (qemu:///system) again"));
	assert_int_equal(capture_count(&w->capture, "\n"), 2);
	assert_int_equal(fake_get(&fake.opened), 2);
}

/* A connection that breaks while a question hangs on it. */
static void test_lost_while_hung(void **state)
{
	struct world *w = *state;
	struct fake_domain *b;

	fake_add("a");
	b = fake_add("b");
	open_threaded(w);
	wait_for(reads_of(w, "b") == 200, "first values");
	fake_set(b->hangs, true);
	assert_true(capture_wait(&w->capture, "VM b: its QEMU does not answer libvirt"));
	fake_set(b->hangs, false);
	fake_break();
	fake_set(b->reads, 201);
	wait_for(reads_of(w, "b") == 201 && reads_of(w, "a") == 100, "values again");
	wait_for(fake_get(&fake.connections) == 1, "the end of the connection that hung");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unreachable),
		TEST(test_denied),
		TEST(test_hung_vm),
		TEST(test_many_hung),
		TEST(test_hung_libvirtd),
		TEST(test_close_while_hung),
		TEST(test_close_while_connecting),
		TEST(test_lost_and_back),
		TEST(test_lost_while_hung),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
