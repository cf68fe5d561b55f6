/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROFILE_SOUND_H
#define PROXTOP_PROFILE_SOUND_H

/*
 * For who makes a profile of bytes from outside: may it be used?
 *
 * The structs are as profile_init() made them for the same settings: arrays have their sizes,
 * phases->n is 1 .. PROFILE_PHASES_MAX and true.  Everything else may be any number.  What is
 * sound never makes the functions of profile.h read or write where they must not, and its sums
 * are right: transitions are those of the cells, leaves and phases (with the window) the whole.
 */
#include "profile.h"

/* NULL, or what is wrong, a few words. */
const char *profile_unsound(const struct profile *p, const struct profile_settings *s);

#endif
