/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_JSON_H
#define PROXTOP_PROFILE_JSON_H

/*
 * A profile as JSON, on one line.
 *
 * Its shape is that of tsprofiler (https://github.com/cha87de/tsprofiler), which readers of the
 * original know; README.md has it member by member.  Numbers of "nextProbs" and "probability" are
 * whole percents which sum up to 100 (largest remainder).  What is ours stands beside it, and a
 * reader of the original ignores it: "schema", exact counts, where the states are, and what is
 * needed to go on counting; profile_read.h makes of it the profile that it was.
 *
 * What is not known is left out.  Numbers are what they were when they are read back.
 */
#include "buf.h"
#include "profile.h"

#define PROFILE_SCHEMA 1

/* Appends {"profile":{...}} without an end of line. */
void profile_json(struct buf *b, const char *name, const struct profile *p,
		  const struct profile_settings *s);

/* Only what "profile" is, for who writes more beside it. */
void profile_json_object(struct buf *b, const char *name, const struct profile *p,
			 const struct profile_settings *s);

#endif
