/* SPDX-License-Identifier: Apache-2.0 */
/* json in parts, where one document would be too large for a datagram. */
#include "printer_kit.h"

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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(json_split),          TEST(json_parts_are_filled),
		TEST(json_too_large_a_vm), TEST(json_too_large_a_host),
		TEST(json_impossible),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
