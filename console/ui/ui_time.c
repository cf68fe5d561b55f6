/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: what is on the screen is live, frozen, or a moment of the past.
 *
 * Frozen, the newest live moment is kept aside and shown when it goes on.  To look into the
 * past is a question to the source; what comes while its answer is awaited is not it unless
 * it is of the past.  Steps that are asked for meanwhile are taken one after the other.
 */
#include "ui_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND  UINT64_C(1000000000)
#define DIFF_NS (300 * SECOND) /* what a diff without a kept moment goes back */

static void ask(struct ui *u, enum source_where where, uint64_t wall_ns)
{
	u->want.bits |= UI_GO;
	u->want.where = where;
	u->want.wall_ns = wall_ns;
	u->asked_where = where;
	u->asked_ns = wall_ns;
	u->asked = true;
}

/* What is shown stands still by itself: a recording that nobody writes any more. */
static bool stands_still(const struct ui *u)
{
	return u->status.replay && !u->status.grows;
}

static void drop_aside(struct ui *u)
{
	moment_unref(u->aside);
	u->aside = NULL;
}

void ui_go(struct ui *u, enum source_where where, uint64_t wall_ns)
{
	u->fetching_mark = false;
	u->frozen = false;
	u->past = where != SOURCE_LIVE;
	u->steps = 0;
	drop_aside(u);
	ask(u, where, wall_ns);
}

/* ---- moments ---- */

/* Takes it over. */
static void keep_mark(struct ui *u, struct diff_base *b)
{
	diff_base_free(u->marked);
	u->marked = b;
	u->diff_is_old = true;
}

static void open_diff(struct ui *u)
{
	struct place p = {.kind = PLACE_DIFF};

	u->diff_is_old = true;
	if (ui_here(u)->kind != PLACE_DIFF)
		ui_push(u, &p);
}

/* The moment of five minutes ago has come, which is not to be shown. */
static void mark_has_come(struct ui *u, struct moment *m)
{
	u->fetching_mark = false;
	u->asked = false;
	/* The source has stopped to look back, the screen has not. */
	if (!u->past && !u->frozen && !stands_still(u))
		ask(u, SOURCE_LIVE, 0);
	/* Another one was kept meanwhile. */
	if (u->mark_is_own)
		return;
	if (u->has_moment && m->wall_ns == u->world->wall_ns) {
		ui_say(u, "There is no earlier sample to compare with yet");
		return;
	}
	keep_mark(u, diff_base_of(m, u->options.wants_vm, u->options.wants_arg));
	open_diff(u);
}

static void take_steps(struct ui *u)
{
	if (!u->steps)
		return;
	if (u->steps > 0) {
		u->steps--;
		ask(u, SOURCE_NEXT, u->world->wall_ns);
	} else {
		u->steps++;
		ask(u, SOURCE_BEFORE, u->world->wall_ns);
	}
}

void ui_time_moment(struct ui *u, struct moment *m)
{
	bool awaited = u->asked && (u->asked_where == SOURCE_LIVE || !m->live);

	if (u->asked && !awaited)
		return;
	if (u->fetching_mark && awaited) {
		mark_has_come(u, m);
		return;
	}
	u->asked = false;
	if (u->frozen && (m->live || !awaited)) {
		drop_aside(u);
		u->aside = moment_ref(m);
		return;
	}
	ui_show(u, m);
	take_steps(u);
}

void ui_time_fini(struct ui *u)
{
	drop_aside(u);
	diff_base_free(u->marked);
}

/* ---- keys ---- */

static void thaw(struct ui *u)
{
	struct moment *m = u->aside;

	u->frozen = false;
	u->aside = NULL;
	if (m)
		ui_show(u, m);
	moment_unref(m);
	if (u->asked_where != SOURCE_LIVE) /* its past was looked into meanwhile */
		ask(u, SOURCE_LIVE, 0);
}

void ui_act_freeze(struct ui *u)
{
	if (!u->has_moment)
		return;
	if (u->past || stands_still(u))
		ui_say(u, u->status.replay ? "A recording stands still: t and T step through it"
					   : "The past stands still: e goes back to now");
	else if (u->frozen)
		thaw(u);
	else
		u->frozen = true;
}

