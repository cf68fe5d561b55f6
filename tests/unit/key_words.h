/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_KEY_WORDS_H
#define PROXTOP_TEST_KEY_WORDS_H

/* What a script calls a key. */
#include "key.h"
#include "utf8.h"

#include <stdio.h>
#include <string.h>

/* "Enter", "c", "Ctrl-C"; "?" for what has no name. */
static inline void key_text(uint32_t code, char *to, size_t size)
{
	char all[400], bytes[5] = "", *rest = NULL;

	snprintf(to, size, "?");
	if (code >= K_F1 && code <= K_F12) {
		snprintf(to, size, "F%u", (unsigned)(code - K_F1 + 1));
		return;
	}
	key_names(all, sizeof(all));
	for (char *name = strtok_r(all, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		name += *name == ' ';
		if (key_code(name, strlen(name)) == code) {
			snprintf(to, size, "%s", name);
			return;
		}
	}
	if (code < 0x20 || code > 0x10ffff)
		return;
	bytes[utf8_encode(code, bytes)] = '\0';
	snprintf(to, size, "%s", bytes);
}

#endif
