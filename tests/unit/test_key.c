/* SPDX-License-Identifier: Apache-2.0 */
/* Key files: what is taken, what is refused, by which line, and that no key is ever said. */
#include "seal.h"

#include "capture.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/stat.h>

#include <cmocka.h>

/* 32 bytes of 1, of 2, … */
#define ONE    "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE="
#define TWO    "AgICAgICAgICAgICAgICAgICAgICAgICAgICAgICAgI="
#define SECRET "AQEBAQEBAQEBAQEBAQEB"

static char path[] = "/tmp/test_key.XXXXXX";

static int setup(void **state)
{
	int fd = mkstemp(path);

	(void)state;
	close(fd);
	return fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void write_file(const char *text, size_t n, mode_t mode)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, n, f), n);
	fclose(f);
	assert_int_equal(chmod(path, mode), 0);
}

static int load(struct keyring *k, char why[256], const char *text)
{
	write_file(text, strlen(text), 0600);
	memset(why, 0, 256);
	return keyring_load(k, path, why, 256);
}

static void test_taken(void **state)
{
	static const struct {
		const char *text;
		unsigned n;
	} files[] = {
		{ONE, 1},
		{ONE "\n", 1},
		{ONE "\r\n", 1},
		{"  \t" ONE " \n\n", 1},
		{"# of today\n" ONE " # since May\n\n#" TWO "\n", 1},
		{ONE "\n" TWO "\n", 2},
		{ONE "\n" TWO "\n" ONE "\n" TWO "\n" ONE "\n" TWO "\n" ONE "\n" TWO "\n", 8},
	};
	struct keyring k;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int r = load(&k, why, files[i].text);

		if (r || k.n != files[i].n)
			fail_msg("\"%s\": %d, %u keys, \"%s\"", files[i].text, r, k.n, why);
		for (unsigned n = 0; n < k.n; n++)
			for (unsigned at = 0; at < KEY_BYTES; at++)
				assert_int_equal(k.key[n][at], 1 + n % 2);
		keyring_wipe(&k);
		for (size_t at = 0; at < sizeof(k); at++)
			assert_int_equal(((const uint8_t *)&k)[at], 0);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *say;
	} files[] = {
		{"", -EINVAL, "no key"},
		{"# none\n\n", -EINVAL, "no key"},
		/* too short, too long, of the wrong alphabet, no padding, two on a line */
		{ONE "\n" SECRET "\n", -EINVAL, "line 2"},
		{"\n\n" SECRET SECRET SECRET "\n", -EINVAL, "line 3"},
		{"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ==\n", -EINVAL, "line 1"},
		{"_-EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n", -EINVAL, "line 1"},
		{"AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE\n", -EINVAL, "line 1"},
		{ONE " " TWO "\n", -EINVAL, "line 1"},
		{"AQEBAQEBAQEBAQEBAQEB QEBAQEBAQEBAQEBAQEBAQE=\n", -EINVAL, "line 1"},
		{"key=" ONE "\n", -EINVAL, "line 1"},
		{"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", -EINVAL, "line 1"},
		{ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" ONE "\n" TWO,
		 -E2BIG, "line 9"},
	};
	struct keyring k;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++) {
		int r = load(&k, why, files[i].text);

		if (r != files[i].code || !strstr(why, files[i].say) || !strstr(why, path) ||
		    strchr(why, '\n'))
			fail_msg("\"%s\": %d, \"%s\"", files[i].text, r, why);
		if (strstr(why, "AQEB"))
			fail_msg("it says the key: \"%s\"", why);
		assert_int_equal(k.n, 0);
	}
}

static void test_nul(void **state)
{
	static const char text[] = ONE "\n\0" TWO "\n";
	struct keyring k;
	char why[256];

	(void)state;
	write_file(text, sizeof(text) - 1, 0600);
	assert_int_equal(keyring_load(&k, path, why, sizeof(why)), -EINVAL);
	assert_non_null(strstr(why, "line 2"));
}

