/* SPDX-License-Identifier: Apache-2.0 */
/* The console's screen: views, sorting, finding, hosts, details, what is silent. */
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

static void open_fleet(struct fixture *f, struct fleet fleet, unsigned cols, unsigned rows)
{
	struct source_status status = {.name = "a test"};

	f->fleet = fleet;
	f->ui = kit_ui(&fleet, NULL);
	grid_init(&f->grid, cols, rows);
	ui_status(f->ui, &status, KIT_WALL + 100 * KIT_SECOND);
	kit_show(f->ui, &fleet, 100);
}

static void close_fleet(struct fixture *f)
{
	ui_free(f->ui);
	grid_fini(&f->grid);
}

static void has(struct fixture *f, const char *what)
{
	kit_on_screen(f->ui, &f->grid, what, true);
}

static void has_not(struct fixture *f, const char *what)
{
	kit_on_screen(f->ui, &f->grid, what, false);
}

static void line_has(struct fixture *f, unsigned y, const char *what)
{
	char *line = kit_line(f->ui, &f->grid, y);

	if (!strstr(line, what))
		fail_msg("'%s' is not in line %u: '%s'", what, y, line);
	free(line);
}

static void keys(struct fixture *f, const char *script)
{
	kit_keys(f->ui, &f->grid, script);
}

/* The table's first row on the screen. */
static unsigned first(const struct fixture *f)
{
	return f->ui->first_row;
}

static void rows_are(struct fixture *f, uint32_t n, const char *why)
{
	kit_rows_are(f->ui, n, why);
}

/* ---- what is seen without touching a key ---- */

static void test_first_screen(void **state)
{
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 8}, 80, 24);
	line_has(&f, 0, " proxtop | Refresh: 2.0s | View: ALL | VMs: 8 | Press ? help");
	line_has(&f, 1, "HOST METRICS");
	line_has(&f, 2, "16");
	line_has(&f, first(&f), "> db-1");
	line_has(&f, first(&f), "STEAL 20.0%!!");
	line_has(&f, first(&f), "cpu3 batch-7");
	line_has(&f, first(&f) + 1, "web-2");
	line_has(&f, first(&f) + 1, "LATRD 60.0!!");
	line_has(&f, first(&f) + 2, "batch-7"); /* no trouble: by CPU */
	line_has(&f, 23, "batch-7 probably causes it, on cpu3");
	has_not(&f, "HOST  ");
	close_fleet(&f);
}

static void test_before_the_first_moment(void **state)
{
	struct source_status status = {.name = "tcp://x:7411", .error = "x: no such host"};
	struct fixture f = {.fleet = {.hosts = 2}};
	struct moment *m;

	(void)state;
	f.ui = kit_ui(&f.fleet, NULL);
	grid_init(&f.grid, 80, 24);
	has(&f, "Waiting for the first sample");
	ui_status(f.ui, &status, KIT_WALL);
	line_has(&f, 0, "NO CONNECTION");
	line_has(&f, 23, "x: no such host");
	m = moment_new(); /* of no host, and of no time */
	m->live = true;
	ui_moment(f.ui, m);
	moment_unref(m);
	line_has(&f, 0, "proxtop | NO CONNECTION | Refresh");
	has(&f, "No host has sent a sample yet");
	keys(&f,
	     "acmdniwpslxo123tT[]eb-5m{Enter}'\"{Enter}y{Esc}v/x{Enter};{Tab},fu?{Esc}{End}{Home}");
	close_fleet(&f);
}

static void test_too_small(void **state)
{
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 8}, 59, 15);
	line_has(&f, 0, "At least 60x15, this is 59x15");
	grid_fini(&f.grid);
	grid_init(&f.grid, 1, 1);
	keys(&f, "cj>o{Enter}fjj{Esc}?{Esc}");
	grid_fini(&f.grid);
	grid_init(&f.grid, 60, 15);
	line_has(&f, 0, "proxtop");
	close_fleet(&f);
}

