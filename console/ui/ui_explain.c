/* SPDX-License-Identifier: Apache-2.0 */
/* A sentence about a thing's trouble: of the last line, and of a detail's head. */
#include "ui_state.h"

#include <stdio.h>

/* Of a thing below the VM or host: which one. */
static void part_text(const struct ui *u, struct thing t, char *to, size_t size)
{
	if (t.scope == SCOPE_VM || t.scope == SCOPE_HOST)
		snprintf(to, size, "%s", "");
	else if (t.scope == SCOPE_VCPU)
		snprintf(to, size, " vCPU %.0f", ui_number(u, t, M_VCPU));
	else
		snprintf(to, size, " %s", ui_name(u, t));
}

void ui_explain(const struct ui *u, struct thing t, char *to, size_t size)
{
	struct trouble is = ui_trouble(u, t);
	struct cause c = {.kind = CAUSE_NONE};
	char value[80], part[80];
	size_t n;

	*to = '\0';
	if (is.metric >= METRICS)
		return;
	if (t.scope == SCOPE_HOST)
		t = u->host_facts[t.host].worst_thing;
	ui_value_short(is.metric, is.value, true, value, sizeof(value));
	part_text(u, is.at, part, sizeof(part));
	n = (size_t)snprintf(to, size, "%s%s: %s %s", ui_name(u, t), part, metrics[is.metric].key,
			     value);
	if (t.scope == SCOPE_VM)
		c = cause_of(u->world, t, &is);
	if (n >= size)
		return;
	to += n;
	size -= n;
	if (c.kind == CAUSE_VM && c.cpu >= 0)
		snprintf(to, size, "; %s probably causes it, on cpu%d", ui_name(u, c.vm), c.cpu);
	else if (c.kind == CAUSE_VM)
		snprintf(to, size, "; %s probably causes it", ui_name(u, c.vm));
	else if (c.kind == CAUSE_OWN_LIMIT)
		snprintf(to, size, "; its own CPU limit causes it");
	else if (c.kind == CAUSE_ITSELF)
		snprintf(to, size, "; it causes that itself");
	else if (c.kind == CAUSE_HOST)
		snprintf(to, size, "; its host causes it, no other VM");
}
