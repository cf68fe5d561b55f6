/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that are not as ours: newer ones, other writers' ones, and lies. */
#include "frame.h"
#include "wire_compare.h"
#include "wire_sample.h"

#include <errno.h>
#include <msgpack.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

struct fixture {
	struct sample *s;
	struct buf bytes;
	struct frame_head head;
	msgpack_packer pk;
};

static int put(void *arg, const char *p, size_t n)
{
	buf_put(arg, p, n);
	return 0;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	f->s = sample_new();
	buf_init(&f->bytes, FRAME_MAX + 100);
	msgpack_packer_init(&f->pk, &f->bytes, put);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sample_free(f->s);
	buf_fini(&f->bytes);
	free(f);
	return 0;
}

/* ---- a frame by hand ---- */

static void str(struct fixture *f, const char *s)
{
	msgpack_pack_str(&f->pk, strlen(s));
	msgpack_pack_str_body(&f->pk, s, strlen(s));
}

static void u64(struct fixture *f, const char *key, uint64_t v)
{
	str(f, key);
	msgpack_pack_uint64(&f->pk, v);
}

static void map(struct fixture *f, const char *key, size_t n)
{
	str(f, key);
	msgpack_pack_map(&f->pk, n);
}

/* Members that all frames must have; more follow. */
static void head(struct fixture *f, size_t more)
{
	buf_clear(&f->bytes);
	msgpack_pack_map(&f->pk, 5 + more);
	u64(f, "v", 1);
	str(f, "id");
	str(f, "some-host");
	u64(f, "epoch", 4);
	u64(f, "seq", 7);
	u64(f, "boot", 1000);
}

static void ids(struct fixture *f, uint32_t rows)
{
	str(f, "id");
	msgpack_pack_bin(&f->pk, rows * 8);
	for (uint32_t r = 0; r < rows; r++)
		msgpack_pack_bin_body(&f->pk, "\1\2\3\4\5\6\7\10", 8);
}

/* "tables" with one table of that scope; members more follow the ids. */
static void table(struct fixture *f, const char *scope, uint32_t rows, size_t members)
{
	head(f, 1);
	map(f, "tables", 1);
	map(f, scope, 1 + members);
	ids(f, rows);
}

static int decode(struct fixture *f)
{
	return frame_decode(f->s, &f->head, f->bytes.data, f->bytes.used);
}

static void taken(struct fixture *f, const char *what)
{
	int r = decode(f);

	if (r)
		fail_msg("%s: %d", what, r);
}

static void refused(struct fixture *f, const char *what)
{
	int r = decode(f);

	if (r != -EBADMSG)
		fail_msg("%s: %d, should be refused", what, r);
	if (!wire_is_clear(f->s))
		fail_msg("%s: refused, but the sample is not empty", what);
}

static const char *name(enum metric_id m)
{
	return metrics[m].name;
}

/* ---- the head ---- */

static void least_of_all(void **state)
{
	struct fixture *f = *state;

	head(f, 0);
	assert_true(f->bytes.used >= FRAME_MIN);
	taken(f, "nothing but a head");
	assert_true(wire_is_clear(f->s));
	assert_string_equal(f->head.host_id, "some-host");
	assert_true(f->s->epoch == 4 && f->s->sequence == 7 && f->s->boot_ns == 1000);
	assert_int_equal(frame_head_decode(&f->head, f->bytes.data, f->bytes.used), 0);
	assert_true(f->head.sequence == 7);
}

