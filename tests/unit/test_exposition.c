/* SPDX-License-Identifier: Apache-2.0 */
/* Several hosts in one exposition: every family once, every series its host's. */
#include "exposition.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define LINES_MAX 512

static struct sample *sample_of(const char *vm, uint64_t io)
{
	struct sample *s = sample_new();
	uint32_t host = sample_row(s, SCOPE_HOST, NO_ROW, 1);
	uint32_t row = sample_row(s, SCOPE_VM, host, 2);
	uint32_t disk = sample_row(s, SCOPE_VM_DISK, row, 3);

	sample_set_text(s, SCOPE_HOST, host, M_HOST_NAME, "as it calls itself");
	sample_set_text(s, SCOPE_HOST, host, M_HOST_ID, "inner");
	sample_set(s, SCOPE_HOST, host, M_HT_USER, io + 5);
	sample_set_text(s, SCOPE_VM, row, M_UUID, vm);
	sample_set_text(s, SCOPE_VM, row, M_NAME, "web");
	sample_set(s, SCOPE_VM, row, M_IO_READ, io);
	sample_set_text(s, SCOPE_VM_DISK, disk, M_DISK_NAME, "scsi0");
	return s;
}

static int split(char *text, char **line)
{
	int n = 0;

	for (char *l = strtok(text, "\n"); l; l = strtok(NULL, "\n")) {
		assert_true(n < LINES_MAX);
		line[n++] = l;
	}
	return n;
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static int put(void *arg, const char *data, size_t n)
{
	buf_put(arg, data, n);
	return 0;
}

static void finish(struct exposition *e, struct buf *b)
{
	exposition_finish(e, b);
	buf_byte(b, '\0');
	assert_int_equal(b->error, 0);
}

static void families_come_once(void **state)
{
	const struct printer_origin one = {.host_name = "n\"1", .host_id = "id1"},
				    two = {.host_name = "n2", .host_id = "id2"};
	struct sample *a = sample_of("u1", 100), *b = sample_of("u1", 200);
	struct exposition *e = exposition_new(1 << 20);
	char *line[LINES_MAX], family[128] = "", previous[128];
	const char *info_1 = "proxtop_host_info{host_id=\"id1\",host=\"n\\\"1\",";
	bool seen_1 = false, seen_2 = false, seen_own = false;
	struct buf text;
	int n;

	(void)state;
	buf_init(&text, 1 << 20);
	assert_int_equal(exposition_add(e, a, &one), 0);
	assert_int_equal(exposition_add(e, b, &two), 0);
	assert_int_equal(exposition_add(e, b, NULL), 0);
	finish(e, &text);
	n = split(text.data, line);
	assert_string_equal(line[n - 1], "# EOF");
	for (int i = 0; i < n - 1; i++) {
		if (sscanf(line[i], "# HELP %127s", family) == 1) {
			for (int k = 0; k < i; k++)
				if (sscanf(line[k], "# HELP %127s", previous) == 1 &&
				    !strcmp(previous, family))
					fail_msg("family %s comes twice", family);
		} else if (*line[i] != '#' && strncmp(line[i], family, strlen(family))) {
			fail_msg("series of another family than %s: %s", family, line[i]);
		}
		seen_1 = seen_1 || (strstr(line[i], "io_read_bytes_total{host_id=\"id1\",") &&
				    strstr(line[i], "uuid=\"u1\"} 100"));
		seen_2 = seen_2 || (strstr(line[i], "io_read_bytes_total{host_id=\"id2\",") &&
				    strstr(line[i], "uuid=\"u1\"} 200"));
		seen_own = seen_own || strstr(line[i], "io_read_bytes_total{uuid=\"u1\"} 200");
		if (!strncmp(line[i], "proxtop_host_info{host_id=\"id1\"", 31)) {
			assert_memory_equal(line[i], info_1, strlen(info_1));
			/* The one label host_id. */
			assert_null(strstr(line[i], "inner"));
		}
	}
	assert_true(seen_1 && seen_2 && seen_own);
	qsort(line, (size_t)n, sizeof(*line), compare);
	for (int i = 1; i < n; i++)
		if (!strcmp(line[i], line[i - 1]))
			fail_msg("a line comes twice: %s", line[i]);
	sample_free(a);
	sample_free(b);
	exposition_free(e);
	buf_fini(&text);
}

/* One host without an origin, by the printer (into alone) and by an exposition: the same, byte by
 * byte, as often as it is asked. */
static void both(bool prometheus, struct buf *alone)
{
	struct printer_options o = {
		.families = (1u << FAMILIES) - 1, .record_max = SIZE_MAX, .prometheus = prometheus};
	struct printer *p = printer_new("openmetrics", &o);
	struct exposition *e = exposition_new(1 << 20);
	struct sample *s = sample_of("u1", 100);
	struct view *v = view_new();
	struct buf merged;
	unsigned dropped;

	buf_init(&merged, 1 << 20);
	view_derive(v, NULL, s);
	assert_int_equal(exposition_add(e, s, NULL), 0);
	if (prometheus) {
		exposition_finish_prometheus(e, &merged);
		buf_byte(&merged, '\0');
	} else {
		finish(e, &merged);
	}
	/* The second time nothing is left of the first. */
	for (int i = 0; i < 2; i++) {
		buf_clear(alone);
		assert_int_equal(printer_print(p, v, put, alone, &dropped), 0);
		buf_byte(alone, '\0');
		assert_string_equal(alone->data, merged.data);
	}
	view_free(v);
	printer_free(p);
	sample_free(s);
	exposition_free(e);
	buf_fini(&merged);
}

static void alone_it_is_the_printers(void **state)
{
	struct buf alone;

	(void)state;
	buf_init(&alone, 1 << 20);
	both(false, &alone);
	assert_non_null(strstr(alone.data, "# EOF"));
	buf_fini(&alone);
}

/* No EOF, no UNIT, and a counter's family is called as its series are. */
static void in_prometheus_own_format(void **state)
{
	struct buf alone;

	(void)state;
	buf_init(&alone, 1 << 20);
	both(true, &alone);
	assert_non_null(strstr(alone.data, "\n# TYPE proxtop_vm_io_read_bytes_total counter\n"
					   "proxtop_vm_io_read_bytes_total{uuid=\"u1\"} 100\n"));
	assert_null(strstr(alone.data, "# EOF"));
	assert_null(strstr(alone.data, "# UNIT"));
	buf_fini(&alone);
}

static bool not_u1(void *arg, const struct sample *s, uint32_t row)
{
	(void)arg;
	return strcmp(sample_text(s, SCOPE_VM, row, M_UUID), "u1") != 0;
}

static void only_some_vms(void **state)
{
	const struct printer_origin origin = {.host_name = "n", .host_id = "id"};
	struct sample *a = sample_of("u1", 100), *b = sample_of("u2", 200);
	struct exposition *e = exposition_new(1 << 20);
	struct buf text;

	(void)state;
	buf_init(&text, 1 << 20);
	exposition_vms(e, not_u1, NULL);
	assert_int_equal(exposition_add(e, a, &origin), 0);
	assert_int_equal(exposition_add(e, b, &origin), 0);
	finish(e, &text);
	assert_null(strstr(text.data, "u1"));
	assert_non_null(strstr(text.data, "uuid=\"u2\"} 200"));
	sample_free(a);
	sample_free(b);
	exposition_free(e);
	buf_fini(&text);
}

static void it_ends_at_its_ceiling(void **state)
{
	struct exposition *e = exposition_new(20000);
	struct sample *s = sample_of("u1", 100);
	int r = 0, n = 0;

	(void)state;
	for (; n < 1000 && !r; n++) {
		char id[16];
		struct printer_origin origin = {.host_name = "n", .host_id = id};

		snprintf(id, sizeof(id), "%d", n);
		r = exposition_add(e, s, &origin);
	}
	assert_int_equal(r, -EMSGSIZE);
	assert_true(n > 10);
	assert_int_equal(exposition_add(e, s, NULL), -EMSGSIZE);
	sample_free(s);
	exposition_free(e);
}

static void of_nobody_it_is_empty(void **state)
{
	struct exposition *e = exposition_new(100);
	struct buf text;

	(void)state;
	buf_init(&text, 100);
	finish(e, &text);
	assert_string_equal(text.data, "# EOF\n");
	exposition_free(e);
	buf_fini(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(families_come_once),
		cmocka_unit_test(alone_it_is_the_printers),
		cmocka_unit_test(in_prometheus_own_format),
		cmocka_unit_test(only_some_vms),
		cmocka_unit_test(it_ends_at_its_ceiling),
		cmocka_unit_test(of_nobody_it_is_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
