/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_OUTPUT_FORMAT_KIT_H
#define PROXTOP_TEST_OUTPUT_FORMAT_KIT_H

/* What the tests of the aggregator's formats share: a sample, and its text in each format. */
#include "output_kit.h"
#include "render.h"
#include "utf8.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

struct rig {
	struct output_url url;
	struct render *render;
	struct sample *before, *now;
};

static inline int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->before = sample_new();
	r->now = sample_new();
	sample_row(r->before, SCOPE_HOST, NO_ROW, 1);
	sample_row(r->now, SCOPE_HOST, NO_ROW, 1);
	*state = r;
	return 0;
}

static inline void use(struct rig *r, const char *url)
{
	char why[256];

	render_free(r->render);
	output_url_fini(&r->url);
	if (output_url_parse(&r->url, url, why, sizeof(why)) < 0)
		fail_msg("%s: %s", url, why);
	r->render = render_new(&r->url, SIZE_MAX);
}

static inline int teardown(void **state)
{
	struct rig *r = *state;

	render_free(r->render);
	output_url_fini(&r->url);
	sample_free(r->before);
	sample_free(r->now);
	free(r);
	return 0;
}

static inline uint32_t row(struct rig *r, enum scope s, uint32_t parent, uint64_t id)
{
	sample_row(r->before, s, parent, id);
	return sample_row(r->now, s, parent, id);
}

static inline uint32_t vm(struct rig *r, const char *uuid, const char *name)
{
	uint32_t v = row(r, SCOPE_VM, 0, 10 + r->now->table[SCOPE_VM].rows);

	sample_set_text(r->now, SCOPE_VM, v, M_UUID, uuid);
	sample_set_text(r->now, SCOPE_VM, v, M_NAME, name);
	return v;
}

static inline void grew(struct rig *r, enum scope s, uint32_t row_, enum metric_id m, uint64_t by)
{
	sample_set(r->before, s, row_, m, 1000);
	sample_set(r->now, s, row_, m, 1000 + by);
}

/* What is written of the two samples; sequences 4 and 5, so one second lies between. */
static inline const char *print(struct rig *r, const char *host)
{
	struct output_item i = {.before = kit_frame_of(r->before, host, 7, 4),
				.now = kit_frame_of(r->now, host, 7, 5),
				.stream = 1};
	int e = render_item(r->render, &i);

	frame_unref(i.before);
	frame_unref(i.now);
	if (e < 0)
		fail_msg("render_item: %d", e);
	buf_byte(&r->render->out, '\0');
	assert_int_equal(strlen(r->render->out.data), r->render->out.used - 1);
	return r->render->out.data;
}

/* ---- line protocol, as InfluxDB 1 reads it ---- */

#define PARTS_MAX 256

struct point {
	char measurement[512];
	struct part {
		char key[512], value[1024]; /* unescaped; of a string without its quotes */
		char type;                  /* i, f, s; tags: t */
	} tag[PARTS_MAX], field[PARTS_MAX];
	unsigned tags, fields;
	long long time;
};

/* Up to an end that has no backslash before it; the backslash before a special one goes. */
static inline const char *token(const char *at, const char *ends, char *to, size_t size)
{
	size_t n = 0;

	for (; *at && !strchr(ends, *at); at++) {
		if (*at == '\\' && at[1] && strchr(",= ", at[1]))
			at++;
		else if (*at == '\n')
			break;
		assert_true(n + 1 < size);
		to[n++] = *at;
	}
	to[n] = '\0';
	return at;
}

static inline const char *string_value(const char *at, struct part *p)
{
	size_t n = 0;

	for (at++; *at && *at != '"'; at++) {
		if (*at == '\\' && (at[1] == '"' || at[1] == '\\'))
			at++;
		p->value[n++] = *at;
	}
	if (*at != '"')
		fail_msg("a string without end: %s", p->value);
	p->value[n] = '\0';
	p->type = 's';
	return at + 1;
}

static inline const char *field_value(const char *at, struct part *p)
{
	char *end;
	size_t n;

	if (*at == '"')
		return string_value(at, p);
	at = token(at, ", ", p->value, sizeof(p->value));
	n = strlen(p->value);
	p->type = n && p->value[n - 1] == 'i' ? 'i' : 'f';
	if (p->type == 'i')
		p->value[n - 1] = '\0';
	strtod(p->value, &end);
	if (!n || *end || strpbrk(p->value, "xXnNiI"))
		fail_msg("%s is no number", p->value);
	return at;
}

