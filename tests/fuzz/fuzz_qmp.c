/* SPDX-License-Identifier: Apache-2.0 */
/* Any line as the answer of a QEMU to each of the commands. */
#include "qmp_parse.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void check_disks(const struct qmp_disks *d)
{
	if (d->n > VM_DISKS_MAX)
		abort();
	for (unsigned i = 0; i < d->n; i++) {
		if (d->disk[i].values.n > GUEST_VALUES_MAX ||
		    strnlen(d->disk[i].name, GUEST_DISK_NAME) == GUEST_DISK_NAME)
			abort();
		for (unsigned v = 0; v < d->disk[i].values.n; v++)
			if (d->disk[i].values.v[v].metric >= METRICS)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static struct qmp_disks disks;

	for (int c = 0; c < QMP_COMMANDS; c++) {
		struct qmp_answer a = {.disks = &disks};
		enum qmp_line line;

		disks.n = 0;
		line = qmp_parse((const char *)bytes, n, c, &a);
		if (line > QMP_ERROR || a.state > VM_SUSPENDED)
			abort();
		check_disks(&disks);
	}
	return 0;
}