/* On the smallest screen: what a view is about is seen, and so are its rows. */
static void test_smallest(void **state)
{
	static const struct {
		const char *keys, *header;
	} cases[] = {
		{"a", "TROUBLEv       CAUSE"},
		{"c", "CPU  STEALv"},
		{"d", "LATv    LATRD"},
		{"n", "RXBYTESv   TXBYTES"},
		{"w", "PSICPUv   PSIIO"},
		{"p", "RXBYTESv"},
		{"s", "UTILv"},
		{"1", "STEALv"},
		{"2", "BACKING     LATv"},
		{"3", "RXBYTESv"},
		{"av", "TROUBLEv       CAUSE               CPU"},
		{"o", "CPU% VMSTEAL     MEM%"},
		{"'\"", "METRIC           WAS         IS"},
	};
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 3, .vms = 8}, 60, 15);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char view[40];

		keys(&f, "{Esc}");
		keys(&f, cases[i].keys);
		line_has(&f, f.ui->first_row - 1, cases[i].header);
		assert_in_range(f.ui->page_rows, 9, 12);
		if (*cases[i].keys == '\'')
			break;
		snprintf(view, sizeof(view), "View: %s", ui_view(f.ui)->name);
		line_has(&f, 0, view);
	}
	keys(&f, "{Esc}o{Enter}");
	assert_in_range(f.ui->page_rows, 9, 12);
	close_fleet(&f);
}

/* ---- views and columns ---- */

static void test_views(void **state)
{
	static const struct {
		const char *keys, *view;
		uint32_t rows;
		const char *has;
	} cases[] = {
		{"a", "View: ALL", 12, "TROUBLE"},      {"c", "View: CPU", 12, "STEALv"},
		{"m", "View: MEM", 12, "4194304"},      {"d", "View: DISK", 12, "LATv"},
		{"n", "View: NET", 12, "RXBYTESv"},     {"i", "View: IO", 12, "WROPS"},
		{"w", "View: PRESSURE", 12, "PSICPUv"}, {"p", "View: PHYSICAL NET", 4, "eno2"},
		{"s", "View: STORAGE", 4, "nvme0n1"},   {"l", "View: LVM", 2, "vg-root"},
		{"x", "View: MULTIPATH", 2, "mpatha"},  {"o", "View: HOSTS", 2, "VMSTEAL"},
		{"1", "View: VCPUS", 24, "LAST"},       {"2", "View: VM DISKS", 12, "BACKING"},
		{"3", "View: VM NICS", 12, "vmbr0"},    {"C", "View: CPU", 12, "DEMAND"},
		{"X", "View: MULTIPATH", 2, "mpatha"},
	};
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 2, .vms = 6}, 160, 40);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		keys(&f, cases[i].keys);
		line_has(&f, 0, cases[i].view);
		has(&f, cases[i].has);
		rows_are(&f, cases[i].rows, cases[i].view);
	}
	close_fleet(&f);
}

static void test_sorting(void **state)
{
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 12}, 120, 24);
	keys(&f, "c");
	line_has(&f, first(&f), "db-1");
	keys(&f, "<"); /* CPU */
	line_has(&f, first(&f) - 1, "CPUv");
	line_has(&f, first(&f), "batch-7");
	line_has(&f, 0, "Sort: CPUv");
	keys(&f, "r");
	line_has(&f, first(&f) - 1, "CPU^");
	keys(&f, "<<<<<<"); /* the first column is the last one to the left */
	line_has(&f, first(&f) - 1, "NAME^");
	line_has(&f, first(&f), "batch-7");
	line_has(&f, first(&f) + 2, "vm-0-3");
	line_has(&f, first(&f) + 9, "vm-0-10"); /* not before vm-0-3 */
	keys(&f, "dc");                         /* each view has its own */
	line_has(&f, first(&f) - 1, "NAME^");
	close_fleet(&f);
}

/* The cursor is where it was, whatever is sorted by; without a move it is on top. */
static void test_cursor_follows(void **state)
{
	struct fixture f;
	uint32_t at, n;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 3, .vms = 9}, 120, 30);
	keys(&f, "c<");
	ui_cursor(f.ui, &at, &n);
	assert_int_equal(at, 0);
	keys(&f, "a/db-1{Enter}j{Esc}c<");
	has(&f, "> db-1");
	keys(&f, "rn>>r");
	has(&f, "> db-1");
	f.fleet.moved = 1;
	kit_show(f.ui, &f.fleet, 101);
	has(&f, "> db-1");
	keys(&f, "a");
	line_has(&f, first(&f), "hv01 hv00"); /* where it is, and came from */
	f.fleet.gone = 9;
	kit_show(f.ui, &f.fleet, 102);
	f.fleet.moved = 0;
	kit_show(f.ui, &f.fleet, 103);
	rows_are(&f, 0, "all are gone");
	has(&f, "No VM runs here");
	close_fleet(&f);
}

