/* SPDX-License-Identifier: Apache-2.0 */
/* Frames as msgpack-c's own unpacker sees them, read by the README's rules, against what
 * frame_decode() makes of them. */
#include "frame.h"
#include "wire_compare.h"
#include "wire_sample.h"

#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static bool is_called(const msgpack_object *o, const char *word)
{
	return o->type == MSGPACK_OBJECT_STR && o->via.str.size == strlen(word) &&
	       !memcmp(o->via.str.ptr, word, o->via.str.size);
}

/* NULL: there is no such member. */
static const msgpack_object *member(const msgpack_object *map, const char *word)
{
	if (!map)
		return NULL;
	assert_int_equal(map->type, MSGPACK_OBJECT_MAP);
	for (uint32_t i = 0; i < map->via.map.size; i++)
		if (is_called(&map->via.map.ptr[i].key, word))
			return &map->via.map.ptr[i].val;
	return NULL;
}

static uint64_t number(const msgpack_object *o)
{
	switch (o->type) {
	case MSGPACK_OBJECT_POSITIVE_INTEGER:
		return o->via.u64;
	case MSGPACK_OBJECT_NEGATIVE_INTEGER:
		return (uint64_t)o->via.i64;
	default:
		assert_int_equal(o->type, MSGPACK_OBJECT_NIL);
		return ABSENT;
	}
}

static const unsigned char *packed(const msgpack_object *o, uint32_t rows, unsigned *width)
{
	const unsigned char *p = (const unsigned char *)o->via.bin.ptr;

	*width = p[0];
	assert_in_range(*width, 1, 8);
	assert_int_equal(o->via.bin.size, 1 + rows * *width);
	return p + 1;
}

/* One entry of a column of numbers. */
static uint64_t entry(const msgpack_object *o, uint32_t row, uint32_t rows)
{
	const unsigned char *p;
	unsigned width, ones = 0;
	uint64_t v = 0;

	if (!o)
		return ABSENT;
	if (o->type == MSGPACK_OBJECT_ARRAY) {
		assert_int_equal(o->via.array.size, rows);
		return number(&o->via.array.ptr[row]);
	}
	if (o->type != MSGPACK_OBJECT_BIN)
		return number(o);
	p = packed(o, rows, &width) + (size_t)row * width;
	for (unsigned i = 0; i < width; i++) {
		v |= (uint64_t)p[i] << 8 * i;
		ones += p[i] == 0xff;
	}
	return ones == width ? ABSENT : v;
}

static const msgpack_object *text_entry(const msgpack_object *o, uint32_t row, uint32_t rows)
{
	if (!o || o->type != MSGPACK_OBJECT_ARRAY)
		return o;
	assert_int_equal(o->via.array.size, rows);
	return &o->via.array.ptr[row];
}

static void check_text(const msgpack_object *o, const char *have, const char *name)
{
	if (!o || o->type == MSGPACK_OBJECT_NIL) {
		if (have)
			fail_msg("%s: '%s', should be absent", name, have);
		return;
	}
	assert_int_equal(o->type, MSGPACK_OBJECT_STR);
	if (!have || !is_called(o, have))
		fail_msg("%s: '%s' is not what msgpack-c reads", name, have ? have : "(absent)");
}

static void check_number(uint64_t want, uint64_t have, const char *name, uint32_t row)
{
	if (want != have)
		fail_msg("%s, row %u: %" PRIu64 ", msgpack-c reads %" PRIu64, name, row, have,
			 want);
}

static uint64_t before(uint64_t at, uint64_t difference)
{
	return difference == ABSENT ? ABSENT : at - difference;
}

