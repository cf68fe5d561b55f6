/* SPDX-License-Identifier: Apache-2.0 */
/* json, json-vm and influx as outputs write them, read back by jansson and by a strict
 * reader of line protocol. */
#include "output_kit.h"
#include "render.h"
#include "utf8.h"

#include <errno.h>
#include <jansson.h>
#include <math.h>

struct rig {
	struct output_url url;
	struct render *render;
	struct sample *before, *now;
};

static int setup(void **state)
{
	struct rig *r = calloc(1, sizeof(*r));

	r->before = sample_new();
	r->now = sample_new();
	sample_row(r->before, SCOPE_HOST, NO_ROW, 1);
	sample_row(r->now, SCOPE_HOST, NO_ROW, 1);
	*state = r;
	return 0;
}

static void use(struct rig *r, const char *url)
{
	char why[256];

	render_free(r->render);
	output_url_fini(&r->url);
	if (output_url_parse(&r->url, url, why, sizeof(why)) < 0)
		fail_msg("%s: %s", url, why);
	r->render = render_new(&r->url, SIZE_MAX);
}

static int teardown(void **state)
{
	struct rig *r = *state;

	render_free(r->render);
	output_url_fini(&r->url);
	sample_free(r->before);
	sample_free(r->now);
	free(r);
	return 0;
}

static uint32_t row(struct rig *r, enum scope s, uint32_t parent, uint64_t id)
{
	sample_row(r->before, s, parent, id);
	return sample_row(r->now, s, parent, id);
}

static uint32_t vm(struct rig *r, const char *uuid, const char *name)
{
	uint32_t v = row(r, SCOPE_VM, 0, 10 + r->now->table[SCOPE_VM].rows);

	sample_set_text(r->now, SCOPE_VM, v, M_UUID, uuid);
	sample_set_text(r->now, SCOPE_VM, v, M_NAME, name);
	return v;
}

static void grew(struct rig *r, enum scope s, uint32_t row_, enum metric_id m, uint64_t by)
{
	sample_set(r->before, s, row_, m, 1000);
	sample_set(r->now, s, row_, m, 1000 + by);
}

/* What is written of the two samples; sequences 4 and 5, so one second lies between. */
static const char *print(struct rig *r, const char *host)
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
static const char *token(const char *at, const char *ends, char *to, size_t size)
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

static const char *string_value(const char *at, struct part *p)
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

static const char *field_value(const char *at, struct part *p)
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
static void read_point(const char *at, struct point *p)
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

static const char *part_of(const struct part *list, unsigned n, const char *key)
{
	for (unsigned i = 0; i < n; i++)
		if (!strcmp(list[i].key, key))
			return list[i].value;
	return NULL;
}

static const char *tag(const struct point *p, const char *key)
{
	return part_of(p->tag, p->tags, key);
}

/* With its type: "12i", "12f", "webs" */
static const char *field(const struct point *p, const char *key)
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
static struct point *point(const char *text, const char *measurement, unsigned n)
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

static unsigned count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

static void fill_all(struct rig *r)
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

