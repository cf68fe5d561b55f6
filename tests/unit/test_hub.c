/* SPDX-License-Identifier: Apache-2.0 */
/* Lists and readings between a source's threads and the rest. */
#include "hub.h"

#include "sample.h"
#include "xalloc.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

static int setup(void **state)
{
	*state = hub_new();
	return 0;
}

static int teardown(void **state)
{
	hub_free(*state);
	return 0;
}

/* Publishes VMs with these keys, 0 ends. */
static void publish(struct hub *h, const uint64_t *keys)
{
	struct vm_list *l = vm_list_new();

	for (; *keys; keys++) {
		struct vm_desc *d = vm_list_add(l);

		d->key = *keys;
		d->uuid = xstrdup("u");
		d->name = xstrdup("n");
	}
	hub_publish(h, l);
}

#define PUBLISH(h, ...) publish(h, (const uint64_t[]){__VA_ARGS__ __VA_OPT__(, ) 0})

static void memory(struct hub *h, uint64_t key, uint64_t taken, uint64_t value)
{
	struct guest_values g = {0};

	guest_add(&g, M_RAM_FREE, value);
	hub_memory(h, key, taken, 10 * S, &g);
}

static void disks(struct hub *h, uint64_t key, uint64_t taken, unsigned n, uint64_t value)
{
	struct guest_disk d[100] = {0};

	for (unsigned i = 0; i < n && i < 100; i++) {
		snprintf(d[i].name, sizeof(d[i].name), "scsi%u", i);
		guest_add(&d[i].values, M_VD_RD_OPS, value + i);
	}
	hub_disks(h, key, taken, 10 * S, d, n);
}

static void list_is_handed_over_once(void **state)
{
	struct hub *h = *state;
	struct vm_list *l;

	assert_null(hub_take_list(h));
	PUBLISH(h, 1, 2);
	PUBLISH(h, 3); /* replaces the one nobody took */
	l = hub_take_list(h);
	assert_non_null(l);
	assert_int_equal(l->n, 1);
	assert_true(l->vms[0].key == 3);
	assert_null(hub_take_list(h));
	vm_list_free(l);
	PUBLISH(h); /* an empty one is one too */
	l = hub_take_list(h);
	assert_non_null(l);
	assert_int_equal(l->n, 0);
	vm_list_free(l);
}

static void readings_rotate(void **state)
{
	struct hub *h = *state;
	struct guest_memory m;
	struct guest_disks *d = xcalloc(1, sizeof(*d));

	PUBLISH(h, 7);
	assert_true(hub_get_memory(h, 7, 5 * S, &m));
	assert_true(m.read_ns == ABSENT && m.prev_ns == ABSENT && m.now.n == 0 && m.prev.n == 0);
	memory(h, 7, 1 * S, 11);
	assert_true(hub_get_memory(h, 7, 2 * S, &m));
	assert_true(m.read_ns == 1 * S && m.prev_ns == ABSENT);
	assert_true(m.now.n == 1 && m.now.v[0].metric == M_RAM_FREE && m.now.v[0].value == 11);
	assert_int_equal(m.prev.n, 0);
	memory(h, 7, 3 * S, 12);
	memory(h, 7, 6 * S, 13);
	assert_true(hub_get_memory(h, 7, 7 * S, &m));
	assert_true(m.read_ns == 6 * S && m.prev_ns == 3 * S);
	assert_true(m.now.v[0].value == 13 && m.prev.v[0].value == 12);

	/* More disks, fewer, more again: the memory of each reading follows. */
	disks(h, 7, 1 * S, 2, 100);
	disks(h, 7, 2 * S, 5, 200);
	disks(h, 7, 3 * S, 0, 0);
	assert_true(hub_get_disks(h, 7, 3 * S, d));
	assert_true(d->read_ns == 3 * S && d->n == 0 && d->prev_ns == 2 * S && d->n_prev == 5);
	assert_true(d->prev[4].values.v[0].value == 204);
	assert_string_equal(d->prev[4].name, "scsi4");
	disks(h, 7, 4 * S, 4, 300);
	disks(h, 7, 5 * S, 64, 400);
	disks(h, 7, 6 * S, 3, 500);
	assert_true(hub_get_disks(h, 7, 6 * S, d));
	assert_true(d->n == 3 && d->n_prev == 64);
	assert_true(d->now[2].values.v[0].value == 502 && d->prev[63].values.v[0].value == 463);
	free(d);
}