static void head_without_tables(void **state)
{
	struct fixture *f = *state;
	struct wire_host h = {.vms = 3, .vcpus = 1, .disks = 1, .nics = 1};
	struct frame_head want, have;

	wire_fill(f->s, &h);
	wire_head(&want, f->s);
	assert_int_equal(frame_encode(&f->bytes, &want, f->s), 0);
	/* The tables may be anything. */
	memset(f->bytes.data + f->bytes.used - 1000, 0xc1, 1000);
	assert_int_equal(frame_head_decode(&have, f->bytes.data, f->bytes.used), 0);
	assert_string_equal(want.host_id, have.host_id);
	assert_string_equal(want.host_name, have.host_name);
	assert_string_equal(want.version, have.version);
	assert_memory_equal(&want.epoch, &have.epoch,
			    sizeof(want) - offsetof(struct frame_head, epoch));
	/* Tables that come first are passed over. */
	buf_clear(&f->bytes);
	msgpack_pack_map(&f->pk, 6);
	u64(f, "v", 1);
	map(f, "tables", 1);
	map(f, "vm", 1);
	ids(f, 3);
	str(f, "id");
	str(f, "x");
	u64(f, "epoch", 1);
	u64(f, "seq", 2);
	u64(f, "boot", 3);
	assert_int_equal(frame_head_decode(&have, f->bytes.data, f->bytes.used), 0);
	assert_true(have.boot_ns == 3);
	taken(f, "tables first");
	assert_int_equal(f->s->table[SCOPE_VM].rows, 3);
}

static void other_versions(void **state)
{
	struct fixture *f = *state;

	msgpack_pack_map(&f->pk, 2);
	u64(f, "v", 2);
	u64(f, "what is this", 2);
	assert_int_equal(decode(f), -EPROTO);
	assert_int_equal(frame_head_decode(&f->head, f->bytes.data, f->bytes.used), -EPROTO);
	buf_clear(&f->bytes);
	msgpack_pack_map(&f->pk, 2);
	u64(f, "epoch", 2);
	u64(f, "v", 1);
	refused(f, "version not first");
	assert_int_equal(frame_head_decode(&f->head, f->bytes.data, f->bytes.used), -EBADMSG);
}

/* One of the required members is left out, is of another type, or is there twice. */
static void required_members(void **state)
{
	static const char *const words[] = {"id", "epoch", "seq", "boot"};
	struct fixture *f = *state;

	for (unsigned fault = 0; fault < 3; fault++)
		for (unsigned w = 0; w < 4; w++) {
			buf_clear(&f->bytes);
			msgpack_pack_map(&f->pk, fault == 0 ? 4 : fault == 1 ? 5 : 6);
			u64(f, "v", 1);
			for (unsigned i = 0; i < 4; i++)
				for (int twice = 0; twice < (i == w && fault == 2 ? 2 : 1);
				     twice++) {
					if (i == w && fault == 0)
						continue;
					str(f, words[i]);
					if ((i == 0) == !(i == w && fault == 1))
						str(f, "x");
					else
						msgpack_pack_uint64(&f->pk, 5);
				}
			refused(f, words[w]);
			assert_int_equal(frame_head_decode(&f->head, f->bytes.data, f->bytes.used),
					 -EBADMSG);
		}
}

static void head_with_text(struct fixture *f, const char *key, const char *text, size_t n)
{
	buf_clear(&f->bytes);
	msgpack_pack_map(&f->pk, 6);
	u64(f, "v", 1);
	u64(f, "epoch", 1);
	u64(f, "seq", 1);
	u64(f, "boot", 1);
	str(f, strcmp(key, "id") ? "id" : "unknown");
	str(f, "x");
	str(f, key);
	msgpack_pack_str(&f->pk, n);
	msgpack_pack_str_body(&f->pk, text, n);
}

static void bounded_texts(void **state)
{
	static const struct {
		const char *key;
		unsigned max;
	} cases[] = {{"id", HOST_ID_MAX}, {"host", HOST_NAME_BYTES}, {"agent", AGENT_VERSION_MAX}};
	struct fixture *f = *state;
	char text[300];

	memset(text, 'y', sizeof(text));
	for (unsigned i = 0; i < 3; i++) {
		head_with_text(f, cases[i].key, text, cases[i].max);
		taken(f, cases[i].key);
		head_with_text(f, cases[i].key, text, cases[i].max + 1);
		refused(f, cases[i].key);
		head_with_text(f, cases[i].key, "a\0b", 3);
		refused(f, "a NUL inside");
	}
	head_with_text(f, "id", "", 0);
	refused(f, "no id");
}

