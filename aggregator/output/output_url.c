/* SPDX-License-Identifier: Apache-2.0 */
#include "output_url.h"

#include "sink_ops.h"
#include "xalloc.h"

#include <curl/curl.h>
#include <errno.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define URL_MAX             4096u
#define CLUSTER_INTERVAL_NS UINT64_C(10000000000)

const char *const output_format_names[FORMATS] = {[FORMAT_JSON] = "json",
						  [FORMAT_JSON_VM] = "json-vm",
						  [FORMAT_JSON_CLUSTER] = "json-cluster",
						  [FORMAT_INFLUX] = "influx",
						  [FORMAT_TEXT] = "text",
						  [FORMAT_OPENMETRICS] = "openmetrics"};

const char *const output_transport_names[OUTPUT_TRANSPORTS] = {
	[BY_TCP] = "tcp",     [BY_UDP] = "udp",   [BY_HTTP] = "http",
	[BY_HTTPS] = "https", [BY_FILE] = "file", [BY_STDOUT] = "stdout"};

#define ANY ((1u << OUTPUT_TRANSPORTS) - 1)

/* What a format goes with.  A cluster does not fit into a datagram; text has no parts that would
 * fit into a datagram, and nobody who takes it by http; openmetrics is one exposition, whole. */
static const unsigned goes_with[FORMATS] = {
	[FORMAT_JSON] = ANY,
	[FORMAT_JSON_VM] = ANY,
	[FORMAT_JSON_CLUSTER] = ANY & ~(1u << BY_UDP),
	[FORMAT_INFLUX] = ANY,
	[FORMAT_TEXT] = 1u << BY_TCP | 1u << BY_FILE | 1u << BY_STDOUT,
	[FORMAT_OPENMETRICS] = 1u << BY_FILE,
};

/* FORMAT+TRANSPORT; *rest is what follows "://". */
static int parse_scheme(struct output_url *u, const char *url, const char **rest, char *why,
			size_t size)
{
	const char *end = strstr(url, "://"), *query = strchr(url, '?'), *plus;
	char names[128];
	int found;

	if (!end || (query && query < end))
		end = query ? query : url + strlen(url); /* json+stdout, as it is */
	plus = memchr(url, '+', (size_t)(end - url));
	if (!plus)
		return output_url_fail(why, size,
				       "\"%.*s\": FORMAT+TRANSPORT://TARGET expected, as in "
				       "json+tcp://host:port",
				       (int)(end - url < 80 ? end - url : 80), url);
	found = output_url_find(output_format_names, FORMATS, url, (size_t)(plus - url));
	if (found < 0) {
		output_url_join(names, sizeof(names), output_format_names, FORMATS, ~0u);
		return output_url_fail(why, size, "\"%.*s\": no such format; allowed: %s",
				       (int)(plus - url < 80 ? plus - url : 80), url, names);
	}
	u->format = (enum output_format)found;
	plus++;
	found = output_url_find(output_transport_names, OUTPUT_TRANSPORTS, plus,
				(size_t)(end - plus));
	output_url_join(names, sizeof(names), output_transport_names, OUTPUT_TRANSPORTS,
			goes_with[u->format]);
	if (found < 0)
		return output_url_fail(why, size, "\"%.*s\": no such transport; %s allows: %s",
				       (int)(end - plus < 80 ? end - plus : 80), plus,
				       output_format_names[u->format], names);
	u->transport = (enum output_transport)found;
	if (!(goes_with[u->format] & (1u << found)))
		return output_url_fail(why, size, "%s cannot go by %s; allowed: %s",
				       output_format_names[u->format],
				       output_transport_names[found], names);
	*rest = end + (*end == ':' ? 3 : 0);
	return 0;
}

