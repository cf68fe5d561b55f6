/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines as Proxmox VE (old and new block layout), libvirt and people write
 * them, and ones that are cut, hostile or too large. */
#include "qemu_cmdline.h"

#include "xalloc.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab3101"

/* Arguments separated by blanks in the test's text; '~' stands for a blank inside one. */
static bool parse(const char *text, struct qemu_cmdline *c)
{
	size_t n = strlen(text) + 1;
	char *buf = xstrdup(text);
	bool ok;

	for (size_t i = 0; i < n; i++) {
		if (buf[i] == ' ')
			buf[i] = '\0';
		else if (buf[i] == '~')
			buf[i] = ' ';
	}
	ok = qemu_cmdline_parse(buf, n, c);
	free(buf);
	return ok;
}

static void same(const char *what, const char *have, const char *want)
{
	if ((!have && !want) || (have && want && !strcmp(have, want)))
		return;
	fail_msg("%s is %s, not %s", what, have ? have : "(none)", want ? want : "(none)");
}

static void test_proxmox_old(void **state)
{
	struct qemu_cmdline c;

	(void)state;
	assert_true(parse(
		"/usr/bin/kvm -id 100 -name web01,debug-threads=on -no-shutdown -chardev "
		"socket,id=qmp,path=/var/run/qemu-server/100.qmp,server=on,wait=off -mon "
		"chardev=qmp,mode=control -chardev socket,id=qmp-event,path=/var/run/qmeventd.sock,"
		"reconnect=5 -mon chardev=qmp-event,mode=control -pidfile "
		"/var/run/qemu-server/100.pid -daemonize -smbios type=1,uuid=" UUID
		" -smp 4,sockets=2,cores=2,maxcpus=8 -nodefaults -vnc unix:/x,password=on -m "
		"size=2G,slots=255,maxmem=4G -object iothread,id=iothread-virtioscsi0 -drive "
		"file=/dev/pve/vm-100-disk-0,if=none,id=drive-scsi0,format=raw,cache=none -device "
		"scsi-hd,bus=virtioscsi0.0,scsi-id=0,drive=drive-scsi0,id=scsi0,bootindex=100 "
		"-drive if=none,id=drive-ide2,media=cdrom,aio=io_uring -device "
		"ide-cd,bus=ide.1,drive=drive-ide2,id=ide2 -drive "
		"if=pflash,unit=0,format=raw,readonly=on,file=/usr/share/OVMF_CODE.fd -drive "
		"if=pflash,unit=1,id=drive-efidisk0,format=raw,file=/dev/pve/vm-100-disk-1 "
		"-netdev type=tap,id=net0,ifname=tap100i0,script=/var/lib/pve-bridge,vhost=on "
		"-device virtio-net-pci,mac=BC:24:11:00:00:01,netdev=net0,id=net0",
		&c));
	same("uuid", c.uuid, UUID);
	same("name", c.name, "web01");
	same("pidfile", c.pidfile, "/var/run/qemu-server/100.pid");
	assert_int_equal(c.vmid, 100);
	assert_int_equal(c.vcpus, 4);
	assert_int_equal(c.memory_kib, 2u << 20);
	assert_false(c.incoming);
	assert_int_equal(c.n_qmp, 1); /* the event monitor dials out: no server */
	same("qmp", c.qmp[0], "/var/run/qemu-server/100.qmp");
	assert_int_equal(c.n_disks, 3); /* flash without an id has no name */
	same("disk 0", c.disks[0].name, "scsi0");
	same("drive 0", c.disks[0].drive, "drive-scsi0");
	same("file 0", c.disks[0].file, "/dev/pve/vm-100-disk-0");
	assert_false(c.disks[0].cdrom);
	same("disk 1", c.disks[1].name, "ide2");
	assert_true(c.disks[1].cdrom);
	same("file 1", c.disks[1].file, NULL);
	same("disk 2", c.disks[2].name, "drive-efidisk0");
	assert_true(c.disks[2].firmware);
	assert_int_equal(c.n_nics, 1);
	same("tap", c.nics[0].ifname, "tap100i0");
	same("mac", c.nics[0].mac, "bc:24:11:00:00:01");
	qemu_cmdline_fini(&c);
}