static void no_sequence_zero(void **state)
{
	struct fixture *f = *state;

	head_with_text(f, "host", "x", 1);
	memcpy(memmem(f->bytes.data, f->bytes.used, "seq\1", 4), "seq\0", 4);
	refused(f, "sequence 0");
}

static void trailing_bytes(void **state)
{
	struct fixture *f = *state;

	head(f, 0);
	buf_byte(&f->bytes, '\xc0');
	refused(f, "a byte behind the end");
	buf_clear(&f->bytes);
	refused(f, "nothing");
	msgpack_pack_array(&f->pk, 0);
	refused(f, "an array");
	buf_clear(&f->bytes);
	msgpack_pack_map(&f->pk, 0);
	refused(f, "an empty map");
}

/* ---- what newer writers may add ---- */

static void anything(struct fixture *f)
{
	msgpack_pack_map(&f->pk, 2);
	str(f, "deep");
	msgpack_pack_array(&f->pk, 3);
	msgpack_pack_double(&f->pk, 1.5);
	msgpack_pack_nil(&f->pk);
	msgpack_pack_ext(&f->pk, 5, 3);
	msgpack_pack_ext_body(&f->pk, "12345", 5);
	msgpack_pack_int(&f->pk, -70000);
	msgpack_pack_map(&f->pk, 0);
}

static void unknown_is_skipped(void **state)
{
	struct fixture *f = *state;

	head(f, 2);
	str(f, "unknown");
	anything(f);
	map(f, "tables", 3);
	str(f, "unknown");
	anything(f);
	map(f, "vm", 3);
	ids(f, 2);
	str(f, "unknown");
	anything(f);
	map(f, "columns", 6);
	u64(f, "unknown", 5);
	u64(f, name(M_PID), 17);
	str(f, "");
	anything(f);
	u64(f, name(M_RUN), 17);       /* a sum here */
	u64(f, name(M_CPU_READY), 17); /* a formula */
	u64(f, name(M_VCPU), 17);      /* of another scope */
	map(f, "vcpu", 1);
	ids(f, 1);
	taken(f, "unknown parts");
	assert_true(sample_get(f->s, SCOPE_VM, 0, M_PID) == 17);
	assert_true(sample_get(f->s, SCOPE_VM, 1, M_PID) == 17);
	assert_true(sample_get(f->s, SCOPE_VM, 1, M_RUN) == ABSENT);
	assert_true(sample_get(f->s, SCOPE_VM, 1, M_CPU_READY) == ABSENT);
	assert_true(sample_get(f->s, SCOPE_VM, 1, M_VCPU) == ABSENT);
	assert_int_equal(f->s->table[SCOPE_VCPU].rows, 1);
}

static void any_order(void **state)
{
	struct fixture *f = *state;

	/* Children before their parents, differences before their values, the head last. */
	buf_clear(&f->bytes);
	msgpack_pack_map(&f->pk, 6);
	u64(f, "v", 1);
	map(f, "tables", 2);
	map(f, "vm_disk", 6);
	ids(f, 2);
	map(f, "gained", 1);
	u64(f, name(M_VD_RD_OPS), 3);
	u64(f, "age-before", 50);
	u64(f, "age", 20);
	map(f, "columns", 2);
	u64(f, name(M_VD_WR_OPS), 9); /* not in the table's order */
	u64(f, name(M_VD_RD_OPS), 8);
	str(f, "parent");
	msgpack_pack_array(&f->pk, 2);
	msgpack_pack_int(&f->pk, 1);
	msgpack_pack_int(&f->pk, 2);
	map(f, "vm", 1);
	ids(f, 2);
	u64(f, "boot", 100);
	u64(f, "seq", 2);
	u64(f, "epoch", 2);
	str(f, "id");
	str(f, "x");
	taken(f, "any order");
	assert_int_equal(f->s->table[SCOPE_VM_DISK].parent[0], 1);
	assert_int_equal(f->s->table[SCOPE_VM_DISK].parent[1], NO_ROW);
	assert_int_equal(f->s->table[SCOPE_VM_DISK].counted[1], 1);
	assert_true(f->s->table[SCOPE_VM_DISK].read_ns[1] == 80);
	assert_true(f->s->table[SCOPE_VM_DISK].prev_ns[0] == 50);
	assert_true(wire_previous(f->s, SCOPE_VM_DISK, 1, M_VD_RD_OPS) == 5);
	assert_true(wire_previous(f->s, SCOPE_VM_DISK, 1, M_VD_WR_OPS) == ABSENT);
}

