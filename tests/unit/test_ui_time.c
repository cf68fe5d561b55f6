/* SPDX-License-Identifier: Apache-2.0 */
/* The console's time: frozen, in the past, back again, and what it asks its source for. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ui_kit.h"
#include "ui_state.h"

/* KIT_WALL is 2023-11-14 22:13:20 UTC; second 100 is 22:15:00. */
#define AT(second) (KIT_WALL + (uint64_t)(second)*KIT_SECOND)

struct fixture {
	struct fleet fleet;
	struct ui *ui;
	struct grid grid;
	struct source_status status;
};

static void open_at(struct fixture *f, unsigned second)
{
	*f = (struct fixture){.fleet = {.hosts = 1, .vms = 6}};
	f->ui = kit_ui(&f->fleet, NULL);
	grid_init(&f->grid, 100, 24);
	snprintf(f->status.name, sizeof(f->status.name), "this host");
	ui_status(f->ui, &f->status, AT(second));
	kit_show(f->ui, &f->fleet, second);
}

static void close_at(struct fixture *f)
{
	ui_free(f->ui);
	grid_fini(&f->grid);
}

static void keys(struct fixture *f, const char *script)
{
	kit_keys(f->ui, &f->grid, script);
}

static void past(struct fixture *f, unsigned second)
{
	struct moment *m = fleet_moment(&f->fleet, second, false);

	ui_moment(f->ui, m);
	moment_unref(m);
}

static void bar_has(struct fixture *f, const char *what, bool wanted)
{
	char *line = kit_line(f->ui, &f->grid, 0);

	if (!strstr(line, what) == wanted)
		fail_msg("'%s' is%s in the bar: %s", what, wanted ? " not" : "", line);
	free(line);
}

static void wants_go(struct fixture *f, enum source_where where, uint64_t wall_ns)
{
	struct ui_want want;

	ui_wants(f->ui, &want);
	if (!(want.bits & UI_GO) || want.where != where || want.wall_ns != wall_ns)
		fail_msg("wants %u, where %d, %" PRIu64 ", not %d, %" PRIu64, want.bits,
			 (int)want.where, want.wall_ns, (int)where, wall_ns);
}

static void wants_nothing(struct fixture *f)
{
	struct ui_want want;

	ui_wants(f->ui, &want);
	if (want.bits)
		fail_msg("wants %u, not nothing", want.bits);
}

/* Rows stay where they are, one can move among them, and it goes on with the newest. */
static void test_freeze(void **state)
{
	struct fixture f;
	char *before, *after;

	(void)state;
	open_at(&f, 100);
	keys(&f, "{Space}");
	ui_status(f.ui, &f.status, AT(107));
	bar_has(&f, "FROZEN 22:15:00 (-7s)", true);
	before = kit_text(f.ui, &f.grid);
	f.fleet.gone = 3;
	kit_show(f.ui, &f.fleet, 105);
	kit_show(f.ui, &f.fleet, 107);
	after = kit_text(f.ui, &f.grid);
	assert_string_equal(before, after);
	free(before);
	free(after);
	keys(&f, "jj{Enter}{Esc}c");
	bar_has(&f, "VMs: 6", true);
	wants_go(&f, SOURCE_AT, AT(100)); /* the detail wanted its history */
	keys(&f, "z");
	wants_go(&f, SOURCE_LIVE, 0);
	bar_has(&f, "FROZEN", false);
	bar_has(&f, "VMs: 3", true);
	assert_true(f.ui->world->wall_ns == AT(107));
	close_at(&f);
}

