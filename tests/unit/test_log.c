/* SPDX-License-Identifier: Apache-2.0 */
/* Lines as people see them: levels, said once, whole, and harmless to a terminal. */
#include "log.h"

#include "capture.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static struct capture c;

static void said(const char *want)
{
	char *have = capture_text(&c);
	int differs = strcmp(have, want);
	char shown[256];

	snprintf(shown, sizeof(shown), "%s", have);
	free(have);
	capture_end(&c);
	if (differs)
		fail_msg("said \"%s\", not \"%s\"", shown, want);
}

static void test_levels(void **state)
{
	enum log_level level = LOG_ERROR;

	(void)state;
	capture_begin(&c);
	log_error("e %d", 1);
	log_warning("w");
	log_notice("n");
	log_debug("not wanted");
	log_set_level(LOG_DEBUG);
	log_debug("d");
	log_set_level(LOG_ERROR);
	log_warning("not wanted");
	log_set_level(LOG_NOTICE);
	said("proxtop: error: e 1\nproxtop: warning: w\nproxtop: n\nproxtop: debug: d\n");

	assert_int_equal(log_level_parse("debug", &level), 0);
	assert_int_equal(level, LOG_DEBUG);
	assert_int_equal(log_level_parse("", &level), -EINVAL);
	assert_int_equal(log_level_parse("Debug", &level), -EINVAL);
	assert_int_equal(level, LOG_DEBUG);
}

static void test_harmless(void **state)
{

	(void)state;
	capture_begin(&c);
	log_notice("VM \"%s\"", "a\x1b[2J\nproxtop: error: forged\r\x7f\t");
	log_notice("%s", "caf\xc3\xa9 \xc2\x9b"
			 "31m \xff\xe2\x82");
	log_notice("a line end of its own\n");
	said("proxtop: VM \"a?[2J?proxtop: error: forged???\"\n"
	     "proxtop: caf\xc3\xa9 ??31m ???\n"
	     "proxtop: a line end of its own\n");
}

static void test_program(void **state)
{
	(void)state;
	capture_begin(&c);
	log_set_program("proxtop-agent");
	log_error("e");
	log_notice("n");
	log_set_program("proxtop");
	log_notice("n");
	said("proxtop-agent: error: e\nproxtop-agent: n\nproxtop: n\n");
}

static void test_errno_stays(void **state)
{

	(void)state;
	capture_begin(&c);
	errno = ENOENT;
	log_notice("%m");
	assert_int_equal(errno, ENOENT);
	said("proxtop: No such file or directory\n");
}

/* One line of bounded length, cut between characters. */
static void test_long(void **state)
{
	char name[8192], *text;

	(void)state;
	for (int shift = 0; shift < 3; shift++) {
		memset(name, 'a', sizeof(name));
		for (size_t i = (size_t)shift; i + 3 < sizeof(name); i += 3)
			memcpy(name + i, "\xe2\x82\xac", 3);
		name[sizeof(name) - 1] = '\0';
		capture_begin(&c);
		log_warning("%s", name);
		text = capture_text(&c);
		capture_end(&c);
		assert_in_range(strlen(text), 1000, 2048);
		assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
		assert_string_equal(text + strlen(text) - 5, " ...\n");
		if (strchr(text, '?'))
			fail_msg("shift %d: cut inside a character", shift);
		free(text);
	}
}

static void test_once(void **state)
{

	(void)state;
	capture_begin(&c);
	assert_int_equal(log_once(LOG_WARNING, "a", "a %d", 1), 1);
	assert_int_equal(log_once(LOG_WARNING, "a", "a %d", 2), 0);
	assert_int_equal(log_once(LOG_WARNING, "b", "b"), 1);
	log_over("a", "a is over");
	log_over("a", "not said");
	log_over("never", "not said");
	assert_int_equal(log_once(LOG_WARNING, "a", "a %d", 3), 1);
	log_over("a", NULL);
	log_over("b", NULL);
	/* Not said because of the level is not said, so it cannot be over either. */
	assert_int_equal(log_once(LOG_DEBUG, "d", "not wanted"), 0);
	log_over("d", "not said");
	said("proxtop: warning: a 1\nproxtop: warning: b\nproxtop: a is over\n"
	     "proxtop: warning: a 3\n");
}

static void test_many_keys(void **state)
{
	char key[32];
	int first = 0, again = 0;

	(void)state;
	capture_begin(&c);
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		first += log_once(LOG_NOTICE, key, "x");
		again += log_once(LOG_NOTICE, key, "x");
	}
	/* One place is free again. */
	log_over("key 17", NULL);
	first += log_once(LOG_NOTICE, "key 1999", "x");
	for (int i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		log_over(key, NULL);
	}
	capture_end(&c);
	assert_int_equal(first, 1025);
	assert_int_equal(again, 0);
}

#define THREADS 4
#define LINES   500

static void *talk(void *arg)
{
	char text[900];
	int *mine = arg, once = 0;

	memset(text, 'a' + *mine, sizeof(text));
	text[sizeof(text) - 1] = '\0';
	for (int i = 0; i < LINES; i++) {
		log_notice("%s", text);
		once += log_once(LOG_NOTICE, "shared", "one of us");
	}
	*mine = once;
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t thread[THREADS];
	int arg[THREADS], once = 0, lines = 0, mixed = 0;
	char *text, *rest, *line;

	(void)state;
	capture_begin(&c);
	for (int i = 0; i < THREADS; i++) {
		arg[i] = i;
		pthread_create(&thread[i], NULL, talk, &arg[i]);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(thread[i], NULL);
		once += arg[i];
	}
	text = rest = capture_text(&c);
	capture_end(&c);
	log_over("shared", NULL);
	while ((line = strsep(&rest, "\n")) && *line) {
		const char *s = line + strlen("proxtop: ");

		lines++;
		if (strncmp(line, "proxtop: ", 9))
			mixed++;
		else if (strcmp(s, "one of us") &&
			 (strlen(s) != 899 || strspn(s, (char[]){*s, 0}) != 899))
			mixed++;
	}
	free(text);
	assert_int_equal(once, 1);
	assert_int_equal(mixed, 0);
	assert_int_equal(lines, THREADS * LINES + 1);
}

static int end(void **state)
{
	(void)state;
	capture_end(&c);
	return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_levels),      TEST(test_harmless), TEST(test_program),
		TEST(test_errno_stays), TEST(test_long),     TEST(test_once),
		TEST(test_many_keys),   TEST(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
