/* SPDX-License-Identifier: Apache-2.0 */
/* Which connector a host needs. */
#include "connector.h"

#include "capture.h"
#include "fakedir.h"
#include "log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void chosen_by_what_is_there(void **state)
{
	static const struct {
		const char *name;
		const char *there[3];
		enum connector forced;
		const char *connection;
		const struct source_ops *want;
		unsigned said;
	} cases[] = {
		{"nothing", {NULL}, CONNECT_AUTO, NULL, NULL, 1},
		{"a Proxmox VE host", {"etc/pve"}, CONNECT_AUTO, NULL, &source_proxmox, 0},
		{"only qm", {"usr/sbin/qm"}, CONNECT_AUTO, NULL, &source_proxmox, 0},
		{"libvirt's run directory",
		 {"run/libvirt"},
		 CONNECT_AUTO,
		 NULL,
		 &source_libvirt,
		 0},
		{"the old one", {"var/run/libvirt"}, CONNECT_AUTO, NULL, &source_libvirt, 0},
		{"libvirt that does not run yet",
		 {"etc/libvirt"},
		 CONNECT_AUTO,
		 NULL,
		 &source_libvirt,
		 0},
		{"both: Proxmox VE's own VMs",
		 {"run/libvirt", "etc/pve"},
		 CONNECT_AUTO,
		 NULL,
		 &source_proxmox,
		 0},
		{"both, libvirt wanted",
		 {"run/libvirt", "etc/pve"},
		 CONNECT_LIBVIRT,
		 NULL,
		 &source_libvirt,
		 0},
		{"both, a connection named",
		 {"run/libvirt", "etc/pve"},
		 CONNECT_AUTO,
		 "qemu+ssh://h/system",
		 &source_libvirt,
		 0},
		{"both, Proxmox VE wanted beside a connection",
		 {"run/libvirt", "etc/pve"},
		 CONNECT_PROXMOX,
		 "qemu:///system",
		 &source_proxmox,
		 0},
		{"nothing, Proxmox VE wanted", {NULL}, CONNECT_PROXMOX, NULL, &source_proxmox, 0},
		{"nothing, libvirt wanted", {NULL}, CONNECT_LIBVIRT, NULL, &source_libvirt, 0},
		{"nothing, a connection named",
		 {NULL},
		 CONNECT_AUTO,
		 "test:///default",
		 &source_libvirt,
		 0},
		{"names that only look alike",
		 {"etc/pve2", "run/libvirt-sock", "usr/bin/qm"},
		 CONNECT_AUTO,
		 NULL,
		 NULL,
		 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct source_ops *got, *again;
		struct fakedir dir;
		struct capture said;
		struct files f;
		unsigned n;

		fake_new(&dir);
		for (int t = 0; t < 3 && cases[i].there[t]; t++)
			fake_mkdir(&dir, cases[i].there[t]);
		files_init(&f, dir.path, dir.path, dir.path);
		log_over("no-connector", NULL);
		capture_begin(&said);
		got = connector_choose(cases[i].forced, &f, cases[i].connection);
		again = connector_choose(cases[i].forced, &f, cases[i].connection);
		n = capture_count(&said, "--connection=URI");
		capture_end(&said);
		files_fini(&f);
		fake_free(&dir);
		if (got != cases[i].want || again != got)
			fail_msg("%s: %s", cases[i].name, got ? got->name : "none");
		if (n != cases[i].said)
			fail_msg("%s: how to give access was said %u times", cases[i].name, n);
	}
}

static void what_is_said_is_one_line(void **state)
{
	struct fakedir dir;
	struct capture said;
	struct files f;
	char *text;

	(void)state;
	fake_new(&dir);
	files_init(&f, dir.path, dir.path, dir.path);
	log_over("no-connector", NULL);
	capture_begin(&said);
	connector_choose(CONNECT_AUTO, &f, NULL);
	text = capture_text(&said);
	capture_end(&said);
	assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
	assert_non_null(strstr(text, "--rootfs"));
	assert_non_null(strstr(text, "--libvirt"));
	assert_non_null(strstr(text, "--proxmox"));
	assert_non_null(strstr(text, dir.path));
	free(text);
	files_fini(&f);
	fake_free(&dir);
}

static void is_proxmox(void **state)
{
	struct fakedir dir;
	struct files f;

	(void)state;
	fake_new(&dir);
	files_init(&f, dir.path, dir.path, dir.path);
	assert_false(connector_is_proxmox(&f));
	fake_mkdir(&dir, "etc/pve");
	assert_true(connector_is_proxmox(&f));
	files_fini(&f);
	fake_free(&dir);
}

static void a_path_too_long_is_not_there(void **state)
{
	char root[PATH_MAX_OURS + 10];
	struct files f;

	(void)state;
	/* Cut in the middle it would be the root directory, which is always there. */
	memset(root, '/', sizeof(root) - 1);
	root[sizeof(root) - 2] = '.';
	root[sizeof(root) - 1] = '\0';
	files_init(&f, "/", "/", root);
	assert_false(connector_is_proxmox(&f));
	files_fini(&f);
}

static void names_for_the_metric(void **state)
{
	(void)state;
	assert_string_equal(source_libvirt.name, "libvirt");
	assert_string_equal(source_proxmox.name, "proxmox");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chosen_by_what_is_there),
		cmocka_unit_test(what_is_said_is_one_line),
		cmocka_unit_test(is_proxmox),
		cmocka_unit_test(a_path_too_long_is_not_there),
		cmocka_unit_test(names_for_the_metric),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
