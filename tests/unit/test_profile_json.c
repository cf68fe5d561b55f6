/* SPDX-License-Identifier: Apache-2.0 */
/* The document of a profile: what readers of the original see in it, that it comes back as it
 * was, and that what is wrong is said with its place. */
#include "profile_json.h"
#include "profile_kit.h"
#include "profile_number.h"
#include "profile_pack.h"
#include "profile_read.h"

#include <errno.h>
#include <float.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>
#include <jansson.h>

#define CEILING (64u << 20)

static void feed(struct profile *p, const struct profile_settings *s, uint64_t *x, unsigned ticks)
{
	double values[PROFILE_METRICS_MAX];

	for (unsigned t = 0; t < ticks; t++) {
		double scale = t / 150 % 2 ? 20 : 90;

		if (kit_below(x, 100) == 0)
			profile_gap(p, s, kit_below(x, 5));
		for (unsigned m = 0; m < s->n_metrics; m++) {
			values[m] = scale * kit_random(x) - (t % 2 ? 0 : scale / 3);
			if (kit_below(x, 40) == 0)
				values[m] = NAN;
			if (kit_below(x, 400) == 0)
				values[m] *= 1e30;
		}
		profile_put(p, s, values, NULL);
	}
}

static void document(struct buf *b, const char *name, const struct profile *p,
		     const struct profile_settings *s)
{
	buf_clear(b);
	profile_json(b, name, p, s);
	assert_int_equal(b->error, 0);
	buf_byte(b, 0);
	b->used--;
}

static void read_well(struct profile_document *d, const char *text)
{
	char why[200];

	if (profile_read(d, text, strlen(text), why, sizeof(why)))
		fail_msg("%s\nof %.2000s", why, text);
}

/* 0, 0, 1, 0: all of the document, as it is promised. */
static void test_whole_document(void **state)
{
	struct profile_settings s = kit_settings(2, 1);
	struct profile p;
	struct buf b;

	(void)state;
	buf_init(&b, CEILING);
	profile_init(&p, &s);
	for (unsigned i = 0; i < 4; i++)
		profile_put(&p, &s, (const double[]){i == 2 ? 74 : 26}, NULL);
	document(&b, "v\"m", &p, &s);
	assert_string_equal(
		b.data,
		"{\"profile\":{\"name\":\"v\\\"m\",\"roottx\":[{\"metric\":\"m0\",\"transitions\":{"
		"\"0\":{\"nextProbs\":[50,50],\"probability\":67},"
		"\"1\":{\"nextProbs\":[100,0],\"probability\":33}},"
		"\"stats\":{\"min\":26,\"max\":74,\"stddev\":20.784609690826528,\"avg\":38,"
		"\"count\":4,\"filtered\":0,\"squares\":\"1728\"},\"bounds\":[0,50,100],"
		"\"counts\":{\"0\":[1,1],\"1\":[1,0]},\"resume\":{\"states\":4,\"least\":26,"
		"\"greatest\":74,\"last\":26,\"pending\":0,\"values\":0,\"sum\":\"0\","
		"\"head\":[0],\"tail\":[1,0],\"broken\":false}}],"
		"\"periodTree\":{\"root\":{\"maxChilds\":0,\"children\":[],\"txmatrix\":[]}},"
		"\"phases\":{\"phases\":[],\"tx\":{\"metric\":\"phasetx\",\"transitions\":{}}},"
		"\"settings\":{\"states\":2,\"buffersize\":1,\"history\":1,\"filterstddevs\":0,"
		"\"fixbound\":true,\"periodsize\":[],\"phaseChangeLikeliness\":0,"
		"\"phaseChangeHistory\":0,\"fixedbounds\":[[0,100]]},\"schema\":1,\"ticks\":4}}");
	profile_fini(&p, &s);
	buf_fini(&b);
}