static void wrong_types_are_absent(void **state)
{
	struct fixture *f = *state;

	table(f, "vm", 3, 1);
	map(f, "columns", 9);
	str(f, name(M_VMID));
	str(f, "text");
	str(f, name(M_PID));
	msgpack_pack_double(&f->pk, 3.0);
	str(f, name(M_CPU_CORES));
	msgpack_pack_int(&f->pk, -3);
	str(f, name(M_UPTIME));
	anything(f);
	str(f, name(M_IO_READ));
	msgpack_pack_array(&f->pk, 3);
	msgpack_pack_true(&f->pk);
	anything(f);
	msgpack_pack_int(&f->pk, 7);
	u64(f, name(M_UUID), 7);
	str(f, name(M_NAME));
	msgpack_pack_array(&f->pk, 3);
	msgpack_pack_int(&f->pk, 7);
	anything(f);
	str(f, "a name");
	str(f, name(M_TAGS)); /* packed numbers */
	msgpack_pack_bin(&f->pk, 4);
	msgpack_pack_bin_body(&f->pk, "\1abc", 4);
	str(f, name(M_STATE));
	msgpack_pack_nil(&f->pk);
	taken(f, "wrong types");
	for (uint32_t r = 0; r < 3; r++) {
		assert_true(sample_get(f->s, SCOPE_VM, r, M_VMID) == ABSENT);
		assert_true(sample_get(f->s, SCOPE_VM, r, M_PID) == ABSENT);
		assert_true(sample_get(f->s, SCOPE_VM, r, M_CPU_CORES) == ABSENT);
		assert_true(sample_get(f->s, SCOPE_VM, r, M_UPTIME) == ABSENT);
		assert_true(sample_get(f->s, SCOPE_VM, r, M_IO_READ) == (r == 2 ? 7 : ABSENT));
		assert_null(sample_text(f->s, SCOPE_VM, r, M_UUID));
		assert_null(sample_text(f->s, SCOPE_VM, r, M_TAGS));
		assert_null(sample_text(f->s, SCOPE_VM, r, M_STATE));
	}
	assert_null(sample_text(f->s, SCOPE_VM, 0, M_NAME));
	assert_null(sample_text(f->s, SCOPE_VM, 1, M_NAME));
	assert_string_equal(sample_text(f->s, SCOPE_VM, 2, M_NAME), "a name");
}

static void long_texts_are_cut(void **state)
{
	struct fixture *f = *state;
	char text[1000];

	memset(text, 'x', sizeof(text));
	memcpy(text + 254, "\xc3\xa4", 2); /* it is not torn apart */
	table(f, "vm", 1, 1);
	map(f, "columns", 1);
	str(f, name(M_NAME));
	msgpack_pack_str(&f->pk, sizeof(text));
	msgpack_pack_str_body(&f->pk, text, sizeof(text));
	taken(f, "long text");
	assert_int_equal(strlen(sample_text(f->s, SCOPE_VM, 0, M_NAME)), 254);
}

/* ---- lies ---- */

