/* SPDX-License-Identifier: Apache-2.0 */
#include "domain_xml.h"

#include "xalloc.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define UUID "4dea22b3-1d52-d8f3-2516-782e98ab3001"
#define HEAD "<domain type='kvm' id='1'><name>vm1</name><uuid>" UUID "</uuid>"
#define TAIL "</domain>"

struct parsed {
	struct vm_desc d;
	struct domain_extra extra;
	int result;
};

static struct parsed parse(const char *xml)
{
	struct parsed p = {0};

	p.result = domain_xml_parse(xml, strlen(xml), &p.d, &p.extra);
	return p;
}

static struct parsed parse_devices(const char *devices)
{
	char *xml = xasprintf(HEAD "<devices>%s</devices>" TAIL, devices);
	struct parsed p = parse(xml);

	free(xml);
	assert_int_equal(p.result, 0);
	return p;
}

/* A running domain as libvirt 9 writes it, shortened. */
static const char live[] =
	"<domain type='qemu' id='1'>\n"
	"  <name>vm1</name>\n"
	"  <uuid>4DEA22B3-1d52-d8f3-2516-782e98ab3001</uuid>\n"
	"  <title>a title</title>\n"
	"  <metadata><x:name xmlns:x='urn:x'>not the name</x:name></metadata>\n"
	"  <memory unit='KiB'>196608</memory>\n"
	"  <currentMemory unit='KiB'>163840</currentMemory>\n"
	"  <vcpu placement='static' current='2'>4</vcpu>\n"
	"  <devices>\n"
	"    <emulator>/usr/bin/qemu-system-x86_64</emulator>\n"
	"    <disk type='file' device='disk'>\n"
	"      <driver name='qemu' type='qcow2'/>\n"
	"      <source file='/images/vm1.qcow2' index='2'/>\n"
	"      <backingStore type='file' index='3'><source file='/images/base.raw'/>\n"
	"        <target dev='not-a-disk'/></backingStore>\n"
	"      <target dev='vda' bus='virtio'/>\n"
	"    </disk>\n"
	"    <disk type='file' device='cdrom'>\n"
	"      <target dev='sda' bus='sata'/><readonly/>\n"
	"    </disk>\n"
	"    <interface type='bridge'>\n"
	"      <mac address='52:54:00:AA:bb:01'/>\n"
	"      <source bridge='br0'/>\n"
	"      <target dev='vnet0'/>\n"
	"      <model type='virtio'/>\n"
	"    </interface>\n"
	"    <memballoon model='virtio'><stats period='2'/></memballoon>\n"
	"  </devices>\n"
	"</domain>\n";

static void test_live(void **state)
{
	struct parsed p = parse(live);

	(void)state;
	assert_int_equal(p.result, 0);
	assert_string_equal(p.d.name, "vm1");
	assert_string_equal(p.d.uuid, UUID);
	assert_int_equal(p.d.cores, 2);
	assert_int_equal(p.d.memory_kib, 196608);
	assert_int_equal(p.extra.stats_period, 2);
	assert_int_equal(p.extra.left_out, 0);
	assert_int_equal(p.d.n_disks, 1);
	assert_string_equal(p.d.disks[0].name, "vda");
	assert_string_equal(p.d.disks[0].device, "/images/vm1.qcow2");
	assert_int_equal(p.d.n_nics, 1);
	assert_string_equal(p.d.nics[0].tap, "vnet0");
	assert_string_equal(p.d.nics[0].mac, "52:54:00:aa:bb:01");
	assert_string_equal(p.d.nics[0].bridge, "br0");
	assert_null(p.d.tags);
	vm_desc_fini(&p.d);
}

