/* SPDX-License-Identifier: Apache-2.0 */
/* text, json and openmetrics, read back by somebody else's parser where there is one. */
#include "printer.h"

#include "print.h"
#include "utf8.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S UINT64_C(1000000000)

/* ---- records, as a sink would get them ---- */

#define RECORDS_MAX 4096

struct records {
	char *data[RECORDS_MAX];
	size_t size[RECORDS_MAX];
	unsigned n;
	int answer; /* what put() says */
};

static int take(void *arg, const char *data, size_t n)
{
	struct records *r = arg;

	if (r->answer < 0)
		return r->answer;
	assert_true(r->n < RECORDS_MAX);
	r->data[r->n] = malloc(n + 1);
	memcpy(r->data[r->n], data, n);
	r->data[r->n][n] = '\0';
	/* No NUL in what is written, ever. */
	assert_int_equal(strlen(r->data[r->n]), n);
	r->size[r->n++] = n;
	return 0;
}

static void records_free(struct records *r)
{
	while (r->n)
		free(r->data[--r->n]);
}

/* ---- what is printed ---- */

struct pair {
	struct sample *before, *now;
	struct view *view;
	struct records out;
	struct printer *printer;
};

static int setup(void **state)
{
	struct pair *p = calloc(1, sizeof(*p));

	p->before = sample_new();
	p->now = sample_new();
	p->view = view_new();
	p->before->boot_ns = 100 * S;
	p->now->boot_ns = 101 * S + S / 2;
	/* 2026-11-24T17:18:43.123Z */
	p->now->wall_ns = UINT64_C(1795540723123456789);
	sample_row(p->before, SCOPE_HOST, NO_ROW, 1);
	sample_row(p->now, SCOPE_HOST, NO_ROW, 1);
	*state = p;
	return 0;
}

static int teardown(void **state)
{
	struct pair *p = *state;

	sample_free(p->before);
	sample_free(p->now);
	view_free(p->view);
	records_free(&p->out);
	printer_free(p->printer);
	free(p);
	return 0;
}

static uint32_t vm(struct pair *p, const char *uuid, const char *name)
{
	uint64_t id = 10 + p->now->table[SCOPE_VM].rows;
	uint32_t r;

	sample_row(p->before, SCOPE_VM, 0, id);
	r = sample_row(p->now, SCOPE_VM, 0, id);
	sample_set_text(p->now, SCOPE_VM, r, M_UUID, uuid);
	sample_set_text(p->now, SCOPE_VM, r, M_NAME, name);
	return r;
}

static uint32_t child(struct pair *p, enum scope s, uint32_t parent, uint64_t id)
{
	sample_row(p->before, s, parent, id);
	return sample_row(p->now, s, parent, id);
}

static void grew(struct pair *p, enum scope s, uint32_t row, enum metric_id m, uint64_t by)
{
	sample_set(p->before, s, row, m, 1000);
	sample_set(p->now, s, row, m, 1000 + by);
}

static int print_with(struct pair *p, const char *format, const struct printer_options *o,
		      unsigned *dropped)
{
	records_free(&p->out);
	if (!p->printer)
		p->printer = printer_new(format, o);
	assert_non_null(p->printer);
	view_derive(p->view, p->before, p->now);
	return printer_print(p->printer, p->view, take, &p->out, dropped);
}

static struct printer_options options(bool verbose)
{
	return (struct printer_options){
		.verbose = verbose, .families = ~0u, .record_max = SIZE_MAX};
}

static char *print_one(struct pair *p, const char *format, bool verbose)
{
	struct printer_options o = options(verbose);
	unsigned dropped = 99;

	assert_int_equal(print_with(p, format, &o, &dropped), 0);
	assert_int_equal(p->out.n, 1);
	assert_int_equal(dropped, 0);
	return p->out.data[0];
}

static json_t *parse(const char *text, size_t n)
{
	json_error_t e;
	json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &e);

	if (!j)
		fail_msg("not JSON: %s at %d: %.200s", e.text, e.position, text);
	if (n < 2 || text[n - 1] != '\n' || memchr(text, '\n', n) != text + n - 1)
		fail_msg("not one line: %.200s", text);
	return j;
}

static json_t *print_json(struct pair *p, bool verbose)
{
	print_one(p, "json", verbose);
	return parse(p->out.data[0], p->out.size[0]);
}

static double number(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_number(v))
		fail_msg("%s is no number", key);
	return json_number_value(v);
}

static const char *text(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		fail_msg("%s is no text", key);
	return json_string_value(v);
}

/* ---- which there are ---- */

static void formats(void **state)
{
	static const struct {
		const char *name;
		bool rates, whole;
	} want[] = {{"text", true, false}, {"json", true, false}, {"openmetrics", false, true}};
	struct printer_options o = options(false);

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct printer *p = printer_new(want[i].name, &o);

		assert_non_null(p);
		assert_string_equal(printer_names[i], want[i].name);
		assert_int_equal(printer_wants_rates(p), want[i].rates);
		assert_int_equal(printer_whole_file(p), want[i].whole);
		printer_free(p);
	}
	assert_null(printer_names[3]);
	assert_null(printer_new("xml", &o));
	assert_null(printer_new("", &o));
	assert_null(printer_new("JSON", &o));
	printer_free(NULL);
}

/* ---- json ---- */

