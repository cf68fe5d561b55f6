/* SPDX-License-Identifier: Apache-2.0 */
#include "aggregator.h"

#include "aggregator_clock.h"
#include "endpoint.h"
#include "feed_server.h"
#include "history.h"
#include "log.h"
#include "pages.h"
#include "profiling.h"
#include "tier.h"
#include "vms.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* How long senders that ask anyhow get to hear what was committed at the end. */
#define LAST_WORD_MS 200
#define STEP_MS      10

/* A short silence of a host that speaks often is not worth a line. */
#define SAID_AFTER_NS UINT64_C(5000000000)
/* A host whose samples pause for a moment still has its VMs. */
#define VM_SILENT_NS UINT64_C(5000000000)
/* So many hosts that fall silent at once are said one by one. */
#define SAID_MAX 5u

struct aggregator {
	const struct aggregator_options *o;
	struct keyring keyring;
	const struct keyring *keys; /* NULL: none */
	struct delivery *delivery;
	struct outputs *outputs;
	struct tier *tier;           /* NULL: none */
	struct profiling *profiling; /* NULL: none */
	struct hosts *hosts;
	struct vms *vms;
	struct history *history;
	struct receive *receive;
	struct listener *listener;
	struct feed_server *feed;
	struct http_server *http;
	struct status status;
	struct pages pages;
	unsigned n_hosts, n_silent; /* of the last tick */
};

/* Of what an outage delayed only the end says where VMs are. */
static void follow_vms(struct aggregator *a, const struct host *h, const struct frame *f,
		       const struct sample *s)
{
	uint64_t silent = host_silent_ns(h) > VM_SILENT_NS ? host_silent_ns(h) : VM_SILENT_NS;
	uint64_t taken_ns = f->wall_ns - (uint64_t)h->skew_ns;
	struct vms_host host = {.number = h->number,
				.id = h->id,
				.name = h->name,
				.interval_ns = h->interval_ns,
				.silent_ns = silent};

	if (clock_since(clock_wall_ns(), taken_ns) <= silent)
		vms_report(a->vms, &host, s, clock_monotonic_ns());
}

static void fresh(void *arg, struct host *h, struct frame *f, const struct sample *s)
{
	struct aggregator *a = arg;

	follow_vms(a, h, f, s);
	history_add(a->history, h->number, f, clock_monotonic_ns());
	if (a->feed)
		feed_server_poke(a->feed);
}

static uint32_t feed_hosts(void *arg)
{
	struct aggregator *a = arg;

	return hosts_numbers(a->hosts);
}

static bool feed_host(void *arg, uint32_t number, struct feed_host *ret)
{
	struct aggregator *a = arg;

	return status_feed_host(&a->status, number, ret);
}

static struct frame *feed_notes(void *arg, uint32_t number)
{
	struct aggregator *a = arg;

	return a->profiling ? profiling_notes(a->profiling, number) : NULL;
}

static long host_number(void *arg, const char *host_id)
{
	struct aggregator *a = arg;
	struct host *h = hosts_get(a->hosts, host_id, false);
	long number = h ? (long)h->number : -1;

	if (h)
		hosts_put(h);
	return number;
}

static int open_keys(struct aggregator *a, char *why, size_t why_size)
{
	int r;

	if (!a->o->key_file)
		return 0;
	r = keyring_load(&a->keyring, a->o->key_file, why, why_size);
	if (!r)
		a->keys = &a->keyring;
	return r;
}

static int check_endpoint(struct aggregator *a, const char *option, const char *url, char *why,
			  size_t why_size)
{
	bool open;
	int r = endpoint_check(option, url, a->keys, a->o->insecure, &open, why, why_size);

	if (!r && open)
		log_warning(
			"%s=%s: beyond loopback without a key (--insecure): everybody there can "
			"read the samples, and send some",
			option, url);
	return r;
}

