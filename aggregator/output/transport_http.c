/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http and https: several parcels are one body, posted in requests of at most BODY_MAX
 * bytes, one at a time, on one connection that stays.  The answer decides:
 *
 *   2xx                 it has arrived
 *   400, 413, ... (4xx) what is sent is at fault: halved by lines until the bad ones are
 *                       alone, at most SPLITS_MAX times a body; these are dropped
 *   401, 403, 404, 407  who sends it, or where to, is at fault, and somebody may mend it:
 *                       tried again for as long as give-up says, or PATIENCE, then dropped
 *   anything else       tried again, with back-off: 5xx, 429, 408, redirects, no answer
 */
#include "buf.h"
#include "http_body.h"
#include "http_request.h"
#include "transport.h"
#include "xalloc.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANSWER_MAX  512u
#define PATIENCE_NS (UINT64_C(600) * 1000000000)
#define AFTER_MAX_S 60 /* of Retry-After */

struct http_transport {
	struct transport base;
	CURLM *multi;
	CURL *easy;
	struct curl_slist *headers;
	bool busy; /* a request is on its way */
	struct http_body body;
	struct buf answer;
	char error[CURL_ERROR_SIZE];
	uint64_t denied_ns; /* since when it is: 401, ... */
};

static size_t take_answer(char *data, size_t one, size_t n, void *arg)
{
	struct http_transport *t = arg;
	size_t room = ANSWER_MAX - t->answer.used;

	buf_put(&t->answer, data, n < room ? n : room);
	return one * n;
}

static int http_open(struct transport **ret, const struct output_url *u, char *why, size_t why_size)
{
	struct http_transport *t = xcalloc(1, sizeof(*t));
	char says[256];
	int r;

	*ret = &t->base;
	http_body_init(&t->body);
	buf_init(&t->answer, ANSWER_MAX);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	t->multi = curl_multi_init();
	t->easy = curl_easy_init();
	if (!t->multi || !t->easy) {
		snprintf(why, why_size, "--output: libcurl cannot be started");
		return -ENOMEM;
	}
	r = http_request_prepare(t->easy, u, why, why_size);
	if (r < 0)
		return r;
	curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, take_answer);
	curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t);
	r = http_request_headers(t->easy, &t->headers, u, says, sizeof(says));
	if (r < 0)
		snprintf(why, why_size, "--output: token-file: %s", says);
	return r == -EINVAL ? -EIO : r;
}

/* ---- what an answer means ---- */

/* The server's own words, on one line; the status where it says nothing. */
static const char *reason(struct http_transport *t, long status, char *to, size_t size)
{
	size_t n = t->answer.used;
	char *text = t->answer.data;

	while (n && (unsigned char)text[n - 1] <= ' ')
		n--;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] < ' ')
			text[i] = ' ';
	snprintf(to, size, "http %ld%s%.*s", status, n ? ": " : "", (int)(n < 300 ? n : 300), text);
	return to;
}

static void finish_body(struct http_transport *t)
{
	for (struct parcel *p = t->base.line->first; p && p->sent; p = p->next)
		p->done = true;
	http_body_clear(&t->body);
}

static void range_done(struct http_transport *t)
{
	http_body_pop(&t->body);
	if (http_body_is_empty(&t->body))
		finish_body(t);
}

static void refuse(struct http_transport *t, const char *why)
{
	output_report_refused(t->base.report, http_body_lines(&t->body), why);
	t->base.refused = true;
	range_done(t);
}

static void denied(struct http_transport *t, const char *why)
{
	uint64_t now = output_now_ns();
	uint64_t patience = t->base.u->give_up_ns ? t->base.u->give_up_ns : PATIENCE_NS;

	if (!t->denied_ns)
		t->denied_ns = now;
	if (now - t->denied_ns > patience)
		refuse(t, why);
	else
		transport_failed(&t->base, "not accepted", why);
}

static void try_later(struct http_transport *t, const char *why)
{
	curl_off_t after_s = 0;
	int64_t least;

	transport_failed(&t->base, "not accepted", why);
	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &after_s);
	if (after_s <= 0 || t->base.closing)
		return;
	least = output_now_ms() + (after_s < AFTER_MAX_S ? after_s : AFTER_MAX_S) * 1000;
	if (t->base.retry_ms < least)
		t->base.retry_ms = least;
}

