/* SPDX-License-Identifier: Apache-2.0 */
/* The connector for Proxmox VE on a node made of files and fake QEMUs (fake_pve.h). */
#include "fake_pve.h"

#include "capture.h"
#include "hub.h"
#include "log.h"
#include "sample.h"
#include "source.h"

#include <setjmp.h>
#include <time.h>

#include <cmocka.h>

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab31"

/* The tests' clock: what readings are stamped with. */
static uint64_t test_clock = 1000;

static uint64_t test_now(void *arg)
{
	(void)arg;
	return test_clock;
}

static uint64_t real_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct world {
	struct fake f;
	struct hub *hub;
	struct source *source;
	struct source_options o;
};

static void world_init(struct world *w)
{
	memset(w, 0, sizeof(*w));
	fake_init(&w->f);
	w->hub = hub_new();
	w->o = (struct source_options){
		.procfs = w->f.procfs,
		.rootfs = w->f.rootfs,
		.interval = 5,
		.families = ~0u,
		.synchronous = true,
		.now_ns = test_now,
	};
}

static void world_open(struct world *w)
{
	assert_int_equal(source_proxmox.open(&w->source, &w->o, w->hub), 0);
}

static void world_fini(struct world *w)
{
	source_proxmox.close(w->source);
	hub_free(w->hub);
	fake_free(&w->f);
}

/* A QEMU as Proxmox VE starts it, with PID vmid + 1000. */
static void add_vm(struct world *w, unsigned vmid, const char *more)
{
	char text[2048], name[32];

	snprintf(text, sizeof(text),
		 "/usr/bin/kvm -id %u -name vm%u,debug-threads=on -smbios type=1,uuid=" UUID "%02u "
		 "-smp 2 -m 192 -drive file=/img/%u,if=none,id=drive-scsi0 -device "
		 "scsi-hd,drive=drive-scsi0,id=scsi0 -netdev type=tap,id=net0,ifname=tap%ui0 "
		 "-device virtio-net-pci,mac=BC:24:11:00:00:01,netdev=net0,id=net0%s%s",
		 vmid, vmid, vmid % 100, vmid, vmid, *more ? " " : "", more);
	fake_process(&w->f, (int)vmid + 1000, 77, text);
	snprintf(name, sizeof(name), "%u.pid", vmid);
	snprintf(text, sizeof(text), "%u\n", vmid + 1000);
	fake_run_file(&w->f, name, text);
}

static void add_config(struct world *w, unsigned vmid, const char *more)
{
	char text[1024];

	snprintf(text, sizeof(text),
		 "cores: 2\nide2: none,media=cdrom\nmemory: 192\nname: web%u\nnet0: "
		 "virtio=BC:24:11:00:00:01,bridge=vmbr0\nscsi0: local:%u/d.raw,size=64M\nscsi1: "
		 "ceph:vm-%u-disk-1,size=1G\ntags: a;b\n%s\n[snap]\nname: old\nlock: snapshot\n",
		 vmid, vmid, vmid, more);
	fake_config(&w->f, vmid, text);
}

static const struct vm_desc *find(const struct vm_list *l, unsigned vmid)
{
	for (unsigned i = 0; l && i < l->n; i++) {
		if (l->vms[i].vmid == vmid)
			return &l->vms[i];
	}
	return NULL;
}

static const struct vm_desc *must_find(const struct vm_list *l, unsigned vmid)
{
	const struct vm_desc *d = find(l, vmid);

	if (!d)
		fail_msg("VM %u is not listed", vmid);
	return d;
}

static void same(const char *what, const char *have, const char *want)
{
	if ((!have && !want) || (have && want && !strcmp(have, want)))
		return;
	fail_msg("%s is %s, not %s", what, have ? have : "(none)", want ? want : "(none)");
}

static uint64_t value_of(const struct guest_values *g, enum metric_id m)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->v[i].metric == m)
			return g->v[i].value;
	}
	return ABSENT;
}