static void test_disks(void **state)
{
	static const struct {
		const char *xml, *device; /* device "-": the disk is not there, NULL: unknown */
	} cases[] = {
		{"<disk type='block' device='disk'><source dev='/dev/vg/lv'/>", "/dev/vg/lv"},
		{"<disk type='network' device='disk'><source protocol='rbd' name='pool/img'>"
		 "<host name='a' port='1'/></source>",
		 "rbd:pool/img"},
		{"<disk type='network' device='disk'><source protocol='nbd'/>", "nbd"},
		{"<disk type='volume' device='disk'><source pool='p' volume='v'/>", "p/v"},
		{"<disk type='vhostuser' device='disk'><source type='unix' path='/s'/>", "/s"},
		{"<disk type='nvme' device='disk'><source type='pci'/>", NULL},
		{"<disk type='file' device='cdrom'>", "-"},
		{"<disk type='file' device='floppy'>", "-"},
		{"<disk type='file' device='cdrom'><source startupPolicy='optional'/>", "-"},
		{"<disk type='file' device='cdrom'><source file='/a.iso'/>", "/a.iso"},
		{"<disk type='file'><source file='/x&amp;&quot;y'/>", "/x&\"y"},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *xml = xasprintf("%s<target dev='d'/></disk>", cases[i].xml);
		struct parsed p = parse_devices(xml);
		const char *got = p.d.n_disks ? p.d.disks[0].device : "-";

		if ((got && cases[i].device) ? strcmp(got, cases[i].device) != 0
					     : got != cases[i].device)
			fail_msg("case %u: %s gives %s", i, xml, got ? got : "(unknown)");
		free(xml);
		vm_desc_fini(&p.d);
	}
}

static void test_nics(void **state)
{
	static const struct {
		const char *xml, *tap, *mac, *bridge;
	} cases[] = {
		{"<interface type='network'><mac address='52:54:00:00:00:01'/>"
		 "<source network='default' portid='x' bridge='virbr0'/><target dev='vnet7'/>",
		 "vnet7", "52:54:00:00:00:01", "virbr0"},
		{"<interface type='user'><mac address='52:54:00:00:00:02'/>", NULL,
		 "52:54:00:00:00:02", NULL},
		{"<interface type='direct'><source dev='eth0' mode='bridge'/>"
		 "<target dev='macvtap0'/>",
		 "macvtap0", NULL, NULL},
		{"<interface type='hostdev'>", NULL, NULL, NULL},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *xml = xasprintf("%s</interface>", cases[i].xml);
		struct parsed p = parse_devices(xml);
		const char *got[3], *want[3] = {cases[i].tap, cases[i].mac, cases[i].bridge};

		if (p.d.n_nics != 1)
			fail_msg("case %u: %u interfaces", i, p.d.n_nics);
		got[0] = p.d.nics[0].tap;
		got[1] = p.d.nics[0].mac;
		got[2] = p.d.nics[0].bridge;
		for (unsigned k = 0; k < 3; k++)
			if ((got[k] && want[k]) ? strcmp(got[k], want[k]) != 0 : got[k] != want[k])
				fail_msg("case %u, field %u: %s", i, k, got[k] ? got[k] : "(none)");
		free(xml);
		vm_desc_fini(&p.d);
	}
}

static void test_numbers(void **state)
{
	static const struct {
		const char *xml;
		unsigned cores;
		uint64_t memory_kib;
	} cases[] = {
		{"<vcpu>3</vcpu><memory>1024</memory>", 3, 1024},
		{"<memory unit='MiB'>2</memory>", 0, 2048},
		{"<memory unit='bytes'>4096</memory>", 0, 4},
		{"<memory unit='GB'>1</memory>", 0, 976562},
		{"<memory unit='parsec'>1</memory>", 0, 0},
		{"<memory unit='TiB'>18446744073709551615</memory>", 0, 0},
		{"<memory>-5</memory><vcpu>-1</vcpu>", 0, 0},
		{"<vcpu>99999999999999999999</vcpu>", 0, 0},
		{"<vcpu>4294967297</vcpu>", 0, 0},
		{"<vcpu current='x'>4</vcpu>", 4, 0},
		{"<vcpu></vcpu><memory/>", 0, 0},
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *xml = xasprintf(HEAD "%s" TAIL, cases[i].xml);
		struct parsed p = parse(xml);

		if (p.result || p.d.cores != cases[i].cores ||
		    p.d.memory_kib != cases[i].memory_kib)
			fail_msg("case %u: %s: result %d, %u cores, %llu KiB", i, cases[i].xml,
				 p.result, p.d.cores, (unsigned long long)p.d.memory_kib);
		free(xml);
		vm_desc_fini(&p.d);
	}
}

static void test_odd_names(void **state)
{
	struct parsed p = parse("<domain><name>a&quot;&lt;b&gt;\xc3\xa9&#9;/../x</name><uuid>" UUID
				"</uuid></domain>");

	(void)state;
	assert_int_equal(p.result, 0);
	assert_string_equal(p.d.name, "a\"<b>\xc3\xa9\t/../x");
	vm_desc_fini(&p.d);
}

