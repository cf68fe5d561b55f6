/* SPDX-License-Identifier: Apache-2.0 */
/* openmetrics+file: when all hosts fall silent their values go from the file, though no
 * sample makes it anew; that takes three intervals.  The file is one for node_exporter. */
#include "output_kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *read_all(const char *path)
{
	char *text = calloc(1, 1 << 16);
	FILE *f = fopen(path, "r");

	if (!f || !fread(text, 1, (1 << 16) - 1, f))
		fail_msg("%s: %s", path, strerror(errno));
	fclose(f);
	return text;
}

/* Is the host in the file? */
static bool is_shown(const char *path, const char *label)
{
	char *text = read_all(path);
	bool shown = strstr(text, label);

	if (!shown)
		assert_string_equal(text, "# no host is live\n");
	free(text);
	return shown;
}

/* What is called *.prom is in Prometheus' own format: a family is called as its series are. */
static void check_format(const char *path)
{
	char *text = read_all(path);

	assert_null(strstr(text, "# EOF"));
	assert_null(strstr(text, "# UNIT"));
	assert_non_null(strstr(text, "# TYPE proxtop_vm_io_read_syscalls_total counter\n"));
	assert_non_null(strstr(text, "\nproxtop_vm_io_read_syscalls_total{"));
	free(text);
}

static void silent(void **state)
{
	struct kit *k = *state;
	char path[80];

	snprintf(path, sizeof(path), "/tmp/proxtop-silent-%ld.prom", (long)getpid());
	kit_open(k, "openmetrics+file://%s?metrics=ram_*,io_syscr&verbose=1", path);
	kit_put(k, "s0", 0, 1, 1);
	kit_wait(k, 1, "the first sample");
	assert_true(is_shown(path, "=\"s0\""));
	check_format(path);
	for (int i = 0; is_shown(path, "=\"s0\""); i++) {
		if (i > PATIENCE_S * 100)
			fail_msg("a host that is silent is still shown");
		pause_ms(10);
	}
	assert_int_equal(kit_count(k), 1);
	/* It comes back. */
	kit_put(k, "s0", 0, 2, 0);
	kit_wait(k, 2, "the next sample");
	assert_true(is_shown(path, "=\"s0\""));
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(silent, kit_setup, kit_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
