/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_PRINTER_KIT_H
#define PROXTOP_TEST_PRINTER_KIT_H

/* What the tests of printers share: two samples that grow, and what is printed of them, as records.
 */
#include "print.h"
#include "printer.h"
#include "utf8.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define S           UINT64_C(1000000000)
#define RECORDS_MAX 4096

struct records {
	char *data[RECORDS_MAX];
	size_t size[RECORDS_MAX];
	unsigned n;
	int answer; /* what put() says */
};

static inline int take(void *arg, const char *data, size_t n)
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

static inline void records_free(struct records *r)
{
	while (r->n)
		free(r->data[--r->n]);
}

struct pair {
	struct sample *before, *now;
	struct view *view;
	struct records out;
	struct printer *printer;
};

static inline int setup(void **state)
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

static inline int teardown(void **state)
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

static inline uint32_t vm(struct pair *p, const char *uuid, const char *name)
{
	uint64_t id = 10 + p->now->table[SCOPE_VM].rows;
	uint32_t r;

	sample_row(p->before, SCOPE_VM, 0, id);
	r = sample_row(p->now, SCOPE_VM, 0, id);
	sample_set_text(p->now, SCOPE_VM, r, M_UUID, uuid);
	sample_set_text(p->now, SCOPE_VM, r, M_NAME, name);
	return r;
}

static inline uint32_t child(struct pair *p, enum scope s, uint32_t parent, uint64_t id)
{
	sample_row(p->before, s, parent, id);
	return sample_row(p->now, s, parent, id);
}

static inline void grew(struct pair *p, enum scope s, uint32_t row, enum metric_id m, uint64_t by)
{
	sample_set(p->before, s, row, m, 1000);
	sample_set(p->now, s, row, m, 1000 + by);
}

static inline int print_with(struct pair *p, const char *format, const struct printer_options *o,
			     unsigned *dropped)
{
	records_free(&p->out);
	if (!p->printer)
		p->printer = printer_new(format, o);
	assert_non_null(p->printer);
	view_derive(p->view, p->before, p->now);
	return printer_print(p->printer, p->view, take, &p->out, dropped);
}

static inline struct printer_options options(bool verbose)
{
	return (struct printer_options){
		.verbose = verbose, .families = ~0u, .record_max = SIZE_MAX};
}

static inline char *print_one(struct pair *p, const char *format, bool verbose)
{
	struct printer_options o = options(verbose);
	unsigned dropped = 99;

	assert_int_equal(print_with(p, format, &o, &dropped), 0);
	assert_int_equal(p->out.n, 1);
	assert_int_equal(dropped, 0);
	return p->out.data[0];
}

static inline json_t *parse(const char *text, size_t n)
{
	json_error_t e;
	json_t *j = json_loadb(text, n, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, &e);

	if (!j)
		fail_msg("not JSON: %s at %d: %.200s", e.text, e.position, text);
	if (n < 2 || text[n - 1] != '\n' || memchr(text, '\n', n) != text + n - 1)
		fail_msg("not one line: %.200s", text);
	return j;
}

static inline double number(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_number(v))
		fail_msg("%s is no number", key);
	return json_number_value(v);
}

static inline const char *text(json_t *o, const char *key)
{
	json_t *v = json_object_get(o, key);

	if (!json_is_string(v))
		fail_msg("%s is no text", key);
	return json_string_value(v);
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

static inline void many_vms(struct pair *p, unsigned n, unsigned disks)
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

#endif