static void answered(struct http_transport *t, long status)
{
	char why[400];

	reason(t, status, why, sizeof(why));
	if (status >= 200 && status < 300) {
		t->denied_ns = 0;
		transport_works(&t->base);
		range_done(t);
	} else if (status == 401 || status == 403 || status == 404 || status == 407) {
		denied(t, why);
	} else if (status >= 400 && status < 500 && status != 408 && status != 429) {
		/* It is there and reads what it gets. */
		transport_works(&t->base);
		if (!http_body_split(&t->body))
			refuse(t, why);
	} else {
		try_later(t, why);
	}
}

static void ended(struct http_transport *t, CURLcode code)
{
	long status = 0;

	t->busy = false;
	curl_multi_remove_handle(t->multi, t->easy);
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (code == CURLE_OK)
		answered(t, status);
	else
		transport_failed(&t->base,
				 code == CURLE_PEER_FAILED_VERIFICATION
					 ? "the server's certificate is not accepted"
					 : "cannot post",
				 *t->error ? t->error : curl_easy_strerror(code));
}

/* ---- sending ---- */

static void gather(struct http_transport *t)
{
	for (struct parcel *p = t->base.line->first; p; p = p->next) {
		if (!http_body_add(&t->body, p->data, p->size))
			break;
		p->sent = true;
	}
	http_body_ready(&t->body);
}

static void start(struct http_transport *t)
{
	size_t n;
	const char *data = http_body_top(&t->body, &n);

	buf_clear(&t->answer);
	*t->error = '\0';
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDS, data);
	curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)n);
	if (curl_multi_add_handle(t->multi, t->easy) == CURLM_OK)
		t->busy = true;
	else
		transport_failed(&t->base, "cannot post", "libcurl takes no request");
}

static void http_step(struct transport *base)
{
	struct http_transport *t = (struct http_transport *)base;
	CURLMsg *m;
	int running, left;

	if (!t->busy && http_body_is_empty(&t->body) && base->line->first)
		gather(t);
	if (!t->busy && !http_body_is_empty(&t->body) && output_now_ms() >= base->retry_ms)
		start(t);
	curl_multi_perform(t->multi, &running);
	while ((m = curl_multi_info_read(t->multi, &left)))
		if (m->msg == CURLMSG_DONE)
			ended(t, m->data.result);
}

static void http_wait(struct transport *base, int wake_fd, int64_t until_ms)
{
	struct http_transport *t = (struct http_transport *)base;
	struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
	int64_t ms = until_ms, now = output_now_ms();

	/* What is on its way brings its own times; what waits to be sent is due then. */
	if (!t->busy && !http_body_is_empty(&t->body) && base->retry_ms < ms)
		ms = base->retry_ms;
	else if (!t->busy && http_body_is_empty(&t->body) && base->line->first)
		return;
	ms = ms < now ? 0 : ms - now;
	curl_multi_poll(t->multi, &wake, 1,
			(int)(ms < OUTPUT_DELAY_MAX_MS ? ms : OUTPUT_DELAY_MAX_MS), NULL);
}

static void http_reopen(struct transport *base)
{
	struct http_transport *t = (struct http_transport *)base;
	char why[256];

	/* The headers are in use while a request is on its way: it is made again. */
	if (t->busy) {
		curl_multi_remove_handle(t->multi, t->easy);
		t->busy = false;
	}
	base->retry_ms = 0;
	if (http_request_headers(t->easy, &t->headers, base->u, why, sizeof(why)) < 0)
		transport_failed(base, "token-file, the old token stays", why);
}

static void http_close(struct transport *base)
{
	struct http_transport *t = (struct http_transport *)base;

	if (t->busy)
		curl_multi_remove_handle(t->multi, t->easy);
	curl_easy_cleanup(t->easy);
	curl_multi_cleanup(t->multi);
	curl_slist_free_all(t->headers);
	curl_global_cleanup();
	http_body_fini(&t->body);
	buf_fini(&t->answer);
	free(t);
}

const struct transport_ops transport_http = {
	.record_max = HTTP_BODY_MAX,
	.window = HTTP_BODY_MAX * 2,
	.open = http_open,
	.step = http_step,
	.wait = http_wait,
	.reopen = http_reopen,
	.close = http_close,
};
