/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_FLEET_FILTER_H
#define PROXTOP_TEST_FLEET_FILTER_H

/* Which VMs of ui_kit.h's fleet a filter lets through, found out in the plainest way. */
#include "ui_kit.h"

#include <strings.h>

#define FLEET_FILTER_MAX 200 /* bytes */

/* What is typed: all of it is understood here. */
static const char *const fleet_filters[] = {
	"db",
	"vm-0",
	"!vm-1",
	"prod",
	"host:hv01",
	"tag:web !hv00",
	"steal>5",
	"!steal>5 1",
	"VM-0 !tag:prod",
	"0000-4000",
	"11",
	"!",
	"nothing of it",
};
#define FLEET_FILTERS (sizeof(fleet_filters) / sizeof(*fleet_filters))

static inline bool fleet_has(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

/* on: the host it is on; host and i: which VM it is. */
static inline bool fleet_word(const struct fleet *f, unsigned on, unsigned host, unsigned i,
			      const char *word)
{
	const char *tags = i % 2 ? "prod;web" : "";
	char name[40], uuid[40], hv[20], vmid[20];

	snprintf(name, sizeof(name), "vm-%u-%u", host, i);
	if (!host && i < 3)
		snprintf(name, sizeof(name), "%s", i == 0 ? "db-1" : i == 1 ? "batch-7" : "web-2");
	snprintf(uuid, sizeof(uuid), "%08x-0000-4000-8000-%012x", host, i);
	snprintf(hv, sizeof(hv), "hv%02u", on);
	snprintf(vmid, sizeof(vmid), "%u", 100 + host * 1000 + i);
	if (!strncmp(word, "host:", 5))
		return fleet_has(hv, word + 5);
	if (!strncmp(word, "tag:", 4))
		return fleet_has(tags, word + 4);
	/* Of a host that is silent nothing is known. */
	if (!strcmp(word, "steal>5"))
		return on + f->stale < f->hosts && !host && !i;
	return fleet_has(name, word) || fleet_has(uuid, word) || fleet_has(hv, word) ||
	       fleet_has(vmid, word) || fleet_has(tags, word);
}

static inline bool fleet_wants(const struct fleet *f, unsigned on, unsigned host, unsigned i,
			       const char *filter)
{
	char words[FLEET_FILTER_MAX], *at = words, *word;

	snprintf(words, sizeof(words), "%s", filter);
	while ((word = strsep(&at, " "))) {
		bool is_not = *word == '!';

		word += is_not;
		if (!*word)
			continue;
		/* What is not known is not what one asked for, either way. */
		if (is_not && !strcmp(word, "steal>5") && on + f->stale >= f->hosts)
			return false;
		if (fleet_word(f, on, host, i, word) == is_not)
			return false;
	}
	return true;
}

/* How many VMs on that host. */
static inline unsigned fleet_count(const struct fleet *f, unsigned on, const char *filter)
{
	unsigned n = 0;

	for (unsigned i = 0; i + f->gone < f->vms; i++)
		if (!(f->moved && !on && !i))
			n += fleet_wants(f, on, on, i, filter);
	if (f->moved && on == 1)
		n += fleet_wants(f, on, 0, 0, filter);
	return n;
}

static inline bool fleet_knows(const char *filter)
{
	for (size_t i = 0; i < FLEET_FILTERS; i++)
		if (!strcmp(filter, fleet_filters[i]))
			return true;
	return false;
}

#endif