static void test_scrolling(void **state)
{
	struct fixture f;
	uint32_t at, n;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 60}, 80, 24);
	keys(&f, "{End}");
	ui_cursor(f.ui, &at, &n);
	assert_int_equal(at, 59);
	keys(&f, "{PageUp}{PageUp}{PageUp}{PageUp}{PageUp}");
	ui_cursor(f.ui, &at, &n);
	assert_int_equal(at, 0);
	keys(&f, "{PageDown}jjk{Up}{Down}");
	ui_cursor(f.ui, &at, &n);
	assert_int_equal(at, f.ui->page_rows);
	/* To the last column and no further; the name stays. */
	for (int i = 0; i < 80; i++)
		keys(&f, "{Right}");
	line_has(&f, first(&f) - 1, "  NAME");
	line_has(&f, first(&f) - 1, "UUID");
	keys(&f, "{Left}");
	close_fleet(&f);
}

/* In a detail too: one key back is seen at once. */
static void test_scrolling_detail(void **state)
{
	struct fixture f;
	char *most, *more, *less;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 5}, 80, 40);
	keys(&f, "{Enter}");
	for (int i = 0; i < 30; i++)
		keys(&f, "{Right}");
	most = kit_text(f.ui, &f.grid);
	keys(&f, "{Right}");
	more = kit_text(f.ui, &f.grid);
	keys(&f, "{Left}");
	less = kit_text(f.ui, &f.grid);
	assert_string_equal(more, most);
	if (!strcmp(less, most))
		fail_msg("one key to the left changes nothing:\n%s", most);
	free(most);
	free(more);
	free(less);
	close_fleet(&f);
}

/* What has a sign is whole or not there, on a screen of any width. */
static void test_whole_cells(void **state)
{
	static const char views[] = "acdw";
	struct fixture f;
	unsigned seen = 0;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 2, .vms = 4}, 60, 15);
	for (const char *v = views; *v; v++)
		for (unsigned cols = 60; cols < 200; cols++) {
			char view[] = {*v, '\0'}, *text;

			grid_fini(&f.grid);
			grid_init(&f.grid, cols, 15);
			keys(&f, view);
			text = kit_line(f.ui, &f.grid, f.ui->header_row);
			if (strstr(text, " TROUBLE")) {
				seen++;
				has(&f, " STEAL 20.0%!!");
			}
			free(text);
		}
	assert_true(seen > 200);
	close_fleet(&f);
}

static void test_fields(void **state)
{
	struct fixture f;
	struct settings s;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 3}, 200, 40);
	assert_false(ui_settings(f.ui, &s));
	keys(&f, "c");
	has_not(&f, "OSTEAL");
	keys(&f, "f");
	has(&f, "Fields of CPU");
	has(&f, "[ ] OSTEAL");
	has_not(&f, "ram_total"); /* not of this view */
	for (int i = 0; i < 30; i++)
		keys(&f, "j");
	for (int i = 0; i < 40; i++) {
		char *text = kit_text(f.ui, &f.grid);
		bool there = strstr(text, ">[ ] OSTEAL") != NULL;

		free(text);
		if (there)
			break;
		keys(&f, "{Up}");
	}
	keys(&f, "{Space}f");
	has(&f, "OSTEAL");
	assert_true(ui_settings(f.ui, &s));
	assert_int_equal(s.field[SCOPE_VM][M_CPU_OTHER_STEAL], 1);
	assert_string_equal(s.view, "CPU");
	close_fleet(&f);
}

