/* SPDX-License-Identifier: Apache-2.0 */
/* VMs as libvirt tells of them: which there are, and their values. */
#include "libvirt_kit.h"

static uint64_t memory_of(struct world *w, const char *name, enum metric_id m)
{
	const struct vm_desc *vm = find_vm(w, name);
	struct guest_memory g;

	if (vm && hub_get_memory(w->hub, vm->key, boot_now(NULL), &g) && g.read_ns != ABSENT)
		for (unsigned i = 0; i < g.now.n; i++)
			if (g.now.v[i].metric == m)
				return g.now.v[i].value;
	return ABSENT;
}

/* ---- without threads ---- */

static void test_list_and_values(void **state)
{
	struct world *w = *state;
	const struct vm_desc *vm;

	fake_add("a");
	fake_add("b");
	fake_put(&w->root, "321\n", "run/libvirt/qemu/a.pid");
	fake_put(&w->root, "322\n", "var/run/libvirt/qemu/b.pid");
	step(w);
	assert_int_equal(list_of(w)->n, 2);
	vm = find_vm(w, "a");
	assert_non_null(vm);
	assert_string_equal(vm->uuid, "41414141-4141-4141-4141-414141414141");
	assert_int_equal(vm->pid, 321);
	assert_int_equal(vm->cores, 2);
	assert_int_equal(vm->memory_kib, 2000);
	assert_int_equal(vm->state, VM_RUNNING);
	assert_int_equal(vm->n_disks, 1);
	assert_int_equal(find_vm(w, "b")->pid, 322);
	assert_int_equal(reads_of(w, "a"), 100);
	assert_int_equal(reads_of(w, "b"), 200);
	assert_int_equal(memory_of(w, "a", M_RAM_BALLOON), 1000);
	assert_int_equal(memory_of(w, "a", M_RAM_FREE), 400);
	assert_int_equal(capture_count(&w->capture, "\n"), 0);
}

static void test_pid_files(void **state)
{
	static const struct {
		const char *name, *text;
		int pid;
	} cases[] = {
		{"plain", "77\n", 77},
		{"empty", "", 0},
		{"words", "none", 0},
		{"zero", "0\n", 0},
		{"minus", "-5\n", 0},
		{"large", "99999999\n", 0},
		{"huge", "99999999999999999999999999999\n", 0},
	};
	struct world *w = *state;
	char long_name[290];

	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_add(cases[i].name);
		fake_put(&w->root, cases[i].text, "run/libvirt/qemu/%s.pid", cases[i].name);
	}
	step(w);
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (find_vm(w, cases[i].name)->pid != cases[i].pid)
			fail_msg("%s: pid %d", cases[i].name, find_vm(w, cases[i].name)->pid);
	source_libvirt.close(w->source);
	w->source = NULL;

	/* Names are anybody's; a path is made of harmless ones only. */
	fake_reset();
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[sizeof(long_name) - 1] = 0;
	fake_add("../outside");
	fake_add("..");
	fake_add(long_name);
	fake_put(&w->root, "5\n", "run/libvirt/outside.pid");
	fake_put(&w->root, "6\n", "run/libvirt/qemu/...pid");
	step(w);
	assert_int_equal(find_vm(w, "../outside")->pid, 0);
	assert_int_equal(find_vm(w, "..")->pid, 0);
	assert_int_equal(find_vm(w, long_name)->pid, 0);
}

/* Another host's domains have no process here. */
static void test_remote(void **state)
{
	static const struct {
		const char *uri;
		int pid;
	} cases[] = {
		{"qemu:///system", 9},
		{"qemu+unix:///system?socket=/x", 9},
		{"qemu+ssh://root@other/system", 0},
		{"qemu://localhost/system", 0},
	};
	struct world *w = *state;

	fake_add("a");
	fake_put(&w->root, "9\n", "run/libvirt/qemu/a.pid");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w->o.connection = cases[i].uri;
		step(w);
		if (find_vm(w, "a")->pid != cases[i].pid)
			fail_msg("%s: pid %d", cases[i].uri, find_vm(w, "a")->pid);
		source_libvirt.close(w->source);
		w->source = NULL;
	}
}

