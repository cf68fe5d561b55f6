/* SPDX-License-Identifier: Apache-2.0 */
/* Lines that may be more than the screen has: all are counted, those in the window drawn. */
#include "ui_state.h"

#include <string.h>

int ui_page_line(struct ui_page *p)
{
	uint32_t at = p->line - p->skip;

	p->y = p->line >= p->skip && at < p->bottom - p->row ? (int)(p->row + at) : -1;
	p->line++;
	p->at = 0;
	return p->y;
}

void ui_page_text(struct ui_page *p, enum style style, const char *text)
{
	int y = ui_page_line(p);

	if (y >= 0)
		grid_text(p->g, p->col, (unsigned)y, p->end, style, text);
}

/* How many bytes of text fit into that many columns, at a blank where there is one. */
static size_t bytes_that_fit(const char *text, unsigned columns)
{
	size_t n = strlen(text), blank = 0, i;

	if (n <= columns)
		return n;
	/* What is wrapped is help, which is ASCII: bytes are columns. */
	for (i = 0; i <= columns; i++)
		if (text[i] == ' ')
			blank = i;
	return blank ? blank : columns;
}

void ui_page_wrap(struct ui_page *p, unsigned indent, const char *head, enum style head_style,
		  const char *text)
{
	unsigned room = p->end > p->col + indent + 8 ? p->end - p->col - indent : 8;
	bool first = true;

	do {
		size_t n = bytes_that_fit(text, room);
		int y = ui_page_line(p);

		if (y >= 0) {
			if (first)
				grid_text(p->g, p->col, (unsigned)y, p->end, head_style, head);
			grid_format(p->g, p->col + indent, (unsigned)y, p->end, STYLE_NORMAL,
				    "%.*s", (int)n, text);
		}
		first = false;
		text += n;
		while (*text == ' ')
			text++;
	} while (*text);
}

void ui_page_break(struct ui_page *p)
{
	p->at = 0;
}

void ui_page_item(struct ui_page *p, const char *key, const char *text, enum style style,
		  unsigned width)
{
	unsigned col;

	if (!p->at || p->at + width > p->end) {
		ui_page_line(p);
		p->at = p->col;
	}
	if (p->y >= 0) {
		col = grid_text(p->g, p->at, (unsigned)p->y, p->end, STYLE_DIM, key);
		col = grid_text(p->g, col, (unsigned)p->y, p->end, STYLE_DIM, ": ");
		grid_text(p->g, col, (unsigned)p->y, p->end, style, text);
	}
	p->at += width;
}
