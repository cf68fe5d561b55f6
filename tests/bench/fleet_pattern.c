/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern is a made-up host that many hosts share.  Of each sequence its frame is encoded
 * once, with markers where hosts differ, and kept as long as a sample may be wanted.
 */
#include "fleet_host.h"

#include "xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define HEX_UUID 8u /* its first digits are the host's number */
#define SPARE    2u /* frames beyond keep, so that none is overwritten while it is wanted */
#define PLACES   8192u

enum what { AT_ID, AT_NAME, AT_UUID, AT_BOOT, AT_WALL, AT_ROWS };

struct place {
	uint32_t at;
	uint16_t what;
	uint16_t rows; /* AT_ROWS */
};

struct slot {
	uint64_t sequence; /* 0: nothing */
	struct buf frame;
	struct place *place;
	unsigned places;
};

struct pattern {
	pthread_mutex_t lock;
	struct sample *sample;
	struct wire_host host;
	struct slot *slot;
};

struct patterns {
	const struct fleet_options *o;
	const struct fleet_time *time;
	uint64_t epoch;
	unsigned n, slots;
	struct pattern *pattern;
	struct patterns_facts facts;
	struct fleet_left_out left_out;
};

void patterns_host_id(unsigned host, char to[HOST_ID_MAX + 1])
{
	snprintf(to, HOST_ID_MAX + 1, "f1ee7%0*u", (int)sizeof(MARK_ID) - 6, host);
}

void patterns_host_name(unsigned host, char to[HOST_NAME_BYTES + 1])
{
	snprintf(to, HOST_NAME_BYTES + 1, "hv-%06u.fleet.example", host);
}

/* ---- where hosts differ ---- */

static void add_place(struct slot *s, const char *at, enum what what, uint32_t rows)
{
	if (s->places == PLACES)
		fleet_die("--vms: too many");
	if (!s->place)
		s->place = xcalloc(PLACES, sizeof(*s->place));
	s->place[s->places++] =
		(struct place){(uint32_t)(at - s->frame.data), (uint16_t)what, (uint16_t)rows};
}

static void find(struct slot *s, const void *mark, size_t n, size_t skip, enum what what,
		 uint32_t rows, unsigned wanted)
{
	const char *at = s->frame.data, *end = at + s->frame.used;
	unsigned found = 0;

	while ((at = memmem(at, (size_t)(end - at), mark, n))) {
		add_place(s, at + skip, what, rows);
		at += n;
		found++;
	}
	if (found != wanted && (found < wanted || what != AT_NAME))
		fleet_die("a frame is not as expected: where hosts differ was not found");
}

/* Behind their key and the header of a bin. */
static void find_rows(struct slot *s, const struct table *t)
{
	uint32_t n = t->rows * (uint32_t)sizeof(*t->id);
	struct buf mark;

	if (n > UINT16_MAX)
		fleet_die("--vms: too many");
	buf_init(&mark, FRAME_MAX);
	buf_lit(&mark, "\xa2id");
	buf_byte(&mark, n > UINT8_MAX ? '\xc5' : '\xc4');
	if (n > UINT8_MAX)
		buf_byte(&mark, (char)(n >> 8));
	buf_byte(&mark, (char)n);
	buf_put(&mark, t->id, n);
	find(s, mark.data, mark.used, mark.used - n, AT_ROWS, t->rows, 1);
	buf_fini(&mark);
}

static void find_places(struct slot *s, const struct sample *sample)
{
	s->places = 0;
	find(s, MARK_ID, sizeof(MARK_ID) - 1, 0, AT_ID, 0, 2);
	find(s, MARK_NAME, sizeof(MARK_NAME) - 1, 0, AT_NAME, 0, 1);
	find(s, MARK_UUID, sizeof(MARK_UUID) - 1, 0, AT_UUID, 0, sample->table[SCOPE_VM].rows);
	find(s,
	     "\xa4"
	     "boot\xcf",
	     6, 6, AT_BOOT, 0, 1);
	find(s,
	     "\xa4"
	     "wall\xcf",
	     6, 6, AT_WALL, 0, 1);
	for (int i = 0; i < SCOPES; i++)
		if (sample->table[i].rows)
			find_rows(s, &sample->table[i]);
}

static void make_frame(struct patterns *p, struct pattern *one, struct slot *s, uint64_t sequence)
{
	struct frame_head head;

	one->host.second = sequence;
	fleet_fill(one->sample, &one->host, &p->left_out, p->epoch);
	wire_head(&head, one->sample);
	snprintf(head.host_id, sizeof(head.host_id), "%s", MARK_ID);
	snprintf(head.host_name, sizeof(head.host_name), "%s", MARK_NAME);
	head.interval_ns = p->time->interval_ns;
	buf_clear(&s->frame);
	if (frame_encode(&s->frame, &head, one->sample) < 0)
		fleet_die("--vms: a frame is too large");
	find_places(s, one->sample);
	s->sequence = sequence;
}

/* ---- a host's frame ---- */

static void put_be64(char *to, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(to, &v, sizeof(v));
}

struct identity {
	char id[HOST_ID_MAX + 1], name[HOST_NAME_BYTES + 1], uuid[HEX_UUID + 1];
	uint64_t boot_ns, wall_ns, salt;
};