static void step(struct ui *u, int by)
{
	if (!u->has_moment)
		return;
	if (u->asked && u->past &&
	    (u->asked_where == SOURCE_NEXT || u->asked_where == SOURCE_BEFORE)) {
		if (abs(u->steps + by) < 1000)
			u->steps += by;
		return;
	}
	ui_go(u, by > 0 ? SOURCE_NEXT : SOURCE_BEFORE, u->world->wall_ns);
}

void ui_act_before(struct ui *u)
{
	step(u, -1);
}

void ui_act_after(struct ui *u)
{
	step(u, 1);
}

/* From where one is, or is going to. */
static uint64_t time_here(const struct ui *u)
{
	return u->asked && u->past && u->asked_where == SOURCE_AT ? u->asked_ns : u->world->wall_ns;
}

void ui_jump(struct ui *u, int64_t seconds)
{
	uint64_t here = time_here(u), by = (uint64_t)llabs(seconds) * SECOND;

	if (!u->has_moment)
		return;
	if (seconds < 0)
		ui_go(u, SOURCE_AT, here > by ? here - by : 0);
	else
		ui_go(u, SOURCE_AT, here < UINT64_MAX - by ? here + by : UINT64_MAX);
}

void ui_act_minute_back(struct ui *u)
{
	ui_jump(u, -60);
}

void ui_act_minute_on(struct ui *u)
{
	ui_jump(u, 60);
}

void ui_act_live(struct ui *u)
{
	ui_go(u, SOURCE_LIVE, 0);
}

void ui_act_time(struct ui *u)
{
	u->overlay = OVERLAY_TIME;
	u->typed[0] = '\0';
}

void ui_act_keep(struct ui *u)
{
	char at[40], text[120];

	if (!u->has_moment)
		return;
	u->mark_is_own = true;
	keep_mark(u, diff_base_new(u->world, u->options.wants_vm, u->options.wants_arg));
	ui_time_text(u->world->wall_ns, false, at, sizeof(at));
	snprintf(text, sizeof(text), "%s is kept; \" shows what has changed since", at);
	ui_say(u, text);
}

/* Five minutes ago; where less is kept, its beginning, but for the first samples: these have
 * no rates to compare with. */
static uint64_t time_to_compare(const struct ui *u)
{
	uint64_t here = u->world->wall_ns, then = here > DIFF_NS ? here - DIFF_NS : 0;
	uint64_t oldest = u->status.oldest_wall_ns, longest = 0;

	for (uint32_t i = 0; i < u->world->n_hosts; i++)
		if (u->world->hosts[i]->about.interval_ns > longest)
			longest = u->world->hosts[i]->about.interval_ns;
	if (oldest && then < oldest + 2 * longest && oldest + 2 * longest < here)
		return oldest + 2 * longest;
	return then;
}

void ui_act_diff(struct ui *u)
{
	if (!u->has_moment)
		return;
	if (ui_here(u)->kind == PLACE_DIFF) {
		ui_pop(u);
		return;
	}
	if (u->marked && u->mark_is_own) {
		open_diff(u);
		return;
	}
	/* A later question replaces one that is not answered: where one is going would be lost. */
	if (u->asked && (u->past || u->status.replay)) {
		ui_say(u, "Wait until that time is there");
		return;
	}
	ask(u, SOURCE_AT, time_to_compare(u));
	u->fetching_mark = true;
}

/* ---- the history of a host ---- */

void ui_follow(struct ui *u, const char *host_id)
{
	if (!strcmp(u->following, host_id))
		return;
	snprintf(u->following, sizeof(u->following), "%s", host_id);
	u->want.bits |= UI_FOLLOW;
	snprintf(u->want.follow, sizeof(u->want.follow), "%s", host_id);
	/* Where no new moment comes by itself, the one on the screen is asked for once more. */
	if (*host_id && u->has_moment && !u->asked && (u->past || u->frozen || stands_still(u)))
		ask(u, SOURCE_AT, u->world->wall_ns);
}