static void influx_scopes(void **state)
{
	struct rig *r = *state;
	const char *text;
	struct point *p;

	fill_all(r);
	use(r, "influx+tcp://h:1");
	text = print(r, "kvm1");
	p = point(text, "proxtop_host", 0);
	assert_int_equal(p->tags, 2);
	assert_string_equal(tag(p, "host"), "kvm1");
	assert_string_equal(tag(p, "host_id"), "id-kvm1");
	assert_string_equal(field(p, "ram_Total"), "16000000i");
	assert_string_equal(field(p, "psi_some_cpu_avg60"), "12.34f");
	assert_string_equal(field(p, "ram_Free"), ""); /* absent */
	assert_true(p->time == (long long)(KIT_WALL + 5 * KIT_S));
	p = point(text, "proxtop_vm", 0);
	assert_int_equal(p->tags, 5);
	assert_string_equal(tag(p, "host"), "kvm1");
	assert_string_equal(tag(p, "name"), "web");
	assert_string_equal(tag(p, "uuid"), "u-1");
	assert_string_equal(tag(p, "vmid"), "100");
	assert_string_equal(field(p, "uptime"), "77i");
	assert_string_equal(field(p, "state"), "runnings");
	assert_string_equal(field(p, "io_MBRD/s"), "3f");
	assert_string_equal(field(p, "cpu_cores"), "2i");
	assert_string_equal(field(p, "cpu_total"), "25f"); /* the vCPU's half second of two */
	assert_string_equal(field(p, "net_receivedBytes"), "2000f"); /* of both */
	assert_string_equal(field(p, "name"), "");
	p = point(text, "proxtop_vcpu", 0);
	assert_string_equal(tag(p, "vcpu"), "1");
	assert_string_equal(tag(p, "uuid"), "u-1");
	assert_string_equal(field(p, "cpu_total"), "50f");
	assert_int_equal(count(text, "proxtop_vcpu,"), 1);
	p = point(text, "proxtop_vm_disk", 0);
	assert_string_equal(tag(p, "disk"), "scsi0");
	assert_string_equal(field(p, "device"), "/dev/x \"y\"s");
	p = point(text, "proxtop_vm_nic", 0);
	assert_string_equal(tag(p, "interface"), "tap100i0");
	assert_string_equal(tag(p, "mac"), "aa:bb");
	assert_string_equal(field(p, "mac"), "");
	assert_string_equal(field(p, "net_receivedBytes"), "1500f");
	p = point(text, "proxtop_vm_nic", 1);
	assert_null(tag(p, "interface"));
	assert_string_equal(tag(p, "mac"), "cc:dd");
	p = point(text, "proxtop_host_disk", 0);
	assert_string_equal(tag(p, "disk"), "sda");
	assert_string_equal(field(p, "disk_device_reads"), "5f");
	assert_int_equal(r->render->n_cuts, count(text, "\n"));
}

static void influx_choices(void **state)
{
	struct rig *r = *state;
	const char *text;
	struct point *p;

	fill_all(r);
	use(r, "influx+tcp://h:1?scopes=vm,vm_nic&precision=s&counters=1");
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 3);
	p = point(text, "proxtop_vm", 0);
	assert_true(p->time == (long long)(KIT_WALL / KIT_S + 5));
	assert_string_equal(field(p, "io_read_total"), "3146728i");
	p = point(text, "proxtop_vm_nic", 0);
	assert_string_equal(field(p, "receive_total"), "2500i");
	assert_string_equal(field(p, "net_receivedBytes"), "1500f");
	use(r, "influx+tcp://h:1?scopes=vm,vm_nic&metrics=net_*&verbose=1");
	text = print(r, "kvm1");
	p = point(text, "proxtop_vm", 0);
	assert_string_equal(field(p, "net_receivedBytes"), "2000f");
	assert_string_equal(field(p, "io_MBRD/s"), "");
	assert_string_equal(field(p, "uptime"), "77i"); /* what names it stays */
	use(r, "influx+tcp://h:1?collectors=mem");
	text = print(r, "kvm1");
	p = point(text, "proxtop_host", 0);
	assert_string_equal(field(p, "ram_Total"), "16000000i");
	assert_int_equal(p->fields, 1);
	assert_int_equal(count(text, "proxtop_vm_nic,"), 0);
}

