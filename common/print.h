/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PRINT_H
#define PROXTOP_PRINT_H

/*
 * What the formats share: the private side of printer.h.  To add a format: a file
 * out_NAME.c with one struct print_ops, and a line in printer.c.
 */
#include "printer.h"

/* ,"key": with room behind it, so that all are copied alike */
struct json_key {
	char text[47];
	uint8_t n;
};

/* A column that has values, and how they are shown. */
struct json_column {
	const struct json_key *key;
	const uint64_t *raw; /* of the sample: a number, or a text with is_text; else NULL */
	const double *value; /* of the view, times factor */
	double factor;
	uint8_t decimals;
	bool is_text;
};

typedef int put_fn(void *arg, const char *data, size_t n);

struct print_ops {
	const char *name;
	bool wants_rates, whole_file;
	int (*print)(struct printer *p, const struct view *v, put_fn *put, void *arg,
		     unsigned *dropped);
};

extern const struct print_ops out_text, out_json, out_openmetrics;

/* Children of one scope by their parent's row: head[parent], then next[child]. */
struct children {
	uint32_t *head, *next, head_room, next_room;
};

struct printer {
	const struct print_ops *ops;
	struct printer_options o;
	const struct printer_origin *origin;
	struct buf out, part;
	struct children children[SCOPES];
	uint16_t column[SCOPES][METRICS]; /* what is shown of each scope, in the table's order */
	unsigned columns[SCOPES];
	bool unwanted[METRICS];            /* wants_metric() said no */
	bool as_read[SCOPES][METRICS];     /* the sample's own number is what is shown */
	bool array[SCOPES];                /* is there more to show than what names the thing? */
	struct json_key json_key[METRICS]; /* empty where nothing is shown */
	struct json_column *json[SCOPES];  /* of the view that is printed: print_begin() */
	unsigned json_columns[SCOPES];
	bool header_done; /* text */
	struct twins {
		struct twin {
			uint64_t hash;
			size_t labels; /* where they are in part */
			uint32_t labels_n;
			bool shared, again; /* with another row; with an earlier one */
			bool wanted;
		} * row;
		uint32_t room;
	} twins[SCOPES]; /* openmetrics: rows of one name, and their labels */
};

/* Refills p->children from the sample. */
void print_children(struct printer *p, const struct sample *s);

bool print_wants_vm(const struct printer *p, const struct sample *s, uint32_t row);

/* Appends the value as a number, or human text; false (and nothing) when absent. INFO
 * metrics are not numbers and not for here. */
bool print_number(const struct printer *p, struct buf *b, const struct view *v, enum scope s,
		  uint32_t row, enum metric_id m);

/* json: looks which columns a view has; before print_members(), and again when it was made
 * anew. */
void print_begin(struct printer *p, const struct view *v);

/* json: ,"key":value for each value of one row: a comma in front of all. */
void print_members(const struct printer *p, struct buf *b, const struct view *v, enum scope s,
		   uint32_t row);

/* json: ,"host_name":...,"host_id":...,"epoch":...,"seq":...; nothing without an origin. */
void print_origin(struct buf *b, const struct printer_origin *o);

/* 12.3M; the unit decides between powers of 1024 and of 1000, and nothing is added
 * to percents and times. */
void print_human(struct buf *b, double value, enum unit unit, unsigned decimals);

/* 2026-11-24T17:18:43.123Z (RFC 3339, UTC) */
void print_time(struct buf *b, uint64_t wall_ns);

#endif