#define TWO_DISKS                                                                                  \
	"{\"return\": [{\"device\": \"drive-scsi0\", \"stats\": {\"rd_bytes\": 11}, \"qdev\": "    \
	"\"scsi0\"}, {\"device\": \"drive-ide2\", \"stats\": {\"rd_bytes\": 12}, \"qdev\": "       \
	"\"ide2\"}, {\"device\": \"\", \"qdev\": \"scsi1\", \"node-name\": \"drive-scsi1\", "      \
	"\"stats\": {\"rd_bytes\": 13}}, {\"device\": \"pflash0\", \"stats\": {\"rd_bytes\": "     \
	"14}}, {\"device\": \"\", \"node-name\": \"drive-scsi0-fleecing\", \"stats\": "            \
	"{\"rd_bytes\": 15}}]}"

#define ONE_DISK "{\"return\": [{\"device\": \"drive-scsi0\", \"stats\": {\"rd_bytes\": 12}}]}"

static void test_list(void **state)
{
	const struct vm_desc *d;
	struct vm_list *l;
	struct world w;

	(void)state;
	world_init(&w);
	add_vm(&w, 100, "");
	add_config(&w, 100, "vcpus: 3\n");
	add_vm(&w, 101, "-incoming tcp:10.0.0.1:60000");
	add_vm(&w, 102, "");
	add_vm(&w, 99999, "");
	add_config(&w, 99999, "smbios1: uuid=" UUID "AB\nnet1: e1000=BC:24:11:00:00:02\n");
	fake_config(&w.f, 104, "memory: 64\n");
	fake_process(&w.f, 1104, 5, "kvm -pidfile /var/run/qemu-server/104.pid -name x");
	fake_run_file(&w.f, "104.pid", "1104\n");

	/* none of these is a VM */
	fake_run_file(&w.f, "100.swtpm.pid", "1100\n");
	fake_run_file(&w.f, "0100.pid", "1100\n");
	fake_run_file(&w.f, "x.pid", "1100\n");
	fake_run_file(&w.f, "200.pid", "1200\n"); /* no such process */
	fake_process(&w.f, 1201, 5, "vim -id 201");
	fake_run_file(&w.f, "201.pid", "1201\n"); /* the PID is somebody else's now */
	fake_run_file(&w.f, "202.pid", "1100\n"); /* another VM's */
	fake_process(&w.f, 1203, 5, "kvm -id 2030 -pidfile /var/run/qemu-server/203.pid");
	fake_run_file(&w.f, "203.pid", "1203\n");
	fake_process(&w.f, 1204, 5, "kvm -name 204");
	fake_run_file(&w.f, "204.pid", "1204\n");
	fake_run_file(&w.f, "205.pid", "");
	fake_run_file(&w.f, "206.pid", "-1\n");
	fake_run_file(&w.f, "207.pid", "99999999999999999999\n");
	fake_config(&w.f, 300, "name: stopped\n");

	world_open(&w);
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	assert_non_null(l);
	assert_int_equal(l->n, 5);

	d = must_find(l, 100);
	same("name", d->name, "web100");
	same("uuid", d->uuid, UUID "00");
	same("tags", d->tags, "a;b");
	assert_int_equal(d->pid, 1100);
	assert_int_equal(d->cores, 3);
	assert_int_equal(d->memory_kib, 192 << 10);
	assert_int_equal(d->state, VM_UNKNOWN);
	assert_int_equal(d->n_disks, 2);
	same("disk 0", d->disks[0].name, "scsi0");
	same("device 0", d->disks[0].device, "/img/100");
	assert_int_equal(d->disks[0].capacity, 64 << 20);
	same("device 1", d->disks[1].device, "ceph:vm-100-disk-1");
	assert_int_equal(d->n_nics, 1);
	same("tap", d->nics[0].tap, "tap100i0");
	same("mac", d->nics[0].mac, "bc:24:11:00:00:01");
	same("bridge", d->nics[0].bridge, "vmbr0");

	d = must_find(l, 101); /* no configuration here yet */
	assert_int_equal(d->state, VM_MIGRATING_IN);
	same("name", d->name, "vm101");
	same("tap", d->nics[0].tap, "tap101i0");
	same("disk", d->disks[0].name, "scsi0");
	assert_int_equal(d->memory_kib, 192 << 10);

	d = must_find(l, 102); /* none, and not migrating */
	assert_int_equal(d->state, VM_UNKNOWN);
	same("name", d->name, "vm102");
	same("uuid", d->uuid, UUID "02");
	assert_int_equal(d->cores, 2);

	d = must_find(l, 99999);
	same("uuid", d->uuid, "4dea22b3-1d52-d8f3-2516-782e98ab31ab");
	assert_int_equal(d->n_nics, 2);
	same("tap without a bridge", d->nics[1].tap, NULL);

	d = must_find(l, 104); /* without -id, known by its -pidfile */
	same("name", d->name, "VM 104");
	same("uuid", d->uuid, "proxmox-104");
	assert_int_equal(d->memory_kib, 64 << 10);
	vm_list_free(l);
	world_fini(&w);
}