/* Every "nextProbs" sums up to 100, and "probability" of all contexts of one length. */
static void check_percents(json_t *transitions, size_t states, unsigned round)
{
	unsigned shares[MARKOV_HISTORY_MAX + 1] = {0};
	const char *key;
	json_t *row, *v;
	size_t i;

	json_object_foreach(transitions, key, row)
	{
		json_t *next = json_object_get(row, "nextProbs");
		unsigned sum = 0, dashes = 0;

		json_array_foreach(next, i, v) sum += (unsigned)json_integer_value(v);
		for (const char *c = key; *c; c++)
			dashes += *c == '-';
		shares[dashes] += (unsigned)json_integer_value(json_object_get(row, "probability"));
		if (sum != 100 || json_array_size(next) != states)
			fail_msg("round %u: context %s sums up to %u", round, key, sum);
	}
	for (unsigned h = 0; h <= MARKOV_HISTORY_MAX; h++)
		if (shares[h] && shares[h] != 100)
			fail_msg("round %u: contexts of %u states: %u percent", round, h + 1,
				 shares[h]);
}

/* The period tree has the settings' shape, each node a matrix for each metric or none. */
static void check_tree(json_t *node, const struct profile_settings *s, unsigned depth,
		       unsigned round)
{
	unsigned children = depth < s->n_periods ? s->period[depth] : 0;
	json_t *list = json_object_get(node, "children"), *v;
	size_t i, n = json_array_size(json_object_get(node, "txmatrix"));

	assert_int_equal(json_integer_value(json_object_get(node, "maxChilds")), children);
	assert_int_equal(json_array_size(list), children);
	if (n && n != s->n_metrics)
		fail_msg("round %u: %zu matrices", round, n);
	json_array_foreach(json_object_get(node, "txmatrix"), i, v)
		check_percents(json_object_get(v, "transitions"), s->markov.states, round);
	json_array_foreach(list, i, v) check_tree(v, s, depth + 1, round);
}

static void check_document(const char *text, const struct profile_settings *s, unsigned round)
{
	json_error_t error;
	json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error), *profile, *v;
	size_t i;

	if (!root)
		fail_msg("round %u: %s", round, error.text);
	assert_null(strpbrk(text, "\n"));
	profile = json_object_get(root, "profile");
	assert_int_equal(json_array_size(json_object_get(profile, "roottx")), s->n_metrics);
	json_array_foreach(json_object_get(profile, "roottx"), i, v)
	{
		assert_string_equal(json_string_value(json_object_get(v, "metric")),
				    s->metric[i].name);
		check_percents(json_object_get(v, "transitions"), s->markov.states, round);
	}
	check_tree(json_object_get(json_object_get(profile, "periodTree"), "root"), s, 0, round);
	v = json_object_get(json_object_get(profile, "phases"), "tx");
	i = json_array_size(json_object_get(json_object_get(profile, "phases"), "phases"));
	check_percents(json_object_get(v, "transitions"), i, round);
	json_decref(root);
}

static void test_comes_back_and_goes_on(void **state)
{
	struct buf one, two;
	uint64_t x = 4711;

	(void)state;
	buf_init(&one, CEILING);
	buf_init(&two, CEILING);
	for (unsigned round = 0; round < 60; round++) {
		struct profile_settings s = kit_random_settings(&x);
		struct profile_document d;
		struct profile p;
		uint64_t y;

		s.markov.filter = kit_below(&x, 3);
		profile_init(&p, &s);
		feed(&p, &s, &x, kit_below(&x, 4) * kit_below(&x, 300));
		document(&one, "vm", &p, &s);
		check_document(one.data, &s, round);
		read_well(&d, one.data);
		assert_string_equal(d.name, "vm");
		assert_false(d.percents_only);
		document(&two, d.name, &d.profile, &d.settings);
		assert_string_equal(one.data, two.data);
		y = x;
		feed(&p, &s, &x, 200);
		feed(&d.profile, &d.settings, &y, 200);
		document(&one, "vm", &p, &s);
		document(&two, "vm", &d.profile, &d.settings);
		assert_string_equal(one.data, two.data);
		buf_clear(&one);
		buf_clear(&two);
		profile_pack(&one, &p, &s);
		profile_pack(&two, &d.profile, &s);
		if (one.used != two.used || memcmp(one.data, two.data, one.used))
			fail_msg("round %u: not the same to the last bit", round);
		profile_fini(&p, &s);
		profile_document_fini(&d);
	}
	buf_fini(&one);
	buf_fini(&two);
}

