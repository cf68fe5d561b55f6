/* SPDX-License-Identifier: Apache-2.0 */
/* What the source said of a guest, and its interfaces, as rows of a sample. */
#include "vm_guest.h"

#include "derive.h"
#include "fakedir.h"
#include "xalloc.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

static const char net_dev[] =
	"Inter-|   Receive                                                |  Transmit\n"
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
	"drop fifo colls carrier compressed\n"
	"  tap0: 101 102 103 104 105 106 107 108 201 202 203 204 205 206 207 208\n"
	"macvtap1: 301 302 303 304 305 306 307 308 401 402 403 404 405 406 407 408\n";

struct world {
	struct fakedir dir;
	struct files files;
	struct inventory *inventory;
	struct cycle c;
	struct vm *vm;
	uint32_t row;
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	fake_new(&w->dir);
	fake_write(&w->dir, "diskstats",
		   " 8 0 sda 11 12 13 14 15 16 17 18 19 1000 21\n"
		   " 8 16 sdb 31 32 33 34 35 36 37 38 39 2000 41\n");
	fake_write(&w->dir, "1/net/dev", net_dev);
	files_init(&w->files, w->dir.path, w->dir.path, NULL);
	w->inventory = inventory_new();
	w->inventory->netns = 100;
	w->vm = inventory_add_vm(w->inventory);
	w->vm->id = 77;
	w->vm->key = 5;
	w->vm->pid = 4000;
	w->c = (struct cycle){
		.files = &w->files,
		.hub = hub_new(),
		.inventory = w->inventory,
		.sample = sample_new(),
		.buf = xcalloc(1, 65536),
		.buf_size = 65536,
		.now_ns = 1000 * S,
		.families = ~0u,
		.disks = disk_table_new(&w->files),
		.nets = net_tables_new(),
		.guest = xcalloc(1, sizeof(struct guest_disks)),
	};
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;
	unsigned held;

	disk_table_free(w->c.disks, &w->files);
	net_tables_free(w->c.nets, &w->files);
	hub_free(w->c.hub);
	sample_free(w->c.sample);
	inventory_free(w->inventory);
	free(w->c.buf);
	free(w->c.guest);
	held = w->files.held;
	files_fini(&w->files);
	fake_free(&w->dir);
	free(w);
	return held ? -1 : 0;
}

/* The hub knows the VM, and the cycle begins. */
static void begin(struct world *w)
{
	struct vm_list *l = vm_list_new();
	struct vm_desc *d = vm_list_add(l);

	d->key = 5;
	d->uuid = xstrdup("u");
	d->name = xstrdup("n");
	hub_publish(w->c.hub, l);
	sample_clear(w->c.sample);
	sample_row(w->c.sample, SCOPE_HOST, NO_ROW, 1);
	disk_table_collect(w->c.disks, &w->c, 0);
	net_tables_collect(w->c.nets, &w->c, 0);
	/* not the first row, to see that it is this one that is set */
	sample_row(w->c.sample, SCOPE_VM, 0, 1);
	w->row = sample_row(w->c.sample, SCOPE_VM, 0, w->vm->id);
}

static void memory_reading(struct world *w, uint64_t taken, uint64_t free_kib, uint64_t swapin)
{
	struct guest_values g = {0};

	guest_add(&g, M_RAM_FREE, free_kib);
	if (swapin != ABSENT)
		guest_add(&g, M_RAM_SWAPIN, swapin);
	hub_memory(w->c.hub, 5, taken, 20 * S, &g);
}

static uint64_t get(struct world *w, enum scope s, uint32_t row, enum metric_id m)
{
	return sample_get(w->c.sample, s, row, m);
}

static const char *text(struct world *w, enum scope s, uint32_t row, enum metric_id m)
{
	const char *t = sample_text(w->c.sample, s, row, m);

	return t ? t : "(none)";
}

/* ---- memory ---- */

static void memory(void **state)
{
	struct world *w = *state;
	const struct table *t = &w->c.sample->table[SCOPE_VM];

	begin(w);
	vm_guest_memory(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_FREE) == ABSENT);
	assert_true(t->read_ns[w->row] == ABSENT);
	memory_reading(w, 990 * S, 500, 10);
	vm_guest_memory(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_FREE) == 500);
	assert_true(t->read_ns[w->row] == 990 * S && t->prev_ns[w->row] == ABSENT);
	assert_true(t->previous[M_RAM_SWAPIN][w->row] == ABSENT);
	memory_reading(w, 995 * S, 400, 60);
	vm_guest_memory(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_FREE) == 400);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_SWAPIN) == 60);
	assert_true(t->read_ns[w->row] == 995 * S && t->prev_ns[w->row] == 990 * S);
	assert_true(t->previous[M_RAM_SWAPIN][w->row] == 10);
	/* the other VM has none of it */
	assert_true(get(w, SCOPE_VM, 0, M_RAM_FREE) == ABSENT);
}