static int check_http(struct output_url *u, char *why, size_t size)
{
	CURLU *c = curl_url();
	char *path = NULL;
	int r = 0;

	if (!c || curl_url_set(c, CURLUPART_URL, u->target, 0) != CURLUE_OK ||
	    curl_url_get(c, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		r = output_url_fail(why, size, "%s://HOST[:PORT]/PATH expected",
				    output_transport_names[u->transport]);
	else if (u->format == FORMAT_INFLUX && !strcmp(path, "/"))
		r = output_url_fail(why, size,
				    "influx by http needs the path: /write?db=NAME, or "
				    "/api/v2/write?org=NAME&bucket=NAME");
	curl_free(path);
	curl_url_cleanup(c);
	return r;
}

static int check_target(struct output_url *u, char *why, size_t size)
{
	struct sink_address a;

	switch (u->transport) {
	case BY_TCP:
	case BY_UDP:
		if (sink_address_parse(&a, u->target, why, size) == 0)
			return 0;
		return output_url_fail(
			why, size,
			"\"%.100s\": host:port expected, port 1 to 65535, IPv6 as [::1]:port",
			u->target);
	case BY_FILE:
		if (*u->target)
			return 0;
		return output_url_fail(why, size, "a path is missing: %s+file:///PATH",
				       output_format_names[u->format]);
	case BY_STDOUT:
		if (!*u->target)
			return 0;
		return output_url_fail(why, size, "stdout has no target, but \"%.80s\" is given",
				       u->target);
	default:
		return check_http(u, why, size);
	}
}

/* Before the options; userinfo is a secret. */
static int parse_target(struct output_url *u, const char *text, size_t n, char *why, size_t size)
{
	const char *name = output_transport_names[u->transport];
	size_t authority = 0;
	const char *at;

	if (u->transport == BY_FILE) {
		u->target = output_url_decode(text, n);
		if (!u->target)
			return output_url_fail(why, size, "%%00 in a path");
	} else if (output_url_is_http(u)) {
		u->target = xasprintf("%s://%.*s", name, (int)n, text);
	} else {
		u->target = xstrndup(text, n);
	}
	while (authority < n && text[authority] != '/')
		authority++;
	at = output_url_is_http(u) ? memrchr(text, '@', authority) : NULL;
	if (at) {
		n -= (size_t)(at + 1 - text);
		text = at + 1;
	}
	u->shown = xasprintf("%s+%s://%.*s", output_format_names[u->format], name, (int)n, text);
	return 0;
}

/* A pattern that fits nothing is a typing error. */
static int check_globs(struct output_url *u, char *why, size_t size)
{
	for (unsigned i = 0; i < u->n_globs; i++) {
		bool any = false;

		for (int m = 0; m < METRICS && !any; m++)
			any = output_url_shows(u, m) &&
			      ((metrics[m].key && !fnmatch(u->glob[i], metrics[m].key, 0)) ||
			       !fnmatch(u->glob[i], metrics[m].name, 0));
		if (!any)
			return output_url_fail(why, size,
					       "metrics=%.80s: no metric of this format has "
					       "such a name%s",
					       u->glob[i],
					       u->verbose ? "" : " (without verbose=1)");
	}
	return 0;
}

int output_url_parse(struct output_url *u, const char *url, char *why, size_t size)
{
	const char *rest = "", *query;
	int r;

	*u = (struct output_url){.required = true, .families = ~0u, .scopes = ~0u, .tick_ns = 1};
	if (strlen(url) > URL_MAX)
		return output_url_fail(why, size, "longer than %u bytes", URL_MAX);
	for (const char *c = url; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f)
			return output_url_fail(why, size,
					       "blanks and control characters must be written "
					       "as %%20, %%0A, ...");
	r = parse_scheme(u, url, &rest, why, size);
	if (r < 0)
		return r;
	query = rest + strcspn(rest, "?");
	r = parse_target(u, rest, (size_t)(query - rest), why, size);
	if (r == 0)
		r = output_query_parse(u, *query ? query + 1 : query, why, size);
	if (u->format == FORMAT_JSON_CLUSTER && !u->interval_ns)
		u->interval_ns = CLUSTER_INTERVAL_NS;
	if (r == 0)
		r = check_target(u, why, size);
	if (r == 0)
		r = check_globs(u, why, size);
	return r;
}

void output_url_fini(struct output_url *u)
{
	for (unsigned i = 0; i < u->n_globs; i++)
		free(u->glob[i]);
	free(u->target);
	free(u->shown);
	free(u->nest);
	free(u->token_file);
	free(u->ca_file);
	*u = (struct output_url){.target = NULL};
}

bool output_url_shows(const struct output_url *u, enum metric_id m)
{
	bool raw = metrics[m].kind == COUNTER || metrics[m].kind == GAUGE;

	if (u->format == FORMAT_OPENMETRICS)
		return raw && metrics[m].unit != U_ID;
	if (u->counters && metrics[m].kind == COUNTER)
		return true;
	return metrics[m].key && (metrics[m].show != VERBOSE || u->verbose);
}

bool output_url_wants(const struct output_url *u, enum metric_id m)
{
	if (metrics[m].family == F_IDENT)
		return true;
	if (!(u->families & (1u << metrics[m].family)))
		return false;
	for (unsigned i = 0; i < u->n_globs; i++)
		if ((metrics[m].key && !fnmatch(u->glob[i], metrics[m].key, 0)) ||
		    !fnmatch(u->glob[i], metrics[m].name, 0))
			return true;
	return !u->n_globs;
}
