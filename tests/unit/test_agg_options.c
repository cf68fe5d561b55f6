/* SPDX-License-Identifier: Apache-2.0 */
/* proxtop-aggregator's options: what the table promises. */
#include "aggregator_options.h"

#include "log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ARGS_MAX 16

static int parse(struct aggregator_options *o, const char *args, const char *env, char *why,
		 size_t size)
{
	char *words = strdup(args), *variables = strdup(env), *argv[ARGS_MAX], *envp[ARGS_MAX];
	int argc = 1, n = 0, r;

	argv[0] = (char *)"p";
	for (char *w = strtok(words, " "); w; w = strtok(NULL, " "))
		argv[argc++] = w;
	argv[argc] = NULL;
	for (char *w = strtok(variables, ";"); w; w = strtok(NULL, ";"))
		envp[n++] = w;
	envp[n] = NULL;
	r = aggregator_options_parse(o, argc, argv, envp, why, size);
	/* What was kept of them is looked at before they go. */
	if (!r && o->listen)
		assert_true(strlen(o->listen) > 3);
	free(words);
	free(variables);
	return r;
}

static void defaults(void **state)
{
	struct aggregator_options o;
	char why[256];

	(void)state;
	assert_int_equal(parse(&o, "", "", why, sizeof(why)), 0);
	assert_string_equal(o.listen, "tcp://127.0.0.1:7410");
	assert_string_equal(o.feed, "tcp://127.0.0.1:7411");
	assert_string_equal(o.http, "127.0.0.1:7412");
	assert_null(o.aggregator);
	assert_int_equal(o.outputs.n, 0);
	assert_int_equal(o.history_ns, UINT64_C(600000000000));
	assert_int_equal(o.history_bytes, 256u << 20);
	assert_int_equal(o.forget_ns, UINT64_C(86400000000000));
	assert_int_equal(o.max_hosts, 10000);
	assert_int_equal(o.log_level, LOG_NOTICE);
	assert_false(o.insecure);
	assert_int_equal(o.profile.values.n, 0);
	assert_int_equal(o.profile.states, 4);
	assert_int_equal(o.profile.history, 1);
	assert_int_equal(o.profile.buffersize, 10);
	assert_true(o.profile.filter == -1);
	assert_int_equal(o.profile.freq_ns, UINT64_C(60000000000));
	assert_null(o.profile.dir);
	aggregator_options_fini(&o);
}

static void profiles(void **state)
{
	struct aggregator_options o;
	char why[256];

	(void)state;
	assert_int_equal(parse(&o,
			       "--profile=cpu,net --profile-dir=d --profile-output=x "
			       "--profile-output=y --profile-periodsize=7,24",
			       "PROXTOP_PROFILE_STATES=8;PROXTOP_PROFILE_FREQ=5m", why,
			       sizeof(why)),
			 0);
	assert_int_equal(o.profile.values.n, 2);
	assert_int_equal(o.profile.outputs.n, 2);
	assert_int_equal(o.profile.periods.n, 2);
	assert_int_equal(o.profile.states, 8);
	assert_int_equal(o.profile.freq_ns, UINT64_C(300000000000));
	aggregator_options_fini(&o);
	assert_int_equal(parse(&o, "--profile-dir=d", "", why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "--profile-dir needs --profile"));
	aggregator_options_fini(&o);
	assert_int_equal(parse(&o, "", "PROXTOP_PROFILE_OUTPUT=json+tcp://x:1", why, sizeof(why)),
			 -EINVAL);
	assert_non_null(strstr(why, "--profile-output needs --profile"));
	aggregator_options_fini(&o);
}

static void outputs_add_up(void **state)
{
	struct aggregator_options o;
	char why[256];

	(void)state;
	assert_int_equal(parse(&o, "-o a?metrics=b,c --output=d --feed=none --http=none", "", why,
			       sizeof(why)),
			 0);
	assert_int_equal(o.outputs.n, 2);
	assert_string_equal(o.outputs.item[0], "a?metrics=b,c");
	assert_null(o.feed);
	assert_null(o.http);
	aggregator_options_fini(&o);
	assert_int_equal(
		parse(&o, "", "PROXTOP_OUTPUT=a b  c;PROXTOP_MAX_HOSTS=5", why, sizeof(why)), 0);
	assert_int_equal(o.outputs.n, 3);
	assert_int_equal(o.max_hosts, 5);
	aggregator_options_fini(&o);
	assert_int_equal(parse(&o, "-o x", "PROXTOP_OUTPUT=a b", why, sizeof(why)), 0);
	assert_int_equal(o.outputs.n, 1);
	aggregator_options_fini(&o);
}

static void refusals(void **state)
{
	static const struct {
		const char *args, *want;
	} cases[] = {
		{"--listen=none", "--listen=none is not possible; allowed: tcp://HOST:PORT"},
		{"--http-key=x", "--http-cert and --http-key belong together: give both"},
		{"--max-hosts=65537",
		 "--max-hosts=65537 is not possible; allowed: a number from 1 to 65536"},
		{"--forget=1s",
		 "--forget=1s is not possible; allowed: a time with ms, s, m, h or d (without: s), "
		 "from 1m to 365d"},
		{"--history-memory=1K", "--history-memory=1K is not possible; allowed: bytes with "
					"K, M, G or T, from 1M to 1T"},
		{"--historie=1m", "unknown option --historie; did you mean --history? "
				  "(proxtop-aggregator --help lists all)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct aggregator_options o;
		char why[256];

		if (parse(&o, cases[i].args, "", why, sizeof(why)) != -22)
			fail_msg("%s: accepted", cases[i].args);
		assert_string_equal(why, cases[i].want);
		aggregator_options_fini(&o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(profiles),
		cmocka_unit_test(outputs_add_up),
		cmocka_unit_test(refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