static void test_steps(void **state)
{
	struct fixture f;

	(void)state;
	open_at(&f, 100);
	keys(&f, "T");
	wants_go(&f, SOURCE_BEFORE, AT(100));
	kit_show(f.ui, &f.fleet, 101); /* was on its way already */
	assert_true(f.ui->world->wall_ns == AT(100));
	past(&f, 99);
	ui_status(f.ui, &f.status, AT(103));
	bar_has(&f, "PAST 22:14:59 (-4s)", true);
	f.status.oldest_wall_ns = AT(40);
	f.status.newest_wall_ns = AT(103);
	ui_status(f.ui, &f.status, AT(103));
	bar_has(&f, "PAST 22:14:59 (-4s of 1m03s)", true);
	keys(&f, "TTt"); /* faster than the source: two back, one forward */
	wants_go(&f, SOURCE_BEFORE, AT(99));
	past(&f, 98);
	wants_nothing(&f);
	keys(&f, "TT");
	wants_go(&f, SOURCE_BEFORE, AT(98));
	past(&f, 97);
	wants_go(&f, SOURCE_BEFORE, AT(97));
	past(&f, 96);
	keys(&f, "t");
	wants_go(&f, SOURCE_NEXT, AT(96));
	past(&f, 97);
	keys(&f, "{Space}");
	bar_has(&f, "FROZEN", false);
	keys(&f, "e");
	wants_go(&f, SOURCE_LIVE, 0);
	kit_show(f.ui, &f.fleet, 104);
	bar_has(&f, "PAST", false);
	assert_true(f.ui->world->wall_ns == AT(104));
	close_at(&f);
}

