/* SPDX-License-Identifier: Apache-2.0 */
/* Any text as a profile's document.  What is taken is sound, is the same document when it is
 * written and read again, goes on, and is at no distance from itself. */
#include "distance.h"
#include "profile_json.h"
#include "profile_read.h"
#include "profile_sound.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void written_again(const struct profile_document *d)
{
	struct profile_document again;
	struct buf first, second;
	char why[200];

	buf_init(&first, PROFILE_DOCUMENT_MAX);
	buf_init(&second, PROFILE_DOCUMENT_MAX);
	profile_json(&first, d->name, &d->profile, &d->settings);
	if (!first.error) {
		if (profile_read(&again, first.data, first.used, why, sizeof(why)))
			abort();
		profile_json(&second, again.name, &again.profile, &again.settings);
		if (first.used != second.used || memcmp(first.data, second.data, first.used))
			abort();
		profile_document_fini(&again);
	}
	buf_fini(&first);
	buf_fini(&second);
}

static void goes_on(struct profile_document *d)
{
	double values[PROFILE_METRICS_MAX];

	for (unsigned t = 0; t < 40; t++) {
		for (unsigned i = 0; i < d->settings.n_metrics; i++)
			values[i] = (double)((t * 37 + i) % 101) - 20;
		profile_put(&d->profile, &d->settings, values, NULL);
	}
	profile_gap(&d->profile, &d->settings, 3);
	profile_put(&d->profile, &d->settings, values, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct distance d; /* large */
	struct profile_document document;
	char why[200] = "";

	if (profile_read(&document, (const char *)bytes, n, why, sizeof(why))) {
		if (!why[0] || strchr(why, '\n'))
			abort();
		return 0;
	}
	if (profile_unsound(&document.profile, &document.settings))
		abort();
	distance_between(&d, &document.profile, &document.settings, &document.profile,
			 &document.settings);
	if (d.total > 0)
		abort();
	if (!document.percents_only) {
		written_again(&document);
		goes_on(&document);
	}
	profile_document_fini(&document);
	return 0;
}
