/* SPDX-License-Identifier: Apache-2.0 */
/* Which process is which VM: a /proc of our own, and lists as a source publishes them. */
#include "lookup.h"

#include "fakedir.h"
#include "proc_scan.h"
#include "qemu_cmdline.h"
#include "sample.h"
#include "xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <time.h>

#include <cmocka.h>

#define U1 "4f1c2a33-0000-4000-8000-00000000ab01"
#define U2 "4f1c2a33-0000-4000-8000-00000000ab02"

struct world {
	struct fakedir proc, sys, root;
	struct files files;
	struct hub *hub;
	struct lookup *lookup;
	struct vm_list *list; /* to be published */
	const struct inventory *inventory;
};

static void start(struct world *w, const char *source, uint64_t boot)
{
	struct lookup_options o = {.files = &w->files,
				   .hub = w->hub,
				   .source = source,
				   .boot = boot,
				   .synchronous = true};

	w->lookup = lookup_new(&o);
}

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	fake_new(&w->proc);
	fake_new(&w->sys);
	fake_new(&w->root);
	files_init(&w->files, w->proc.path, w->sys.path, w->root.path);
	w->hub = hub_new();
	start(w, "libvirt", 1);
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (w->inventory)
		lookup_put(w->lookup, w->inventory);
	lookup_free(w->lookup);
	hub_free(w->hub);
	vm_list_free(w->list);
	files_fini(&w->files);
	fake_free(&w->proc);
	fake_free(&w->sys);
	fake_free(&w->root);
	free(w);
	return 0;
}

/* ---- processes ---- */

static void put_stat(struct world *w, pid_t pid, char state, uint64_t starttime)
{
	char text[300];

	snprintf(text, sizeof(text),
		 "%d (x) %c 1 1 1 0 -1 64 0 0 0 0 0 0 0 0 20 0 9 0 %llu 1 1 1 1 1 1 1 1\n",
		 (int)pid, state, (unsigned long long)starttime);
	fake_put(&w->proc, text, "%d/stat", (int)pid);
}

/* A process whose arguments are separated by blanks here; starttime is 100 * PID. */
static void process(struct world *w, pid_t pid, const char *arguments)
{
	char name[64], *line = xstrdup(arguments);
	size_t n = strlen(line) + 1;

	for (char *c = line; *c; c++)
		if (*c == ' ')
			*c = '\0';
	snprintf(name, sizeof(name), "%d/cmdline", (int)pid);
	fake_write_n(&w->proc, name, line, *arguments ? n : 0);
	free(line);
	fake_put(&w->proc, "a-name\n", "%d/comm", (int)pid);
	put_stat(w, pid, 'S', 100 * (uint64_t)pid);
}

static void process_ends(struct world *w, pid_t pid)
{
	fake_remove(&w->proc, "%d", (int)pid);
}

/* ---- what the source says ---- */

static struct vm_desc *describe(struct world *w, const char *uuid, const char *name)
{
	struct vm_desc *d;

	if (!w->list)
		w->list = vm_list_new();
	d = vm_list_add(w->list);
	d->key = 1000 + w->list->n;
	d->uuid = xstrdup(uuid);
	d->name = xstrdup(name);
	return d;
}

static const struct inventory *run(struct world *w)
{
	if (w->list)
		hub_publish(w->hub, w->list);
	w->list = NULL;
	lookup_run(w->lookup);
	if (w->inventory)
		lookup_put(w->lookup, w->inventory);
	w->inventory = lookup_get(w->lookup);
	return w->inventory;
}

/* ---- which process ---- */