/* What a server makes of it must be what it was, as far as it can be said at all. */
static void influx_odd_names(void **state)
{
	static const struct {
		const char *name, *seen;
	} odd[] = {
		{"plain", "plain"},
		{"two words", "two words"},
		{"a,b=c", "a,b=c"},
		{"=", "="},
		{" ", " "},
		{"\"quoted\"", "\"quoted\""},
		{"'", "'"},
		{"#", "#"},
		{"back\\slash", "back\\slash"},
		{"\\n", "\\n"},
		{"end\\", "end/"},
		{"end\\\\", "end//"},
		{"a\\,b", "a/,b"},
		{"a\\ b", "a/ b"},
		{"a\\=b", "a/=b"},
		{"new\nline", "new?line"},
		{"tab\tand\x01\x7f", "tab?and??"},
		{"\r\n", "??"},
		{"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"},
		{"c1 \xc2\x85 x", "c1 ? x"},
		{"bad\xff\xc3(", "bad\xef\xbf\xbd\xef\xbf\xbd("},
		{"cut\xe2\x82", "cut\xef\xbf\xbd\xef\xbf\xbd"},
		{"proxtop_vm,host=x cpu=1 1", "proxtop_vm,host=x cpu=1 1"},
	};
	struct rig *r = *state;
	const char *text;

	for (size_t i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		uint32_t v = vm(r, "u", odd[i].name);

		sample_set_text(r->now, SCOPE_VM, v, M_TAGS, odd[i].name);
		sample_set(r->now, SCOPE_VM, v, M_PID, 1000 + i);
	}
	use(r, "influx+tcp://h:1?scopes=vm");
	text = print(r, "a host, really=\\");
	assert_int_equal(count(text, "\n"), sizeof(odd) / sizeof(*odd));
	for (unsigned i = 0; i < sizeof(odd) / sizeof(*odd); i++) {
		struct point *p = point(text, "proxtop_vm", i);
		char want[128];

		if (strcmp(tag(p, "name"), odd[i].seen))
			fail_msg("\"%s\" is read as \"%s\"", odd[i].name, tag(p, "name"));
		assert_string_equal(tag(p, "host"), "a host, really=/");
		/* One UUID for all of them: told apart by PID. */
		snprintf(want, sizeof(want), "%u", 1000 + i);
		assert_string_equal(tag(p, "pid"), want);
	}
}

/* Strings keep backslashes; only what ends a line goes. */
static void influx_strings(void **state)
{
	struct rig *r = *state;
	uint32_t v = vm(r, "u", "n");
	struct point *p;

	sample_set_text(r->now, SCOPE_VM, v, M_TAGS, "a\"b\\c\\\" d,e=f\ng\\");
	use(r, "influx+tcp://h:1?scopes=vm");
	p = point(print(r, "h"), "proxtop_vm", 0);
	assert_string_equal(field(p, "tags"), "a\"b\\c\\\" d,e=f?g\\s");
	assert_null(tag(p, "pid"));
	assert_null(tag(p, "vmid"));
}

/* An empty name is no tag, a row without values no line. */
/* What a disk or an interface is, is worth no line of its own. */
static void influx_identity(void **state)
{
	struct rig *r = *state;
	const char *text;
	uint32_t idle;

	fill_all(r);
	sample_set_text(r->now, SCOPE_HOST_DISK, 0, M_DISK_CLASS, "physical");
	use(r, "influx+tcp://h:1");
	text = print(r, "kvm1");
	assert_string_equal(field(point(text, "proxtop_host_disk", 0), "class"), "physicals");
	/* Nothing of it is wanted but that. */
	use(r, "influx+tcp://h:1?metrics=cpu_*");
	text = print(r, "kvm1");
	assert_int_equal(count(text, "proxtop_host_disk,"), 0);
	assert_int_equal(count(text, "proxtop_vm_nic,"), 0);
	assert_int_equal(count(text, "proxtop_vm,"), 1);
	use(r, "influx+tcp://h:1?metrics=cpu_*&changed=1");
	assert_int_equal(count(print(r, "kvm1"), "proxtop_host_disk,"), 0);
	/* Nothing of it could be read but that. */
	idle = row(r, SCOPE_HOST_DISK, 0, 99);
	sample_set_text(r->now, SCOPE_HOST_DISK, idle, M_DISK_NAME, "sdz");
	sample_set_text(r->now, SCOPE_HOST_DISK, idle, M_DISK_CLASS, "physical");
	use(r, "influx+tcp://h:1");
	text = print(r, "kvm1");
	assert_int_equal(count(text, "proxtop_host_disk,"), 1);
	assert_int_equal(count(text, "sdz"), 0);
	/* Where only changes are written, what has changed is. */
	use(r, "influx+tcp://h:1?changed=1");
	assert_int_equal(count(print(r, "kvm1"), "sdz"), 1);
	assert_string_equal(print(r, "kvm1"), "");
	sample_set_text(r->now, SCOPE_HOST_DISK, 0, M_DISK_CLASS, "virtual");
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 1);
	assert_string_equal(field(point(text, "proxtop_host_disk", 0), "class"), "virtuals");
}

