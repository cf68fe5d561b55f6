/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SETTINGS_JSON_H
#define PROXTOP_SETTINGS_JSON_H

/*
 * The settings as text:
 *
 *   {"view": "cpu", "human": true, "mouse": false, "tree": false,
 *    "views": {"cpu": {"sort": "COLUMN", "reversed": true}},
 *    "fields": {"vm": {"METRIC": false, "FACT": true}}}
 *
 * Metrics by their wire name and facts by that of facts.def, below the name of their scope:
 * true shown, false hidden.  Names
 * that are not known are left out, a value of the wrong type is an error.
 */
#include "settings.h"

/* s is default before.  -EBADMSG with what and where in why. */
int settings_from_json(struct settings *s, const char *text, size_t n, char *why, size_t why_size);
char *settings_to_json(const struct settings *s); /* freed by the caller; NULL: no memory */

#endif