static void test_saved_choices(void **state)
{
	struct settings s;
	struct fixture f;
	struct fleet fleet = {.hosts = 1, .vms = 6};

	(void)state;
	settings_default(&s);
	snprintf(s.view, sizeof(s.view), "CPU");
	s.n_views = 1;
	snprintf(s.views[0].name, sizeof(s.views[0].name), "CPU");
	snprintf(s.views[0].sort, sizeof(s.views[0].sort), "%s", metrics[M_CPU_TOTAL].name);
	s.field[SCOPE_VM][M_CPU_DEMAND] = 2;
	f.ui = kit_ui(&fleet, &s);
	grid_init(&f.grid, 120, 24);
	kit_show(f.ui, &fleet, 100);
	line_has(&f, 0, "View: CPU");
	line_has(&f, 0, "Sort: CPUv");
	has_not(&f, "DEMAND");
	/* What is not known is not believed. */
	snprintf(s.view, sizeof(s.view), "NO SUCH");
	snprintf(s.views[0].sort, sizeof(s.views[0].sort), "no such column");
	ui_free(f.ui);
	f.ui = kit_ui(&fleet, &s);
	kit_show(f.ui, &fleet, 100);
	line_has(&f, 0, "View: ALL");
	keys(&f, "c");
	has(&f, "STEALv");
	close_fleet(&f);
}

static void test_units(void **state)
{
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 3}, 120, 24);
	keys(&f, "m");
	has(&f, "4194304");
	keys(&f, "u");
	has(&f, "4.0G");
	line_has(&f, 0, "[H]");
	keys(&f, "U");
	has_not(&f, "[H]");
	close_fleet(&f);
}

/* ---- finding ---- */

static void test_filter(void **state)
{
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 2, .vms = 12}, 120, 30);
	keys(&f, "/b");
	line_has(&f, 29, "Filter: b");
	rows_are(&f, 2 + 12, "b: db-1, web-2, and what has the tag web");
	keys(&f, "atc");
	rows_are(&f, 1, "batc");
	keys(&f, "{Backspace}{Backspace}{Backspace}");
	keys(&f, "{Delete}steal>5");
	rows_are(&f, 1, "steal>5");
	keys(&f, "{Enter}");
	line_has(&f, 0, "VMs: 1 of 24");
	line_has(&f, 0, "/steal>5");
	keys(&f, "{Esc}");
	rows_are(&f, 24, "no filter");
	keys(&f, "/!vm{Enter}");
	rows_are(&f, 3, "!vm");
	keys(&f, "/{Esc}"); /* shows all, and what was looked for stays known */
	rows_are(&f, 24, "esc");
	keys(&f, "{Home};");
	has(&f, "> web-2");
	keys(&f, ";;");
	has(&f, "> db-1");
	keys(&f, "/nothing such{Enter}");
	rows_are(&f, 0, "nothing");
	has(&f, "No row matches the filter");
	keys(&f, "{Enter}y;");
	close_fleet(&f);
}

static void test_marks(void **state)
{
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 8}, 120, 24);
	keys(&f, "{Tab}{Down}{Tab}");
	line_has(&f, first(&f), " *db-1");
	line_has(&f, first(&f) + 2, " *batch-7");
	keys(&f, ",");
	rows_are(&f, 2, "only marked");
	line_has(&f, 0, "marked");
	keys(&f, "{Home}{Tab}");
	rows_are(&f, 1, "one mark taken away");
	keys(&f, ",n");
	rows_are(&f, 8, "all");
	has(&f, "*batch-7");
	close_fleet(&f);
}

static void test_mouse(void **state)
{
	struct fixture f;
	struct ui_want want;
	char script[80];

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 8}, 120, 24);
	keys(&f, "c");
	snprintf(script, sizeof(script), "{click 4,%u}", first(&f) - 1);
	keys(&f, script);
	line_has(&f, first(&f) - 1, "NAME^");
	keys(&f, script);
	line_has(&f, first(&f) - 1, "NAMEv");
	snprintf(script, sizeof(script), "{click 4,%u}", first(&f) + 2);
	keys(&f, script);
	line_has(&f, first(&f) + 2, "> vm-0-6");
	keys(&f, "{wheel-down 4,12}");
	line_has(&f, first(&f) + 5, "> ");
	keys(&f, "{click 119,0}{click 0,23}{click 500,400}{click 119,20}");
	keys(&f, "{F2}");
	ui_wants(f.ui, &want);
	assert_true((want.bits & UI_MOUSE) && want.mouse);
	ui_wants(f.ui, &want);
	assert_int_equal(want.bits, 0);
	close_fleet(&f);
}

/* ---- the cluster ---- */

