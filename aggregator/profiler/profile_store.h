/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_STORE_H
#define PROXTOP_PROFILE_STORE_H

/*
 * The directory in which all profiles are kept, with the positions they have counted.
 *
 * PROFILER_SHARDS files, each replaced as a whole (written beside it, fsync, rename), so that at
 * any moment each is one that was whole, old or new.  Records of one file agree with their own
 * positions; files may be of different moments, which positions make good.
 *
 *   shard-00.profiles ... shard-3f.profiles
 *     8 bytes "proxprof"; then, little-endian: u32 version, u32 shard, u32 bytes of the settings,
 *     u32 CRC-32C of everything but itself, u64 bytes of the records; the settings as text; the
 *     records (record_state.c)
 *   shard-NN.profiles.new      not finished: removed
 *   shard-NN.profiles.damaged  what could not be read, as it was
 *   lock                       held while it is in use
 */
#include "profiler.h"

struct profile_store;

/* Makes the directory when it is not there, and gives all that is in it to p, which is empty.
 * What is damaged is set aside, and said.  0, or negative errno with one line for the user in
 * why: another program uses it, profiles of other settings or of a later version, no access. */
int profile_store_open(struct profile_store **ret, const char *dir, struct profiler *p, char *why,
		       size_t why_size);

/* Writes what has changed.  0: everything that had been counted when it was called is on the
 * disk; or negative errno, with where in why: some of it may be, and it may be tried again. */
int profile_store_save(struct profile_store *s, char *why, size_t why_size);

void profile_store_close(struct profile_store *s); /* without saving; NULL is fine */

#endif
