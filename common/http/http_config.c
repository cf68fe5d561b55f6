/* SPDX-License-Identifier: Apache-2.0 */
#include "http_parts.h"

#include "secret_file.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int http_load_token(char token[HTTP_TOKEN_MAX + 1], const char *path, char *why, size_t why_size)
{
	char text[HTTP_TOKEN_MAX + 3]; /* with the end of its line */
	size_t n;
	int r = secret_file_read(path, text, sizeof(text), &n, why, why_size);

	if (r)
		return r;
	while (n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
		n--;
	text[n] = '\0';
	/* What a header can carry (RFC 6750 section 2.1), and long enough not to be guessed. */
	if (n < HTTP_TOKEN_MIN || n > HTTP_TOKEN_MAX ||
	    strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~+/=") !=
		    n) {
		snprintf(why, why_size,
			 "%s: not a token: allowed is one line of %u to %u letters, digits and "
			 "-._~+/=",
			 path, HTTP_TOKEN_MIN, HTTP_TOKEN_MAX);
		r = -EINVAL;
	} else {
		memcpy(token, text, n + 1);
	}
	explicit_bzero(text, sizeof(text));
	return r;
}

/* A certificate is no secret. */
static int load_certificate(const char *path, char *to, size_t size, char *why, size_t why_size)
{
	FILE *f = fopen(path, "re");
	size_t n;
	int e = errno;

	if (!f) {
		snprintf(why, why_size, "%s: %s", path, strerrordesc_np(e));
		return -e;
	}
	errno = 0;
	n = fread(to, 1, size, f);
	e = errno;
	fclose(f);
	if (!n || n == size) {
		snprintf(why, why_size, "%s: %s", path,
			 n   ? "more than the 256 KiB that are allowed"
			 : e ? strerrordesc_np(e)
			     : "empty");
		return -EINVAL;
	}
	to[n] = '\0';
	return 0;
}

int http_resolve(const char *address, struct sockaddr_storage *ret, char *why, size_t why_size)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | AI_PASSIVE,
	};
	char host[256];
	struct addrinfo *list;
	const char *colon = strrchr(address, ':');
	size_t n = colon ? (size_t)(colon - address) : 0;
	bool v6 = n > 2 && address[0] == '[' && address[n - 1] == ']';
	int r;

	if (!n || n >= sizeof(host) || !colon[1] || strspn(colon + 1, "0123456789") > 5 ||
	    colon[1 + strspn(colon + 1, "0123456789")] || atoi(colon + 1) > 65535 ||
	    (!v6 && memchr(address, ':', n))) {
		snprintf(why, why_size, "\"%.200s\" is not ADDRESS:PORT or [IPv6 ADDRESS]:PORT",
			 address);
		return -EINVAL;
	}
	memcpy(host, address + v6, n - 2 * v6);
	host[n - 2 * v6] = '\0';
	r = getaddrinfo(host, colon + 1, &hints, &list);
	if (r || list->ai_addrlen > sizeof(*ret)) {
		snprintf(why, why_size, "%.200s: %s", address,
			 r ? gai_strerror(r) : "no such address");
		return -EINVAL;
	}
	memcpy(ret, list->ai_addr, list->ai_addrlen);
	freeaddrinfo(list);
	return 0;
}

int http_load_pem(struct http_pem *pem, const struct http_options *o, char *why, size_t why_size)
{
	size_t n;
	int r;

	if (!o->cert_file || !o->key_file) {
		snprintf(why, why_size, "TLS takes both, a certificate and its key");
		return -EINVAL;
	}
	if (MHD_is_feature_supported(MHD_FEATURE_TLS) != MHD_YES) {
		snprintf(why, why_size, "libmicrohttpd was built without TLS here");
		return -ENOTSUP;
	}
	r = load_certificate(o->cert_file, pem->cert, HTTP_PEM_MAX, why, why_size);
	return r ? r : secret_file_read(o->key_file, pem->key, sizeof(pem->key), &n, why, why_size);
}
