/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The members of one row, where most of json's time goes: hence a list of the columns that
 * are there, room asked for once for many values, and copies of fixed size.
 */
#include "digits.h"
#include "print.h"

#include <math.h>

/* Of one member; texts and numbers beyond digits_can() ask for their own. */
#define MEMBER_ROOM (sizeof(((struct json_key *)0)->text) + DIGITS_ROOM)

static bool column_open(const struct printer *p, const struct view *v, enum scope s,
			enum metric_id m, struct json_column *ret)
{
	*ret = (struct json_column){
		.key = &p->json_key[m],
		.factor = metrics[m].unit == U_CENTIPERCENT ? 0.01 : 1,
		.decimals = metrics[m].decimals < DECIMALS_MAX ? metrics[m].decimals : DECIMALS_MAX,
		.is_text = metrics[m].kind == INFO,
	};
	if (ret->is_text || p->as_read[s][m])
		ret->raw = v->now->table[s].value[m];
	else if (v->table[s].rows == v->now->table[s].rows)
		ret->value = v->table[s].col[m];
	return ret->raw || ret->value;
}

void print_begin(struct printer *p, const struct view *v)
{
	for (int s = 0; s < SCOPES; s++) {
		p->json_columns[s] = 0;
		for (unsigned i = 0; i < p->columns[s]; i++)
			p->json_columns[s] += column_open(p, v, s, p->column[s][i],
							  &p->json[s][p->json_columns[s]]);
	}
}

static char *put_key(char *to, const struct json_key *key)
{
	memcpy(to, key->text, sizeof(key->text));
	return to + key->n;
}

/* What is not written in place: returns where it goes on, NULL beyond the ceiling. */
static char *put_text(struct buf *b, char *to, const struct sample *s, uint64_t at, size_t room)
{
	b->used = (size_t)(to - b->data);
	buf_json_string_in(b, s->text + at, s->text_room - at);
	return buf_room(b, room);
}

static char *put_outsize(struct buf *b, char *to, double value, unsigned decimals, size_t room)
{
	b->used = (size_t)(to - b->data);
	buf_double(b, value, decimals);
	return buf_room(b, room);
}

void print_members(const struct printer *p, struct buf *b, const struct view *v, enum scope s,
		   uint32_t row)
{
	const struct json_column *c = p->json[s], *end = c + p->json_columns[s];
	size_t room = p->json_columns[s] * MEMBER_ROOM;
	char *to = buf_room(b, room);

	for (; c < end && to; c++) {
		if (c->value) {
			double value = c->value[row] * c->factor;

			if (__builtin_expect(digits_can(value), 1)) {
				to = put_key(to, c->key);
				to = digits_double(to, value, c->decimals);
			} else if (isfinite(value)) {
				to = put_key(to, c->key);
				to = put_outsize(b, to, value, c->decimals, room);
			}
		} else if (c->is_text) {
			if (c->raw[row] >= v->now->text_used)
				continue;
			to = put_key(to, c->key);
			to = put_text(b, to, v->now, c->raw[row], room);
		} else if (c->raw[row] != ABSENT) {
			to = put_key(to, c->key);
			to = digits_u64(to, c->raw[row]);
		}
	}
	if (to)
		b->used = (size_t)(to - b->data);
}
