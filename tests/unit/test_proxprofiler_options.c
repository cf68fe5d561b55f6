/* SPDX-License-Identifier: Apache-2.0 */
/* What proxprofiler's options make of a command line. */
#include "proxprofiler_options.h"

#include "sink.h"
#include "vm_values.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define WORDS_MAX 32

struct parsed {
	struct proxprofiler_options o;
	char *line;
	char why[512];
	int r;
};

/* The words of a line, after the program's name; they must live as long as the options. */
static void parse(struct parsed *p, const char *line, char *const *envp)
{
	static char *const none[] = {NULL};
	char *argv[WORDS_MAX + 2] = {"proxprofiler"}, *save = NULL;
	int argc = 1;

	p->line = strdup(line);
	for (char *w = strtok_r(p->line, " ", &save); w && argc < WORDS_MAX;
	     w = strtok_r(NULL, " ", &save))
		argv[argc++] = w;
	p->r = proxprofiler_options_parse(&p->o, argc, argv, envp ? envp : none, p->why,
					  sizeof(p->why));
}

static void end(struct parsed *p)
{
	proxprofiler_options_fini(&p->o);
	free(p->line);
}

static void parse_fine(struct parsed *p, const char *line)
{
	parse(p, line, NULL);
	if (p->r)
		fail_msg("%s: %s", line, p->why);
}

static void defaults_are_the_originals(void **state)
{
	struct parsed p;
	struct profile_settings s;

	(void)state;
	parse_fine(&p, "");
	proxprofiler_settings(&s, &p.o);
	assert_int_equal(s.markov.states, 4);
	assert_int_equal(s.markov.history, 1);
	assert_int_equal(s.markov.buffersize, 10);
	assert_true(s.markov.filter == -1);
	assert_false(s.markov.fixed);
	assert_int_equal(s.n_periods, 0);
	assert_true(s.phase_likeliness == 0);
	assert_true(p.o.output_ns == UINT64_C(60000000000));
	assert_int_equal(p.o.base.families & VM_VALUES_FAMILIES, VM_VALUES_USUAL);
	assert_string_equal(printer_choices[p.o.base.printer], "json");
	assert_string_equal(sink_outputs[p.o.base.output], "stdout");
	end(&p);
}

/* Every default is one of the values that are allowed, or it would not be there. */
static void every_default_is_allowed(void **state)
{
	const struct option_table *t = &proxprofiler_options_table;

	(void)state;
	for (size_t i = 0; i < t->n; i++) {
		struct proxprofiler_options o = {0};
		char why[256] = "";
		struct option_parse p = {
			.table = t, .into = &o, .why = why, .why_size = sizeof(why)};

		if (t->rows[i].fallback && option_set(&p, &t->rows[i], FROM_COMMAND_LINE,
						      t->rows[i].name, t->rows[i].fallback))
			fail_msg("--%s: %s", t->rows[i].name, why);
	}
}

static void the_originals_command_line(void **state)
{
	struct parsed p;
	struct profile_settings s;

	(void)state;
	parse_fine(&p, "--cpu --net --io --printer=json --output=tcp --target=192.0.2.1:5000 "
		       "--states=4 --history=1 --outputFreq=60s");
	assert_string_equal(sink_outputs[p.o.base.output], "tcp");
	assert_string_equal(p.o.base.target, "192.0.2.1:5000");
	end(&p);
	parse_fine(&p, "--mem --disk --states=8 --buffersize 3 --history=2 --filterstddevs=2.5 "
		       "--fixedbound --periodsize=2,4 --outputFreq=5m --phase-likeliness=0.25 "
		       "--phase-history=7 -f 0.5");
	proxprofiler_settings(&s, &p.o);
	assert_int_equal(s.markov.states, 8);
	assert_int_equal(s.markov.history, 2);
	assert_int_equal(s.markov.buffersize, 3);
	assert_true(s.markov.filter == 2.5);
	assert_true(s.markov.fixed);
	assert_int_equal(s.n_periods, 2);
	assert_int_equal(s.period[0], 2);
	assert_int_equal(s.period[1], 4);
	assert_true(s.phase_likeliness == 0.25);
	assert_int_equal(s.phase_history, 7);
	assert_true(p.o.output_ns == UINT64_C(300000000000));
	assert_int_equal(p.o.base.families & VM_VALUES_FAMILIES, 1u << F_MEM | 1u << F_DISK);
	end(&p);
}

static void how_often(void **state)
{
	static const struct {
		const char *line;
		uint64_t ns;
	} cases[] = {
		{"--outputFreq=60", UINT64_C(60000000000)},
		{"--outputFreq=60s", UINT64_C(60000000000)},
		{"--outputFreq=5m", UINT64_C(300000000000)},
		{"--outputFreq 1h", UINT64_C(3600000000000)},
		{"--outputFreq=500ms", UINT64_C(500000000)},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct parsed p;

		parse_fine(&p, cases[i].line);
		if (p.o.output_ns != cases[i].ns || !p.o.output_given)
			fail_msg("%s: %lu ns", cases[i].line, p.o.output_ns);
		end(&p);
	}
}

static void from_the_environment(void **state)
{
	char *const env[] = {"PROXPROFILER_STATES=6", "PROXPROFILER_OUTPUTFREQ=5m",
			     "PROXPROFILER_NET=yes", "PROXTOP_STATES=9", NULL};
	struct parsed p;

	(void)state;
	parse(&p, "--cpu", env);
	assert_int_equal(p.r, 0);
	assert_int_equal(p.o.states, 6);
	assert_true(p.o.output_ns == UINT64_C(300000000000));
	assert_int_equal(p.o.base.families & VM_VALUES_FAMILIES, 1u << F_CPU | 1u << F_NET);
	end(&p);
}

static void uses(void **state)
{
	struct parsed p;

	(void)state;
	parse_fine(&p, "--compare a.json b.json");
	assert_string_equal(p.o.compare, "a.json");
	assert_string_equal(p.o.operands.item[0], "b.json");
	end(&p);
	parse_fine(&p, "--input=x.csv --predict=30");
	assert_int_equal(p.o.predict, 30);
	end(&p);
	parse_fine(&p, "--input=- --simulate=1000 --seed=7");
	assert_string_equal(p.o.input, "-");
	assert_int_equal(p.o.simulate, 1000);
	assert_int_equal(p.o.seed, 7);
	end(&p);
	parse_fine(&p, "--input=x --fixedbound --fixedmin=-1e3 --fixedmax=1e300");
	assert_true(p.o.fixed_min == -1000 && p.o.fixed_max == 1e300);
	end(&p);
}

static void what_has_no_use_is_noted(void **state)
{
	struct parsed p;

	(void)state;
	parse_fine(&p, "--replay=r --procfs=/p --key-file=k --target=t");
	assert_string_equal(p.o.base.unused, "--procfs, --key-file");
	assert_true(p.o.base.target_unused);
	end(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults_are_the_originals),
		cmocka_unit_test(every_default_is_allowed),
		cmocka_unit_test(the_originals_command_line),
		cmocka_unit_test(how_often),
		cmocka_unit_test(from_the_environment),
		cmocka_unit_test(uses),
		cmocka_unit_test(what_has_no_use_is_noted),
	};

	return cmocka_run_group_tests_name("proxprofiler_options", tests, NULL, NULL);
}
