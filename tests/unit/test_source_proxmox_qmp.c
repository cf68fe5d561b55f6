/* SPDX-License-Identifier: Apache-2.0 */
/* Proxmox VE's VMs and their monitors: hands off where others ask, balloons, faults, threads. */
#include "proxmox_kit.h"

static uint64_t real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

#define ONE_DISK "{\"return\": [{\"device\": \"drive-scsi0\", \"stats\": {\"rd_bytes\": 12}}]}"

/* Locked, migrating in, or nothing wanted that QMP tells: nobody is at the socket. */
static void test_hands_off(void **state)
{
	struct fake_qmp *locked, *incoming;
	unsigned visits, asked;
	struct world w;

	(void)state;
	world_init(&w);
	add_vm(&w, 100, "");
	add_config(&w, 100, "lock: backup\n");
	add_vm(&w, 101, "-incoming defer");
	locked = fake_qmp(&w.f, 100);
	incoming = fake_qmp(&w.f, 101);
	world_open(&w);
	source_proxmox.step(w.source);
	assert_int_equal(locked->visits, 0);
	assert_int_equal(incoming->visits, 0);
	assert_true(hub_is_settled(w.hub)); /* nobody need wait for them */

	add_config(&w, 100, "");
	add_config(&w, 101, "");
	source_proxmox.step(w.source);
	assert_int_equal(locked->visits, 1);
	assert_int_equal(incoming->visits, 1);

	/* The configuration has left again: so does the VM, and is not on its way in. */
	fake_config(&w.f, 101, NULL);
	source_proxmox.step(w.source);
	assert_int_equal(incoming->visits, 2);
	source_proxmox.close(w.source);

	visits = locked->visits;
	asked = locked->blockstats_asked;
	w.o.families = 1u << F_CPU | 1u << F_NET;
	world_open(&w);
	source_proxmox.step(w.source);
	assert_int_equal(locked->visits, visits);
	assert_true(hub_is_settled(w.hub));
	source_proxmox.close(w.source);

	w.o.families = 1u << F_MEM;
	world_open(&w);
	source_proxmox.step(w.source);
	assert_int_equal(locked->visits, visits + 1);
	assert_int_equal(locked->blockstats_asked, asked);
	world_fini(&w);
}

static void test_balloon(void **state)
{
	static const struct {
		const char *name, *balloon, *guest_short, *guest_long;
		long age;                          /* of the guest's numbers */
		unsigned asks_balloon, asks_guest; /* in two rounds */
		uint64_t size, free, usable, swap;
	} cases[] = {
		{"Proxmox VE's own",
		 "{\"return\": {\"actual\": 1048576, \"max_mem\": 2097152, \"last_update\": %ld, "
		 "\"free_mem\": 4096, \"total_mem\": 8192, \"mem_swapped_out\": 3}}",
		 NULL, NULL, 1, 2, 0, 1024, 4, ABSENT, 3},
		{"Proxmox VE's own, old",
		 "{\"return\": {\"actual\": 1048576, \"max_mem\": 2097152, \"last_update\": %ld, "
		 "\"free_mem\": 4096, \"total_mem\": 8192}}",
		 NULL, NULL, 120, 2, 0, 1024, ABSENT, ABSENT, ABSENT},
		{"Proxmox VE's own, from tomorrow",
		 "{\"return\": {\"actual\": 1048576, \"max_mem\": 2097152, \"last_update\": %ld, "
		 "\"free_mem\": 4096, \"total_mem\": 8192}}",
		 NULL, NULL, -86400, 2, 0, 1024, ABSENT, ABSENT, ABSENT},
		{"Proxmox VE's own, guest without a driver",
		 "{\"return\": {\"actual\": 1048576, \"max_mem\": 2097152}}", NULL, NULL, 0, 2, 0,
		 1024, ABSENT, ABSENT, ABSENT},
		{"guest-stats", "{\"return\": {\"actual\": 1048576}}",
		 "{\"return\": {\"stats\": {\"stat-free-memory\": 4096, \"stat-available-memory\": "
		 "5120, \"stat-swap-out\": 18446744073709551615}, \"last-update\": %ld}}",
		 NULL, 1, 2, 2, 1024, 4, 5, ABSENT},
		{"guest-stats, old", "{\"return\": {\"actual\": 1048576}}",
		 "{\"return\": {\"stats\": {\"stat-free-memory\": 4096}, \"last-update\": %ld}}",
		 NULL, 31, 2, 2, 1024, ABSENT, ABSENT, ABSENT},
		{"guest-stats by the whole path", "{\"return\": {\"actual\": 1048576}}", NULL,
		 "{\"return\": {\"stats\": {\"stat-free-memory\": 4096}, \"last-update\": %ld}}", 1,
		 2, 3, 1024, 4, ABSENT, ABSENT},
		{"guest-stats nowhere", "{\"return\": {\"actual\": 1048576}}", NULL, NULL, 0, 2, 2,
		 1024, ABSENT, ABSENT, ABSENT},
		{"no balloon", NULL, NULL, NULL, 0, 1, 0, ABSENT, ABSENT, ABSENT, ABSENT},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char balloon[512] = "", guest_short[512] = "", guest_long[512] = "";
		long then = (long)time(NULL) - cases[i].age;
		struct guest_memory g;
		struct fake_qmp *q;
		struct vm_list *l;
		struct world w;
		uint64_t key;

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		if (cases[i].balloon)
			snprintf(balloon, sizeof(balloon), cases[i].balloon, then);
		if (cases[i].guest_short)
			snprintf(guest_short, sizeof(guest_short), cases[i].guest_short, then);
		if (cases[i].guest_long)
			snprintf(guest_long, sizeof(guest_long), cases[i].guest_long, then);
#pragma GCC diagnostic pop
		world_init(&w);
		add_vm(&w, 100, "");
		add_config(&w, 100, "");
		q = fake_qmp(&w.f, 100);
		q->balloon = *balloon ? balloon : NULL;
		q->guest_short = *guest_short ? guest_short : NULL;
		q->guest_long = *guest_long ? guest_long : NULL;
		world_open(&w);
		source_proxmox.step(w.source);
		source_proxmox.step(w.source);
		l = hub_take_list(w.hub);
		key = must_find(l, 100)->key;
		vm_list_free(l);
		hub_get_memory(w.hub, key, test_clock, &g);
		if (q->balloon_asked != cases[i].asks_balloon ||
		    q->guest_asked != cases[i].asks_guest || q->blockstats_asked != 2)
			fail_msg("%s: asked %u times for the balloon, %u for the guest's",
				 cases[i].name, q->balloon_asked, q->guest_asked);
		if (value_of(&g.now, M_RAM_BALLOON) != cases[i].size ||
		    value_of(&g.now, M_RAM_FREE) != cases[i].free ||
		    value_of(&g.now, M_RAM_USABLE) != cases[i].usable ||
		    value_of(&g.now, M_RAM_SWAPOUT) != cases[i].swap)
			fail_msg("%s: size %llu, free %llu", cases[i].name,
				 (unsigned long long)value_of(&g.now, M_RAM_BALLOON),
				 (unsigned long long)value_of(&g.now, M_RAM_FREE));
		world_fini(&w);
	}
}

