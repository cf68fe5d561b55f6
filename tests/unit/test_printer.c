/* SPDX-License-Identifier: Apache-2.0 */
/* Printers of all formats: which there are, some VMs only, times, sinks that fail. */
#include "printer_kit.h"

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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(formats),    TEST(only_some_vms),     TEST(errors_of_the_sink),
		cmocka_unit_test(for_people), cmocka_unit_test(times),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
