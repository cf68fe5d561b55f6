/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of an output: one row each, with the formats and transports that have it.
 */
#include "output_url.h"

#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND       UINT64_C(1000000000)
#define DURATION_MAX (UINT64_C(366) * 86400 * SECOND)
#define INTERVAL_MIN (SECOND / 100)

struct option {
	const char *name;
	const char *allowed; /* for people */
	bool (*set)(struct output_url *u, const char *value);
	unsigned formats, transports; /* bits; 0: all */
};

/* 10s, 500ms, 10m, 2h, 1d; a number alone is seconds. */
static bool duration(const char *text, uint64_t *ret)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units_of_time[] = {{"", SECOND},       {"ms", SECOND / 1000}, {"s", SECOND},
			     {"m", 60 * SECOND}, {"h", 3600 * SECOND},  {"d", 86400 * SECOND}};
	uint64_t v = 0;
	size_t n = strspn(text, "0123456789");

	if (!n || n > 12)
		return false;
	for (size_t i = 0; i < n; i++)
		v = v * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < sizeof(units_of_time) / sizeof(*units_of_time); i++) {
		if (strcmp(text + n, units_of_time[i].unit))
			continue;
		if (!v || v > DURATION_MAX / units_of_time[i].ns)
			return false;
		*ret = v * units_of_time[i].ns;
		return true;
	}
	return false;
}

static bool yes_or_no(const char *text, bool *ret)
{
	static const char *const words[] = {"no", "yes", "0", "1", "false", "true"};

	for (unsigned i = 0; i < sizeof(words) / sizeof(*words); i++) {
		if (strcmp(text, words[i]))
			continue;
		*ret = i % 2;
		return true;
	}
	return false;
}

/* Each item of a comma separated list; false when one is empty or take() refuses it. */
static bool each(const char *list, bool (*take)(struct output_url *u, const char *item),
		 struct output_url *u)
{
	char item[256];

	for (const char *at = list;; at++) {
		size_t n = strcspn(at, ",");

		if (!n || n >= sizeof(item))
			return false;
		memcpy(item, at, n);
		item[n] = '\0';
		if (!take(u, item))
			return false;
		at += n;
		if (!*at)
			return true;
	}
}

static bool set_interval(struct output_url *u, const char *value)
{
	return duration(value, &u->interval_ns) && u->interval_ns >= INTERVAL_MIN;
}

static bool set_give_up(struct output_url *u, const char *value)
{
	return duration(value, &u->give_up_ns);
}

static bool set_required(struct output_url *u, const char *value)
{
	return yes_or_no(value, &u->required);
}

static bool set_verbose(struct output_url *u, const char *value)
{
	return yes_or_no(value, &u->verbose);
}

static bool set_changed(struct output_url *u, const char *value)
{
	return yes_or_no(value, &u->changed);
}

static bool set_counters(struct output_url *u, const char *value)
{
	return yes_or_no(value, &u->counters);
}

static bool add_glob(struct output_url *u, const char *item)
{
	if (u->n_globs >= OUTPUT_GLOBS_MAX)
		return false;
	u->glob[u->n_globs++] = xstrdup(item);
	return true;
}

static bool set_metrics(struct output_url *u, const char *value)
{
	return each(value, add_glob, u);
}

static bool add_family(struct output_url *u, const char *item)
{
	for (int f = F_IDENT + 1; f < FAMILIES; f++) {
		if (strcmp(item, family_names[f]))
			continue;
		u->families |= 1u << f;
		return true;
	}
	return false;
}

static bool set_collectors(struct output_url *u, const char *value)
{
	u->families = 0;
	return each(value, add_family, u);
}

static bool add_scope(struct output_url *u, const char *item)
{
	for (int s = 0; s < SCOPES; s++) {
		if (strcmp(item, scope_names[s]))
			continue;
		u->scopes |= 1u << s;
		return true;
	}
	return false;
}

static bool set_scopes(struct output_url *u, const char *value)
{
	u->scopes = 0;
	return each(value, add_scope, u);
}

