/* SPDX-License-Identifier: Apache-2.0 */
#include "host_table.h"

#include "frame_ring.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_SLOTS 64u
#define FIRST_ROOM  16u
#define MS          1000000u

void host_table_clear(struct host_table *t)
{
	for (uint32_t i = 0; i < t->n; i++) {
		frame_unref(t->list[i].now);
		frame_unref(t->list[i].before);
		frame_unref(t->list[i].notes);
	}
	free(t->list);
	free(t->slots);
	*t = (struct host_table){0};
}

/* The slot of the id, or the free one where it belongs. */
static uint32_t slot_of(const struct host_table *t, const char *id)
{
	uint32_t at = (uint32_t)id_hash(0, id) & (t->n_slots - 1);

	while (t->slots[at] && strcmp(t->list[t->slots[at] - 1].about.host_id, id))
		at = (at + 1) & (t->n_slots - 1);
	return at;
}

struct host_entry *host_table_find(const struct host_table *t, const char *id)
{
	uint32_t slot = t->n_slots ? t->slots[slot_of(t, id)] : 0;

	return slot ? &t->list[slot - 1] : NULL;
}

static void fill_slots(struct host_table *t, uint32_t n_slots)
{
	free(t->slots);
	t->slots = xcalloc(n_slots, sizeof(*t->slots));
	t->n_slots = n_slots;
	for (uint32_t i = 0; i < t->n; i++)
		t->slots[slot_of(t, t->list[i].about.host_id)] = i + 1;
}

struct host_entry *host_table_get(struct host_table *t, const char *id)
{
	struct host_entry *e = host_table_find(t, id);

	if (e || t->n == HOST_TABLE_HOSTS)
		return e;
	if (t->n == t->room) {
		t->room = t->room ? 2 * t->room : FIRST_ROOM;
		t->list = xrealloc(t->list, t->room, sizeof(*t->list));
	}
	if (2 * (t->n + 1) > t->n_slots)
		fill_slots(t, t->n_slots ? 2 * t->n_slots : FIRST_SLOTS);
	e = &t->list[t->n];
	*e = (struct host_entry){0};
	strncpy(e->about.host_id, id, HOST_ID_MAX);
	t->slots[slot_of(t, e->about.host_id)] = ++t->n;
	return e;
}

static void let_go(struct host_table *t, struct frame **f)
{
	if (*f)
		t->bytes -= (*f)->size;
	frame_unref(*f);
	*f = NULL;
}

static void keep(struct host_table *t, struct frame **at, struct frame *f)
{
	*at = frame_ref(f);
	t->bytes += f->size;
}

void host_table_remove(struct host_table *t, bool (*gone)(void *arg, struct host_entry *e),
		       void *arg)
{
	uint32_t kept = 0, all = t->n;

	for (uint32_t i = 0; i < all; i++) {
		struct host_entry *e = &t->list[i];

		if (!gone(arg, e)) {
			t->list[kept++] = *e;
			continue;
		}
		let_go(t, &e->now);
		let_go(t, &e->before);
		frame_unref(e->notes);
		t->fresh -= e->fresh;
	}
	t->n = kept;
	if (kept < all)
		fill_slots(t, t->n_slots);
}

static void fill_about(struct host_entry *e, const struct frame_head *head)
{
	/* A feed's word on a host stands, but for what only the newest frame knows. */
	e->about.interval_ns = head->interval_ns;
	if (e->told_ns)
		return;
	memcpy(e->about.host_name, head->host_name, sizeof(e->about.host_name));
	memcpy(e->about.version, head->version, sizeof(e->about.version));
}

enum put_result host_table_put(struct host_table *t, const struct frame_head *head, struct frame *f)
{
	struct host_entry *e = host_table_get(t, head->host_id);

	if (!e || t->bytes + f->size > HOST_TABLE_BYTES)
		return PUT_FULL;
	if (!e->now || frame_is_later(f, e->now)) {
		let_go(t, &e->before);
		e->before = e->now;
		keep(t, &e->now, f);
		fill_about(e, head);
		t->fresh += !e->fresh;
		e->fresh = true;
		return PUT_NEWEST;
	}
	if (!frame_is_later(e->now, f) || (e->before && !frame_is_later(f, e->before)))
		return PUT_OLD;
	let_go(t, &e->before);
	keep(t, &e->before, f);
	return PUT_BEFORE;
}

/* What was told lies in a message that will go. */
static void keep_notes(struct host_entry *e)
{
	const struct message_bytes *b = &e->about.notes;
	struct frame_head head;

	frame_unref(e->notes);
	e->notes = NULL;
	if (b->n && !frame_head_decode(&head, b->p, b->n))
		e->notes = frame_new(&head, b->p, b->n);
	e->about.notes = (struct message_bytes){NULL, 0};
}

void host_table_tell(struct host_table *t, const struct feed_host *about, uint64_t when_ns)
{
	struct host_entry *e = host_table_get(t, about->host_id);

	if (!e)
		return;
	e->about = *about;
	keep_notes(e);
	e->told_ns = when_ns;
	e->unlisted = 0;
}

static struct feed_host about_now(const struct host_entry *e, uint64_t now_ns)
{
	struct feed_host about = e->about;

	about.age_ms += (now_ns - e->told_ns) / MS;
	about.stale |= moment_is_stale(about.age_ms, about.interval_ns);
	return about;
}

void host_table_moment(struct host_table *t, struct moment *m, uint64_t now_ns,
		       uint64_t now_wall_ns)
{
	for (uint32_t i = 0; i < t->n; i++) {
		struct host_entry *e = &t->list[i];
		struct feed_host about;

		if (e->told_ns)
			about = about_now(e, now_ns);
		if (e->now)
			moment_add(m, e->told_ns ? &about : NULL, e->now, e->before, now_wall_ns);
		if (e->now && e->notes)
			moment_note(m, e->notes);
		e->fresh = false;
	}
	t->fresh = 0;
}