static void influx_nothing(void **state)
{
	struct rig *r = *state;

	vm(r, "", "");
	use(r, "influx+tcp://h:1");
	assert_string_equal(print(r, "h"), "");
	assert_int_equal(r->render->n_cuts, 0);
	sample_set(r->now, SCOPE_VM, 0, M_UPTIME, 0);
	assert_string_equal(print(r, ""), "proxtop_vm,host_id=id- uptime=0i 1795540725000000000\n");
}

/* The same metric has the same type in each sample, whatever its value: a database keeps
 * the first one for ever. */
static void influx_types(void **state)
{
	static const uint64_t values[] = {
		0, 1, 7, 1000, 123456789, UINT64_C(1) << 53, INT64_MAX, UINT64_MAX - 1};
	struct rig *r = *state;
	char type[SCOPES][METRICS] = {{0}};
	unsigned seen = 0;

	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		const char *text;

		sample_clear(r->before);
		sample_clear(r->now);
		for (int s = 0; s < SCOPES; s++) {
			row(r, s, s == SCOPE_HOST ? NO_ROW : 0, 1 + (uint64_t)s);
			for (int m = 0; m < METRICS; m++) {
				if (!(metrics[m].scopes & (1u << s)) ||
				    metrics[m].kind == DERIVED || metric_is_rollup(m, s))
					continue;
				if (metrics[m].kind == INFO) {
					sample_set_text(r->now, s, 0, m, i % 2 ? "12" : "true");
					continue;
				}
				sample_set(r->before, s, 0, m, values[i] / 3);
				sample_set(r->now, s, 0, m, values[i]);
			}
		}
		use(r, "influx+tcp://h:1?verbose=1&counters=1");
		text = print(r, "h");
		for (int s = 0; s < SCOPES; s++) {
			char name[32];
			struct point *p;

			snprintf(name, sizeof(name), "proxtop_%s", scope_names[s]);
			if (!strstr(text, name))
				continue;
			p = point(text, name, 0);
			for (int m = 0; m < METRICS; m++) {
				const char *f = metrics[m].key && (metrics[m].scopes & (1u << s))
							? field(p, metrics[m].key)
							: "";

				if (!*f)
					continue;
				seen++;
				if (!type[s][m])
					type[s][m] = f[strlen(f) - 1];
				if (type[s][m] != f[strlen(f) - 1])
					fail_msg("%s of %s is %c, then %s", metrics[m].key,
						 scope_names[s], type[s][m], f);
				if ((type[s][m] == 's') != (metrics[m].kind == INFO))
					fail_msg("%s is %s", metrics[m].key, f);
			}
		}
	}
	assert_true(seen > 1000);
}

/* Two names of one field in a measurement would overwrite each other; none needs escaping. */
static void influx_field_names(void **state)
{
	(void)state;
	for (int s = 0; s < SCOPES; s++)
		for (int m = 0; m < METRICS; m++) {
			char total[80];

			if (!(metrics[m].scopes & (1u << s)))
				continue;
			assert_null(strpbrk(metrics[m].name, ",= \"\\"));
			if (metrics[m].key)
				assert_null(strpbrk(metrics[m].key, ",= \"\\"));
			snprintf(total, sizeof(total), "%s_total", metrics[m].name);
			for (int o = 0; o < METRICS && metrics[m].kind == COUNTER; o++)
				if ((metrics[o].scopes & (1u << s)) && metrics[o].key &&
				    !strcmp(metrics[o].key, total))
					fail_msg("%s means two things in %s", total,
						 scope_names[s]);
		}
}

