/* SPDX-License-Identifier: Apache-2.0 */
/* The console's settings: there and back, and every way a file can be wrong. */
#include "settings.h"
#include "settings_json.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

static char top[] = "/tmp/test_settings.XXXXXX";
static char path[200];

static int remove_one(const char *p, const struct stat *st, int flag, struct FTW *ftw)
{
	(void)st;
	(void)flag;
	(void)ftw;
	return remove(p);
}

static int setup(void **state)
{
	(void)state;
	strcpy(top + strlen(top) - 6, "XXXXXX");
	if (!mkdtemp(top))
		return -1;
	snprintf(path, sizeof(path), "%s/config/proxtop/console.json", top);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_file(const char *at, const char *text, size_t n)
{
	int fd = open(at, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, n), n);
	close(fd);
}

static enum metric_id metric_of(enum scope s, unsigned skip)
{
	for (unsigned m = 0; m < METRICS; m++)
		if (metrics[m].scopes & 1u << s && !skip--)
			return (enum metric_id)m;
	fail_msg("%s has too few metrics", scope_names[s]);
	return METRICS;
}

static struct settings some(void)
{
	struct settings s;

	settings_default(&s);
	strcpy(s.view, "cpu");
	s.human = s.tree = true;
	s.n_views = 2;
	strcpy(s.views[0].name, "cpu");
	strcpy(s.views[0].sort, "one \"quoted\"");
	s.views[0].reversed = true;
	strcpy(s.views[1].name, "net");
	for (unsigned scope = 0; scope < SCOPES; scope++) {
		s.field[scope][metric_of((enum scope)scope, 0)] = 1;
		s.field[scope][metric_of((enum scope)scope, 1)] = 2;
	}
	s.fact[SCOPE_VM][FACT_HOST] = s.fact[SCOPE_HOST][FACT_MEM_USED] = 2;
	s.fact[SCOPE_VM][FACT_CAUSE] = s.fact[SCOPE_VCPU][FACT_VM] = 1;
	return s;
}

static void test_there_and_back(void **state)
{
	struct settings s = some(), back;
	char why[400] = "";
	struct stat st;

	(void)state;
	if (settings_save(&s, path, why, sizeof(why)))
		fail_msg("%s", why);
	if (settings_load(&back, path, why, sizeof(why)))
		fail_msg("%s", why);
	assert_memory_equal(&s, &back, sizeof(s));
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	*strrchr(path, '/') = '\0';
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
}

/* Nothing but the file itself is left. */
static void test_replaces(void **state)
{
	struct settings s = some(), back;
	char why[400] = "", directory[200];
	struct dirent *e;
	unsigned n = 0;
	DIR *d;

	(void)state;
	for (int i = 0; i < 3; i++) {
		s.human = i & 1;
		assert_int_equal(settings_save(&s, path, why, sizeof(why)), 0);
		assert_int_equal(settings_load(&back, path, why, sizeof(why)), 0);
		assert_int_equal(back.human, i & 1);
	}
	snprintf(directory, sizeof(directory), "%s", path);
	*strrchr(directory, '/') = '\0';
	d = opendir(directory);
	while ((e = readdir(d)))
		n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
	closedir(d);
	assert_int_equal(n, 1);
}

static void test_no_file(void **state)
{
	struct settings s, none;
	char why[400] = "";

	(void)state;
	settings_default(&none);
	memset(&s, 1, sizeof(s));
	assert_int_equal(settings_load(&s, path, why, sizeof(why)), 0);
	assert_memory_equal(&s, &none, sizeof(s));
	assert_string_equal(why, "");
}