static void twice_is_refused(void **state)
{
	static const char *const parts[] = {"parent", "counted", "age", "age-before"};
	struct fixture *f = *state;

	table(f, "vm", 1, 1);
	map(f, "columns", 2);
	u64(f, name(M_PID), 5);
	u64(f, name(M_PID), 5);
	refused(f, "a column twice");
	table(f, "vm_disk", 1, 1);
	map(f, "gained", 2);
	u64(f, name(M_VD_RD_OPS), 5);
	u64(f, name(M_VD_RD_OPS), 5);
	refused(f, "a difference twice");
	table(f, "vm", 1, 2);
	map(f, "columns", 0);
	map(f, "columns", 0);
	refused(f, "columns twice");
	table(f, "vm", 1, 2);
	map(f, "gained", 0);
	map(f, "gained", 0);
	refused(f, "gained twice");
	for (unsigned i = 0; i < 4; i++) {
		table(f, "vm", 1, 2);
		u64(f, parts[i], 0);
		u64(f, parts[i], 0);
		refused(f, parts[i]);
	}
	head(f, 1);
	map(f, "tables", 2);
	map(f, "vm", 1);
	ids(f, 1);
	map(f, "vm", 1);
	ids(f, 1);
	refused(f, "a table twice");
	head(f, 2);
	map(f, "tables", 0);
	map(f, "tables", 0);
	refused(f, "tables twice");
}

static void ids_come_first(void **state)
{
	struct fixture *f = *state;

	head(f, 1);
	map(f, "tables", 1);
	map(f, "vm", 0);
	refused(f, "no ids");
	head(f, 1);
	map(f, "tables", 1);
	map(f, "vm", 2);
	u64(f, "parent", 0);
	ids(f, 1);
	refused(f, "ids second");
	head(f, 1);
	map(f, "tables", 1);
	map(f, "vm", 1);
	str(f, "id");
	msgpack_pack_bin(&f->pk, 9);
	msgpack_pack_bin_body(&f->pk, "123456789", 9);
	refused(f, "half an id");
	head(f, 1);
	map(f, "tables", 1);
	map(f, "vm", 1);
	u64(f, "id", 8);
	refused(f, "ids that are none");
	table(f, "vm", 0, 1);
	map(f, "columns", 1);
	u64(f, name(M_PID), 5);
	taken(f, "no rows");
}

static void wrong_lengths(void **state)
{
	struct fixture *f = *state;

	for (unsigned rows = 1; rows < 4; rows += 2) {
		table(f, "vm", 2, 1);
		map(f, "columns", 1);
		str(f, name(M_PID));
		msgpack_pack_array(&f->pk, rows);
		for (unsigned r = 0; r < rows; r++)
			msgpack_pack_int(&f->pk, 1);
		refused(f, "an array of another length");
		table(f, "vm", 2, 1);
		map(f, "columns", 1);
		str(f, name(M_PID));
		msgpack_pack_bin(&f->pk, 1 + rows);
		msgpack_pack_bin_body(&f->pk, "\1abc", 1 + rows);
		refused(f, "a bin of another length");
	}
	/* What is too much would be the next column. */
	table(f, "vm", 2, 1);
	map(f, "columns", 2);
	str(f, name(M_PID));
	msgpack_pack_array(&f->pk, 4);
	msgpack_pack_int(&f->pk, 1);
	msgpack_pack_int(&f->pk, 2);
	u64(f, name(M_VMID), 3);
	refused(f, "a column in another one");
	for (unsigned width = 0; width < 12; width++) {
		char packed[30] = {(char)width};

		if (width == 1)
			width = 9;
		packed[0] = (char)width;
		table(f, "vm", 2, 1);
		str(f, "parent");
		msgpack_pack_bin(&f->pk, 1 + 2 * width);
		msgpack_pack_bin_body(&f->pk, packed, 1 + 2 * width);
		refused(f, "a width that there is not");
	}
	table(f, "vm", 2, 1);
	str(f, "counted");
	msgpack_pack_bin(&f->pk, 0);
	refused(f, "a bin without width");
}

static void too_many_columns(void **state)
{
	static const char *const maps[] = {"columns", "gained"};
	struct fixture *f = *state;

	for (unsigned more = 0; more < 2; more++)
		for (unsigned i = 0; i < 2; i++) {
			table(f, "vm", 1, 1);
			map(f, maps[i], FRAME_COLUMNS_MAX + more);
			for (unsigned n = 0; n < FRAME_COLUMNS_MAX + more; n++)
				u64(f, "not known", n);
			if (more)
				refused(f, maps[i]);
			else
				taken(f, maps[i]);
		}
}

