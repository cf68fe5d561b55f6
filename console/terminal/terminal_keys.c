/* SPDX-License-Identifier: Apache-2.0 */
#include "terminal_keys.h"

#include "terminal_look.h"

#include <stddef.h>

#define CTRL_L 12

static const struct {
	int curses;
	uint32_t code;
} functions[] = {
	{KEY_UP, K_UP},
	{KEY_DOWN, K_DOWN},
	{KEY_LEFT, K_LEFT},
	{KEY_RIGHT, K_RIGHT},
	{KEY_PPAGE, K_PAGE_UP},
	{KEY_NPAGE, K_PAGE_DOWN},
	{KEY_HOME, K_HOME},
	{KEY_END, K_END},
	{KEY_FIND, K_HOME},
	{KEY_SELECT, K_END},
	{KEY_A1, K_HOME},
	{KEY_A3, K_PAGE_UP},
	{KEY_C1, K_END},
	{KEY_C3, K_PAGE_DOWN},
	{KEY_DC, K_DELETE},
	{KEY_ENTER, K_ENTER},
	{KEY_BACKSPACE, K_BACKSPACE},
	{KEY_BTAB, K_TAB},
};
static const struct {
	wint_t ch;
	uint32_t code;
} controls[] = {
	{'\r', K_ENTER},    {'\n', K_ENTER}, {'\t', K_TAB}, {8, K_BACKSPACE},
	{127, K_BACKSPACE}, {27, K_ESC},     {3, K_CTRL_C},
};

static int mouse_key(struct key *ret)
{
	MEVENT e;

	if (getmouse(&e) != OK || e.x < 0 || e.y < 0)
		return 0;
	if (e.bstate & BUTTON4_PRESSED)
		ret->code = K_WHEEL_UP;
	else if (e.bstate & BUTTON5_PRESSED)
		ret->code = K_WHEEL_DOWN;
	else if (e.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED))
		ret->code = K_CLICK;
	else
		return 0;
	ret->col = (unsigned)e.x;
	ret->row = (unsigned)e.y;
	return 1;
}

static int function_key(int curses, struct key *ret)
{
	if (curses == KEY_MOUSE)
		return mouse_key(ret);
	if (curses >= KEY_F(1) && curses <= KEY_F(12)) {
		ret->code = K_F1 + (uint32_t)(curses - KEY_F(1));
		return 1;
	}
	for (size_t i = 0; i < sizeof(functions) / sizeof(*functions); i++)
		if (functions[i].curses == curses) {
			ret->code = functions[i].code;
			return 1;
		}
	return 0;
}

int curses_key(struct key *ret, bool *redraw)
{
	wint_t ch = 0;
	int r = get_wch(&ch);

	*ret = (struct key){0};
	if (r == ERR)
		return -1;
	if (r == KEY_CODE_YES)
		return function_key((int)ch, ret);
	for (size_t i = 0; i < sizeof(controls) / sizeof(*controls); i++)
		if (controls[i].ch == ch) {
			ret->code = controls[i].code;
			return 1;
		}
	*redraw |= ch == CTRL_L;
	if (ch < 0x20 || (ch >= 0x80 && ch < 0xa0) || ch > 0x10ffff)
		return 0;
	ret->code = (uint32_t)ch;
	return 1;
}