static size_t check_table(const msgpack_object *o, const struct sample *s, enum scope scope)
{
	const struct table *t = &s->table[scope];
	const msgpack_object *ids = member(o, "id"), *columns = member(o, "columns");
	size_t checked = 0;
	uint32_t rows;

	assert_non_null(ids);
	assert_int_equal(ids->type, MSGPACK_OBJECT_BIN);
	rows = ids->via.bin.size / 8;
	assert_int_equal(t->rows, rows);
	for (uint32_t r = 0; r < rows; r++) {
		const unsigned char *p = (const unsigned char *)ids->via.bin.ptr + 8 * (size_t)r;
		uint64_t id = 0, parent = entry(member(o, "parent"), r, rows);

		for (unsigned i = 0; i < 8; i++)
			id |= (uint64_t)p[i] << 8 * i;
		check_number(id, t->id[r], "id", r);
		check_number(parent == ABSENT ? NO_ROW : parent, t->parent[r], "parent", r);
		check_number(entry(member(o, "counted"), r, rows), t->counted[r], "counted", r);
		check_number(before(s->boot_ns, entry(member(o, "age"), r, rows)), t->read_ns[r],
			     "age", r);
		check_number(before(s->boot_ns, entry(member(o, "age-before"), r, rows)),
			     t->prev_ns[r], "age-before", r);
		for (int m = 0; m < METRICS; m++) {
			const msgpack_object *column = member(columns, metrics[m].name);
			const msgpack_object *gained;
			uint64_t v;

			if (!wire_travels(m, scope))
				continue;
			checked += column != NULL;
			if (metrics[m].kind == INFO) {
				check_text(text_entry(column, r, rows), sample_text(s, scope, r, m),
					   metrics[m].name);
				continue;
			}
			v = entry(column, r, rows);
			check_number(v, sample_get(s, scope, r, m), metrics[m].name, r);
			gained = member(member(o, "gained"), metrics[m].name);
			if (!gained || v == ABSENT)
				continue;
			check_number(before(v, entry(gained, r, rows)),
				     wire_previous(s, scope, r, m), metrics[m].name, r);
		}
	}
	return checked;
}

static size_t check(const struct buf *bytes, const struct sample *s)
{
	size_t at = 0, checked = 0;
	const msgpack_object *tables;
	msgpack_unpacked u;

	msgpack_unpacked_init(&u);
	assert_int_equal(msgpack_unpack_next(&u, bytes->data, bytes->used, &at),
			 MSGPACK_UNPACK_SUCCESS);
	assert_int_equal(at, bytes->used);
	assert_int_equal(member(&u.data, "v")->via.u64, FRAME_VERSION);
	check_number(member(&u.data, "boot")->via.u64, s->boot_ns, "boot", 0);
	check_number(member(&u.data, "wall")->via.u64, s->wall_ns, "wall", 0);
	check_number(member(&u.data, "epoch")->via.u64, s->epoch, "epoch", 0);
	check_number(member(&u.data, "seq")->via.u64, s->sequence, "seq", 0);
	tables = member(&u.data, "tables");
	for (int i = 0; i < SCOPES; i++) {
		const msgpack_object *table = member(tables, scope_names[i]);

		if (table)
			checked += check_table(table, s, i);
		else
			assert_int_equal(s->table[i].rows, 0);
	}
	msgpack_unpacked_destroy(&u);
	return checked;
}

static void as_msgpack_reads_it(void **state)
{
	struct sample *made = sample_new(), *back = sample_new();
	struct wire_host h = {.vms = 9, .vcpus = 2, .disks = 2, .nics = 2};
	struct frame_head head;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, FRAME_MAX);
	for (h.second = 0; h.second < 20; h.second++) {
		h.seed = h.second / 5;
		wire_fill(made, &h);
		/* Times that are not there, and one that is behind the cycle's instant */
		made->table[SCOPE_VM].prev_ns[h.second % h.vms] = ABSENT;
		made->table[SCOPE_VM_DISK].read_ns[h.second % h.vms] = made->boot_ns + 3;
		/* Holes of all sizes */
		for (int m = 0; m < METRICS; m++)
			for (uint32_t r = 0; r < made->table[SCOPE_VM].rows; r++)
				if (wire_mix(h.second, (uint64_t)m * 100 + r) % 20 < h.second)
					sample_set(made, SCOPE_VM, r, m, ABSENT);
		wire_head(&head, made);
		buf_clear(&bytes);
		assert_int_equal(frame_encode(&bytes, &head, made), 0);
		assert_int_equal(frame_decode(back, &head, bytes.data, bytes.used), 0);
		assert_true(check(&bytes, back) > 1000);
		assert_int_equal(wire_compare("with holes", made, back), 0);
	}
	buf_fini(&bytes);
	sample_free(made);
	sample_free(back);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_msgpack_reads_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
