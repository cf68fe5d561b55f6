/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_UI_STATE_H
#define PROXTOP_UI_STATE_H

/*
 * What the ui*.c files share: the state, and what each of them does with it.
 *
 * A place is what fills the screen: a table, all of one thing, or what changed.  Places are
 * stacked, Enter goes deeper, Esc comes back.  A table shows the rows of one view; a view, a
 * column that is no metric (a fact) and a key are rows of views.def, facts.def and keys.def.
 *
 * A column is a number: below METRICS a metric, from there on a fact.
 */
#include "diff.h"
#include "fact_ids.h"
#include "filter.h"
#include "level.h"
#include "series.h"
#include "trouble.h"
#include "ui.h"
#include "value_text.h"
#include "view_sum.h"
#include "world.h"

#define UI_COLS_MIN    60u
#define UI_ROWS_MIN    15u
#define UI_PLACES_MAX  16u
#define UI_MARKS_MAX   4096u
#define UI_TREE_INDENT 2u
#define UI_SLOTS_MAX   512u /* no column is narrower than two cells */
#define UI_DIFF_MAX    2000u
#define UI_TYPED_MAX   128u
#define UI_CELL_MAX    600u /* bytes of a text in a cell */

#define FACT_COL(id) (METRICS + FACT_##id)
#define COLUMNS      (METRICS + FACTS)

enum view_id {
#define VIEW(id, ...) VIEW_##id,
#include "views.def"
	VIEWS
};

struct ui_view {
	const char *keys, *name, *help;
	const char *class; /* of host disks; NULL: all */
	uint16_t sort, then;
	uint8_t scope;
	uint8_t families; /* bits by (1 << enum family) */
};
extern const struct ui_view ui_views[VIEWS];

struct ui;

enum fact_flag {
	FACT_CLUSTER = 1, /* only where there is more than one host */
	FACT_UP = 2,      /* sorted from the least */
	FACT_BELOW = 4,   /* left out where the screen is about that thing alone */
	FACT_SPARSE = 8,  /* left out where nothing has it */
};
struct ui_fact {
	const char *name, *title, *unit, *help;
	uint8_t scopes;       /* bits as of a metric */
	uint8_t flags, width; /* width 0: by what is in it */
	uint16_t instead;     /* the metric it stands for; METRICS: none */
	/* Numbers sort by number, texts by text; what has both is shown as text. */
	double (*number)(const struct ui *u, struct thing t);
	/* Into to, or elsewhere when it stays there; NULL: absent. */
	const char *(*text)(const struct ui *u, struct thing t, char *to, size_t size);
	enum level (*level)(const struct ui *u, struct thing t); /* NULL: none */
};
extern const struct ui_fact ui_facts[FACTS];

/* ---- tables ---- */

struct ui_column {
	uint16_t id; /* COLUMNS */
	uint16_t width;
	uint8_t gap; /* behind it: for the signs */
	bool left;   /* text */
};
struct ui_columns {
	uint8_t scope;
	uint16_t n;
	uint16_t fixed; /* so many stay when the others are scrolled */
	struct ui_column column[COLUMNS];
};
struct ui_row {
	struct thing t;
	uint64_t id, host; /* host: of the one it is on */
	double key, then;
	const char *text; /* while sorting */
	bool marked, owned;
};
struct ui_rows {
	struct ui_row *row;
	uint32_t n, room;
	uint32_t all; /* how many there are without the filter */
};
struct ui_cursor {
	uint32_t at, top;
	uint64_t id, host;
	bool held; /* moved by hand: it follows its thing; else it stays at the top */
};
/* Where a column was drawn last. */
struct ui_slot {
	uint16_t col, end, column;
};

enum place_kind { PLACE_TABLE, PLACE_DETAIL, PLACE_DIFF };
struct place {
	enum place_kind kind;
	enum view_id view;
	uint64_t host; /* table: only of this host; 0: of all */
	char host_name[HOST_NAME_BYTES + 1];
	uint8_t scope; /* detail: of this thing */
	uint64_t id;
	char name[HOST_NAME_BYTES + 1];
	struct ui_cursor cursor; /* table and diff */
	unsigned left;           /* columns scrolled away */
	uint32_t page_top;       /* detail */
};

