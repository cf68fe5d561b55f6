/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_SOURCE_KIT_H
#define PROXTOP_TEST_SOURCE_KIT_H

/* What the tests of sources share: waiting for a moment, and a moment as text. */
#include "console_source.h"

#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define SOURCE_PATIENCE_MS 5000

static inline double kit_seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The next moment; the test fails when none comes in time. */
static inline struct moment *kit_moment(struct console_source *s)
{
	double until = kit_seconds() + SOURCE_PATIENCE_MS * 1e-3;
	struct moment *m = NULL;

	while (!m && kit_seconds() < until) {
		struct pollfd fd = {.fd = source_fd(s), .events = POLLIN};

		poll(&fd, 1, 100);
		m = source_take(s);
	}
	if (!m)
		fail_msg("no moment within %d ms", SOURCE_PATIENCE_MS);
	return m;
}

/* Valid until the next call: "h0:5-4 h1:5 | series h0: 3 4 5", host:now-before; a
 * stale host has a !. */
static inline const char *kit_text(const struct moment *m)
{
	static char text[4096];
	size_t used = 0;

	*text = '\0';
#define SAY(...) used += (size_t)snprintf(text + used, sizeof(text) - used, __VA_ARGS__)
	for (uint32_t i = 0; i < m->n; i++) {
		const struct moment_host *h = &m->hosts[i];

		SAY("%s%s%s:%llu", i ? " " : "", h->about.host_id, h->about.stale ? "!" : "",
		    (unsigned long long)h->now->sequence);
		if (h->before)
			SAY("-%llu", (unsigned long long)h->before->sequence);
	}
	if (*m->series_host) {
		SAY(" | series %s:", m->series_host);
		for (uint32_t i = 0; i < m->n_series; i++)
			SAY(" %llu", (unsigned long long)m->series[i]->sequence);
	}
#undef SAY
	return text;
}

/* Takes live moments until one reads so. */
static inline struct moment *kit_until(struct console_source *s, const char *want)
{
	double until = kit_seconds() + SOURCE_PATIENCE_MS * 1e-3;
	char last[4096] = "none";

	while (kit_seconds() < until) {
		struct moment *m = kit_moment(s);

		if (!strcmp(kit_text(m), want))
			return m;
		snprintf(last, sizeof(last), "%s", kit_text(m));
		moment_unref(m);
	}
	fail_msg("no moment \"%s\"; the last one: \"%s\"", want, last);
	return NULL;
}

/* The status' error, once it is (or is not) there. */
static inline const char *kit_error(struct console_source *s, bool want)
{
	static struct source_status st;
	double until = kit_seconds() + SOURCE_PATIENCE_MS * 1e-3;

	do {
		nanosleep(&(struct timespec){0, 5000000}, NULL);
		source_status(s, &st);
	} while (!*st.error == want && kit_seconds() < until);
	return st.error;
}

#endif