static void memory_that_nobody_tells(void **state)
{
	struct world *w = *state;

	begin(w);
	memory_reading(w, 990 * S, 500, 10);
	/* too old */
	w->c.now_ns = 1011 * S;
	vm_guest_memory(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_FREE) == ABSENT);
	/* no source, or a VM that it does not know */
	w->c.now_ns = 1000 * S;
	w->vm->key = 0;
	vm_guest_memory(&w->c, w->row, w->vm);
	w->vm->key = 6;
	vm_guest_memory(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_FREE) == ABSENT);
}

/* A value of the previous reading that is not in this one, and the other way round. */
static void a_value_that_comes_and_goes(void **state)
{
	struct world *w = *state;
	const struct table *t = &w->c.sample->table[SCOPE_VM];

	begin(w);
	memory_reading(w, 990 * S, 500, ABSENT);
	memory_reading(w, 995 * S, 400, 60);
	vm_guest_memory(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_SWAPIN) == 60);
	assert_true(t->previous[M_RAM_SWAPIN][w->row] == ABSENT);
	begin(w);
	memory_reading(w, 999 * S, 300, ABSENT);
	vm_guest_memory(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_SWAPIN) == ABSENT);
}

static void values_of_another_kind_of_thing(void **state)
{
	struct world *w = *state;
	struct guest_values g = {0};

	begin(w);
	guest_add(&g, M_HD_READS, 5);              /* the host's */
	guest_add(&g, (enum metric_id)METRICS, 5); /* no metric */
	guest_add(&g, M_RAM_BALLOON, 7);
	for (int i = 0; i < 50; i++)
		guest_add(&g, M_RAM_FREE, 9); /* more than there is room for */
	assert_int_equal(g.n, GUEST_VALUES_MAX);
	hub_memory(w->c.hub, 5, 999 * S, 20 * S, &g);
	vm_guest_memory(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM, w->row, M_RAM_BALLOON) == 7);
	assert_null(w->c.sample->table[SCOPE_VM].value[M_HD_READS]);
}

/* ---- disks ---- */

static struct vm_disk *disk(struct world *w, const char *name, const char *backing)
{
	struct vm *vm = w->vm;
	struct vm_disk *d;

	vm->disks = xrealloc(vm->disks, vm->n_disks + 1, sizeof(*vm->disks));
	d = memset(&vm->disks[vm->n_disks++], 0, sizeof(*d));
	d->name = xstrdup(name);
	snprintf(d->backing, sizeof(d->backing), "%s", backing);
	d->capacity = d->allocation = d->physical = ABSENT;
	return d;
}

static void disk_reading(struct world *w, uint64_t taken, const char *const *names, unsigned n,
			 uint64_t ops)
{
	struct guest_disk d[8] = {0};

	for (unsigned i = 0; i < n; i++) {
		snprintf(d[i].name, sizeof(d[i].name), "%.31s", names[i]);
		guest_add(&d[i].values, M_VD_RD_OPS, ops + i);
		guest_add(&d[i].values, M_VD_CAPACITY, 1000 + i);
		guest_add(&d[i].values, M_VD_ALLOCATION, 2000 + i);
	}
	hub_disks(w->c.hub, 5, taken, 20 * S, d, n);
}