static int check_tier(struct aggregator *a, char *why, size_t why_size)
{
	char *urls = xstrdup(a->o->aggregator), *rest = urls, *url;
	int r = 0;

	while (!r && (url = strsep(&rest, ",")))
		r = check_endpoint(a, "--aggregator", url, why, why_size);
	free(urls);
	return r;
}

/* http beyond loopback: readable for whoever has the token. */
static int check_http(struct aggregator *a, char *why, size_t why_size)
{
	bool beyond;
	char url[512];
	int r;

	snprintf(url, sizeof(url), "tcp://%s", a->o->http);
	r = endpoint_check("--http", url, false, true, &beyond, why, why_size);
	if (r < 0) {
		snprintf(why, why_size,
			 "--http=%.200s is not possible; allowed: ADDR:PORT, "
			 "[IPv6 address]:PORT, none",
			 a->o->http);
		return r;
	}
	if (!beyond || a->o->http_token_file)
		return 0;
	if (!a->o->insecure) {
		snprintf(why, why_size,
			 "--http=%.200s is beyond loopback: it needs --http-token-file, or "
			 "--insecure",
			 a->o->http);
		return -EINVAL;
	}
	log_warning("--http=%s: beyond loopback without a token (--insecure): everybody there can "
		    "read /metrics and /hosts",
		    a->o->http);
	return 0;
}

static int check_all(struct aggregator *a, char *why, size_t why_size)
{
	int r = open_keys(a, why, why_size);

	if (!r)
		r = check_endpoint(a, "--listen", a->o->listen, why, why_size);
	if (!r && a->o->aggregator)
		r = check_tier(a, why, why_size);
	if (!r && a->o->feed)
		r = check_endpoint(a, "--feed", a->o->feed, why, why_size);
	if (!r && a->o->http)
		r = check_http(a, why, why_size);
	return r;
}

/* Targets of delivery come before the hosts. */
static int open_targets(struct aggregator *a, char *why, size_t why_size)
{
	struct tier_options t = {
		.urls = a->o->aggregator, .keys = a->keys, .max_hosts = a->o->max_hosts};
	int r;

	a->delivery = t.delivery = delivery_new();
	a->vms = vms_new(a->o->max_hosts);
	r = outputs_open(&a->outputs, &a->o->outputs, a->delivery, a->vms, why, why_size);
	if (!r && t.urls)
		r = tier_new(&a->tier, &t, why, why_size);
	if (!r)
		r = profiling_open(&a->profiling, a->o, a->delivery, why, why_size);
	return r;
}

/* 1 GiB is 20,000 hosts of 100 VMs. */
static uint64_t latest_max(uint64_t history_bytes)
{
	return history_bytes > 256u << 20 ? history_bytes * 4 : 1u << 30;
}

static int start_targets(struct aggregator *a, char *why, size_t why_size)
{
	int r = 0;

	if (a->profiling)
		r = profiling_start(a->profiling, a->hosts, why, why_size);
	if (!r && a->tier)
		r = tier_start(a->tier, a->hosts, why, why_size);
	return r;
}

static int open_inside(struct aggregator *a, char *why, size_t why_size)
{
	struct history_options h = {.keep_ns = a->o->history_ns, .keep_bytes = a->o->history_bytes};
	struct receive_options r = {.instance = random_u64(),
				    .latest_max = latest_max(a->o->history_bytes),
				    .fresh = fresh,
				    .arg = a};
	int error;

	error = open_targets(a, why, why_size);
	if (error < 0)
		return error;
	a->hosts = hosts_new(a->o->max_hosts, a->delivery);
	outputs_attach(a->outputs, a->hosts, a->profiling);
	a->history = history_new(&h);
	r.hosts = a->hosts;
	r.delivery = a->delivery;
	a->receive = receive_new(&r);
	a->status = (struct status){.instance = r.instance,
				    .started_ns = clock_monotonic_ns(),
				    .hosts = a->hosts,
				    .outputs = a->outputs,
				    .receive = a->receive,
				    .delivery = a->delivery,
				    .tier = a->tier,
				    .profiling = a->profiling,
				    .history = a->history,
				    .vms = a->vms};
	a->pages.status = &a->status;
	return start_targets(a, why, why_size);
}