static void json_of_one_vm(void **state)
{
	struct pair *p = *state;
	uint32_t r = vm(p, "u-1", "web");
	json_t *j, *host, *d;

	sample_set_text(p->now, SCOPE_HOST, 0, M_HOST_NAME, "node1");
	sample_set(p->now, SCOPE_HOST, 0, M_MEM_TOTAL, 24683968);
	sample_set(p->now, SCOPE_HOST, 0, M_MEM_FREE, 0);
	sample_set(p->now, SCOPE_HOST, 0, M_PSI_SOME_CPU_AVG60, 1234);
	sample_set(p->now, SCOPE_HOST, 0, M_PSI_SOME_CPU_TOTAL, 99);
	sample_set(p->now, SCOPE_VM, r, M_VMID, 100);
	sample_set(p->now, SCOPE_VM, r, M_UPTIME, 0);
	grew(p, SCOPE_VM, r, M_IO_READ, 3145728);
	grew(p, SCOPE_VM, r, M_IO_SYSCR, 100);
	j = print_json(p, false);
	assert_string_equal(text(j, "@timestamp"), "2026-11-24T17:18:43.123Z");
	assert_true(number(j, "interval") == 1.5);
	assert_null(json_object_get(j, "part"));
	host = json_object_get(j, "host");
	assert_string_equal(text(host, "host_name"), "node1");
	assert_true(number(host, "ram_Total") == 24683968);
	assert_true(number(host, "ram_Free") == 0);
	assert_true(number(host, "psi_some_cpu_avg60") == 12.34);
	assert_null(json_object_get(host, "psi_some_cpu_total")); /* verbose */
	assert_null(json_object_get(host, "ram_Available"));      /* absent */
	assert_null(json_object_get(host, "cpu_user"));
	assert_int_equal(json_array_size(json_object_get(j, "domains")), 1);
	d = json_array_get(json_object_get(j, "domains"), 0);
	assert_string_equal(text(d, "UUID"), "u-1");
	assert_string_equal(text(d, "name"), "web");
	assert_true(number(d, "vmid") == 100);
	assert_true(number(d, "uptime") == 0);
	assert_true(number(d, "io_MBRD/s") == 2);
	assert_true(number(d, "io_RDOPS") == 66.7);
	assert_null(json_object_get(d, "io_MBWR/s"));
	assert_null(json_object_get(d, "disks"));
	assert_null(json_object_get(d, "PID"));
	json_decref(j);
}

static void json_of_nothing(void **state)
{
	struct pair *p = *state;
	json_t *j;

	sample_clear(p->now);
	p->now->boot_ns = 0; /* no interval either */
	j = print_json(p, true);
	assert_null(json_object_get(j, "interval"));
	assert_int_equal(json_object_size(json_object_get(j, "host")), 0);
	assert_true(json_is_object(json_object_get(j, "host")));
	assert_int_equal(json_array_size(json_object_get(j, "domains")), 0);
	json_decref(j);
}

static void json_arrays(void **state)
{
	struct pair *p = *state;
	uint32_t a = vm(p, "u-1", "a"), b = vm(p, "u-2", "b"), r;
	json_t *j, *host, *d, *list;

	/* b's vCPUs before a's: each gets its own, in the order of the rows */
	for (uint64_t i = 0; i < 4; i++) {
		r = child(p, SCOPE_VCPU, i < 2 ? b : a, 20 + i);
		sample_set(p->now, SCOPE_VCPU, r, M_VCPU, i % 2);
		grew(p, SCOPE_VCPU, r, M_RUN, 150000000 * (i + 1));
	}
	r = child(p, SCOPE_VM_DISK, a, 30);
	sample_set_text(p->now, SCOPE_VM_DISK, r, M_DISK_NAME, "scsi0");
	child(p, SCOPE_VM_NIC, a, 40); /* nothing is known of it */
	r = child(p, SCOPE_HOST_DISK, 0, 50);
	sample_set_text(p->now, SCOPE_HOST_DISK, r, M_DISK_CLASS, "lvm");
	child(p, SCOPE_VM_NIC, NO_ROW, 41); /* an orphan is nobody's */
	child(p, SCOPE_VCPU, 77, 29);
	j = print_json(p, true);
	host = json_object_get(j, "host");
	assert_int_equal(json_array_size(json_object_get(host, "disks")), 1);
	assert_string_equal(text(json_array_get(json_object_get(host, "disks"), 0), "class"),
			    "lvm");
	assert_int_equal(json_array_size(json_object_get(host, "interfaces")), 0);
	assert_true(json_is_array(json_object_get(host, "interfaces")));
	assert_null(json_object_get(host, "vcpus"));
	d = json_array_get(json_object_get(j, "domains"), 0);
	list = json_object_get(d, "vcpus");
	assert_int_equal(json_array_size(list), 2);
	assert_true(number(json_array_get(list, 0), "vcpu") == 0);
	assert_true(number(json_array_get(list, 0), "cpu_total") == 30);
	assert_true(number(json_array_get(list, 1), "cpu_total") == 40);
	assert_int_equal(json_array_size(json_object_get(d, "disks")), 1);
	assert_int_equal(json_array_size(json_object_get(d, "interfaces")), 1);
	assert_int_equal(json_object_size(json_array_get(json_object_get(d, "interfaces"), 0)), 0);
	d = json_array_get(json_object_get(j, "domains"), 1);
	list = json_object_get(d, "vcpus");
	assert_int_equal(json_array_size(list), 2);
	assert_true(number(json_array_get(list, 0), "cpu_total") == 10);
	assert_int_equal(json_array_size(json_object_get(d, "disks")), 0);
	json_decref(j);
	/* Not verbose: no arrays at all */
	printer_free(p->printer);
	p->printer = NULL;
	j = print_json(p, false);
	assert_null(json_object_get(json_object_get(j, "host"), "disks"));
	assert_null(json_object_get(json_array_get(json_object_get(j, "domains"), 0), "vcpus"));
	json_decref(j);
}

