/* SPDX-License-Identifier: Apache-2.0 */
#include "periods.h"
#include "phases.h"
#include "profile.h"
#include "profile_seam.h"

#include <string.h>

int profile_merge(struct profile *p, const struct profile *after, const struct profile_settings *s)
{
	struct profile_seam seam[PROFILE_METRICS_MAX];
	uint32_t buffersize = s->markov.buffersize;
	/* after's first buffer ends that many states after the first one of p. */
	uint64_t number = p->ticks / buffersize + (p->ticks % buffersize != 0);

	for (unsigned i = 0; i < s->n_metrics; i++) {
		int wrong = markov_merge_wrong(&p->metric[i], &after->metric[i], &s->markov);

		if (wrong)
			return wrong;
	}
	if (!after->ticks && !after->metric[0].broken)
		return 0; /* nothing at all */
	for (unsigned i = 0; i < s->n_metrics; i++) {
		struct markov *m = &p->metric[i];
		struct markov_range range = markov_merge_range(m, &after->metric[i], &s->markov);

		profile_seam_make(&seam[i], m, &after->metric[i], &s->markov, &range);
		markov_merge(m, &after->metric[i], &s->markov);
	}
	if (p->periods)
		periods_merge(p->periods, after->periods, s, seam,
			      (uint32_t)(number % p->periods->leaves));
	if (p->phases)
		phases_merge(p->phases, after->phases, s, seam);
	p->ticks += after->ticks;
	return 0;
}