/* Readers first, so that what is received finds them. */
static int open_sockets(struct aggregator *a, char *why, size_t why_size)
{
	struct feed_server_options f = {.url = a->o->feed,
					.keys = a->keys,
					.instance = a->status.instance,
					.history = a->history,
					.hosts = feed_hosts,
					.host = feed_host,
					.notes = feed_notes,
					.host_number = host_number,
					.arg = a};
	struct http_options http = {.address = a->o->http,
				    .cert_file = a->o->http_cert,
				    .key_file = a->o->http_key,
				    .token_file = a->o->http_token_file};
	struct listener_options l = {.url = a->o->listen,
				     .keys = a->keys,
				     .max_pipes = a->o->max_hosts + a->o->max_hosts / 4 + 64,
				     .receive = a->receive};
	int r = 0;

	if (a->o->feed)
		r = feed_server_open(&a->feed, &f, why, why_size);
	a->status.feed = a->feed;
	if (!r)
		r = listener_open(&a->listener, &l, why, why_size);
	a->status.listener = a->listener;
	if (!r && a->o->http)
		r = pages_open(&a->http, &a->pages, &http, why, why_size);
	return r;
}

static void say_where(const struct aggregator *a)
{
	char uplink[ENDPOINT_TEXT_MAX], feed[ENDPOINT_TEXT_MAX] = "none",
					http[ENDPOINT_TEXT_MAX] = "none";

	endpoint_text(uplink, a->o->listen, listener_port(a->listener));
	if (a->feed)
		endpoint_text(feed, a->o->feed, feed_server_port(a->feed));
	if (a->http)
		endpoint_text(http, a->o->http, http_server_port(a->http));
	log_notice("version " PROXTOP_VERSION ": listens at %s; feed %s, http %s; %u outputs%s",
		   uplink, feed, http, outputs_count(a->outputs), a->keys ? "; sealed" : "");
}

int aggregator_open(struct aggregator **ret, const struct aggregator_options *o, char *why,
		    size_t why_size)
{
	struct aggregator *a = xcalloc(1, sizeof(*a));
	int r;

	a->o = o;
	r = check_all(a, why, why_size);
	if (!r)
		r = open_inside(a, why, why_size);
	if (!r)
		r = open_sockets(a, why, why_size);
	if (r < 0) {
		aggregator_close(a, 0);
		return r;
	}
	__atomic_store_n(&a->pages.ready, true, __ATOMIC_RELAXED);
	say_where(a);
	*ret = a;
	return 0;
}

struct ticking {
	uint64_t now_ns;
	unsigned fell_silent;
	unsigned hosts, silent;
};

/* A host that falls silent is said once, and once that it is back. */
static void tick_host(void *arg, struct host *h)
{
	struct ticking *t = arg;
	bool stale = host_is_stale(h, t->now_ns) &&
		     clock_since(t->now_ns, h->arrived_ns) > SAID_AFTER_NS;

	t->hosts++;
	t->silent += stale;
	/* Of a conflict more is said where it is seen. */
	if (!h->latest || h->senders.conflict || stale == h->said_stale)
		return;
	h->said_stale = stale;
	if (stale && t->fell_silent++ < SAID_MAX)
		log_warning("host %s (%s) is silent: no sample for %.1f s", h->name, h->id,
			    (double)clock_since(t->now_ns, h->arrived_ns) / 1e9);
	else if (!stale)
		log_notice("host %s (%s) is back", h->name, h->id);
}

