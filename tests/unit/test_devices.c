/* SPDX-License-Identifier: Apache-2.0 */
/* The host's disks, interfaces and frequencies in a /proc and /sys of our own. */
#include "devices.h"

#include "fakedir.h"
#include "sample.h"
#include "xalloc.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct world {
	struct fakedir proc, sys;
	struct files files;
	struct inventory *inventory, *before;
	char text[65536];
};

static int setup(void **state)
{
	struct world *w = xcalloc(1, sizeof(*w));

	fake_new(&w->proc);
	fake_new(&w->sys);
	files_init(&w->files, w->proc.path, w->sys.path, NULL);
	w->inventory = inventory_new();
	w->before = inventory_new();
	*state = w;
	return 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	inventory_free(w->inventory);
	inventory_free(w->before);
	files_fini(&w->files);
	fake_free(&w->proc);
	fake_free(&w->sys);
	free(w);
	return 0;
}

/* ---- names ---- */

static void names_in_lists(void **state)
{
	static const struct {
		const char *name, *list;
		bool in;
	} cases[] = {
		{"eth0", "eth0", true},        {"eth0", "eth1,eth0", true},
		{"eth0", "eth0,eth1", true},   {"eth0", "a,eth0,b", true},
		{"eth0", "eth01", false},      {"eth0", "xeth0", false},
		{"eth0", "eth", false},        {"eth0", "", false},
		{"eth0", NULL, false},         {"eth0", ",,eth0,", true},
		{"eth0", "ETH0", false},       {"", "a,b", false},
		{"eth0", "eth1, eth0", false}, {"a", "a", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (name_in_list(cases[i].name, cases[i].list) != cases[i].in)
			fail_msg("'%s' in '%s'", cases[i].name,
				 cases[i].list ? cases[i].list : "(none)");
}

static void plain_names(void **state)
{
	(void)state;
	assert_true(is_plain_name("sda", 32));
	assert_true(is_plain_name("..x", 32));
	assert_true(is_plain_name("abc", 4));
	assert_false(is_plain_name("abcd", 4));
	assert_false(is_plain_name("", 4));
	assert_false(is_plain_name(".", 4));
	assert_false(is_plain_name("..", 4));
	assert_false(is_plain_name("a/b", 32));
	assert_false(is_plain_name("../../etc/passwd", 32));
}

/* ---- disks ---- */

static void diskstats(struct world *w, const char *const *names)
{
	char text[4096] = "";

	for (unsigned i = 0; names[i]; i++)
		sprintf(text + strlen(text), " 8 %u %s 1 2 3 4 5 6 7 8 9 10 11\n", i, names[i]);
	fake_write(&w->proc, "diskstats", text);
}

static const struct host_disk *disk(struct world *w, const char *name)
{
	for (unsigned d = 0; d < w->inventory->n_disks; d++)
		if (!strcmp(w->inventory->disks[d].name, name))
			return &w->inventory->disks[d];
	fail_msg("no disk %s", name);
	return NULL;
}

/* What a real host has: a disk with partitions, LVM, multipath, md, loop, a CD. */
static void a_real_host(struct world *w)
{
	static const char *const names[] = {"sda",   "sda1", "nvme0n1", "nvme0n1p1", "dm-0",
					    "dm-1",  "dm-2", "md0",     "loop0",     "sr0",
					    "zram0", "dm-9", NULL};

	diskstats(w, names);
	fake_mkdir(&w->sys, "block/sda/device");
	fake_mkdir(&w->sys, "block/nvme0n1/device");
	fake_mkdir(&w->sys, "block/sr0/device");
	fake_mkdir(&w->sys, "block/loop0");
	fake_mkdir(&w->sys, "block/md0");
	fake_write(&w->sys, "block/dm-0/dm/uuid", "LVM-abc\n");
	fake_write(&w->sys, "block/dm-0/dm/name", "pve-root\n");
	fake_write(&w->sys, "block/dm-1/dm/uuid", "mpath-3600\n");
	fake_write(&w->sys, "block/dm-1/dm/name", "mpatha\n");
	fake_write(&w->sys, "block/dm-2/dm/uuid", "CRYPT-LUKS2-x\n");
	fake_write(&w->sys, "block/dm-2/dm/name", "luks\n");
	fake_write(&w->sys, "block/dm-9/dm/uuid", "LVM-nameless\n");
}

static void classes_of_disks(void **state)
{
	static const struct {
		const char *name, *label;
		enum disk_class class;
		bool shown, counted;
	} want[] = {
		{"sda", "sda", DISK_PHYSICAL, true, true},
		{"nvme0n1", "nvme0n1", DISK_PHYSICAL, true, true},
		{"sda1", "sda1", DISK_OTHER, false, false},
		{"nvme0n1p1", "nvme0n1p1", DISK_OTHER, false, false},
		{"dm-0", "pve-root", DISK_LVM, true, false},
		{"dm-1", "mpatha", DISK_MULTIPATH, true, false},
		{"dm-2", "luks", DISK_OTHER, false, false},
		{"dm-9", "dm-9", DISK_LVM, true, false},
		{"md0", "md0", DISK_OTHER, false, false},
		{"loop0", "loop0", DISK_OTHER, false, false},
		/* a CD drive is no disk: half of the mean utilisation would be its */
		{"sr0", "sr0", DISK_OTHER, false, false},
	};
	struct world *w = *state;

	a_real_host(w);
	devices_find_disks(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	assert_int_equal(w->inventory->n_disks, 12);
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct host_disk *d = disk(w, want[i].name);

		if (strcmp(d->label, want[i].label) || d->class != want[i].class ||
		    d->shown != want[i].shown || d->counted != want[i].counted)
			fail_msg("%s: %s, %s, %sshown, %scounted", want[i].name, d->label,
				 disk_class_names[d->class], d->shown ? "" : "not ",
				 d->counted ? "" : "not ");
	}
}

/* --storedev: by the kernel's name or the friendly one, and nothing else counts. */
static void named_disks(void **state)
{
	struct world *w = *state;

	a_real_host(w);
	devices_find_disks(w->inventory, &w->files, "md0,pve-root,dm-1,sda11", w->text,
			   sizeof(w->text));
	assert_true(disk(w, "md0")->counted && disk(w, "md0")->shown);
	assert_true(disk(w, "dm-0")->counted);
	assert_true(disk(w, "dm-1")->counted);
	assert_false(disk(w, "sda")->counted);
	assert_true(disk(w, "sda")->shown);
	assert_false(disk(w, "sda1")->counted || disk(w, "sda1")->shown);
}

/* No sysfs (a container): by the names of the kernel's drivers. */
static void disks_without_sysfs(void **state)
{
	static const char *const names[] = {"sda",   "sdz",  "sdaa",    "sda1",      "sdaa12",
					    "vda",   "vda1", "nvme0n1", "nvme0n1p1", "dm-0",
					    "loop0", "md0",  NULL};
	static const char *const physical[] = {"sda", "sdz", "sdaa", "vda", "nvme0n1"};
	struct world *w = *state;

	diskstats(w, names);
	devices_find_disks(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	for (unsigned i = 0; names[i]; i++) {
		bool want = false;

		for (size_t k = 0; k < 5; k++)
			want = want || !strcmp(physical[k], names[i]);
		if (disk(w, names[i])->counted != want)
			fail_msg("%s is %scounted", names[i], want ? "not " : "");
	}
}

static void hostile_diskstats(void **state)
{
	struct world *w = *state;

	fake_write(
		&w->proc, "diskstats",
		"garbage\n 8 0 ../../etc 1 2 3 4 5 6 7 8 9 10 11\n 8 1 cciss/c0d0 1 2 3 4 5 6 7 8 "
		"9 10 11\n 8 2 . 1 2 3 4 5 6 7 8 9 10 11\n 8 3 sdb 1 2 3 4 5 6 7 8 9 10 11\n"
		" 8 4 sdc 1 2 3 4 5 6 7 8");
	devices_find_disks(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	assert_int_equal(w->inventory->n_disks, 1);
	assert_string_equal(w->inventory->disks[0].name, "sdb");
}

static void nothing_is_there(void **state)
{
	struct world *w = *state;

	strcpy(w->text, " 8 0 sda 1 2 3 4 5 6 7 8 9 10 11\n"); /* of another file */
	devices_find_disks(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	strcpy(w->text, "eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n");
	devices_find_nics(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	devices_find_frequencies(w->inventory, &w->files, w->before, w->text, sizeof(w->text));
	assert_int_equal(w->inventory->n_disks, 0);
	assert_int_equal(w->inventory->n_nics, 0);
	assert_true(w->inventory->freq_now == ABSENT && w->inventory->freq_min == ABSENT &&
		    w->inventory->freq_max == ABSENT);
}

/* ---- interfaces ---- */

static void netdev(struct world *w, const char *file, const char *const *names)
{
	char text[8192] = "Inter-|   Receive\n face |bytes\n";

	for (; *names; names++)
		sprintf(text + strlen(text), "%6s: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
			*names);
	fake_write(&w->proc, file, text);
}

static const struct host_nic *nic(struct world *w, const char *name)
{
	for (unsigned n = 0; n < w->inventory->n_nics; n++)
		if (!strcmp(w->inventory->nics[n].name, name))
			return &w->inventory->nics[n];
	return NULL;
}

static const char *const some_nics[] = {
	"lo",    "eth0",      "enp3s0f0v1", "vmbr0", "bond0",    "tap100i0", "vnet0",
	"veth1", "fwbr100i0", "macvtap0",   "mytun", "eth0.100", NULL};

static void interfaces_with_sysfs(struct world *w)
{
	netdev(w, "1/net/dev", some_nics);
	fake_mkdir(&w->sys, "class/net/eth0/device");
	fake_write(&w->sys, "class/net/eth0/speed", "25000\n");
	/* a virtual function: its traffic is in its parent's counters already */
	fake_mkdir(&w->sys, "class/net/enp3s0f0v1/device/physfn");
	fake_write(&w->sys, "class/net/vmbr0/speed", "10000\n");
	fake_write(&w->sys, "class/net/bond0/speed", "-1\n");
	fake_write(&w->sys, "class/net/mytun/tun_flags", "0x1002\n");
	fake_mkdir(&w->sys, "class/net/eth0.100");
}

static void interfaces(void **state)
{
	static const struct {
		const char *name;
		bool there, counted;
		uint64_t speed;
	} want[] = {
		{"eth0", true, true, 25000},    {"enp3s0f0v1", true, false, ABSENT},
		{"vmbr0", true, false, 10000},  {"bond0", true, false, ABSENT},
		{"lo", false, false, 0},        {"tap100i0", false, false, 0},
		{"vnet0", false, false, 0},     {"veth1", false, false, 0},
		{"fwbr100i0", false, false, 0}, {"macvtap0", false, false, 0},
		{"mytun", false, false, 0},     {"eth0.100", true, false, ABSENT},
	};
	struct world *w = *state;

	interfaces_with_sysfs(w);
	devices_find_nics(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	for (size_t i = 0; i < sizeof(want) / sizeof(*want); i++) {
		const struct host_nic *n = nic(w, want[i].name);

		if (!n != !want[i].there)
			fail_msg("%s is %s", want[i].name, n ? "there" : "not there");
		if (n && (n->counted != want[i].counted || n->speed != want[i].speed || !n->shown))
			fail_msg("%s: %scounted, speed %llu", want[i].name,
				 n->counted ? "" : "not ", (unsigned long long)n->speed);
	}
}

/* --netdev: those and nothing else make the sum, also a tap or a bridge. */
static void named_interfaces(void **state)
{
	struct world *w = *state;

	interfaces_with_sysfs(w);
	devices_find_nics(w->inventory, &w->files, "vmbr0,tap100i0", w->text, sizeof(w->text));
	assert_true(nic(w, "vmbr0")->counted);
	assert_true(nic(w, "tap100i0")->counted);
	assert_false(nic(w, "eth0")->counted);
	assert_null(nic(w, "vnet0"));
}

/* Another network namespace than sysfs shows: only names are left. */
static void interfaces_by_name(void **state)
{
	static const char *const physical[] = {"eth0", "enp3s0f0v1"};
	struct world *w = *state;
	unsigned counted = 0;

	netdev(w, "1/net/dev", some_nics);
	devices_find_nics(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	for (size_t i = 0; i < 2; i++)
		assert_true(nic(w, physical[i])->counted);
	for (unsigned n = 0; n < w->inventory->n_nics; n++)
		counted += w->inventory->nics[n].counted &&
			   strcmp(w->inventory->nics[n].name, "mytun");
	assert_int_equal(counted, 2);
	assert_false(nic(w, "eth0.100")->counted);
	assert_false(nic(w, "bond0")->counted);
}

/* PID 1's, for self is a container's; only without it the other. */
static void whose_interfaces(void **state)
{
	static const char *const host[] = {"eth7", NULL}, *const own[] = {"eth8", NULL};
	struct world *w = *state;
	struct held h;

	netdev(w, "net/dev", own);
	devices_find_nics(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	assert_non_null(nic(w, "eth8"));
	netdev(w, "1/net/dev", host);
	inventory_free(w->inventory);
	w->inventory = inventory_new();
	devices_find_nics(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
	assert_non_null(nic(w, "eth7"));
	assert_null(nic(w, "eth8"));
	assert_int_equal(host_netdev_open(&w->files, &h), 0);
	assert_true(held_read_all(&h, w->text, sizeof(w->text)) > 0);
	assert_non_null(strstr(w->text, "eth7"));
	held_close(&w->files, &h);
	fake_remove(&w->proc, "1");
	assert_int_equal(host_netdev_open(&w->files, &h), 0);
	held_read_all(&h, w->text, sizeof(w->text));
	assert_non_null(strstr(w->text, "eth8"));
	held_close(&w->files, &h);
	fake_remove(&w->proc, "net");
	assert_int_equal(host_netdev_open(&w->files, &h), -ENOENT);
}

static void odd_speeds(void **state)
{
	static const struct {
		const char *text;
		uint64_t want;
	} cases[] = {{"0\n", 0},           {"400000\n", 400000},     {"-1\n", ABSENT},
		     {"", ABSENT},         {"4294967295\n", ABSENT}, /* -1 of old kernels */
		     {"unknown\n", ABSENT}};
	static const char *const names[] = {"eth0", NULL};
	struct world *w = *state;

	netdev(w, "1/net/dev", names);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		fake_write(&w->sys, "class/net/eth0/speed", cases[i].text);
		inventory_free(w->inventory);
		w->inventory = inventory_new();
		devices_find_nics(w->inventory, &w->files, NULL, w->text, sizeof(w->text));
		if (nic(w, "eth0")->speed != cases[i].want)
			fail_msg("'%s' is %llu", cases[i].text,
				 (unsigned long long)nic(w, "eth0")->speed);
	}
}

static void network_namespaces(void **state)
{
	struct world *w = *state;

	fake_link(&w->proc, "net:[4026531840]", "42/ns/net");
	fake_link(&w->proc, "mnt:[4026531841]", "43/ns/net");
	fake_link(&w->proc, "net:[]", "44/ns/net");
	assert_true(netns_of(&w->files, 42) == 4026531840);
	assert_true(netns_of(&w->files, 43) == 0);
	assert_true(netns_of(&w->files, 44) == 0);
	assert_true(netns_of(&w->files, 45) == 0);
}

/* ---- frequencies ---- */

static void cpu(struct world *w, unsigned n, const char *now, const char *low, const char *high)
{
	char name[80];

	snprintf(name, sizeof(name), "devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq", n);
	fake_write(&w->sys, name, now);
	snprintf(name, sizeof(name), "devices/system/cpu/cpu%u/cpufreq/cpuinfo_min_freq", n);
	fake_write(&w->sys, name, low);
	snprintf(name, sizeof(name), "devices/system/cpu/cpu%u/cpufreq/cpuinfo_max_freq", n);
	fake_write(&w->sys, name, high);
}

static void frequencies(void **state)
{
	struct world *w = *state;

	cpu(w, 0, "2000000\n", "800000\n", "3600000\n");
	cpu(w, 1, "3000500\n", "800000\n", "3600000\n");
	/* 2 is off line; 3 is an efficient one; 4 says nothing */
	fake_mkdir(&w->sys, "devices/system/cpu/cpu2");
	cpu(w, 3, "1000000\n", "400000\n", "2400000\n");
	cpu(w, 4, "", "", "");
	fake_mkdir(&w->sys, "devices/system/cpu/cpufreq");
	fake_mkdir(&w->sys, "devices/system/cpu/cpuidle");
	fake_write(&w->proc, "cpuinfo", "processor\t: 0\ncpu MHz\t\t: 1.0\n");
	devices_find_frequencies(w->inventory, &w->files, w->before, w->text, sizeof(w->text));
	/* (2000 + 3000.5 + 1000) / 3 = 2000.17; (800 + 800 + 400) / 3 = 666.7 */
	assert_int_equal(w->inventory->freq_now, 2000);
	assert_int_equal(w->inventory->freq_min, 667);
	assert_int_equal(w->inventory->freq_max, 3200);
	/* The limits of a CPU do not change: they are taken from before. */
	w->before->freq_min = 700;
	w->before->freq_max = 3300;
	devices_find_frequencies(w->inventory, &w->files, w->before, w->text, sizeof(w->text));
	assert_int_equal(w->inventory->freq_now, 2000);
	assert_int_equal(w->inventory->freq_min, 700);
	assert_int_equal(w->inventory->freq_max, 3300);
}

static void frequencies_of_cpuinfo(void **state)
{
	struct world *w = *state;

	fake_mkdir(&w->sys, "devices/system/cpu/cpu0");
	fake_write(&w->proc, "cpuinfo",
		   "processor\t: 0\nmodel name\t: x cpu MHz: 9999\ncpu MHz\t\t: 2596.126\n\n"
		   "processor\t: 1\ncpu MHz\t\t: 2599.874\n\nprocessor\t: 2\ncpu MHz\t\t: 0.000\n"
		   "processor\t: 3\ncpu MHz\t\t: 1e99\nprocessor\t: 4\ncpu MHz");
	devices_find_frequencies(w->inventory, &w->files, w->before, w->text, sizeof(w->text));
	assert_int_equal(w->inventory->freq_now, 2598);
	assert_true(w->inventory->freq_min == ABSENT);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_in_lists), cmocka_unit_test(plain_names),
		TEST(classes_of_disks),           TEST(named_disks),
		TEST(disks_without_sysfs),        TEST(hostile_diskstats),
		TEST(nothing_is_there),           TEST(interfaces),
		TEST(named_interfaces),           TEST(interfaces_by_name),
		TEST(whose_interfaces),           TEST(odd_speeds),
		TEST(network_namespaces),         TEST(frequencies),
		TEST(frequencies_of_cpuinfo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