static void test_no_balloon_device(void **state)
{
	struct fake_qmp *q;
	struct world w;

	(void)state;
	world_init(&w);
	add_vm(&w, 100, "");
	add_config(&w, 100, "balloon: 0\n");
	q = fake_qmp(&w.f, 100);
	world_open(&w);
	source_proxmox.step(w.source);
	assert_int_equal(q->visits, 1);
	assert_int_equal(q->balloon_asked, 0);
	world_fini(&w);
}

/* Each kind of fault, beside a VM that is fine: said once, over when it is over. */
static void test_faults(void **state)
{
	static const struct {
		enum fake_mode mode;
		const char *says;
		unsigned rounds; /* until it is said */
	} cases[] = {
		{FAKE_SILENT, "no answer within 500 ms", 1},
		{FAKE_DEAF, "no answer within 500 ms", 1},
		{FAKE_CUT, "Connection reset", 2},
		{FAKE_GARBAGE, "not QMP", 1},
		{FAKE_FLOOD, "larger than 4 MiB", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fake_qmp *bad, *fine;
		struct capture c;
		struct vm_list *l;
		struct world w;
		struct guest_disks g;
		uint64_t bad_key, fine_key;
		unsigned said, over;
		bool none, neighbour;
		struct hub_work work, later;

		world_init(&w);
		add_vm(&w, 100, "");
		add_config(&w, 100, "");
		add_vm(&w, 101, "");
		add_config(&w, 101, "");
		bad = fake_qmp(&w.f, 100);
		fine = fake_qmp(&w.f, 101);
		bad->blockstats = fine->blockstats = TWO_DISKS;
		bad->mode = cases[i].mode;
		capture_begin(&c);
		world_open(&w);
		for (unsigned r = 0; r < cases[i].rounds + 1; r++)
			source_proxmox.step(w.source);
		said = capture_count(&c, cases[i].says);
		hub_get_work(w.hub, &work);
		l = hub_take_list(w.hub);
		bad_key = must_find(l, 100)->key;
		fine_key = must_find(l, 101)->key;
		vm_list_free(l);
		hub_get_disks(w.hub, bad_key, test_clock, &g);
		none = g.read_ns == ABSENT;
		hub_get_disks(w.hub, fine_key, test_clock, &g);
		neighbour = g.read_ns == test_clock && g.n == 2;

		bad->mode = FAKE_FINE;
		pause_ms(50);
		source_proxmox.step(w.source);
		source_proxmox.step(w.source);
		over = capture_count(&c, "answers again");
		hub_get_work(w.hub, &later);
		hub_get_disks(w.hub, bad_key, test_clock, &g);
		capture_end(&c);
		if (work.questions != 2 * (cases[i].rounds + 1) ||
		    work.failures != cases[i].rounds + 1 || !work.ns)
			fail_msg("mode %d: %llu questions, %llu failures in %u rounds",
				 cases[i].mode, (unsigned long long)work.questions,
				 (unsigned long long)work.failures, cases[i].rounds + 1);
		if (later.failures != work.failures || later.questions != work.questions + 4)
			fail_msg("mode %d: failures although all is well", cases[i].mode);
		if (!none)
			fail_msg("mode %d: values of a VM that does not answer", cases[i].mode);
		if (!neighbour)
			fail_msg("mode %d: its neighbour has no values", cases[i].mode);
		if (said != 1)
			fail_msg("mode %d: said %u times", cases[i].mode, said);
		if (g.read_ns != test_clock)
			fail_msg("mode %d: no values when it answers again", cases[i].mode);
		if (over != 1)
			fail_msg("mode %d: its end was said %u times", cases[i].mode, over);
		world_fini(&w);
	}
}

/* With threads, on the real clock. */
static void test_threads(void **state)
{
	struct fake_qmp *q[10];
	struct guest_disks g;
	struct vm_list *l;
	struct world w;
	uint64_t start, took, key;
	unsigned again;

	(void)state;
	world_init(&w);
	w.o.synchronous = false;
	w.o.now_ns = NULL;
	w.o.interval = 1;
	for (unsigned i = 0; i < 10; i++) {
		add_vm(&w, 100 + i, "");
		add_config(&w, 100 + i, i == 9 ? "lock: migrate\n" : "");
		q[i] = fake_qmp(&w.f, 100 + i);
		q[i]->blockstats = TWO_DISKS;
	}
	q[3]->mode = FAKE_SILENT;
	q[4]->mode = FAKE_GARBAGE;
	start = real_ms();
	world_open(&w);
	while (!hub_is_settled(w.hub) && real_ms() - start < 10000)
		hub_wait(w.hub, 20);
	took = real_ms() - start;
	assert_true(hub_is_settled(w.hub));
	l = hub_take_list(w.hub);
	key = must_find(l, 100)->key;
	hub_set_io_moved(w.hub, key, false); /* in no cycle */
	vm_list_free(l);
	hub_get_disks(w.hub, key, 0, &g);
	if (g.read_ns == ABSENT || g.prev_ns == ABSENT)
		fail_msg("settled after %llu ms without two readings", (unsigned long long)took);
	if (g.read_ns - g.prev_ns < 150000000 || g.read_ns - g.prev_ns > 1500000000)
		fail_msg("%llu ns between the first two readings",
			 (unsigned long long)(g.read_ns - g.prev_ns));
	while (q[1]->visits < 9 && real_ms() - start < 30000) {
		hub_wait(w.hub, 20);
		q[1]->blockstats = q[1]->blockstats_asked % 2 ? ONE_DISK : TWO_DISKS;
	}
	took = real_ms() - start;
	/* about once per interval, more rarely where the disks are quiet, but not those that
	 * fail or are locked; the balloon and the state of a VM that runs are asked for once */
	if (q[1]->visits < 9 || took < 5000 || q[0]->visits < 3 || q[0]->visits > 6)
		fail_msg("in %llu ms a VM was visited %u times, a quiet one %u times",
			 (unsigned long long)took, q[1]->visits, q[0]->visits);
	/* A VM that failed is left alone for 10 s. */
	again = (unsigned)(took / 10000);
	if (!q[3]->visits || q[3]->visits > 1 + again || !q[4]->visits ||
	    q[4]->visits > 1 + again || q[9]->visits != 0)
		fail_msg("silent %u, garbage %u, locked %u visits", q[3]->visits, q[4]->visits,
			 q[9]->visits);
	assert_int_equal(q[0]->balloon_asked, 1);
	assert_int_equal(q[0]->status_asked, 1);

	/* its vCPUs have not run: what is it doing? */
	hub_set_vcpus_ran(w.hub, key, false);
	for (unsigned i = 0; i < 300 && q[0]->status_asked < 2; i++)
		hub_wait(w.hub, 10);
	assert_true(q[0]->status_asked >= 2);

	/* a lock is noticed, and its end */
	add_config(&w, 109, "");
	for (unsigned i = 0; i < 500 && !q[9]->visits; i++)
		hub_wait(w.hub, 10);
	assert_true(q[9]->visits > 0);

	/* all hang, and it still ends at once */
	for (unsigned i = 0; i < 10; i++)
		q[i]->mode = FAKE_SILENT;
	pause_ms(1100);
	start = real_ms();
	source_proxmox.close(w.source);
	took = real_ms() - start;
	if (took > 1000)
		fail_msg("closing took %llu ms", (unsigned long long)took);
	w.source = NULL;
	world_fini(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hands_off),         cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_no_balloon_device), cmocka_unit_test(test_faults),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