static void test_hosts_and_back(void **state)
{
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 4, .vms = 5, .stale = 1}, 130, 30);
	line_has(&f, 0, "Hosts: 4");
	line_has(&f, 1, "of 3 hosts together, 1 silent!");
	line_has(&f, 2, "cpu_cores: 48"); /* the silent one's are not in */
	keys(&f, "o");
	line_has(&f, first(&f), "> hv03 ~1m30s silent 1m30s!!");
	line_has(&f, first(&f) + 1, "hv00        STEAL 20.0%!!");
	line_has(&f, first(&f) + 1, " 5 db-1");
	keys(&f, "j{Enter}");
	line_has(&f, 0, "View: ALL of hv00");
	line_has(&f, 1, "hv00, up 11d13h");
	rows_are(&f, 5, "VMs of hv00");
	keys(&f, "c");
	line_has(&f, 0, "View: CPU of hv00");
	keys(&f, "s");
	rows_are(&f, 2, "disks of hv00");
	keys(&f, "c{Enter}");
	has(&f, "VM db-1 on hv00, running, VMID 100");
	has(&f, "vCPUs");
	has(&f, "scsi0");
	has(&f, "tap100i0");
	keys(&f, "{Backspace}");
	line_has(&f, 0, "View: CPU of hv00");
	keys(&f, "{Esc}");
	line_has(&f, 0, "View: HOSTS");
	has(&f, "> hv00");
	keys(&f, "{Esc}{Esc}{Backspace}y");
	has(&f, "Host hv00");
	has(&f, "NICs");
	keys(&f, "c"); /* from a host's detail: its VMs */
	line_has(&f, 0, "View: CPU of hv00");
	keys(&f, "o");
	line_has(&f, 0, "View: HOSTS");
	rows_are(&f, 4, "all hosts");
	close_fleet(&f);
}

/* Nothing of what a silent host did is shown as if it did it now. */
static void test_silent(void **state)
{
	struct fixture f;
	char *line;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 4, .vms = 3, .stale = 1}, 160, 30);
	keys(&f, "/vm-3-1{Enter}");
	line_has(&f, first(&f), "vm-3-1    ~hv03 ~1m30s silent 1m30s");
	keys(&f, "c");
	line = kit_line(f.ui, &f.grid, first(&f));
	if (strstr(line, "0.10") || !strstr(line, " - "))
		fail_msg("a silent host's rates are shown: %s", line);
	free(line);
	for (unsigned x = 2; x < 8; x++)
		assert_int_equal(f.grid.cell[first(&f) * f.grid.cols + x].style, STYLE_DIM);
	keys(&f, "{Enter}");
	has(&f, "SILENT for 1m30s");
	keys(&f, "{Esc}{Esc}<{End}");
	has(&f, "vm-3-"); /* what is absent is last */
	close_fleet(&f);
}

/* With the history of one host; 12 samples, up to its last one. */
static void show_with_history(struct fixture *f, unsigned host, uint64_t second)
{
	struct moment *m = fleet_moment(&f->fleet, second, true);
	uint64_t last = host + f->fleet.stale >= f->fleet.hosts ? 10 : second;
	struct frame *frames[12];
	char id[20];

	for (unsigned i = 0; i < 12; i++) {
		frames[i] = fleet_frame(&f->fleet, host, last + i - 11 + 100);
		frames[i]->sequence = i + 1;
	}
	snprintf(id, sizeof(id), "id-hv%02u", host);
	moment_series(m, id, frames, 12);
	ui_moment(f->ui, m);
	for (unsigned i = 0; i < 12; i++)
		frame_unref(frames[i]);
	moment_unref(m);
}

/* A line of history ends now: what a silent host has not sent is not there. */
static void test_silent_history(void **state)
{
	static const struct {
		unsigned second, blank;
	} cases[] = {{15, 5}, {30, 20}, {100, 90}};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		for (unsigned host = 2; host < 4; host++) {
			unsigned blank = host == 3 ? cases[i].blank : 0, y = 0, end;
			const struct cell *row;

			open_fleet(&f, (struct fleet){.hosts = 4, .vms = 3, .stale = 1}, 100, 30);
			keys(&f, host == 3 ? "/vm-3-1{Enter}{Enter}" : "/vm-2-1{Enter}{Enter}");
			show_with_history(&f, host, cases[i].second);
			ui_draw(f.ui, &f.grid);
			while (y < 29 && f.grid.cell[y * 100 + 1].style != STYLE_KEY)
				y++;
			row = &f.grid.cell[y * 100];
			for (end = 100; end && row[end - 1].style != STYLE_GRAPH;)
				end--;
			if (end < 90)
				fail_msg("no line of history in row %u", y);
			for (unsigned k = 1; k <= blank && end - k > 23; k++)
				if (row[end - k].ch != ' ')
					fail_msg("hv%02u, second %u: value %u of the last %u", host,
						 cases[i].second, k, blank);
			if (blank < 70 && row[end - blank - 1].ch == ' ')
				fail_msg("hv%02u, second %u: no value before %u", host,
					 cases[i].second, blank);
			close_fleet(&f);
		}
}