static void test_wrong(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{"", "line 1"},
		{"{", "line 1"},
		{"{\n\"view\": \"cpu\",\n}", "line 3"},
		{"[]", "the whole must be an object"},
		{"{\"view\": 5}", "view must be a text"},
		{"{\"human\": \"yes\"}", "human must be true or false"},
		{"{\"mouse\": 1}", "mouse must be true or false"},
		{"{\"tree\": null}", "tree must be true or false"},
		{"{\"views\": []}", "views must be an object"},
		{"{\"views\": {\"cpu\": 1}}", "views.cpu must be an object"},
		{"{\"views\": {\"cpu\": {\"sort\": 1}}}", "views.cpu.sort must be a text"},
		{"{\"views\": {\"cpu\": {\"reversed\": 1}}}",
		 "views.cpu.reversed must be true or false"},
		{"{\"fields\": 1}", "fields must be an object"},
		{"{\"fields\": {\"vm\": 1}}", "fields.vm must be an object"},
		{"{\"fields\": {\"vm\": {\"uuid\": 1}}}", "fields.vm.uuid must be true"},
		{"{\"view\": \"a\", \"view\": \"b\"}", "duplicate"},
		{"{\"view\": \"\xff\"}", "line 1"},
	};
	struct settings s, none;

	(void)state;
	settings_default(&none);
	snprintf(path, sizeof(path), "%s/console.json", top);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char why[400] = "";

		put_file(path, cases[i].text, strlen(cases[i].text));
		if (settings_load(&s, path, why, sizeof(why)) != -EBADMSG)
			fail_msg("%s was taken", cases[i].text);
		if (!strstr(why, cases[i].says) || strncmp(why, path, strlen(path)))
			fail_msg("%s: \"%s\" does not say \"%s\"", cases[i].text, why,
				 cases[i].says);
		assert_memory_equal(&s, &none, sizeof(s));
	}
}

/* Of another version: what is known counts. */
static void test_unknown(void **state)
{
	static const char text[] =
		"{\"later\": [1], \"view\": \"a name that is far too long to be a view\","
		"\"views\": {\"cpu\": {\"sort\": \"x\", \"later\": 1},"
		"\"a name that is far too long to be a view\": {}},"
		"\"fields\": {\"vm\": {\"nothing\": true, \"uuid\": false, \"trouble\": false},"
		"\"host\": {\"uuid\": true, \"cause\": true}, \"later\": 7}, \"human\": true}";
	struct settings s;
	unsigned set = 0;
	char why[400] = "";

	(void)state;
	settings_default(&s);
	if (settings_from_json(&s, text, strlen(text), why, sizeof(why)))
		fail_msg("%s", why);
	assert_string_equal(s.view, "");
	assert_true(s.human);
	assert_int_equal(s.n_views, 1);
	assert_string_equal(s.views[0].sort, "x");
	assert_int_equal(s.field[SCOPE_VM][M_UUID], 2);
	for (unsigned scope = 0; scope < SCOPES; scope++)
		for (unsigned m = 0; m < METRICS; m++)
			set += s.field[scope][m] != 0;
	assert_int_equal(set, 1); /* a host has no such metric */
	assert_int_equal(s.fact[SCOPE_VM][FACT_TROUBLE], 2);
	assert_int_equal(s.fact[SCOPE_HOST][FACT_CAUSE], 0); /* nor such a fact */
}

static void test_many_views(void **state)
{
	char *text = malloc(100000), why[400] = "";
	size_t n = (size_t)sprintf(text, "{\"views\": {\"v\": {}");
	struct settings s;

	(void)state;
	for (int i = 0; i < 1000; i++)
		n += (size_t)sprintf(text + n, ", \"v%d\": {\"reversed\": true}", i);
	n += (size_t)sprintf(text + n, "}}");
	settings_default(&s);
	assert_int_equal(settings_from_json(&s, text, n, why, sizeof(why)), 0);
	assert_int_equal(s.n_views, SETTINGS_VIEWS_MAX);
	free(text);
}

static void test_odd_files(void **state)
{
	char why[400] = "", other[120], *big = calloc(1, (1 << 20) + 1);
	struct settings s;

	(void)state;
	snprintf(path, sizeof(path), "%s/console.json", top);
	memset(big, ' ', (1 << 20) + 1);
	memcpy(big, "{}", 2);
	put_file(path, big, 1 << 20);
	assert_int_equal(settings_load(&s, path, why, sizeof(why)), 0);
	put_file(path, big, (1 << 20) + 1);
	assert_int_equal(settings_load(&s, path, why, sizeof(why)), -EBADMSG);
	assert_non_null(strstr(why, "larger than 1 MiB"));
	free(big);

	snprintf(other, sizeof(other), "%s/fifo", top);
	assert_int_equal(mkfifo(other, 0600), 0);
	assert_int_equal(settings_load(&s, other, why, sizeof(why)), -EBADMSG);
	assert_int_equal(settings_load(&s, top, why, sizeof(why)), -EBADMSG);
	assert_non_null(strstr(why, "is not a file"));

	/* A link of one's own is fine. */
	put_file(path, "{\"human\": true}", 15);
	snprintf(other, sizeof(other), "%s/link", top);
	assert_int_equal(symlink(path, other), 0);
	assert_int_equal(settings_load(&s, other, why, sizeof(why)), 0);
	assert_true(s.human);
}

