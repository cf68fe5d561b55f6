/* SPDX-License-Identifier: Apache-2.0 */
#include "measure_options.h"

#include "sample.h"

#include <string.h>

static bool is_host_id(const char *id)
{
	size_t n = strlen(id);

	return n && n <= HOST_ID_MAX &&
	       strspn(id, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.:_-") ==
		       n;
}

int measure_options_check(struct option_parse *p, unsigned *families, const char *host_id,
			  const char *host_name)
{
	if (!*families)
		*families = (1u << FAMILIES) - 1;
	*families |= 1u << F_IDENT;
	if (host_id && !is_host_id(host_id))
		return option_fail(p,
				   "--host-id=%.80s is not possible; allowed: at most %u letters, "
				   "digits, dots, colons, dashes and underscores",
				   host_id, HOST_ID_MAX);
	if (host_name && strlen(host_name) > HOST_NAME_BYTES)
		return option_fail(p, "--host-name=%.40s... is too long; allowed: at most %u bytes",
				   host_name, HOST_NAME_BYTES);
	return 0;
}