static const struct {
	const char *raw, *seen; /* by the reader of the JSON */
} odd_names[] = {
	{"plain", "plain"},
	{"", ""},
	{"123", "123"},
	{"nan", "nan"},
	{"null", "null"},
	{"-Infinity", "-Infinity"},
	{"quote\"back\\slash/", "quote\"back\\slash/"},
	{"tab\tnewline\nreturn\r", "tab\tnewline\nreturn\r"},
	{"bell\a esc\033[31m del\x7f one\x01", "bell\a esc\033[31m del\x7f one\x01"},
	{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
	{"line\xe2\x80\xa8sep", "line\xe2\x80\xa8sep"},
	{"latin1 \xe4", "latin1 \xef\xbf\xbd"},
	{"cut \xe2\x82", "cut \xef\xbf\xbd\xef\xbf\xbd"},
	{"overlong \xc0\xaf", "overlong \xef\xbf\xbd\xef\xbf\xbd"},
	{"surrogate \xed\xa0\x80", "surrogate \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
	{"},{\"UUID\":\"x", "},{\"UUID\":\"x"},
	{"</script>", "</script>"},
	{"%s%n%d", "%s%n%d"},
};

#define N_ODD (sizeof(odd_names) / sizeof(*odd_names))

static void json_odd_names(void **state)
{
	struct pair *p = *state;
	json_t *j, *list;

	for (size_t i = 0; i < N_ODD; i++) {
		uint32_t r = vm(p, "u", odd_names[i].raw);

		sample_set_text(p->now, SCOPE_VM, r, M_TAGS, odd_names[i].raw);
		r = child(p, SCOPE_VM_DISK, r, 100 + i);
		sample_set_text(p->now, SCOPE_VM_DISK, r, M_DISK_DEVICE, odd_names[i].raw);
	}
	sample_set_text(p->now, SCOPE_HOST, 0, M_HOST_NAME, "a\"b\x02");
	j = print_json(p, true);
	assert_string_equal(text(json_object_get(j, "host"), "host_name"), "a\"b\x02");
	list = json_object_get(j, "domains");
	assert_int_equal(json_array_size(list), N_ODD);
	for (size_t i = 0; i < N_ODD; i++) {
		json_t *d = json_array_get(list, i);
		json_t *disk = json_array_get(json_object_get(d, "disks"), 0);

		if (strcmp(text(d, "name"), odd_names[i].seen) ||
		    strcmp(text(d, "tags"), odd_names[i].seen) ||
		    strcmp(text(disk, "device"), odd_names[i].seen))
			fail_msg("name %zu is read as '%s'", i, text(d, "name"));
	}
	json_decref(j);
}

/* Every number of the table is a JSON number, however large or odd. */
static void json_extreme_numbers(void **state)
{
	static const uint64_t values[] = {0, 1, 9007199254740993, INT64_MAX, UINT64_MAX - 1};
	struct pair *p = *state;

	for (size_t i = 0; i < 5; i++) {
		json_t *j;

		for (int s = 0; s < SCOPES; s++) {
			uint32_t r = child(p, s, 0, 1000 + i);

			for (int m = 0; m < METRICS; m++) {
				if (!(metrics[m].scopes & (1u << s)) || metrics[m].kind > GAUGE)
					continue;
				sample_set(p->before, s, r, m, i ? values[i - 1] : 0);
				if (metrics[m].flags & OWN_TIME)
					sample_set_pair(p->now, s, r, m, values[i], 0);
				else
					sample_set(p->now, s, r, m, values[i]);
			}
			p->now->table[s].read_ns[r] = 2;
			p->now->table[s].prev_ns[r] = 1; /* a nanosecond apart */
		}
		p->now->boot_ns = p->before->boot_ns + 1;
		j = print_json(p, true);
		assert_null(strstr(p->out.data[0], ":null"));
		assert_null(strstr(p->out.data[0], ":inf"));
		json_decref(j);
	}
	/* a gauge is exact, beyond what a double holds */
	assert_non_null(strstr(p->out.data[0], "\"ram_rss\":9007199254740993,"));
}

static bool only_even(void *arg, const struct sample *s, uint32_t row)
{
	(void)s;
	++*(unsigned *)arg;
	return row % 2 == 0;
}

static void only_some_vms(void **state)
{
	static const char *const formats_[] = {"json", "text", "openmetrics"};
	struct pair *p = *state;
	unsigned asked = 0, dropped;

	for (unsigned i = 0; i < 10; i++) {
		char name[16];
		uint32_t r;

		snprintf(name, sizeof(name), "vm-%u-", i);
		r = vm(p, name, name);
		r = child(p, SCOPE_VM_NIC, r, 50 + i);
		sample_set_text(p->now, SCOPE_VM_NIC, r, M_NIC_NAME, name);
		sample_set(p->now, SCOPE_VM_NIC, r, M_VN_RX_BYTES, 1);
	}
	for (size_t f = 0; f < 3; f++) {
		struct printer_options o = options(true);

		o.wants_vm = only_even;
		o.wants_arg = &asked;
		print_with(p, formats_[f], &o, &dropped);
		assert_int_equal(p->out.n, 1);
		for (unsigned i = 0; i < 10; i++) {
			char name[16];

			snprintf(name, sizeof(name), "vm-%u-", i);
			if ((strstr(p->out.data[0], name) == NULL) != (i % 2))
				fail_msg("%s: VM %u is %s", formats_[f], i,
					 i % 2 ? "shown" : "left out");
		}
		printer_free(p->printer);
		p->printer = NULL;
	}
	assert_true(asked > 0);
}

static void json_only_the_families_wanted(void **state)
{
	struct pair *p = *state;
	uint32_t r = vm(p, "u", "n");
	struct printer_options o = options(true);
	unsigned dropped;
	json_t *j, *d;

	grew(p, SCOPE_VM, r, M_IO_READ, 1);
	sample_set(p->now, SCOPE_VM, r, M_RAM_TOTAL, 5);
	sample_set(p->now, SCOPE_HOST, 0, M_MEM_TOTAL, 5);
	o.families = 1u << F_MEM;
	print_with(p, "json", &o, &dropped);
	j = parse(p->out.data[0], p->out.size[0]);
	d = json_array_get(json_object_get(j, "domains"), 0);
	assert_string_equal(text(d, "name"), "n");
	assert_true(number(d, "ram_total") == 5);
	assert_null(json_object_get(d, "io_read_bytes"));
	assert_true(number(json_object_get(j, "host"), "ram_Total") == 5);
	json_decref(j);
}

/* ---- json in parts ---- */

static void many_vms(struct pair *p, unsigned n, unsigned disks)
{
	uint64_t id = 10000;

	sample_set_text(p->now, SCOPE_HOST, 0, M_HOST_NAME, "node1");
	for (unsigned i = 0; i < n; i++) {
		char name[32];
		uint32_t r, d;

		snprintf(name, sizeof(name), "vm%u", i);
		r = vm(p, name, name);
		for (unsigned k = 0; k < disks; k++) {
			d = child(p, SCOPE_VM_DISK, r, ++id);
			sample_set_text(p->now, SCOPE_VM_DISK, d, M_DISK_NAME, "a disk's name");
		}
	}
}

/* Each VM how often in all parts? Checks the parts too. */
static void count_vms(struct pair *p, size_t max, unsigned *count, unsigned n)
{
	memset(count, 0, n * sizeof(*count));
	for (unsigned i = 0; i < p->out.n; i++) {
		json_t *j = parse(p->out.data[i], p->out.size[i]), *list, *host;

		if (p->out.size[i] > max)
			fail_msg("part %u has %zu bytes of %zu", i + 1, p->out.size[i], max);
		if (number(j, "part") != i + 1)
			fail_msg("record %u says it is part %g", i + 1, number(j, "part"));
		assert_string_equal(text(j, "@timestamp"), "2026-11-24T17:18:43.123Z");
		assert_true(number(j, "interval") == 1.5);
		host = json_object_get(j, "host");
		if ((i == 0) != (host != NULL))
			fail_msg("part %u %s the host", i + 1, host ? "has" : "has not");
		list = json_object_get(j, "domains");
		if (i && !json_array_size(list))
			fail_msg("part %u is empty", i + 1);
		for (size_t d = 0; d < json_array_size(list); d++) {
			unsigned at;

			assert_int_equal(sscanf(text(json_array_get(list, d), "name"), "vm%u", &at),
					 1);
			assert_true(at < n);
			count[at]++;
		}
		json_decref(j);
	}
}

static void json_split(void **state)
{
	struct pair *p = *state;
	unsigned count[100], dropped;

	many_vms(p, 100, 3);
	/* every size, so that each border is met exactly once too */
	for (size_t max = 700; max < 4000; max += 7) {
		struct printer_options o = options(true);

		o.record_max = max;
		assert_int_equal(print_with(p, "json", &o, &dropped), 0);
		count_vms(p, max, count, 100);
		for (unsigned i = 0; i < 100; i++)
			if (count[i] != 1)
				fail_msg("at most %zu bytes: vm%u is there %u times", max, i,
					 count[i]);
		assert_int_equal(dropped, 0);
		printer_free(p->printer);
		p->printer = NULL;
	}
}

/* Parts are full: not one VM each. */
static void json_parts_are_filled(void **state)
{
	struct pair *p = *state;
	struct printer_options o = options(false);
	unsigned dropped;
	size_t whole;

	many_vms(p, 200, 0);
	print_one(p, "json", false);
	whole = p->out.size[0];
	printer_free(p->printer);
	p->printer = NULL;
	o.record_max = 2000;
	print_with(p, "json", &o, &dropped);
	if (p->out.n > whole / 1900 + 3)
		fail_msg("%zu bytes in %u parts of 2000", whole, p->out.n);
	/* All in one where it fits, exactly too */
	printer_free(p->printer);
	p->printer = NULL;
	o.record_max = whole + sizeof(",\"part\":1") - 1;
	print_with(p, "json", &o, &dropped);
	assert_int_equal(p->out.n, 1);
	assert_true(p->out.size[0] <= o.record_max);
	printer_free(p->printer);
	p->printer = NULL;
	o.record_max--;
	print_with(p, "json", &o, &dropped);
	assert_true(p->out.n == 1 || p->out.n == 2);
	for (unsigned i = 0; i < p->out.n; i++)
		assert_true(p->out.size[i] <= o.record_max);
}

static void json_too_large_a_vm(void **state)
{
	/* the first ones, one in the middle, the last one */
	static const uint32_t large[] = {0, 1, 3, 5};
	struct pair *p = *state;
	struct printer_options o = options(true);
	unsigned count[6], dropped;
	uint64_t id = 90000;

	many_vms(p, 6, 1);
	for (unsigned i = 0; i < 800; i++) {
		uint32_t r = child(p, SCOPE_VCPU, large[i % 4], ++id);

		sample_set(p->now, SCOPE_VCPU, r, M_VCPU, i / 4);
	}
	o.record_max = 1200;
	assert_int_equal(print_with(p, "json", &o, &dropped), 0);
	count_vms(p, 1200, count, 6);
	for (unsigned i = 0; i < 6; i++)
		if (count[i] != (i == 2 || i == 4))
			fail_msg("vm%u is there %u times", i, count[i]);
	assert_int_equal(dropped, 4);
	/* counted anew in each cycle */
	print_with(p, "json", &o, &dropped);
	assert_int_equal(dropped, 4);
}

static void json_too_large_a_host(void **state)
{
	struct pair *p = *state;
	struct printer_options o = options(true);
	unsigned count[3], dropped;
	json_t *j, *host;

	many_vms(p, 3, 0);
	for (uint64_t i = 0; i < 100; i++) {
		uint32_t r = child(p, SCOPE_HOST_NIC, 0, 500 + i);

		sample_set_text(p->now, SCOPE_HOST_NIC, r, M_NIC_NAME, "an interface of the host");
	}
	o.record_max = 1000;
	assert_int_equal(print_with(p, "json", &o, &dropped), 0);
	count_vms(p, 1000, count, 3);
	assert_true(count[0] == 1 && count[1] == 1 && count[2] == 1);
	assert_int_equal(dropped, 1); /* what is below the host */
	j = parse(p->out.data[0], p->out.size[0]);
	host = json_object_get(j, "host");
	assert_string_equal(text(host, "host_name"), "node1");
	assert_null(json_object_get(host, "interfaces"));
	json_decref(j);
}

/* Not even the host's own values fit: said, and nothing too large is written. */
static void json_impossible(void **state)
{
	struct pair *p = *state;
	struct printer_options o = options(true);
	unsigned dropped;

	many_vms(p, 3, 0);
	o.record_max = 100;
	assert_int_equal(print_with(p, "json", &o, &dropped), -EMSGSIZE);
	for (unsigned i = 0; i < p->out.n; i++)
		assert_true(p->out.size[i] <= 100);
}

static void errors_of_the_sink(void **state)
{
	static const char *const formats_[] = {"text", "json", "openmetrics"};
	struct pair *p = *state;
	unsigned dropped;

	many_vms(p, 30, 0);
	for (size_t f = 0; f < 4; f++) {
		struct printer_options o = options(true);

		if (f == 3)
			o.record_max = 1000; /* json in parts */
		p->out.answer = -EPIPE;
		if (print_with(p, formats_[f == 3 ? 1 : f], &o, &dropped) != -EPIPE)
			fail_msg("%s %zu: the sink's error is lost", formats_[f == 3 ? 1 : f], f);
		p->out.answer = 0;
		printer_free(p->printer);
		p->printer = NULL;
	}
}

/* ---- text ---- */

static unsigned cells(const char *line)
{
	unsigned n = 1;

	for (; *line && *line != '\n'; line++)
		n += *line == '\t';
	return n;
}

/* The cell's text; into ret. */
static const char *cell(const char *line, unsigned at, char *ret, size_t size)
{
	size_t n;

	while (at--)
		line = strchr(line, '\t') + 1;
	n = strcspn(line, "\t\n");
	assert_true(n < size);
	memcpy(ret, line, n);
	ret[n] = '\0';
	return ret;
}

static unsigned column_of(const char *header, const char *key)
{
	char name[100];

	for (unsigned i = 0; i < cells(header); i++)
		if (!strcmp(cell(header, i, name, sizeof(name)), key))
			return i;
	fail_msg("no column %s", key);
	return 0;
}

static const char *next(const char *line)
{
	const char *e = strchr(line, '\n');

	assert_non_null(e);
	return e + 1;
}

static void text_lines(void **state)
{
	struct pair *p = *state;
	const char *host_head, *vm_head, *host, *line;
	char c[600];

	for (size_t i = 0; i < N_ODD; i++)
		vm(p, "u", odd_names[i].raw);
	sample_set(p->now, SCOPE_VM, 0, M_VMID, 0);
	grew(p, SCOPE_VM, 1, M_IO_READ, 3145728);
	sample_set_text(p->now, SCOPE_HOST, 0, M_HOST_NAME, "node\t1");
	for (int verbose = 0; verbose < 2; verbose++) {
		host_head = print_one(p, "text", verbose);
		vm_head = next(host_head);
		host = next(vm_head);
		line = next(host);
		assert_int_equal(cells(host), cells(host_head));
		assert_string_equal(cell(host, column_of(host_head, "host_name"), c, sizeof(c)),
				    "node\\t1");
		assert_string_equal(cell(host, column_of(host_head, "ram_Total"), c, sizeof(c)),
				    "");
		for (size_t i = 0; i < N_ODD; i++, line = next(line)) {
			if (cells(line) != cells(vm_head))
				fail_msg("name %zu: %u cells, not %u", i, cells(line),
					 cells(vm_head));
			cell(line, column_of(vm_head, "name"), c, sizeof(c));
			for (const char *s = c; *s; s++)
				if ((unsigned char)*s < ' ' || *s == 0x7f)
					fail_msg("name %zu: a control character", i);
			cell(line, column_of(vm_head, "vmid"), c, sizeof(c));
			assert_string_equal(c, i == 0 ? "0" : "");
			cell(line, column_of(vm_head, "io_MBRD/s"), c, sizeof(c));
			assert_string_equal(c, i == 1 ? "2" : "");
		}
		assert_int_equal(*line, '\0');
		/* The headers once; counts of cells as before. */
		host = print_one(p, "text", verbose);
		assert_null(strstr(host, "host_name"));
		assert_string_equal(cell(host, 0, c, sizeof(c)), "node\\t1");
		printer_free(p->printer);
		p->printer = NULL;
	}
}

static void text_names(void **state)
{
	static const struct {
		const char *raw, *seen;
	} cases[] = {
		{"plain name", "plain name"},
		{"tab\there", "tab\\there"},
		{"line\nbreak", "line\\nbreak"},
		{"back\\slash", "back\\\\slash"},
		{"cr\r", "cr\\x0d"},
		{"\xe4", "\\xe4"},
		{"\xc3\xa4", "\xc3\xa4"},
	};
	struct pair *p = *state;
	const char *head, *line;
	char c[100];

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		vm(p, "u", cases[i].raw);
	head = next(print_one(p, "text", false));
	line = next(next(head));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++, line = next(line))
		if (strcmp(cell(line, column_of(head, "name"), c, sizeof(c)), cases[i].seen))
			fail_msg("'%s' is shown as '%s'", cases[i].raw, c);
}

/* A header that was not delivered is written again. */
static void text_header_after_an_error(void **state)
{
	struct pair *p = *state;
	struct printer_options o = options(false);
	unsigned dropped;

	p->out.answer = -EAGAIN;
	assert_int_equal(print_with(p, "text", &o, &dropped), -EAGAIN);
	p->out.answer = 0;
	print_with(p, "text", &o, &dropped);
	assert_non_null(strstr(p->out.data[0], "UUID\tname"));
	print_with(p, "text", &o, &dropped);
	assert_null(strstr(p->out.data[0], "UUID\tname"));
}

static void text_without_host_columns(void **state)
{
	struct pair *p = *state;
	struct printer_options o = options(false);
	unsigned dropped;
	char c[50];

	vm(p, "u", "n");
	o.families = 1u << F_IO; /* the host has none of these */
	print_with(p, "text", &o, &dropped);
	assert_memory_equal(p->out.data[0], "UUID\tname", 9);
	assert_string_equal(cell(next(p->out.data[0]), 1, c, sizeof(c)), "n");
	assert_int_equal(*next(next(p->out.data[0])), '\0');
}

static void for_people(void **state)
{
	static const struct {
		double value;
		enum unit unit;
		unsigned decimals;
		const char *want;
	} cases[] = {
		{0, U_BYTE, 0, "0"},
		{1023, U_BYTE, 0, "1023"},
		{1024, U_BYTE, 0, "1K"},
		{1536, U_BYTE, 0, "1.5K"},
		{24683968, U_KIB, 0, "23.5G"},
		{0.5, U_MIB, 2, "512K"},
		{4096, U_SECTOR, 1, "2M"},
		{999, U_NONE, 1, "999"},
		{1000, U_NONE, 1, "1K"},
		{12345678, U_NONE, 1, "12.3M"},
		{1234, U_PERCENT, 2, "1234"},
		{12.345, U_PERCENT, 2, "12.3"},
		{5000, U_MS, 3, "5000"},
		{-1536, U_BYTE, 0, "-1.5K"},
		{18446744073709551614.0, U_BYTE, 0, "16E"},
		{1e30, U_BYTE, 0, "867361737988.4E"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 4096);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_clear(&b);
		print_human(&b, cases[i].value, cases[i].unit, cases[i].decimals);
		buf_byte(&b, '\0');
		if (strcmp(b.data, cases[i].want))
			fail_msg("%g %s: '%s', not '%s'", cases[i].value, units[cases[i].unit].text,
				 b.data, cases[i].want);
	}
	buf_fini(&b);
}

static void text_for_people(void **state)
{
	struct pair *p = *state;
	struct printer_options o = options(true);
	const char *head, *line;
	unsigned dropped;
	char c[50];

	vm(p, "u", "123456789");
	sample_set(p->now, SCOPE_VM, 0, M_VMID, 123456);
	sample_set(p->now, SCOPE_VM, 0, M_PID, 4194303);
	sample_set(p->now, SCOPE_VM, 0, M_RAM_TOTAL, 2097152);
	o.human = true;
	print_with(p, "text", &o, &dropped);
	head = next(p->out.data[0]);
	line = next(next(head));
	assert_string_equal(cell(line, column_of(head, "name"), c, 50), "123456789");
	assert_string_equal(cell(line, column_of(head, "vmid"), c, 50), "123456");
	assert_string_equal(cell(line, column_of(head, "PID"), c, 50), "4194303");
	assert_string_equal(cell(line, column_of(head, "ram_total"), c, 50), "2G");
}

static void times(void **state)
{
	static const struct {
		uint64_t ns;
		const char *want;
	} cases[] = {
		{0, "1970-01-01T00:00:00.000Z"},
		{UINT64_C(999999999), "1970-01-01T00:00:00.999Z"},
		{UINT64_C(951782400000000000), "2000-02-29T00:00:00.000Z"},
		{UINT64_C(1795540723123456789), "2026-11-24T17:18:43.123Z"},
		{UINT64_C(4102444799001000000), "2099-12-31T23:59:59.001Z"},
		{UINT64_MAX, "2554-07-21T23:34:33.709Z"},
	};
	struct buf b;

	(void)state;
	buf_init(&b, 100);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		buf_clear(&b);
		print_time(&b, cases[i].ns);
		buf_byte(&b, '\0');
		assert_string_equal(b.data, cases[i].want);
	}
	buf_fini(&b);
}

