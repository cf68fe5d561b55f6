/* SPDX-License-Identifier: Apache-2.0 */
/* json, read back by jansson: one document for all. */
#include "printer_kit.h"

static json_t *print_json(struct pair *p, bool verbose)
{
	print_one(p, "json", verbose);
	return parse(p->out.data[0], p->out.size[0]);
}

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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(json_of_one_vm),       TEST(json_of_nothing),
		TEST(json_arrays),          TEST(json_odd_names),
		TEST(json_extreme_numbers), TEST(json_only_the_families_wanted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