static void test_bounds(void **state)
{
	char *devices = xcalloc(1, 1 << 17);
	size_t used = 0;
	struct parsed p;

	(void)state;
	for (unsigned i = 0; i < VM_DISKS_MAX + 3; i++)
		used += (size_t)sprintf(devices + used,
					"<disk><source file='/%u'/><target dev='d%u'/></disk>", i,
					i);
	for (unsigned i = 0; i < VM_NICS_MAX + 2; i++)
		used += (size_t)sprintf(devices + used,
					"<interface><target dev='n%u'/></interface>", i);
	p = parse_devices(devices);
	assert_int_equal(p.d.n_disks, VM_DISKS_MAX);
	assert_int_equal(p.d.n_nics, VM_NICS_MAX);
	assert_int_equal(p.extra.left_out, 5);
	vm_desc_fini(&p.d);
	free(devices);
}

static void test_size(void **state)
{
	size_t n = DOMAIN_XML_MAX;
	char *xml = xcalloc(1, n + 2);
	struct vm_desc d = {0};
	struct domain_extra extra;

	(void)state;
	memset(xml, ' ', n + 1);
	memcpy(xml, HEAD, strlen(HEAD));
	memcpy(xml + n - strlen(TAIL), TAIL, strlen(TAIL));
	assert_int_equal(domain_xml_parse(xml, n, &d, &extra), 0);
	vm_desc_fini(&d);
	assert_int_equal(domain_xml_parse(xml, n + 1, &d, &extra), -EMSGSIZE);
	assert_null(d.name);
	free(xml);
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		" ",
		"no xml",
		"<domain/>",
		"<domain><name>x</name></domain>",
		"<domain><uuid>" UUID "</uuid></domain>",
		"<domain><name/><uuid>" UUID "</uuid></domain>",
		"<domain><name>x</name><uuid>short</uuid></domain>",
		"<network><name>x</name><uuid>" UUID "</uuid></network>",
		HEAD,
		HEAD "<devices>" TAIL,
		"<!DOCTYPE domain>" HEAD TAIL,
		"<!DOCTYPE domain SYSTEM 'file:///etc/passwd'>" HEAD TAIL,
		"<!DOCTYPE d [<!ENTITY e SYSTEM 'file:///etc/passwd'>]><domain><name>&e;</name>"
		"<uuid>" UUID "</uuid></domain>",
		"<!DOCTYPE d [<!ENTITY a 'xxxxxxxxxx'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;'>"
		"<!ENTITY c '&b;&b;&b;&b;&b;&b;&b;&b;'><!ENTITY e '&c;&c;&c;&c;&c;&c;&c;&c;'>]>"
		"<domain><name>&e;</name><uuid>" UUID "</uuid></domain>",
		"<domain><name>&undefined;</name><uuid>" UUID "</uuid></domain>",
		"<domain><name>\xff\xfe</name><uuid>" UUID "</uuid></domain>",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct parsed p = parse(cases[i]);

		if (p.result != -EBADMSG || p.d.name || p.d.uuid || p.d.n_disks)
			fail_msg("case %u: result %d for %s", i, p.result, cases[i]);
	}
}

/* Cut anywhere it is an error; nothing is left behind (a sanitizer would say so). */
static void test_cut(void **state)
{
	size_t end = sizeof(live) - sizeof("</domain>\n");

	(void)state;
	for (size_t n = 0; n <= end + 5; n++) {
		struct vm_desc d = {0};
		struct domain_extra extra;
		int r = domain_xml_parse(live, n, &d, &extra);

		if (r != -EBADMSG || d.name)
			fail_msg("cut after %zu bytes: %d", n, r);
	}
}

static void test_deep(void **state)
{
	char *xml = xcalloc(1, 700000), *p = xml;
	struct parsed parsed;

	(void)state;
	p += sprintf(p, HEAD);
	for (unsigned i = 0; i < 100000; i++)
		p += sprintf(p, "<a>");
	parsed = parse(xml);
	assert_int_equal(parsed.result, -EBADMSG);
	free(xml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),      cmocka_unit_test(test_disks),
		cmocka_unit_test(test_nics),      cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_odd_names), cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_size),      cmocka_unit_test(test_refused),
		cmocka_unit_test(test_cut),       cmocka_unit_test(test_deep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
