/* SPDX-License-Identifier: Apache-2.0 */
/* The columns that are no metrics: facts.def, and where each takes its value from. */
#include "ui_state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct feed_host *host_of(const struct ui *u, struct thing t)
{
	return &u->world->hosts[t.host]->about;
}

static void age_text(const struct feed_host *h, char *to, size_t size)
{
	duration_text((double)h->age_ms / 1e3, to, size);
}

static const char *ui_fact_host(const struct ui *u, struct thing t, char *to, size_t size)
{
	const struct feed_host *h = host_of(u, t);
	const char *name = ui_name(u, (struct thing){.host = t.host, .scope = SCOPE_HOST});
	char age[16];

	if (!h->stale)
		return name;
	age_text(h, age, sizeof(age));
	snprintf(to, size, "%s ~%s", name, age);
	return to;
}

static const char *ui_fact_vm(const struct ui *u, struct thing t, char *to, size_t size)
{
	(void)to, (void)size;
	return ui_name(u, ui_vm_of(u, t));
}

/* ---- trouble ---- */

/* Worse than anything a host that speaks can have. */
#define SILENT_SCORE   1e6
#define CONFLICT_SCORE 1e5

static bool is_double(const struct ui *u, struct thing t)
{
	return t.scope == SCOPE_HOST && host_of(u, t)->conflict;
}

static double ui_fact_trouble(const struct ui *u, struct thing t)
{
	if (ui_is_stale(u, t))
		return t.scope == SCOPE_HOST ? SILENT_SCORE : NAN;
	if (is_double(u, t))
		return CONFLICT_SCORE;
	return ui_trouble(u, t).score;
}

static const char *ui_fact_trouble_text(const struct ui *u, struct thing t, char *to, size_t size)
{
	struct trouble is = ui_trouble(u, t);
	char value[40], age[16];

	if (ui_is_stale(u, t)) {
		age_text(host_of(u, t), age, sizeof(age));
		snprintf(to, size, "silent %s", age);
		return to;
	}
	if (is_double(u, t))
		return "two of one id";
	if (is.metric >= METRICS)
		return NULL;
	value_text(is.metric, is.value, true, 5, value, sizeof(value));
	snprintf(to, size, "%s %s%s", metrics[is.metric].title, value + strspn(value, " "),
		 metrics[is.metric].unit == U_PERCENT ? "%" : "");
	return to;
}

static enum level ui_fact_trouble_level(const struct ui *u, struct thing t)
{
	if (ui_is_stale(u, t))
		return t.scope == SCOPE_HOST ? LEVEL_BAD : LEVEL_NONE;
	if (is_double(u, t))
		return LEVEL_BAD;
	return level_of_score(ui_trouble(u, t).score);
}

static const char *ui_fact_cause(const struct ui *u, struct thing t, char *to, size_t size)
{
	struct trouble is = ui_trouble(u, t);
	struct cause c;

	if (is.metric >= METRICS)
		return NULL;
	c = cause_of(u->world, t, &is);
	switch (c.kind) {
	case CAUSE_VM:
		if (c.cpu >= 0)
			snprintf(to, size, "cpu%d %s", c.cpu, ui_name(u, c.vm));
		else
			snprintf(to, size, "%s", ui_name(u, c.vm));
		return to;
	case CAUSE_OWN_LIMIT:
		return "its own limit";
	case CAUSE_ITSELF:
		return "itself";
	case CAUSE_HOST:
		return "its host";
	default:
		return NULL;
	}
}

static const char *ui_fact_worst(const struct ui *u, struct thing t, char *to, size_t size)
{
	(void)to, (void)size;
	if (ui_trouble(u, t).metric >= METRICS)
		return NULL;
	t = u->host_facts[t.host].worst_thing;
	return t.scope == SCOPE_VM ? ui_name(u, t) : "the host itself";
}

/* ---- of a host ---- */

static double ui_fact_vms(const struct ui *u, struct thing t)
{
	const struct world_host *h = u->world->hosts[t.host];

	return h->readable ? h->now->table[SCOPE_VM].rows : NAN;
}

static double ui_fact_cpu_used(const struct ui *u, struct thing t)
{
	return 100 - ui_number(u, t, M_HOST_CPU_IDLE);
}

static double ui_fact_vm_steal(const struct ui *u, struct thing t)
{
	return u->host_facts[t.host].vm_steal;
}

static enum level ui_fact_vm_steal_level(const struct ui *u, struct thing t)
{
	return level_of(SCOPE_VM, M_CPU_STEAL, ui_fact_vm_steal(u, t));
}

static double ui_fact_mem_used(const struct ui *u, struct thing t)
{
	double total, used;

	if (ui_is_stale(u, t))
		return NAN;
	if (t.scope == SCOPE_VM) {
		total = world_value(u->world, t, M_RAM_TOTAL);
		used = world_value(u->world, t, M_RAM_USED);
	} else {
		total = world_value(u->world, t, M_MEM_TOTAL);
		used = total - world_value(u->world, t, M_MEM_AVAILABLE);
	}
	return total > 0 ? 100 * used / total : NAN;
}

static double ui_fact_age(const struct ui *u, struct thing t)
{
	return floor((double)host_of(u, t)->age_ms / 1e3);
}

static enum level ui_fact_age_level(const struct ui *u, struct thing t)
{
	return host_of(u, t)->stale ? LEVEL_BAD : LEVEL_NONE;
}

static bool is_told(const struct ui *u, struct thing t)
{
	return u->world->hosts[t.host]->told;
}

static double ui_fact_lost(const struct ui *u, struct thing t)
{
	return is_told(u, t) ? (double)host_of(u, t)->lost : NAN;
}

static enum level ui_fact_lost_level(const struct ui *u, struct thing t)
{
	return host_of(u, t)->lost ? LEVEL_WARN : LEVEL_NONE;
}

static const char *ui_fact_version(const struct ui *u, struct thing t, char *to, size_t size)
{
	(void)to, (void)size;
	return host_of(u, t)->version;
}

static double ui_fact_skew(const struct ui *u, struct thing t)
{
	return is_told(u, t) ? (double)host_of(u, t)->skew_ms : NAN;
}

static double ui_fact_interval(const struct ui *u, struct thing t)
{
	uint64_t ns = host_of(u, t)->interval_ns;

	return ns ? (double)ns / 1e9 : NAN;
}

const struct ui_fact ui_facts[FACTS] = {
#define FACT(id_, name_, title_, unit_, scopes_, flags_, width_, instead_, number_, text_, level_, \
	     help_)                                                                                \
	[FACT_##id_] = {.name = name_,                                                             \
			.title = title_,                                                           \
			.unit = unit_,                                                             \
			.help = help_,                                                             \
			.scopes = scopes_,                                                         \
			.flags = flags_,                                                           \
			.width = width_,                                                           \
			.instead = instead_,                                                       \
			.number = number_,                                                         \
			.text = text_,                                                             \
			.level = level_},
#include "facts.def"
};
