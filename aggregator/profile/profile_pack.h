/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_PACK_H
#define PROXTOP_PROFILE_PACK_H

/*
 * A profile as few bytes, for the directory it is kept in (msgpack; README.md has the format).
 * Settings are not in it but a hash of them; the caller keeps them.  Equal profiles have equal
 * bytes, and what is unpacked goes on as what was packed would have.
 */
#include "buf.h"
#include "profile.h"

#define PROFILE_PACK_VERSION 1u

/* Appends.  Errors stick in the buf. */
void profile_pack(struct buf *to, const struct profile *p, const struct profile_settings *s);

/* 0, and *ret is the caller's to profile_fini(); -EBADMSG: damaged; -EPROTO: of another version;
 * -EINVAL: of other settings.  *ret is not to be freed then. */
int profile_unpack(struct profile *ret, const struct profile_settings *s, const void *bytes,
		   size_t n);

#endif