static void parents_that_are_not_there(void **state)
{
	struct fixture *f = *state;

	head(f, 1);
	map(f, "tables", 2);
	map(f, "host", 2);
	ids(f, 1);
	u64(f, "parent", 0);
	map(f, "vm", 2);
	ids(f, 3);
	str(f, "parent");
	msgpack_pack_array(&f->pk, 3);
	msgpack_pack_uint64(&f->pk, 0);
	msgpack_pack_uint64(&f->pk, 1);
	msgpack_pack_uint64(&f->pk, UINT64_C(1) << 32);
	taken(f, "parents");
	assert_int_equal(f->s->table[SCOPE_HOST].parent[0], NO_ROW);
	assert_int_equal(f->s->table[SCOPE_VM].parent[0], 0);
	assert_int_equal(f->s->table[SCOPE_VM].parent[1], NO_ROW);
	assert_int_equal(f->s->table[SCOPE_VM].parent[2], NO_ROW);
	table(f, "vcpu", 2, 1);
	u64(f, "parent", 0);
	taken(f, "no table above");
	assert_int_equal(f->s->table[SCOPE_VCPU].parent[1], NO_ROW);
}

static void too_deep(void **state)
{
	struct fixture *f = *state;

	for (int depth = 10; depth < 100000; depth = depth * 2) {
		head(f, 1);
		str(f, "unknown");
		for (int i = 0; i < depth; i++)
			msgpack_pack_array(&f->pk, 1);
		msgpack_pack_nil(&f->pk);
		if (depth < 16)
			taken(f, "nested");
		else
			refused(f, "nested too deep");
	}
}

/* Lengths far beyond what there is; each stands where something is expected. */
static void bombs(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
	} bomb[] = {
#define BOMB(b) {b, sizeof(b) - 1}
		BOMB("\xdd\xff\xff\xff\xff"),
		BOMB("\xdd\x10\x00\x00\x00"),
		BOMB("\xdf\xff\xff\xff\xff"),
		BOMB("\xdf\x80\x00\x00\x00"),
		BOMB("\xdb\xff\xff\xff\xff"),
		BOMB("\xc6\xff\xff\xff\xff"),
		BOMB("\xc9\xff\xff\xff\xff"),
		BOMB("\xdc\xff\xff"),
		BOMB("\xde\xff\xff"),
		BOMB("\xc5\xff\xff"),
		BOMB("\xda\xff\xff"),
		BOMB("\xc8\xff\xff"),
		BOMB("\xd9\xff"),
		BOMB("\xc4\xff"),
		BOMB("\xc7\xff"),
		BOMB("\xcf\x01"),
		BOMB("\xc1"),
		BOMB("\x9f"),
		BOMB("\x8f"),
		BOMB("\xbf"),
		BOMB("\xd8"),
		BOMB("\xcb\x01"),
	};
	struct fixture *f = *state;
	struct frame_head h;

	for (size_t i = 0; i < sizeof(bomb) / sizeof(*bomb); i++)
		for (int where = 0; where < 7; where++) {
			buf_clear(&f->bytes);
			if (where == 1)
				head(f, 1), str(f, "unknown");
			else if (where == 2)
				head(f, 1), str(f, "tables");
			else if (where == 3)
				head(f, 1), map(f, "tables", 1), str(f, "vm");
			else if (where == 4)
				table(f, "vm", 1, 1), str(f, "columns");
			else if (where == 5)
				table(f, "vm", 1, 1), map(f, "columns", 1), str(f, name(M_PID));
			else if (where == 6)
				table(f, "vm", 1, 1), map(f, "columns", 1), str(f, name(M_NAME));
			buf_put(&f->bytes, bomb[i].bytes, bomb[i].n);
			refused(f, "a bomb");
			if (where == 0)
				assert_int_equal(frame_head_decode(&h, bomb[i].bytes, bomb[i].n),
						 -EBADMSG);
		}
}

