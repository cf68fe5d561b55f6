/* SPDX-License-Identifier: Apache-2.0 */
/* The agent's own small parts: its options, when samples are due. */
#include "aggregator_options.h"
#include "daemon_options.h"
#include "daemon_tick.h"
#include "log.h"
#include "options.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

static int parse(struct daemon_options *o, const char *const *args, char *const *envp,
		 char why[512])
{
	char *argv[16] = {(char *)"proxtop-agent"};
	int argc = 1;
	char *const none[] = {NULL};

	for (; *args; args++)
		argv[argc++] = (char *)*args;
	return daemon_options_parse(o, argc, argv, envp ? envp : none, why, 512);
}

#define ARGS(...) ((const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void test_defaults(void **state)
{
	struct daemon_options o;
	char why[512];

	(void)state;
	assert_int_equal(parse(&o, ARGS(), NULL, why), 0);
	assert_true(o.frequency == 1);
	assert_null(o.aggregator);
	assert_null(o.http);
	assert_null(o.spool_dir);
	assert_string_equal(o.feed, "tcp://127.0.0.1:7409");
	assert_int_equal(o.spool, 64 << 20);
	assert_int_equal(o.history_ns, 600000000000ull);
	assert_int_equal(o.history_bytes, 32 << 20);
	assert_int_equal(o.families, (1u << FAMILIES) - 1);
	assert_int_equal(o.log_level, LOG_NOTICE);
	assert_false(o.insecure);
	assert_true(daemon_options_measure(&o).verbose);
}

static void test_values(void **state)
{
	char *const envp[] = {(char *)"PROXTOP_AGGREGATOR=tcp://a:1", (char *)"PROXTOP_SPOOL=2M",
			      (char *)"PROXTOP_HTTP=127.0.0.1:80", NULL};
	struct daemon_options o;
	char why[512];

	(void)state;
	assert_int_equal(parse(&o,
			       ARGS("--spool=1.5G", "-f0.1", "--feed=none", "--cpu",
				    "--history=90s", "--host-id=a.B:9-_"),
			       envp, why),
			 0);
	assert_int_equal(o.spool, 3 * 512ull << 20);
	assert_string_equal(o.aggregator, "tcp://a:1");
	assert_string_equal(o.http, "127.0.0.1:80");
	assert_null(o.feed);
	assert_true(o.frequency == 0.1);
	assert_int_equal(o.history_ns, 90000000000ull);
	assert_int_equal(o.families, 1u << F_CPU | 1u << F_IDENT);
	assert_int_equal(parse(&o, ARGS("--aggregator=none"), NULL, why), 0);
	assert_null(o.aggregator);
}