/* ---- json ---- */

static json_t *event(const char *text, unsigned n)
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

static const char *text_of(json_t *j, const char *key)
{
	const char *text = json_string_value(json_object_get(j, key));

	if (!text)
		fail_msg("no text %s", key);
	return text;
}

static double number_of(json_t *j, const char *key)
{
	json_t *v = json_object_get(j, key);

	if (!json_is_number(v))
		fail_msg("no number %s", key);
	return json_number_value(v);
}

static void check_origin(json_t *j)
{
	assert_string_equal(text_of(j, "host_name"), "kvm \"1\"");
	assert_string_equal(text_of(j, "host_id"), "id-kvm \"1\"");
	assert_true(number_of(j, "epoch") == 7);
	assert_true(number_of(j, "seq") == 5);
}

static void json_root(void **state)
{
	struct rig *r = *state;
	json_t *j, *d;

	fill_all(r);
	use(r, "json+tcp://h:1?verbose=1");
	j = event(print(r, "kvm \"1\""), 0);
	assert_string_equal(text_of(j, "@timestamp"), "2026-11-24T17:18:45.000Z");
	assert_true(number_of(j, "interval") == 1);
	check_origin(j);
	assert_true(number_of(json_object_get(j, "host"), "ram_Total") == 16000000);
	d = json_array_get(json_object_get(j, "domains"), 0);
	assert_string_equal(text_of(d, "UUID"), "u-1");
	assert_int_equal(json_array_size(json_object_get(d, "disks")), 1);
	json_decref(j);
	use(r, "json+tcp://h:1?metrics=cpu_*");
	j = event(print(r, "kvm \"1\""), 0);
	check_origin(j);
	d = json_array_get(json_object_get(j, "domains"), 0);
	assert_true(number_of(d, "cpu_total") == 25);
	assert_null(json_object_get(d, "io_MBRD/s"));
	assert_null(json_object_get(json_object_get(j, "host"), "ram_Total"));
	json_decref(j);
}

static void json_vm(void **state)
{
	struct rig *r = *state;
	const char *text;
	json_t *j, *v;

	fill_all(r);
	vm(r, "u-2", "new\nline\xff");
	use(r, "json-vm+tcp://h:1");
	text = print(r, "kvm \"1\"");
	assert_int_equal(count(text, "\n"), 3);
	assert_int_equal(r->render->n_cuts, 3);
	j = event(text, 0);
	check_origin(j);
	assert_string_equal(text_of(j, "scope"), "host");
	assert_true(number_of(j, "ram_Total") == 16000000);
	json_decref(j);
	j = event(text, 1);
	check_origin(j);
	assert_string_equal(text_of(j, "@timestamp"), "2026-11-24T17:18:45.000Z");
	assert_string_equal(text_of(j, "scope"), "vm");
	assert_string_equal(text_of(j, "UUID"), "u-1");
	assert_true(number_of(j, "vmid") == 100);
	assert_true(number_of(j, "cpu_total") == 25);
	json_object_foreach(j, text, v) assert_false(json_is_object(v) || json_is_array(v));
	json_decref(j);
	j = event(r->render->out.data, 2);
	assert_string_equal(text_of(j, "name"), "new\nline\xef\xbf\xbd");
	json_decref(j);
	use(r, "json-vm+tcp://h:1?nest=proxtop");
	j = event(print(r, "kvm \"1\""), 1);
	assert_int_equal(json_object_size(j), 2);
	assert_string_equal(text_of(j, "@timestamp"), "2026-11-24T17:18:45.000Z");
	check_origin(json_object_get(j, "proxtop"));
	assert_string_equal(text_of(json_object_get(j, "proxtop"), "UUID"), "u-1");
	json_decref(j);
}

