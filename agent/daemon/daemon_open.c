/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon_parts.h"

#include "clock.h"
#include "endpoint.h"
#include "log.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define URL_MAX 255

uint64_t daemon_boot_ns(void)
{
	return clock_ns(CLOCK_BOOTTIME);
}

/* ---- may it? ---- */

static int check_url(const struct daemon *d, const char *option, const char *url, char *why,
		     size_t why_size)
{
	bool open;
	int r = endpoint_check(option, url, d->keys, d->o->insecure, &open, why, why_size);

	if (!r && open)
		log_warning(
			"%s=%s: beyond loopback without a key (--insecure): everybody there can "
			"read the samples",
			option, url);
	return r;
}

static int check_aggregators(const struct daemon *d, char *why, size_t why_size)
{
	const char *list = d->o->aggregator;
	int r = 0;

	while (list && !r) {
		size_t n = strcspn(list, ",");
		char url[URL_MAX + 1];

		if (!n || n > URL_MAX) {
			snprintf(why, why_size,
				 "--aggregator: a URL is empty or too long; allowed: "
				 "tcp://HOST:PORT[,tcp://HOST:PORT...]");
			return -EINVAL;
		}
		memcpy(url, list, n);
		url[n] = '\0';
		r = check_url(d, "--aggregator", url, why, why_size);
		list = list[n] ? list + n + 1 : NULL;
	}
	return r;
}

static int check_http(const struct daemon *d, char *why, size_t why_size)
{
	const char *http = d->o->http;
	char url[URL_MAX + 1];
	bool beyond;

	snprintf(url, sizeof(url), "tcp://%s", http);
	if (endpoint_check("--http", url, false, true, &beyond, why, why_size) < 0) {
		snprintf(why, why_size,
			 "--http=%.200s is not possible; allowed: ADDR:PORT, "
			 "[IPv6 address]:PORT, none",
			 http);
		return -EINVAL;
	}
	if (!beyond || d->o->http_token_file)
		return 0;
	if (!d->o->insecure) {
		snprintf(why, why_size,
			 "--http=%.200s is beyond loopback: it needs --http-token-file, or "
			 "--insecure",
			 http);
		return -EINVAL;
	}
	log_warning("--http=%s: beyond loopback without a token (--insecure): everybody there can "
		    "read /metrics",
		    http);
	return 0;
}

static int check_all(struct daemon *d, char *why, size_t why_size)
{
	int r = 0;

	if (d->o->key_file) {
		r = keyring_load(&d->keyring, d->o->key_file, why, why_size);
		if (!r)
			d->keys = &d->keyring;
	}
	if (!r)
		r = check_aggregators(d, why, why_size);
	if (!r && d->o->feed)
		r = check_url(d, "--feed", d->o->feed, why, why_size);
	if (!r && d->o->http)
		r = check_http(d, why, why_size);
	if (!r && d->o->spool_dir && !d->o->aggregator)
		log_warning("--spool-dir is not used without --aggregator");
	return r;
}

/* ---- measuring, and who measures ---- */

static int open_measure(struct daemon *d, char *why, size_t why_size)
{
	struct measure_options m = daemon_options_measure(d->o);
	const char *id;
	int r = measure_open(&d->measure, &m);

	if (r < 0) {
		snprintf(why, why_size, "this host cannot be measured: %s", strerror(-r));
		return r;
	}
	id = measure_host_id(d->measure);
	if (!id) {
		snprintf(why, why_size,
			 "no identity of this host: %s/etc/machine-id cannot be read; give "
			 "--host-id, or --rootfs in a container",
			 strcmp(d->o->rootfs, "/") ? d->o->rootfs : "");
		return -ENOENT;
	}
	snprintf(d->head.host_id, sizeof(d->head.host_id), "%s", id);
	snprintf(d->head.host_name, sizeof(d->head.host_name), "%s", measure_host_name(d->measure));
	snprintf(d->head.version, sizeof(d->head.version), "%s", PROXTOP_VERSION);
	d->head.interval_ns = (uint64_t)(d->o->frequency * 1e9 + 0.5);
	d->sender = random_u64();
	return 0;
}

/* ---- sending ---- */