/* ---- openmetrics ---- */

struct om_line {
	char series[2000]; /* name and labels */
	char name[200];
	char value[40];
};

static struct om_line *om;
static unsigned n_om;

static bool om_name_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

/* name{label="value",...} number */
static void om_sample(const char *line)
{
	struct om_line *l = &om[n_om++];
	const char *s = line;
	size_t n = 0;

	while (om_name_char(*s))
		s++;
	snprintf(l->name, sizeof(l->name), "%.*s", (int)(s - line), line);
	if (*s == '{') {
		s++;
		while (*s != '}') {
			const char *label = s;

			while (om_name_char(*s))
				s++;
			if (s == label || *s != '=' || s[1] != '"')
				fail_msg("label: %s", line);
			for (s += 2; *s != '"'; s += n) {
				n = utf8_length(s);
				if (*s == '\\' && (s[1] == '\\' || s[1] == '"' || s[1] == 'n'))
					n = 2;
				else if (!n || utf8_is_control(s) || *s == '\\')
					fail_msg("label value at '%s': %s", s, line);
			}
			s++;
			if (*s == ',' && s[1] != '}')
				s++;
			else if (*s != '}')
				fail_msg("after a label: %s", line);
		}
		s++;
	}
	snprintf(l->series, sizeof(l->series), "%.*s", (int)(s - line), line);
	if (*s++ != ' ' || !*s || strspn(s, "0123456789.") != strlen(s))
		fail_msg("value: %s", line);
	snprintf(l->value, sizeof(l->value), "%s", s);
}

