/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of --keys, pressed when what they wait for is there. */
#include "session_state.h"

#include <string.h>

#define NS 1000000000ull

/* How long a script waits for what may never come (a host that is not there). */
#define PATIENCE_NS (10 * NS)

static void wait_until(struct session *s, enum wait_for what, uint64_t ns)
{
	s->waits = what;
	s->until_ns = session_clock_ns(CLOCK_MONOTONIC) + ns;
	*s->follows = '\0';
}

void session_wait_for(struct session *s, enum wait_for what)
{
	wait_until(s, what, s->o->patience_ns ? s->o->patience_ns : PATIENCE_NS);
}

static bool has_rates(const struct moment *m)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->hosts[i].before)
			return true;
	return false;
}

void session_came(struct session *s, const struct moment *m)
{
	if ((s->waits == RATES && (has_rates(m) || !s->live)) ||
	    (s->waits == MOMENT && (!*s->follows || !strcmp(s->follows, m->series_host))))
		s->waits = NOTHING;
}

static void run_script_key(struct session *s, const struct key *k)
{
	switch (k->code) {
	case K_WAIT:
		if (k->seconds >= 0)
			wait_until(s, TIME, (uint64_t)(k->seconds * (double)NS));
		else if (s->live)
			session_wait_for(s, MOMENT);
		break;
	case K_RESIZE:
		if (!s->o->terminal)
			session_resize(s, k->col, k->row);
		break;
	default:
		session_press(s, k);
	}
}

void session_run_script(struct session *s)
{
	const struct session_options *o = s->o;

	for (;;) {
		if (s->waits != NOTHING && session_clock_ns(CLOCK_MONOTONIC) < s->until_ns)
			return;
		s->waits = NOTHING;
		if (s->ended || s->key >= o->n_keys)
			break;
		session_draw(s); /* a page is as long as what is seen */
		s->key++;
		run_script_key(s, &o->keys[s->key - 1]);
	}
	if (!o->terminal && !s->ended)
		session_finish(s, SESSION_QUIT);
}

bool session_script_is_over(const struct session *s)
{
	return s->o->terminal && s->key >= s->o->n_keys;
}

int session_timeout_ms(const struct session *s)
{
	uint64_t now = session_clock_ns(CLOCK_MONOTONIC);

	if (s->waits == NOTHING || session_script_is_over(s))
		return -1;
	return now < s->until_ns ? (int)((s->until_ns - now) / 1000000 + 1) : 0;
}