static void test_families(void **state)
{
	static const struct {
		unsigned families, groups;
	} cases[] = {
		{1u << F_CPU, 0},
		{1u << F_DISK, VIR_DOMAIN_STATS_BLOCK},
		{1u << F_MEM, VIR_DOMAIN_STATS_BALLOON},
		{1u << F_MEM | 1u << F_DISK, VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_BLOCK},
		{0, VIR_DOMAIN_STATS_BALLOON | VIR_DOMAIN_STATS_BLOCK},
	};
	struct world *w = *state;

	fake_add("a");
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w->o.families = cases[i].families;
		fake.groups = 0;
		step(w);
		step(w);
		if (fake.groups != (cases[i].groups | VIR_DOMAIN_STATS_STATE))
			fail_msg("families %x: groups %x", cases[i].families, fake.groups);
		if (!hub_is_settled(w->hub))
			fail_msg("families %x: not settled", cases[i].families);
		source_libvirt.close(w->source);
		w->source = NULL;
	}
}

/* One VM that libvirt cannot ask fails the call for all. */
static void test_spoiler(void **state)
{
	struct world *w = *state;
	struct fake_domain *b;
	struct hub_work work;
	unsigned before;

	fake_add("a");
	b = fake_add("b");
	fake_add("c");
	b->spoils = true;
	step(w);
	hub_get_work(w->hub, &work);
	assert_int_equal(work.failures, 1);
	assert_true(work.questions > 4 && work.ns > 0); /* also to connect and to list */
	assert_int_equal(reads_of(w, "a"), 100);
	assert_true(reads_of(w, "b") == ABSENT);
	assert_int_equal(reads_of(w, "c"), 300);
	assert_int_equal(
		capture_count(&w->capture, "VM b: libvirt cannot ask it: this one is not well"), 1);
	assert_int_equal(capture_count(&w->capture, "\n"), 1);

	/* From now on it is asked alone: one call for the others, one for it. */
	before = fake.questions;
	step(w);
	assert_int_equal(fake.questions - before, 2);
	assert_int_equal(capture_count(&w->capture, "\n"), 1);

	b->spoils = false;
	step(w);
	assert_int_equal(reads_of(w, "b"), 200);
	assert_int_equal(capture_count(&w->capture, "VM b: its values are there again"), 1);
	before = fake.questions;
	step(w);
	assert_int_equal(fake.questions - before, 1);
}

/* What was said of one run is said again of the next. */
static void test_complaints_end(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a");

	a->spoils = true;
	step(w);
	step(w);
	assert_int_equal(capture_count(&w->capture, "VM a: libvirt cannot ask it"), 1);
	a->running = false;
	step(w);
	a->running = true;
	a->id = 7;
	step(w);
	assert_int_equal(capture_count(&w->capture, "VM a: libvirt cannot ask it"), 2);
}

static void test_busy(void **state)
{
	struct world *w = *state;
	struct fake_domain *b;

	fake_add("a");
	b = fake_add("b");
	step(w);
	assert_int_equal(reads_of(w, "b"), 200);
	b->busy = true;
	b->state = VIR_DOMAIN_PAUSED;
	step(w);
	assert_int_equal(reads_of(w, "a"), 100);
	assert_true(reads_of(w, "b") == ABSENT);
	assert_true(memory_of(w, "b", M_RAM_BALLOON) == ABSENT);
	assert_int_equal(hub_get_state(w->hub, key_of(w, "b")), VM_PAUSED);
	b->busy = false;
	step(w);
	assert_int_equal(reads_of(w, "b"), 200);
	assert_int_equal(capture_count(&w->capture, "\n"), 0);
}

static void test_old_libvirt(void **state)
{
	struct world *w = *state;

	fake_add("a");
	fake.rejects_nowait = true;
	step(w);
	assert_int_equal(reads_of(w, "a"), 100);
	assert_int_equal(capture_count(&w->capture, "\n"), 0);
}

static void test_stale_guest(void **state)
{
	struct world *w = *state;

	fake_add("a")->last_update = (unsigned long long)time(NULL) - 60;
	step(w);
	assert_int_equal(memory_of(w, "a", M_RAM_BALLOON), 1000);
	assert_true(memory_of(w, "a", M_RAM_FREE) == ABSENT);
}

/* A run of a VM has a key of its own, and so no rate crosses a restart. */
static void test_restart(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a");
	uint64_t first, second, third;

	fake_put(&w->root, "50\n", "run/libvirt/qemu/a.pid");
	step(w);
	first = key_of(w, "a");
	step(w);
	assert_true(key_of(w, "a") == first);

	a->id = 9;
	fake_put(&w->root, "51\n", "run/libvirt/qemu/a.pid");
	step(w);
	second = key_of(w, "a");
	assert_true(second != first);
	assert_int_equal(reads_of(w, "a"), 100);

	/* libvirt was started again in between and counts from the beginning. */
	fake_put(&w->root, "52\n", "run/libvirt/qemu/a.pid");
	step(w);
	third = key_of(w, "a");
	assert_true(third != first && third != second);

	a->running = false;
	step(w);
	assert_int_equal(list_of(w)->n, 0);
}

