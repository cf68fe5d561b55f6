/* SPDX-License-Identifier: Apache-2.0 */
/* What changed: of things that are still there and of those that are gone, filtered, --vm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ui_kit.h"
#include "ui_state.h"

struct fixture {
	struct fleet fleet;
	struct ui *ui;
	struct grid grid;
};

static void open_at(struct fixture *f, struct ui_options *o, unsigned cols)
{
	f->fleet = (struct fleet){.hosts = 2, .vms = 6};
	o->interval = 2;
	f->ui = ui_new(o);
	grid_init(&f->grid, cols, 24);
	kit_show(f->ui, &f->fleet, 100);
}

static void close_ui(struct fixture *f)
{
	ui_free(f->ui);
	grid_fini(&f->grid);
}

static void on_screen(struct fixture *f, const char *what, bool wanted)
{
	kit_on_screen(f->ui, &f->grid, what, wanted);
}

static void rows_are(struct fixture *f, uint32_t n, const char *why)
{
	kit_rows_are(f->ui, n, why);
}

/* Two VMs of each host go.  The moment they were in is long forgotten. */
static void test_gone(void **state)
{
	struct ui_options o = {.interval = 2};
	struct fixture f;

	(void)state;
	open_at(&f, &o, 100);
	kit_keys(f.ui, &f.grid, "'");
	f.fleet.gone = 2;
	kit_show(f.ui, &f.fleet, 101);
	kit_show(f.ui, &f.fleet, 102);
	kit_keys(f.ui, &f.grid, "\"");
	rows_are(&f, 4, "two of each");
	on_screen(&f, "vm-0-4                   hv00           is gone", true);
	on_screen(&f, "vm-1-5                   hv01           is gone", true);
	kit_keys(f.ui, &f.grid, "{Enter}{Esc}{Esc}/host:hv01{Enter}\"");
	rows_are(&f, 2, "of hv01");
	kit_keys(f.ui, &f.grid, "{Esc}{Esc}/1105{Enter}\"");
	rows_are(&f, 1, "by VMID, of one that is gone");
	kit_keys(f.ui, &f.grid, "{Esc}{Esc}/!vm{Enter}\"");
	rows_are(&f, 0, "none of these has gone");
	kit_keys(f.ui, &f.grid, "{Esc}{Esc}\"");
	f.fleet.gone = 0;
	kit_show(f.ui, &f.fleet, 103);
	rows_are(&f, 0, "all are back");
	on_screen(&f, "Nothing has changed", true);
	close_ui(&f);
}

static void cursor_is_on(struct fixture *f, const char *name)
{
	char *text = kit_text(f->ui, &f->grid), begin[40];

	snprintf(begin, sizeof(begin), "\n> %s ", name);
	if (!strstr(text, begin))
		fail_msg("the cursor is not on %s:\n%s", name, text);
	free(text);
}

/* Once moved the cursor is on its row, wherever that goes; when that is gone, on one beside. */
static void test_cursor_follows(void **state)
{
	struct ui_options o = {.interval = 2};
	struct fixture f;

	(void)state;
	open_at(&f, &o, 100);
	kit_keys(f.ui, &f.grid, "'");
	f.fleet.gone = 1;
	kit_show(f.ui, &f.fleet, 101);
	kit_keys(f.ui, &f.grid, "\"");
	cursor_is_on(&f, "vm-0-5");
	f.fleet.gone = 3;
	kit_show(f.ui, &f.fleet, 102);
	cursor_is_on(&f, "vm-0-3"); /* never moved: at the top */
	f.fleet.gone = 1;
	kit_show(f.ui, &f.fleet, 103);
	kit_keys(f.ui, &f.grid, "j");
	cursor_is_on(&f, "vm-1-5");
	for (unsigned i = 1; i < 5; i++) {
		f.fleet.gone = i;
		kit_show(f.ui, &f.fleet, 103 + i);
		rows_are(&f, 2 * i, "of both hosts");
		cursor_is_on(&f, "vm-1-5");
	}
	f.fleet.gone = 0;
	f.fleet.moved = 1; /* another row */
	kit_show(f.ui, &f.fleet, 110);
	rows_are(&f, 1, "one has moved");
	cursor_is_on(&f, "db-1");
	close_ui(&f);
}

static bool wants_one(void *arg, const struct sample *s, uint32_t row)
{
	return !strcmp(sample_text(s, SCOPE_VM, row, M_NAME), arg);
}

/* --vm: others are neither here nor gone. */
static void test_wanted(void **state)
{
	struct ui_options o = {.wants_vm = wants_one, .wants_arg = "vm-1-5"};
	struct fixture f;

	(void)state;
	open_at(&f, &o, 100);
	kit_keys(f.ui, &f.grid, "'");
	f.fleet.gone = 2;
	kit_show(f.ui, &f.fleet, 101);
	kit_keys(f.ui, &f.grid, "\"");
	rows_are(&f, 1, "the one that is wanted");
	on_screen(&f, "vm-1-5", true);
	close_ui(&f);
}

/* As things are now, and were, also on the smallest screen. */
static void test_narrow(void **state)
{
	static const unsigned cols[] = {60, 79, 80, 99, 100, 200};
	struct ui_options o = {.interval = 2};

	(void)state;
	for (size_t i = 0; i < sizeof(cols) / sizeof(*cols); i++) {
		struct fixture f;

		struct moment *m = fleet_moment(&(struct fleet){.hosts = 2, .vms = 6}, 5, true);

		open_at(&f, &o, cols[i]);
		kit_keys(f.ui, &f.grid, "'");
		m->wall_ns = KIT_WALL + 200 * KIT_SECOND; /* it was up longer before */
		ui_moment(f.ui, m);
		moment_unref(m);
		kit_keys(f.ui, &f.grid, "\"");
		on_screen(&f, " WAS ", true);
		on_screen(&f, "  IS", true);
		on_screen(&f, "  CHANGE", cols[i] > 60);
		on_screen(&f, "hv01", true);
		on_screen(&f, "11d13h", true); /* that long it is up: both are whole */
		close_ui(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_cursor_follows),
		cmocka_unit_test(test_wanted),
		cmocka_unit_test(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