/* ---- all of it ---- */

enum overlay { OVERLAY_NONE, OVERLAY_HELP, OVERLAY_FIELDS, OVERLAY_FILTER, OVERLAY_TIME };

struct ui_host_facts {
	uint32_t first_vm; /* in vm_trouble */
	struct trouble worst;
	struct thing worst_thing; /* a VM, or the host itself */
	double vm_steal;          /* percent, mean over all vCPUs on it */
};

struct ui {
	struct ui_options options;
	struct settings first, chosen;
	bool cluster; /* there was more than one host */

	struct world *world;
	bool has_moment;
	struct source_status status;
	uint64_t now_ns;

	/* ui_facts.c: of the present world */
	struct ui_host_facts *host_facts;
	struct trouble *vm_trouble;
	uint32_t host_room, vm_room;
	struct view_sum *sum;
	bool sum_is_old;

	/* ui_present.c: what has had a value */
	struct view *present;
	uint8_t present_scopes, present_facts[FACTS]; /* bits by scope */
	uint32_t present_views;                       /* bits by view */

	struct place place[UI_PLACES_MAX];
	unsigned n_places;
	struct ui_columns columns;
	struct ui_rows rows;
	struct thing_list list; /* scratch */

	enum overlay overlay;
	uint32_t overlay_top, overlay_at;
	char typed[UI_TYPED_MAX + 1]; /* in a prompt */
	char filter_text[UI_TYPED_MAX + 1], filter_why[200];
	struct filter *filter; /* NULL: none */
	struct filter *sought; /* of the last filter, for the next match; NULL: none */
	uint64_t *mark;        /* ids, sorted */
	uint32_t n_marks;
	bool only_marked;
	char said[300];

	/* ui_time.c */
	bool frozen, past;
	enum source_where asked_where; /* what the source was asked for last */
	bool asked;                    /* and has not answered */
	uint64_t asked_ns;
	int steps; /* more of t or T while the answer is awaited */
	struct moment *aside;
	struct diff_base *marked; /* what is compared with */
	bool mark_is_own;         /* by ', and not fetched for " */
	bool fetching_mark;

	/* ui_diff.c, ui_detail.c */
	struct diff diff;
	bool diff_is_old;
	struct series *series;
	char following[HOST_ID_MAX + 1];

	double interval;
	struct ui_want want;

	/* As drawn last: what clicks and pages go by. */
	struct ui_slot slot[UI_SLOTS_MAX];
	unsigned n_slots;
	unsigned header_row, first_row, page_rows;
	uint32_t page_lines;   /* of the detail or the help */
	uint32_t columns_line; /* of the help: where the view's columns begin; 0: it has none */
	bool show_sorted;      /* the sorted column is to be scrolled to */
};

/* ---- ui.c ---- */
static inline struct place *ui_place(struct ui *u)
{
	return &u->place[u->n_places - 1];
}
static inline const struct place *ui_here(const struct ui *u)
{
	return &u->place[u->n_places - 1];
}
/* The host that it is on. */
static inline struct thing ui_host_of(struct thing t)
{
	return (struct thing){.host = t.host, .scope = SCOPE_HOST};
}
void ui_show(struct ui *u, struct moment *m); /* on the screen */
void ui_settle(struct ui *u);                 /* rows, cursor and details after any change */
void ui_push(struct ui *u, const struct place *p);
bool ui_pop(struct ui *u); /* false: it was the last */
bool ui_has_thing(const struct ui *u, struct thing t);

/* ---- ui_columns.c ---- */
const char *ui_column_title(unsigned id);
const char *ui_column_name(unsigned id); /* in settings */
const char *ui_column_help(unsigned id);
const char *ui_column_unit(unsigned id);
bool ui_column_is_text(unsigned id);
bool ui_column_falls(unsigned id);                       /* sorted from the greatest by itself */
unsigned ui_column_find(enum scope s, const char *name); /* COLUMNS: none */
bool ui_column_is_shown(const struct ui *u, const struct ui_view *v, unsigned id);
void ui_column_toggle(struct ui *u, const struct ui_view *v, unsigned id);
/* All that a view can show, in its order; returns how many. */
unsigned ui_column_list(const struct ui *u, const struct ui_view *v, uint16_t list[COLUMNS]);
/* above: the screen is about one thing of that scope alone; SCOPES: about all. */
void ui_columns_make(const struct ui *u, const struct ui_view *v, enum scope above,
		     struct ui_columns *ret);