/* Numbers that JSON readers stumble over. */
static void test_extremes(void **state)
{
	static const double value[] = {0.0, -0.0, 1e308, -1e308, 5e-324, 0.1, NAN, INFINITY};
	struct profile_settings s = kit_settings(4, 1);
	struct profile_document d;
	struct profile p;
	struct buf one, two;

	(void)state;
	s.markov.fixed = false;
	buf_init(&one, CEILING);
	buf_init(&two, CEILING);
	profile_init(&p, &s);
	for (unsigned i = 0; i <= 8; i++) {
		document(&one, "", &p, &s);
		assert_null(strstr(one.data, "nan"));
		assert_null(strstr(one.data, "inf"));
		read_well(&d, one.data);
		buf_clear(&one);
		buf_clear(&two);
		profile_pack(&one, &p, &s);
		profile_pack(&two, &d.profile, &s);
		if (one.used != two.used || memcmp(one.data, two.data, one.used))
			fail_msg("after %u values: not the same", i);
		profile_document_fini(&d);
		if (i < 8)
			profile_put(&p, &s, &value[i], NULL);
	}
	profile_fini(&p, &s);
	buf_fini(&one);
	buf_fini(&two);
}

static void test_nothing_is_no_zero(void **state)
{
	struct profile_settings s = kit_settings(3, 1);
	struct profile p;
	struct buf b;

	(void)state;
	s.markov.fixed = false;
	buf_init(&b, CEILING);
	profile_init(&p, &s);
	document(&b, "", &p, &s);
	assert_non_null(strstr(b.data, "\"transitions\":{},\"stats\":{\"count\":0,\"filtered\":0}"
				       ",\"counts\":{},\"resume\":{\"states\":0,\"pending\""));
	assert_null(strstr(b.data, "bounds\":["));
	profile_fini(&p, &s);
	buf_fini(&b);
}

static void percents(const uint64_t *count, unsigned n, const uint8_t *wanted)
{
	uint8_t got[8];

	number_percents(count, n, got);
	for (unsigned i = 0; i < n; i++)
		if (got[i] != wanted[i])
			fail_msg("share %u of %u: %u, not %u", i, n, got[i], wanted[i]);
}

static void test_percents(void **state)
{
	(void)state;
	percents((const uint64_t[]){1, 1, 1}, 3, (const uint8_t[]){34, 33, 33});
	percents((const uint64_t[]){0, 0}, 2, (const uint8_t[]){0, 0});
	percents((const uint64_t[]){0, 7, 0}, 3, (const uint8_t[]){0, 100, 0});
	percents((const uint64_t[]){1, 2, 3}, 3, (const uint8_t[]){17, 33, 50});
	percents((const uint64_t[]){1, 999}, 2, (const uint8_t[]){0, 100});
	percents((const uint64_t[]){INT64_MAX, INT64_MAX, 1}, 3, (const uint8_t[]){50, 50, 0});
}

static void test_numbers(void **state)
{
	uint64_t x = 3;
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (unsigned i = 0; i < 100000; i++) {
		double v = ldexp(kit_random(&x) - 0.5, (int)kit_below(&x, 2000) - 1000);
		long double w = (long double)v * v + kit_random(&x), again;

		buf_clear(&b);
		number_put(&b, v);
		buf_byte(&b, 0);
		if (strtod(b.data, NULL) != v)
			fail_msg("%a is written %s", v, b.data);
		buf_clear(&b);
		number_put_long(&b, w);
		b.data[b.used - 1] = 0;
		if (!number_read_long(b.data + 1, &again) || again != w)
			fail_msg("%La is written %s", w, b.data);
	}
	buf_clear(&b);
	number_put(&b, INFINITY);
	buf_byte(&b, 0);
	assert_true(strtod(b.data, NULL) == DBL_MAX);
	buf_fini(&b);
}

/* ---- what is wrong ---- */

/* A document in which `from` is replaced by `to`. */
static char *changed(const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);
	char *ret = malloc(strlen(text) + strlen(to) + 1);

	if (!at)
		fail_msg("there is no %s in %s", from, text);
	memcpy(ret, text, (size_t)(at - text));
	strcpy(ret + (at - text), to);
	strcat(ret, at + strlen(from));
	return ret;
}

static void refused(const char *text, int err, const char *wanted)
{
	char why[200] = "";
	struct profile_document d;
	int got = profile_read(&d, text, strlen(text), why, sizeof(why));

	if (got != err || !strstr(why, wanted) || strchr(why, '\n'))
		fail_msg("error %d, \"%s\"; wanted %d, \"%s\"", got, why, err, wanted);
}