static void keep_of(struct rig *r, const char *host)
{
	struct output_item i = {.before = kit_frame_of(r->before, host, 7, 4),
				.now = kit_frame_of(r->now, host, 7, 5),
				.stream = 1};

	assert_int_equal(render_item(r->render, &i), 0);
	assert_int_equal(r->render->out.used, 0);
	frame_unref(i.before);
	frame_unref(i.now);
}

static void json_cluster(void **state)
{
	struct rig *r = *state;
	const char *const hosts[] = {"kvm \"1\"", "kvm2", "kvm2"};
	json_t *j, *c, *h;

	fill_all(r);
	use(r, "json-cluster+tcp://h:1?interval=1s");
	assert_true(render_is_whole(r->render));
	assert_true(render_whole_in_ms(r->render, true) <= 1001);
	assert_true(render_whole_in_ms(r->render, true) > 0);
	for (unsigned i = 0; i < 3; i++)
		keep_of(r, hosts[i]);
	assert_int_equal(render_whole(r->render), 0);
	assert_int_equal(r->render->n_cuts, 1);
	buf_byte(&r->render->out, '\0');
	j = event(r->render->out.data, 0);
	assert_true(number_of(j, "interval") == 1);
	c = json_object_get(j, "cluster");
	assert_true(number_of(c, "hosts") == 2 && number_of(c, "domains") == 2);
	assert_true(number_of(json_object_get(c, "host"), "ram_Total") == 2 * 16000000);
	/* Of both the same: so is the whole. */
	assert_true(number_of(json_object_get(c, "domain"), "cpu_total") == 25);
	assert_null(json_object_get(json_object_get(c, "domain"), "vmid"));
	assert_null(json_object_get(json_object_get(c, "domain"), "UUID"));
	assert_int_equal(json_array_size(json_object_get(j, "hosts")), 2);
	for (size_t i = 0; i < 2; i++) {
		h = json_array_get(json_object_get(j, "hosts"), i);
		assert_true(number_of(h, "seq") == 5);
		assert_true(number_of(json_object_get(h, "host"), "ram_Total") == 16000000);
		assert_int_equal(json_array_size(json_object_get(h, "domains")), 1);
	}
	json_decref(j);
}

static void keep_run(struct rig *r, uint64_t epoch, uint64_t sequence)
{
	struct output_item i = {.now = kit_frame_of(r->now, "kvm1", epoch, sequence), .stream = 1};

	assert_int_equal(render_item(r->render, &i), 0);
	frame_unref(i.now);
}

/* The rest of an earlier run that comes late is not what is now. */
static void json_cluster_late(void **state)
{
	static const uint64_t come[][2] = {{8, 1}, {7, 90}, {8, 2}, {7, 91}, {8, 1}};
	struct rig *r = *state;
	json_t *j, *h;

	fill_all(r);
	use(r, "json-cluster+tcp://h:1?interval=1s");
	for (unsigned i = 0; i < sizeof(come) / sizeof(*come); i++)
		keep_run(r, come[i][0], come[i][1]);
	assert_int_equal(render_whole(r->render), 0);
	buf_byte(&r->render->out, '\0');
	j = event(r->render->out.data, 0);
	assert_int_equal(json_array_size(json_object_get(j, "hosts")), 1);
	h = json_array_get(json_object_get(j, "hosts"), 0);
	assert_true(number_of(h, "epoch") == 8);
	assert_true(number_of(h, "seq") == 2);
	json_decref(j);
}

static void annotate(void *arg, const char *host_id, struct sample *s)
{
	assert_string_equal(arg, "me");
	assert_true(*host_id);
	sample_set_text(s, SCOPE_VM, 0, M_HOST_FROM, "old \"host\"");
	sample_set(s, SCOPE_VM, 0, M_UUID_DUPLICATE, 1);
}

