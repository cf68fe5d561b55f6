/* SPDX-License-Identifier: Apache-2.0 */
/* The libvirt connector against a libvirt that misbehaves on demand (fake_libvirt.h). */
#include "capture.h"
#include "fake_libvirt.h"
#include "fakedir.h"
#include "hub.h"
#include "log.h"
#include "sample.h"
#include "source.h"

#include <setjmp.h>

#include <cmocka.h>

#define QUICK 0.1 /* seconds between two questions, in tests with threads */

struct world {
	struct hub *hub;
	struct source *source;
	struct source_options o;
	struct fakedir root;
	struct capture capture;
	struct vm_list *list; /* the latest */
};

static uint64_t boot_now(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	fake_reset();
	fake_new(&w->root);
	w->hub = hub_new();
	w->o = (struct source_options){
		.procfs = "/proc",
		.rootfs = w->root.path,
		.interval = 5,
		.families = ~0u,
		.synchronous = true,
		.now_ns = boot_now,
	};
	log_over("libvirt", NULL);
	capture_begin(&w->capture);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	source_libvirt.close(w->source);
	capture_end(&w->capture);
	vm_list_free(w->list);
	hub_free(w->hub);
	fake_free(&w->root);
	free(w);
	return 0;
}

static void open_source(struct world *w)
{
	assert_int_equal(source_libvirt.open(&w->source, &w->o, w->hub), 0);
}

static void open_threaded(struct world *w)
{
	w->o.synchronous = false;
	w->o.interval = QUICK;
	open_source(w);
}

static void step(struct world *w)
{
	if (!w->source)
		open_source(w);
	source_libvirt.step(w->source);
}

/* The latest list that was published. */
static const struct vm_list *list_of(struct world *w)
{
	struct vm_list *list = hub_take_list(w->hub);

	if (list) {
		vm_list_free(w->list);
		w->list = list;
	}
	return w->list;
}

static const struct vm_desc *find_vm(struct world *w, const char *name)
{
	const struct vm_list *list = list_of(w);

	for (unsigned i = 0; list && i < list->n; i++)
		if (!strcmp(list->vms[i].name, name))
			return &list->vms[i];
	return NULL;
}

static uint64_t key_of(struct world *w, const char *name)
{
	const struct vm_desc *vm = find_vm(w, name);

	if (!vm)
		fail_msg("%s is not in the list", name);
	return vm->key;
}

/* Reads of the VM's first disk; ABSENT when its values are. */
static uint64_t reads_of(struct world *w, const char *name)
{
	struct guest_disks *g = calloc(1, sizeof(*g));
	const struct vm_desc *vm = find_vm(w, name);
	uint64_t v = ABSENT;

	if (vm && hub_get_disks(w->hub, vm->key, boot_now(NULL), g) && g->read_ns != ABSENT &&
	    g->n == 1)
		for (unsigned i = 0; i < g->now[0].values.n; i++)
			if (g->now[0].values.v[i].metric == M_VD_RD_OPS)
				v = g->now[0].values.v[i].value;
	free(g);
	return v;
}

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

/* Waits for a condition; what: for the message. */
#define wait_for(condition, what)                                                                  \
	do {                                                                                       \
		int left_ = PATIENCE_S * 100;                                                      \
		while (!(condition) && left_--)                                                    \
			pause_ms(10);                                                              \
		if (!(condition))                                                                  \
			fail_msg("%s: not within %d s", what, PATIENCE_S);                         \
	} while (0)

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