static void test_refused(void **state)
{
	static const struct {
		const char *from, *to, *why;
	} wrong[] = {
		{"\"counts\":{\"0\":[", "\"counts\":{\"0\":[1", "roottx[0]: does not add up"},
		{"\"counts\":{\"0\":[", "\"counts\":{\"0\":[-", "roottx[0].counts: a row"},
		{"\"counts\":{\"0\":[", "\"counts\":{\"0\":[1,", "roottx[0].counts: a row"},
		{"\"counts\":{\"0\":[", "\"counts\":{\"3\":[", "roottx[0].counts: a key"},
		{"\"counts\":{\"0\":[", "\"counts\":{\"00\":[", "roottx[0].counts: a key"},
		{"\"counts\":{\"0\":[", "\"counts\":{\"0-0-0\":[", "roottx[0].counts: a key"},
		{"\"metric\":\"m1\"", "\"metric\":\"m0\"", "roottx[1].metric: there is one"},
		{"\"metric\":\"m1\"", "\"metric\":\"\"", "roottx[1].metric: a name"},
		{"\"metric\":\"m1\"", "\"metric\":1", "roottx[1].metric: a string"},
		{"\"states\":3", "\"states\":1", "settings: states: 2 to 64"},
		{"\"states\":3", "\"states\":4000000000", "settings.states: 0 to 64"},
		{"\"states\":3", "\"states\":2", "roottx[0].counts: a row"},
		{"\"history\":2", "\"history\":-1", "settings.history: 0 to 4"},
		{"\"buffersize\":1", "\"buffersize\":1.5", "settings.buffersize: a whole number"},
		{"\"periodsize\":[2,2]", "\"periodsize\":[2,3]", "periodTree.root[0].children"},
		{"\"periodsize\":[2,2]", "\"periodsize\":[1024,1024]", "settings: periods:"},
		{"\"phaseChangeHistory\":5", "\"phaseChangeHistory\":5000000000",
		 "settings.phaseChangeHistory"},
		{"\"phaseChangeHistory\":5", "\"phaseChangeHistory\":2", "window"},
		{"\"schema\":1", "\"schema\":2", "schema: 1 is what"},
		{"\"pending\":0", "\"pending\":1", "roottx[0].resume.pending: 0 to 0"},
		{"\"head\":[", "\"head\":[9,", "roottx[0].resume.head"},
		{"\"filtered\":0", "\"filtered\":99999999", "roottx[0].stats.filtered"},
		{"\"squares\":\"", "\"squares\":\"x", "roottx[0].stats.squares"},
		{"\"squares\":\"", "\"squares\":\"1e9999", "roottx[0].stats.squares"},
		{"\"current\":", "\"current\":1", "phases.current"},
		{"\"window\":[[", "\"window\":[[7,", "phases.window"},
		{"\"roottx\":[", "\"roottx\":[],\"x\":[", "roottx: 1 to 64"},
		{"\"name\":\"vm\"", "\"name\":\"vm\",\"name\":\"vm\"", "line 1, column"},
		{"\"name\":\"vm\"", "\"name\":7", "name: a string"},
		{"\"ticks\":", "\"ticks\":-", "ticks: 0 to"},
		{"\"profile\":{", "\"profile\":3,\"x\":{", "profile: an object"},
	};
	struct profile_settings s = kit_settings(3, 2);
	struct profile p;
	uint64_t x = 8;
	struct buf b;

	(void)state;
	s.markov.history = 2;
	s.n_periods = 2;
	s.period[0] = s.period[1] = 2;
	s.phase_likeliness = 0.5;
	s.phase_history = 5;
	buf_init(&b, CEILING);
	profile_init(&p, &s);
	for (unsigned i = 0; i < 500; i++)
		profile_put(&p, &s, (const double[]){100 * kit_random(&x), 50}, NULL);
	document(&b, "vm", &p, &s);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		char *text = changed(b.data, wrong[i].from, wrong[i].to);

		refused(text, strstr(wrong[i].to, "schema") ? -EPROTO : -EBADMSG, wrong[i].why);
		free(text);
	}
	profile_fini(&p, &s);
	buf_fini(&b);
}