/* Without what names things and none of these has. */
void ui_columns_drop_empty(const struct ui *u, struct ui_columns *c, const struct ui_rows *rows);
/* Widths, by all that the view could show: no filter and no host moves a column. */
void ui_columns_fit(const struct ui *u, struct ui_columns *c, const struct thing_list *all);

/* ---- ui_value.c ---- */
struct ui_cell {
	char text[UI_CELL_MAX];
	enum style style;
	const char *sign; /* "", "!" or "!!" */
};
double ui_number(const struct ui *u, struct thing t, unsigned column);
const char *ui_text(const struct ui *u, struct thing t, unsigned column, char *to, size_t size);
bool ui_is_stale(const struct ui *u, struct thing t);
bool ui_is_absent(const struct ui *u, struct thing t, unsigned column);
enum level ui_level(const struct ui *u, struct thing t, unsigned column);
const char *ui_level_sign(enum level l);
enum style ui_level_style(enum level l, enum style fine);
void ui_cell(const struct ui *u, struct thing t, const struct ui_column *c, struct ui_cell *ret);
/* As short as it goes, with its unit. */
void ui_value_short(enum metric_id m, double value, bool human, char *to, size_t size);

/* ---- ui_facts.c ---- */
void ui_facts_make(struct ui *u);
void ui_facts_fini(struct ui *u);
struct trouble ui_trouble(const struct ui *u, struct thing t); /* score 0 below 1 */
struct thing ui_vm_of(const struct ui *u, struct thing t);
const char *ui_name(const struct ui *u, struct thing t); /* never NULL */

/* ---- ui_explain.c ---- */
/* A sentence about its trouble, "" when it has none. */
void ui_explain(const struct ui *u, struct thing t, char *to, size_t size);

/* ---- ui_present.c ---- */
void ui_present_see(struct ui *u); /* of the present world */
void ui_present_fini(struct ui *u);
/* Does any row that the view could have have a value there? */
bool ui_is_present(const struct ui *u, const struct ui_view *v, unsigned id);

/* ---- ui_sort.c ---- */
const struct ui_view *ui_view(const struct ui *u); /* of the place */
unsigned ui_sort_column(const struct ui *u, enum view_id v);
bool ui_sort_reversed(const struct ui *u, enum view_id v);
bool ui_sort_falls(const struct ui *u, enum view_id v);
void ui_sort_by(struct ui *u, unsigned column, bool reversed);
void ui_sort_rows(const struct ui *u, enum view_id v, struct ui_rows *rows);

/* ---- ui_filter.c ---- */
/* filter_new(), which knows the columns too. */
struct filter *ui_filter_new(const struct ui *u, const char *text, char *why, size_t why_size);

/* ---- ui_rows.c ---- */
/* list: then all that the view, or the table, could show. */
void ui_rows_make(struct ui *u);
void ui_rows_below(const struct ui *u, struct thing parent, enum view_id v, struct thing_list *list,
		   struct ui_rows *ret);
void ui_rows_fini(struct ui_rows *r);

/* ---- ui_cursor.c ---- */
void ui_cursor_find(struct ui *u);
void ui_cursor_move(struct ui *u, int64_t by);
void ui_cursor_to(struct ui *u, uint32_t at);
void ui_cursor_home(struct ui *u);
const struct ui_row *ui_cursor_row(const struct ui *u); /* NULL: the table is empty */
uint32_t ui_list_length(const struct ui *u);            /* rows of the place: table or diff */
void ui_cursor_scroll(struct ui_cursor *c, uint32_t n, unsigned shown);

/* ---- ui_table.c ---- */
void ui_table_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom);
unsigned ui_layout(const struct ui_columns *c, unsigned left, unsigned col, unsigned end,
		   struct ui_slot slot[UI_SLOTS_MAX]);
void ui_header_draw(struct grid *g, unsigned row, const struct ui_columns *c,
		    const struct ui_slot *slot, unsigned n, unsigned sorted, char sign);