static void test_migration_in(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a");

	a->state = VIR_DOMAIN_PAUSED;
	a->reason = VIR_DOMAIN_PAUSED_MIGRATION;
	step(w);
	assert_int_equal(find_vm(w, "a")->state, VM_MIGRATING_IN);
	a->state = VIR_DOMAIN_RUNNING;
	a->reason = VIR_DOMAIN_RUNNING_MIGRATED;
	step(w);
	assert_int_equal(hub_get_state(w->hub, key_of(w, "a")), VM_RUNNING);
	/* Now it leaves. */
	a->state = VIR_DOMAIN_PAUSED;
	a->reason = VIR_DOMAIN_PAUSED_MIGRATION;
	step(w);
	assert_int_equal(hub_get_state(w->hub, key_of(w, "a")), VM_PAUSED);
}

static void test_bad_xml(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a"), *b = fake_add("b");

	strcpy(a->xml, "<domain><name>");
	b->xml[0] = 0;
	fake_add("c");
	step(w);
	step(w);
	assert_int_equal(list_of(w)->n, 3);
	assert_int_equal(find_vm(w, "a")->n_disks, 0);
	assert_string_equal(find_vm(w, "b")->uuid, "42424242-4242-4242-4242-424242424242");
	assert_int_equal(reads_of(w, "a"), 100);
	assert_int_equal(
		capture_count(&w->capture,
			      "VM a: its description from libvirt is not usable: it is not a "
			      "domain's XML"),
		1);
	assert_int_equal(capture_count(&w->capture, "VM b: its description from libvirt is not "
						    "usable: no description"),
			 1);
	assert_int_equal(capture_count(&w->capture, "\n"), 2);
}

/* ---- --check ---- */

struct said {
	char text[2048];
	unsigned lines;
};

static void say(void *arg, const char *line)
{
	struct said *said = arg;
	size_t used = strlen(said->text);

	snprintf(said->text + used, sizeof(said->text) - used, "%s\n", line);
	said->lines++;
}

static int check(struct world *w, struct said *said)
{
	memset(said, 0, sizeof(*said));
	return source_libvirt.check(&w->o, say, said);
}

static void test_check(void **state)
{
	struct world *w = *state;
	struct said said;
	uint64_t start;

	assert_int_equal(check(w, &said), 0);
	assert_non_null(
		strstr(said.text, "libvirt: no running VM (virsh -c qemu:///system list --all)"));
	fake_add("a");
	fake_add("b")->xml[0] = 0;
	assert_int_equal(check(w, &said), 0);
	assert_string_equal(said.text,
			    "ok    libvirt: connected to qemu:///system: libvirt 9.1.2, QEMU "
			    "7.2.22\n"
			    "ok    libvirt: 2 running VMs\n"
			    "ok    libvirt: access is enough (read-only)\n");
	strcpy(strstr(fake.domains[0].xml, "<memballoon>"), "</devices></domain>");
	assert_int_equal(check(w, &said), 0);
	assert_non_null(strstr(
		said.text,
		"VMs that give no memory statistics: 1 (virsh dommemstat VM --period 5 --live)"));
	fake.domains[0].spoils = true;
	assert_int_equal(check(w, &said), 1);
	assert_non_null(strstr(said.text, "statistics of VMs are not given: this one is not well"));

	fake.refuses = true;
	fake.error_code = VIR_ERR_SYSTEM_ERROR;
	fake.error_errno = ENOENT;
	assert_int_equal(check(w, &said), 1);
	assert_int_equal(said.lines, 1);
	assert_non_null(strstr(said.text, "Failed to connect to libvirt (qemu:///system)"));
	fake.refuses = false;

	fake_set(fake.stopped, true);
	start = fake_ms();
	assert_int_equal(check(w, &said), 1);
	assert_true(fake_ms() - start < 15000);
	assert_string_equal(said.text,
			    "fault libvirt: qemu:///system does not answer within 5 s\n");
	fake_set(fake.domains[0].spoils, false);
	fake_set(fake.stopped, false);
	wait_for(fake_get(&fake.opened) >= 5 && !fake_get(&fake.connections),
		 "the end of what was left behind");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_list_and_values),
		TEST(test_pid_files),
		TEST(test_remote),
		TEST(test_families),
		TEST(test_spoiler),
		TEST(test_complaints_end),
		TEST(test_busy),
		TEST(test_old_libvirt),
		TEST(test_stale_guest),
		TEST(test_restart),
		TEST(test_migration_in),
		TEST(test_bad_xml),
		TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
