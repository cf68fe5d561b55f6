/* SPDX-License-Identifier: Apache-2.0 */
/* The keys of --keys, pressed when what they wait for is there. */
#include "session_state.h"

#include "log.h"

#include <inttypes.h>
#include <string.h>

#define NS UINT64_C(1000000000)
#define MS UINT64_C(1000000)

/* How long a script waits for what may never come (a host that is not there). */
#define PATIENCE_NS (10 * NS)
/* And in silence: there is no screen meanwhile that would say it. */
#define SILENCE_NS NS

static void wait_until(struct session *s, enum wait_for what, uint64_t ns)
{
	s->waits = what;
	s->until_ns = clock_monotonic_ns() + ns;
	s->say_ns = 0;
	*s->follows = '\0';
}

static uint64_t patience(const struct session *s)
{
	uint64_t ns = s->o->patience_ns ? s->o->patience_ns : PATIENCE_NS;

	/* What has not answered one question will hardly answer the next. */
	return s->late && ns > SILENCE_NS ? SILENCE_NS : ns;
}

void session_wait_for(struct session *s, enum wait_for what)
{
	uint64_t ns = patience(s);

	wait_until(s, what, ns);
	if (!s->o->terminal && ns > SILENCE_NS)
		s->say_ns = s->until_ns - ns + SILENCE_NS;
}

static const char *waited_for(const struct session *s)
{
	return !s->any             ? "samples"
	       : s->waits == RATES ? "the rates of a second sample"
				   : "an answer";
}

static void say_waiting(struct session *s, uint64_t now)
{
	struct source_status status = {0};

	s->say_ns = 0;
	source_status(s->o->source, &status);
	log_notice("%s: waiting for %s, %" PRIu64 " s more at most%s%s", status.name, waited_for(s),
		   (s->until_ns - now + NS - 1) / NS, *status.error ? ": " : "", status.error);
}

static void give_up(struct session *s)
{
	struct source_status status = {0};
	bool rates = s->any && s->waits == RATES;

	if (s->o->terminal || (rates && s->late))
		return;
	source_status(s->o->source, &status);
	log_warning("%s: %s did not come within %.3g s%s%s; the screen is without", status.name,
		    waited_for(s), (double)patience(s) / (double)NS, *status.error ? ": " : "",
		    status.error);
	/* A sample is shown without rates, too. */
	s->late |= !rates;
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
		uint64_t now = clock_monotonic_ns();

		if (s->waits != NOTHING && now < s->until_ns) {
			if (s->say_ns && now >= s->say_ns)
				say_waiting(s, now);
			return;
		}
		if (s->waits == MOMENT || s->waits == RATES)
			give_up(s);
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
	uint64_t now = clock_monotonic_ns();
	uint64_t until = s->say_ns && s->say_ns < s->until_ns ? s->say_ns : s->until_ns;

	if (s->waits == NOTHING || session_script_is_over(s))
		return -1;
	return now < until ? (int)((until - now) / MS + 1) : 0;
}