static void test_tree(void **state)
{
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 3, .vms = 4}, 120, 30);
	keys(&f, "v");
	rows_are(&f, 15, "hosts and VMs");
	line_has(&f, 0, "VMs: 12");
	line_has(&f, first(&f), "> hv00");
	line_has(&f, first(&f) + 1, "    db-1");
	keys(&f, "jjjjj{Enter}");
	has(&f, " of hv0");
	rows_are(&f, 5, "one host and its VMs");
	keys(&f, "{Esc}/db{Enter}");
	rows_are(&f, 2, "the host of what is found");
	keys(&f, "{Esc}v");
	rows_are(&f, 12, "VMs");
	close_fleet(&f);
}

static void test_diff(void **state)
{
	struct fixture f;
	struct fleet less;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 2, .vms = 4}, 120, 30);
	keys(&f, "'");
	line_has(&f, 29, "is kept");
	less = f.fleet;
	less.gone = 1;
	kit_show(f.ui, &less, 160);
	keys(&f, "\"");
	line_has(&f, 1, "WHAT CHANGED from");
	line_has(&f, 1, "(1m00s)");
	line_has(&f, 3, "is gone");
	rows_are(&f, 2, "two VMs are gone");
	keys(&f, "jj{Enter}");
	line_has(&f, 1, "WHAT CHANGED");
	kit_show(f.ui, &f.fleet, 161);
	has(&f, "Nothing has changed");
	keys(&f, "\"");
	line_has(&f, 0, "View: ALL");
	close_fleet(&f);
}

static void test_help(void **state)
{
	struct fixture f;
	char *text = NULL;
	size_t size;
	FILE *to;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 2, .vms = 4}, 100, 200);
	keys(&f, "c?");
	for (unsigned i = 0; i < ui_binds_n; i++) {
		char start[20];

		snprintf(start, sizeof(start), "%.15s", ui_binds[i].help);
		has(&f, start);
	}
	for (unsigned i = 0; i < VIEWS; i++)
		has(&f, ui_views[i].help);
	has(&f, "Time ready to run but not running, mean over the vCPUs");
	has(&f, "! from 5 %, !! from 10 %");
	keys(&f, "{Esc}");
	has_not(&f, "Help:");
	keys(&f, "???"); /* all of it is seen: open, closed, and open again */
	has(&f, "Help:");
	keys(&f, "{Esc}");
	to = open_memstream(&text, &size);
	ui_markdown_keys(to);
	ui_markdown_views(to);
	fclose(to);
	assert_non_null(strstr(text, "| `q` `Q` `Ctrl-C` | Quit |"));
	assert_non_null(strstr(text, "| `w` `W` | PRESSURE |"));
	free(text);
	close_fleet(&f);
}

/* Thresholds in the help are written as the documents have them. */
static void test_help_thresholds(void **state)
{
	static const struct {
		enum metric_id m;
		const char *text;
	} cases[] = {{M_RAM_SWAPIN, ". ! from 1 MB/s, !! from 10 MB/s"},
		     {M_RAM_MAJFLT, ". ! from 10/s, !! from 100/s"},
		     {M_VD_LAT_FL, ". ! from 50 ms, !! from 200 ms"},
		     {M_VN_RX_ERRS, ". ! any, !! from 10/s"}};
	struct fleet fleet = {.hosts = 1, .vms = 2};
	struct settings s;
	struct fixture f;

	(void)state;
	settings_default(&s);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		s.field[SCOPE_VM][cases[i].m] = 1;
	f.ui = kit_ui(&fleet, &s);
	grid_init(&f.grid, 300, 200);
	kit_show(f.ui, &fleet, 100);
	keys(&f, "?");
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char line[500];

		snprintf(line, sizeof(line), "%s%s", metrics[cases[i].m].help, cases[i].text);
		has(&f, line);
	}
	close_fleet(&f);
}