static void exact_matches_only(void **state)
{
	static const struct {
		const char *name, *arguments;
		bool found;
	} cases[] = {
		{"the UUID", "/usr/bin/qemu-system-x86_64 -name guest=x -uuid " U1, true},
		{"in capitals", "kvm -uuid 4F1C2A33-0000-4000-8000-00000000AB01", true},
		{"the name, no UUID", "qemu-system-x86_64 -name guest=web,debug-threads=on", true},
		{"the name alone", "qemu-system-x86_64 -name web", true},
		{"another UUID", "qemu-system-x86_64 -uuid " U2, false},
		{"the name, but another UUID", "qemu-system-x86_64 -name guest=web -uuid " U2,
		 false},
		{"a longer name", "qemu-system-x86_64 -name guest=web1", false},
		{"a shorter one", "qemu-system-x86_64 -name guest=we", false},
		{"capitals of a name", "qemu-system-x86_64 -name guest=Web", false},
		{"part of the UUID", "qemu-system-x86_64 -uuid 4f1c2a33-0000-4000-8000-00000000ab0",
		 false},
		{"as Proxmox VE says it", "kvm -smbios type=1,uuid=" U1, true},
		{"the UUID of something else",
		 "qemu-system-x86_64 -drive file=/x/" U1 ".img,serial=" U1 " -append uuid=" U1,
		 false},
		{"the name of something else", "qemu-system-x86_64 -drive file=web,id=web", false},
		{"another program that mentions it", "/usr/bin/grep -uuid " U1, false},
		{"an editor of its log", "vi /var/log/qemu-system-x86_64 -uuid " U1, false},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct inventory *inv;
		struct world *w;
		void *s;
		bool found;

		setup(&s);
		w = s;
		process(w, 4000, cases[i].arguments);
		describe(w, U1, "web");
		inv = run(w);
		assert_true(inv->n_vms >= 1);
		assert_string_equal(inv->vms[0].uuid, U1);
		assert_string_equal(inv->vms[0].hypervisor, "libvirt");
		found = inv->vms[0].pid == 4000;
		if (found != cases[i].found)
			fail_msg("%s: %s", cases[i].name, found ? "taken" : "not taken");
		if (found && (inv->n_vms != 1 || inv->vms[0].starttime != 400000))
			fail_msg("%s: %u VMs", cases[i].name, inv->n_vms);
		teardown(&s);
	}
}

static void by_the_sources_pid(void **state)
{
	struct world *w = *state;
	const struct inventory *inv;

	process(w, 4000, "qemu-system-x86_64 -uuid " U2); /* used by another by now */
	process(w, 4001, "qemu-system-x86_64 -uuid " U1);
	process(w, 4002, "qemu-system-x86_64 -name guest=other");
	describe(w, U1, "a")->pid = 4000;
	describe(w, "4f1c2a33-0000-4000-8000-00000000ab03", "b")->pid = 4002;
	inv = run(w);
	assert_int_equal(inv->vms[0].pid, 4001);
	/* a command line without UUID: the source knows better */
	assert_int_equal(inv->vms[1].pid, 4002);
	/* the one that nobody described */
	assert_int_equal(inv->n_vms, 3);
	assert_int_equal(inv->vms[2].pid, 4000);
	assert_string_equal(inv->vms[2].hypervisor, "proc");
	assert_true(inv->vms[2].key == 0);
	assert_true(inv->vms[0].key == 1001 && inv->vms[1].key == 1002);
}

static void clones_of_proxmox(void **state)
{
	struct world *w = *state;
	const struct inventory *inv;
	struct vm_desc *d;

	process(w, 4000, "/usr/bin/kvm -id 101 -name b -uuid " U1);
	process(w, 4001, "/usr/bin/kvm -id 100 -name a -uuid " U1);
	for (uint32_t v = 0; v < 3; v++) {
		d = describe(w, U1, v ? "b" : "a");
		d->vmid = 100 + v;
		/* 102's pid file is old: its number is 101's now */
		d->pid = v == 0 ? 4001 : 4000;
	}
	inv = run(w);
	assert_int_equal(inv->n_vms, 3);
	assert_int_equal(inv->vms[0].pid, 4001);
	assert_int_equal(inv->vms[1].pid, 4000);
	assert_int_equal(inv->vms[2].pid, 0);
	assert_true(inv->vms[0].id != inv->vms[1].id);
}