static void test_jumps(void **state)
{
	static const struct {
		const char *typed;
		uint64_t second; /* 0: no time */
		uint64_t more_ns;
	} cases[] = {
		{"-30s", 70, 0},
		{"-1m", 40, 0},
		{"+1m30s", 190, 0},
		{"+1h", 3700, 0},
		{"22:15", 100, 999999999},
		{"22:14:07", 47, 999999999},
		{"2023-11-14 22:14", 40, 999999999},
		{"2023-11-14 22:14:01", 41, 999999999},
		{" 22:14", 40, 999999999},
		{"22:14x", 0, 0},
		{"noon", 0, 0},
		{"-", 0, 0},
		{"-5y", 0, 0},
		{"25:00", 0, 0},
		{"-99999999999999999999d", 0, 0},
		{"-9999999d", 0, 0}, /* more than a hundred years */
		{"+9999999d", 0, 0},
		{"-9999999d9999999d", 0, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;
		char script[80];
		struct ui_want want;

		open_at(&f, 100);
		snprintf(script, sizeof(script), "b%s{Enter}", cases[i].typed);
		keys(&f, script);
		ui_wants(f.ui, &want);
		if (!cases[i].second != !(want.bits & UI_GO))
			fail_msg("'%s' is%s taken for a time", cases[i].typed,
				 want.bits ? "" : " not");
		if (want.bits && (want.where != SOURCE_AT ||
				  want.wall_ns != AT(cases[i].second) + cases[i].more_ns))
			fail_msg("'%s' is %" PRIi64 " s from the beginning", cases[i].typed,
				 (int64_t)(want.wall_ns - KIT_WALL) / (int64_t)KIT_SECOND);
		if (!want.bits) {
			char *line = kit_line(f.ui, &f.grid, 23);

			if (!strstr(line, "Not a time"))
				fail_msg("'%s': not said: %s", cases[i].typed, line);
			free(line);
		}
		close_at(&f);
	}
}

/* Before 1970 there is nothing: as far back as it goes. */
static void test_far_back(void **state)
{
	struct fixture f;

	(void)state;
	open_at(&f, 100);
	keys(&f, "b-30000d{Enter}");
	wants_go(&f, SOURCE_AT, 0);
	close_at(&f);
}

/* A clock time without a date is the last one of that name there can be. */
static void test_midnight(void **state)
{
	/* Seconds from 2023-11-14 22:13:20; midnight is at 6400. */
	static const struct {
		const char *typed;
		unsigned shown, now, oldest, newest; /* newest: of a recording */
		int64_t second;
	} cases[] = {
		{"23:50", 7000, 7000, 100, 0, 5800},   /* at 00:10, of yesterday */
		{"00:05", 7000, 7000, 100, 0, 6700},   /* of today */
		{"00:10", 7000, 7000, 100, 0, 7000},   /* now */
		{"23:50", 5900, 7000, 100, 0, 5800},   /* the day on the screen has it */
		{"00:10", 5900, 7000, 100, 0, -79400}, /* as 23:51 has, that is on the screen */
		{"2023-11-15 23:50", 7000, 7000, 100, 0, 92200}, /* with a date, as it is said */
		{"23:50", 7000, 9000000, 100, 8000, 5800},
		{"23:50", 7000, 9000000, 6500, 8000, 92200}, /* of a recording: at its end */
		{"01:30", 7000, 9000000, 100, 7100, 11800},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fixture f;
		struct ui_want want;
		char script[80];

		open_at(&f, cases[i].shown);
		f.status.oldest_wall_ns = AT(cases[i].oldest);
		f.status.newest_wall_ns = AT(cases[i].newest ? cases[i].newest : cases[i].now);
		f.status.replay = cases[i].newest != 0;
		ui_status(f.ui, &f.status, AT(cases[i].now));
		snprintf(script, sizeof(script), "b%s{Enter}", cases[i].typed);
		keys(&f, script);
		ui_wants(f.ui, &want);
		if (!(want.bits & UI_GO) || want.where != SOURCE_AT ||
		    (int64_t)(want.wall_ns / KIT_SECOND - KIT_WALL / KIT_SECOND) != cases[i].second)
			fail_msg("case %zu, '%s': %" PRIi64 " s, not %" PRIi64, i, cases[i].typed,
				 (int64_t)(want.wall_ns / KIT_SECOND - KIT_WALL / KIT_SECOND),
				 cases[i].second);
		close_at(&f);
	}
}

static void test_minutes(void **state)
{
	struct fixture f;

	(void)state;
	open_at(&f, 1000);
	keys(&f, "[[["); /* before any answer: three minutes */
	wants_go(&f, SOURCE_AT, AT(820));
	past(&f, 820);
	keys(&f, "]");
	wants_go(&f, SOURCE_AT, AT(880));
	past(&f, 880);
	keys(&f, "b{Esc}b{Enter}");
	wants_nothing(&f);
	close_at(&f);
}

static void test_interval(void **state)
{
	struct fixture f;
	struct ui_want want;

	(void)state;
	open_at(&f, 100);
	keys(&f, "+");
	ui_wants(f.ui, &want);
	assert_true((want.bits & UI_INTERVAL) && want.interval > 2.9 && want.interval < 3.1);
	bar_has(&f, "Refresh: 3.0s", true);
	keys(&f, "--");
	ui_wants(f.ui, &want);
	assert_true((want.bits & UI_INTERVAL) && want.interval > 1.4 && want.interval < 1.6);
	for (int i = 0; i < 40; i++)
		keys(&f, "-");
	bar_has(&f, "Refresh: 0.1s", true);
	for (int i = 0; i < 40; i++)
		keys(&f, "=");
	bar_has(&f, "Refresh: 300.0s", true);
	keys(&f, "q");
	ui_wants(f.ui, &want);
	assert_true(want.bits & UI_QUIT);
	close_at(&f);
}

/* Nothing was kept: five minutes ago is fetched, and never shown itself. */
static void test_diff_without_mark(void **state)
{
	struct fixture f;

	(void)state;
	open_at(&f, 1000);
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(700));
	kit_show(f.ui, &f.fleet, 1001); /* was on its way already */
	f.fleet.gone = 2;
	past(&f, 700);
	wants_go(&f, SOURCE_LIVE, 0);
	assert_true(f.ui->world->wall_ns == AT(1000));
	bar_has(&f, "What changed: 2", true);
	f.fleet.gone = 0;
	kit_show(f.ui, &f.fleet, 1002);
	bar_has(&f, "What changed: 2", true);
	bar_has(&f, "PAST", false);
	close_at(&f);
	/* No history: said, and live again. */
	open_at(&f, 1000);
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(700));
	past(&f, 1000);
	wants_go(&f, SOURCE_LIVE, 0);
	bar_has(&f, "View: ALL", true);
	close_at(&f);
	/* In the past the source is not sent to now. */
	open_at(&f, 1000);
	keys(&f, "[");
	wants_go(&f, SOURCE_AT, AT(940));
	past(&f, 940);
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(640));
	past(&f, 640);
	wants_nothing(&f);
	bar_has(&f, "PAST", true);
	assert_true(f.ui->world->wall_ns == AT(940));
	close_at(&f);
}

