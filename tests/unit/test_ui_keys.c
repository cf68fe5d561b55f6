/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any keys, in any order, against a model: which rows there must be, where the cursor must
 * be, and that the screen says the same.
 *
 *   test_ui_keys [KEYS [SEED]]
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fleet_filter.h"
#include "key_words.h"
#include "ui_state.h"

/* What goes wrong in memory is seen with AddressSanitizer: there it is worth the time. */
#ifdef __SANITIZE_ADDRESS__
#define KEYS 100000u
#else
#define KEYS 5000u
#endif
#define KEYS_AT_ONCE 4000u
#define LINE         100u /* of a script that is printed */

struct run {
	uint64_t random, seed;
	struct fleet fleet;    /* as it is now */
	struct fleet of[4000]; /* by second */
	unsigned second;
	struct ui *ui;
	struct grid grid;
	struct source_status status;
	FILE *keys; /* the script so far; {wait} is a new moment */
	char *script;
	size_t script_size;
	unsigned long n;
	bool live; /* what the source was asked for last */
};

static uint32_t below(struct run *r, uint32_t n)
{
	r->random ^= r->random << 13;
	r->random ^= r->random >> 7;
	r->random ^= r->random << 17;
	return (uint32_t)(r->random >> 20) % n;
}

static void stop(struct run *r, const char *why) __attribute__((noreturn));
static void stop(struct run *r, const char *why)
{
	char *text = kit_text(r->ui, &r->grid);

	fflush(r->keys);
	fprintf(stderr, "%s\nafter %lu keys; again: test_ui_keys %lu %llu\nthe screen:\n%s", why,
		r->n, 2 * r->n, (unsigned long long)r->seed, text);
	fprintf(stderr, "the keys, as for --keys:\n%s\n", r->script);
	free(text);
	fail_msg("%s", why);
	abort();
}

/* ---- what there is, by the fleet and not by the console ---- */

static unsigned vms_of(const struct fleet *f, unsigned host)
{
	unsigned n = f->vms - f->gone;

	if (f->moved) { /* from a single host: away */
		if (host == 0 && n)
			n--;
		if (host == 1)
			n++;
	}
	return n;
}

static unsigned rows_of_host(const struct fleet *f, enum view_id v, unsigned host)
{
	switch (v) {
	case VIEW_PNIC:
	case VIEW_STORAGE:
		return 2;
	case VIEW_LVM:
	case VIEW_MULTIPATH:
	case VIEW_HOSTS:
		return 1;
	case VIEW_VCPUS:
		return 2 * vms_of(f, host);
	default:
		return vms_of(f, host);
	}
}

static const struct fleet *shown(const struct run *r)
{
	return &r->of[(r->ui->world->wall_ns - KIT_WALL) / KIT_SECOND];
}

/* A filter that the fleet does not know, or where devices are shown: not all of them. */
static bool is_exact(const struct run *r)
{
	const struct ui *u = r->ui;

	if (u->only_marked)
		return false;
	return !u->filter || (ui_view(u)->scope == SCOPE_VM && fleet_knows(u->filter_text) &&
			      /* When a host is silent it is told, not found out here. */
			      (!shown(r)->stale || u->world->wall_ns > KIT_WALL + 16 * KIT_SECOND));
}

static unsigned rows_expected(const struct run *r)
{
	const struct place *p = ui_here(r->ui);
	bool filtered = r->ui->filter && is_exact(r);
	unsigned n = 0;

	for (unsigned h = 0; h < shown(r)->hosts; h++) {
		char name[20];
		unsigned rows = filtered ? fleet_count(shown(r), h, r->ui->filter_text)
					 : rows_of_host(shown(r), p->view, h);

		snprintf(name, sizeof(name), "hv%02u", h);
		if (p->host && strcmp(p->host_name, name) != 0)
			continue;
		n += rows;
		if (r->ui->chosen.tree && ui_views[p->view].scope == SCOPE_VM && rows)
			n++;
	}
	return n;
}

/* ---- what must always hold ---- */