static void too_many_disks_are_cut(void **state)
{
	struct hub *h = *state;
	struct guest_disks *d = xcalloc(1, sizeof(*d));

	PUBLISH(h, 7);
	disks(h, 7, 1 * S, 100, 0);
	assert_true(hub_get_disks(h, 7, 1 * S, d));
	assert_int_equal(d->n, VM_DISKS_MAX);
	free(d);
}

static void old_readings_are_not_shown(void **state)
{
	struct hub *h = *state;
	struct guest_memory m;
	struct guest_disks *d = xcalloc(1, sizeof(*d));

	PUBLISH(h, 7);
	memory(h, 7, 100 * S, 1);
	disks(h, 7, 100 * S, 1, 1);
	/* valid for 10 s, also when it was taken after the cycle began */
	hub_get_memory(h, 7, 99 * S, &m);
	assert_true(m.read_ns == 100 * S);
	hub_get_memory(h, 7, 110 * S, &m);
	assert_true(m.read_ns == 100 * S);
	hub_get_memory(h, 7, 110 * S + 1, &m);
	assert_true(m.read_ns == ABSENT && m.now.n == 0);
	hub_get_disks(h, 7, 110 * S, d);
	assert_int_equal(d->n, 1);
	hub_get_disks(h, 7, 110 * S + 1, d);
	assert_true(d->read_ns == ABSENT && d->n == 0 && d->n_prev == 0);
	free(d);
}

static void failed_is_absent_until_the_next_answer(void **state)
{
	struct hub *h = *state;
	struct guest_memory m;
	struct guest_disks *d = xcalloc(1, sizeof(*d));

	PUBLISH(h, 7, 8);
	memory(h, 7, 1 * S, 1);
	disks(h, 7, 1 * S, 1, 1);
	memory(h, 8, 1 * S, 1);
	hub_failed(h, 7);
	assert_true(hub_get_memory(h, 7, 1 * S, &m)); /* the VM is known still */
	assert_true(m.read_ns == ABSENT);
	hub_get_disks(h, 7, 1 * S, d);
	assert_true(d->read_ns == ABSENT);
	hub_get_memory(h, 8, 1 * S, &m);
	assert_true(m.read_ns == 1 * S);
	disks(h, 7, 5 * S, 1, 9);
	hub_get_disks(h, 7, 5 * S, d);
	/* the rate is over all of the gap */
	assert_true(d->read_ns == 5 * S && d->prev_ns == 1 * S);
	free(d);
}

static void entries_follow_the_list(void **state)
{
	struct hub *h = *state;
	struct guest_memory m;

	memory(h, 5, 1 * S, 1); /* not known: forgotten */
	hub_state(h, 5, VM_PAUSED);
	hub_failed(h, 5);
	hub_set_vcpus_ran(h, 5, true);
	assert_false(hub_get_memory(h, 5, 1 * S, &m));
	assert_true(m.read_ns == ABSENT);
	assert_int_equal(hub_get_state(h, 5), VM_UNKNOWN);
	assert_int_equal(hub_vcpus_ran(h, 5), -1);

	PUBLISH(h, 30, 5, 12, 1);
	for (uint64_t k = 1; k <= 30; k++)
		memory(h, k, k * S, k);
	/* 12 goes, 7 comes, in another order */
	PUBLISH(h, 7, 1, 30, 5);
	assert_false(hub_get_memory(h, 12, 12 * S, &m));
	assert_true(hub_get_memory(h, 7, 7 * S, &m));
	assert_true(m.read_ns == ABSENT);
	for (unsigned i = 0; i < 3; i++) {
		static const uint64_t keys[] = {1, 5, 30};

		if (!hub_get_memory(h, keys[i], keys[i] * S, &m) || m.read_ns != keys[i] * S ||
		    m.now.v[0].value != keys[i])
			fail_msg("VM %d lost its reading, or has another's", (int)keys[i]);
	}
	/* back again: a new entry, nothing of before */
	PUBLISH(h, 12);
	assert_true(hub_get_memory(h, 12, 12 * S, &m));
	assert_true(m.read_ns == ABSENT);
	assert_false(hub_get_memory(h, 1, 1 * S, &m));
	PUBLISH(h);
	assert_false(hub_get_memory(h, 12, 12 * S, &m));
}

