/* SPDX-License-Identifier: Apache-2.0 */
/* The connection of the libvirt source: opening, events, closing, and what errors mean. */
#include "libvirt_internal.h"
#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <libxml/parser.h>
#include <stdio.h>
#include <string.h>

/*
 * Longer than the list's 10 s: then libvirt's event thread sends something of its own
 * only while the worker waits for an answer.  When it does so while the worker begins a
 * call, the bug described in libvirt_internal.h can strike.  A peer that is gone without
 * a word is noticed after 24 s.
 */
#define KEEPALIVE_S     12
#define KEEPALIVE_COUNT 1
#define BACKOFF_MAX_S   30u

/* ---- once per process: libvirt's own globals ---- */

static void swallow_error(void *arg, virErrorPtr error)
{
	(void)arg;
	(void)error; /* else libvirt prints it; it is said by us, once */
}

/* libvirt takes only one event loop per process, and it cannot be given back. */
static struct {
	pthread_once_t once, loop_once;
	int error, loop_error;
} process = {.once = PTHREAD_ONCE_INIT, .loop_once = PTHREAD_ONCE_INIT};

static void process_init(void)
{
	xmlInitParser();
	virSetErrorFunc(NULL, swallow_error);
	process.error = virInitialize() < 0 ? -ENOSYS : 0;
}

int libvirt_init(void)
{
	pthread_once(&process.once, process_init);
	return process.error;
}

static void tick(int timer, void *arg)
{
	(void)timer;
	(void)arg; /* with a timer there, the loop never sleeps for ever */
}

static void *loop_main(void *arg)
{
	(void)arg;
	for (;;) {
		if (virEventRunDefaultImpl() < 0) {
			struct timespec pause = {1, 0};

			log_once(LOG_WARNING, "libvirt-loop", "libvirt's event loop failed: %s",
				 virGetLastErrorMessage());
			nanosleep(&pause, NULL);
		}
	}
	return NULL;
}

static void loop_start(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	if (virEventRegisterDefaultImpl() < 0 || virEventAddTimeout(60000, tick, NULL, NULL) < 0) {
		process.loop_error = -EIO;
		return;
	}
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	process.loop_error = -pthread_create(&thread, &attr, loop_main, NULL);
	pthread_attr_destroy(&attr);
}

int libvirt_loop_start(void)
{
	int r = libvirt_init();

	if (r < 0)
		return r;
	pthread_once(&process.loop_once, loop_start);
	return process.loop_error;
}

/* ---- errors ---- */

void libvirt_last_error(struct libvirt_error *ret)
{
	const virError *e = virGetLastError();
	const char *text = virGetLastErrorMessage();

	ret->code = e ? e->code : VIR_ERR_OK;
	/* Of a failed system call libvirt keeps errno in int1. */
	ret->denied =
		e && (e->code == VIR_ERR_AUTH_FAILED || e->code == VIR_ERR_AUTH_UNAVAILABLE ||
		      e->code == VIR_ERR_AUTH_CANCELLED || e->code == VIR_ERR_ACCESS_DENIED ||
		      e->code == VIR_ERR_OPERATION_DENIED ||
		      (e->code == VIR_ERR_SYSTEM_ERROR && (e->int1 == EACCES || e->int1 == EPERM)));
	snprintf(ret->text, sizeof(ret->text), "%s", text ? text : "unknown error");
	for (char *c = ret->text; *c; c++)
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = ' ';
}

void libvirt_explain(const char *uri, const struct libvirt_error *e, char *line, size_t size)
{
	if (e->denied)
		snprintf(line, size,
			 "No permission to connect to libvirt (%s): %s; run as root or add the "
			 "user to the group libvirt (usermod -aG libvirt USER)",
			 uri, e->text);
	else
		snprintf(line, size,
			 "Failed to connect to libvirt (%s): %s; check that libvirtd runs "
			 "(systemctl status libvirtd) and the URI (virsh -c %s list)",
			 uri, e->text, uri);
}

/* ---- events: they only set flags ---- */

static void wake(struct source *s)
{
	s->list_wanted = true;
	pthread_cond_broadcast(&s->changed);
}

static int on_lifecycle(virConnectPtr c, virDomainPtr d, int event, int detail, void *opaque)
{
	struct source *s = ((struct worker *)opaque)->source;

	(void)c, (void)d, (void)event, (void)detail;
	pthread_mutex_lock(&s->lock);
	wake(s);
	pthread_mutex_unlock(&s->lock);
	return 0;
}

