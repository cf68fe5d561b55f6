/* SPDX-License-Identifier: Apache-2.0 */
#include "output_report.h"

#include "log.h"
#include "output_time.h"
#include "xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* So long without a refusal, and it is over. */
#define REFUSED_OVER_NS (UINT64_C(600) * 1000000000)

void output_report_init(struct output_report *r, const char *shown_url)
{
	*r = (struct output_report){.name = xasprintf("output %s", shown_url)};
	pthread_mutex_init(&r->lock, NULL);
	r->key_failing = xasprintf("output/failing/%s/%p", shown_url, (void *)r);
	r->key_refused = xasprintf("output/refused/%s/%p", shown_url, (void *)r);
}

void output_report_fini(struct output_report *r)
{
	log_over(r->key_failing, NULL);
	log_over(r->key_refused, NULL);
	free(r->name);
	free(r->key_failing);
	free(r->key_refused);
	pthread_mutex_destroy(&r->lock);
}

void output_report_failure(struct output_report *r, const char *what, const char *why)
{
	pthread_mutex_lock(&r->lock);
	r->stats.failures++;
	r->failing = true;
	snprintf(r->stats.error, sizeof(r->stats.error), "%s: %s", what, why);
	pthread_mutex_unlock(&r->lock);
	log_once(LOG_WARNING, r->key_failing, "%s: %s: %s; trying again, samples wait", r->name,
		 what, why);
}

void output_report_well(struct output_report *r)
{
	bool was;

	pthread_mutex_lock(&r->lock);
	was = r->failing;
	r->failing = false;
	if (was)
		r->stats.error[0] = '\0';
	pthread_mutex_unlock(&r->lock);
	if (was)
		log_over(r->key_failing, "%s: works again", r->name);
}

static void refusals_over(struct output_report *r)
{
	uint64_t n = 0;

	pthread_mutex_lock(&r->lock);
	if (r->refused_ns && output_now_ns() - r->refused_ns > REFUSED_OVER_NS) {
		n = r->stats.refused - r->refused_said;
		r->refused_said = r->stats.refused;
		r->refused_ns = 0;
		if (!r->failing)
			r->stats.error[0] = '\0';
	}
	pthread_mutex_unlock(&r->lock);
	if (n)
		log_over(r->key_refused,
			 "%s: nothing is refused any more; %" PRIu64 " records were", r->name, n);
}

void output_report_sent(struct output_report *r, uint64_t items, uint64_t bytes)
{
	pthread_mutex_lock(&r->lock);
	r->stats.sent += items;
	r->stats.bytes += bytes;
	pthread_mutex_unlock(&r->lock);
	refusals_over(r);
}

void output_report_refused(struct output_report *r, uint64_t records, const char *why)
{
	pthread_mutex_lock(&r->lock);
	r->stats.refused += records;
	r->refused_ns = output_now_ns();
	snprintf(r->stats.error, sizeof(r->stats.error), "refused: %s", why);
	pthread_mutex_unlock(&r->lock);
	log_once(LOG_WARNING, r->key_refused,
		 "%s: refused, %" PRIu64 " records are dropped (further ones are only counted): %s",
		 r->name, records, why);
}

bool output_report_failing(struct output_report *r)
{
	bool failing;

	pthread_mutex_lock(&r->lock);
	failing = r->failing;
	pthread_mutex_unlock(&r->lock);
	return failing;
}
