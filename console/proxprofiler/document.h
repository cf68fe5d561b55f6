/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DOCUMENT_H
#define PROXTOP_DOCUMENT_H

/*
 * A profile as the line that the options ask for: the profile itself, a prediction, or a
 * simulated series.
 */
#include "buf.h"
#include "profile.h"
#include "proxprofiler_options.h"

/* Appends the line, with its end.  uuid: NULL for a file's. */
void document_put(struct buf *to, const struct proxprofiler_options *o, const char *name,
		  const char *uuid, const struct profile *p, const struct profile_settings *s);

#endif