static void test_modes(void **state)
{
	static const struct {
		mode_t mode;
		int code;
	} modes[] = {
		{0600, 0},       {0400, 0},       {0700, 0},       {0640, -EACCES},
		{0604, -EACCES}, {0644, -EACCES}, {0620, -EACCES}, {0602, -EACCES},
	};
	struct keyring k;
	char why[256];

	(void)state;
	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		int r;

		write_file(ONE "\n", sizeof(ONE), 0600);
		chmod(path, modes[i].mode);
		r = keyring_load(&k, path, why, sizeof(why));
		if (r != modes[i].code || (r && !strstr(why, "chmod 600")))
			fail_msg("mode %o: %d, \"%s\"", (unsigned)modes[i].mode, r, why);
	}
}

/* What systemd made a credential of this service: its group seems to read it. */
static void test_credential(void **state)
{
	static const struct {
		const char *dir;
		mode_t mode;
		int code;
	} cases[] = {
		{"/tmp", 0440, 0},        {"/tmp", 0640, 0},       {"/tmp", 0400, 0},
		{"/tmp", 0444, -EACCES},  {"/tmp", 0460, -EACCES}, {"/tmp", 0441, -EACCES},
		{"/tm", 0440, -EACCES},   {"/", 0440, -EACCES},    {"", 0440, -EACCES},
		{"/tmp/", 0440, -EACCES}, {"/run", 0440, -EACCES}, {NULL, 0440, -EACCES},
	};
	struct keyring k;
	char why[256];

	(void)state;
	write_file(ONE "\n", sizeof(ONE), 0600);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		int r;

		if (cases[i].dir)
			setenv("CREDENTIALS_DIRECTORY", cases[i].dir, 1);
		else
			unsetenv("CREDENTIALS_DIRECTORY");
		chmod(path, cases[i].mode);
		r = keyring_load(&k, path, why, sizeof(why));
		if (r != cases[i].code)
			fail_msg("directory %s, mode %o: %d, \"%s\"", cases[i].dir,
				 (unsigned)cases[i].mode, r, why);
	}
	unsetenv("CREDENTIALS_DIRECTORY");
}

/* Directly in that directory, not somewhere below it. */
static void test_below_credentials(void **state)
{
	char dir[] = "/tmp/test_key_dir.XXXXXX", file[64], why[256];
	struct keyring k;
	FILE *f;

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "%s/key", dir);
	f = fopen(file, "we");
	assert_non_null(f);
	fputs(ONE "\n", f);
	fclose(f);
	chmod(file, 0440);
	setenv("CREDENTIALS_DIRECTORY", "/tmp", 1);
	assert_int_equal(keyring_load(&k, file, why, sizeof(why)), -EACCES);
	setenv("CREDENTIALS_DIRECTORY", dir, 1);
	assert_int_equal(keyring_load(&k, file, why, sizeof(why)), 0);
	unsetenv("CREDENTIALS_DIRECTORY");
	unlink(file);
	rmdir(dir);
}

static void test_no_file(void **state)
{
	char why[256], *large = calloc(1, 20000);
	struct keyring k;

	(void)state;
	assert_int_equal(keyring_load(&k, "/nowhere/key", why, sizeof(why)), -ENOENT);
	assert_non_null(strstr(why, "/nowhere/key: No such file"));
	assert_int_equal(keyring_load(&k, "/tmp", why, sizeof(why)), -EINVAL);
	memset(large, '\n', 20000);
	write_file(large, 20000, 0600);
	assert_int_equal(keyring_load(&k, path, why, sizeof(why)), -EFBIG);
	assert_non_null(strstr(why, "16384 bytes"));
	free(large);
	/* A pipe is not waited for. */
	unlink(path);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(keyring_load(&k, path, why, sizeof(why)), -EINVAL);
	unlink(path);
	write_file("", 0, 0600);
}

static void test_generate(void **state)
{
	char text[KEY_TEXT_SIZE], other[KEY_TEXT_SIZE], why[256];
	struct keyring k;

	(void)state;
	assert_int_equal(key_generate(text), 0);
	assert_int_equal(key_generate(other), 0);
	assert_int_equal(strlen(text), 44);
	assert_string_not_equal(text, other);
	assert_int_equal(load(&k, why, text), 0);
	assert_int_equal(k.n, 1);
	keyring_wipe(&k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_credential), cmocka_unit_test(test_below_credentials),
		cmocka_unit_test(test_nul),        cmocka_unit_test(test_modes),
		cmocka_unit_test(test_no_file),    cmocka_unit_test(test_generate),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
