/* SPDX-License-Identifier: Apache-2.0 */
#include "key.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const struct {
	uint32_t code;
	const char *name;
} names[] = {
	{K_ENTER, "Enter"},    {K_ESC, "Esc"},           {K_BACKSPACE, "Backspace"},
	{K_TAB, "Tab"},        {' ', "Space"},           {K_UP, "Up"},
	{K_DOWN, "Down"},      {K_LEFT, "Left"},         {K_RIGHT, "Right"},
	{K_PAGE_UP, "PageUp"}, {K_HOME, "Home"},         {K_PAGE_DOWN, "PageDown"},
	{K_END, "End"},        {K_DELETE, "Delete"},     {K_CTRL_C, "Ctrl-C"},
	{K_CLICK, "click"},    {K_WHEEL_UP, "wheel-up"}, {K_WHEEL_DOWN, "wheel-down"},
	{K_WAIT, "wait"},      {K_RESIZE, "resize"},
};

static uint32_t function_key(const char *name, size_t n)
{
	unsigned number = 0;

	if (n < 2 || n > 3 || (name[0] != 'F' && name[0] != 'f') || name[1] == '0')
		return 0;
	for (size_t i = 1; i < n; i++) {
		if (name[i] < '0' || name[i] > '9')
			return 0;
		number = number * 10 + (unsigned)(name[i] - '0');
	}
	return number <= 12 ? K_F1 + number - 1 : 0;
}

uint32_t key_code(const char *name, size_t n)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (strlen(names[i].name) == n && !strncasecmp(names[i].name, name, n))
			return names[i].code;
	if (n == 1 && name[0] > ' ' && name[0] < 0x7f)
		return (unsigned char)name[0];
	return function_key(name, n);
}

void key_names(char *to, size_t size)
{
	size_t used = (size_t)snprintf(to, size, "F1 to F12");

	for (size_t i = 0; i < sizeof(names) / sizeof(*names) && used < size; i++)
		used += (size_t)snprintf(to + used, size - used, ", %s", names[i].name);
}