static void test_refused(void **state)
{
	static const struct {
		const char *arg, *says;
	} cases[] = {
		{"--spool=10", "1M"},
		{"--spool=big", "K, M, G"},
		{"--frequency=0.05", "0.1"},
		{"--host-id=a/b", "letters"},
		{"--host-id=a b", "letters"},
		{"--host-id=0123456789012345678901234567890123456789012345678901234567890123x",
		 "64"},
		{"--http-cert=/x", "--http-key"},
		{"--http-key=/x", "--http-cert"},
		{"--verbose", "unknown option --verbose"},
		{"surplus", "surplus"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct daemon_options o;
		char why[512] = "";

		if (parse(&o, ARGS(cases[i].arg), NULL, why) != -EINVAL)
			fail_msg("%s was taken", cases[i].arg);
		if (!strstr(why, cases[i].says))
			fail_msg("%s: \"%s\" says nothing of %s", cases[i].arg, why, cases[i].says);
	}
}

/* The collectors' options are the families' names; what proxtop has too is spelled alike. */
static void test_same_as_proxtop(void **state)
{
	(void)state;
	for (int f = 0; f < FAMILIES; f++)
		if (f != F_IDENT && !option_find(&daemon_options_table, family_names[f]))
			fail_msg("no option --%s", family_names[f]);
	for (size_t i = 0; i < daemon_options_table.n; i++) {
		const struct option_row *mine = &daemon_options_table.rows[i];
		const struct option_row *its = option_find(&options_table, mine->name);

		if (its && (its->type != mine->type || its->letter != mine->letter))
			fail_msg("--%s is another option in proxtop", mine->name);
	}
}

static bool is_other(const struct option_table *t, const char *name)
{
	for (unsigned i = 0; t->others && t->others[i]; i++)
		if (!strcmp(t->others[i], name))
			return true;
	return false;
}

static void knows_those_of(const struct option_table *mine, const struct option_table *its)
{
	for (size_t i = 0; i < its->n; i++) {
		const struct option_row *row = &its->rows[i];

		if (!(row->bits & OPTION_NO_ENV) && !option_find(mine, row->name) &&
		    !is_other(mine, row->name))
			fail_msg("--%s of %s is not among the others of %s", row->name,
				 its->program, mine->program);
	}
}

/* proxtop and its agent share /etc/proxtop.conf: what only the other one has is not unknown,
 * and nothing else is passed over.  The aggregator has a file of its own. */
static void test_others(void **state)
{
	const struct option_table *const both[] = {&options_table, &daemon_options_table};
	char *envp[] = {(char *)"PROXTOP_PRINTER=json", (char *)"PROXTOP_MAX_HOSTS=5",
			(char *)"PROXTOP_SPOOOL=1M", (char *)"PROXTOP_SPOOL=1M", NULL};
	char unknown[256];

	(void)state;
	for (unsigned m = 0; m < 2; m++) {
		knows_those_of(both[m], both[!m]);
		for (unsigned i = 0; both[m]->others[i]; i++)
			if (!option_find(both[!m], both[m]->others[i]))
				fail_msg("--%s is no option of %s", both[m]->others[i],
					 both[!m]->program);
		option_unknown_variables(both[m], envp, unknown, sizeof(unknown));
		assert_string_equal(unknown, "PROXTOP_MAX_HOSTS, PROXTOP_SPOOOL");
	}
	assert_null(aggregator_options_table.others);
	option_unknown_variables(&aggregator_options_table, envp, unknown, sizeof(unknown));
	assert_string_equal(unknown, "PROXTOP_PRINTER, PROXTOP_SPOOOL, PROXTOP_SPOOL");
}

/* ---- ticks ---- */

static void test_multiples(void **state)
{
	(void)state;
	assert_int_equal(tick_after(0, 1000), 1000);
	assert_int_equal(tick_after(999, 1000), 1000);
	assert_int_equal(tick_after(1000, 1000), 2000);
	assert_int_equal(tick_after(1700000000123456789ull, 1000000000), 1700000001000000000ull);
	assert_int_equal(tick_after(1700000000123456789ull, 100000000), 1700000000200000000ull);
}

static uint64_t wall(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void test_ticks(void **state)
{
	struct tick t;
	uint64_t due;

	(void)state;
	assert_int_equal(tick_open(&t, 100000000), 0);
	assert_false(tick_take(&t)); /* not yet */
	for (int i = 0; i < 3; i++) {
		struct pollfd p = {.fd = t.fd, .events = POLLIN};

		due = t.due_ns;
		assert_int_equal(due % 100000000, 0);
		assert_int_equal(poll(&p, 1, 1000), 1);
		assert_true(tick_take(&t));
		assert_true(wall() >= due);
		assert_true(t.due_ns > due);
	}
	/* Two that were missed are one. */
	due = t.due_ns;
	nanosleep(&(struct timespec){0, 250000000}, NULL);
	assert_true(tick_take(&t));
	assert_false(tick_take(&t));
	assert_true(t.due_ns >= due + 200000000);
	tick_close(&t);
	tick_close(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults), cmocka_unit_test(test_values),
		cmocka_unit_test(test_refused),  cmocka_unit_test(test_same_as_proxtop),
		cmocka_unit_test(test_others),   cmocka_unit_test(test_multiples),
		cmocka_unit_test(test_ticks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
