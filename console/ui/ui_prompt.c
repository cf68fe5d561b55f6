/* SPDX-License-Identifier: Apache-2.0 */
/* What is typed: the filter, which narrows with every key, and a time. */
#include "ui_state.h"

#include "utf8.h"

#include <stdio.h>
#include <string.h>

void ui_filter_set(struct ui *u, const char *text)
{
	struct filter *f;
	char why[200];

	filter_free(u->filter);
	u->filter = NULL;
	u->diff_is_old = true;
	u->filter_why[0] = '\0';
	snprintf(u->filter_text, sizeof(u->filter_text), "%s", text);
	f = ui_filter_new(u, text, u->filter_why, sizeof(u->filter_why));
	if (filter_is_empty(f)) {
		filter_free(f);
		return;
	}
	u->filter = f;
	/* What was looked for last stays known when the filter is dropped. */
	filter_free(u->sought);
	u->sought = ui_filter_new(u, text, why, sizeof(why));
}

static void typed(struct ui *u, uint32_t ch)
{
	size_t n = strlen(u->typed), more;
	char text[4];

	if (ch < ' ' || (ch >= 0x7f && ch < 0xa0) || (ch >= 0xd800 && ch < 0xe000) || ch > 0x10ffff)
		return;
	more = utf8_encode(ch, text);
	if (n + more > UI_TYPED_MAX)
		return;
	memcpy(u->typed + n, text, more);
	u->typed[n + more] = '\0';
}

/* A whole character. */
static void take_back(struct ui *u)
{
	size_t n = strlen(u->typed);

	while (n && ((unsigned char)u->typed[n - 1] & 0xc0) == 0x80)
		n--;
	if (n)
		n--;
	u->typed[n] = '\0';
}

static void done(struct ui *u, bool keep)
{
	enum overlay was = u->overlay;
	char text[UI_TYPED_MAX + 1];

	memcpy(text, u->typed, sizeof(text));
	u->overlay = OVERLAY_NONE;
	u->typed[0] = '\0';
	if (was == OVERLAY_TIME) {
		if (keep && *text)
			ui_time_typed(u, text);
		return;
	}
	if (!keep)
		ui_filter_set(u, "");
	else if (*u->filter_why)
		snprintf(u->said, sizeof(u->said), "%s", u->filter_why);
}

bool ui_prompt_key(struct ui *u, const struct key *k)
{
	switch (k->code) {
	case K_CTRL_C:
		return false;
	case K_ENTER:
		done(u, true);
		return true;
	case K_ESC:
		done(u, false);
		return true;
	case K_BACKSPACE:
		if (!*u->typed) {
			done(u, false);
			return true;
		}
		take_back(u);
		break;
	case K_DELETE:
	case 0x15: /* Ctrl-U */
		u->typed[0] = '\0';
		break;
	default:
		typed(u, k->code);
		break;
	}
	if (u->overlay == OVERLAY_FILTER)
		ui_filter_set(u, u->typed);
	return true;
}