/* Checks what every exposition must be, and keeps its samples in om[]. */
static void om_parse(const char *exposition)
{
	char *copy = strdup(exposition), *save = NULL, family[200] = "", type[20] = "";
	char seen_families[600][200];
	unsigned n_families = 0, lines = 1;
	bool eof = false;

	for (const char *c = copy; *c; c++)
		lines += *c == '\n';
	free(om);
	om = calloc(lines, sizeof(*om));
	n_om = 0;
	assert_int_equal(copy[strlen(copy) - 1], '\n');
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char what[10], name[200], rest[400];

		if (eof)
			fail_msg("behind # EOF: %s", line);
		if (!strcmp(line, "# EOF")) {
			eof = true;
			continue;
		}
		if (*line != '#') {
			size_t n = strlen(family);

			om_sample(line);
			if (strncmp(om[n_om - 1].name, family, n) ||
			    strcmp(om[n_om - 1].name + n, strcmp(type, "counter") ? "" : "_total"))
				fail_msg("%s among %s (%s)", om[n_om - 1].name, family, type);
			continue;
		}
		if (sscanf(line, "# %9s %199s %399[^\n]", what, name, rest) != 3)
			fail_msg("meta: %s", line);
		if (strncmp(name, "proxtop_", 8))
			fail_msg("not ours: %s", line);
		if (!strcmp(what, "HELP")) { /* begins a family: only once each */
			for (unsigned i = 0; i < n_families; i++)
				if (!strcmp(seen_families[i], name))
					fail_msg("family %s begins twice", name);
			assert_true(n_families < 600);
			strcpy(seen_families[n_families++], name);
			strcpy(family, name);
			*type = '\0';
		} else if (strcmp(name, family)) {
			fail_msg("%s inside of %s", line, family);
		} else if (!strcmp(what, "TYPE")) {
			assert_true(strlen(rest) < sizeof(type));
			strcpy(type, rest);
			if (strcmp(type, "counter") && strcmp(type, "gauge"))
				fail_msg("type: %s", line);
		} else if (!strcmp(what, "UNIT")) {
			size_t u = strlen(rest), n = strlen(name);

			if (n <= u || strcmp(name + n - u, rest) || name[n - u - 1] != '_')
				fail_msg("the unit does not end the name: %s", line);
		} else {
			fail_msg("meta: %s", line);
		}
	}
	assert_true(eof);
	for (unsigned a = 0; a < n_om; a++)
		for (unsigned b = 0; b < a; b++)
			if (!strcmp(om[a].series, om[b].series))
				fail_msg("twice: %s", om[a].series);
	free(copy);
}

