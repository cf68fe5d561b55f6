/* SPDX-License-Identifier: Apache-2.0 */
/* The console's loop without a terminal, between a source and a ui of the test's own: when keys
 * are pressed, what is asked for in which order, and how it ends. */
#include "session.h"

#include "capture.h"
#include "key_words.h"
#include "log.h"
#include "make_frame.h"
#include "source_ops.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <sys/signalfd.h>

#include <cmocka.h>

/* ---- what happens, as one text ---- */

static char story[4000];

static void happens(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void happens(const char *format, ...)
{
	size_t used = strlen(story);
	va_list args;

	va_start(args, format);
	vsnprintf(story + used, sizeof(story) - used, format, args);
	va_end(args);
}

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- a source: what is asked for is answered at once, or never ---- */

static struct fake {
	struct console_source base;
	int fd;
	bool replay, past;
	bool deaf; /* answers nothing but the first question */
	unsigned asked, taken;
	char follow[80];
	const char *error; /* NULL: none */
	bool silent;       /* nothing at all comes */
	unsigned without;  /* so many answers come before the history is there */
} fake;

static struct moment *fake_take(struct console_source *s)
{
	struct frame *frame;
	struct moment *m;
	uint64_t n;

	(void)s;
	if (read(fake.fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		return NULL;
	fake.taken++;
	frame = make_frame("h", 1, fake.taken, 0);
	m = moment_new();
	m->wall_ns = frame->wall_ns;
	m->live = !fake.past;
	/* As after a start: the first one has no rates. */
	moment_add(m, NULL, frame, fake.taken > 1 || fake.replay ? frame : NULL, frame->wall_ns);
	if (fake.without)
		fake.without--;
	else if (*fake.follow)
		moment_series(m, fake.follow, &frame, 1);
	frame_unref(frame);
	return m;
}

static void fake_answer(void)
{
	uint64_t one = 1;

	if (fake.silent || (fake.deaf && fake.asked > 1))
		return;
	if (write(fake.fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
		abort();
}

static void fake_go(struct console_source *s, enum source_where where, uint64_t wall_ns)
{
	(void)s;
	happens("[go %d %llu]", (int)where, (unsigned long long)wall_ns);
	fake.past = where != SOURCE_LIVE;
	fake.asked++;
	fake_answer();
}

static void fake_follow(struct console_source *s, const char *host, uint32_t n)
{
	(void)s;
	happens("[follow %s%s]", host ? host : "none", n ? "" : " nothing");
	snprintf(fake.follow, sizeof(fake.follow), "%s", host ? host : "");
	fake.without = 1;
	fake.asked++;
	fake_answer();
}

static void fake_interval(struct console_source *s, uint64_t ns)
{
	(void)s;
	happens("[interval %llu ms]", (unsigned long long)(ns / 1000000));
}

static void fake_status(struct console_source *s, struct source_status *ret)
{
	(void)s;
	ret->replay = fake.replay;
	snprintf(ret->name, sizeof(ret->name), "a test");
	snprintf(ret->error, sizeof(ret->error), "%s", fake.error ? fake.error : "");
}

static int fake_fd(const struct console_source *s)
{
	(void)s;
	return fake.fd;
}

static const struct source_ops fake_ops = {.fd = fake_fd,
					   .take = fake_take,
					   .go = fake_go,
					   .follow = fake_follow,
					   .set_interval = fake_interval,
					   .status = fake_status};

/* ---- a ui: keys are letters that want something ---- */

struct ui {
	struct ui_want want;
	unsigned moments, draws;
	uint64_t now_wall_ns;
	struct settings settings;
};

void ui_moment(struct ui *u, struct moment *m)
{
	(void)m;
	u->moments++;
	happens(".");
}

void ui_status(struct ui *u, const struct source_status *s, uint64_t now_wall_ns)
{
	(void)s;
	u->now_wall_ns = now_wall_ns;
}

void ui_say(struct ui *u, const char *text)
{
	(void)u;
	happens("[say %s]", text);
}

void ui_key(struct ui *u, const struct key *k)
{
	char name[16];

	key_text(k->code, name, sizeof(name));
	happens("%s", name);
	switch (k->code) {
	case 'g':
		u->want.bits |= UI_GO;
		u->want.where = SOURCE_AT;
		u->want.wall_ns = 7;
		break;
	case 'f':
		u->want.bits |= UI_FOLLOW | UI_GO;
		snprintf(u->want.follow, sizeof(u->want.follow), "h");
		break;
	case 'i':
		u->want.bits |= UI_INTERVAL;
		u->want.interval = 0.5;
		break;
	case 'l':
		log_warning("a line");
		break;
	case 'k':
		kill(getpid(), SIGTERM);
		break;
	case 'q':
		u->want.bits |= UI_QUIT;
	}
}

void ui_wants(struct ui *u, struct ui_want *ret)
{
	*ret = u->want;
	u->want = (struct ui_want){0};
}

void ui_draw(struct ui *u, struct grid *g)
{
	u->draws++;
	grid_format(g, 0, 0, g->cols, STYLE_NORMAL, "%ux%u", g->cols, g->rows);
}

/* ---- */

struct run {
	const char *script;
	unsigned patience_ms;
	bool lines;
	char *printed; /* by it */
	struct ui ui;
};

static enum session_end run(struct run *r)
{
	struct session_options o = {
		.source = &fake.base, .ui = &r->ui, .cols = 30, .rows = 5, .ascii = true};
	struct key *keys;
	enum session_end end;
	char why[500];
	sigset_t set;
	size_t size;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	o.signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	assert_int_equal(key_script(&keys, &o.n_keys, r->script, why, sizeof(why)), 0);
	o.keys = keys;
	o.patience_ns = r->patience_ms * 1000000ull;
	o.print_to = open_memstream(&r->printed, &size);
	o.lines = r->lines ? log_lines_begin() : NULL;
	end = session_run(&o);
	log_lines_end(o.lines);
	fclose(o.print_to);
	close(o.signals);
	free(keys);
	return end;
}

static int setup(void **state)
{
	(void)state;
	fake = (struct fake){.base = {&fake_ops}, .fd = eventfd(0, EFD_SEMAPHORE | EFD_NONBLOCK)};
	*story = '\0';
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close(fake.fd);
	return 0;
}

static void expect(struct run *r, enum session_end want_end, const char *want_story,
		   const char *want_printed)
{
	enum session_end end = run(r);
	char printed[300];

	snprintf(printed, sizeof(printed), "%s", r->printed);
	free(r->printed);
	if (end != want_end)
		fail_msg("\"%s\" ended as %d, not as %d", r->script, end, want_end);
	if (strcmp(story, want_story))
		fail_msg("\"%s\": %s, not %s", r->script, story, want_story);
	if (strcmp(printed, want_printed))
		fail_msg("\"%s\" printed \"%s\"", r->script, printed);
}

#define PRINTED "30x5\n\n\n\n\n"

/* The first sample has no rates: keys wait for the second one, but not for ever. */
static void test_first_rates(void **state)
{
	struct run r = {.script = "ab", .patience_ms = 30};

	(void)state;
	expect(&r, SESSION_QUIT, "[go 0 0].ab", PRINTED);
	assert_int_equal(r.ui.moments, 1);
	r.script = "";
	*story = '\0';
	fake_answer();
	fake_answer();
	fake.taken = 0;
	r.patience_ms = 60000;
	expect(&r, SESSION_QUIT, "[go 0 0]..", PRINTED);
}

static void test_answers(void **state)
{
	/* One that does not answer would be waited for a minute. */
	struct run r = {.script = "agbfcx", .patience_ms = 60000};

	(void)state;
	fake.replay = true;
	expect(&r, SESSION_QUIT, "[go 0 0].ag[go 1 7].bf[follow h][go 0 0]..cx", PRINTED);
}

static void test_no_answer(void **state)
{
	struct run r = {.script = "gb", .patience_ms = 30};
	uint64_t began = now_ms();

	(void)state;
	fake.replay = fake.deaf = true;
	expect(&r, SESSION_LATE, "[go 0 0].g[go 1 7]b", PRINTED);
	assert_true(now_ms() - began >= 30);
}

static void said(struct capture *c, const char *what)
{
	char *text = capture_text(c);
	bool is = strstr(text, what) != NULL;

	capture_end(c);
	if (!is)
		fail_msg("'%s' was not said, but: %s", what, text);
	free(text);
}

/* After a second it is said what is waited for, and in the end that it did not come; those
 * that follow are not waited for as long. */
static void test_silence(void **state)
{
	struct run r = {.script = "gg", .patience_ms = 1200};
	struct capture c = {0};
	uint64_t began = now_ms();

	(void)state;
	fake.silent = true;
	fake.error = "nobody listens";
	capture_begin(&c);
	expect(&r, SESSION_LATE, "[go 0 0]g[go 1 7]g[go 1 7]", PRINTED);
	assert_true(now_ms() - began >= 3200 && now_ms() - began < 3600 + 2000);
	assert_int_equal(capture_count(&c, "waiting for"), 1);
	assert_int_equal(capture_count(&c, "the screen is without"), 3);
	said(&c, "a test: waiting for samples, 1 s more at most: nobody listens\n");
}

/* One sample is shown as it is: its rates are missing, and that is said, but no fault. */
static void test_no_rates(void **state)
{
	struct run r = {.script = "", .patience_ms = 20};
	struct capture c = {0};

	(void)state;
	capture_begin(&c);
	expect(&r, SESSION_QUIT, "[go 0 0].", PRINTED);
	said(&c, "a test: the rates of a second sample did not come within 0.02 s; the screen is "
		 "without\n");
}

static void test_wait(void **state)
{
	struct run r = {.script = "a{wait 0.05}b{wait}c", .patience_ms = 60000};
	uint64_t began = now_ms();

	(void)state;
	/* Of a recording none comes by itself. */
	fake.replay = true;
	expect(&r, SESSION_QUIT, "[go 0 0].abc", PRINTED);
	assert_true(now_ms() - began >= 50);

	/* Nor in the past; and live not for ever. */
	*story = '\0';
	fake.replay = false;
	r.script = "g{wait}c";
	r.patience_ms = 60000;
	expect(&r, SESSION_QUIT, "[go 0 0].g[go 1 7].c", PRINTED);
	*story = '\0';
	r.script = "a{wait}c";
	r.patience_ms = 20;
	began = now_ms();
	expect(&r, SESSION_LATE, "[go 0 0].ac", PRINTED);
	assert_true(now_ms() - began >= 20);
}

static void test_resize(void **state)
{
	struct run r = {.script = "{resize 40x2}a"};

	(void)state;
	fake.replay = true;
	expect(&r, SESSION_QUIT, "[go 0 0].a", "40x2\n\n");
	/* Before each key, so that it meets the screen that one saw. */
	assert_true(r.ui.draws >= 3);
}

static void test_time_of_recording(void **state)
{
	struct run r = {.script = "a"};

	(void)state;
	fake.replay = true;
	expect(&r, SESSION_QUIT, "[go 0 0].a", PRINTED);
	assert_int_equal(r.ui.now_wall_ns, 1700000001000000000u);

	*story = '\0';
	fake.replay = false;
	expect(&r, SESSION_QUIT, "[go 0 0].a", PRINTED);
	assert_true(r.ui.now_wall_ns > 1700000009000000000u);
}

static void test_interval(void **state)
{
	struct run r = {.script = "i"};

	(void)state;
	fake.replay = true;
	expect(&r, SESSION_QUIT, "[go 0 0].i[interval 500 ms]", PRINTED);
}

static void test_quit(void **state)
{
	struct run r = {.script = "aqb"};

	(void)state;
	fake.replay = true;
	expect(&r, SESSION_QUIT, "[go 0 0].aq", PRINTED);
}

static void test_signal(void **state)
{
	struct run r = {.script = "ak{wait 60}b"};

	(void)state;
	fake.replay = true;
	expect(&r, SESSION_SIGNAL, "[go 0 0].ak", "");
}

static void test_log(void **state)
{
	struct run r = {.script = "l{wait 0.05}b", .lines = true};
	struct capture c;
	char *said;

	(void)state;
	fake.replay = true;
	capture_begin(&c);
	expect(&r, SESSION_QUIT, "[go 0 0].l[say warning: a line]b", PRINTED);
	log_warning("another");
	said = capture_text(&c);
	capture_end(&c);
	assert_string_equal(said, "proxtop: warning: a line\nproxtop: warning: another\n");
	free(said);
}

static void test_many_lines(void **state)
{
	struct log_lines *l = log_lines_begin();
	char line[LOG_LINE_SIZE];
	struct capture c;
	char *said;

	(void)state;
	assert_false(log_lines_take(l, line));
	for (int i = 0; i < 50; i++)
		log_notice("%d", i);
	assert_true(log_lines_take(l, line));
	assert_string_equal(line, "proxtop: 49");
	assert_false(log_lines_take(l, line));
	capture_begin(&c);
	log_lines_end(l);
	said = capture_text(&c);
	capture_end(&c);
	assert_int_equal(
		strncmp(said, "proxtop: 30 earlier messages are left out\nproxtop: 30\n", 54), 0);
	assert_non_null(strstr(said, "\nproxtop: 49\n"));
	free(said);
}

int main(void)
{
#define SESSION(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		SESSION(test_first_rates),
		SESSION(test_answers),
		SESSION(test_no_answer),
		SESSION(test_silence),
		SESSION(test_no_rates),
		SESSION(test_wait),
		SESSION(test_resize),
		SESSION(test_time_of_recording),
		SESSION(test_interval),
		SESSION(test_quit),
		SESSION(test_signal),
		SESSION(test_log),
		cmocka_unit_test(test_many_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