/* What changes is published, what does not is not. */
static void test_changes(void **state)
{
	struct fake_qmp *q;
	struct vm_list *l;
	struct world w;
	uint64_t key;
	char path[256], away[256];

	(void)state;
	world_init(&w);
	add_vm(&w, 100, "");
	add_config(&w, 100, "");
	q = fake_qmp(&w.f, 100);
	world_open(&w);
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	key = must_find(l, 100)->key;
	vm_list_free(l);
	source_proxmox.step(w.source);
	assert_null(hub_take_list(w.hub));

	add_config(&w, 100, "lock: backup\n"); /* is nobody's business but ours */
	source_proxmox.step(w.source);
	assert_null(hub_take_list(w.hub));

	/* all configurations go away for a while: what is known stays, the lock too */
	snprintf(path, sizeof(path), "%s/etc/pve", w.f.rootfs);
	snprintf(away, sizeof(away), "%s/etc/away", w.f.rootfs);
	assert_int_equal(rename(path, away), 0);
	source_proxmox.step(w.source);
	assert_null(hub_take_list(w.hub));
	assert_int_equal(q->visits, 2);
	assert_int_equal(rename(away, path), 0);
	source_proxmox.step(w.source);
	assert_null(hub_take_list(w.hub));

	fake_config(&w.f, 100, "name: new\nscsi0: l"); /* half written */
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	same("name", must_find(l, 100)->name, "new");
	assert_int_equal(must_find(l, 100)->key, key);
	vm_list_free(l);

	fake_config(&w.f, 100, ""); /* written to at this moment */
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	same("name", must_find(l, 100)->name, "VM 100");
	vm_list_free(l);

	/* started again: other PID, other key */
	fake_process_ends(&w.f, 1100);
	fake_process(&w.f, 1300, 99, "kvm -id 100 -name n");
	fake_run_file(&w.f, "100.pid", "1300\n");
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	assert_int_equal(must_find(l, 100)->pid, 1300);
	assert_true(must_find(l, 100)->key != key);
	key = must_find(l, 100)->key;
	vm_list_free(l);

	/* the same PID, but a process that started later */
	fake_process(&w.f, 1300, 199, "kvm -id 100 -name n");
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	assert_true(must_find(l, 100)->key != key);
	vm_list_free(l);

	/* killed: the pid file stays */
	fake_process_ends(&w.f, 1300);
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	assert_int_equal(l->n, 0);
	vm_list_free(l);
	fake_run_file(&w.f, "100.pid", NULL);
	source_proxmox.step(w.source);
	assert_null(hub_take_list(w.hub));

	/* the cluster has a name; the whole directory goes */
	snprintf(path, sizeof(path), "%s/etc/pve/corosync.conf", w.f.rootfs);
	fake_write(path, "totem {\n  cluster_name: lab\n}\n", 29);
	fake_process(&w.f, 1301, 1, "kvm -id 7");
	fake_run_file(&w.f, "7.pid", "1301\n");
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	same("uuid", must_find(l, 7)->uuid, "proxmox-lab-7");
	vm_list_free(l);
	fake_run_file(&w.f, "7.pid", NULL);
	fake_run_file(&w.f, "100.qmp", NULL);
	snprintf(path, sizeof(path), "%s/run/qemu-server", w.f.rootfs);
	assert_int_equal(rmdir(path), 0);
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	assert_int_equal(l->n, 0);
	vm_list_free(l);
	world_fini(&w);
	log_over("proxmox/run", NULL);
}