static const char *om_value(const char *series)
{
	for (unsigned i = 0; i < n_om; i++)
		if (!strcmp(om[i].series, series))
			return om[i].value;
	return NULL;
}

static unsigned om_count(const char *name)
{
	unsigned n = 0;

	for (unsigned i = 0; i < n_om; i++)
		n += !strcmp(om[i].name, name);
	return n;
}

static void om_values(void **state)
{
	struct pair *p = *state;
	uint32_t r = vm(p, "u-1", "web"), v, d, nic;

	sample_set(p->now, SCOPE_HOST, 0, M_MEM_TOTAL, 24683968);
	sample_set(p->now, SCOPE_HOST, 0, M_HT_USER, 12345);
	sample_set(p->now, SCOPE_HOST, 0, M_PSI_SOME_CPU_AVG60, 1234);
	sample_set(p->now, SCOPE_HOST, 0, M_PSI_SOME_CPU_TOTAL, 1);
	sample_set(p->now, SCOPE_HOST, 0, M_CPU_CURFREQ, 2596);
	sample_set(p->now, SCOPE_VM, r, M_UPTIME, 77);
	sample_set(p->now, SCOPE_VM, r, M_VMID, 100);
	v = child(p, SCOPE_VCPU, r, 20);
	sample_set(p->now, SCOPE_VCPU, v, M_VCPU, 3);
	sample_set(p->now, SCOPE_VCPU, v, M_RUN, UINT64_C(1234567890123456789));
	sample_set(p->now, SCOPE_VCPU, v, M_WAIT, 500000000);
	sample_set(p->now, SCOPE_VCPU, v, M_CPU_LAST, 17);
	d = child(p, SCOPE_VM_DISK, r, 30);
	sample_set_text(p->now, SCOPE_VM_DISK, d, M_DISK_NAME, "scsi0");
	sample_set_text(p->now, SCOPE_VM_DISK, d, M_DISK_DEVICE, "/dev/pve/vm");
	sample_set_pair(p->now, SCOPE_VM_DISK, d, M_VD_RD_OPS, 50, 10);
	nic = child(p, SCOPE_HOST_NIC, 0, 40);
	sample_set_text(p->now, SCOPE_HOST_NIC, nic, M_NIC_NAME, "eth0");
	sample_set(p->now, SCOPE_HOST_NIC, nic, M_HN_RX_BYTES, 42);
	sample_set(p->now, SCOPE_HOST_NIC, nic, M_HN_SPEED, 1000);
	om_parse(print_one(p, "openmetrics", false));
#define VALUE(series, want)                                                                        \
	assert_string_equal(om_value(series) ? om_value(series) : "(none)", want)
	VALUE("proxtop_host_mem_total_bytes", "25276383232");
	VALUE("proxtop_host_cpu_user_seconds_total", "123.45");
	VALUE("proxtop_host_pressure_cpu_some_avg60_ratio", "0.1234");
	VALUE("proxtop_host_pressure_cpu_some_seconds_total", "0.000001");
	VALUE("proxtop_host_cpu_curfreq_hertz", "2596000000");
	VALUE("proxtop_vm_uptime_seconds{uuid=\"u-1\"}", "77");
	/* exact: no double in between */
	VALUE("proxtop_vcpu_run_seconds_total{uuid=\"u-1\",vcpu=\"3\"}", "1234567890.123456789");
	VALUE("proxtop_vcpu_wait_seconds_total{uuid=\"u-1\",vcpu=\"3\"}", "0.5");
	VALUE("proxtop_vm_disk_reads_total{uuid=\"u-1\",disk=\"scsi0\"}", "50");
	VALUE("proxtop_host_nic_receive_bytes_total{interface=\"eth0\"}", "42");
	VALUE("proxtop_host_nic_speed_bytes_per_second{interface=\"eth0\"}", "125000000");
	/* names are labels of info; sums and formulas are the query's business */
	VALUE("proxtop_vm_info{uuid=\"u-1\",name=\"web\",vmid=\"100\"}", "1");
	VALUE("proxtop_vm_disk_info{uuid=\"u-1\",disk=\"scsi0\",device=\"/dev/pve/vm\"}", "1");
	VALUE("proxtop_vcpu_info{uuid=\"u-1\",vcpu=\"3\"}", "1");
	assert_int_equal(om_count("proxtop_vm_run_seconds_total"), 0);
	assert_int_equal(om_count("proxtop_host_receive_bytes_total"), 0);
	assert_int_equal(om_count("proxtop_vm_cpu_total_ratio"), 0);
	assert_int_equal(om_count("proxtop_vm_vmid"), 0);
	assert_int_equal(om_count("proxtop_vcpu_cpu_last"), 0);
	/* absent values have no series */
	assert_int_equal(om_count("proxtop_host_mem_free_bytes"), 0);
}