/* The names of InfluxDB 1 and of InfluxDB 2. */
static bool set_precision(struct output_url *u, const char *value)
{
	static const struct {
		const char *name;
		uint64_t ns;
	} precisions[] = {{"ns", 1},       {"n", 1},      {"us", 1000},       {"u", 1000},
			  {"ms", 1000000}, {"s", SECOND}, {"m", 60 * SECOND}, {"h", 3600 * SECOND}};

	for (size_t i = 0; i < sizeof(precisions) / sizeof(*precisions); i++) {
		if (strcmp(value, precisions[i].name))
			continue;
		u->tick_ns = precisions[i].ns;
		return true;
	}
	return false;
}

static bool set_text(char **to, const char *value)
{
	if (!*value)
		return false;
	*to = xstrdup(value);
	return true;
}

static bool set_nest(struct output_url *u, const char *value)
{
	return strlen(value) < 64 && set_text(&u->nest, value);
}

static bool set_token_file(struct output_url *u, const char *value)
{
	return set_text(&u->token_file, value);
}

static bool set_ca_file(struct output_url *u, const char *value)
{
	return set_text(&u->ca_file, value);
}

#define INFLUX  (1u << FORMAT_INFLUX)
#define JSON_VM (1u << FORMAT_JSON_VM)
#define HTTP    (1u << BY_HTTP | 1u << BY_HTTPS)
#define DELTAS  (1u << FORMAT_JSON | JSON_VM | INFLUX)

static const struct option options[] = {
	{"interval",
	 "a time such as 10s, 500ms or 1m (a number alone is seconds), from 10ms to 366d",
	 set_interval, 0, 0},
	{"metrics", "names or patterns of metrics, comma separated, as in cpu_*,disk_*",
	 set_metrics, 0, 0},
	{"collectors", "some of cpu, mem, disk, net, io, pressure and host, comma separated",
	 set_collectors, 0, 0},
	{"verbose", "0 or 1", set_verbose, 0, 0},
	{"changed", "0 or 1", set_changed, DELTAS, 0},
	{"required", "yes or no", set_required, 0, 0},
	{"give-up", "a time such as 10m (a number alone is seconds), at most 366d", set_give_up, 0,
	 0},
	{"scopes",
	 "some of host, vm, vcpu, vm_disk, vm_nic, host_disk, host_nic and self, comma separated",
	 set_scopes, INFLUX, 0},
	{"counters", "0 or 1", set_counters, INFLUX, 0},
	{"precision", "ns, us, ms, s, m or h", set_precision, INFLUX, 0},
	{"nest", "a key, at most 63 bytes", set_nest, JSON_VM, 0},
	{"token-file", "a path", set_token_file, 0, HTTP},
	{"ca-file", "a path", set_ca_file, 0, 1u << BY_HTTPS},
};
#define N_OPTIONS (sizeof(options) / sizeof(*options))

static bool has(const struct output_url *u, const struct option *o)
{
	return (!o->formats || (o->formats & (1u << u->format))) &&
	       (!o->transports || (o->transports & (1u << u->transport)));
}

int output_option_set(struct output_url *u, const char *name, const char *value, char *why,
		      size_t why_size)
{
	for (size_t i = 0; i < N_OPTIONS; i++) {
		const struct option *o = &options[i];

		if (strcmp(name, o->name) || !has(u, o))
			continue;
		if (o->set(u, value))
			return 1;
		snprintf(why, why_size, "--output: %s=%.80s: must be %s", name, value, o->allowed);
		return -EINVAL;
	}
	return 0;
}

void output_option_names(const struct output_url *u, char *to, size_t size)
{
	size_t used = 0;

	*to = '\0';
	for (size_t i = 0; i < N_OPTIONS && used < size; i++) {
		if (!has(u, &options[i]))
			continue;
		used += (size_t)snprintf(to + used, size - used, "%s%s", used ? ", " : "",
					 options[i].name);
	}
}
