/* SPDX-License-Identifier: Apache-2.0 */
/* What a reader says: the first thing that is damaged, and how many more. */
#include "record_reader.h"
#include "xalloc.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char *say(const struct record_reader *r, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));
static char *say(const struct record_reader *r, const char *format, va_list args)
{
	char text[256];

	vsnprintf(text, sizeof(text), format, args);
	return xasprintf("%s: %s", r->path, text);
}

#define AND_MORE "%s; and %" PRIu64 " more"

void record_note(struct record_reader *r, const char *format, ...)
{
	va_list args;

	free(r->damage);
	if (!r->damages++) {
		va_start(args, format);
		r->first_damage = say(r, format, args);
		va_end(args);
		r->damage = xstrdup(r->first_damage);
	} else {
		r->damage = xasprintf(AND_MORE, r->first_damage, r->damages - 1);
	}
}

void record_remark(struct record_reader *r, const char *format, ...)
{
	va_list args;

	if (r->damages)
		return;
	free(r->damage);
	va_start(args, format);
	r->damage = say(r, format, args);
	va_end(args);
}

bool record_is_damaged(const struct record_reader *r)
{
	return r->damages > 0;
}

const char *record_damage(const struct record_reader *r)
{
	return r->damage;
}

void record_forget_notes(struct record_reader *r, uint64_t damages)
{
	if (r->damages == damages)
		return;
	free(r->damage);
	r->damage = NULL;
	if (!damages) {
		free(r->first_damage);
		r->first_damage = NULL;
	} else if (damages == 1) {
		r->damage = xstrdup(r->first_damage);
	} else {
		r->damage = xasprintf(AND_MORE, r->first_damage, damages - 1);
	}
	r->damages = damages;
}