/* A line that our bound cuts is not believed. */
static void test_large_config(void **state)
{
	static const char head[] = "name: good\nmemory: 64\nname: ";
	size_t n = 10u << 20;
	char *text = malloc(n + 1);
	struct vm_list *l;
	struct world w;

	(void)state;
	memset(text, 'x', n);
	memcpy(text, head, sizeof(head) - 1);
	text[n] = '\0';
	world_init(&w);
	add_vm(&w, 100, "");
	fake_config(&w.f, 100, text);
	free(text);
	world_open(&w);
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	same("name", must_find(l, 100)->name, "good");
	assert_int_equal(must_find(l, 100)->memory_kib, 64 << 10);
	vm_list_free(l);
	world_fini(&w);
}

static void test_disks(void **state)
{
	struct guest_disks g;
	struct fake_qmp *q;
	struct vm_list *l;
	struct world w;
	uint64_t key;

	(void)state;
	world_init(&w);
	add_vm(&w, 100, "");
	add_config(&w, 100, "");
	q = fake_qmp(&w.f, 100);
	q->blockstats = TWO_DISKS;
	world_open(&w);
	test_clock = 5000;
	source_proxmox.step(w.source);
	l = hub_take_list(w.hub);
	key = must_find(l, 100)->key;
	vm_list_free(l);
	hub_get_disks(w.hub, key, 5000, &g);
	assert_int_equal(g.read_ns, 5000);
	assert_int_equal(g.n, 2); /* no CD-ROM, no firmware, no fleecing image */
	assert_string_equal(g.now[0].name, "scsi0");
	assert_int_equal(value_of(&g.now[0].values, M_VD_RD_BYTES), 11);
	assert_string_equal(g.now[1].name, "scsi1");
	assert_int_equal(value_of(&g.now[1].values, M_VD_RD_BYTES), 13);
	assert_int_equal(hub_get_state(w.hub, key), VM_RUNNING);

	q->status = "{\"return\": {\"status\": \"paused\", \"running\": false}}";
	test_clock = 6000;
	source_proxmox.step(w.source);
	hub_get_disks(w.hub, key, 6000, &g);
	assert_int_equal(g.read_ns, 6000);
	assert_int_equal(g.prev_ns, 5000);
	assert_int_equal(hub_get_state(w.hub, key), VM_PAUSED);
	/* too old after two intervals and a second */
	hub_get_disks(w.hub, key, 6000 + 11000000000ull, &g);
	assert_int_equal(g.read_ns, 6000);
	hub_get_disks(w.hub, key, 6001 + 11000000000ull, &g);
	assert_int_equal(g.read_ns, ABSENT);
	world_fini(&w);
}

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

struct lines {
	char text[4096];
};

static void keep_line(void *arg, const char *line)
{
	struct lines *l = arg;

	strncat(l->text, line, sizeof(l->text) - strlen(l->text) - 2);
	strcat(l->text, "\n");
}

static void test_check(void **state)
{
	struct lines lines = {""};
	char path[256];
	struct world w;

	(void)state;
	world_init(&w);
	add_vm(&w, 100, "");
	add_config(&w, 100, "lock: backup\n");
	add_vm(&w, 101, "");
	fake_qmp(&w.f, 100);
	fake_run_file(&w.f, "200.pid", "1200\n");
	assert_int_equal(source_proxmox.check(&w.o, keep_line, &lines), 1);
	assert_non_null(strstr(lines.text, "2 running VMs\n"));
	assert_non_null(strstr(lines.text, "1 stale pid file"));
	assert_non_null(strstr(lines.text, "configurations of 1 of 2 running VMs"));
	assert_non_null(strstr(lines.text, "1 QMP socket may be used"));
	assert_non_null(strstr(lines.text, "fault "));
	assert_non_null(strstr(lines.text, "101.qmp: No such file"));
	assert_non_null(strstr(lines.text, "1 VM is locked"));
	snprintf(path, sizeof(path), "%s/nothing", w.f.dir);
	w.o.rootfs = path;
	lines.text[0] = '\0';
	assert_int_equal(source_proxmox.check(&w.o, keep_line, &lines), 2);
	assert_non_null(strstr(lines.text, "/nothing/run/qemu-server: No such file"));
	world_fini(&w);
	log_over("proxmox/run", NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_large_config),
		cmocka_unit_test(test_disks),
		cmocka_unit_test(test_hands_off),
		cmocka_unit_test(test_balloon),
		cmocka_unit_test(test_no_balloon_device),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
