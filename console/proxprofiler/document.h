/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DOCUMENT_H
#define PROXTOP_DOCUMENT_H

/*
 * A profile as the line that the options ask for: the profile itself, what it says of size,
 * a prediction, or a simulated series.
 */
#include "buf.h"
#include "predict.h"
#include "profile.h"
#include "proxprofiler_options.h"

struct document {
	const char *name, *uuid; /* uuid: NULL for a file's */
	const struct profile *profile;
	const struct profile_settings *settings;
	const struct predict_error *errors; /* of each metric; NULL: they were not looked at */
};

/* Appends the line, with its end. */
void document_put(struct buf *to, const struct proxprofiler_options *o, const struct document *d);

/* ---- between the document*.c files: members of the line's object ---- */

void document_capacity(struct buf *to, const struct document *d);
void document_predict(struct buf *to, const struct document *d, unsigned steps);
void document_simulate(struct buf *to, const struct document *d, unsigned steps, unsigned seed);

/* null for what is not finite. */
void document_number(struct buf *to, double v);

#endif