void ui_row_draw(const struct ui *u, struct grid *g, unsigned row, const struct ui_columns *c,
		 const struct ui_slot *slot, unsigned n, const struct ui_row *r, bool is_cursor);
/* So many columns scrolled away, but not more than it takes to see the last one. */
unsigned ui_left_of(const struct ui_columns *c, unsigned left, unsigned cols);
int ui_slot_at(const struct ui *u, unsigned col); /* column under it, -1: none */

/* ---- lines that may be more than the screen has (ui_page.c) ---- */
struct ui_page {
	struct grid *g;
	unsigned col, end, row, bottom;
	uint32_t skip, line;
	unsigned at; /* ui_page_item: where the next item goes; 0: on a new line */
	int y;
};
/* The row to draw the next line on, -1: it is not on the screen. */
int ui_page_line(struct ui_page *p);
void ui_page_text(struct ui_page *p, enum style style, const char *text);
void ui_page_wrap(struct ui_page *p, unsigned indent, const char *head, enum style head_style,
		  const char *text);
/* An item of a fixed width, as many on a line as there is room for. */
void ui_page_item(struct ui_page *p, const char *key, const char *text, enum style style,
		  unsigned width);
void ui_page_break(struct ui_page *p);

/* ---- ui_values.c ---- */
void ui_value_item(const struct ui *u, struct ui_page *p, enum metric_id m, double value,
		   enum level l, bool stale);
void ui_values_draw(const struct ui *u, struct ui_page *p, struct thing t, unsigned families);

/* ---- what is on the screen ---- */
void ui_bar_draw(const struct ui *u, struct grid *g, unsigned row);
void ui_foot_draw(const struct ui *u, struct grid *g, unsigned row);
/* Returns the row below it. */
unsigned ui_panel_draw(struct ui *u, struct grid *g, unsigned row);
void ui_help_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom);
void ui_fields_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom);
const char *ui_fields_help(const struct ui *u);
void ui_detail_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom);
void ui_diff_draw(struct ui *u, struct grid *g, unsigned row, unsigned bottom);
void ui_time_text(uint64_t wall_ns, bool date, char *to, size_t size);

/* ---- keys ---- */
/* True: the overlay took it. */
bool ui_help_key(struct ui *u, const struct key *k);
bool ui_fields_key(struct ui *u, const struct key *k);
bool ui_prompt_key(struct ui *u, const struct key *k);
void ui_view_to(struct ui *u, enum view_id v);
void ui_move(struct ui *u, int64_t by); /* rows, or lines of a page */
void ui_filter_set(struct ui *u, const char *text);

/* ---- ui_detail.c, ui_diff.c ---- */
struct thing ui_detail_thing(const struct ui *u);
void ui_detail_settle(struct ui *u);
void ui_diff_settle(struct ui *u);
void ui_diff_drop(struct ui *u);
uint64_t ui_diff_id(const struct ui *u, uint32_t at); /* of a row: its thing and metric */
struct thing ui_diff_thing(const struct ui *u);       /* under the cursor; NO_THING: gone */

/* ---- ui_time.c ---- */
void ui_go(struct ui *u, enum source_where where, uint64_t wall_ns);
void ui_time_moment(struct ui *u, struct moment *m);
void ui_jump(struct ui *u, int64_t seconds);
void ui_time_typed(struct ui *u, const char *text); /* ui_time_typed.c */
/* The series of a host with what is on the screen. */
void ui_follow(struct ui *u, const char *host_id);
void ui_time_fini(struct ui *u);

/* What keys do; keys.def says which. */
typedef void ui_act(struct ui *u);
struct ui_bind {
	const char *keys, *group, *help;
	ui_act *act;
};
extern const struct ui_bind ui_binds[];
extern const unsigned ui_binds_n;
bool ui_keys_have(const char *keys, uint32_t code);
const struct ui_bind *ui_bind_of(uint32_t code); /* NULL: it does nothing */
ui_act *ui_act_of(uint32_t code);                /* NULL: nothing */
/* Does it move along a list?  By how many lines of it, of which page are a page. */
#define UI_TO_THE_END INT64_C(1000000)
bool ui_key_moves(uint32_t code, int64_t page, int64_t *ret_by);
#define KEY(keys, group, act, help) void act(struct ui *u);
#include "keys.def"
#undef KEY

#endif