static void test_unreachable(void **state)
{
	struct world *w = *state;

	fake_add("a");
	fake.refuses = true;
	fake.error_code = VIR_ERR_SYSTEM_ERROR;
	fake.error_errno = ENOENT;
	step(w);
	step(w);
	assert_int_equal(list_of(w)->n, 0); /* nobody waits for it */
	assert_int_equal(
		capture_count(
			&w->capture,
			"Failed to connect to libvirt (qemu:///system): it does not want; check "
			"that libvirtd runs (systemctl status libvirtd) and the URI (virsh -c "
			"qemu:///system list)"),
		1);
	assert_int_equal(capture_count(&w->capture, "\n"), 1);
	fake.refuses = false;
	step(w);
	assert_int_equal(reads_of(w, "a"), 100);
	assert_int_equal(capture_count(&w->capture, "Connected to libvirt (qemu:///system) again"),
			 1);

	/* Lost and back. What was listed stays: the VMs still run. */
	fake_break();
	fake.refuses = true;
	step(w);
	assert_int_equal(list_of(w)->n, 1);
	assert_int_equal(capture_count(&w->capture,
				       "The connection to libvirt (qemu:///system) was "
				       "lost"),
			 1);
	fake.refuses = false;
	step(w);
	assert_int_equal(reads_of(w, "a"), 100);
	assert_int_equal(capture_count(&w->capture, "\n"), 4);
}

static void test_denied(void **state)
{
	static const struct {
		int code, err;
	} cases[] = {
		{VIR_ERR_SYSTEM_ERROR, EACCES}, {VIR_ERR_SYSTEM_ERROR, EPERM},
		{VIR_ERR_AUTH_FAILED, 0},       {VIR_ERR_AUTH_UNAVAILABLE, 0},
		{VIR_ERR_ACCESS_DENIED, 0},
	};
	struct world *w = *state;

	fake.refuses = true;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake.error_code = cases[i].code;
		fake.error_errno = cases[i].err;
		log_over("libvirt", NULL);
		step(w);
		if (capture_count(&w->capture, "No permission to connect to libvirt "
					       "(qemu:///system): it does not want; run as root or "
					       "add the user to the group libvirt") != i + 1)
			fail_msg("case %u", i);
	}
}

/* ---- with threads ---- */

static void test_first_two(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a");
	uint64_t apart;

	w->o.synchronous = false;
	open_source(w);
	wait_for(fake_get(&a->asked) >= 2, "two questions");
	apart = a->asked_ms[1] - a->asked_ms[0];
	if (apart < 180 || apart > 2000)
		fail_msg("%llu ms apart", (unsigned long long)apart);
	wait_for(hub_is_settled(w->hub), "two answers");
}

/*
 * The balloon is asked for once a minute, but for the first two answers; a quiet VM in one
 * round of four.
 */
static void test_rarely(void **state)
{
	struct world *w = *state;
	struct fake_domain *works = fake_add("works"), *quiet = fake_add("quiet"), is, other;
	struct fake_domain *unknown = fake_add("unknown"), third;

	works->works = true;
	open_threaded(w);
	wait_for(find_vm(w, "quiet") != NULL, "a list");
	/* Of one that is quiet by its counters nobody knows what its process does. */
	hub_set_io_moved(w->hub, key_of(w, "works"), false);
	hub_set_io_moved(w->hub, key_of(w, "quiet"), false);
	wait_for(fake_get(&works->asked) >= 34, "34 questions");
	pthread_mutex_lock(&fake.lock);
	is = *works;
	other = *quiet;
	third = *unknown;
	pthread_mutex_unlock(&fake.lock);
	/* 6 more for a guest that has said nothing yet, 1 more where its minute begins. */
	if (is.balloon_asked < 2 || is.balloon_asked > 9)
		fail_msg("%u of %u questions asked for the balloon", is.balloon_asked, is.asked);
	/* The first five come closer together. */
	if (other.asked < 6 || other.asked > 5 + is.asked / 3)
		fail_msg("%u questions to a VM that works, %u to a quiet one", is.asked,
			 other.asked);
	if (third.asked + 2 < is.asked)
		fail_msg("%u questions, %u to one of which is not known what it does", is.asked,
			 third.asked);
}