/* A UUID may be changed in the config while the VM runs; its number stays. */
static void the_number_of_proxmox_decides(void **state)
{
	struct world *w = *state;
	const struct inventory *inv;
	struct vm_desc *d;

	process(w, 4000, "/usr/bin/kvm -id 100 -uuid " U1);
	process(w, 4001, "/usr/bin/kvm -id 200 -uuid " U2); /* not by its UUID alone */
	d = describe(w, U2, "a");
	d->vmid = 100;
	d->pid = 4000;
	inv = run(w);
	assert_int_equal(inv->vms[0].pid, 4000);
	assert_int_equal(inv->vms[0].vmid, 100);
	assert_int_equal(inv->n_vms, 2);
}

static void clones_of_libvirt(void **state)
{
	struct world *w = *state;
	const struct inventory *inv;

	/* started by hand with the same UUID, and first in the list */
	process(w, 3000, "qemu-system-x86_64 -name guest=copy -uuid " U1);
	process(w, 4000, "qemu-system-x86_64 -name guest=web,debug-threads=on -uuid " U1);
	describe(w, U1, "web");
	inv = run(w);
	assert_int_equal(inv->n_vms, 2);
	assert_int_equal(inv->vms[0].pid, 4000);
	assert_int_equal(inv->vms[1].pid, 3000);
	assert_string_equal(inv->vms[1].hypervisor, "proc");
	assert_string_equal(inv->vms[1].name, "copy");
}

static void a_stale_pid(void **state)
{
	struct world *w = *state;
	const struct inventory *inv;

	/* no process of that number: the VM has ended and its source did not say so yet */
	describe(w, U1, "web")->pid = 4000;
	assert_int_equal(run(w)->n_vms, 0);
	process(w, 4000, "kvm -uuid " U1);
	put_stat(w, 4000, 'Z', 400000);
	assert_int_equal(run(w)->n_vms, 0);
	/* another program has the number: not the VM's process */
	process(w, 4000, "/bin/bash");
	inv = run(w);
	for (unsigned v = 0; v < inv->n_vms; v++)
		assert_int_equal(inv->vms[v].pid, 0);
}

static void without_a_process(void **state)
{
	struct world *w = *state;
	const struct inventory *inv;

	describe(w, U1, "web"); /* on another host, or hidden */
	inv = run(w);
	assert_int_equal(inv->n_vms, 1);
	assert_int_equal(inv->vms[0].pid, 0);
	assert_true(inv->vms[0].memory_kib == ABSENT);
	/* the list holds until there is another */
	assert_int_equal(run(w)->n_vms, 1);
	w->list = vm_list_new();
	assert_int_equal(run(w)->n_vms, 0);
}

/* ---- processes that change ---- */

static void instances(void **state)
{
	struct world *w = *state;
	uint64_t first;

	process(w, 4000, "qemu-system-x86_64 -uuid " U1);
	describe(w, U1, "web");
	first = run(w)->vms[0].id;
	assert_true(run(w)->vms[0].id == first);
	/* the same number and UUID, started later: another instance, no rate crosses it */
	put_stat(w, 4000, 'S', 999999);
	assert_int_equal(run(w)->n_vms, 1);
	assert_true(w->inventory->vms[0].id != first);
	assert_int_equal(w->inventory->vms[0].starttime, 999999);
	put_stat(w, 4000, 'S', 400000);
	assert_true(run(w)->vms[0].id == first);
	/* the same after a reboot of the host is another too */
	lookup_put(w->lookup, w->inventory);
	w->inventory = NULL;
	lookup_free(w->lookup);
	start(w, "libvirt", 2);
	describe(w, U1, "web");
	assert_true(run(w)->vms[0].id != first);
}