static bool uplink_source(void *arg, uint32_t i, struct uplink_source *ret)
{
	struct daemon *d = arg;

	if (i)
		return false;
	*ret = (struct uplink_source){.spool = spool_ref(d->spool), .sender = d->sender};
	return true;
}

static int open_uplink(struct daemon *d, char *why, size_t why_size)
{
	struct spool_options s = {.size = (size_t)d->o->spool, .dir = d->o->spool_dir};
	struct uplink_options u = {.urls = d->o->aggregator,
				   .keys = d->keys,
				   .order_key = d->head.host_id,
				   .source = uplink_source,
				   .arg = d};
	int r = spool_open(&d->spool, &s, why, why_size);

	if (r < 0)
		return r;
	d->head.epoch = spool_new_epoch(d->spool, clock_wall_ns());
	return uplink_open(&d->uplink, &u, why, why_size);
}

/* ---- the feed ---- */

static uint32_t feed_hosts(void *arg)
{
	(void)arg;
	return 1;
}

static long feed_number(void *arg, const char *host_id)
{
	const struct daemon *d = arg;

	return strcmp(host_id, d->head.host_id) ? -1 : 0;
}

static bool feed_host(void *arg, uint32_t number, struct feed_host *ret)
{
	struct daemon *d = arg;
	uint64_t taken = __atomic_load_n(&d->taken_ns, __ATOMIC_RELAXED);
	struct spool_stats spool = {0};

	if (number)
		return false;
	if (d->spool)
		spool_stats(d->spool, &spool);
	*ret = (struct feed_host){
		.age_ms = taken ? (daemon_boot_ns() - taken) / 1000000u : 0,
		.interval_ns = d->head.interval_ns,
		.lost = spool.lost,
		.spool_bytes = spool.bytes,
	};
	ret->stale = taken && ret->age_ms > 3 * d->head.interval_ns / 1000000u;
	/* These never change once it is open. */
	memcpy(ret->host_id, d->head.host_id, sizeof(ret->host_id));
	memcpy(ret->host_name, d->head.host_name, sizeof(ret->host_name));
	memcpy(ret->version, d->head.version, sizeof(ret->version));
	return true;
}

static int open_feed(struct daemon *d, char *why, size_t why_size)
{
	struct feed_server_options f = {
		.url = d->o->feed,
		.keys = d->keys,
		.instance = random_u64(),
		.history = d->history,
		.hosts = feed_hosts,
		.host = feed_host,
		.host_number = feed_number,
		.arg = d,
	};

	return feed_server_open(&d->feed, &f, why, why_size);
}

int daemon_open(struct daemon *d, const struct daemon_options *o, char *why, size_t why_size)
{
	/* Who only sends keeps but the newest. */
	struct history_options h = {.keep_ns = o->feed ? o->history_ns : 0,
				    .keep_bytes = (size_t)o->history_bytes};
	int r;

	*d = (struct daemon){.o = o};
	r = check_all(d, why, why_size);
	if (!r)
		r = open_measure(d, why, why_size);
	if (r < 0)
		return r;
	d->history = history_new(&h);
	if (o->aggregator)
		r = open_uplink(d, why, why_size);
	else
		d->head.epoch = clock_wall_ns() / 1000;
	if (!r && o->feed)
		r = open_feed(d, why, why_size);
	if (!r && o->http)
		r = daemon_http_open(d, why, why_size);
	return r;
}

/* What no aggregator has committed in the end. */
static void say_left(const struct daemon *d)
{
	struct spool_stats st = {0};

	if (d->spool)
		spool_stats(d->spool, &st);
	if (st.uncommitted && d->o->spool_dir && !st.failing)
		log_notice("%" PRIu64
			   " samples are not committed: the next run sends them, from %s",
			   st.uncommitted, d->o->spool_dir);
	else if (st.uncommitted)
		log_warning("%" PRIu64 " samples are not committed, and gone with this run%s",
			    st.uncommitted, d->o->spool_dir ? "" : " (--spool-dir keeps them)");
}

void daemon_close(struct daemon *d, int flush_ms)
{
	uplink_close(d->uplink, flush_ms);
	say_left(d);
	spool_close(d->spool);
	feed_server_close(d->feed);
	http_server_close(d->http);
	history_free(d->history);
	measure_close(d->measure);
	keyring_wipe(&d->keyring);
}