static void a_key_twice_does_no_harm(void **state)
{
	struct hub *h = *state;
	struct guest_memory m;

	PUBLISH(h, 4, 4);
	memory(h, 4, 1 * S, 1);
	disks(h, 4, 1 * S, 3, 1);
	PUBLISH(h, 4, 4);
	PUBLISH(h, 4);
	hub_get_memory(h, 4, 1 * S, &m);
	PUBLISH(h);
	assert_false(hub_get_memory(h, 4, 1 * S, &m));
}

static void states(void **state)
{
	struct hub *h = *state;
	struct vm_list *l = vm_list_new();
	struct vm_desc *d = vm_list_add(l);

	d->key = 1;
	d->uuid = xstrdup("u");
	d->name = xstrdup("n");
	d->state = VM_PAUSED;
	hub_publish(h, l);
	assert_int_equal(hub_get_state(h, 1), VM_PAUSED);
	hub_state(h, 1, VM_RUNNING);
	assert_int_equal(hub_get_state(h, 1), VM_RUNNING);
	/* a list that does not say it takes nothing away */
	PUBLISH(h, 1);
	assert_int_equal(hub_get_state(h, 1), VM_RUNNING);
}

static void vcpus_ran_since_the_last_question(void **state)
{
	struct hub *h = *state;

	PUBLISH(h, 1);
	assert_int_equal(hub_vcpus_ran(h, 1), -1);
	hub_set_vcpus_ran(h, 1, false);
	assert_int_equal(hub_vcpus_ran(h, 1), 0);
	assert_int_equal(hub_vcpus_ran(h, 1), 0);
	hub_set_vcpus_ran(h, 1, true);
	hub_set_vcpus_ran(h, 1, false); /* one of several cycles was enough */
	assert_int_equal(hub_vcpus_ran(h, 1), 1);
	assert_int_equal(hub_vcpus_ran(h, 1), 0);
	PUBLISH(h, 1, 2);
	assert_int_equal(hub_vcpus_ran(h, 1), 0);
}

static void io_since_the_last_question(void **state)
{
	struct hub *h = *state;

	PUBLISH(h, 1);
	assert_int_equal(hub_io_moved(h, 1), -1);
	assert_int_equal(hub_io_moved(h, 9), -1);
	hub_set_io_moved(h, 1, false);
	assert_int_equal(hub_io_moved(h, 1), 0);
	hub_set_io_moved(h, 1, true);
	hub_set_io_moved(h, 1, false);
	assert_int_equal(hub_io_moved(h, 1), 1);
	assert_int_equal(hub_io_moved(h, 1), 0);
}

/* What was not asked for, since nothing can have changed, is a reading as any other. */
static void disks_that_are_the_same(void **state)
{
	struct hub *h = *state;
	struct guest_disks *d = calloc(1, sizeof(*d));

	PUBLISH(h, 1);
	hub_disks_same(h, 1, 5 * S); /* as nothing: still none */
	assert_true(hub_get_disks(h, 1, 5 * S, d));
	assert_true(d->read_ns == ABSENT);
	disks(h, 1, 10 * S, 1, 70);
	disks(h, 1, 15 * S, 2, 90);
	hub_disks_same(h, 1, 20 * S);
	hub_disks_same(h, 1, 19 * S); /* back in time: not taken */
	hub_get_disks(h, 1, 21 * S, d);
	assert_true(d->read_ns == 20 * S && d->prev_ns == 15 * S);
	assert_true(d->n == 2 && d->n_prev == 2);
	assert_true(d->now[1].values.v[0].value == 91 && d->prev[1].values.v[0].value == 91);
	hub_disks_same(h, 1, 25 * S);
	disks(h, 1, 30 * S, 2, 190);
	hub_get_disks(h, 1, 31 * S, d);
	assert_true(d->read_ns == 30 * S && d->prev_ns == 25 * S);
	assert_true(d->now[0].values.v[0].value == 190 && d->prev[0].values.v[0].value == 90);
	hub_failed(h, 1);
	hub_disks_same(h, 1, 35 * S); /* who does not answer is not said to be the same */
	hub_get_disks(h, 1, 36 * S, d);
	assert_true(d->read_ns == ABSENT);
	free(d);
}

