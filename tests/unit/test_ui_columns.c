/* SPDX-License-Identifier: Apache-2.0 */
/* Which columns there are: those that something has a value for, and stay where they are. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ui_kit.h"
#include "ui_state.h"

struct fixture {
	struct ui *ui;
	struct grid grid;
};

/* What a host and its only VM have. */
struct has {
	bool vmid, tag, verbose, cpu, disk;
};

static struct frame *frame_of(const struct has *has, const char *host, uint64_t second)
{
	struct sample *s = sample_new();
	struct frame *f;
	uint32_t vm, row;
	char name[40];

	kit_host(s);
	snprintf(name, sizeof(name), "vm-%s", host);
	vm = kit_vm(s, name, name, "running");
	sample_set(s, SCOPE_VM, vm, M_CPU_CORES, 1);
	if (has->vmid)
		sample_set(s, SCOPE_VM, vm, M_VMID, 100);
	if (has->tag)
		sample_set_text(s, SCOPE_VM, vm, M_TAGS, "prod");
	if (has->verbose) {
		sample_set(s, SCOPE_VM, vm, M_OTHER_RUN, 1000 * second);
		sample_set(s, SCOPE_VM, vm, M_OTHER_WAIT, 1000 * second);
	}
	if (has->cpu) {
		row = kit_below(s, SCOPE_VCPU, vm, 0);
		sample_set(s, SCOPE_VCPU, row, M_RUN, MS_NS * second);
		sample_set(s, SCOPE_VCPU, row, M_WAIT, MS_NS * second);
	}
	if (has->disk) { /* which nobody uses: it has no latency */
		row = kit_below(s, SCOPE_VM_DISK, vm, 0);
		sample_set_text(s, SCOPE_VM_DISK, row, M_DISK_NAME, "vda");
		for (int m = 0; m < METRICS; m++)
			if (metrics[m].family == F_DISK && metrics[m].kind == COUNTER &&
			    metrics[m].scopes & VM_DISK)
				sample_set_pair(s, SCOPE_VM_DISK, row, (enum metric_id)m, 5, 5);
		s->table[SCOPE_VM_DISK].read_ns[row] = second * KIT_SECOND;
		s->table[SCOPE_VM_DISK].prev_ns[row] = (second - 1) * KIT_SECOND;
	}
	f = kit_frame(s, host, second);
	sample_free(s);
	return f;
}

static void show(struct fixture *f, const struct has *has, unsigned hosts, uint64_t second,
		 bool rates)
{
	struct moment *m = moment_new();

	for (unsigned i = 0; i < hosts; i++) {
		char name[16];

		snprintf(name, sizeof(name), "hv%u", i);
		kit_add(m, frame_of(&has[i], name, second),
			rates ? frame_of(&has[i], name, second - 1) : NULL);
	}
	moment_sort(m);
	m->wall_ns = KIT_WALL + second * KIT_SECOND;
	m->live = true;
	ui_moment(f->ui, m);
	moment_unref(m);
}

static void open_ui(struct fixture *f, const struct ui_options *o)
{
	f->ui = ui_new(o);
	grid_init(&f->grid, 220, 40);
}

static void close_ui(struct fixture *f)
{
	ui_free(f->ui);
	grid_fini(&f->grid);
}

static char *header(struct fixture *f)
{
	ui_draw(f->ui, &f->grid);
	return kit_line(f->ui, &f->grid, f->ui->header_row);
}

static void titled(struct fixture *f, const char *title, bool wanted)
{
	char *line = header(f), space[40];

	snprintf(space, sizeof(space), " %s ", title);
	line = xrealloc(line, strlen(line) + 2, 1);
	strcat(line, " ");
	if (!strstr(line, space) == wanted)
		fail_msg("%s is%s in '%s'", title, wanted ? " not" : "", line);
	free(line);
}

static void on_screen(struct fixture *f, const char *what, bool wanted)
{
	kit_on_screen(f->ui, &f->grid, what, wanted);
}

/* One agent, or an aggregator with one host: no column of hosts, until there are two. */
static void test_host_column(void **state)
{
	static const struct has has[2] = {{.cpu = true}, {.cpu = true}};
	static const struct ui_options o = {.interval = 2, .feed = true};
	struct fixture f;

	(void)state;
	open_ui(&f, &o);
	titled(&f, "HOST", false);
	show(&f, has, 1, 10, true);
	titled(&f, "HOST", false);
	kit_keys(f.ui, &f.grid, "'\"");
	titled(&f, "HOST", false);
	kit_keys(f.ui, &f.grid, "{Esc}c");
	titled(&f, "HOST", false);
	show(&f, has, 2, 11, true);
	titled(&f, "HOST", true);
	show(&f, has, 1, 12, true); /* what was there once stays */
	titled(&f, "HOST", true);
	close_ui(&f);
}

