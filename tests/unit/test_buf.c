/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers against the C library's printf, strings against what the formats allow, the
 * ceiling, and what happens when memory is gone. */
#include "buf.h"
#include "digits.h"

#include "capture.h"
#include "xalloc.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/wait.h>

#include <cmocka.h>

/* Allocations that are too large shall fail as without a sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

static struct buf b;

static void is(const char *what, const char *want)
{
	if (b.used != strlen(want) || memcmp(b.data, want, b.used))
		fail_msg("%s: \"%.*s\", not \"%s\"", what, (int)b.used, b.data, want);
	buf_clear(&b);
}

static int setup(void **state)
{
	(void)state;
	buf_init(&b, 1u << 20);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	buf_fini(&b);
	return 0;
}

static void test_u64(void **state)
{
	uint64_t v = 1;
	char text[32];

	(void)state;
	buf_u64(&b, 0);
	is("0", "0");
	buf_u64(&b, UINT64_MAX);
	is("the largest", "18446744073709551615");
	/* All lengths, at their edges. */
	for (int i = 0; i < 20; i++, v *= 10) {
		for (int d = -1; d <= 1; d++) {
			snprintf(text, sizeof(text), "%llu", (unsigned long long)(v + (uint64_t)d));
			buf_u64(&b, v + (uint64_t)d);
			is("a power of ten", text);
		}
	}
}

static void test_double_known(void **state)
{
	static const struct {
		double v;
		unsigned decimals;
		const char *want;
	} cases[] = {
		{0, 2, "0"},
		{-0.0, 2, "0"},
		{1.5, 0, "2"}, /* ties go to the even digit */
		{2.5, 0, "2"},
		{0.125, 2, "0.12"},
		{0.375, 2, "0.38"},
		{-1.25, 3, "-1.25"},
		{-0.0004, 3, "0"},   /* no "-0" */
		{99.9996, 3, "100"}, /* the carry goes on */
		{1e-300, 6, "0"},
		{5e-324, 6, "0"},
		{1.1, 9, "1.1"}, /* at most 6 */
		{999999999999999.0, 3, "999999999999999"},
		{1e15, 3, "1000000000000000"}, /* no decimals from here on */
		{1000000000000000.5, 3, "1000000000000000"},
		{9007199254740993.0, 0, "9007199254740992"},
		{1.8e19, 2, "18000000000000000000"},
		{-1.8e19, 2, "-18000000000000000000"},
		{1e22, 2, "10000000000000000000000"},
		{NAN, 2, "null"}, /* a mistake of the caller's: valid JSON all the same */
		{INFINITY, 2, "null"},
		{-INFINITY, 2, "null"},
	};
	char what[64];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		snprintf(what, sizeof(what), "case %zu (%g)", i, cases[i].v);
		buf_double(&b, cases[i].v, cases[i].decimals);
		is(what, cases[i].want);
	}
	buf_double(&b, -1.7976931348623157e308, 0);
	assert_int_equal(b.used, 310);
}

