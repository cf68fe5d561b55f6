/* SPDX-License-Identifier: Apache-2.0 */
/* openmetrics, read back as Prometheus does. */
#include "printer_kit.h"

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
		TEST(om_values),          TEST(om_odd_names),
		TEST(om_clones),          TEST(om_parts_of_one_name),
		TEST(om_extreme_numbers), TEST(om_of_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