/* A question while another one is open loses neither. */
static void test_diff_while_asked(void **state)
{
	struct fixture f;
	struct diff_base *kept;

	(void)state;
	/* Kept by hand before the fetched one came: the kept one is what counts. */
	open_at(&f, 1000);
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(700));
	keys(&f, "'");
	kept = f.ui->marked;
	assert_non_null(kept);
	past(&f, 700);
	wants_go(&f, SOURCE_LIVE, 0);
	assert_ptr_equal(f.ui->marked, kept);
	assert_true(f.ui->mark_is_own);
	kit_show(f.ui, &f.fleet, 1001);
	keys(&f, "\"");
	wants_nothing(&f);
	bar_has(&f, "What changed", true);
	close_at(&f);
	/* On the way to another time: that comes first. */
	open_at(&f, 1000);
	keys(&f, "[");
	wants_go(&f, SOURCE_AT, AT(940));
	keys(&f, "\"");
	wants_nothing(&f);
	past(&f, 940);
	assert_true(f.ui->world->wall_ns == AT(940));
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(640));
	close_at(&f);
}

/* What was fetched once is not what the next one compares with; what was kept by hand is.  The
 * filter goes for the list too, and is said. */
static void test_diff_again(void **state)
{
	struct fixture f;

	(void)state;
	open_at(&f, 1000);
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(700));
	f.fleet.gone = 2;
	past(&f, 700);
	wants_go(&f, SOURCE_LIVE, 0);
	f.fleet.gone = 0;
	bar_has(&f, "What changed: 2", true);
	keys(&f, "/no-such-vm");
	bar_has(&f, "What changed: 0", true);
	bar_has(&f, "/no-such-vm", true);
	keys(&f, "{Esc}\"");
	bar_has(&f, "View: ALL", true);
	kit_show(f.ui, &f.fleet, 1300);
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(1000));
	past(&f, 1000);
	wants_go(&f, SOURCE_LIVE, 0);
	keys(&f, "\"'\"");
	wants_nothing(&f);
	bar_has(&f, "What changed", true);
	close_at(&f);
}

/* Less than five minutes are kept: its beginning, but for the first samples, without rates. */
static void test_diff_of_short_history(void **state)
{
	struct fixture f;
	uint64_t interval;

	(void)state;
	open_at(&f, 1000);
	interval = f.ui->world->hosts[0]->about.interval_ns;
	assert_true(interval);
	f.status.oldest_wall_ns = AT(900);
	ui_status(f.ui, &f.status, AT(1000));
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(900) + 2 * interval);
	close_at(&f);
	/* Enough is kept. */
	open_at(&f, 1000);
	f.status.oldest_wall_ns = AT(600);
	ui_status(f.ui, &f.status, AT(1000));
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(700));
	close_at(&f);
	/* Not even that: there is nothing to compare with. */
	open_at(&f, 1000);
	f.status.oldest_wall_ns = AT(1000) - interval;
	ui_status(f.ui, &f.status, AT(1000));
	keys(&f, "\"");
	wants_go(&f, SOURCE_AT, AT(700));
	close_at(&f);
}