/* Only what has a value somewhere; hidden ones can be chosen. */
static void test_absent(void **state)
{
	static const struct has plain[2] = {{.cpu = true}, {.cpu = true}};
	static const struct has tagged[2] = {{.cpu = true},
					     {.cpu = true, .vmid = true, .tag = true}};
	static const struct ui_options o = {.interval = 2};
	struct fixture f;
	char *was, *is;

	(void)state;
	open_ui(&f, &o);
	show(&f, plain, 2, 10, true);
	titled(&f, "CPU", true);
	titled(&f, "STATE", true);
	titled(&f, "VMID", false);
	titled(&f, "TAGS", false);
	titled(&f, "LAT", false);
	titled(&f, "MEM%", false);
	titled(&f, "RXBYTES", false);
	/* A view of which nothing is there says so in dashes. */
	kit_keys(f.ui, &f.grid, "d");
	titled(&f, "READS", true);
	titled(&f, "VMID", false);
	kit_keys(f.ui, &f.grid, "a");
	show(&f, tagged, 2, 11, true);
	titled(&f, "VMID", true);
	titled(&f, "TAGS", true);
	was = header(&f);
	kit_keys(f.ui, &f.grid, "/hv0{Enter}"); /* has none, and columns do not move */
	is = header(&f);
	assert_string_equal(is, was);
	free(was);
	free(is);
	close_ui(&f);
}

static void test_chosen_all_the_same(void **state)
{
	static const struct has has[1] = {{.cpu = true}};
	static const struct ui_options o = {.interval = 2};
	struct fixture f;
	bool there = false;

	(void)state;
	open_ui(&f, &o);
	show(&f, has, 1, 10, true);
	kit_keys(f.ui, &f.grid, "cf");
	for (int i = 0; i < 60 && !there; i++) {
		char *text = kit_text(f.ui, &f.grid);

		there = strstr(text, ">[ ] VMID") != NULL;
		free(text);
		if (!there)
			kit_keys(f.ui, &f.grid, "j");
	}
	assert_true(there);
	kit_keys(f.ui, &f.grid, "{Space}");
	on_screen(&f, ">[x] VMID", true);
	kit_keys(f.ui, &f.grid, "f");
	titled(&f, "VMID", true);
	close_ui(&f);
}

/* Neither the second sample nor the first request brings a column. */
static void test_stable(void **state)
{
	static const struct has has[1] = {{.cpu = true, .disk = true, .verbose = true}};
	static const struct ui_options o = {.interval = 2};
	const char *const views[] = {"a", "c", "d", "1", "2"};
	struct fixture f;

	(void)state;
	for (size_t i = 0; i < sizeof(views) / sizeof(*views); i++) {
		char *first, *then;

		open_ui(&f, &o);
		show(&f, has, 1, 10, false);
		kit_keys(f.ui, &f.grid, views[i]);
		first = header(&f);
		show(&f, has, 1, 11, true);
		then = header(&f);
		assert_string_equal(then, first);
		if (*views[i] == 'd' && !strstr(first, "LAT"))
			fail_msg("no latency of an idle disk in '%s'", first);
		free(first);
		free(then);
		close_ui(&f);
	}
}

/* Widths go by all there is, not by what the filter leaves, nor by one host's. */
static void test_widths_stay(void **state)
{
	static const char *const filters[] = {"/db-1{Enter}", "/vm-1-11{Enter}", "/nothing{Enter}",
					      "{Tab},"};
	struct fleet fleet = {.hosts = 2, .vms = 12};

	(void)state;
	for (size_t i = 0; i < sizeof(filters) / sizeof(*filters); i++) {
		struct fixture f = {.ui = kit_ui(&fleet, NULL)};
		char *was, *is;

		grid_init(&f.grid, 260, 40);
		kit_show(f.ui, &fleet, 100);
		was = header(&f);
		if (!strstr(was, " TAGS ") || !strstr(was, " CORES "))
			fail_msg("nothing behind a text: '%s'", was);
		kit_keys(f.ui, &f.grid, filters[i]);
		is = header(&f);
		if (strcmp(is, was))
			fail_msg("%s:\n'%s', not\n'%s'", filters[i], is, was);
		free(was);
		free(is);
		close_ui(&f);
	}
}

/* What nobody told of a host is not 0. */
static void test_told(void **state)
{
	struct fleet fleet = {.hosts = 2, .vms = 2};
	struct fixture f = {.ui = kit_ui(&fleet, NULL)};
	struct moment *m, *told = moment_new();

	(void)state;
	grid_init(&f.grid, 220, 40);
	kit_show(f.ui, &fleet, 100);
	kit_keys(f.ui, &f.grid, "o");
	titled(&f, "AGE", true);
	titled(&f, "LOST", false);
	titled(&f, "SKEW", false);
	m = fleet_moment(&fleet, 101, true);
	for (uint32_t i = 0; i < m->n; i++) {
		struct feed_host about = m->hosts[i].about;

		about.lost = 41 + i;
		about.skew_ms = -7;
		moment_add(told, i ? NULL : &about, m->hosts[i].now, m->hosts[i].before, 0);
	}
	told->live = true;
	ui_moment(f.ui, told);
	moment_unref(m);
	moment_unref(told);
	titled(&f, "LOST", true);
	titled(&f, "SKEW", true);
	on_screen(&f, " 41! ", true);
	on_screen(&f, " -7 ", true);
	/* Of the other one it is not known. */
	for (uint32_t i = 0; i < 2; i++) {
		struct thing t = {.host = i, .scope = SCOPE_HOST};

		assert_int_equal(isnan(ui_number(f.ui, t, FACT_COL(LOST))), i);
		assert_int_equal(isnan(ui_number(f.ui, t, FACT_COL(SKEW))), i);
	}
	close_ui(&f);
}