static void settled_when_all_were_asked(void **state)
{
	struct hub *h = *state;

	assert_false(hub_is_settled(h)); /* no list yet */
	PUBLISH(h);
	assert_true(hub_is_settled(h)); /* nobody to ask */
	PUBLISH(h, 1, 2, 3);
	assert_false(hub_is_settled(h));
	disks(h, 1, 1 * S, 1, 1);
	disks(h, 1, 2 * S, 1, 1);
	hub_failed(h, 2);
	assert_false(hub_is_settled(h));
	disks(h, 3, 1 * S, 1, 1);
	memory(h, 3, 1 * S, 1);
	assert_false(hub_is_settled(h)); /* one reading makes no rate */
	disks(h, 3, 2 * S, 1, 1);
	assert_true(hub_is_settled(h));
	PUBLISH(h, 1, 2, 3, 4);
	assert_false(hub_is_settled(h));
	memory(h, 4, 1 * S, 1); /* disks are not asked for */
	assert_true(hub_is_settled(h));
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * S + (uint64_t)t.tv_nsec;
}

static void *poke_later(void *arg)
{
	nanosleep(&(struct timespec){0, 50000000}, NULL);
	hub_poke(arg);
	return NULL;
}

static void waiting(void **state)
{
	struct hub *h = *state;
	uint64_t start = now_ns();
	pthread_t thread;

	assert_false(hub_wait(h, 1050));
	if (now_ns() - start < 1050 * S / 1000)
		fail_msg("waited %llu ms, not 1050",
			 (unsigned long long)((now_ns() - start) / 1000000));
	hub_poke(h);
	hub_poke(h);
	assert_true(hub_wait(h, 60000)); /* poked before: at once */
	assert_false(hub_wait(h, 0));    /* two pokes are one */
	PUBLISH(h, 1);
	assert_true(hub_wait(h, 60000));
	assert_int_equal(pthread_create(&thread, NULL, poke_later, h), 0);
	assert_true(hub_wait(h, 60000));
	pthread_join(thread, NULL);
}

/* ---- two threads at once: for the thread sanitizer ---- */

static void *talk(void *arg)
{
	struct hub *h = arg;

	for (unsigned i = 1; i <= 300; i++) {
		if (i % 3)
			PUBLISH(h, 1, 2, 3);
		else
			PUBLISH(h, 2, 4);
		memory(h, 2, i * S, i);
		disks(h, 2, i * S, i % 10, i * 100);
		hub_state(h, 2, VM_RUNNING);
		hub_vcpus_ran(h, 2);
	}
	return NULL;
}

static void threads_do_not_disturb(void **state)
{
	struct hub *h = *state;
	struct guest_disks *d = xcalloc(1, sizeof(*d));
	pthread_t thread;

	assert_int_equal(pthread_create(&thread, NULL, talk, h), 0);
	for (unsigned i = 0; i < 3000; i++) {
		struct guest_memory m;

		hub_get_memory(h, 2, 0, &m);
		if (m.read_ns != ABSENT && (m.now.n != 1 || m.now.v[0].value * S != m.read_ns))
			fail_msg("a reading and its time do not belong together");
		hub_get_disks(h, 2, 0, d);
		if (d->read_ns != ABSENT && d->n &&
		    d->now[d->n - 1].values.v[0].value != d->read_ns / S * 100 + d->n - 1)
			fail_msg("disks and their time do not belong together");
		hub_set_vcpus_ran(h, 2, true);
		vm_list_free(hub_take_list(h));
	}
	pthread_join(thread, NULL);
	free(d);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(list_is_handed_over_once),
		TEST(readings_rotate),
		TEST(too_many_disks_are_cut),
		TEST(old_readings_are_not_shown),
		TEST(failed_is_absent_until_the_next_answer),
		TEST(entries_follow_the_list),
		TEST(a_key_twice_does_no_harm),
		TEST(states),
		TEST(vcpus_ran_since_the_last_question),
		TEST(io_since_the_last_question),
		TEST(disks_that_are_the_same),
		TEST(settled_when_all_were_asked),
		TEST(waiting),
		TEST(threads_do_not_disturb),
	};

	hub_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