static void check_rows(struct run *r)
{
	const struct ui *u = r->ui;
	unsigned column = ui_sort_column(u, ui_here(u)->view);
	bool falls = ui_sort_falls(u, ui_here(u)->view);

	for (uint32_t i = 0; i < u->rows.n; i++)
		for (uint32_t j = 0; j < i; j++)
			if (u->rows.row[i].id == u->rows.row[j].id)
				stop(r, "a row is there twice");
	if (is_exact(r) && u->rows.n != rows_expected(r))
		stop(r, "a row is lost, or one too many");
	if (!is_exact(r) && u->rows.n > rows_expected(r))
		stop(r, "a filter has made rows more");
	if (u->chosen.tree || ui_column_is_text(column))
		return;
	for (uint32_t i = 1; i < u->rows.n; i++) {
		double a = ui_number(u, u->rows.row[i - 1].t, column);
		double b = ui_number(u, u->rows.row[i].t, column);

		if (isnan(a) ? !isnan(b) : falls ? a < b : a > b)
			stop(r, "rows are not sorted");
	}
}

static void check_cursor(struct run *r)
{
	uint32_t at, n;

	ui_cursor(r->ui, &at, &n);
	if (n ? at >= n : at != 0)
		stop(r, "the cursor is on no row");
	if (n && ui_here(r->ui)->kind == PLACE_TABLE &&
	    ui_here(r->ui)->cursor.id != r->ui->rows.row[at].id)
		stop(r, "the cursor is not where it says");
}

/* One row has the cursor, and the sign for it. */
static void check_screen(struct run *r)
{
	unsigned cursors = 0, signs = 0;
	struct grid *g = &r->grid;
	const struct ui *u = r->ui;
	uint32_t at, n;

	ui_draw(r->ui, g);
	ui_cursor(u, &at, &n);
	if (u->overlay == OVERLAY_HELP || u->overlay == OVERLAY_FIELDS ||
	    ui_here(u)->kind == PLACE_DETAIL || g->cols < UI_COLS_MIN || g->rows < UI_ROWS_MIN)
		return;
	for (unsigned y = 1; y + 1 < g->rows; y++) {
		cursors += (g->cell[y * g->cols].bits & CELL_CURSOR) != 0;
		signs += y >= u->first_row && g->cell[y * g->cols].ch == '>';
	}
	if (cursors != (n > 0) || signs != (n > 0))
		stop(r, "not one row has the cursor");
}

static void check(struct run *r)
{
	check_cursor(r);
	if (ui_here(r->ui)->kind == PLACE_TABLE && r->ui->has_moment)
		check_rows(r);
	check_screen(r);
}

/* ---- what keys must do ---- */

struct was {
	enum place_kind kind;
	unsigned places;
	enum overlay overlay;
	struct ui_cursor cursor;
	uint32_t n;
};

static struct was remember(const struct run *r)
{
	const struct ui *u = r->ui;

	return (struct was){ui_here(u)->kind, u->n_places, u->overlay, ui_here(u)->cursor,
			    ui_list_length(u)};
}

static bool keeps_the_cursor(uint32_t code)
{
	return code < 0x80 && strchr("<>ruRUfFTt[]+-=", (int)code) != NULL;
}

static void check_key(struct run *r, const struct was *was, const struct key *k)
{
	const struct ui *u = r->ui;
	const struct ui_cursor *is = &ui_here(u)->cursor;
	int64_t want = was->cursor.at;

	if (was->overlay != OVERLAY_NONE || was->kind == PLACE_DETAIL ||
	    u->n_places != was->places || !was->n)
		return;
	switch (k->code) {
	case 'j':
	case K_DOWN:
		want++;
		break;
	case 'k':
	case K_UP:
		want--;
		break;
	case K_WHEEL_DOWN:
		want += 3;
		break;
	case K_WHEEL_UP:
		want -= 3;
		break;
	case K_HOME:
		want = 0;
		break;
	case K_END:
		want = UINT32_MAX;
		break;
	default:
		if (was->kind == PLACE_TABLE && keeps_the_cursor(k->code) && was->cursor.held &&
		    is->id != was->cursor.id)
			stop(r, "the cursor has lost its row");
		return;
	}
	if (want >= was->n)
		want = was->n - 1;
	if (want < 0)
		want = 0;
	if (is->at != want)
		stop(r, "the cursor is not where the key moves it");
}