/* The same for a device that came and one that went. */
static void on_device(virConnectPtr c, virDomainPtr d, const char *alias, void *opaque)
{
	struct source *s = ((struct worker *)opaque)->source;
	unsigned char uuid[VIR_UUID_BUFLEN];

	(void)c, (void)alias;
	if (virDomainGetUUID(d, uuid) < 0)
		return;
	pthread_mutex_lock(&s->lock);
	if (s->n_stale < STALE_MAX)
		memcpy(s->stale[s->n_stale++], uuid, sizeof(uuid));
	else
		s->n_stale = STALE_MAX + 1;
	wake(s);
	pthread_mutex_unlock(&s->lock);
}

static void on_close(virConnectPtr c, int reason, void *opaque)
{
	struct worker *w = opaque;

	(void)c, (void)reason;
	pthread_mutex_lock(&w->source->lock);
	w->lost = true;
	pthread_cond_broadcast(&w->source->changed);
	pthread_mutex_unlock(&w->source->lock);
}

static void subscribe(struct worker *w)
{
	static const int ids[] = {VIR_DOMAIN_EVENT_ID_LIFECYCLE, VIR_DOMAIN_EVENT_ID_DEVICE_ADDED,
				  VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED};
	virConnectPtr c = w->connection;

	for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		virConnectDomainEventGenericCallback call =
			ids[i] == VIR_DOMAIN_EVENT_ID_LIFECYCLE
				? VIR_DOMAIN_EVENT_CALLBACK(on_lifecycle)
				: VIR_DOMAIN_EVENT_CALLBACK(on_device);

		worker_ref(w);
		w->events[i] =
			virConnectDomainEventRegisterAny(c, NULL, ids[i], call, w, worker_unref);
		if (w->events[i] < 0)
			worker_unref(w); /* then the list every 10 s has to do */
	}
	/* Drivers without it say that they have it, and never free what they were given.  None
	 * is called any more after it was unregistered. */
	w->close_callback = virConnectRegisterCloseCallback(c, on_close, w, NULL) == 0;
	/* Not every driver can. */
	(void)virConnectSetKeepAlive(c, KEEPALIVE_S, KEEPALIVE_COUNT);
}

/* ---- opening and closing ---- */

static void connect_failed(struct source *s, const struct libvirt_error *e)
{
	char line[1024];
	struct hub *h;

	libvirt_explain(s->uri, e, line, sizeof(line));
	log_once(LOG_WARNING, "libvirt", "%s", line);
	s->backoff_s = !s->backoff_s                      ? 1
		       : s->backoff_s * 2 > BACKOFF_MAX_S ? BACKOFF_MAX_S
							  : s->backoff_s * 2;
	s->connect_due = monotonic_ns() + s->backoff_s * SECOND;
	if (s->published)
		return; /* what was listed still runs, as far as anybody knows */
	/* Nobody has to wait for a list that does not come. */
	h = hub_enter(s);
	if (h) {
		hub_publish(h, vm_list_new());
		hub_leave(s);
		s->published = true;
	}
}

void libvirt_connect(struct worker *w)
{
	struct source *s = w->source;
	struct libvirt_error error;

	if (!call_begin(w, CALL_CONNECT))
		return;
	w->connection = virConnectOpenReadOnly(s->uri);
	if (!w->connection)
		libvirt_last_error(&error);
	if (!call_end(w, w->connection != NULL))
		return;
	if (!w->connection) {
		connect_failed(s, &error);
		return;
	}
	pthread_mutex_lock(&s->lock);
	w->lost = false;
	s->n_stale = 0;
	pthread_mutex_unlock(&s->lock);
	s->nowait = true;
	s->backoff_s = 0;
	s->list_due = 0;
	if (s->threaded) {
		if (!call_begin(w, CALL_CONNECT))
			return;
		subscribe(w);
		if (!call_end(w, is_connected(w)))
			return;
	}
	log_debug("Connected to libvirt (%s)", s->uri);
	log_over("libvirt", "Connected to libvirt (%s) again", s->uri);
}

void libvirt_disconnect(struct worker *w)
{
	struct source *s = w->source;
	virConnectPtr c = w->connection;
	/* An orphan closes its own connection and touches nothing else. */
	bool current = call_begin(w, CALL_CLOSE);

	if (current)
		libvirt_forget(s, false);
	if (c) {
		for (unsigned i = 0; i < 3; i++) {
			if (w->events[i] >= 0)
				virConnectDomainEventDeregisterAny(c, w->events[i]);
			w->events[i] = -1;
		}
		if (w->close_callback)
			virConnectUnregisterCloseCallback(c, on_close);
		w->close_callback = false;
		w->connection = NULL;
		virConnectClose(c);
	}
	if (current && call_end(w, false))
		s->connect_due = monotonic_ns() + SECOND;
}

void libvirt_lost(struct worker *w)
{
	log_once(LOG_WARNING, "libvirt", "The connection to libvirt (%s) was lost; trying again",
		 w->source->uri);
	libvirt_disconnect(w);
}