static void test_events(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a");
	uint64_t start;

	open_threaded(w);
	wait_for(reads_of(w, "a") == 100, "first values");
	start = fake_ms();
	fake_add("b");
	fake_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, a);
	wait_for(find_vm(w, "b"), "the new VM");
	/* Without the event it would have been the list of every 10 s. */
	if (fake_ms() - start > 5000)
		fail_msg("after %llu ms", (unsigned long long)(fake_ms() - start));
	wait_for(reads_of(w, "b") == 200, "values of the new VM");

	pthread_mutex_lock(&fake.lock);
	assert_int_equal(a->xml_asked, 1);
	strcpy(strstr(a->xml, "<devices>"),
	       "<devices><disk><target dev='vdb'/></disk></devices></domain>");
	pthread_mutex_unlock(&fake.lock);
	fake_event(VIR_DOMAIN_EVENT_ID_DEVICE_ADDED, a);
	wait_for(!strcmp(find_vm(w, "a")->disks[0].name, "vdb"), "the new description");
	assert_int_equal(fake_get(&fake.domains[1].xml_asked), 1);
}

/* One QEMU that does not answer takes nothing from the others. */
static void test_hung_vm(void **state)
{
	struct world *w = *state;
	struct fake_domain *a = fake_add("a"), *b = fake_add("b");

	open_threaded(w);
	wait_for(reads_of(w, "a") == 100 && reads_of(w, "b") == 200, "first values");
	fake_set(b->hangs, true);
	assert_true(capture_wait(&w->capture,
				 "VM b: its QEMU does not answer libvirt; its disk and "
				 "memory values are absent until it does"));
	fake_set(a->reads, 101);
	wait_for(reads_of(w, "a") == 101, "values of the other VM");
	assert_true(reads_of(w, "b") == ABSENT);
	assert_int_equal(capture_count(&w->capture, "libvirt (qemu:///system) does not answer"), 0);

	/* What hung brings old numbers when it returns: they must not come after newer ones. */
	fake_set(b->reads, 201);
	fake_set(b->hangs, false);
	for (unsigned i = 0; i < 100; i++) {
		if (reads_of(w, "a") == 100 || reads_of(w, "b") == 200)
			fail_msg("old values after %u ms", i * 10);
		pause_ms(10);
	}
	assert_true(capture_wait(&w->capture, "VM b: its values are there again"));
	wait_for(reads_of(w, "b") == 201, "its values again");
	wait_for(fake_get(&fake.connections) == 1, "the end of the connection that hung");
	assert_int_equal(capture_count(&w->capture, "\n"), 2);
}

static void test_many_hung(void **state)
{
	struct world *w = *state;
	struct fake_domain *d[5];
	char name[8];

	for (unsigned i = 0; i < 5; i++) {
		snprintf(name, sizeof(name), "vm%u", i);
		d[i] = fake_add(name);
	}
	open_threaded(w);
	wait_for(reads_of(w, "vm4") == 500, "first values");
	for (unsigned i = 0; i < 4; i++)
		fake_set(d[i]->hangs, true);
	assert_true(
		capture_wait(&w->capture, "3 questions to VMs hang in libvirt (qemu:///system)"));
	/* The list goes on. */
	fake_set(d[4]->state, VIR_DOMAIN_PAUSED);
	fake_event(VIR_DOMAIN_EVENT_ID_LIFECYCLE, d[4]);
	wait_for(hub_get_state(w->hub, key_of(w, "vm4")) == VM_PAUSED, "the state");
	assert_true(fake_get(&fake.connections) <= 4);
	for (unsigned i = 0; i < 4; i++)
		fake_set(d[i]->hangs, false);
	assert_true(
		capture_wait(&w->capture, "The VMs of libvirt (qemu:///system) are asked again"));
	fake_set(d[0]->reads, 7);
	wait_for(reads_of(w, "vm0") == 7 && reads_of(w, "vm4") == 500, "values again");
}

