/* SPDX-License-Identifier: Apache-2.0 */
#include "http_parts.h"

#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define THREADS     4u
#define HEADERS_MAX (32u << 10) /* bytes of a request */
#define PEM_MAX     (256u << 10)
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
	const union MHD_ConnectionInfo *fd, *from;
	struct http_server *s = arg;

	if (what == MHD_CONNECTION_NOTIFY_CLOSED) {
		if (*context)
			http_connections_remove(&s->connections, *context);
		*context = NULL;
		return;
	}
	fd = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
	from = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (fd && from)
		*context = http_connections_add(&s->connections, fd->connect_fd, from->client_addr);
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

static struct MHD_Daemon *start_daemon(struct http_server *s, const struct sockaddr *address,
				       const struct http_pem *pem)
{
	unsigned flags = MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG;
	struct MHD_OptionItem tls[] = {
		{MHD_OPTION_HTTPS_MEM_CERT, 0, pem ? (void *)(uintptr_t)pem->cert : NULL},
		{MHD_OPTION_HTTPS_MEM_KEY, 0, pem ? (void *)(uintptr_t)pem->key : NULL},
		{MHD_OPTION_HTTPS_PRIORITIES, 0, (void *)(uintptr_t)TLS_PRIORITIES},
		{MHD_OPTION_END, 0, NULL},
	};
	struct MHD_Daemon *daemon;
	sigset_t all, before;

	if (pem)
		flags |= MHD_USE_TLS;
	else
		tls[0].option = MHD_OPTION_END;
	if (address->sa_family == AF_INET6)
		flags |= MHD_USE_IPv6;
	/* Signals are for the main thread. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errno = 0;
	daemon = MHD_start_daemon(
		flags, 0, on_accept, s, http_answer, s, MHD_OPTION_EXTERNAL_LOGGER, on_said, s,
		MHD_OPTION_SOCK_ADDR, address, MHD_OPTION_THREAD_POOL_SIZE, THREADS,
		MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNECTIONS_ROOM, MHD_OPTION_CONNECTION_TIMEOUT,
		HTTP_CONNECTION_IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HEADERS_MAX,
		MHD_OPTION_NOTIFY_CONNECTION, on_connection, s, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, s, MHD_OPTION_ARRAY, tls, MHD_OPTION_END);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return daemon;
}

static int start(struct http_server *s, const struct http_options *o, const struct http_pem *pem,
		 char *why, size_t why_size)
{
	struct sockaddr_storage address;
	const union MHD_DaemonInfo *info;
	int r = http_resolve(o->address, &address, why, why_size);

	if (r)
		return r;
	s->daemon = start_daemon(s, (struct sockaddr *)&address, pem);
	r = errno ? -errno : -EINVAL;
	pthread_mutex_lock(&s->said_lock);
	s->running = s->daemon;
	pthread_mutex_unlock(&s->said_lock);
	if (!s->daemon) {
		snprintf(why, why_size, "%.200s: %s", o->address,
			 *s->said ? s->said : "libmicrohttpd does not start");
		return r;
	}
	info = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT);
	s->port = info ? info->port : 0;
	return 0;
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