static struct key random_key(struct run *r)
{
	static const uint32_t special[] = {K_ENTER,  K_ESC,       K_BACKSPACE, K_TAB,  K_UP,
					   K_DOWN,   K_LEFT,      K_RIGHT,     K_HOME, K_END,
					   K_DELETE, K_PAGE_DOWN, K_PAGE_UP,   K_F1};
	static const char likely[] = "acmdniwpslxo123vv<><>r/;,jjkkf?uyz z tT[]e'\"b";
	struct key k = {.code = 0};

	switch (below(r, 8)) {
	case 0:
		k.code = special[below(r, sizeof(special) / sizeof(*special))];
		break;
	case 1:
		k.code = ' ' + below(r, 95);
		break;
	case 2:
		k.code = below(r, 4) ? (below(r, 3) ? K_CLICK : K_WHEEL_UP) : K_WHEEL_DOWN;
		k.col = below(r, r->grid.cols + 2);
		k.row = below(r, r->grid.rows + 2);
		break;
	case 3:
		k.code = below(r, 20) ? K_DOWN : below(r, 0x110000);
		break;
	case 4:
		k.code = below(r, 2) ? K_ENTER : K_ESC;
		break;
	default:
		k.code = (unsigned char)likely[below(r, sizeof(likely) - 1)];
	}
	if (k.code == K_F1 + 1 || k.code == 'q' || k.code == 'Q')
		k.code = K_DOWN;
	return k;
}

/* As --keys takes it; what no keyboard has is left out. */
static void note(struct run *r, const struct key *k)
{
	char name[40];

	if (!(r->n++ % LINE) && r->n > 1)
		fputc('\n', r->keys);
	key_text(k->code, name, sizeof(name));
	if (k->code == '{')
		fputs("{{", r->keys);
	else if (k->code >= ' ' && k->code < 0x7f)
		fputc((int)k->code, r->keys);
	else if (k->code == K_CLICK || k->code == K_WHEEL_UP || k->code == K_WHEEL_DOWN)
		fprintf(r->keys, "{%s %u,%u}", name, k->col, k->row);
	else if (k->code >= KEY_CODE_BASE)
		fprintf(r->keys, "{%s}", name);
}

static void press(struct run *r, const struct key *k)
{
	struct was was = remember(r);

	note(r, k);
	ui_key(r->ui, k);
	check_key(r, &was, k);
}

/* ---- the source ---- */

static void show(struct run *r, unsigned second, bool live)
{
	struct fleet f = r->of[second];
	struct was was = remember(r);
	struct moment *m = fleet_moment(&f, second, live);
	bool is_there;

	ui_moment(r->ui, m);
	is_there = thing_is(
		world_find(r->ui->world, (enum scope)ui_view(r->ui)->scope, was.cursor.id));
	if (ui_here(r->ui)->kind == PLACE_TABLE && was.kind == PLACE_TABLE && was.cursor.held &&
	    !ui_here(r->ui)->host && is_there && !r->ui->filter && !r->ui->only_marked &&
	    !r->ui->chosen.tree && ui_here(r->ui)->cursor.id != was.cursor.id)
		stop(r, "the cursor did not follow its row");
	moment_unref(m);
}

static unsigned second_of(const struct run *r, uint64_t wall_ns)
{
	uint64_t second = wall_ns < KIT_WALL ? 0 : (wall_ns - KIT_WALL) / KIT_SECOND;

	return second < 11 ? 11 : second > r->second ? r->second : (unsigned)second;
}

static void answer(struct run *r)
{
	struct ui_want want;
	unsigned at;

	ui_wants(r->ui, &want);
	if (!(want.bits & UI_GO))
		return;
	r->live = want.where == SOURCE_LIVE;
	at = second_of(r, want.wall_ns);
	if (want.where == SOURCE_NEXT)
		at = second_of(r, want.wall_ns + KIT_SECOND);
	else if (want.where == SOURCE_BEFORE)
		at = second_of(r, want.wall_ns - KIT_SECOND);
	show(r, r->live ? r->second : at, r->live);
}

