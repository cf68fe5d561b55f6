/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SETTINGS_H
#define PROXTOP_SETTINGS_H

/*
 * What a person chose, kept between runs in $XDG_CONFIG_HOME/proxtop/console.json (else
 * ~/.config/proxtop/): view, sort per view, fields, units, mouse.  Names, not numbers: a file
 * of an older or newer version is read as far as it is understood.  Written whole and renamed,
 * on a clean end only and when something was changed; never through a symbolic link of
 * another user, never when HOME is another user's (sudo).
 */
#include "fact_ids.h"
#include "metric.h"

#include <stdbool.h>
#include <stddef.h>

#define SETTINGS_VIEWS_MAX 32u

struct settings_view {
	char name[24]; /* views.def */
	char sort[64]; /* a column's name; "": the view's own */
	bool reversed;
};
struct settings {
	char view[24];
	bool human, mouse, tree;
	unsigned n_views;
	struct settings_view views[SETTINGS_VIEWS_MAX];
	/* By scope and metric: 0 as the table has it, 1 shown, 2 hidden. */
	uint8_t field[SCOPES][METRICS];
	uint8_t fact[SCOPES][FACTS]; /* the same of columns that are no metric */
};

void settings_default(struct settings *s);
/* The path into to; -ENOENT when there is neither XDG_CONFIG_HOME nor HOME. */
int settings_path(char *const *envp, char *to, size_t size);
/* 0, also when there is no file; -EBADMSG or an errno with one line in why, s then default. */
int settings_load(struct settings *s, const char *path, char *why, size_t why_size);
int settings_save(const struct settings *s, const char *path, char *why, size_t why_size);

#endif
