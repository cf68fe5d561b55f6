/* SPDX-License-Identifier: Apache-2.0 */
/* VMs as Proxmox VE starts them: which there are, changes, their disks. */
#include "proxmox_kit.h"

static void same(const char *what, const char *have, const char *want)
{
	if ((!have && !want) || (have && want && !strcmp(have, want)))
		return;
	fail_msg("%s is %s, not %s", what, have ? have : "(none)", want ? want : "(none)");
}

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
		cmocka_unit_test(test_list),         cmocka_unit_test(test_changes),
		cmocka_unit_test(test_large_config), cmocka_unit_test(test_disks),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