static void om_odd_names(void **state)
{
	struct pair *p = *state;

	for (size_t i = 0; i < N_ODD; i++) {
		char uuid[20];
		uint32_t r, d;

		snprintf(uuid, sizeof(uuid), "u%zu", i);
		r = vm(p, uuid, odd_names[i].raw);
		d = child(p, SCOPE_VM_DISK, r, 100 + i);
		sample_set_text(p->now, SCOPE_VM_DISK, d, M_DISK_NAME, odd_names[i].raw);
		sample_set(p->now, SCOPE_VM_DISK, d, M_VD_CAPACITY, 5);
	}
	om_parse(print_one(p, "openmetrics", false));
	assert_int_equal(om_count("proxtop_vm_info"), N_ODD);
	assert_int_equal(om_count("proxtop_vm_disk_capacity_bytes"), N_ODD);
	assert_non_null(om_value("proxtop_vm_info{uuid=\"u6\",name=\"quote\\\"back\\\\slash/\"}"));
	assert_non_null(om_value("proxtop_vm_info{uuid=\"u7\",name=\"tab?newline\\nreturn?\"}"));
	assert_non_null(om_value("proxtop_vm_info{uuid=\"u11\",name=\"latin1 \xef\xbf\xbd\"}"));
}

/* One series twice and the reader refuses the whole exposition. */
static void om_clones(void **state)
{
	static const struct {
		const char *uuid;
		uint64_t pid, vmid;
	} vms[] = {
		{"clone", 1000, ABSENT},  {"clone", 1001, 100},
		{"clone", ABSENT, 101},   {"clone", ABSENT, 102},
		{NULL, 1002, ABSENT},     {NULL, 1003, ABSENT},
		{"alone", 1004, 103},     {"lost", ABSENT, ABSENT},
		{"lost", ABSENT, ABSENT}, /* nothing tells them apart: the first one */
	};
	struct pair *p = *state;
	unsigned n = sizeof(vms) / sizeof(*vms);
	uint32_t r;

	for (unsigned i = 0; i < n; i++) {
		r = vm(p, vms[i].uuid, "n");
		sample_set(p->now, SCOPE_VM, r, M_PID, vms[i].pid);
		sample_set(p->now, SCOPE_VM, r, M_VMID, vms[i].vmid);
		sample_set(p->now, SCOPE_VM, r, M_UPTIME, 5);
		r = child(p, SCOPE_VCPU, r, 50 + i);
		sample_set(p->now, SCOPE_VCPU, r, M_VCPU, 0);
		sample_set(p->now, SCOPE_VCPU, r, M_RUN, 1);
	}
	om_parse(print_one(p, "openmetrics", false));
	assert_int_equal(om_count("proxtop_vm_info"), n - 1);
	assert_int_equal(om_count("proxtop_vm_uptime_seconds"), n - 1);
	assert_int_equal(om_count("proxtop_vcpu_run_seconds_total"), n - 1);
	assert_non_null(om_value("proxtop_vm_uptime_seconds{uuid=\"alone\"}"));
	assert_non_null(om_value("proxtop_vm_uptime_seconds{uuid=\"lost\"}"));
	assert_non_null(
		om_value("proxtop_vm_uptime_seconds{uuid=\"clone\",pid=\"1001\",vmid=\"100\"}"));
	assert_non_null(om_value("proxtop_vm_uptime_seconds{uuid=\"clone\",vmid=\"101\"}"));
	assert_null(strstr(p->out.data[0], "18446744073709551615"));
}