static void test_not_writable(void **state)
{
	struct settings s = some();
	char why[400] = "";

	(void)state;
	snprintf(path, sizeof(path), "%s/file", top);
	put_file(path, "x", 1);
	snprintf(path, sizeof(path), "%s/file/proxtop/console.json", top);
	assert_true(settings_save(&s, path, why, sizeof(why)) < 0);
	assert_non_null(strstr(why, path));
}

/* As root with another one's HOME (sudo): nothing is made there, no link followed. */
static void test_another_user(void **state)
{
	char why[400] = "", home[120], link[150];
	struct settings s = some();

	(void)state;
	if (geteuid() != 0) {
		skip();
		return;
	}
	snprintf(home, sizeof(home), "%s/home", top);
	assert_int_equal(mkdir(home, 0755), 0);
	assert_int_equal(chown(home, 12345, 12345), 0);
	snprintf(path, sizeof(path), "%s/.config/proxtop/console.json", home);
	assert_int_equal(settings_save(&s, path, why, sizeof(why)), -EPERM);
	assert_non_null(strstr(why, "another user"));
	snprintf(link, sizeof(link), "%s/.config", home);
	assert_int_equal(access(link, F_OK), -1);

	snprintf(path, sizeof(path), "%s/mine", top);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(link, sizeof(link), "%s/theirs", top);
	assert_int_equal(symlink(path, link), 0);
	assert_int_equal(lchown(link, 12345, 12345), 0);
	snprintf(path, sizeof(path), "%s/theirs/console.json", top);
	assert_int_equal(settings_save(&s, path, why, sizeof(why)), -EPERM);
	assert_int_equal(settings_load(&s, link, why, sizeof(why)), -EPERM);

	/* In root's place one who may write there does not keep his own. */
	assert_int_equal(chmod(top, 0755), 0);
	snprintf(path, sizeof(path), "%s/roots", top);
	assert_int_equal(mkdir(path, 0700), 0);
	assert_int_equal(chmod(path, 0777), 0);
	snprintf(path, sizeof(path), "%s/roots/console.json", top);
	assert_int_equal(seteuid(12345), 0);
	assert_int_equal(settings_save(&s, path, why, sizeof(why)), -EPERM);
	assert_int_equal(seteuid(0), 0);
}

static void test_path(void **state)
{
	static const struct {
		char *env[3];
		int r;
		const char *want;
	} cases[] = {
		{{"XDG_CONFIG_HOME=/x", "HOME=/h"}, 0, "/x/proxtop/console.json"},
		{{"HOME=/h"}, 0, "/h/.config/proxtop/console.json"},
		{{"HOME=/h", "XDG_CONFIG_HOME="}, 0, "/h/.config/proxtop/console.json"},
		{{"XDG_CONFIG_HOME=relative", "HOME=/h"}, 0, "/h/.config/proxtop/console.json"},
		{{"HOME="}, -ENOENT, ""},
		{{"HOMELY=/x"}, -ENOENT, ""},
		{{NULL}, -ENOENT, ""},
	};
	char small[10], *home[] = {"HOME=/home/somebody", NULL};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char to[100] = "";
		int r = settings_path(cases[i].env, to, sizeof(to));

		if (r != cases[i].r || strcmp(to, cases[i].want))
			fail_msg("%zu: %d \"%s\", not %d \"%s\"", i, r, to, cases[i].r,
				 cases[i].want);
	}
	assert_int_equal(settings_path(home, small, sizeof(small)), -ENAMETOOLONG);
}

int main(void)
{
#define WITH_FILES(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		WITH_FILES(test_there_and_back), WITH_FILES(test_replaces),
		WITH_FILES(test_no_file),        WITH_FILES(test_wrong),
		cmocka_unit_test(test_unknown),  cmocka_unit_test(test_many_views),
		WITH_FILES(test_odd_files),      WITH_FILES(test_not_writable),
		WITH_FILES(test_another_user),   cmocka_unit_test(test_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
