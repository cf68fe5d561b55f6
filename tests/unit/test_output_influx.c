/* SPDX-License-Identifier: Apache-2.0 */
/* InfluxDB's line protocol. */
#include "output_format_kit.h"

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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(influx_scopes),  T(influx_choices),  T(influx_odd_names), T(influx_strings),
		T(influx_nothing), T(influx_identity), T(influx_types),     T(influx_field_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