static void disks(void **state)
{
	static const char *const said[] = {"scsi1", "hotplugged", "scsi0"};
	static const char *const before[] = {"scsi0", "scsi1"};
	struct world *w = *state;
	const struct table *t = &w->c.sample->table[SCOPE_VM_DISK];
	struct vm_disk *d;

	disk(w, "scsi0", "sda");
	d = disk(w, "scsi1", "");
	d->device = xstrdup("/images/a.qcow2");
	d->capacity = 50;
	d->allocation = 0;
	d->physical = 8192;
	d = disk(w, "ide2", "sdz"); /* nothing said, device gone */
	d->capacity = 60;
	begin(w);
	disk_reading(w, 990 * S, before, 2, 100);
	disk_reading(w, 995 * S, said, 3, 200);
	vm_guest_disks(&w->c, w->row, w->vm);
	assert_int_equal(t->rows, 4);
	/* in the order of the description, then what was not described */
	assert_string_equal(text(w, SCOPE_VM_DISK, 0, M_DISK_NAME), "scsi0");
	assert_string_equal(text(w, SCOPE_VM_DISK, 1, M_DISK_NAME), "scsi1");
	assert_string_equal(text(w, SCOPE_VM_DISK, 2, M_DISK_NAME), "ide2");
	assert_string_equal(text(w, SCOPE_VM_DISK, 3, M_DISK_NAME), "hotplugged");
	for (uint32_t r = 0; r < 4; r++)
		assert_int_equal(t->parent[r], w->row);
	/* readings by name, though their order changed */
	assert_true(get(w, SCOPE_VM_DISK, 0, M_VD_RD_OPS) == 202);
	assert_true(t->previous[M_VD_RD_OPS][0] == 100);
	assert_true(get(w, SCOPE_VM_DISK, 1, M_VD_RD_OPS) == 200);
	assert_true(t->previous[M_VD_RD_OPS][1] == 101);
	assert_true(get(w, SCOPE_VM_DISK, 3, M_VD_RD_OPS) == 201);
	assert_true(t->previous[M_VD_RD_OPS][3] == ABSENT);
	assert_true(t->read_ns[0] == 995 * S && t->prev_ns[0] == 990 * S);
	assert_true(get(w, SCOPE_VM_DISK, 2, M_VD_RD_OPS) == ABSENT);
	assert_true(t->read_ns[2] == ABSENT);
	/* the device below: busy time, reads and writes */
	assert_string_equal(text(w, SCOPE_VM_DISK, 0, M_DISK_BACKING), "sda");
	assert_true(get(w, SCOPE_VM_DISK, 0, M_VD_BACKBUSY) == 1000);
	assert_true(get(w, SCOPE_VM_DISK, 0, M_VD_BACKOPS) == 11 + 15);
	assert_true(get(w, SCOPE_VM_DISK, 1, M_VD_BACKBUSY) == ABSENT);
	assert_true(get(w, SCOPE_VM_DISK, 2, M_VD_BACKBUSY) == ABSENT);
	assert_string_equal(text(w, SCOPE_VM_DISK, 2, M_DISK_BACKING), "(none)");
	/* sizes: the source's capacity, the host's own stat(2) for the file */
	assert_true(get(w, SCOPE_VM_DISK, 0, M_VD_CAPACITY) == 1002);
	assert_true(get(w, SCOPE_VM_DISK, 0, M_VD_ALLOCATION) == 2002);
	assert_true(get(w, SCOPE_VM_DISK, 1, M_VD_CAPACITY) == 1000);
	assert_true(get(w, SCOPE_VM_DISK, 1, M_VD_ALLOCATION) == 0);
	assert_true(get(w, SCOPE_VM_DISK, 1, M_VD_PHYSICAL) == 8192);
	assert_true(get(w, SCOPE_VM_DISK, 2, M_VD_CAPACITY) == 60);
	assert_true(get(w, SCOPE_VM_DISK, 2, M_VD_ALLOCATION) == ABSENT);
	assert_string_equal(text(w, SCOPE_VM_DISK, 1, M_DISK_DEVICE), "/images/a.qcow2");
	assert_string_equal(text(w, SCOPE_VM_DISK, 0, M_DISK_DEVICE), "(none)");
}

/* Without a source the kernel's side of a disk is still there. */
static void disks_of_a_vm_nobody_speaks_for(void **state)
{
	static const char *const said[] = {"scsi0"};
	struct world *w = *state;

	disk(w, "scsi0", "sdb");
	begin(w);
	disk_reading(w, 995 * S, said, 1, 200);
	w->vm->key = 0;
	/* what the VM before left in the scratch is not this one's */
	w->c.guest->n = 5;
	vm_guest_disks(&w->c, w->row, w->vm);
	assert_int_equal(w->c.sample->table[SCOPE_VM_DISK].rows, 1);
	assert_true(get(w, SCOPE_VM_DISK, 0, M_VD_RD_OPS) == ABSENT);
	assert_true(get(w, SCOPE_VM_DISK, 0, M_VD_BACKBUSY) == 2000);
}

/* The id of a row is the VM's and the disk's: the same from cycle to cycle. */
static void ids_of_disks(void **state)
{
	struct world *w = *state;
	const struct table *t = &w->c.sample->table[SCOPE_VM_DISK];
	uint64_t a, b;

	disk(w, "scsi0", "");
	disk(w, "scsi1", "");
	begin(w);
	vm_guest_disks(&w->c, w->row, w->vm);
	a = t->id[0];
	b = t->id[1];
	assert_true(a != b);
	begin(w);
	vm_guest_disks(&w->c, w->row, w->vm);
	assert_true(t->id[0] == a && t->id[1] == b);
	w->vm->id = 78; /* restarted */
	begin(w);
	vm_guest_disks(&w->c, w->row, w->vm);
	assert_true(t->id[0] != a && t->id[0] != b);
}