/* From the keys on to the columns, and from there back. */
static void test_help_goes_on(void **state)
{
	static const char *const opens[] = {"?", "h", "H", "{F1}"};
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 4}, 80, 24);
	for (size_t i = 0; i < sizeof(opens) / sizeof(*opens); i++) {
		keys(&f, opens[i]);
		line_has(&f, 1, "Help: ? columns of this view");
		line_has(&f, 2, "Views");
		keys(&f, opens[i]);
		line_has(&f, 2, "Columns of this view");
		keys(&f, "{PageDown}");
		has_not(&f, "Columns of this view");
		keys(&f, opens[i]);
		has_not(&f, "Help:");
	}
	keys(&f, "?{End}?"); /* the end is behind the columns' first */
	has_not(&f, "Help:");
	keys(&f, "{Enter}?"); /* of a detail there are none */
	line_has(&f, 1, "Help: arrows scroll");
	keys(&f, "?");
	has_not(&f, "Help:");
	close_fleet(&f);
}

/* Whatever moves along a table moves in the help and in the field selector. */
static void test_moving_is_one(void **state)
{
	static const char *const there[] = {"?", "f"};
	struct fixture f;

	(void)state;
	open_fleet(&f, (struct fleet){.hosts = 1, .vms = 4}, 80, 24);
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++)
		for (unsigned b = 0; b < ui_binds_n; b++) {
			const char *all = ui_binds[b].keys;
			int64_t by = 0;

			if (strcmp(ui_binds[b].group, "Moving") != 0)
				continue;
			while (*all) {
				size_t n = strcspn(all, " ");
				struct key k = {.code = n == 1 ? (unsigned char)*all
							       : key_code(all, n)};
				uint32_t was;

				keys(&f, there[i]);
				keys(&f, "{Down}{Down}");
				was = f.ui->overlay_top + f.ui->overlay_at;
				ui_key(f.ui, &k);
				ui_draw(f.ui, &f.grid);
				if (ui_key_moves(k.code, 5, &by) ==
				    (f.ui->overlay_top + f.ui->overlay_at == was))
					fail_msg("%s, %.*s: at %u, was at %u", there[i], (int)n,
						 all, f.ui->overlay_top + f.ui->overlay_at, was);
				keys(&f, "{Esc}");
				all += n + (all[n] == ' ');
			}
		}
	close_fleet(&f);
}

/* Every key of the tables is one, and no two have the same. */
static void test_keys_are_distinct(void **state)
{
	const char *all[200];
	unsigned n = 0;

	(void)state;
	for (unsigned i = 0; i < VIEWS; i++)
		all[n++] = ui_views[i].keys;
	for (unsigned i = 0; i < ui_binds_n; i++)
		all[n++] = ui_binds[i].keys;
	for (unsigned i = 0; i < n; i++)
		for (const char *k = all[i]; *k;) {
			size_t len = strcspn(k, " ");
			uint32_t code = len == 1 ? (unsigned char)*k : key_code(k, len);

			if (!code)
				fail_msg("no such key: %s", k);
			for (unsigned j = 0; j < n; j++)
				if (j != i && ui_keys_have(all[j], code))
					fail_msg("'%s' is in '%s' and in '%s'", k, all[i], all[j]);
			k += len + (k[len] == ' ');
		}
}

static bool only_even(void *arg, const struct sample *s, uint32_t row)
{
	++*(unsigned *)arg;
	return sample_get(s, SCOPE_VM, row, M_VMID) % 2 == 0;
}

static void test_wanted_vms_only(void **state)
{
	struct fleet fleet = {.hosts = 1, .vms = 8};
	unsigned asked = 0;
	struct ui_options o = {.interval = 2, .wants_vm = only_even, .wants_arg = &asked};
	struct fixture f;

	(void)state;
	f.ui = ui_new(&o);
	grid_init(&f.grid, 100, 30);
	kit_show(f.ui, &fleet, 100);
	rows_are(&f, 4, "--vm");
	has_not(&f, "  batch-7  ");
	keys(&f, "2");
	rows_are(&f, 4, "disks of those");
	keys(&f, "ps");
	rows_are(&f, 2, "the host's disks are not a VM's");
	assert_true(asked > 0);
	close_fleet(&f);
}

