/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_filter.h"

#include <fnmatch.h>
#include <inttypes.h>

static bool matches(const char *pattern, const char *text)
{
	return text && !fnmatch(pattern, text, FNM_CASEFOLD);
}

bool vm_filter_wants(void *arg, const struct sample *s, uint32_t vm_row)
{
	const struct option_list *patterns = arg;
	const char *name = sample_text(s, SCOPE_VM, vm_row, M_NAME);
	const char *uuid = sample_text(s, SCOPE_VM, vm_row, M_UUID);
	uint64_t vmid = sample_get(s, SCOPE_VM, vm_row, M_VMID);
	char number[24];

	snprintf(number, sizeof(number), "%" PRIu64, vmid);
	for (unsigned i = 0; i < patterns->n; i++) {
		const char *pattern = patterns->item[i];

		if (matches(pattern, name) || matches(pattern, uuid) ||
		    (vmid != ABSENT && matches(pattern, number)))
			return true;
	}
	return !patterns->n;
}
