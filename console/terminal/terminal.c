/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal.h"

#include "terminal_flow.h"
#include "terminal_keys.h"
#include "terminal_look.h"
#include "terminal_restore.h"
#include "xalloc.h"

#include <errno.h>
#include <langinfo.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <term.h>

/* How long after an Esc the rest of a key's sequence may come. */
#define ESC_MS 40

struct terminal {
	SCREEN *screen;
	enum palette palette;
	bool mouse, utf8, redraw;
	unsigned cols, rows;
	struct grid shown; /* what was given to curses last */
	cchar_t *line;     /* of cols */
	struct restore restore;
};

static int refuse(int r, char *why, size_t why_size, const char *what)
{
	const char *name = getenv("TERM");

	if (r == -ENOTTY)
		snprintf(why, why_size,
			 "%s is no terminal; without one: --printer=text, json or openmetrics, or "
			 "--screen=COLSxROWS",
			 what);
	else
		snprintf(why, why_size,
			 "TERM=%.60s %s; try TERM=xterm-256color, or without a screen "
			 "--printer=text",
			 name ? name : "", what);
	return r;
}

static bool has_text(const char *capability)
{
	const char *text = tigetstr(capability);

	return text && text != (char *)-1;
}

/* newterm() would draw on anything; what it cannot use is found out before. */
int terminal_check(char *why, size_t why_size)
{
	int known = 0;
	bool moves;

	if (!isatty(STDIN_FILENO))
		return refuse(-ENOTTY, why, why_size, "stdin");
	if (!isatty(STDOUT_FILENO))
		return refuse(-ENOTTY, why, why_size, "stdout");
	if (!getenv("TERM") || !*getenv("TERM"))
		return refuse(-ENXIO, why, why_size, "does not say what terminal this is");
	if (setupterm(NULL, STDOUT_FILENO, &known) == ERR)
		return refuse(-ENXIO, why, why_size,
			      known < 0 ? "cannot be looked up: no terminfo on this machine"
					: "is not known here");
	moves = has_text("cup") && has_text("clear");
	del_curterm(cur_term);
	return moves ? 0 : refuse(-ENXIO, why, why_size, "cannot move the cursor");
}

/* Its handlers would draw and exit from inside of a signal. */
static void drop_handlers(void)
{
	static const int taken[] = {SIGINT, SIGTERM, SIGTSTP, SIGWINCH};

	for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
		signal(taken[i], SIG_DFL);
}

static void set_modes(struct terminal *t)
{
	cbreak();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESC_MS);
	mouseinterval(0); /* a press is a click: no waiting for a second one */
	typeahead(-1);    /* keys that wait do not stop a picture halfway */
	curs_set(0);
	terminal_mouse(t, t->mouse);
}

int terminal_open(struct terminal **ret, const struct terminal_options *o, char *why,
		  size_t why_size)
{
	struct terminal *t;
	int r = terminal_check(why, why_size);

	*ret = NULL;
	if (r < 0)
		return r;
	t = xcalloc(1, sizeof(*t));
	t->utf8 = !strcasecmp(nl_langinfo(CODESET), "UTF-8");
	t->mouse = o->mouse;
	restore_remember(&t->restore);
	t->screen = newterm(NULL, stdout, stdin);
	if (!t->screen) {
		free(t);
		return refuse(-ENXIO, why, why_size, "cannot be used");
	}
	restore_begin(&t->restore);
	drop_handlers();
	flow_begin();
	t->palette = look_begin(o->no_color);
	set_modes(t);
	terminal_resized(t);
	*ret = t;
	return 0;
}

void terminal_close(struct terminal *t)
{
	if (!t)
		return;
	flow_free();
	endwin();
	restore_over();
	delscreen(t->screen);
	grid_fini(&t->shown);
	free(t->line);
	free(t);
}

void terminal_size(const struct terminal *t, unsigned *ret_cols, unsigned *ret_rows)
{
	*ret_cols = t->cols;
	*ret_rows = t->rows;
}