/* Names are data: they neither control the terminal nor move what is behind them. */
static void test_odd_names(void **state)
{
	static const char *const names[] = {
		"\033[31mred\r\n",
		"\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa\x9e\xe3\x81\xae\xe4\xbb\xae\xe6\x83\xb3\xe6\xa9"
		"\x9f\xe6\xa2\xb0\xe6\x97\xa5\xe6\x9c\xac\xe8\xaa"
		"\x9e\xe3\x81\xae\xe4\xbb\xae\xe6\x83\xb3\xe6\xa9\x9f\xe6\xa2\xb0",
		"\xff\xfe%s%n",
		"",
		"a name of far more than the twenty-eight columns that one can have",
	};
	struct fleet fleet = {.hosts = 1};
	struct sample *s = sample_new();
	struct moment *m = moment_new();
	struct fixture f;
	unsigned col = 0;

	(void)state;
	kit_host(s);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		uint32_t vm = kit_vm(s, "12345678-0000-4000-8000-000000000000", names[i], "x\tx");

		sample_set(s, SCOPE_VM, vm, M_RAM_TOTAL, 12345);
	}
	kit_add(m, kit_frame(s, "\033]0;x\007", 5), NULL);
	sample_free(s);
	f.ui = kit_ui(&fleet, NULL);
	grid_init(&f.grid, 120, 24);
	ui_moment(f.ui, m);
	moment_unref(m);
	keys(&f, "m");
	for (unsigned y = first(&f); y < first(&f) + 5; y++) {
		const struct cell *row = &f.grid.cell[y * f.grid.cols];
		unsigned at = f.grid.cols;

		while (at >= 5 && (row[at - 5].ch != '1' || row[at - 4].ch != '2' ||
				   row[at - 3].ch != '3' || row[at - 2].ch != '4'))
			at--;
		if (col && at != col)
			fail_msg("row %u: its number is at %u, not at %u", y, at, col);
		col = at;
	}
	keys(&f, "{Enter}{Esc}?{Esc}'\"{Esc}o{Enter}{Esc}");
	for (unsigned c = 0; c < f.grid.cols * f.grid.rows; c++)
		if (f.grid.cell[c].ch && f.grid.cell[c].ch < ' ')
			fail_msg("a control character in cell %u", c);
	close_fleet(&f);
}

/* ASCII only where the terminal is no more. */
static void test_ascii(void **state)
{
	static const char *const scripts[] = {"a", "?", "f", "{Esc}{Enter}", "{Esc}o", "v", "'\""};
	struct fleet fleet = {.hosts = 3, .vms = 6, .stale = 1};
	struct ui_options o = {.interval = 2, .ascii = true, .feed = true};
	struct fixture f;

	(void)state;
	f.ui = ui_new(&o);
	grid_init(&f.grid, 100, 30);
	kit_show(f.ui, &fleet, 100);
	for (size_t i = 0; i < sizeof(scripts) / sizeof(*scripts); i++) {
		keys(&f, scripts[i]);
		for (unsigned c = 0; c < f.grid.cols * f.grid.rows; c++)
			if (f.grid.cell[c].ch > 0x7e)
				fail_msg("after '%s': U+%04X", scripts[i], f.grid.cell[c].ch);
	}
	close_fleet(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_screen),
		cmocka_unit_test(test_before_the_first_moment),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_smallest),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_sorting),
		cmocka_unit_test(test_cursor_follows),
		cmocka_unit_test(test_scrolling),
		cmocka_unit_test(test_scrolling_detail),
		cmocka_unit_test(test_whole_cells),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_saved_choices),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_mouse),
		cmocka_unit_test(test_hosts_and_back),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_silent_history),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_diff),
		cmocka_unit_test(test_help),
		cmocka_unit_test(test_help_thresholds),
		cmocka_unit_test(test_help_goes_on),
		cmocka_unit_test(test_moving_is_one),
		cmocka_unit_test(test_keys_are_distinct),
		cmocka_unit_test(test_wanted_vms_only),
		cmocka_unit_test(test_odd_names),
		cmocka_unit_test(test_ascii),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
