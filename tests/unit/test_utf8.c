/* SPDX-License-Identifier: Apache-2.0 */
/* Every character there is: written as the C library writes it, and seen as one. */
#include "utf8.h"

#include <limits.h>
#include <locale.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

static void test_encode(void **state)
{
	(void)state;
	if (!setlocale(LC_CTYPE, "C.UTF-8"))
		fail_msg("no locale C.UTF-8");
	for (uint32_t ch = 1; ch <= 0x10ffff; ch++) {
		char have[5] = "", want[MB_LEN_MAX];
		mbstate_t ps = {0};
		size_t n;

		if (ch >= 0xd800 && ch < 0xe000) /* surrogates are none */
			continue;
		n = wcrtomb(want, (wchar_t)ch, &ps);
		if (utf8_encode(ch, have) != n || memcmp(have, want, n) != 0)
			fail_msg("U+%04X: %02x %02x %02x %02x", ch, (unsigned char)have[0],
				 (unsigned char)have[1], (unsigned char)have[2],
				 (unsigned char)have[3]);
		if (utf8_length(have) != n)
			fail_msg("U+%04X is %zu bytes, not %zu", ch, utf8_length(have), n);
	}
}

static void test_none(void **state)
{
	static const char *const texts[] = {"\x80",
					    "\xbf",
					    "\xc0\x80",
					    "\xc1\xbf",
					    "\xc3",
					    "\xc3(",
					    "\xe0\x80\x80",
					    "\xe0\x9f\xbf",
					    "\xe6\x97",
					    "\xe6\x97(",
					    "\xed\xa0\x80",
					    /* U+D800 */ "\xed\xbf\xbf",
					    "\xf0\x80\x80\x80",
					    "\xf0\x8f\xbf\xbf",
					    "\xf0\x9f\x98",
					    "\xf4\x90\x80\x80",
					    /* U+110000 */ "\xf5\x80\x80\x80",
					    "\xff"};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++)
		if (utf8_length(texts[i]))
			fail_msg("text %zu is taken for a character", i);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_encode),
		cmocka_unit_test(test_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