static void test_came_from(void **state)
{
	static const char vm_views[] = "acmdniw";
	struct fleet fleet = {.hosts = 2, .vms = 4};
	struct fixture f = {.ui = kit_ui(&fleet, NULL)};
	char key[2] = "a";

	(void)state;
	grid_init(&f.grid, 220, 40);
	for (unsigned round = 0; round < 3; round++) {
		fleet.moved = round == 1;
		fleet.gone = round == 2 ? 4 : 0; /* but not the one that came back */
		kit_show(f.ui, &fleet, 100 + round);
		for (const char *v = vm_views; *v; v++) {
			char *line;

			*key = *v;
			kit_keys(f.ui, &f.grid, key);
			titled(&f, "CAMEFROM", round == 1);
			line = header(&f);
			if (round == 1 && !strstr(line, "HOST CAMEFROM"))
				fail_msg("not in front: '%s'", line);
			free(line);
		}
	}
	close_ui(&f);
}

static void test_verbose(void **state)
{
	static const struct has has[1] = {{.cpu = true, .verbose = true}};
	struct ui_options o = {.interval = 2};
	struct settings s;
	struct fixture f;

	(void)state;
	for (int verbose = 0; verbose < 2; verbose++) {
		o.verbose = verbose;
		open_ui(&f, &o);
		show(&f, has, 1, 10, true);
		kit_keys(f.ui, &f.grid, "c");
		titled(&f, "OSTEAL", verbose);
		titled(&f, "STEALv", true);
		kit_keys(f.ui, &f.grid, "a");
		assert_false(ui_settings(f.ui, &s) && s.field[SCOPE_VM][M_CPU_OTHER_STEAL]);
		close_ui(&f);
	}
}

/* What was hidden is hidden the next time, there and nowhere else. */
static void test_facts_are_kept(void **state)
{
	struct fleet fleet = {.hosts = 2, .vms = 4};
	struct fixture f = {.ui = kit_ui(&fleet, NULL)};
	struct settings s;

	(void)state;
	grid_init(&f.grid, 220, 40);
	kit_show(f.ui, &fleet, 100);
	titled(&f, "HOST", true);
	kit_keys(f.ui, &f.grid, "fj"); /* behind the name */
	on_screen(&f, ">[x] HOST", true);
	kit_keys(f.ui, &f.grid, "{Space}f");
	titled(&f, "HOST", false);
	assert_true(ui_settings(f.ui, &s));
	assert_int_equal(s.fact[SCOPE_VM][FACT_HOST], 2);
	ui_free(f.ui);
	f.ui = kit_ui(&fleet, &s);
	kit_show(f.ui, &fleet, 100);
	titled(&f, "HOST", false);
	titled(&f, "CAUSE", true);
	kit_keys(f.ui, &f.grid, "1");
	titled(&f, "HOST", true);
	close_ui(&f);
}

/* In settings a column is known by scope and name alone. */
static void test_names(void **state)
{
	(void)state;
	for (int s = 0; s < SCOPES; s++)
		for (unsigned id = 0; id < COLUMNS; id++) {
			unsigned scopes =
				id < METRICS ? metrics[id].scopes : ui_facts[id - METRICS].scopes;

			if (scopes & (1u << s) &&
			    ui_column_find((enum scope)s, ui_column_name(id)) != id)
				fail_msg("%s of %s is there twice", ui_column_name(id),
					 scope_names[s]);
		}
}

/* Who reads a title knows which column it is: of all that a view can show no two have the same. */
static void test_titles(void **state)
{
	struct fleet fleet = {.hosts = 2, .vms = 1};
	struct fixture f = {.ui = kit_ui(&fleet, NULL)};
	uint16_t list[COLUMNS];

	(void)state;
	grid_init(&f.grid, 220, 40);
	kit_show(f.ui, &fleet, 100);
	for (unsigned v = 0; v < VIEWS; v++) {
		unsigned n = ui_column_list(f.ui, &ui_views[v], list);

		assert_true(n > 3);
		for (unsigned i = 0; i < n; i++)
			for (unsigned j = 0; j < i; j++)
				if (!strcmp(ui_column_title(list[i]), ui_column_title(list[j])))
					fail_msg("view %s: %s and %s are both called %s",
						 ui_views[v].name, ui_column_name(list[i]),
						 ui_column_name(list[j]), ui_column_title(list[i]));
	}
	close_ui(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_host_column),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_chosen_all_the_same),
		cmocka_unit_test(test_stable),
		cmocka_unit_test(test_came_from),
		cmocka_unit_test(test_verbose),
		cmocka_unit_test(test_facts_are_kept),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_titles),
		cmocka_unit_test(test_widths_stay),
		cmocka_unit_test(test_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