static void personalise(char *frame, const struct slot *s, const struct identity *who)
{
	for (unsigned i = 0; i < s->places; i++) {
		const struct place *at = &s->place[i];
		char *to = frame + at->at;
		uint64_t id;

		switch (at->what) {
		case AT_ID:
			memcpy(to, who->id, sizeof(MARK_ID) - 1);
			break;
		case AT_NAME:
			memcpy(to, who->name, sizeof(MARK_NAME) - 1);
			break;
		case AT_UUID:
			memcpy(to, who->uuid, HEX_UUID);
			break;
		case AT_BOOT:
			put_be64(to, who->boot_ns);
			break;
		case AT_WALL:
			put_be64(to, who->wall_ns);
			break;
		default:
			for (unsigned r = 0; r < at->rows; r++, to += sizeof(id)) {
				memcpy(&id, to, sizeof(id));
				id ^= who->salt;
				memcpy(to, &id, sizeof(id));
			}
		}
	}
}

void patterns_frame(struct patterns *p, unsigned host, uint64_t sequence, struct buf *to)
{
	struct pattern *one = &p->pattern[host % p->n];
	struct slot *s = &one->slot[sequence % p->slots];
	uint64_t since = fleet_due_ns(p->time, host, sequence) - p->time->start_ns;
	struct identity who = {.boot_ns = WIRE_BOOT + since,
			       .wall_ns = p->time->start_wall_ns + since,
			       .salt = wire_mix(host, 42)};
	size_t start = to->used;

	patterns_host_id(host, who.id);
	patterns_host_name(host, who.name);
	snprintf(who.uuid, sizeof(who.uuid), "%08x", host + 1);
	pthread_mutex_lock(&one->lock);
	if (s->sequence != sequence)
		make_frame(p, one, s, sequence);
	buf_put(to, s->frame.data, s->frame.used);
	if (!to->error)
		personalise(to->data + start, s, &who);
	pthread_mutex_unlock(&one->lock);
}

void patterns_prepare(struct patterns *p, uint64_t sequence)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct pattern *one = &p->pattern[i];
		struct slot *s = &one->slot[sequence % p->slots];

		pthread_mutex_lock(&one->lock);
		if (s->sequence != sequence)
			make_frame(p, one, s, sequence);
		pthread_mutex_unlock(&one->lock);
	}
}

/* ---- what is said of them, and whether they are what they should be ---- */

static void read_back(struct patterns *p, unsigned host, uint64_t sequence, struct sample *s)
{
	struct frame_head head;
	char id[HOST_ID_MAX + 1];
	const char *name;
	struct buf b;

	buf_init(&b, FRAME_MAX);
	patterns_host_id(host, id);
	patterns_frame(p, host, sequence, &b);
	if (b.error || frame_decode(s, &head, b.data, b.used) < 0 || strcmp(head.host_id, id) ||
	    head.epoch != p->epoch || head.sequence != sequence)
		fleet_die("a frame is not read back as it was made");
	name = p->o->vms ? sample_text(s, SCOPE_VM, 0, M_HOST_NAME) : head.host_name;
	if (!name || strcmp(name, head.host_name))
		fleet_die("a frame is not of the host it was made for");
	p->facts.bytes = b.used;
	buf_fini(&b);
}

/* Of the last host of each pattern. */
static void check(struct patterns *p)
{
	struct sample *a = sample_new(), *b = sample_new();

	for (unsigned i = 0; i < p->n; i++) {
		read_back(p, p->time->hosts - 1 - i, 1, a);
		read_back(p, p->time->hosts - 1 - i, 2, b);
	}
	fleet_compare(&p->facts, a, b);
	sample_free(a);
	sample_free(b);
}

struct patterns *patterns_new(const struct fleet_options *o, const struct fleet_time *t,
			      uint64_t epoch)
{
	struct patterns *p = xcalloc(1, sizeof(*p));

	p->o = o;
	p->time = t;
	p->epoch = epoch;
	p->n = o->patterns < o->hosts ? o->patterns : o->hosts;
	p->slots = o->keep + SPARE;
	p->pattern = xcalloc(p->n, sizeof(*p->pattern));
	for (unsigned i = 0; i < p->n; i++) {
		struct pattern *one = &p->pattern[i];

		pthread_mutex_init(&one->lock, NULL);
		one->sample = sample_new();
		one->host = (struct wire_host){
			.vms = o->vms, .vcpus = 2, .disks = 1, .nics = 1, .seed = i + 1};
		one->slot = xcalloc(p->slots, sizeof(*one->slot));
		for (unsigned k = 0; k < p->slots; k++)
			buf_init(&one->slot[k].frame, FRAME_MAX);
	}
	fleet_choose(&p->left_out, &p->pattern[0].host, o->values);
	check(p);
	return p;
}

void patterns_free(struct patterns *p)
{
	for (unsigned i = 0; i < p->n; i++) {
		struct pattern *one = &p->pattern[i];

		for (unsigned k = 0; k < p->slots; k++) {
			buf_fini(&one->slot[k].frame);
			free(one->slot[k].place);
		}
		free(one->slot);
		sample_free(one->sample);
		pthread_mutex_destroy(&one->lock);
	}
	free(p->pattern);
	free(p);
}

void patterns_facts(const struct patterns *p, struct patterns_facts *ret)
{
	*ret = p->facts;
}
