/* SPDX-License-Identifier: Apache-2.0 */
#include "record_hosts.h"

#include "record_format.h"
#include "sample.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64u

void record_hosts_fini(struct record_hosts *h)
{
	free(h->id);
	free(h->slot);
	*h = (struct record_hosts){0};
}

/* The upper half over the lower one: slots are few. */
static uint32_t hash(const char *id, size_t n)
{
	uint64_t v = id_hash_bytes(0, id, n);

	return (uint32_t)(v ^ v >> 32);
}

/* The slot it is in, or the free one where it would be; there always is a free one. */
static uint32_t place(const struct record_hosts *h, const char *id, size_t n)
{
	uint32_t at = hash(id, n) & (h->slots - 1);

	while (h->slot[at]) {
		const char *other = h->id[h->slot[at] - 1];

		if (strlen(other) == n && !memcmp(other, id, n))
			break;
		at = (at + 1) & (h->slots - 1);
	}
	return at;
}

static void grow(struct record_hosts *h)
{
	if (h->n == h->room) {
		h->room = h->room ? 2 * h->room : FIRST_SLOTS / 2;
		h->id = xrealloc(h->id, h->room, sizeof(*h->id));
	}
	if (2 * (h->n + 1) <= h->slots)
		return;
	h->slots = h->slots ? 2 * h->slots : FIRST_SLOTS;
	free(h->slot);
	h->slot = xcalloc(h->slots, sizeof(*h->slot));
	for (uint32_t i = 0; i < h->n; i++)
		h->slot[place(h, h->id[i], strlen(h->id[i]))] = i + 1;
}

uint32_t record_hosts_find(const struct record_hosts *h, const char *id, size_t n)
{
	uint32_t found = h->n ? h->slot[place(h, id, n)] : 0;

	return found ? found - 1 : RECORD_NO_HOST;
}

uint32_t record_hosts_add(struct record_hosts *h, const char *id, size_t n)
{
	uint32_t found = record_hosts_find(h, id, n);

	if (found != RECORD_NO_HOST)
		return found;
	if (!n || n > HOST_ID_MAX || memchr(id, 0, n) || h->n == RECORD_HOSTS_MAX)
		return RECORD_NO_HOST;
	grow(h);
	memcpy(h->id[h->n], id, n);
	h->id[h->n][n] = '\0';
	h->slot[place(h, id, n)] = h->n + 1;
	return h->n++;
}