/* Whoever starts a QEMU names its parts: two of one name must not spoil all. */
static void om_parts_of_one_name(void **state)
{
	struct pair *p = *state;
	uint32_t r = vm(p, "u", "n"), d;

	for (unsigned i = 0; i < 4; i++) {
		d = child(p, SCOPE_VM_DISK, r, 50 + i);
		sample_set_text(p->now, SCOPE_VM_DISK, d, M_DISK_NAME, i < 3 ? "hda" : "hdb");
		sample_set(p->now, SCOPE_VM_DISK, d, M_VD_CAPACITY, 5 + i);
		/* interfaces of which nothing is known, and such with a MAC address only */
		child(p, SCOPE_VM_NIC, r, 60 + i);
		d = child(p, SCOPE_VM_NIC, r, 70 + i);
		sample_set_text(p->now, SCOPE_VM_NIC, d, M_NIC_MAC, i < 2 ? "m1" : "m2");
	}
	d = child(p, SCOPE_HOST_DISK, 0, 80);
	sample_set_text(p->now, SCOPE_HOST_DISK, d, M_DISK_NAME, "sda");
	sample_set(p->now, SCOPE_HOST_DISK, d, M_HD_READS, 1);
	d = child(p, SCOPE_HOST_DISK, 0, 81); /* dmsetup allows any name */
	sample_set_text(p->now, SCOPE_HOST_DISK, d, M_DISK_NAME, "sda");
	sample_set(p->now, SCOPE_HOST_DISK, d, M_HD_READS, 2);
	om_parse(print_one(p, "openmetrics", false));
	assert_non_null(om_value("proxtop_vm_disk_capacity_bytes{uuid=\"u\",disk=\"hda\"}"));
	assert_non_null(om_value("proxtop_vm_disk_capacity_bytes{uuid=\"u\",disk=\"hdb\"}"));
	assert_non_null(om_value("proxtop_vm_nic_info{uuid=\"u\",mac=\"m1\"}"));
	assert_non_null(om_value("proxtop_vm_nic_info{uuid=\"u\",mac=\"m2\"}"));
}

/* Base units are larger numbers: 2^60 sectors do not become few bytes. */
static void om_extreme_numbers(void **state)
{
	static const uint64_t values[] = {UINT64_C(1) << 60, UINT64_MAX - 1};
	struct pair *p = *state;

	for (size_t i = 0; i < 2; i++) {
		for (int s = 0; s < SCOPES; s++) {
			uint32_t r = s == SCOPE_HOST || i ? 0 : child(p, s, 0, 1000);

			for (int m = 0; m < METRICS; m++)
				if ((metrics[m].scopes & (1u << s)) && metrics[m].kind <= GAUGE)
					sample_set(p->now, s, r, m, values[i]);
		}
		om_parse(print_one(p, "openmetrics", false));
		/* sums are the query's business, also where one is there */
		assert_int_equal(om_count("proxtop_vm_run_seconds_total"), 0);
		assert_int_equal(om_count("proxtop_vcpu_run_seconds_total"), 1);
		for (unsigned k = 0; k < n_om; k++)
			if (strstr(om[k].name, "_bytes") &&
			    strtod(om[k].value, NULL) < (double)values[i] * 0.999)
				fail_msg("%s is %s", om[k].series, om[k].value);
	}
}

static void om_of_nothing(void **state)
{
	struct pair *p = *state;

	sample_clear(p->now);
	om_parse(print_one(p, "openmetrics", false));
	assert_int_equal(n_om, 0);
	free(om);
	om = NULL;
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),
		TEST(json_of_one_vm),
		TEST(json_of_nothing),
		TEST(json_arrays),
		TEST(json_odd_names),
		TEST(json_extreme_numbers),
		TEST(only_some_vms),
		TEST(json_only_the_families_wanted),
		TEST(json_split),
		TEST(json_parts_are_filled),
		TEST(json_too_large_a_vm),
		TEST(json_too_large_a_host),
		TEST(json_impossible),
		TEST(errors_of_the_sink),
		TEST(text_lines),
		TEST(text_names),
		TEST(text_header_after_an_error),
		TEST(text_without_host_columns),
		cmocka_unit_test(for_people),
		TEST(text_for_people),
		cmocka_unit_test(times),
		TEST(om_values),
		TEST(om_odd_names),
		TEST(om_clones),
		TEST(om_parts_of_one_name),
		TEST(om_extreme_numbers),
		TEST(om_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