/* One that the fleet knows. */
static void filter(struct run *r)
{
	static const uint32_t begin[] = {K_ESC, K_ESC, '/'};
	const char *text = fleet_filters[below(r, FLEET_FILTERS)];

	for (unsigned i = 0; i < sizeof(begin) / sizeof(*begin); i++)
		press(r, &(struct key){.code = begin[i]});
	for (; *text; text++)
		press(r, &(struct key){.code = (unsigned char)*text});
	press(r, &(struct key){.code = K_ENTER});
}

static void next_second(struct run *r)
{
	if (!below(r, 3))
		r->fleet.moved = !r->fleet.moved;
	if (!below(r, 3))
		r->fleet.gone = below(r, r->fleet.vms + 1);
	if (!below(r, 4))
		r->fleet.stale = below(r, 2);
	if (r->second + 1 < sizeof(r->of) / sizeof(*r->of))
		r->second++;
	r->of[r->second] = r->fleet;
	fputs("{wait}", r->keys);
	if (r->live)
		show(r, r->second, true);
	snprintf(r->status.error, sizeof(r->status.error), "%s", below(r, 5) ? "" : "no way");
	ui_status(r->ui, &r->status, KIT_WALL + r->second * KIT_SECOND);
}

static void resize(struct run *r)
{
	unsigned cols = below(r, 10) ? 60 + below(r, 120) : 1 + below(r, 60);
	unsigned rows = below(r, 10) ? 15 + below(r, 40) : 1 + below(r, 15);

	if (!below(r, 20)) {
		cols = 400;
		rows = 100;
	}
	grid_fini(&r->grid);
	grid_init(&r->grid, cols, rows);
	fprintf(r->keys, "{resize %ux%u}", cols, rows);
}

static void run_keys(uint64_t seed, unsigned hosts, unsigned long n)
{
	struct run *r = calloc(1, sizeof(*r));

	r->seed = seed;
	r->random = seed * UINT64_C(0x9e3779b97f4a7c15) + 1;
	r->fleet = (struct fleet){.hosts = hosts, .vms = 3 + below(r, 30)};
	r->live = true;
	r->second = 20;
	r->keys = open_memstream(&r->script, &r->script_size);
	for (unsigned i = 0; i <= r->second; i++)
		r->of[i] = r->fleet;
	r->ui = kit_ui(&r->fleet, NULL);
	grid_init(&r->grid, 100, 30);
	check(r);
	show(r, r->second, true);
	while (r->n < n) {
		struct key k = random_key(r);

		press(r, &k);
		check(r);
		if (below(r, 3))
			answer(r);
		if (!below(r, 12))
			next_second(r);
		if (!below(r, 40))
			resize(r);
		if (!below(r, 50))
			filter(r);
		check(r);
	}
	ui_free(r->ui);
	grid_fini(&r->grid);
	fclose(r->keys);
	free(r->script);
	free(r);
}

struct arguments {
	unsigned long keys;
	uint64_t seed;
};

static void test_one_host(void **state)
{
	const struct arguments *a = *state;

	for (unsigned long done = 0; done < a->keys; done += KEYS_AT_ONCE)
		run_keys(a->seed + done, 1,
			 a->keys - done < KEYS_AT_ONCE ? a->keys - done : KEYS_AT_ONCE);
}

static void test_cluster(void **state)
{
	const struct arguments *a = *state;

	for (unsigned long done = 0; done < a->keys; done += KEYS_AT_ONCE)
		run_keys(a->seed + done, 3,
			 a->keys - done < KEYS_AT_ONCE ? a->keys - done : KEYS_AT_ONCE);
}

int main(int argc, char **argv)
{
	struct arguments a = {.keys = argc > 1 ? strtoul(argv[1], NULL, 10) / 2 : KEYS / 2,
			      .seed = argc > 2 ? strtoull(argv[2], NULL, 10) : 1};
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_prestate(test_one_host, &a),
		cmocka_unit_test_prestate(test_cluster, &a),
	};

	setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
