/* SPDX-License-Identifier: Apache-2.0 */
/* text: lines, headers, and what is for people. */
#include "printer_kit.h"

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

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(text_lines),
		TEST(text_names),
		TEST(text_header_after_an_error),
		TEST(text_without_host_columns),
		TEST(text_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
