/* SPDX-License-Identifier: Apache-2.0 */
/* Memory is gone while a screen is drawn: the terminal is given back, then it is said. */
#include "terminal.h"
#include "xalloc.h"

#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#define OUT_OF_MEMORY "proxtop: error: out of memory\r\n" /* the line discipline is back too */

/* Allocations that are too large shall fail as without a sanitizer. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1:detect_leaks=0";
}
const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

struct pty {
	int master, slave;
	struct termios before;
	char seen[65536]; /* of what was written */
	size_t n;
};

static void pty_open(struct pty *p)
{
	struct winsize size = {.ws_col = 80, .ws_row = 24};

	memset(p, 0, sizeof(*p));
	p->master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (p->master < 0 || grantpt(p->master) || unlockpt(p->master))
		fail_msg("no pseudo terminal");
	p->slave = open(ptsname(p->master), O_RDWR | O_NOCTTY);
	assert_true(p->slave >= 0);
	assert_int_equal(ioctl(p->slave, TIOCSWINSZ, &size), 0);
	assert_int_equal(tcgetattr(p->slave, &p->before), 0);
}

static void pty_read(struct pty *p)
{
	struct pollfd fd = {.fd = p->master, .events = POLLIN};
	ssize_t n;

	while (p->n + 1 < sizeof(p->seen) && poll(&fd, 1, 200) > 0 && fd.revents & POLLIN) {
		n = read(p->master, p->seen + p->n, sizeof(p->seen) - 1 - p->n);
		if (n <= 0)
			break;
		p->n += (size_t)n;
	}
	p->seen[p->n] = '\0';
}

static void draw_and_die(const struct pty *p, const char *term, bool mouse)
{
	const struct terminal_options o = {.mouse = mouse};
	volatile size_t too_many = SIZE_MAX / 2;
	struct terminal *t;
	struct grid g;
	char why[200];

	alarm(20);
	setenv("TERM", term, 1);
	for (int fd = 0; fd < 3; fd++)
		dup2(p->slave, fd);
	if (terminal_open(&t, &o, why, sizeof(why)))
		_exit(40);
	grid_init(&g, 80, 24);
	grid_text(&g, 0, 0, 80, STYLE_BAR, "the screen");
	terminal_show(t, &g);
	_exit(xcalloc(too_many, 1) ? 41 : 42);
}

static char *last_of(const struct pty *p, const char *what)
{
	char *found = NULL;

	for (char *at = strstr((char *)p->seen, what); at; at = strstr(at + 1, what))
		found = at;
	return found;
}

/* Is it there, and the last time before that? */
static void comes_before(const struct pty *p, const char *term, const char *what, const char *end)
{
	const char *a = last_of(p, what), *b = last_of(p, end);

	if (!a || !b || a > b)
		fail_msg("%s: ESC%s is not there, or not in its place", term, what + 1);
}

static void test_out_of_memory(void **state)
{
	/* What switches back: to the screen before, the cursor on, the keys, the mouse. */
	static const struct {
		const char *term;
		bool mouse;
		const char *back[5];
	} cases[] = {
		{"xterm-256color", true, {"\033[?1049l", "\033[?25h", "\033[?1l", "1000l"}},
		{"xterm-256color", false, {"\033[?1049l", "\033[?25h"}},
		{"linux", false, {"\033[?25h"}},
		{"vt100", false, {"\033[?1l\033>"}},
	};
	struct pty *p = malloc(sizeof(*p));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct termios after;
		int status;
		pid_t pid;

		pty_open(p);
		pid = fork();
		if (!pid)
			draw_and_die(p, cases[i].term, cases[i].mouse);
		pty_read(p);
		waitpid(pid, &status, 0);
		pty_read(p);
		if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
			fail_msg("%s: ended with %#x", cases[i].term, (unsigned)status);
		assert_non_null(strstr(p->seen, "the screen"));
		if (!last_of(p, OUT_OF_MEMORY))
			fail_msg("%s: it is not said, at the end of\n%s", cases[i].term, p->seen);
		for (size_t k = 0; cases[i].back[k]; k++)
			comes_before(p, cases[i].term, cases[i].back[k], OUT_OF_MEMORY);
		if (strstr(p->seen, "$<"))
			fail_msg("%s: a delay was written", cases[i].term);
		assert_int_equal(tcgetattr(p->slave, &after), 0);
		if (after.c_lflag != p->before.c_lflag || after.c_iflag != p->before.c_iflag ||
		    after.c_oflag != p->before.c_oflag)
			fail_msg("%s: modes %x %x %x, before %x %x %x", cases[i].term,
				 after.c_lflag, after.c_iflag, after.c_oflag, p->before.c_lflag,
				 p->before.c_iflag, p->before.c_oflag);
		close(p->master);
		close(p->slave);
	}
	free(p);
}

static void count(const void *arg)
{
	if (write(STDOUT_FILENO, arg, 1) < 0)
		_exit(43);
}

/* Only what was set last is done, and once. */
static void test_which(void **state)
{
	static const struct xalloc_end first = {count, "1"}, second = {count, "2"};
	static const char *const wanted[] = {"2", "", "1"};

	(void)state;
	for (int i = 0; i < 3; i++) {
		volatile size_t too_many = SIZE_MAX / 2;
		int out[2], status;
		char seen[10];
		ssize_t n;
		pid_t pid;

		assert_int_equal(pipe(out), 0);
		pid = fork();
		if (!pid) {
			dup2(out[1], STDOUT_FILENO);
			dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
			xalloc_at_end(&first);
			if (i < 2)
				xalloc_at_end(i ? NULL : &second);
			_exit(xcalloc(too_many, 1) ? 41 : 42);
		}
		close(out[1]);
		waitpid(pid, &status, 0);
		n = read(out[0], seen, sizeof(seen) - 1);
		seen[n < 0 ? 0 : n] = '\0';
		close(out[0]);
		if (strcmp(seen, wanted[i]) != 0 || status != 1 << 8)
			fail_msg("case %d: '%s', %#x", i, seen, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_out_of_memory),
		cmocka_unit_test(test_which),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
