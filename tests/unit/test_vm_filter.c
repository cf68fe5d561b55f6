/* SPDX-License-Identifier: Apache-2.0 */
/* --vm=PATTERN */
#include "vm_filter.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static const struct {
	const char *name, *uuid;
	uint64_t vmid;
	const char *patterns[3];
	bool wanted;
} cases[] = {
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {NULL}, true},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"web-01"}, true},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"WEB-01"}, true},
	{"Web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"wEB-*"}, true},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"web"}, false},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"eb-0"}, false},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"db-*", "web-0[1-3]"}, true},
	{"web-04", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"db-*", "web-0[1-3]"}, false},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"web-0?"}, true},
	{"web-011", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"web-0?"}, false},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"100"}, true},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"10"}, false},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"1??"}, true},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"4F1C2A33-*"}, true},
	{"web-01", "4f1c2a33-0000-4000-8000-00000000ab01", 100, {"4f1c2a33"}, false},
	/* No VMID is not the number that stands for absent */
	{"a", "b", ABSENT, {"18446744073709551615"}, false},
	{"a", "b", ABSENT, {"1*"}, false},
	/* Absent texts match nothing, the others still do */
	{NULL, "b", 7, {"*"}, true},
	{NULL, NULL, ABSENT, {"*"}, false},
	{NULL, NULL, ABSENT, {NULL}, true},
	/* Odd names */
	{"a b/c", "u", ABSENT, {"a*"}, true},
	{"nan", "u", ABSENT, {"nan"}, true},
	{"[x]", "u", ABSENT, {"\\[x\\]"}, true},
	{"[x]", "u", ABSENT, {"[x]"}, false},
	{"bad\xff\xfename", "u", ABSENT, {"bad*name"}, true},
	{".hidden", "u", ABSENT, {"*"}, true},
	{"[", "u", ABSENT, {"["}, true},
};

static void patterns_match(void **state)
{
	struct sample *s = sample_new();

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct option_list list = {.item = (char **)cases[i].patterns};
		uint32_t row;

		while (list.n < 3 && cases[i].patterns[list.n])
			list.n++;
		sample_clear(s);
		sample_row(s, SCOPE_HOST, NO_ROW, 1);
		sample_row(s, SCOPE_VM, 0, 2);
		row = sample_row(s, SCOPE_VM, 0, 3);
		sample_set_text(s, SCOPE_VM, row, M_NAME, cases[i].name);
		sample_set_text(s, SCOPE_VM, row, M_UUID, cases[i].uuid);
		sample_set(s, SCOPE_VM, row, M_VMID, cases[i].vmid);
		if (vm_filter_wants(&list, s, row) != cases[i].wanted)
			fail_msg("case %zu: name '%s', pattern '%s': not %s", i,
				 cases[i].name ? cases[i].name : "(none)",
				 list.n ? list.item[0] : "(none)",
				 cases[i].wanted ? "shown" : "left out");
	}
	sample_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