static void test_proxmox_new(void **state)
{
	struct qemu_cmdline c;

	(void)state;
	assert_true(parse(
		"/usr/bin/kvm -id 7 -object throttle-group,id=throttle-drive-scsi0 -blockdev "
		"{\"detect-zeroes\":\"on\",\"driver\":\"throttle\",\"file\":{\"cache\":{\"direct\":"
		"true},\"driver\":\"qcow2\",\"file\":{\"aio\":\"io_uring\",\"driver\":\"file\","
		"\"filename\":\"/var/lib/vz/images/7/vm-7-disk-0.qcow2\",\"node-name\":\"e1\"},"
		"\"node-name\":\"f1\"},\"node-name\":\"drive-scsi0\"} -device "
		"scsi-hd,drive=drive-scsi0,id=scsi0 -blockdev "
		"{\"driver\":\"throttle\",\"file\":{\"driver\":\"raw\",\"file\":{\"driver\":"
		"\"rbd\","
		"\"pool\":\"ceph\",\"image\":\"vm-7-disk-1\"}},\"node-name\":\"drive-virtio1\"} "
		"-device virtio-blk-pci,drive=drive-virtio1,id=virtio1 -blockdev "
		"{\"driver\":\"raw\",\"file\":{\"driver\":\"file\",\"filename\":\"/efi\"},"
		"\"node-name\":\"drive-efidisk0\"} -machine pflash1=drive-efidisk0 -device "
		"ide-cd,bus=ide.1,id=ide2 -incoming tcp:10.0.0.1:60000",
		&c));
	assert_int_equal(c.n_disks, 3);
	same("file 0", c.disks[0].file, "/var/lib/vz/images/7/vm-7-disk-0.qcow2");
	same("disk 1", c.disks[1].name, "virtio1");
	same("file 1", c.disks[1].file, "rbd:ceph/vm-7-disk-1");
	same("drive 2", c.disks[2].drive, "drive-efidisk0");
	same("file 2", c.disks[2].file, "/efi");
	assert_true(c.disks[2].firmware);
	assert_true(c.incoming);
	qemu_cmdline_fini(&c);
}

static void test_libvirt(void **state)
{
	struct qemu_cmdline c;

	(void)state;
	assert_true(parse(
		"/usr/bin/qemu-system-x86_64 -name guest=vm1,debug-threads=on -S -object "
		"{\"qom-type\":\"secret\",\"id\":\"masterKey0\"} -machine pc-i440fx-7.2 -m 192 "
		"-smp "
		"2,sockets=2,cores=1,threads=1 -uuid 4DEA22B3-1D52-D8F3-2516-782E98AB3101 -chardev "
		"socket,id=charmonitor,fd=27,server=on,wait=off -mon "
		"chardev=charmonitor,id=monitor,mode=control -blockdev "
		"{\"driver\":\"file\",\"filename\":\"/img/"
		"vm1.raw\",\"node-name\":\"libvirt-1-storage\"}"
		" -blockdev {\"node-name\":\"libvirt-1-format\",\"driver\":\"raw\",\"file\":"
		"\"libvirt-1-storage\"} -device {\"driver\":\"virtio-blk-pci\",\"drive\":"
		"\"libvirt-1-format\",\"id\":\"virtio-disk0\",\"bootindex\":1} -netdev "
		"{\"type\":\"tap\",\"fd\":\"29\",\"id\":\"hostnet0\"} -device "
		"{\"driver\":\"virtio-net-pci\",\"netdev\":\"hostnet0\",\"id\":\"net0\",\"mac\":"
		"\"52:54:00:AA:bb:01\"}",
		&c));
	same("uuid", c.uuid, UUID);
	same("name", c.name, "vm1");
	assert_int_equal(c.memory_kib, 192u << 10);
	assert_int_equal(c.vcpus, 2);
	assert_int_equal(c.n_qmp, 0);
	assert_int_equal(c.n_disks, 1);
	same("disk", c.disks[0].name, "virtio-disk0");
	same("file", c.disks[0].file, "/img/vm1.raw");
	assert_int_equal(c.n_nics, 1);
	same("tap", c.nics[0].ifname, NULL);
	same("mac", c.nics[0].mac, "52:54:00:aa:bb:01");
	qemu_cmdline_fini(&c);
}

