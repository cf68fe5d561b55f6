/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OPTION_H
#define PROXTOP_OPTION_H

/*
 * An option is one row of a table, written once.  The command line (argp), the
 * environment, --help and the references (Markdown, man, bash) are loops over that table; what a
 * row sets is a field of the program's own struct, found by its offset.
 *
 * Strings that are stored point into argv and the environment and are the caller's;
 * only lists are allocated (option_list_fini).  All functions that can fail return 0
 * or -EINVAL with one line for the user in why: what was wrong and what is allowed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum option_type {
	OPTION_FLAG,     /* bool */
	OPTION_BITS,     /* unsigned: the row's value is added */
	OPTION_SET,      /* int: the row's value; rows with the same field exclude each other */
	OPTION_TEXT,     /* const char *, never empty */
	OPTION_SECONDS,  /* double, decimals, within [min, max] */
	OPTION_COUNT,    /* int, 1 and up, or -1 for no end */
	OPTION_CHOICE,   /* int: value + the index in choices */
	OPTION_LIST,     /* struct option_list: comma separated, adds up */
	OPTION_REPEAT,   /* struct option_list: one item each time; in the environment at blanks */
	OPTION_NUMBER,   /* unsigned, within [min, max] */
	OPTION_SIZE,     /* uint64_t, bytes: 64M (K, M, G, T: powers of 1024), within [min, max] */
	OPTION_DURATION, /* uint64_t, ns: 10m (ms, s, m, h, d; no unit: s), within [min, max] s */
	OPTION_DECIMAL   /* double, with a sign and an exponent if need be, within [min, max] */
};

enum option_bit {
	OPTION_NO_ENV = 1,  /* command line only */
	OPTION_STOP = 2,    /* what follows on the command line is not looked at */
	OPTION_UNSET = 4,   /* fallback is what an unset field means; it is not stored */
	OPTION_MARK_1 = 64, /* the table's own: groups of rows that it treats alike */
	OPTION_MARK_2 = 128,
};

struct option_row {
	const char *name;     /* long name, without dashes */
	const char *arg;      /* what the help calls its value; NULL: it takes none */
	const char *fallback; /* the default, as one would write it; NULL: the field stays 0 */
	const char *implied;  /* the value when it is left out; NULL: it must be given */
	const char *help;
	const char *const *choices; /* NULL-terminated */
	size_t offset;              /* of the field that is set */
	double min, max;
	unsigned value;
	char letter; /* 0: no short name */
	unsigned char type, group, bits;
};

struct option_table {
	const struct option_row *rows;
	size_t n;
	const char *const *groups; /* titles by row.group; argp puts the rows of one in order */
	const char *program;
	const char *env_prefix; /* "PROXTOP_" */
	const char *summary;    /* one sentence for the help */
	/* Names of options that only programs beside this one have (they may share one file of
	 * variables): not unknown.  NULL-terminated; NULL: none. */
	const char *const *others;
	/* Arguments that are no options: at most so many, into the struct option_list at this
	 * offset. */
	unsigned operands;
	size_t operands_offset;
	/* For its man pages: the section, and when it is also a service the file of variables that
	 * its unit reads, with an example of what it holds.  NULL: none. */
	unsigned section;
	const char *file, *example;
};

#define OPTION_ROWS_MAX 64u
#define OPTION_LIST_MAX 256u

struct option_list {
	char **item;
	unsigned n;
};
void option_list_fini(struct option_list *l);

/* Who set it; the higher one wins. */
enum option_origin { FROM_DEFAULT, FROM_ENVIRONMENT, FROM_COMMAND_LINE };

struct option_parse {
	const struct option_table *table;
	void *into; /* the struct that the offsets are meant for, zeroed */
	char *why;
	size_t why_size;
	unsigned char origin[OPTION_ROWS_MAX];
};

/* In this order: a later step never replaces what an earlier one has set, except
 * defaults. */
void option_defaults(struct option_parse *p);
int option_command_line(struct option_parse *p, int argc, char **argv);
int option_environment(struct option_parse *p, char *const *envp);

/* Adds the words of text, split as a shell does: at blanks, but not within quotes or behind a
 * backslash; nothing is expanded.  0, -EINVAL: a quote is not closed, -E2BIG: more than
 * OPTION_LIST_MAX. */
int option_words(struct option_list *into, const char *text);

/* Names with the prefix that are in no row, comma separated, in to; "" when none. */
void option_unknown_variables(const struct option_table *t, char *const *envp, char *to,
			      size_t size);

void option_help(const struct option_table *t, FILE *to); /* more: option_reference.h */

const struct option_row *option_find(const struct option_table *t, const char *name);
enum option_origin option_origin(const struct option_parse *p, const char *name);

/* ---- between the option_*.c files ---- */

/* Sets one row; as: how the user spelled it (--target, PROXTOP_TARGET), value NULL when
 * it takes none. */
int option_set(struct option_parse *p, const struct option_row *row, enum option_origin origin,
	       const char *as, const char *value);
/* The variable's name: PROXTOP_LOG_LEVEL. */
void option_variable(const struct option_table *t, const struct option_row *row, char *to,
		     size_t size);
/* Is there more to be said about its value than what the help calls it? */
bool option_is_bounded(const struct option_row *row);
/* "seconds from 0.1 to 86400" */
void option_allowed(const struct option_row *row, char *to, size_t size);
int option_fail(struct option_parse *p, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif
