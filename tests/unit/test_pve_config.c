/* SPDX-License-Identifier: Apache-2.0 */
/* Proxmox VE configurations: usual ones, odd ones, and ones cut at each byte. */
#include "pve_config.h"

#include "xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab3101"

static const char usual[] =
	"#Web frontend%3A first\n"
	"#name%3A not this one\n"
	"agent: 1\n"
	"balloon: 128\n"
	"boot: order=scsi0;net0\n"
	"cores: 2\n"
	"efidisk0: local-lvm:vm-100-disk-1,efitype=4m,size=4M\n"
	"ide0: local-lvm:vm-100-cloudinit,media=cdrom\n"
	"ide2: none,media=cdrom\n"
	"memory: 192\n"
	"name: web01\n"
	"net0: virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1,tag=5\n"
	"net3: model=e1000,macaddr=BC:24:11:00:00:AF,bridge=vmbr1\n"
	"net4: rtl8139=BC:24:11:00:00:02\n"
	"ostype: l26\n"
	"scsi0: local-lvm:vm-100-disk-0,iothread=1,size=64M\n"
	"scsi1: size=1.5G,file=/dev/disk/by-id/x,backup=0\n"
	"scsi30: ceph:vm-100-disk-9,size=2T\n"
	"scsihw: virtio-scsi-single\n"
	"smbios1: manufacturer=QUJD,uuid=4DEA22B3-1D52-D8F3-2516-782E98AB3101,base64=1\n"
	"sockets: 3\n"
	"tags: prod;web\n"
	"tpmstate0: local-lvm:vm-100-disk-3,size=4M,version=v2.0\n"
	"unused0: local-lvm:vm-100-disk-7\n"
	"vmgenid: 00000000-0000-0000-0000-000000000001\n"
	"\n"
	"[PENDING]\n"
	"cores: 8\n"
	"name: pending\n"
	"\n"
	"[snap1]\n"
	"lock: snapshot\n"
	"memory: 128\n"
	"scsi5: local-lvm:vm-100-disk-5,size=1G\n";

static void same(const char *what, const char *have, const char *want)
{
	if ((!have && !want) || (have && want && !strcmp(have, want)))
		return;
	fail_msg("%s is %s, not %s", what, have ? have : "(none)", want ? want : "(none)");
}

static void check_usual(const char *text, size_t n)
{
	static const struct {
		const char *name, *volume;
		uint64_t size;
	} disks[] = {
		{"efidisk0", "local-lvm:vm-100-disk-1", 4u << 20},
		{"scsi0", "local-lvm:vm-100-disk-0", 64u << 20},
		{"scsi1", "/dev/disk/by-id/x", 3ull << 29},
		{"scsi30", "ceph:vm-100-disk-9", 2ull << 40},
		{"tpmstate0", "local-lvm:vm-100-disk-3", 4u << 20},
	};
	struct pve_config c;

	pve_config_parse(text, n, &c);
	same("name", c.name, "web01");
	same("tags", c.tags, "prod;web");
	same("lock", c.lock, NULL);
	same("ostype", c.ostype, "l26");
	same("uuid", c.uuid, UUID);
	assert_int_equal(pve_config_vcpus(&c), 6);
	assert_int_equal(c.memory_kib, 192 << 10);
	assert_false(c.no_balloon);
	assert_int_equal(c.n_disks, 5);
	for (unsigned i = 0; i < 5; i++) {
		same("disk", c.disks[i].name, disks[i].name);
		same(disks[i].name, c.disks[i].volume, disks[i].volume);
		if (c.disks[i].size != disks[i].size)
			fail_msg("%s has %llu bytes", disks[i].name,
				 (unsigned long long)c.disks[i].size);
	}
	assert_int_equal(c.n_nics, 3);
	same("net0 mac", c.nics[0].mac, "bc:24:11:00:00:01");
	same("net0 bridge", c.nics[0].bridge, "vmbr0");
	assert_int_equal(c.nics[1].index, 3);
	same("net3 mac", c.nics[1].mac, "bc:24:11:00:00:af");
	same("net4 mac", c.nics[2].mac, "bc:24:11:00:00:02");
	same("net4 bridge", c.nics[2].bridge, NULL);
	pve_config_fini(&c);
}

static void test_usual(void **state)
{
	size_t n = sizeof(usual) - 1, used = 0;
	char *crlf = xcalloc(2, n);

	(void)state;
	check_usual(usual, n);
	for (size_t i = 0; i < n; i++) {
		if (usual[i] == '\n')
			crlf[used++] = '\r';
		crlf[used++] = usual[i];
	}
	check_usual(crlf, used);
	free(crlf);
}

static void parse(const char *text, struct pve_config *c)
{
	pve_config_parse(text, strlen(text), c);
}

static void test_variants(void **state)
{
	struct pve_config c;

	(void)state;
	parse("memory: current=4096\nvcpus: 3\ncores: 4\nlock: backup\nballoon: 0\n", &c);
	assert_int_equal(c.memory_kib, 4096 << 10);
	assert_int_equal(pve_config_vcpus(&c), 3);
	same("lock", c.lock, "backup");
	assert_true(c.no_balloon);
	same("name", c.name, NULL);
	pve_config_fini(&c);

	parse("", &c);
	assert_int_equal(pve_config_vcpus(&c), 1);
	assert_int_equal(c.memory_kib, 0);
	pve_config_fini(&c);

	/* the section may be the very first line, and its header may be cut */
	parse("[PEND\nname: x\n", &c);
	same("name", c.name, NULL);
	pve_config_fini(&c);

	/* no line end at the end of the file; blanks around values */
	parse("tags:  a b \nname:\tlast", &c);
	same("tags", c.tags, "a b");
	same("name", c.name, "last");
	pve_config_fini(&c);

	/* names with anything in them stay as they are */
	parse("name: \"q\"uote: \xff\x01 \xc3\xa4[x]\n", &c);
	same("name", c.name, "\"q\"uote: \xff\x01 \xc3\xa4[x]");
	pve_config_fini(&c);
}