static void test_by_hand(void **state)
{
	struct qemu_cmdline c;

	(void)state;
	assert_true(parse("qemu-system-aarch64 --name a,,b~c,process=x --enable-kvm -m 1.5G -smp "
			  "sockets=2,cores=3 -hda /a.img -cdrom /b.iso -drive "
			  "file=/c,,d.qcow2,if=virtio -drive file=/e,if=virtio "
			  "-qmp unix:/run/a.sock,server,nowait -nic "
			  "tap,ifname=tap0,script=no,mac=52:54:00:00:00:01 -nic none -netdev "
			  "user,id=u0 -device e1000,netdev=u0 /last.img",
			  &c));
	same("name", c.name, "a,b c");
	assert_int_equal(c.memory_kib, 3u << 19);
	assert_int_equal(c.vcpus, 6);
	assert_int_equal(c.n_disks, 4);
	same("disk 0", c.disks[0].name, "ide0-hd0");
	assert_true(c.disks[1].cdrom);
	same("disk 2", c.disks[2].name, "virtio0");
	same("file 2", c.disks[2].file, "/c,d.qcow2");
	same("disk 3", c.disks[3].name, "virtio1");
	assert_int_equal(c.n_qmp, 1);
	same("qmp", c.qmp[0], "/run/a.sock");
	assert_int_equal(c.n_nics, 2);
	same("tap", c.nics[0].ifname, "tap0");
	same("mac", c.nics[0].mac, "52:54:00:00:00:01");
	same("user", c.nics[1].ifname, NULL);
	qemu_cmdline_fini(&c);
}