/* The line without its \n. */
static inline void read_point(const char *at, struct point *p)
{
	const char *line = at;
	char *end;

	memset(p, 0, sizeof(*p));
	at = token(at, ", ", p->measurement, sizeof(p->measurement));
	while (*at == ',') {
		struct part *t = &p->tag[p->tags++];

		at = token(at + 1, "=", t->key, sizeof(t->key));
		if (*at != '=')
			fail_msg("a tag without value in %s", line);
		at = token(at + 1, ", ", t->value, sizeof(t->value));
		if (!*t->value || !*t->key)
			fail_msg("an empty tag in %s", line);
		if (p->tags > 1 && strcmp(p->tag[p->tags - 2].key, t->key) >= 0)
			fail_msg("%s is not in order in %s", t->key, line);
	}
	if (*at != ' ')
		fail_msg("no fields in %s", line);
	do {
		struct part *f = &p->field[p->fields++];

		at = token(at + 1, "=", f->key, sizeof(f->key));
		if (*at != '=' || !*f->key)
			fail_msg("a field without value in %s", line);
		at = field_value(at + 1, f);
		for (unsigned i = 0; i + 1 < p->fields; i++)
			if (!strcmp(p->field[i].key, f->key))
				fail_msg("%s twice in %s", f->key, line);
	} while (*at == ',');
	if (*at != ' ')
		fail_msg("no time in %s", line);
	p->time = strtoll(at + 1, &end, 10);
	if (*end && *end != '\n')
		fail_msg("more behind the time in %s", line);
}

static inline const char *part_of(const struct part *list, unsigned n, const char *key)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(list[i].key, key))
			return list[i].value;
	return NULL;
}

static inline const char *tag(const struct point *p, const char *key)
{
	return part_of(p->tag, p->tags, key);
}

/* With its type: "12i", "12f", "webs" */
static inline const char *field(const struct point *p, const char *key)
{
	static _Thread_local char text[1100];

	for (unsigned i = 0; i < p->fields; i++) {
		if (strcmp(p->field[i].key, key))
			continue;
		snprintf(text, sizeof(text), "%s%c", p->field[i].value, p->field[i].type);
		return text;
	}
	return "";
}

/* The n-th line of the measurement; fails when there is none. */
static inline struct point *point(const char *text, const char *measurement, unsigned n)
{
	static struct point p;
	const char *next;

	for (const char *at = text; *at; at = next) {
		next = strchr(at, '\n');
		if (!next)
			fail_msg("no newline at the end of %s", at);
		read_point(at, &p);
		if (!strcmp(p.measurement, measurement) && n-- == 0)
			return &p;
		next++;
	}
	fail_msg("no %s in %s", measurement, text);
	return NULL;
}

static inline unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static inline void fill_all(struct rig *r)
{
	uint32_t v = vm(r, "u-1", "web"), d, n, c;

	sample_set(r->now, SCOPE_VM, v, M_VMID, 100);
	sample_set(r->now, SCOPE_VM, v, M_UPTIME, 77);
	sample_set_text(r->now, SCOPE_VM, v, M_STATE, "running");
	sample_set(r->now, SCOPE_VM, v, M_CPU_CORES, 2);
	grew(r, SCOPE_VM, v, M_IO_READ, 3145728);
	c = row(r, SCOPE_VCPU, v, 30);
	sample_set(r->now, SCOPE_VCPU, c, M_VCPU, 1);
	grew(r, SCOPE_VCPU, c, M_RUN, 500000000);
	d = row(r, SCOPE_VM_DISK, v, 40);
	sample_set_text(r->now, SCOPE_VM_DISK, d, M_DISK_NAME, "scsi0");
	sample_set_text(r->now, SCOPE_VM_DISK, d, M_DISK_DEVICE, "/dev/x \"y\"");
	sample_set(r->now, SCOPE_VM_DISK, d, M_VD_CAPACITY, 1 << 30);
	n = row(r, SCOPE_VM_NIC, v, 50);
	sample_set_text(r->now, SCOPE_VM_NIC, n, M_NIC_NAME, "tap100i0");
	sample_set_text(r->now, SCOPE_VM_NIC, n, M_NIC_MAC, "aa:bb");
	grew(r, SCOPE_VM_NIC, n, M_VN_RX_BYTES, 1500);
	n = row(r, SCOPE_VM_NIC, v, 51);
	sample_set_text(r->now, SCOPE_VM_NIC, n, M_NIC_MAC, "cc:dd");
	grew(r, SCOPE_VM_NIC, n, M_VN_RX_BYTES, 500);
	d = row(r, SCOPE_HOST_DISK, 0, 60);
	sample_set_text(r->now, SCOPE_HOST_DISK, d, M_DISK_NAME, "sda");
	grew(r, SCOPE_HOST_DISK, d, M_HD_READS, 5);
	row(r, SCOPE_VCPU, 99, 31); /* nobody's */
	sample_set(r->now, SCOPE_HOST, 0, M_MEM_TOTAL, 16000000);
	sample_set(r->now, SCOPE_HOST, 0, M_PSI_SOME_CPU_AVG60, 1234);
}

/* ---- json ---- */

static inline json_t *event(const char *text, unsigned n)
{
	const char *end = strchr(text, '\n');
	json_error_t e;
	json_t *j;

	for (; n && end; n--) {
		text = end + 1;
		end = strchr(text, '\n');
	}
	if (!end)
		fail_msg("not so many lines");
	j = json_loadb(text, (size_t)(end - text), JSON_REJECT_DUPLICATES, &e);
	if (!j)
		fail_msg("%s: %.*s", e.text, (int)(end - text), text);
	return j;
}

static inline const char *text_of(json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	if (!text)
		fail_msg("no text %s", key);
	return text;
}

static inline double number_of(json_t *j, const char *key)
{
	json_t *v = json_object_get(j, key);

	if (!json_is_number(v))
		fail_msg("no number %s", key);
	return json_number_value(v);
}

#endif