static void test_not_even_json(void **state)
{
	char *deep = malloc(200001);
	struct profile_document d;
	char why[100];

	(void)state;
	memset(deep, '[', 200000);
	deep[200000] = 0;
	refused("", -EBADMSG, "line");
	refused("{\"profile\":", -EBADMSG, "line 1");
	refused("[]", -EBADMSG, "an object");
	refused("{}", -EBADMSG, "roottx: is missing");
	refused("\x01\n\xff", -EBADMSG, "line 1");
	refused(deep, -EBADMSG, "line 1");
	assert_int_equal(profile_read(&d, deep, PROFILE_DOCUMENT_MAX + 1u, why, sizeof(why)),
			 -EFBIG);
	free(deep);
}

/* As the original writes it: no counts, percents that do not quite sum up, nulls. */
static void test_of_the_original(void **state)
{
	static const char text[] =
		"{\"name\":\"csv2tsprofile\",\"roottx\":[{\"metric\":\"a\",\"transitions\":{"
		"\"0\":{\"nextProbs\":[96,4,0],\"probability\":12},"
		"\"2\":{\"nextProbs\":[33,33,33],\"probability\":88}},\"stats\":{\"min\":0,"
		"\"max\":60,\"stddev\":2,\"avg\":30.5,\"count\":2424,\"stddevsum\":0}},"
		"{\"metric\":\"b\",\"transitions\":null,\"stats\":{\"min\":0,\"max\":0,"
		"\"stddev\":0,\"avg\":0,\"count\":0}}],\"periodTree\":{\"root\":{\"UUID\":878,"
		"\"maxChilds\":0,\"maxCounts\":0,\"children\":[],\"txmatrix\":[]}},\"phases\":{"
		"\"phases\":[null],\"tx\":{\"metric\":\"\",\"transitions\":null}},\"settings\":{"
		"\"buffersize\":1,\"states\":3,\"history\":1,\"filterstddevs\":-1,"
		"\"fixbound\":true,\"periodsize\":[],\"phaseChangeLikeliness\":0,"
		"\"phaseChangeHistory\":1}}";
	struct profile_document d;
	const uint32_t *cell;
	char *wrong, *right;

	(void)state;
	read_well(&d, text);
	assert_true(d.percents_only);
	assert_string_equal(d.name, "csv2tsprofile");
	cell = d.profile.metric[0].counts.cell;
	assert_int_equal(cell[0], 1152);
	assert_int_equal(cell[1], 48);
	assert_int_equal(cell[8], 88 * 33);
	assert_int_equal(d.profile.metric[0].counts.transitions, 1200 + 3 * 88 * 33);
	assert_true(markov_state_begin(&d.profile.metric[0], 3) == 60);
	assert_true(markov_deviation(&d.profile.metric[0].stats) == 2);
	assert_int_equal(d.profile.metric[1].counts.transitions, 0);
	profile_document_fini(&d);
	/* Rounded, contexts of two states are more often than those of one. */
	wrong = changed(text, "\"probability\":12}",
			"\"probability\":12},\"0-0\":{\"nextProbs\":["
			"100,0,0],\"probability\":99}");
	right = changed(wrong, "\"history\":1", "\"history\":2");
	read_well(&d, right);
	assert_int_equal(d.profile.metric[0].counts.transitions, 1200 + 3 * 88 * 33);
	profile_document_fini(&d);
	refused(wrong, -EBADMSG, "roottx[0].transitions: a key");
	free(wrong);
	free(right);
	wrong = changed(text, "[96,4,0]", "[96,4]");
	refused(wrong, -EBADMSG, "roottx[0].transitions.0.nextProbs");
	free(wrong);
	wrong = changed(text, "\"probability\":12", "\"probability\":101");
	refused(wrong, -EBADMSG, "roottx[0].transitions.0.probability: 0 to 100");
	free(wrong);
	wrong = changed(text, "\"max\":60", "\"max\":-60");
	refused(wrong, -EBADMSG, "roottx[0].stats: the least");
	free(wrong);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_document),
		cmocka_unit_test(test_comes_back_and_goes_on),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_nothing_is_no_zero),
		cmocka_unit_test(test_percents),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_not_even_json),
		cmocka_unit_test(test_of_the_original),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