/* A detail wants its host's history; where nothing new comes, the moment once more. */
static void test_follow(void **state)
{
	struct fixture f;
	struct ui_want want;

	(void)state;
	open_at(&f, 100);
	keys(&f, "{Enter}");
	ui_wants(f.ui, &want);
	assert_int_equal(want.bits, UI_FOLLOW);
	assert_string_equal(want.follow, "id-hv00");
	keys(&f, "{Esc}");
	ui_wants(f.ui, &want);
	assert_int_equal(want.bits, UI_FOLLOW);
	assert_string_equal(want.follow, "");
	keys(&f, "z{Enter}");
	ui_wants(f.ui, &want);
	assert_int_equal(want.bits, UI_FOLLOW | UI_GO);
	assert_true(want.where == SOURCE_AT && want.wall_ns == AT(100));
	past(&f, 100);
	bar_has(&f, "FROZEN", true);
	keys(&f, "{Esc}z");
	ui_wants(f.ui, &want);
	assert_int_equal(want.bits, UI_FOLLOW | UI_GO);
	assert_true(want.where == SOURCE_LIVE);
	close_at(&f);
}

static void test_replay_and_broken(void **state)
{
	struct fixture f;

	(void)state;
	open_at(&f, 100);
	snprintf(f.status.error, sizeof(f.status.error), "centre:7411: connection refused");
	ui_status(f.ui, &f.status, AT(145));
	bar_has(&f, "NO CONNECTION for 45s", true);
	f.status.error[0] = '\0';
	ui_status(f.ui, &f.status, AT(146));
	bar_has(&f, "NO CONNECTION", false);
	f.status.replay = true;
	ui_status(f.ui, &f.status, AT(1000000));
	bar_has(&f, "RECORDED 2023-11-14 22:15:00", true);
	keys(&f, "z");
	bar_has(&f, "FROZEN", false);
	past(&f, 101);
	bar_has(&f, "22:15:01", true);
	keys(&f, "\"");
	past(&f, 50); /* five minutes ago there was nothing: the oldest there is */
	wants_go(&f, SOURCE_AT, KIT_WALL - 199 * KIT_SECOND);
	bar_has(&f, "What changed", true);
	close_at(&f);
}

/* The end of a recording that grows is followed, can be frozen, and is left by a step. */
static void test_grows(void **state)
{
	struct source_status status = {.name = "a.rec", .replay = true, .grows = true};
	struct ui_want want;
	struct fixture f;
	uint64_t then;

	(void)state;
	open_at(&f, 100);
	ui_status(f.ui, &status, KIT_WALL + 100 * KIT_SECOND);
	bar_has(&f, "| it grows", true);
	then = f.ui->world->wall_ns;
	past(&f, 130);
	assert_true(f.ui->world->wall_ns == then + 30 * KIT_SECOND);
	keys(&f, "z");
	bar_has(&f, "FROZEN", true);
	past(&f, 160);
	assert_true(f.ui->world->wall_ns == then + 30 * KIT_SECOND);
	keys(&f, "z");
	assert_true(f.ui->world->wall_ns == then + 60 * KIT_SECOND);
	/* What changed: five minutes ago is fetched, and the end goes on. */
	keys(&f, "\"");
	ui_wants(f.ui, &want);
	assert_true(want.bits & UI_GO && want.where == SOURCE_AT);
	past(&f, 10);
	memset(&want, 0, sizeof(want));
	ui_wants(f.ui, &want);
	assert_true(want.bits & UI_GO && want.where == SOURCE_LIVE);
	past(&f, 160);
	keys(&f, "{Esc}T");
	ui_wants(f.ui, &want);
	assert_true(want.where == SOURCE_BEFORE);
	/* Closed: it stands still. */
	status.grows = false;
	ui_status(f.ui, &status, KIT_WALL + 100 * KIT_SECOND);
	keys(&f, "z");
	assert_non_null(strstr(f.ui->said, "A recording stands still"));
	close_at(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grows),
		cmocka_unit_test(test_freeze),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_jumps),
		cmocka_unit_test(test_far_back),
		cmocka_unit_test(test_midnight),
		cmocka_unit_test(test_minutes),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_diff_again),
		cmocka_unit_test(test_diff_while_asked),
		cmocka_unit_test(test_diff_without_mark),
		cmocka_unit_test(test_diff_of_short_history),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_replay_and_broken),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