static void test_hung_libvirtd(void **state)
{
	struct world *w = *state;
	uint64_t start, took;

	fake_add("a");
	open_threaded(w);
	wait_for(reads_of(w, "a") == 100, "first values");
	start = fake_ms();
	fake_set(fake.stopped, true);
	assert_true(capture_wait(&w->capture, "libvirt (qemu:///system) does not answer"));
	took = fake_ms() - start;
	if (took < 1000 || took > 30000)
		fail_msg("said after %llu ms", (unsigned long long)took);
	wait_for(reads_of(w, "a") == ABSENT, "values that are too old");
	assert_int_equal(list_of(w)->n, 1);
	fake_set(fake.stopped, false);
	assert_true(capture_wait(&w->capture, "libvirt (qemu:///system) answers again"));
	wait_for(reads_of(w, "a") == 100, "values again");
	assert_int_equal(capture_count(&w->capture, "\n"), 2);
}

static void test_close_while_hung(void **state)
{
	struct world *w = *state;
	uint64_t start, took;

	fake_add("a");
	open_threaded(w);
	wait_for(reads_of(w, "a") == 100, "first values");
	fake_set(fake.stopped, true);
	pause_ms(500);
	start = fake_ms();
	source_libvirt.close(w->source);
	w->source = NULL;
	took = fake_ms() - start;
	if (took > 2000)
		fail_msg("closed in %llu ms", (unsigned long long)took);
	/* The hub may go; who comes back later must not touch it. */
	hub_free(w->hub);
	w->hub = NULL;
	fake_set(fake.stopped, false);
	wait_for(!fake_get(&fake.connections), "the end of what was left behind");
}

/* The same when the first connection hangs. */
static void test_close_while_connecting(void **state)
{
	struct world *w = *state;
	uint64_t start;

	fake_set(fake.stopped, true);
	start = fake_ms();
	open_threaded(w);
	assert_true(capture_wait(&w->capture, "libvirt (qemu:///system) does not answer"));
	assert_true(fake_ms() - start >= 2900);
	start = fake_ms();
	source_libvirt.close(w->source);
	w->source = NULL;
	assert_true(fake_ms() - start <= 2000);
	fake_set(fake.stopped, false);
	wait_for(fake_get(&fake.opened) == 1, "the connection that hung");
	wait_for(!fake_get(&fake.connections), "the end of what was left behind");
}

static void test_lost_and_back(void **state)
{
	struct world *w = *state;

	fake_add("a");
	open_threaded(w);
	wait_for(reads_of(w, "a") == 100, "first values");
	fake_set(fake.refuses, true);
	fake_break();
	assert_true(capture_wait(&w->capture, "was lost; trying again"));
	pause_ms(1500);
	fake_set(fake.domains[0].reads, 104);
	fake_set(fake.refuses, false);
	wait_for(reads_of(w, "a") == 104, "values again");
	assert_true(capture_wait(&w->capture, "Connected to libvirt (qemu:///system) again"));
	assert_int_equal(capture_count(&w->capture, "\n"), 2);
	assert_int_equal(fake_get(&fake.opened), 2);
}

/* A connection that breaks while a question hangs on it. */
static void test_lost_while_hung(void **state)
{
	struct world *w = *state;
	struct fake_domain *b;

	fake_add("a");
	b = fake_add("b");
	open_threaded(w);
	wait_for(reads_of(w, "b") == 200, "first values");
	fake_set(b->hangs, true);
	assert_true(capture_wait(&w->capture, "VM b: its QEMU does not answer libvirt"));
	fake_set(b->hangs, false);
	fake_break();
	fake_set(b->reads, 201);
	wait_for(reads_of(w, "b") == 201 && reads_of(w, "a") == 100, "values again");
	wait_for(fake_get(&fake.connections) == 1, "the end of the connection that hung");
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		TEST(test_unreachable),
		TEST(test_denied),
		TEST(test_first_two),
		TEST(test_rarely),
		TEST(test_events),
		TEST(test_hung_vm),
		TEST(test_many_hung),
		TEST(test_hung_libvirtd),
		TEST(test_close_while_hung),
		TEST(test_close_while_connecting),
		TEST(test_lost_and_back),
		TEST(test_lost_while_hung),
		TEST(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
