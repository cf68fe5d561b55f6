/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_PACK_INTERNAL_H
#define PROXTOP_PROFILE_PACK_INTERNAL_H

/* For the two files of profile_pack.h only: how many elements their arrays have. */
#include "profile.h"

#include <stdint.h>
#include <string.h>

#define PACK_MEMBERS 6u /* of the map, the version among them */
#define PACK_STATS   8u
#define PACK_METRIC  (PACK_STATS + 13u)
#define PACK_LEAF    (PACK_STATS + 1u)
#define PACK_PHASES  8u

/* FNV-1a of all settings that say what the counts mean. */
uint32_t pack_settings_hash(const struct profile_settings *s);

static inline size_t pack_cells(const struct markov_settings *s)
{
	return markov_counts_size(s) / sizeof(uint32_t);
}

#endif
