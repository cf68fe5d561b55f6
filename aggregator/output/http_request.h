/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_HTTP_REQUEST_H
#define PROXTOP_HTTP_REQUEST_H

/*
 * What all requests of an output have in common: where to, for how long, who is believed,
 * and the headers.
 */
#include "output_url.h"

#include <curl/curl.h>

/* 0, or negative errno with a line for the user in why: a ca-file that cannot be read. */
int http_request_prepare(CURL *easy, const struct output_url *u, char *why, size_t why_size);

/* Makes the headers; the token is read again, and in nothing else.  0, or negative errno
 * with why, and all is as it was.  easy points to *headers: the caller frees it after easy,
 * and calls this only while no request is on its way. */
int http_request_headers(CURL *easy, struct curl_slist **headers, const struct output_url *u,
			 char *why, size_t why_size);

#endif
