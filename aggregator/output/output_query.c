/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands behind the ? of an output's URL: our options, and the server's.
 */
#include "output_url.h"

#include "xalloc.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What the servers take in the URL: InfluxDB 1, InfluxDB 2, VictoriaMetrics. */
static const char *const of_server[] = {"db",  "rp",    "u",      "p",          "consistency",
					"org", "orgID", "bucket", "extra_label"};

/* Any other parameter, for a server that is not known here: pass-NAME=VALUE. */
#define PASS "pass-"

int output_url_fail(char *why, size_t size, const char *format, ...)
{
	int n = snprintf(why, size, "--output: ");
	va_list args;

	va_start(args, format);
	if (n > 0 && (size_t)n < size)
		vsnprintf(why + n, size - (size_t)n, format, args);
	va_end(args);
	return -EINVAL;
}

void output_url_join(char *to, size_t size, const char *const *names, unsigned n, unsigned bits)
{
	size_t used = 0;

	*to = '\0';
	for (unsigned i = 0; i < n && used < size; i++)
		if (bits & (1u << i))
			used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "",
						 names[i]);
}

int output_url_find(const char *const *names, unsigned n, const char *text, size_t length)
{
	for (unsigned i = 0; i < n; i++)
		if (strlen(names[i]) == length && !memcmp(names[i], text, length))
			return (int)i;
	return -1;
}

static int hex(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

char *output_url_decode(const char *text, size_t n)
{
	char *to = xcalloc(1, n + 1), *at = to;

	for (size_t i = 0; i < n; i++) {
		if (text[i] == '%' && i + 2 < n && hex(text[i + 1]) >= 0 && hex(text[i + 2]) >= 0) {
			*at = (char)(hex(text[i + 1]) * 16 + hex(text[i + 2]));
			if (!*at++) {
				free(to);
				return NULL;
			}
			i += 2;
			continue;
		}
		*at++ = text[i];
	}
	return to;
}

static bool starts(const char *text, size_t n, const char *with)
{
	return n >= strlen(with) && !memcmp(text, with, strlen(with));
}

static bool is_of_server(const struct output_url *u, const char *text, size_t n)
{
	if (!output_url_is_http(u))
		return false;
	return starts(text, n, PASS) ||
	       (u->format == FORMAT_INFLUX &&
		output_url_find(of_server, sizeof(of_server) / sizeof(*of_server), text, n) >= 0);
}

/* The first one follows a ?, the others an &. */
static void append_to(char **to, const char *text, size_t n)
{
	char *longer = xasprintf("%s%c%.*s", *to, strchr(*to, '?') ? '&' : '?', (int)n, text);

	free(*to);
	*to = longer;
}

/* Passwords (p) and parameters of unknown meaning are not for the log. */
static void show(struct output_url *u, const char *text, size_t n)
{
	size_t name = 0;

	while (name < n && text[name] != '=')
		name++;
	if (starts(text, n, PASS) || (name == 1 && *text == 'p'))
		return;
	append_to(&u->shown, text, n);
}

static int unknown(struct output_url *u, const char *name, char *why, size_t size)
{
	char names[512], server[160] = "";

	output_option_names(u, names, sizeof(names));
	if (output_url_is_http(u) && u->format == FORMAT_INFLUX)
		output_url_join(server, sizeof(server), of_server,
				sizeof(of_server) / sizeof(*of_server), ~0u);
	return output_url_fail(
		why, size, "no option \"%.60s\" with %s+%s; allowed: %s%s%s%s", name,
		output_format_names[u->format], output_transport_names[u->transport], names,
		*server ? ", " : "", server,
		output_url_is_http(u) ? ", and " PASS "NAME for what the server is to get" : "");
}

static int parse_option(struct output_url *u, const char *text, size_t n, char *why, size_t size)
{
	const char *is = memchr(text, '=', n);
	size_t name_size = is ? (size_t)(is - text) : n;
	char *name, *value;
	int r;

	if (is_of_server(u, text, name_size)) {
		bool pass = starts(text, n, PASS);

		if (!is)
			return output_url_fail(why, size, "%.*s: has no value",
					       (int)(n < 60 ? n : 60), text);
		append_to(&u->target, text + (pass ? strlen(PASS) : 0),
			  n - (pass ? strlen(PASS) : 0));
		show(u, text, n);
		return 0;
	}
	name = output_url_decode(text, name_size);
	value = is ? output_url_decode(is + 1, n - name_size - 1) : xstrdup("");
	if (!name || !value)
		r = output_url_fail(why, size, "%%00 in an option");
	else
		r = output_option_set(u, name, value, why, size);
	if (r == 0)
		r = unknown(u, name, why, size);
	if (r > 0) {
		show(u, text, n);
		/* The server reads the timestamps with it. */
		if (output_url_is_http(u) && !strcmp(name, "precision"))
			append_to(&u->target, text, n);
	}
	free(name);
	free(value);
	return r < 0 ? r : 0;
}

int output_query_parse(struct output_url *u, const char *query, char *why, size_t size)
{
	while (*query) {
		size_t n = strcspn(query, "&"), name = strcspn(query, "=&");
		int r;

		/* Twice the same would leave open which one counts. */
		for (const char *later = query + n; *later;) {
			size_t m = strcspn(++later, "&");

			if (strcspn(later, "=&") == name && !memcmp(later, query, name) &&
			    !starts(query, name, PASS) && !starts(query, name, "extra_label"))
				return output_url_fail(why, size, "option \"%.*s\" is given twice",
						       (int)(name < 60 ? name : 60), query);
			later += m;
		}
		if (n) {
			r = parse_option(u, query, n, why, size);
			if (r < 0)
				return r;
		}
		query += n + (query[n] == '&');
	}
	return 0;
}
