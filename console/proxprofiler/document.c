/* SPDX-License-Identifier: Apache-2.0 */
#include "document.h"

#include "profile_json.h"

#include <math.h>
#include <stdio.h>

void document_number(struct buf *to, double v)
{
	char text[32];

	if (!isfinite(v)) {
		buf_lit(to, "null");
		return;
	}
	/* More digits than any prediction is worth; exponents where decimals are long. */
	snprintf(text, sizeof(text), "%.9g", v);
	buf_text(to, text);
}

void document_put(struct buf *to, const struct proxprofiler_options *o, const struct document *d)
{
	buf_byte(to, '{');
	if (d->uuid) {
		buf_lit(to, "\"uuid\":");
		buf_json_string(to, d->uuid);
		buf_byte(to, ',');
	}
	if (o->capacity) {
		document_capacity(to, d);
	} else if (o->predict) {
		document_predict(to, d, o->predict);
	} else if (o->simulate) {
		document_simulate(to, d, o->simulate, o->seed);
	} else {
		buf_lit(to, "\"profile\":");
		profile_json_object(to, d->name, d->profile, d->settings);
	}
	buf_lit(to, "}\n");
}
