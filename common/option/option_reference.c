/* SPDX-License-Identifier: Apache-2.0 */
#include "option_reference.h"

const char *const option_formats[] = {"markdown", "man", "bash", NULL};
const char *const option_formats_service[] = {"markdown", "man", "bash", "man-conf", NULL};

void option_reference(const struct option_table *t, int index, FILE *to)
{
	static void (*const write[])(const struct option_table *, FILE *) = {
		option_markdown, option_man, option_bash, option_man_file};

	if (index >= 0 && index < (int)(sizeof(write) / sizeof(*write)))
		write[index](t, to);
}