static void long_names_of_disks(void **state)
{
	static const char *const said[] = {"a-very-long-name-of-a-disk-that-is-cut"};
	struct world *w = *state;

	disk(w, said[0], "");
	begin(w);
	disk_reading(w, 995 * S, said, 1, 200);
	vm_guest_disks(&w->c, w->row, w->vm);
	/* one disk, not two */
	assert_int_equal(w->c.sample->table[SCOPE_VM_DISK].rows, 1);
	assert_true(get(w, SCOPE_VM_DISK, 0, M_VD_RD_OPS) == 200);
	assert_string_equal(text(w, SCOPE_VM_DISK, 0, M_DISK_NAME), said[0]);
}

static void no_room_for_disks(void **state)
{
	static const char *const said[] = {"scsi0", "scsi9"};
	struct world *w = *state;

	disk(w, "scsi0", "sda");
	begin(w);
	disk_reading(w, 995 * S, said, 2, 200);
	while (sample_row(w->c.sample, SCOPE_VM_DISK, 0, 1) != NO_ROW)
		;
	vm_guest_disks(&w->c, w->row, w->vm); /* must not write behind the table */
	assert_int_equal(w->c.sample->table[SCOPE_VM_DISK].rows, SAMPLE_ROWS_MAX);
}

/* ---- interfaces ---- */

static struct nic_desc *nic(struct world *w, const char *tap)
{
	struct vm *vm = w->vm;
	struct nic_desc *n;

	vm->nics = xrealloc(vm->nics, vm->n_nics + 1, sizeof(*vm->nics));
	n = memset(&vm->nics[vm->n_nics++], 0, sizeof(*n));
	n->tap = xstrdup(tap);
	return n;
}

static void the_guests_view(void **state)
{
	static const struct {
		enum metric_id m;
		uint64_t tap, macvtap;
	} want[] = {
		/* what the tap transmitted (201...) the guest received */
		{M_VN_RX_BYTES, 201, 301},      {M_VN_RX_PACKETS, 202, 302},
		{M_VN_RX_ERRS, 203, 303},       {M_VN_RX_DROP, 204, 304},
		{M_VN_RX_FIFO, 205, 305},       {M_VN_RX_FRAME, ABSENT, 306},
		{M_VN_RX_COMPRESSED, 208, 307}, {M_VN_RX_MULTICAST, ABSENT, 308},
		{M_VN_TX_BYTES, 101, 401},      {M_VN_TX_PACKETS, 102, 402},
		{M_VN_TX_ERRS, 103, 403},       {M_VN_TX_DROP, 104, 404},
		{M_VN_TX_FIFO, 105, 405},       {M_VN_TX_COLLS, ABSENT, 406},
		{M_VN_TX_CARRIER, ABSENT, 407}, {M_VN_TX_COMPRESSED, 107, 408},
	};
	struct world *w = *state;
	struct nic_desc *n;

	n = nic(w, "tap0");
	n->mac = xstrdup("52:54:00:00:00:01");
	n->bridge = xstrdup("vmbr0");
	nic(w, "macvtap1");
	nic(w, "tap9"); /* not there now */
	begin(w);
	vm_guest_nics(&w->c, w->row, w->vm);
	assert_int_equal(w->c.sample->table[SCOPE_VM_NIC].rows, 3);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		if (get(w, SCOPE_VM_NIC, 0, want[i].m) != want[i].tap)
			fail_msg("tap: %s is %llu", metrics[want[i].m].key,
				 (unsigned long long)get(w, SCOPE_VM_NIC, 0, want[i].m));
		if (get(w, SCOPE_VM_NIC, 1, want[i].m) != want[i].macvtap)
			fail_msg("macvtap: %s is %llu", metrics[want[i].m].key,
				 (unsigned long long)get(w, SCOPE_VM_NIC, 1, want[i].m));
		assert_true(get(w, SCOPE_VM_NIC, 2, want[i].m) == ABSENT);
	}
	for (int m = 0; m < METRICS; m++) { /* all of the table are in the list above */
		bool listed = metrics[m].kind != COUNTER || !(metrics[m].scopes & VM_NIC);

		for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++)
			listed = listed || (int)want[i].m == m;
		if (!listed)
			fail_msg("%s is not in this test", metrics[m].key);
	}
	assert_string_equal(text(w, SCOPE_VM_NIC, 0, M_NIC_NAME), "tap0");
	assert_string_equal(text(w, SCOPE_VM_NIC, 0, M_NIC_MAC), "52:54:00:00:00:01");
	assert_string_equal(text(w, SCOPE_VM_NIC, 0, M_NIC_BRIDGE), "vmbr0");
	assert_string_equal(text(w, SCOPE_VM_NIC, 2, M_NIC_NAME), "tap9");
	assert_int_equal(w->c.sample->table[SCOPE_VM_NIC].parent[0], w->row);
}