static void a_number_that_becomes_something_else(void **state)
{
	struct world *w = *state;

	process(w, 4000, "qemu-system-x86_64 -name a");
	assert_int_equal(run(w)->n_vms, 1);
	process(w, 4000, "/bin/bash");
	put_stat(w, 4000, 'S', 500000);
	assert_int_equal(run(w)->n_vms, 0);
	process(w, 4000, "qemu-system-x86_64 -name b");
	put_stat(w, 4000, 'S', 600000);
	assert_int_equal(run(w)->n_vms, 1);
	assert_string_equal(w->inventory->vms[0].name, "b");
	process_ends(w, 4000);
	assert_int_equal(run(w)->n_vms, 0);
	process(w, 4000, "qemu-system-x86_64 -name c");
	put_stat(w, 4000, 'X', 700000);
	assert_int_equal(run(w)->n_vms, 0);
}

/* libvirt's child waits for a while before it becomes a QEMU. */
static void exec_later(void **state)
{
	struct world *w = *state;
	unsigned rounds = 0;

	process(w, 4000, "/usr/sbin/libvirtd");
	process(w, 4001, "/bin/sh start-my-vm");
	for (int i = 0; i < 6; i++)
		assert_int_equal(run(w)->n_vms, 0);
	process(w, 4000, "qemu-system-x86_64 -uuid " U1);
	describe(w, U1, "web");
	assert_int_equal(run(w)->n_vms, 1);
	assert_int_equal(w->inventory->vms[0].pid, 4000); /* at once: the source has news */
	for (int i = 0; i < 6; i++)
		run(w);
	process(w, 4001, "qemu-system-x86_64 -name mine");
	while (run(w)->n_vms < 2 && rounds < 100)
		rounds++;
	if (rounds > 16)
		fail_msg("found after %u rounds", rounds);
	assert_string_equal(w->inventory->vms[1].name, "mine");
}

static void exec_soon(void **state)
{
	struct world *w = *state;

	process(w, 4000, "/bin/sh start-my-vm");
	assert_int_equal(run(w)->n_vms, 0);
	assert_int_equal(run(w)->n_vms, 0);
	process(w, 4000, "qemu-system-x86_64 -name mine");
	assert_int_equal(run(w)->n_vms, 1);
}

/* ---- started by hand ---- */

static void by_hand(void **state)
{
	struct world *w = *state;
	const struct vm *vm;

	process(w, 4000,
		"/usr/bin/qemu-system-x86_64 -smp 2 -m 512 -name mine -drive "
		"file=/images/a.img,if=virtio,id=d0 -netdev tap,id=n0,ifname=tap7 -device "
		"virtio-net-pci,netdev=n0,mac=52:54:00:00:00:01 -cdrom /iso/x.iso -incoming "
		"tcp:0:4444");
	process(w, 4001, "kvm");
	fake_link(&w->proc, "/dev/net/tun", "4001/fd/9");
	fake_write(&w->proc, "4001/fdinfo/9", "iff:\tvnet3\n");
	assert_int_equal(run(w)->n_vms, 2);
	vm = &w->inventory->vms[0];
	assert_string_equal(vm->hypervisor, "proc");
	assert_string_equal(vm->name, "mine");
	assert_string_equal(vm->uuid, "qemu-4000"); /* it needs one to be told apart */
	assert_true(vm->incoming);
	assert_int_equal(vm->cores, 2);
	assert_true(vm->memory_kib == 512 * 1024);
	assert_int_equal(vm->n_disks, 1); /* no CD */
	assert_string_equal(vm->disks[0].device, "/images/a.img");
	assert_int_equal(vm->n_nics, 1);
	assert_string_equal(vm->nics[0].tap, "tap7");
	assert_string_equal(vm->nics[0].mac, "52:54:00:00:00:01");
	vm = &w->inventory->vms[1];
	assert_string_equal(vm->name, "qemu-4001");
	assert_false(vm->incoming);
	assert_true(vm->memory_kib == ABSENT);
	assert_int_equal(vm->n_nics, 1);
	assert_string_equal(vm->nics[0].tap, "vnet3");
}

