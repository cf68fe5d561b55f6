/* SPDX-License-Identifier: Apache-2.0 */
/* The JSON reader on its own: any text, asked for any kind of value in turn. */
#include "json_pull.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* Takes each value as what it is, by asking for all kinds in turn. */
static void walk(struct json_pull *j, unsigned turn)
{
	struct jp_text key;
	uint64_t number;

	switch (turn % 5) {
	case 0:
		if (jp_object(j))
			while (jp_key(j, &key))
				walk(j, turn + (unsigned)key.n);
		break;
	case 1:
		if (jp_array(j))
			while (jp_element(j))
				walk(j, turn / 5 + 1);
		break;
	case 2:
		jp_u64(j, &number);
		break;
	case 3:
		if (jp_string(j, &key) && memchr(key.p, '\\', key.n))
			abort();
		break;
	default:
		jp_skip(j);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct json_pull j;

	for (unsigned turn = 0; turn < 25; turn++) {
		jp_init(&j, (const char *)bytes, n);
		walk(&j, turn);
		if (jp_end(&j) && j.bad)
			abort();
	}
	return 0;
}
