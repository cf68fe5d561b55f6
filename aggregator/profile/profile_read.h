/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_READ_H
#define PROXTOP_PROFILE_READ_H

/*
 * Reads what profile_json.h writes; also documents of the original.
 *
 * Of our own ("schema":1) the profile is the one that was written: it can be continued, merged
 * and compared.  What can be had from the counts (percents, bounds, sums of periods) is not read.
 *
 * The original keeps percents only, and not where its states are.  Such documents are read for
 * comparing: percents_only is set, counts are ten-thousandths of all transitions (its percents of
 * percents), states are equal parts from the least to the greatest value of its statistics, which
 * is where they are unless its bounds were fixed to others.  Contexts of more than one state,
 * periods and phases are left out.
 *
 * Also without the {"profile":...} around it, as csv2tsprofile of the original writes it.
 */
#include "profile.h"

#define PROFILE_DOCUMENT_MAX (64u << 20) /* bytes */
#define PROFILE_TITLE_MAX    4095u       /* bytes of a profile's name */

struct profile_document {
	char *name; /* owned; "" when it has none */
	struct profile_settings settings;
	struct profile profile; /* owned */
	bool percents_only;     /* by the original: not to be continued or merged */
};

/* 0; -EBADMSG, -EFBIG or -EPROTO (of a later schema): why is one line, with the place of what is
 * wrong, and nothing is to be freed. */
int profile_read(struct profile_document *ret, const char *text, size_t n, char *why,
		 size_t why_size);
void profile_document_fini(struct profile_document *d);

#endif
