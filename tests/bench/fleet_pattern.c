/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A pattern is a made-up host that many hosts share.  Of each sequence its frame is encoded
 * once, with markers where hosts differ, and kept as long as a sample may be wanted.
 */
#include "../unit/wire_sample.h"
#include "fleet.h"

#include "xalloc.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define MARK_ID   "f1ee7000000000000000000000000000"
#define MARK_NAME "hv-000000.fleet.example"
#define MARK_UUID "f1ee7000-f1ee-4000-8000-"
#define HEX_UUID  8u /* its first digits are the host's number */
#define SPARE     2u /* frames beyond keep, so that none is overwritten while it is wanted */
#define PLACES    8192u

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
	bool left_out[SCOPES][METRICS]; /* so that a VM has as many values as wanted */
};

static void die(const char *what)
{
	fprintf(stderr, "fleet: %s\n", what);
	exit(1);
}

void patterns_host_id(unsigned host, char to[HOST_ID_MAX + 1])
{
	snprintf(to, HOST_ID_MAX + 1, "f1ee7%0*u", (int)sizeof(MARK_ID) - 6, host);
}

void patterns_host_name(unsigned host, char to[HOST_NAME_BYTES + 1])
{
	snprintf(to, HOST_NAME_BYTES + 1, "hv-%06u.fleet.example", host);
}

/* ---- a pattern's sample ---- */

static size_t column_values(const struct sample *s, enum scope scope, enum metric_id m)
{
	size_t n = 0;

	for (uint32_t r = 0; r < s->table[scope].rows; r++)
		n += metrics[m].kind != DERIVED && !metric_is_rollup(m, scope) &&
		     sample_get(s, scope, r, m) != ABSENT;
	return n;
}

/* What each VM has once; first what hardly moves, then from the table's end. */
static void leave_out(struct patterns *p, const struct sample *s, size_t too_many)
{
	static const enum scope from[] = {SCOPE_VM_NIC, SCOPE_VM_DISK, SCOPE_VM};

	for (int rare = 1; rare >= 0; rare--)
		for (size_t i = 0; i < sizeof(from) / sizeof(*from); i++)
			for (int m = METRICS; m-- > 0 && too_many;) {
				if (metrics[m].kind == INFO || wire_is_rare(m) != rare ||
				    p->left_out[from[i]][m] || !column_values(s, from[i], m))
					continue;
				p->left_out[from[i]][m] = true;
				too_many--;
			}
	if (too_many)
		die("--values: a VM cannot have so few");
}

static void make_sample(struct patterns *p, struct pattern *one, uint64_t sequence)
{
	struct sample *s = one->sample;
	char text[64];

	one->host.second = sequence;
	wire_fill(s, &one->host);
	s->epoch = p->epoch;
	s->sequence = sequence;
	for (int i = 0; i < SCOPES; i++)
		for (int m = 0; m < METRICS; m++)
			for (uint32_t r = 0; p->left_out[i][m] && r < s->table[i].rows; r++)
				s->table[i].value[m][r] = ABSENT;
	sample_set_text(s, SCOPE_HOST, 0, M_HOST_ID, MARK_ID);
	sample_set_text(s, SCOPE_HOST, 0, M_HOST_NAME, MARK_NAME);
	for (uint32_t r = 0; r < s->table[SCOPE_VM].rows; r++) {
		sample_set_text(s, SCOPE_VM, r, M_HOST_NAME, MARK_NAME);
		snprintf(text, sizeof(text), MARK_UUID "%012x", r);
		sample_set_text(s, SCOPE_VM, r, M_UUID, text);
	}
}

/* How many values a VM has, and which are too many. */
static void choose(struct patterns *p)
{
	struct pattern *one = &p->pattern[0];
	size_t values = 0;

	if (!p->o->vms)
		return;
	make_sample(p, one, 1);
	for (int i = 0; i < SCOPES; i++)
		for (int m = 0; m < METRICS && (i == SCOPE_VM || scope_parent(i) == SCOPE_VM); m++)
			values += column_values(one->sample, i, m);
	if (values % p->o->vms || values / p->o->vms < p->o->values)
		die("--values: a VM cannot have so many");
	leave_out(p, one->sample, values / p->o->vms - p->o->values);
}

/* ---- where hosts differ ---- */

static void add_place(struct slot *s, const char *at, enum what what, uint32_t rows)
{
	if (s->places == PLACES)
		die("--vms: too many");
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
		die("a frame is not as expected: where hosts differ was not found");
}

/* Behind their key and the header of a bin. */
static void find_rows(struct slot *s, const struct table *t)
{
	uint32_t n = t->rows * (uint32_t)sizeof(*t->id);
	struct buf mark;

	if (n > UINT16_MAX)
		die("--vms: too many");
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

	make_sample(p, one, sequence);
	wire_head(&head, one->sample);
	snprintf(head.host_id, sizeof(head.host_id), "%s", MARK_ID);
	snprintf(head.host_name, sizeof(head.host_name), "%s", MARK_NAME);
	head.interval_ns = p->time->interval_ns;
	buf_clear(&s->frame);
	if (frame_encode(&s->frame, &head, one->sample) < 0)
		die("--vms: a frame is too large");
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

static void compare(struct patterns_facts *f, const struct sample *a, const struct sample *b)
{
	size_t columns = 0, other_columns = 0, other = 0;

	f->values = wire_values(b);
	for (int i = 0; i < SCOPES; i++)
		for (int m = 0; m < METRICS; m++) {
			size_t differ = 0;

			if (!column_values(b, i, m))
				continue;
			for (uint32_t r = 0; metrics[m].kind != INFO && r < b->table[i].rows; r++)
				differ += sample_get(a, i, r, m) != sample_get(b, i, r, m);
			columns++;
			other_columns += differ > 0;
			other += differ;
		}
	f->columns = (double)other_columns / (double)columns;
	f->all = (double)other / (double)f->values;
}

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
		die("a frame is not read back as it was made");
	name = p->o->vms ? sample_text(s, SCOPE_VM, 0, M_HOST_NAME) : head.host_name;
	if (!name || strcmp(name, head.host_name))
		die("a frame is not of the host it was made for");
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
	compare(&p->facts, a, b);
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
	choose(p);
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