static void test_who_is_qemu(void **state)
{
	static const struct {
		const char *program;
		bool is;
	} cases[] = {
		{"kvm", true},
		{"/usr/bin/kvm", true},
		{"/usr/libexec/qemu-kvm", true},
		{"/opt/x/qemu-system-x86_64", true},
		{"qemu-system-mips64el", true},
		{"qemu-system-", false},
		{"kvmtop", false},
		{"notkvm", false},
		{"kvm/x", false},
		{"qemu-img", false},
		{"qemu-system-x86_64:~x", false},
		{"", false},
		{"/usr/bin/", false},
		{"vim kvm", false},
		{"/bin/sh /usr/bin/kvm -id 100", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct qemu_cmdline c;

		if (parse(cases[i].program, &c) != cases[i].is)
			fail_msg("%s: taken for %s QEMU", cases[i].program,
				 cases[i].is ? "no" : "a");
		qemu_cmdline_fini(&c);
	}
}

/* Values that look like options, and options that only contain the ones meant. */
static void test_no_substrings(void **state)
{
	struct qemu_cmdline c;

	(void)state;
	assert_true(parse("kvm -append -id -name x,uuid=" UUID " -smbios type=3,uuid=" UUID
			  " -xid 5 -idx 6 -device virtio-net-pci,id=-uuid -fw_cfg -uuid -uuid " UUID
			  "0 -append ~-uuid~" UUID " -id 12x",
			  &c));
	same("uuid", c.uuid, NULL);
	same("name", c.name, "x");
	assert_int_equal(c.vmid, 0);
	qemu_cmdline_fini(&c);

	assert_true(parse("kvm -id 99999999999 -smp 9999999 -m 99999999999999999999E -uuid x", &c));
	assert_int_equal(c.vmid, 0);
	assert_int_equal(c.vcpus, 0);
	assert_int_equal(c.memory_kib, 0);
	qemu_cmdline_fini(&c);

	/* the last one counts, also when it makes no sense */
	assert_true(parse("kvm -uuid " UUID " -uuid 4dea22b3 -m 1x -id 5 -id 6", &c));
	same("uuid", c.uuid, NULL);
	assert_int_equal(c.memory_kib, 0);
	assert_int_equal(c.vmid, 6);
	qemu_cmdline_fini(&c);

	/* block nodes that name each other for ever */
	assert_true(parse("kvm -blockdev raw,node-name=a,file=b -blockdev raw,node-name=b,file=a "
			  "-device x,drive=a,id=d",
			  &c));
	assert_int_equal(c.n_disks, 1);
	same("file", c.disks[0].file, NULL);
	qemu_cmdline_fini(&c);
}

/* Every cut of a real one: no fault, and what is there is whole. */
static void test_cut(void **state)
{
	static const char text[] =
		"kvm\0-id\0"
		"123\0-name\0web01\0-uuid\0" UUID "\0-blockdev\0{\"node-name\":\"n\","
		"\"driver\":\"file\",\"filename\":\"/"
		"f\"}\0-device\0{\"driver\":\"x\",\"drive\":\"n\","
		"\"id\":\"d\"}\0-netdev\0tap,id=n0,ifname=t0\0-m\0"
		"192";
	size_t n = sizeof(text);

	(void)state;
	for (size_t cut = 0; cut <= n; cut++) {
		char *buf = xcalloc(1, cut + 1);
		struct qemu_cmdline c;
		bool ok;

		memcpy(buf, text, cut);
		buf = xrealloc(buf, cut ? cut : 1, 1); /* no spare byte behind it */
		ok = qemu_cmdline_parse(buf, cut, &c);
		if (ok != (cut >= 4))
			fail_msg("cut at %zu: taken for %s QEMU", cut, ok ? "a" : "no");
		if (c.vmid && c.vmid != 123)
			fail_msg("cut at %zu: -id %u", cut, c.vmid);
		if (c.name)
			same("name", c.name, "web01");
		if (c.uuid)
			same("uuid", c.uuid, UUID);
		if (c.memory_kib && cut != n)
			fail_msg("cut at %zu: memory of a cut argument", cut);
		qemu_cmdline_fini(&c);
		free(buf);
	}
}

static void test_too_much(void **state)
{
	size_t room = 300u << 10, used = 0;
	char *buf = xcalloc(1, room);
	struct qemu_cmdline c;

	(void)state;
	memcpy(buf, "kvm", 4);
	for (used = 4; used + 64 < room;)
		used += (size_t)snprintf(buf + used, room - used, "-drive%cfile=/f,id=d%zu", 0,
					 used) +
			1;
	assert_true(qemu_cmdline_parse(buf, used, &c));
	assert_int_equal(c.n_disks, QEMU_DISKS_MAX);
	qemu_cmdline_fini(&c);

	/* one argument with 100,000 parts, and JSON nested deeper than is followed */
	memset(buf, ',', room);
	for (size_t i = 10; i < 100000; i += 2)
		buf[i] = 'x';
	memcpy(buf, "kvm\0-device", 12);
	buf[100000] = '\0';
	assert_true(qemu_cmdline_parse(buf, 100001, &c));
	qemu_cmdline_fini(&c);

	memcpy(buf, "kvm\0-blockdev", 14);
	used = 14;
	for (unsigned i = 0; i < 1000; i++) {
		memcpy(buf + used, "{\"file\":", 8);
		used += 8;
	}
	memcpy(buf + used, "{}", 2);
	used += 2;
	memset(buf + used, '}', 1000);
	used += 1000;
	buf[used++] = '\0';
	assert_true(qemu_cmdline_parse(buf, used, &c));
	assert_int_equal(c.n_disks, 0);
	qemu_cmdline_fini(&c);
	free(buf);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proxmox_old), cmocka_unit_test(test_proxmox_new),
		cmocka_unit_test(test_libvirt),     cmocka_unit_test(test_by_hand),
		cmocka_unit_test(test_who_is_qemu), cmocka_unit_test(test_no_substrings),
		cmocka_unit_test(test_cut),         cmocka_unit_test(test_too_much),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
