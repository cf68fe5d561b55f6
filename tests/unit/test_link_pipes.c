/* SPDX-License-Identifier: Apache-2.0 */
/* Who has to go when there are too many connections. */
#include "link_pipes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

static struct link_pipe pipes[8];

static unsigned count(const struct link_pipes *all, const struct link_pipe *which)
{
	unsigned n = 0, there = 0;

	for (const struct link_pipe *p = all->first; p; p = p->next) {
		n++;
		there += p == which;
		assert_true(!p->next || p->next->prev == p);
	}
	assert_int_equal(n, all->n);
	assert_true(there <= 1);
	return there;
}

/* Admits one; want is the number of who has to go for it, -1 for nobody. */
static void admit(struct link_pipes *all, const char *what, int which, uint64_t now, int want)
{
	const struct link_pipe *out = link_pipes_admit(all, &pipes[which], now);

	if (out != (want < 0 ? NULL : &pipes[want]))
		fail_msg("%s: %d goes, not %d", what, out ? (int)(out - pipes) : -1, want);
	assert_int_equal(count(all, &pipes[which]), want != which);
	if (out)
		assert_int_equal(count(all, out), 0);
}

static void test_who_goes(void **state)
{
	struct link_pipes all = {.max = 3};

	(void)state;
	for (int i = 1; i <= 3; i++)
		admit(&all, "there is room", i, 100 - (uint64_t)i, -1);
	admit(&all, "the oldest", 4, 200, 3);
	pipes[2].answered = true;
	admit(&all, "not one that was answered", 5, 201, 1);
	pipes[4].calls = 1;
	admit(&all, "one that has asked, but was never answered", 6, 202, 4);
	pipes[5].answered = pipes[6].answered = true;
	admit(&all, "all were answered", 7, 203, 7);
	pipes[2].since_ms = 0;
	pipes[2].calls = 1;
	admit(&all, "silent, but it waits", 7, 201 + LINK_PIPE_SILENT_MS - 1, 7);
	admit(&all, "silent", 7, 201 + LINK_PIPE_SILENT_MS, 5);
}

static void test_remove(void **state)
{
	struct link_pipes all = {.max = 5};

	(void)state;
	for (int i = 0; i < 5; i++)
		admit(&all, "there is room", i, 1, -1);
	for (int i = 0; i < 5; i++) {
		int which = (int[]){2, 4, 0, 3, 1}[i]; /* in the middle, first, last, … */

		assert_int_equal(count(&all, &pipes[which]), 1);
		link_pipes_remove(&all, &pipes[which]);
		assert_int_equal(count(&all, &pipes[which]), 0);
	}
	assert_null(all.first);
	admit(&all, "there is room again", 3, 1, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_who_goes),
		cmocka_unit_test(test_remove),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
