/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal_restore.h"

#include <string.h>
#include <unistd.h>

#include <curses.h>
#include <term.h>

#define OLD_MOUSE "\033[M" /* terminfo's kmous of those that have no XM */
#define MOUSE_OFF "\033[?1000l"

/* Without its $<5> delays: they are for terminals on a serial line. */
static void put(struct restore *r, const char *text)
{
	if (!text || text == (const char *)-1)
		return;
	while (*text && r->n < sizeof(r->bytes)) {
		if (text[0] == '$' && text[1] == '<' && strchr(text, '>'))
			text = strchr(text, '>') + 1;
		else
			r->bytes[r->n++] = *text++;
	}
}

static void put_mouse_off(struct restore *r)
{
	const char *mouse = tigetstr("XM"), *sends = tigetstr("kmous");

	if (mouse && mouse != (const char *)-1)
		put(r, tiparm(mouse, 0));
	else if (sends && sends != (const char *)-1 && !strncmp(sends, OLD_MOUSE, 3))
		put(r, MOUSE_OFF);
}

static void restore(const void *arg)
{
	const struct restore *r = arg;
	ssize_t n;

	tcflow(STDOUT_FILENO, TCOON); /* Ctrl-S would hold it for ever */
	n = write(STDOUT_FILENO, r->bytes, r->n);
	(void)n;
	tcsetattr(STDOUT_FILENO, TCSANOW, &r->shell);
}

void restore_remember(struct restore *r)
{
	memset(r, 0, sizeof(*r));
	tcgetattr(STDOUT_FILENO, &r->shell);
}

void restore_begin(struct restore *r)
{
	r->n = 0;
	put(r, tigetstr("sgr0"));
	put_mouse_off(r);
	put(r, tigetstr("rmkx"));
	put(r, tigetstr("cnorm"));
	put(r, tigetstr("rmcup"));
	r->end = (struct xalloc_end){restore, r};
	xalloc_at_end(&r->end);
}

void restore_over(void)
{
	xalloc_at_end(NULL);
}