static void test_odd(void **state)
{
	static const struct {
		const char *line;
		unsigned disks, nics;
	} cases[] = {
		{"scsi31: x:y,size=1G\n", 0, 0},
		{"scsi01: x:y\n", 0, 0},
		{"scsi: x:y\n", 0, 0},
		{"scsi100: x:y\n", 0, 0},
		{"scsi1x: x:y\n", 0, 0},
		{"xscsi1: x:y\n", 0, 0},
		{"efidisk1: x:y\n", 0, 0},
		{"scsihw: x:y\n", 0, 0},
		{"scsi0:\n", 0, 0},
		{"scsi0: size=5G\n", 0, 0},
		{"scsi0: ,,,\n", 0, 0},
		{"sata0: cdrom,media=cdrom\n", 0, 0},
		{"scsi0: a:b\nscsi0: a:c\n", 1, 0},
		{"net32: virtio=BC:24:11:00:00:01\n", 0, 0},
		{"net0: virtio=BC:24:11:00:00:0g,bridge=\n", 0, 1},
		{"net1: virtio\nnet1: bridge=b\n", 0, 1},
		{": : :\n::\n:\n \n=\n", 0, 0},
	};
	char zero[] = "name: a\0b\ntags: t\n";
	struct pve_config c;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		parse(cases[i].line, &c);
		if (c.n_disks != cases[i].disks || c.n_nics != cases[i].nics)
			fail_msg("%s gives %u disks and %u NICs", cases[i].line, c.n_disks,
				 c.n_nics);
		pve_config_fini(&c);
	}
	parse("scsi0: a:b,size=9999999999999999999G\nscsi1: a:b,size=x\nscsi2: a:b,size=5g\n"
	      "scsi3: a:b,size=.5G\nscsi4: a:b,size=512\nmemory: 99999999999\ncores: -1\n"
	      "smbios1: uuid=4dea22b3\n",
	      &c);
	for (unsigned i = 0; i < 4; i++) {
		if (c.disks[i].size)
			fail_msg("%s has a size", c.disks[i].name);
	}
	assert_int_equal(c.disks[4].size, 512);
	assert_int_equal(c.memory_kib, 0);
	assert_int_equal(c.cores, 0);
	same("uuid", c.uuid, NULL);
	pve_config_fini(&c);

	pve_config_parse(zero, sizeof(zero) - 1, &c);
	same("name with a NUL", c.name, NULL);
	same("tags", c.tags, "t");
	pve_config_fini(&c);
}

/* Cut anywhere (a write in progress) and with any one byte changed: never a fault. */
static void test_cut(void **state)
{
	size_t n = sizeof(usual) - 1;

	(void)state;
	for (size_t end = 0; end <= n; end++) {
		char *buf = xcalloc(1, end ? end : 1);
		struct pve_config c;

		memcpy(buf, usual, end);
		pve_config_parse(buf, end, &c);
		if (c.n_disks > 5 || c.n_nics > 3)
			fail_msg("cut at %zu: %u disks, %u NICs", end, c.n_disks, c.n_nics);
		pve_config_fini(&c);
		for (unsigned b = 0; end && b < 256; b += 51) {
			buf[end - 1] = (char)b;
			pve_config_parse(buf, end, &c);
			pve_config_fini(&c);
		}
		free(buf);
	}
}

static void test_large(void **state)
{
	size_t n = 10u << 20;
	char *buf = xcalloc(1, n);
	struct pve_config c;

	(void)state;
	memset(buf, 'x', n);
	memcpy(buf, "name: ", 6);
	pve_config_parse(buf, n, &c);
	same("name of 10 MB", c.name, NULL);
	pve_config_fini(&c);

	buf[100000] = '\n';
	memcpy(buf + n - 8, "\ncores: 5", 8);
	pve_config_parse(buf, n, &c);
	assert_int_equal(strlen(c.name), PVE_VALUE_MAX);
	assert_int_equal(c.cores, 0);
	pve_config_fini(&c);
	free(buf);
}

static void test_cluster(void **state)
{
	static const char text[] =
		"logging {\n  debug: off\n}\nnodelist {\n  node {\n    cluster_name: "
		"no\n  }\n}\n# cluster_name: no\ntotem {\n  interface {\n    "
		"linknumber: 0\n cluster_name: no\n  }\n  cluster_name: lab 1\n}\n";
	size_t n = sizeof(text) - 1;
	char *name;

	(void)state;
	name = pve_cluster_name(text, n);
	same("cluster", name, "lab 1");
	free(name);
	for (size_t end = 0; end < n; end++) {
		name = pve_cluster_name(text, end);
		if (name && strncmp("lab 1", name, strlen(name)))
			fail_msg("cut at %zu: %s", end, name);
		free(name);
	}
	assert_null(pve_cluster_name("cluster_name: x\n}\n}\n", 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usual), cmocka_unit_test(test_variants),
		cmocka_unit_test(test_odd),   cmocka_unit_test(test_cut),
		cmocka_unit_test(test_large), cmocka_unit_test(test_cluster),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