static uint64_t next_random(void)
{
	static uint64_t x = 88172645463325252u;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

static double random_double(int kind)
{
	uint64_t bits = next_random();
	double v;

	switch (kind) {
	case 0: /* any bit pattern */
		memcpy(&v, &bits, sizeof(v));
		return isfinite(v) ? v : 0;
	case 1: /* ties in binary */
		return (double)(bits % 1000000) / 64.0;
	case 2: /* near ties in decimal */
		return (double)(bits % 1000000) / 2000.0;
	case 3: /* rates and percents */
		return (double)(int64_t)bits / 1e13;
	case 6: /* around powers of ten, where numbers get a digit more */
		v = pow(10, (double)(bits % 16));
		return v + ((double)(bits >> 32) / 4294967296.0 - 0.5) * (bits & 16 ? 1 : 1e-5);
	default: /* around 1e15 and 2^64 */
		return (double)bits * (kind == 4 ? 1.0 : 1e-4);
	}
}

/* printf rounds the exact value half to even: the same is asked for here. */
static void test_double_as_printf(void **state)
{
	char want[400], what[64];

	(void)state;
	for (int i = 0; i < 200000; i++) {
		double v = random_double(i % 7);
		unsigned decimals = (unsigned)(i / 7) % 7;

		snprintf(want, sizeof(want), "%.*f", fabs(v) >= 1e15 ? 0 : (int)decimals, v);
		if (*want == '-' && strspn(want + 1, "0.") == strlen(want + 1))
			memmove(want, want + 1, strlen(want));
		snprintf(what, sizeof(what), "%a with %u decimals", v, decimals);
		if (strchr(want, '.')) {
			size_t n = strlen(want);

			while (want[n - 1] == '0')
				n--;
			want[want[n - 1] == '.' ? n - 1 : n] = '\0';
		}
		if (!strcmp(want, "-0"))
			strcpy(want, "0");
		buf_double(&b, v, decimals);
		is(what, want);
	}
}

#define BAD "\xef\xbf\xbd"

static const struct {
	const char *what, *in, *json, *tsv;
} strings[] = {
	{"empty", "", "", ""},
	{"plain", "web01", "web01", "web01"},
	{"quotes", "a\"b\\c/d", "a\\\"b\\\\c/d", "a\"b\\\\c/d"},
	{"short escapes", "\b\t\n\f\r", "\\b\\t\\n\\f\\r", "\\x08\\t\\n\\x0c\\x0d"},
	{"controls", "\x01\x1f\x7f", "\\u0001\\u001f\\u007f", "\\x01\\x1f\\x7f"},
	{"C1", "a\xc2\x80\xc2\x9f\xc2\xa0", "a\\u0080\\u009f\xc2\xa0",
	 "a\\xc2\\x80\\xc2\\x9f\xc2\xa0"},
	{"2 bytes", "\xc3\xa9", "\xc3\xa9", "\xc3\xa9"},
	{"3 bytes", "\xe2\x82\xac", "\xe2\x82\xac", "\xe2\x82\xac"},
	{"4 bytes", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
	{"the last one", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
	{"before surrogates", "\xed\x9f\xbf", "\xed\x9f\xbf", "\xed\x9f\xbf"},
	{"after surrogates", "\xee\x80\x80", "\xee\x80\x80", "\xee\x80\x80"},
	{"above U+10FFFF", "\xf4\x90\x80\x80", BAD BAD BAD BAD, "\\xf4\\x90\\x80\\x80"},
	{"surrogate", "\xed\xa0\x80z", BAD BAD BAD "z", "\\xed\\xa0\\x80z"},
	{"overlong 2", "\xc0\xaf", BAD BAD, "\\xc0\\xaf"},
	{"overlong 2b", "\xc1\xbf", BAD BAD, "\\xc1\\xbf"},
	{"overlong 3", "\xe0\x9f\xbf", BAD BAD BAD, "\\xe0\\x9f\\xbf"},
	{"overlong 4", "\xf0\x8f\xbf\xbf", BAD BAD BAD BAD, "\\xf0\\x8f\\xbf\\xbf"},
	{"5 bytes", "\xf8\x88\x80\x80\x80", BAD BAD BAD BAD BAD, "\\xf8\\x88\\x80\\x80\\x80"},
	{"fe ff", "\xfe\xff", BAD BAD, "\\xfe\\xff"},
	{"lone continuation", "a\x80z", "a" BAD "z", "a\\x80z"},
	{"cut 2", "\xc3", BAD, "\\xc3"},
	{"cut 3", "\xe2\x82", BAD BAD, "\\xe2\\x82"},
	{"cut 4", "\xf0\x9f\x98", BAD BAD BAD, "\\xf0\\x9f\\x98"},
	{"cut by a quote", "\xe2\x82\"", BAD BAD "\\\"", "\\xe2\\x82\""},
	{"cut by another", "\xe2\xc3\xa9", BAD "\xc3\xa9", "\\xe2\xc3\xa9"},
};

static void test_strings(void **state)
{
	char want[128];

	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		snprintf(want, sizeof(want), "\"%s\"", strings[i].json);
		buf_json_string(&b, strings[i].in);
		is(strings[i].what, want);
		buf_tsv_string(&b, strings[i].in);
		is(strings[i].what, strings[i].tsv);
	}
}

/* Whatever stands at whatever place: what eight bytes at a time make of it, and what is made
 * when just the string may be read, each in memory of its own that ends there. */
static void test_string_places(void **state)
{
	static const char behind[] = "\"\\\xff\x01 plain";
	char what[64], want[128];

	(void)state;
	for (size_t i = 0; i < sizeof(strings) / sizeof(*strings); i++) {
		for (int before = 0; before < 18; before++) {
			int after = 17 - before;
			char *s = xasprintf("%.*s%s%.*s", before, "abcdefghijklmnopqr",
					    strings[i].in, after, " ~!#[]^/0123456789"),
			     *t;
			size_t n = strlen(s) + 1;

			snprintf(what, sizeof(what), "%s at %d", strings[i].what, before);
			snprintf(want, sizeof(want), "\"%.*s%s%.*s\"", before, "abcdefghijklmnopqr",
				 strings[i].json, after, " ~!#[]^/0123456789");
			t = xcalloc(1, n + sizeof(behind));
			memcpy(t, s, n);
			memcpy(t + n, behind, sizeof(behind));
			for (size_t more = 0; more <= sizeof(behind); more++) {
				buf_json_string_in(&b, t, n + more);
				is(what, want);
			}
			buf_json_string(&b, s);
			is(what, want);
			free(s);
			free(t);
		}
	}
}

static void test_ceiling(void **state)
{
	struct buf small;

	(void)state;
	buf_init(&small, 100);
	for (int i = 0; i < 100; i++)
		buf_byte(&small, 'x');
	assert_int_equal(small.error, 0);
	assert_int_equal(small.used, 100);
	buf_byte(&small, 'y');
	assert_int_equal(small.error, -EMSGSIZE);
	assert_int_equal(small.used, 100);
	/* The first error stays, even when there would be room. */
	small.used = 10;
	buf_lit(&small, "z");
	assert_int_equal(small.used, 10);
	buf_clear(&small);
	buf_lit(&small, "again");
	assert_int_equal(small.error, 0);
	assert_memory_equal(small.data, "again", 5);
	/* A length that would wrap around. */
	assert_null(buf_room(&small, SIZE_MAX - 2));
	assert_int_equal(small.error, -EMSGSIZE);
	buf_fini(&small);

	buf_init(&small, 0);
	buf_put(&small, NULL, 0);
	assert_int_equal(small.error, 0);
	buf_byte(&small, 'x');
	assert_int_equal(small.error, -EMSGSIZE);
	buf_fini(&small);
}

/* The longest numbers, in memory that ends where their room does. */
static void test_digits_room(void **state)
{
	struct buf tight;

	(void)state;
	buf_init(&tight, DIGITS_ROOM);
	for (unsigned decimals = 0; decimals <= DECIMALS_MAX; decimals++) {
		buf_clear(&tight);
		buf_u64(&tight, UINT64_MAX - decimals);
		assert_int_equal(tight.used, 20);
		buf_clear(&tight);
		buf_double(&tight, -9998.123456, decimals);
		assert_int_equal(tight.used, decimals ? 5 + 1 + decimals : 5);
		buf_clear(&tight);
		buf_double(&tight, -99999999.123456, decimals);
		assert_int_equal(tight.used, decimals ? 9 + 1 + decimals : 9);
		buf_clear(&tight);
		buf_double(&tight, -999999999999999.875, decimals);
		assert_int_equal(tight.error, 0);
	}
	buf_u64(&tight, 1);
	assert_int_equal(tight.error, -EMSGSIZE);
	buf_fini(&tight);
}

static void test_growth_keeps(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		buf_byte(&b, (char)('a' + i % 26));
	assert_int_equal(b.used, 100000);
	for (unsigned i = 0; i < b.used; i++)
		if (b.data[i] != (char)('a' + i % 26))
			fail_msg("byte %u is %d", i, b.data[i]);
}

static void test_xalloc(void **state)
{
	char *s = xstrdup("ab"), *t = xstrndup("abc", 2), *u = xasprintf("%s-%d", "a", 7);
	unsigned char *zero = xcalloc(3, 5);

	(void)state;
	assert_string_equal(s, "ab");
	assert_string_equal(t, "ab");
	assert_string_equal(u, "a-7");
	for (int i = 0; i < 15; i++)
		assert_int_equal(zero[i], 0);
	assert_null(xstrdup(NULL));
	assert_null(xstrndup(NULL, 3));
	s = xrealloc(s, 100, 10);
	assert_string_equal(s, "ab");
	free(s);
	free(t);
	free(u);
	free(zero);
	/* Nothing asked for is not an error. */
	s = xcalloc(0, 8);
	assert_non_null(s);
	s = xrealloc(s, 0, 8);
	assert_non_null(s);
	free(s);
}

static void gone(const char *what, int kind)
{
	volatile size_t many = SIZE_MAX / 2;
	struct capture c;
	int status;
	bool said;
	pid_t pid;

	capture_begin(&c);
	pid = fork();
	if (pid == 0) {
		void *p = kind ? xrealloc(NULL, many, 4) : xcalloc(many, 1);

		_exit(p ? 42 : 43);
	}
	waitpid(pid, &status, 0);
	said = capture_count(&c, "proxtop: error: out of memory\n") == 1;
	capture_end(&c);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
		fail_msg("%s: ended with %#x", what, (unsigned)status);
	if (!said)
		fail_msg("%s: nothing was said", what);
}

static void test_memory_gone(void **state)
{
	(void)state;
	gone("too much", 0);
	gone("a product that wraps around", 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_u64, setup, teardown),
		cmocka_unit_test_setup_teardown(test_double_known, setup, teardown),
		cmocka_unit_test_setup_teardown(test_double_as_printf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_strings, setup, teardown),
		cmocka_unit_test_setup_teardown(test_string_places, setup, teardown),
		cmocka_unit_test(test_ceiling),
		cmocka_unit_test(test_digits_room),
		cmocka_unit_test_setup_teardown(test_growth_keeps, setup, teardown),
		cmocka_unit_test(test_xalloc),
		cmocka_unit_test(test_memory_gone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