/* What the aggregator adds is in every format that has keys. */
static void annotated(void **state)
{
	static const char *const urls[] = {"json-vm+tcp://h:1", "json-vm+tcp://h:1?metrics=io_*"};
	struct rig *r = *state;
	char from[300], twice[300];
	json_t *j;

	fill_all(r);
	for (size_t i = 0; i < 2; i++) {
		use(r, urls[i]);
		j = event(print(r, "kvm"), 1);
		assert_null(json_object_get(j, metrics[M_HOST_FROM].key));
		json_decref(j);
		r->render->annotate = annotate;
		r->render->annotate_arg = (void *)(uintptr_t) "me";
		j = event(print(r, "kvm"), 1);
		assert_string_equal(text_of(j, metrics[M_HOST_FROM].key), "old \"host\"");
		assert_true(number_of(j, metrics[M_UUID_DUPLICATE].key) == 1);
		json_decref(j);
	}
	use(r, "influx+tcp://h:1?scopes=vm");
	r->render->annotate = annotate;
	r->render->annotate_arg = (void *)(uintptr_t) "me";
	snprintf(from, sizeof(from), "%s=\"old \\\"host\\\"\"", metrics[M_HOST_FROM].key);
	snprintf(twice, sizeof(twice), "%s=1i", metrics[M_UUID_DUPLICATE].key);
	assert_non_null(strstr(print(r, "kvm"), from));
	assert_non_null(strstr(r->render->out.data, twice));
}

/* A VM with as much as there can be stays far below what Logstash takes as one event. */
static void json_vm_size(void **state)
{
	struct rig *r = *state;
	char name[300];
	uint32_t v;

	memset(name, 1, sizeof(name)); /* six bytes each */
	name[sizeof(name) - 1] = '\0';
	v = vm(r, name, name);
	for (int m = 0; m < METRICS; m++) {
		if (!(metrics[m].scopes & VM) || metrics[m].kind == DERIVED)
			continue;
		if (metrics[m].kind == INFO)
			sample_set_text(r->now, SCOPE_VM, v, m, name);
		else
			sample_set(r->now, SCOPE_VM, v, m, UINT64_MAX - 2);
	}
	use(r, "json-vm+tcp://h:1?verbose=1");
	print(r, "h");
	assert_true(r->render->out.used < 1000000 / 20);
}

/* ---- changed=1 ---- */

static void changed_json(void **state)
{
	struct rig *r = *state;
	const char *text;
	json_t *j;

	fill_all(r);
	vm(r, "u-2", "idle");
	use(r, "json-vm+tcp://h:1?changed=1");
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 2); /* of the idle one there is nothing but a name */
	j = event(text, 1);
	assert_true(number_of(j, "uptime") == 77);
	assert_string_equal(text_of(j, "state"), "running");
	json_decref(j);
	/* Nothing has changed: nothing is said. */
	assert_string_equal(print(r, "kvm1"), "");
	sample_set(r->now, SCOPE_VM, 0, M_UPTIME, 78);
	sample_set(r->now, SCOPE_VM, 1, M_UPTIME, 1);
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 2);
	j = event(text, 0);
	assert_true(number_of(j, "uptime") == 78);
	assert_string_equal(text_of(j, "name"), "web"); /* what names it is always there */
	assert_string_equal(text_of(j, "UUID"), "u-1");
	assert_true(number_of(j, "vmid") == 100);
	assert_null(json_object_get(j, "state"));
	assert_null(json_object_get(j, "cpu_total"));
	json_decref(j);
	/* Less than what is shown is no change; gone and back is one. */
	sample_set(r->now, SCOPE_VCPU, 0, M_RUN, 500001000 + 40);
	sample_set_text(r->now, SCOPE_VM, 0, M_STATE, "paused");
	sample_set(r->now, SCOPE_VM, 1, M_UPTIME, ABSENT);
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 1);
	j = event(text, 0);
	assert_string_equal(text_of(j, "state"), "paused");
	assert_null(json_object_get(j, "cpu_total"));
	json_decref(j);
	sample_set(r->now, SCOPE_VM, 1, M_UPTIME, 1);
	j = event(print(r, "kvm1"), 0);
	assert_string_equal(text_of(j, "UUID"), "u-2");
	json_decref(j);
	render_forget(r->render);
	assert_int_equal(count(print(r, "kvm1"), "\n"), 3);
}

