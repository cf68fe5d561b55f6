/* SPDX-License-Identifier: Apache-2.0 */
#include "session_state.h"

#include "log.h"
#include "series.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define NS 1000000000ull

void session_finish(struct session *s, enum session_end end)
{
	s->ended = true;
	s->end = end;
}

/* ---- the source ---- */

static void show_status(struct session *s)
{
	struct source_status status;
	uint64_t now = clock_wall_ns();

	source_status(s->o->source, &status);
	/* In a recording it is always then: a screen of it is the same at any time. */
	if (status.replay)
		now = s->shown_wall_ns;
	ui_status(s->o->ui, &status, now);
	s->changed = true;
}

static bool is_replay(const struct session *s)
{
	struct source_status status;

	source_status(s->o->source, &status);
	return status.replay;
}

static void carry_out(struct session *s)
{
	struct ui_want want = {0};

	ui_wants(s->o->ui, &want);
	/* Before the question, so that its answer brings the history too. */
	if (want.bits & UI_FOLLOW)
		source_follow(s->o->source, *want.follow ? want.follow : NULL, SERIES_MAX);
	if (want.bits & UI_GO)
		source_go(s->o->source, want.where, want.wall_ns);
	if (want.bits & UI_INTERVAL)
		source_set_interval(s->o->source, (uint64_t)(want.interval * (double)NS + 0.5));
	if (want.bits & UI_MOUSE && s->o->terminal)
		terminal_mouse(s->o->terminal, want.mouse);
	if (want.bits & (UI_GO | UI_FOLLOW) && s->key) {
		session_wait_for(s, MOMENT);
		if (want.bits & UI_FOLLOW)
			memcpy(s->follows, want.follow, sizeof(s->follows));
	}
	if (want.bits & UI_QUIT)
		session_finish(s, SESSION_QUIT);
}

static void take_moment(struct session *s)
{
	struct moment *m = source_take(s->o->source);

	if (!m)
		return;
	s->shown_wall_ns = m->wall_ns;
	s->live = m->live && !is_replay(s);
	s->any |= m->n > 0;
	session_came(s, m);
	ui_moment(s->o->ui, m);
	moment_unref(m);
	show_status(s);
	carry_out(s);
}

/* ---- the screen ---- */

void session_resize(struct session *s, unsigned cols, unsigned rows)
{
	bool ascii = s->grid.ascii;

	grid_fini(&s->grid);
	grid_init(&s->grid, cols, rows);
	s->grid.ascii = ascii;
	s->changed = true;
}

static void resize_to_terminal(struct session *s)
{
	unsigned cols, rows;

	terminal_size(s->o->terminal, &cols, &rows);
	session_resize(s, cols, rows);
}

/* A terminal that is stopped, or has a slow line, must not keep us from a signal. */
static bool takes_more(void)
{
	struct pollfd fd = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&fd, 1, 0) != 0;
}

void session_draw(struct session *s)
{
	s->full = s->o->terminal && s->changed && !takes_more();
	if (!s->changed || s->full)
		return;
	s->changed = false;
	grid_clear(&s->grid);
	ui_draw(s->o->ui, &s->grid);
	if (s->o->terminal)
		terminal_show(s->o->terminal, &s->grid);
}

void session_press(struct session *s, const struct key *k)
{
	ui_key(s->o->ui, k);
	s->changed = true;
	carry_out(s);
}

static void take_keys(struct session *s)
{
	struct key k;

	while (!s->ended && terminal_key(s->o->terminal, &k))
		session_press(s, &k);
	s->changed = true; /* also for Ctrl-L, which is no key */
}

/* ---- what wakes it ---- */

/* The terminal's own signals come only where there is one. */
static void take_signals(struct session *s)
{
	struct signalfd_siginfo info;

	while (read(s->o->signals, &info, sizeof(info)) == (ssize_t)sizeof(info)) {
		switch (info.ssi_signo) {
		case SIGWINCH:
			terminal_resized(s->o->terminal);
			break;
		case SIGTSTP:
			terminal_suspend(s->o->terminal);
			break;
		case SIGCONT:
			terminal_again(s->o->terminal);
			break;
		case SIGINT:
			session_finish(s, s->o->terminal ? SESSION_QUIT : SESSION_SIGNAL);
			return;
		default:
			session_finish(s, SESSION_SIGNAL);
			return;
		}
		resize_to_terminal(s);
	}
}

static void take_line(struct session *s)
{
	char line[LOG_LINE_SIZE];

	if (!log_lines_take(s->o->lines, line))
		return;
	/* Who says it is clear here. */
	ui_say(s->o->ui, strncmp(line, "proxtop: ", 9) ? line : line + 9);
	s->changed = true;
}

static void take_tick(struct session *s)
{
	uint64_t times;

	if (read(s->timer, &times, sizeof(times)) == (ssize_t)sizeof(times))
		show_status(s);
}

static void wait_and_take(struct session *s)
{
	const struct session_options *o = s->o;
	struct pollfd fds[] = {
		{.fd = o->terminal ? STDIN_FILENO : -1, .events = POLLIN},
		{.fd = o->signals, .events = POLLIN},
		{.fd = source_fd(o->source), .events = POLLIN},
		{.fd = s->timer, .events = POLLIN},
		{.fd = o->lines ? log_lines_fd(o->lines) : -1, .events = POLLIN},
		{.fd = s->full ? STDOUT_FILENO : -1, .events = POLLOUT},
	};

	if (poll(fds, sizeof(fds) / sizeof(*fds), session_timeout_ms(s)) < 0) {
		if (errno == EINTR)
			return;
		log_error("poll: %s", strerror(errno));
		session_finish(s, SESSION_ERROR);
		return;
	}
	if (fds[1].revents)
		take_signals(s);
	if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL)) {
		session_finish(s, SESSION_SIGNAL); /* the terminal has gone */
		return;
	}
	if (fds[2].revents)
		take_moment(s);
	if (fds[0].revents && !s->ended)
		take_keys(s);
	if (fds[3].revents)
		take_tick(s);
	if (fds[4].revents)
		take_line(s);
}

static int begin(struct session *s)
{
	const struct itimerspec second = {.it_interval = {.tv_sec = 1}, .it_value = {.tv_sec = 1}};

	s->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->timer < 0) {
		log_error("no timer: %s", strerror(errno));
		return -1;
	}
	timerfd_settime(s->timer, 0, &second, NULL);
	grid_init(&s->grid, s->o->cols, s->o->rows);
	s->grid.ascii = s->o->ascii;
	if (s->o->terminal)
		resize_to_terminal(s);
	if (!session_script_is_over(s))
		session_wait_for(s, RATES);
	source_go(s->o->source, SOURCE_LIVE, 0);
	show_status(s);
	return 0;
}

enum session_end session_run(const struct session_options *o)
{
	struct session s = {.o = o, .changed = true};

	if (begin(&s) < 0)
		return SESSION_ERROR;
	carry_out(&s);
	while (!s.ended) {
		if (!session_script_is_over(&s))
			session_run_script(&s);
		if (s.ended)
			break;
		session_draw(&s);
		wait_and_take(&s);
	}
	if (!o->terminal && s.end == SESSION_QUIT) {
		session_draw(&s);
		grid_print(&s.grid, false, o->print_to);
		s.end = s.late ? SESSION_LATE : SESSION_QUIT;
	}
	close(s.timer);
	grid_fini(&s.grid);
	return s.end;
}
