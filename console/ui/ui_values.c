/* SPDX-License-Identifier: Apache-2.0 */
/* A thing's values as "key: value" items: of the host panel, and of a detail. */
#include "ui_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define ROOM_LEAST 8u /* of a value */

void ui_value_item(const struct ui *u, struct ui_page *p, enum metric_id m, double value,
		   enum level l, bool stale)
{
	enum style style = ui_level_style(l, stale ? STYLE_DIM : STYLE_NORMAL);
	unsigned width;
	char text[80];

	ui_value_short(m, value, u->chosen.human, text, sizeof(text));
	strncat(text, ui_level_sign(l), sizeof(text) - strlen(text) - 1);
	/* With some room, so that what follows seldom moves with the value. */
	width = grid_width(text);
	width = width < ROOM_LEAST ? ROOM_LEAST : width;
	ui_page_item(p, metrics[m].key, text, style, grid_width(metrics[m].key) + 2 + width + 2);
}

void ui_values_draw(const struct ui *u, struct ui_page *p, struct thing t, unsigned families)
{
	char text[300];

	for (unsigned m = 0; m < METRICS; m++) {
		double value;
		enum level l;

		if (!(metrics[m].scopes & (1u << t.scope)) || metrics[m].show == HIDDEN ||
		    !metrics[m].key || !(families & (1u << metrics[m].family)))
			continue;
		if (metrics[m].kind == INFO) {
			const char *is = world_text(u->world, t, (enum metric_id)m);

			if (!is || !*is)
				continue;
			snprintf(text, sizeof(text), "%s", is);
			ui_page_item(p, metrics[m].key, text, STYLE_NORMAL,
				     grid_width(metrics[m].key) + grid_width(text) + 4);
			continue;
		}
		value = ui_number(u, t, m);
		l = ui_level(u, t, m);
		if (!isnan(value))
			ui_value_item(u, p, (enum metric_id)m, value, l, ui_is_stale(u, t));
	}
	ui_page_break(p);
}