static void changed_influx(void **state)
{
	struct rig *r = *state;
	const char *text;
	struct point *p;

	fill_all(r);
	use(r, "influx+tcp://h:1?changed=1&counters=1");
	assert_true(count(print(r, "kvm1"), "\n") > 5);
	assert_string_equal(print(r, "kvm1"), "");
	sample_set(r->now, SCOPE_VM_NIC, 1, M_VN_RX_BYTES, 1501);
	text = print(r, "kvm1");
	assert_int_equal(count(text, "\n"), 2); /* the interface, and the sum in the VM */
	p = point(text, "proxtop_vm_nic", 0);
	assert_int_equal(p->fields, 2);
	assert_string_equal(field(p, "receive_total"), "1501i");
	assert_string_equal(field(p, "net_receivedBytes"), "501f");
	p = point(text, "proxtop_vm", 0);
	assert_int_equal(p->fields, 1);
	assert_string_equal(field(p, "net_receivedBytes"), "2001f");
}

/* Rows come, go and change places; streams are apart. */
static void changed_rows(void **state)
{
	struct rig *r = *state;
	struct output_item i = {.before = NULL};

	use(r, "json-vm+tcp://h:1?changed=1&metrics=cpu_cores");
	for (unsigned round = 0; round < 4; round++) {
		sample_clear(r->now);
		for (unsigned n = 0; n < 50; n++) {
			unsigned id = (round % 2 ? 49 - n : n);
			uint32_t v = sample_row(r->now, SCOPE_VM, NO_ROW, 1000 + id);

			sample_set(r->now, SCOPE_VM, v, M_CPU_CORES,
				   id == round ? 100 + round : id);
		}
		i.now = kit_frame_of(r->now, "h", 7, 5 + round);
		for (i.stream = 0; i.stream < 3; i.stream++) {
			unsigned want = round == 0 ? 50 : 2; /* one changes, one changes back */

			assert_int_equal(render_item(r->render, &i), 0);
			if (r->render->n_cuts != want)
				fail_msg("round %u, stream %u: %u events", round, i.stream,
					 r->render->n_cuts);
		}
		frame_unref(i.now);
	}
}

/* Without a base there are no rates, and a base that cannot be read costs no more. */
static void no_base(void **state)
{
	struct rig *r = *state;
	struct frame_head h = {.epoch = 7, .sequence = 4, .host_id = "x"};
	struct output_item i = {.stream = 1};

	fill_all(r);
	use(r, "influx+tcp://h:1?scopes=vm");
	i.now = kit_frame_of(r->now, "h", 7, 5);
	for (unsigned n = 0; n < 2; n++) {
		struct point *p;

		i.before = n ? frame_new(&h, "\xc1\xc1", 2) : NULL;
		assert_int_equal(render_item(r->render, &i), 0);
		buf_byte(&r->render->out, '\0');
		p = point(r->render->out.data, "proxtop_vm", 0);
		assert_string_equal(field(p, "uptime"), "77i");
		assert_string_equal(field(p, "cpu_total"), "");
		frame_unref(i.before);
	}
	frame_unref(i.now);
	i.now = frame_new(&h, "\xc1\xc1", 2);
	i.before = NULL;
	assert_int_equal(render_item(r->render, &i), -EBADMSG);
	assert_int_equal(r->render->out.used, 0);
	frame_unref(i.now);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(influx_scopes),  T(influx_choices),    T(influx_odd_names), T(influx_strings),
		T(influx_nothing), T(influx_identity),   T(influx_types),     T(influx_field_names),
		T(json_root),      T(json_vm),           T(json_vm_size),     T(changed_json),
		T(changed_influx), T(changed_rows),      T(no_base),          T(json_cluster),
		T(annotated),      T(json_cluster_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