static void hostile_processes(void **state)
{
	static const char *const lines[] = {
		"qemu-system-",
		"qemu-system-x86_64",
		"qemu-system-x86_64 -uuid",
		"kvm -name ,,,=",
		"kvm -name guest=",
		"kvm -id 99999999999999999999",
		"kvm -drive file= -drive",
		"kvm -m 99999999999999999999T",
		"kvm -smp -1",
		"",
		"kvm -netdev tap,ifname=../../x",
	};
	struct world *w = *state;
	char *big = xcalloc(1, 300000);
	const struct inventory *inv;

	for (unsigned i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		process(w, (pid_t)(100 + i), lines[i]);
	/* a command line of 300 kB, one of NULs, one without an end */
	memset(big, 'x', 299999);
	memcpy(big, "kvm -name ", 10);
	process(w, 200, big);
	fake_write_n(&w->proc, "201/cmdline", big + 100000, 100000);
	memset(big, 0, 1000);
	fake_write_n(&w->proc, "202/cmdline", big, 1000);
	put_stat(w, 201, 'S', 1);
	put_stat(w, 202, 'S', 1);
	fake_write_n(&w->proc, "203/cmdline", "kvm\0-uuid\0" U1, sizeof("kvm -uuid " U1) - 1);
	put_stat(w, 203, 'S', 1);
	/* no stat: it is gone already; a stat that is garbage */
	fake_write_n(&w->proc, "204/cmdline", "kvm\0-name\0gone\0", 15);
	fake_write_n(&w->proc, "205/cmdline", "kvm\0-name\0garbage\0", 18);
	fake_write(&w->proc, "205/stat", "205 (kvm");
	fake_write(&w->proc, "99999999999/cmdline", "kvm");
	fake_write(&w->proc, "12x/cmdline", "kvm");
	fake_write(&w->proc, "0/cmdline", "kvm");
	describe(w, U1, "web");
	inv = run(w);
	for (unsigned v = 0; v < inv->n_vms; v++) {
		if (!strcmp(inv->vms[v].name, "gone") || !strcmp(inv->vms[v].name, "garbage"))
			fail_msg("%s is there", inv->vms[v].name);
		assert_true(inv->vms[v].pid < 1000);
		assert_true(strlen(inv->vms[v].name) <= QEMU_CMDLINE_MAX);
	}
	for (int i = 0; i < 3; i++)
		run(w);
	free(big);
}

/* ---- vhost ---- */

static void kernel_thread(struct world *w, pid_t pid, const char *comm)
{
	process(w, pid, "");
	fake_put(&w->proc, comm, "%d/comm", (int)pid);
}

static void vhost_threads(void **state)
{
	struct world *w = *state;
	const struct vm *vm;

	process(w, 4000, "kvm -id 100 -name a");
	process(w, 4001, "kvm -id 101 -name b");
	kernel_thread(w, 5, "kworker/0:0\n");
	kernel_thread(w, 4010, "vhost-4000\n");
	kernel_thread(w, 4011, "vhost-4000\n");
	kernel_thread(w, 4012, "vhost-4001\n");
	kernel_thread(w, 4013, "vhost-40\n");
	kernel_thread(w, 4014, "vhost-4000x\n");
	kernel_thread(w, 4015, "vhost-\n");
	/* a program that calls itself so is none */
	process(w, 4016, "/home/me/evil");
	fake_write(&w->proc, "4016/comm", "vhost-4000\n");
	for (int round = 0; round < 20; round++) {
		vm = &run(w)->vms[0];
		if (vm->n_vhost != 2 || vm->vhost[0] != 4010 || vm->vhost[1] != 4011)
			fail_msg("round %d: %u vhost threads", round, vm->n_vhost);
		assert_int_equal(w->inventory->vms[1].n_vhost, 1);
	}
	process_ends(w, 4010);
	vm = &run(w)->vms[0];
	assert_int_equal(vm->n_vhost, 1);
	assert_int_equal(vm->vhost[0], 4011);
	/* the number is another kernel thread's by now: seen when all is looked at again */
	kernel_thread(w, 4011, "kworker/0:1\n");
	for (int round = 0; round < 17; round++)
		vm = &run(w)->vms[0];
	assert_int_equal(vm->n_vhost, 0);
}

/* ---- what the source says of a VM ---- */

static void descriptions_are_taken(void **state)
{
	struct world *w = *state;
	const struct vm *vm;
	struct vm_desc *d = describe(w, U1, "web");
	struct disk_desc *disk;
	struct nic_desc *n;

	process(w, 4000,
		"qemu-system-x86_64 -smp 8 -m 128 -uuid " U1
		" -drive file=/by/command/line.img,if=none,id=scsi0 -device "
		"scsi-hd,drive=scsi0,id=scsi0 -drive file=/other.img,if=none,id=scsi1 "
		"-device scsi-hd,drive=scsi1,id=scsi1");
	d->tags = xstrdup("prod;db");
	d->cores = 4;
	d->memory_kib = 1048576;
	disk = vm_desc_disk(d);
	disk->name = xstrdup("scsi0");
	disk->device = xstrdup("local-lvm:vm-100-disk-0"); /* a volume, not a path */
	disk->capacity = 77;
	disk = vm_desc_disk(d);
	disk->name = xstrdup("scsi1");
	disk->device = xstrdup("/a/path");
	vm_desc_disk(d); /* nameless: cannot be shown */
	disk = vm_desc_disk(d);
	disk->name = xstrdup("scsi2");
	n = vm_desc_nic(d);
	n->mac = xstrdup("52:54:00:00:00:01");
	n->bridge = xstrdup("br0");
	fake_link(&w->proc, "/dev/net/tun", "4000/fd/9");
	fake_write(&w->proc, "4000/fdinfo/9", "iff:\tvnet3\n");
	fake_link(&w->proc, "net:[4026532000]", "4000/ns/net");
	fake_link(&w->proc, "net:[4026531840]", "1/ns/net");
	for (int round = 0; round < 4; round++) {
		vm = &run(w)->vms[0];
		assert_int_equal(vm->cores, 4);
		assert_true(vm->memory_kib == 1048576);
		assert_string_equal(vm->tags, "prod;db");
		assert_int_equal(vm->n_disks, 3);
		assert_string_equal(vm->disks[0].device, "/by/command/line.img");
		assert_true(vm->disks[0].capacity == 77);
		assert_string_equal(vm->disks[1].device, "/a/path");
		assert_true(vm->disks[1].capacity == ABSENT);
		assert_string_equal(vm->disks[2].name, "scsi2");
		assert_null(vm->disks[2].device);
		assert_int_equal(vm->n_nics, 1);
		assert_string_equal(vm->nics[0].tap, "vnet3");
		assert_string_equal(vm->nics[0].bridge, "br0");
		assert_true(vm->netns == 4026532000);
		assert_true(w->inventory->netns == 4026531840);
	}
}

/* A limit, a moved image: what is looked at only now and then is seen after a few rounds. */
static void details_are_looked_at_again(void **state)
{
	struct world *w = *state;
	const struct vm *vm;

	process(w, 4000, "kvm -id 100 -drive file=/images/a.raw,if=virtio,id=d0");
	fake_write(&w->proc, "4000/cgroup", "0::/qemu.slice/100.scope\n");
	fake_write(&w->sys, "fs/cgroup/qemu.slice/100.scope/cgroup.procs", "4000\n");
	run(w);
	vm = &run(w)->vms[0];
	assert_int_equal(vm->n_limits, 0);
	assert_true(vm->disks[0].physical == ABSENT);
	fake_write(&w->sys, "fs/cgroup/qemu.slice/100.scope/cpu.max", "5000 10000\n");
	fake_write(&w->root, "images/a.raw", "12345");
	run(w);
	run(w);
	for (int round = 0; round < 4; round++) { /* and kept in the rounds between */
		vm = &run(w)->vms[0];
		assert_int_equal(vm->n_limits, 1);
		assert_true(vm->disks[0].physical == 5);
	}
}

/* ---- the host ---- */

static void the_host(void **state)
{
	struct world *w = *state;
	const struct inventory *inv;

	fake_write(&w->proc, "diskstats", " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n");
	fake_write(&w->proc, "1/net/dev", "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
	fake_write(&w->proc, "cpuinfo", "processor : 0\ncpu MHz : 2000.0\n");
	fake_write(&w->sys, "class/dmi/id/product_uuid", "ABCD\n");
	inv = run(w);
	assert_int_equal(inv->n_disks, 1);
	assert_int_equal(inv->n_nics, 1);
	assert_true(inv->freq_now == 2000);
	assert_string_equal(inv->host_uuid, "ABCD");
	fake_remove(&w->sys, "class"); /* it does not change: read once */
	inv = run(w);
	assert_string_equal(inv->host_uuid, "ABCD");
	assert_int_equal(inv->n_vms, 0);
}

/* Whoever holds an inventory keeps it, whatever the lookup does meanwhile. */
static void inventories_are_held(void **state)
{
	struct world *w = *state;
	const struct inventory *old;

	process(w, 4000, "qemu-system-x86_64 -name first");
	lookup_run(w->lookup);
	old = lookup_get(w->lookup);
	assert_int_equal(lookup_rounds(w->lookup), 1);
	process_ends(w, 4000);
	lookup_run(w->lookup);
	lookup_run(w->lookup);
	assert_int_equal(lookup_rounds(w->lookup), 3);
	assert_int_equal(old->n_vms, 1);
	assert_string_equal(old->vms[0].name, "first");
	lookup_put(w->lookup, old);
	assert_int_equal(run(w)->n_vms, 0);
}

static void no_procfs(void **state)
{
	struct world *w = *state;

	fake_free(&w->proc);
	describe(w, U1, "web");
	assert_int_equal(run(w)->n_vms, 1);
	assert_int_equal(w->inventory->vms[0].pid, 0);
}

/* ---- with its thread ---- */

static bool wait_for(struct lookup *l, unsigned n_vms)
{
	for (int i = 0; i < 6000; i++) {
		const struct inventory *inv = lookup_get(l);
		bool there = inv->n_vms == n_vms && lookup_rounds(l) > 0;

		lookup_put(l, inv);
		if (there)
			return true;
		nanosleep(&(struct timespec){0, 10000000}, NULL);
	}
	return false;
}

static void beside_the_cycle(void **state)
{
	struct world *w = *state;
	struct lookup_options o = {.files = &w->files, .hub = w->hub, .source = "libvirt"};
	struct lookup *l;

	process(w, 4000, "qemu-system-x86_64 -uuid " U1);
	l = lookup_new(&o);
	assert_true(wait_for(l, 1));
	describe(w, U1, "web");
	describe(w, U2, "db");
	hub_publish(w->hub, w->list); /* wakes it */
	w->list = NULL;
	assert_true(wait_for(l, 2));
	process_ends(w, 4000);
	hub_poke(w->hub);
	w->list = vm_list_new();
	hub_publish(w->hub, w->list);
	w->list = NULL;
	assert_true(wait_for(l, 0));
	lookup_free(l); /* ends soon, though it would sleep for seconds */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_matches_only),
		TEST(by_the_sources_pid),
		TEST(clones_of_proxmox),
		TEST(the_number_of_proxmox_decides),
		TEST(clones_of_libvirt),
		TEST(a_stale_pid),
		TEST(without_a_process),
		TEST(instances),
		TEST(a_number_that_becomes_something_else),
		TEST(exec_later),
		TEST(exec_soon),
		TEST(by_hand),
		TEST(hostile_processes),
		TEST(vhost_threads),
		TEST(descriptions_are_taken),
		TEST(details_are_looked_at_again),
		TEST(the_host),
		TEST(inventories_are_held),
		TEST(no_procfs),
		TEST(beside_the_cycle),
	};

	lookup_free(NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
