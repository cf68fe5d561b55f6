/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OUTPUT_URL_H
#define PROXTOP_OUTPUT_URL_H

/*
 * FORMAT+TRANSPORT://TARGET[?option=value&...], taken apart and checked.
 *
 * Options of ours are taken out; for http, those that the format's servers know are left
 * in the URL that is posted to.  Whatever is neither is refused by name.
 */
#include "metric.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum output_format {
	FORMAT_JSON,
	FORMAT_JSON_VM,
	FORMAT_JSON_CLUSTER,
	FORMAT_INFLUX,
	FORMAT_TEXT,
	FORMAT_OPENMETRICS,
	FORMATS
};

enum output_transport { BY_TCP, BY_UDP, BY_HTTP, BY_HTTPS, BY_FILE, BY_STDOUT, OUTPUT_TRANSPORTS };

#define OUTPUT_GLOBS_MAX 64u

struct output_url {
	enum output_format format;
	enum output_transport transport;
	char *target; /* tcp, udp: host:port; http: what is posted to; file: path; stdout: "" */
	char *shown;  /* the whole URL without secrets */

	uint64_t interval_ns, give_up_ns;
	bool required, verbose, changed;
	unsigned families; /* bits 1 << enum family */
	unsigned scopes;   /* influx: enum scope_bit */
	bool counters;     /* influx: raw counters too */
	char *nest;        /* json-vm: under this key; NULL: at the root */
	char *glob[OUTPUT_GLOBS_MAX];
	unsigned n_globs;
	uint64_t tick_ns; /* influx: what one unit of a timestamp is */
	char *token_file, *ca_file;
};

/* 0, or -EINVAL with one line in why.  *ret is the caller's to give to output_url_fini()
 * in both cases. */
int output_url_parse(struct output_url *ret, const char *url, char *why, size_t why_size);
void output_url_fini(struct output_url *u);

/* Is the metric one of those that metrics= and collectors= leave?  What names a thing
 * always is. */
bool output_url_wants(const struct output_url *u, enum metric_id m);

/* Could the format show it at all, wanted or not? */
bool output_url_shows(const struct output_url *u, enum metric_id m);

/* ---- output_query.c ---- */

/* What follows the ?: sets options, adds the server's to u->target, and what may be seen
 * to u->shown.  0, or -EINVAL with why. */
int output_query_parse(struct output_url *u, const char *query, char *why, size_t why_size);

/* -EINVAL, and why is "--output: ..." */
int output_url_fail(char *why, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* "json, json-vm, ..." of those whose bit is set */
void output_url_join(char *to, size_t size, const char *const *names, unsigned n, unsigned bits);
/* Index, or -1 */
int output_url_find(const char *const *names, unsigned n, const char *text, size_t length);
/* %41 is A; what is not hexadecimal stays as it is.  NULL for %00.  The caller's to free. */
char *output_url_decode(const char *text, size_t n);

/* ---- output_option.c ---- */

/* One option of ours, its value percent-decoded.  1 when it is one; 0 when not; -EINVAL
 * with why. */
int output_option_set(struct output_url *u, const char *name, const char *value, char *why,
		      size_t why_size);
/* The names of those that this format and transport have, comma separated. */
void output_option_names(const struct output_url *u, char *to, size_t size);

extern const char *const output_format_names[FORMATS];
extern const char *const output_transport_names[OUTPUT_TRANSPORTS];

static inline bool output_url_is_http(const struct output_url *u)
{
	return u->transport == BY_HTTP || u->transport == BY_HTTPS;
}

#endif