static void forgotten(void *arg, const struct host *h)
{
	struct aggregator *a = arg;

	history_forget(a->history, h->number);
	receive_forgotten(a->receive, h);
	vms_forget(a->vms, h->number);
	if (a->tier)
		tier_forget(a->tier, h->number);
	if (a->profiling)
		profiling_forget(a->profiling, h->number);
	log_notice("host %s (%s) is forgotten: it was silent for too long", h->name, h->id);
}

/* What waits for itself is never committed. */
static void tick_tier(struct aggregator *a)
{
	struct uplink_stats st;
	uint64_t waiting;

	if (!a->tier)
		return;
	tier_stats(a->tier, &st, &waiting);
	if (st.instance == a->status.instance)
		log_once(LOG_ERROR, "tier-self",
			 "--aggregator: %s is this aggregator itself: nothing is ever committed; "
			 "give the next tier's URL, or leave the option out",
			 st.url);
	else if (st.instance)
		log_over("tier-self", NULL);
}

void aggregator_tick(struct aggregator *a)
{
	struct ticking t = {.now_ns = clock_monotonic_ns()};

	hosts_each(a->hosts, tick_host, &t);
	a->n_hosts = t.hosts;
	a->n_silent = t.silent;
	if (t.fell_silent > SAID_MAX)
		log_warning("%u more hosts are silent", t.fell_silent - SAID_MAX);
	hosts_forget(a->hosts, t.now_ns, a->o->forget_ns, forgotten, a);
	vms_tick(a->vms, t.now_ns);
	outputs_tick(a->outputs);
	if (a->profiling)
		profiling_tick(a->profiling, t.now_ns);
	tick_tier(a);
}

void aggregator_line(const struct aggregator *a, char *to, size_t size)
{
	snprintf(to, size, "%u hosts, %u of them silent; %u outputs", a->n_hosts, a->n_silent,
		 outputs_count(a->outputs));
}

void aggregator_reopen(struct aggregator *a)
{
	outputs_reopen(a->outputs);
	if (a->profiling)
		profiling_reopen(a->profiling);
}

static void sleep_ms(int ms)
{
	struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000l};

	nanosleep(&t, NULL);
}

static bool is_idle(struct aggregator *a)
{
	struct uplink_stats s;
	uint64_t waiting = 0;

	if (a->tier)
		tier_stats(a->tier, &s, &waiting);
	return !waiting && outputs_idle(a->outputs) &&
	       (!a->profiling || profiling_idle(a->profiling));
}

/* Senders are answered meanwhile, so that they know what need not be sent again. */
static int drain(struct aggregator *a, int timeout_ms)
{
	uint64_t start = clock_monotonic_ns();
	int left = timeout_ms;
	bool waited = false;

	__atomic_store_n(&a->pages.ready, false, __ATOMIC_RELAXED);
	receive_stop(a->receive);
	if (a->profiling)
		profiling_finish(a->profiling);
	while (left > 0 && !is_idle(a)) {
		waited = true;
		sleep_ms(STEP_MS);
		left = timeout_ms - (int)((clock_monotonic_ns() - start) / 1000000u);
	}
	if (waited && left > LAST_WORD_MS) {
		sleep_ms(LAST_WORD_MS);
		left -= LAST_WORD_MS;
	}
	return left > 0 ? left : 0;
}

void aggregator_close(struct aggregator *a, int timeout_ms)
{
	if (!a)
		return;
	if (a->listener && timeout_ms > 0)
		timeout_ms = drain(a, timeout_ms);
	http_server_close(a->http);
	listener_close(a->listener);
	tier_close(a->tier, timeout_ms);
	outputs_close(a->outputs, timeout_ms);
	if (a->feed)
		feed_server_close(a->feed);
	profiling_close(a->profiling, timeout_ms);
	receive_free(a->receive);
	hosts_free(a->hosts);
	vms_free(a->vms);
	history_free(a->history);
	delivery_free(a->delivery);
	keyring_wipe(&a->keyring);
	free(a);
}
