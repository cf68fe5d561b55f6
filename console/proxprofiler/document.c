/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include "profile_json.h"

void document_put(struct buf *to, const struct proxprofiler_options *o, const char *name,
		  const char *uuid, const struct profile *p, const struct profile_settings *s)
{
	(void)o;
	buf_byte(to, '{');
	if (uuid) {
		buf_lit(to, "\"uuid\":");
		buf_json_string(to, uuid);
		buf_byte(to, ',');
	}
	buf_lit(to, "\"profile\":");
	profile_json_object(to, name, p, s);
	buf_lit(to, "}\n");
}
