/* SPDX-License-Identifier: Apache-2.0 */
#include "http_request.h"

#include "secret_file.h"
#include "xalloc.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REQUEST_MS 30000L
#define CONNECT_MS 5000L
#define TOKEN_MAX  4096u

/* ---- who is believed ---- */

/* Said at once, and not only with the first request. */
static int check_ca_file(const char *path, char *why, size_t why_size)
{
	FILE *f = fopen(path, "re");
	int r = 0;

	if (!f)
		r = -errno;
	else if (fgetc(f) == EOF)
		r = ferror(f) ? -errno : -ENODATA;
	if (r < 0)
		snprintf(why, why_size, "--output: ca-file: %s: %s", path,
			 r == -ENODATA ? "is empty" : strerrordesc_np(-r));
	if (f)
		fclose(f);
	return r;
}

static int believe(CURL *e, const char *ca_file, char *why, size_t why_size)
{
	if (!ca_file)
		return 0;
	/* These and no others: not those of the system's directory besides. */
	curl_easy_setopt(e, CURLOPT_CAINFO, ca_file);
	curl_easy_setopt(e, CURLOPT_CAPATH, NULL);
	/* A new file counts with the next connection. */
	curl_easy_setopt(e, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	return check_ca_file(ca_file, why, why_size);
}

int http_request_prepare(CURL *e, const struct output_url *u, char *why, size_t why_size)
{
	curl_easy_setopt(e, CURLOPT_URL, u->target);
	curl_easy_setopt(e, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(e, CURLOPT_POST, 1L);
	curl_easy_setopt(e, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(e, CURLOPT_TIMEOUT_MS, REQUEST_MS);
	curl_easy_setopt(e, CURLOPT_CONNECTTIMEOUT_MS, CONNECT_MS);
	curl_easy_setopt(e, CURLOPT_TCP_KEEPALIVE, 1L);
	curl_easy_setopt(e, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
	/* What the environment says of proxies is meant for people's programs. */
	curl_easy_setopt(e, CURLOPT_PROXY, "");
	/* A resolver that hangs must not hold the end. */
	curl_easy_setopt(e, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(e, CURLOPT_USERAGENT, "proxtop-aggregator/" PROXTOP_VERSION);
	return believe(e, u->ca_file, why, why_size);
}

/* ---- headers ---- */

static int add(struct curl_slist **list, const char *text)
{
	struct curl_slist *l = curl_slist_append(*list, text);

	if (!l)
		return -ENOMEM;
	*list = l;
	return 0;
}

static int add_token(struct curl_slist **list, bool influx, const char *token)
{
	char *line = xasprintf("Authorization: %s %s", influx ? "Token" : "Bearer", token);
	int r = add(list, line);

	explicit_bzero(line, strlen(line));
	free(line);
	return r;
}

int http_request_headers(CURL *e, struct curl_slist **headers, const struct output_url *u,
			 char *why, size_t why_size)
{
	bool influx = u->format == FORMAT_INFLUX;
	struct curl_slist *list = NULL;
	char token[TOKEN_MAX];
	size_t n = 0;
	int r;

	if (u->token_file) {
		r = secret_file_read(u->token_file, token, sizeof(token), &n, why, why_size);
		if (r < 0)
			return r;
		token[strcspn(token, "\r\n")] = '\0';
	}
	/* Without asking first: the answer would cost a round trip. */
	r = add(&list, "Expect:");
	if (r == 0)
		r = add(&list, influx ? "Content-Type: text/plain; charset=utf-8"
				      : "Content-Type: application/x-ndjson");
	if (r == 0 && u->token_file)
		r = add_token(&list, influx, token);
	explicit_bzero(token, sizeof(token));
	if (r < 0) {
		curl_slist_free_all(list);
		snprintf(why, why_size, "out of memory");
		return r;
	}
	curl_easy_setopt(e, CURLOPT_HTTPHEADER, list);
	curl_slist_free_all(*headers);
	*headers = list;
	return 0;
}