void terminal_resized(struct terminal *t)
{
	struct winsize w = {0};
	bool ascii = !t->utf8;

	/* The terminal itself: curses would believe LINES and COLUMNS. */
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) && w.ws_col && w.ws_row)
		resize_term(w.ws_row < GRID_ROWS_MAX ? w.ws_row : (int)GRID_ROWS_MAX,
			    w.ws_col < GRID_COLS_MAX ? w.ws_col : (int)GRID_COLS_MAX);
	grid_fini(&t->shown);
	grid_init(&t->shown, (unsigned)getmaxx(stdscr), (unsigned)getmaxy(stdscr));
	t->shown.ascii = ascii;
	t->cols = t->shown.cols;
	t->rows = t->shown.rows;
	t->line = xrealloc(t->line, t->cols, sizeof(*t->line));
	erase();
	/* All of it again, but not cleared before: that would flicker. */
	redrawwin(stdscr);
}

void terminal_mouse(struct terminal *t, bool on)
{
	t->mouse = on;
	mousemask(on ? BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED : 0,
		  NULL);
}

/* One cell as curses wants it; false: it came out as one column.  What the C library sees in
 * other columns than we do would move all that follows. */
static bool curses_cell(const struct terminal *t, const struct cell *c, bool wide, cchar_t *to)
{
	struct look_now look = look_of(t->palette, c);
	wchar_t text[2] = {(wchar_t)c->ch, 0};

	if (c->ch == GRID_WIDE ||
	    (c->ch >= 0x80 && (!t->utf8 || wcwidth(text[0]) != (wide ? 2 : 1))))
		text[0] = '?';
	setcchar(to, text, look.attributes, look.pair, NULL);
	return wide && text[0] != '?';
}

static void show_row(struct terminal *t, unsigned row, const struct cell *c)
{
	int n = 0;

	for (unsigned col = 0; col < t->cols; col++) {
		bool wide = col + 1 < t->cols && c[col + 1].ch == GRID_WIDE;

		if (curses_cell(t, &c[col], wide, &t->line[n++]))
			col++;
	}
	mvadd_wchnstr((int)row, 0, t->line, n);
}

void terminal_show(struct terminal *t, const struct grid *g)
{
	size_t bytes = t->cols * sizeof(*g->cell);

	if (g->cols != t->cols || g->rows != t->rows)
		return; /* of another size: the next one fits */
	for (unsigned row = 0; row < t->rows; row++) {
		const struct cell *c = &g->cell[(size_t)row * t->cols];
		struct cell *old = &t->shown.cell[(size_t)row * t->cols];

		if (!memcmp(c, old, bytes))
			continue;
		memcpy(old, c, bytes);
		show_row(t, row, c);
	}
	if (t->redraw)
		clearok(curscr, TRUE);
	t->redraw = false;
	if (g->cursor_row >= 0 && g->cursor_col >= 0)
		move(g->cursor_row, g->cursor_col);
	curs_set(g->cursor_row >= 0 && g->cursor_col >= 0);
	flow_guard();
	refresh();
	flow_unguard();
}

bool terminal_key(struct terminal *t, struct key *ret)
{
	int r;

	do
		r = curses_key(ret, &t->redraw);
	while (!r);
	return r > 0;
}

void terminal_again(struct terminal *t)
{
	reset_prog_mode();
	terminal_resized(t);
	terminal_mouse(t, t->mouse);
	t->redraw = true;
}

void terminal_suspend(struct terminal *t)
{
	sigset_t stop;

	endwin();
	/* The real signal, not SIGSTOP: where no shell could let us go on, it does nothing. */
	sigemptyset(&stop);
	sigaddset(&stop, SIGTSTP);
	kill(getpid(), SIGTSTP);
	pthread_sigmask(SIG_UNBLOCK, &stop, NULL);
	pthread_sigmask(SIG_BLOCK, &stop, NULL);
	terminal_again(t);
}