/* Interfaces without a name on the host: rows of their own, without counters. */
static void interfaces_without_a_tap(void **state)
{
	struct world *w = *state;
	const struct table *t = &w->c.sample->table[SCOPE_VM_NIC];

	nic(w, NULL);
	nic(w, NULL);
	nic(w, NULL)->mac = xstrdup("m");
	nic(w, NULL)->mac = xstrdup("m");
	begin(w);
	vm_guest_nics(&w->c, w->row, w->vm);
	assert_int_equal(t->rows, 4);
	for (uint32_t a = 0; a < 4; a++) {
		assert_true(get(w, SCOPE_VM_NIC, a, M_VN_RX_BYTES) == ABSENT);
		for (uint32_t b = 0; b < a; b++)
			if (t->id[a] == t->id[b])
				fail_msg("rows %u and %u have the same id", a, b);
	}
}

static void another_network_namespace(void **state)
{
	struct world *w = *state;

	nic(w, "tap0");
	/* tap0 of this VM is not the host's tap0 */
	fake_write(&w->dir, "4000/net/dev",
		   "a\nb\n tap0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
	w->vm->netns = 200;
	for (int i = 0; i < 3; i++) {
		w->c.now_ns += S;
		begin(w);
		vm_guest_nics(&w->c, w->row, w->vm);
		assert_true(get(w, SCOPE_VM_NIC, 0, M_VN_TX_BYTES) == 1);
		assert_true(get(w, SCOPE_VM_NIC, 0, M_VN_RX_BYTES) == 9);
	}
	/* as the host's, or not known: the host's */
	w->vm->netns = 100;
	w->c.now_ns += S;
	begin(w);
	vm_guest_nics(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM_NIC, 0, M_VN_TX_BYTES) == 101);
	w->vm->netns = 0;
	w->c.now_ns += S;
	begin(w);
	vm_guest_nics(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM_NIC, 0, M_VN_TX_BYTES) == 101);
	/* one that may not be read has nothing, not the host's */
	w->vm->netns = 300;
	w->vm->pid = 4001;
	w->c.now_ns += S;
	begin(w);
	vm_guest_nics(&w->c, w->row, w->vm);
	assert_true(get(w, SCOPE_VM_NIC, 0, M_VN_TX_BYTES) == ABSENT);
	/* the namespaces of before were let go */
	assert_true(w->files.held <= 3);
}

/* Two VMs in one namespace: its file is read once, through whichever is there. */
static void a_shared_namespace(void **state)
{
	struct world *w = *state;
	struct vm *other;

	nic(w, "tap0");
	w->vm->netns = 200;
	fake_write(&w->dir, "4000/net/dev",
		   "a\nb\n tap0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n"
		   " tap1: 21 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
	w->c.now_ns += S;
	begin(w);
	vm_guest_nics(&w->c, w->row, w->vm);
	other = inventory_add_vm(w->inventory);
	w->vm = &w->inventory->vms[0]; /* moved */
	other->id = 99;
	other->pid = 4009;
	other->netns = 200;
	other->n_nics = 1;
	other->nics = xcalloc(1, sizeof(*other->nics));
	other->nics[0].tap = xstrdup("tap1");
	vm_guest_nics(&w->c, 0, other);
	assert_true(get(w, SCOPE_VM_NIC, 1, M_VN_TX_BYTES) == 21);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(memory),
		TEST(memory_that_nobody_tells),
		TEST(a_value_that_comes_and_goes),
		TEST(values_of_another_kind_of_thing),
		TEST(disks),
		TEST(disks_of_a_vm_nobody_speaks_for),
		TEST(ids_of_disks),
		TEST(long_names_of_disks),
		TEST(no_room_for_disks),
		TEST(the_guests_view),
		TEST(interfaces_without_a_tap),
		TEST(another_network_namespace),
		TEST(a_shared_namespace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