/* ---- memory ---- */

static size_t cells(const struct sample *s)
{
	size_t n = 0;

	for (int i = 0; i < SCOPES; i++)
		for (int m = 0; m < METRICS; m++)
			n += (size_t)s->table[i].room *
			     ((s->table[i].value[m] != NULL) + (s->table[i].previous[m] != NULL));
	return n;
}

/* One value for all of many rows is a few bytes.  first, last: which of the scope's. */
static void constants(struct fixture *f, enum scope scope, uint32_t rows, int first, int last)
{
	int n = 0, at = 0;

	for (int m = 0; m < METRICS; m++)
		n += wire_travels(m, scope) && metrics[m].kind != INFO;
	n = n < last ? n : last;
	table(f, scope_names[scope], rows, 1);
	map(f, "columns", (size_t)(n - first));
	for (int m = 0; m < METRICS; m++) {
		if (!wire_travels(m, scope) || metrics[m].kind == INFO)
			continue;
		if (at >= first && at < n)
			u64(f, name(m), 1);
		at++;
	}
}

static void few_bytes_much_memory(void **state)
{
	struct fixture *f = *state;

	constants(f, SCOPE_VM, SAMPLE_ROWS_MAX, 0, 20);
	taken(f, "twenty columns of the most rows");
	assert_true(cells(f->s) <= FRAME_CELLS_MAX);
	constants(f, SCOPE_VM, SAMPLE_ROWS_MAX, 0, 1000);
	refused(f, "more values than a sample may have");
	assert_true(cells(f->s) <= FRAME_CELLS_MAX);
	constants(f, SCOPE_VM, 5, 0, 1000);
	taken(f, "a reasonable one after it");
	/* Each is within the bound, all together are not: memory of those before is given back,
	 * none is refused. */
	for (int first = 0; first < 40; first += 10) {
		constants(f, SCOPE_VM, SAMPLE_ROWS_MAX, first, first + 10);
		taken(f, "one of several");
		assert_true(cells(f->s) <= FRAME_CELLS_MAX);
	}
	constants(f, SCOPE_VM_NIC, SAMPLE_ROWS_MAX, 0, 1000);
	taken(f, "another scope's");
	assert_true(cells(f->s) <= FRAME_CELLS_MAX);
	constants(f, SCOPE_VM, 3, 0, 1000);
	taken(f, "few rows in the memory of many");
	assert_true(cells(f->s) <= FRAME_CELLS_MAX);
	/* More rows than there may be */
	buf_clear(&f->bytes);
	table(f, "vcpu", SAMPLE_ROWS_MAX + 1, 0);
	refused(f, "too many rows");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(least_of_all, setup, teardown),
		cmocka_unit_test_setup_teardown(head_without_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(other_versions, setup, teardown),
		cmocka_unit_test_setup_teardown(required_members, setup, teardown),
		cmocka_unit_test_setup_teardown(bounded_texts, setup, teardown),
		cmocka_unit_test_setup_teardown(no_sequence_zero, setup, teardown),
		cmocka_unit_test_setup_teardown(trailing_bytes, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_is_skipped, setup, teardown),
		cmocka_unit_test_setup_teardown(any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_types_are_absent, setup, teardown),
		cmocka_unit_test_setup_teardown(long_texts_are_cut, setup, teardown),
		cmocka_unit_test_setup_teardown(twice_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(ids_come_first, setup, teardown),
		cmocka_unit_test_setup_teardown(wrong_lengths, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many_columns, setup, teardown),
		cmocka_unit_test_setup_teardown(parents_that_are_not_there, setup, teardown),
		cmocka_unit_test_setup_teardown(too_deep, setup, teardown),
		cmocka_unit_test_setup_teardown(bombs, setup, teardown),
		cmocka_unit_test_setup_teardown(few_bytes_much_memory, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
