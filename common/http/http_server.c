/* SPDX-License-Identifier: Apache-2.0 */
#include "http_parts.h"

#include "log.h"
#include "thread_start.h"
#include "xalloc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKLOG     128
#define HEADERS_MAX (32u << 10) /* bytes of a request */
/* Of GnuTLS: 1.2 and 1.3 only. */
#define TLS_PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"

static void on_said(void *arg, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void on_said(void *arg, const char *format, va_list args)
{
	struct http_server *s = arg;
	char line[sizeof(s->said)];

	vsnprintf(line, sizeof(line), format, args);
	line[strcspn(line, "\n")] = '\0';
	pthread_mutex_lock(&s->said_lock);
	if (s->running)
		log_debug("http: %s", line);
	else if (!*s->said)
		strcpy(s->said, line);
	pthread_mutex_unlock(&s->said_lock);
}

static enum MHD_Result on_accept(void *arg, const struct sockaddr *from, socklen_t n)
{
	struct http_server *s = arg;

	(void)n;
	return http_connections_admit(&s->connections, from) ? MHD_YES : MHD_NO;
}

static void on_connection(void *arg, struct MHD_Connection *connection, void **context,
			  enum MHD_ConnectionNotificationCode what)
{
	const union MHD_ConnectionInfo *info;
	struct http_server *s = arg;
	int fd;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			http_connections_remove(&s->connections, *context);
		*context = NULL;
		return;
	}
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	fd = info ? info->connect_fd : -1; /* the next answer may overwrite this one */
	info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (fd >= 0 && info)
		*context = http_connections_add(&s->connections, fd, info->client_addr);
}

static void on_completed(void *arg, struct MHD_Connection *connection, void **request,
			 enum MHD_RequestTerminationCode how)
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_server *s = arg;

	(void)request;
	(void)how;
	if (info && info->socket_context)
		http_connections_set(&s->connections, info->socket_context, false);
}

/* A socket that listens, or negative errno. */
static int listen_on(const struct sockaddr_storage *address)
{
	bool v6 = address->ss_family == AF_INET6;
	socklen_t n = v6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in);
	int fd = socket(address->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on))) ||
	    bind(fd, (const struct sockaddr *)address, n) || listen(fd, BACKLOG)) {
		int e = errno;

		close(fd);
		return -e;
	}
	return fd;
}

static struct MHD_Daemon *start_daemon(struct http_server *s, int fd, bool v6,
				       const struct http_pem *pem)
{
	/* A thread for each connection: there are few, and who asks for something that takes
	 * long delays nobody. */
	unsigned flags = MHD_USE_AUTO | MHD_USE_INTERNAL_POLLING_THREAD |
			 MHD_USE_THREAD_PER_CONNECTION | MHD_USE_ITC | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, pem ? (void *)(uintptr_t)pem->cert : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, pem ? (void *)(uintptr_t)pem->key : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_Daemon *daemon;
	sigset_t before;

	flags |= pem ? MHD_USE_TLS : 0;
	flags |= v6 ? MHD_USE_IPv6 : 0;
	if (!pem)
		tls[0].option = MHD_OPTION_END;
	signals_hold(&before);
	daemon = MHD_start_daemon(
		flags, 0, on_accept, s, http_answer, s, MHD_OPTION_EXTERNAL_LOGGER, on_said, s,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_ROOM,
		MHD_OPTION_CONNECTION_TIMEOUT, HTTP_CONNECTION_IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, s, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	signals_give_back(&before);
	return daemon;
}

static bool same_socket(int a, int b)
{
	struct stat sa, sb;

	return !fstat(a, &sa) && !fstat(b, &sb) && sa.st_dev == sb.st_dev && sa.st_ino == sb.st_ino;
}

static void set_port(struct http_server *s, int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof(a);

	if (getsockname(fd, (struct sockaddr *)&a, &n))
		return;
	s->port = ntohs(a.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&a)->sin6_port
						: ((struct sockaddr_in *)&a)->sin_port);
}

static int start(struct http_server *s, const struct http_options *o, const struct http_pem *pem,
		 char *why, size_t why_size)
{
	struct sockaddr_storage address;
	int r = http_resolve(o->address, &address, why, why_size), fd, given;

	if (r)
		return r;
	fd = listen_on(&address);
	if (fd < 0) {
		snprintf(why, why_size, "%.200s: %s", o->address, strerrordesc_np(-fd));
		return fd;
	}
	given = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	s->daemon = start_daemon(s, given, address.ss_family == AF_INET6, pem);
	pthread_mutex_lock(&s->said_lock);
	s->running = s->daemon;
	pthread_mutex_unlock(&s->said_lock);
	set_port(s, fd);
	/* Whether it has closed its socket depends on why it did not start. */
	if (!s->daemon && same_socket(fd, given))
		close(given);
	close(fd);
	if (s->daemon)
		return 0;
	snprintf(why, why_size, "%.200s: %s", o->address,
		 *s->said ? s->said : "libmicrohttpd does not start");
	return -EINVAL;
}

int http_server_open(struct http_server **ret, const struct http_options *o, char *why,
		     size_t why_size)
{
	struct http_server *s = xcalloc(1, sizeof(*s));
	struct http_pem *pem = NULL;
	int r = 0;

	s->routes = o->routes;
	s->n_routes = o->n_routes;
	s->arg = o->arg;
	pthread_mutex_init(&s->said_lock, NULL);
	http_connections_init(&s->connections);
	if (o->token_file)
		r = http_load_token(s->token, o->token_file, why, why_size);
	if (r == 0 && (o->cert_file || o->key_file)) {
		pem = xcalloc(1, sizeof(*pem));
		r = http_load_pem(pem, o, why, why_size);
	}
	if (r == 0)
		r = start(s, o, pem, why, why_size);
	if (pem)
		explicit_bzero(pem, sizeof(*pem));
	free(pem);
	if (r)
		http_server_close(s);
	else
		*ret = s;
	return r;
}

unsigned http_server_port(const struct http_server *s)
{
	return s->port;
}

void http_server_stats(struct http_server *s, struct http_stats *ret)
{
	ret->requests = atomic_load(&s->requests);
	pthread_mutex_lock(&s->connections.lock);
	ret->connections = s->connections.n;
	ret->refused = s->connections.refused;
	pthread_mutex_unlock(&s->connections.lock);
}

void http_server_close(struct http_server *s)
{
	if (!s)
		return;
	if (s->daemon)
		MHD_stop_daemon(s->daemon);
	http_connections_fini(&s->connections);
	pthread_mutex_destroy(&s->said_lock);
	explicit_bzero(s->token, sizeof(s->token));
	free(s);
}
