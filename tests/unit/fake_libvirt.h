/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_FAKE_LIBVIRT_H
#define TEST_FAKE_LIBVIRT_H

/*
 * A libvirt that does what a test wants: hangs, fails, forgets.  These functions stand
 * before the library's own of the same names; its event loop is the real one.
 */
#include <errno.h>
#include <libvirt/libvirt.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FAKE_DOMAINS 8

struct fake_domain {
	char name[300];
	unsigned char uuid[VIR_UUID_BUFLEN];
	int id; /* a new one for each run */
	char xml[2048];
	int state, reason;
	bool running;
	bool busy;   /* its job is held: no counters */
	bool spoils; /* every call that asks it fails */
	bool hangs;  /* a question waits until this is false again */
	bool held;   /* by such a question */
	unsigned long long reads, last_update;
	bool works; /* reads something between two questions */
	unsigned asked, balloon_asked, xml_asked;
	uint64_t asked_ms[2]; /* its first two questions */
};

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct fake_domain domains[FAKE_DOMAINS];
	unsigned n;
	bool stopped; /* the daemon: nothing is answered */
	bool refuses; /* connections, with this error */
	int error_code, error_errno;
	bool rejects_nowait;
	unsigned opened, connections, handles; /* opened: ever; the others: now */
	unsigned groups;                       /* asked for since the test began */
	unsigned questions;                    /* calls that asked for counters */
	unsigned generation;                   /* connections of an older one are broken */
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

struct _virConnect {
	unsigned generation;
	int refs;
	struct {
		virConnectDomainEventGenericCallback call;
		void *opaque;
		virFreeCallback ff;
		int id;
	} events[4];
	virConnectCloseFunc on_close;
	void *close_opaque;
};

struct _virDomain {
	virConnectPtr connection;
	struct fake_domain *of;
	int refs, id;
};

static virConnectPtr fake_open[8]; /* under the lock */

static uint64_t fake_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static _Thread_local virError fake_error;

static int fake_fail(int code, int err, const char *text)
{
	fake_error = (virError){.code = code, .int1 = err, .message = (char *)text};
	return -1;
}

virErrorPtr virGetLastError(void)
{
	return &fake_error;
}

const char *virGetLastErrorMessage(void)
{
	return fake_error.message;
}

/* Under the lock: waits while the daemon is stopped. false: the connection broke. */
static bool fake_served(virConnectPtr c)
{
	while (fake.stopped && c->generation == fake.generation)
		pthread_cond_wait(&fake.changed, &fake.lock);
	if (c->generation == fake.generation)
		return true;
	fake_fail(VIR_ERR_INTERNAL_ERROR, 0, "client socket is closed");
	return false;
}

/* ---- connections ---- */

virConnectPtr virConnectOpenReadOnly(const char *name)
{
	virConnectPtr c = NULL;

	(void)name;
	pthread_mutex_lock(&fake.lock);
	while (fake.stopped)
		pthread_cond_wait(&fake.changed, &fake.lock);
	if (fake.refuses) {
		fake_fail(fake.error_code, fake.error_errno, "it does\nnot want");
	} else {
		c = calloc(1, sizeof(*c));
		c->refs = 1;
		c->generation = fake.generation;
		fake.opened++;
		for (unsigned i = 0; i < 8; i++)
			if (!fake_open[i]) {
				fake_open[i] = c;
				break;
			}
		fake.connections++;
	}
	pthread_mutex_unlock(&fake.lock);
	return c;
}

/* Under the lock. */
static void fake_release(virConnectPtr c)
{
	if (--c->refs)
		return;
	for (unsigned i = 0; i < 8; i++)
		if (fake_open[i] == c)
			fake_open[i] = NULL;
	fake.connections--;
	free(c);
}

int virConnectClose(virConnectPtr c)
{
	pthread_mutex_lock(&fake.lock);
	(void)fake_served(c);
	fake_release(c);
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

int virConnectIsAlive(virConnectPtr c)
{
	int alive;

	pthread_mutex_lock(&fake.lock);
	alive = c->generation == fake.generation;
	pthread_mutex_unlock(&fake.lock);
	return alive;
}

int virConnectSetKeepAlive(virConnectPtr c, int interval, unsigned int count)
{
	(void)c, (void)interval, (void)count;
	return 0;
}

int virConnectGetLibVersion(virConnectPtr c, unsigned long *v)
{
	(void)c;
	*v = 9001002;
	return 0;
}

int virConnectGetVersion(virConnectPtr c, unsigned long *v)
{
	(void)c;
	*v = 7002022;
	return 0;
}

const char *virConnectGetType(virConnectPtr c)
{
	(void)c;
	return "QEMU";
}

int virConnectDomainEventRegisterAny(virConnectPtr c, virDomainPtr d, int id,
				     virConnectDomainEventGenericCallback call, void *opaque,
				     virFreeCallback ff)
{
	(void)d;
	for (int i = 0; i < 4; i++) {
		if (c->events[i].call)
			continue;
		pthread_mutex_lock(&fake.lock);
		c->events[i].call = call;
		c->events[i].opaque = opaque;
		c->events[i].ff = ff;
		c->events[i].id = id;
		pthread_mutex_unlock(&fake.lock);
		return i;
	}
	return -1;
}

int virConnectDomainEventDeregisterAny(virConnectPtr c, int id)
{
	virFreeCallback ff;
	void *opaque;

	pthread_mutex_lock(&fake.lock);
	ff = c->events[id].ff;
	opaque = c->events[id].opaque;
	c->events[id].call = NULL;
	pthread_mutex_unlock(&fake.lock);
	ff(opaque);
	return 0;
}

int virConnectRegisterCloseCallback(virConnectPtr c, virConnectCloseFunc call, void *opaque,
				    virFreeCallback ff)
{
	pthread_mutex_lock(&fake.lock);
	c->on_close = call;
	c->close_opaque = opaque;
	(void)ff;
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

int virConnectUnregisterCloseCallback(virConnectPtr c, virConnectCloseFunc call)
{
	pthread_mutex_lock(&fake.lock);
	if (c->on_close != call)
		abort();
	c->on_close = NULL;
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

/* ---- domains ---- */

/* Under the lock. */
static virDomainPtr fake_handle(virConnectPtr c, struct fake_domain *of)
{
	virDomainPtr d = calloc(1, sizeof(*d));

	d->connection = c;
	d->of = of;
	d->refs = 1;
	d->id = of->id;
	c->refs++;
	fake.handles++;
	return d;
}

int virDomainRef(virDomainPtr d)
{
	pthread_mutex_lock(&fake.lock);
	d->refs++;
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

int virDomainFree(virDomainPtr d)
{
	pthread_mutex_lock(&fake.lock);
	if (--d->refs == 0) {
		fake_release(d->connection);
		free(d);
		fake.handles--;
	}
	pthread_mutex_unlock(&fake.lock);
	return 0;
}

unsigned int virDomainGetID(virDomainPtr d)
{
	return (unsigned)d->id;
}

const char *virDomainGetName(virDomainPtr d)
{
	return d->of->name;
}

int virDomainGetUUID(virDomainPtr d, unsigned char *uuid)
{
	memcpy(uuid, d->of->uuid, VIR_UUID_BUFLEN);
	return 0;
}

static void fake_uuid_text(const unsigned char *u, char *buf)
{
	sprintf(buf, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", u[0],
		u[1], u[2], u[3], u[4], u[5], u[6], u[7], u[8], u[9], u[10], u[11], u[12], u[13],
		u[14], u[15]);
}

int virDomainGetUUIDString(virDomainPtr d, char *buf)
{
	fake_uuid_text(d->of->uuid, buf);
	return 0;
}

char *virDomainGetXMLDesc(virDomainPtr d, unsigned int flags)
{
	char *xml = NULL;

	pthread_mutex_lock(&fake.lock);
	d->of->xml_asked++;
	if (flags)
		fake_fail(VIR_ERR_OPERATION_DENIED, 0, "read only");
	else if (fake_served(d->connection) && !*d->of->xml)
		fake_fail(VIR_ERR_INTERNAL_ERROR, 0, "no description");
	else if (*d->of->xml)
		xml = strdup(d->of->xml);
	pthread_mutex_unlock(&fake.lock);
	return xml;
}

static void fake_param(virDomainStatsRecordPtr r, const char *field, int type, const char *text,
		       unsigned long long v)
{
	virTypedParameter *p = &r->params[r->nparams++];

	snprintf(p->field, sizeof(p->field), "%s", field);
	p->type = type;
	if (type == VIR_TYPED_PARAM_STRING)
		p->value.s = strdup(text);
	else if (type == VIR_TYPED_PARAM_INT)
		p->value.i = (int)v;
	else
		p->value.ul = v;
}

/* Under the lock, which it leaves while the domain hangs.  NULL: the call fails. */
static virDomainStatsRecordPtr fake_record(virConnectPtr c, struct fake_domain *d, unsigned groups,
					   bool nowait)
{
	const unsigned monitor = VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_BALLOON;
	unsigned long long reads =
		d->works ? d->reads++ : d->reads; /* as of now: old when the domain hangs */
	bool busy = d->busy;
	virDomainStatsRecordPtr r;

	if (groups & monitor) {
		if (d->asked < 2)
			d->asked_ms[d->asked] = fake_ms();
		d->asked++;
		d->balloon_asked += !!(groups & VIR_DOMAIN_STATS_BALLOON);
		if (d->spoils) {
			fake_fail(VIR_ERR_INTERNAL_ERROR, 0, "this one is not well");
			return NULL;
		}
		if (d->held && nowait) {
			busy = true;
		} else if (d->hangs) {
			d->held = true;
			while (d->hangs && c->generation == fake.generation)
				pthread_cond_wait(&fake.changed, &fake.lock);
			d->held = false;
		}
	}
	r = calloc(1, sizeof(*r));
	r->params = calloc(32, sizeof(*r->params));
	r->dom = fake_handle(c, d);
	if (groups & VIR_DOMAIN_STATS_STATE) {
		fake_param(r, "state.state", VIR_TYPED_PARAM_INT, NULL,
			   (unsigned long long)d->state);
		fake_param(r, "state.reason", VIR_TYPED_PARAM_INT, NULL,
			   (unsigned long long)d->reason);
	}
	if (groups & VIR_DOMAIN_STATS_BALLOON) {
		fake_param(r, "balloon.current", VIR_TYPED_PARAM_ULLONG, NULL, 1000);
		if (!busy) {
			fake_param(r, "balloon.unused", VIR_TYPED_PARAM_ULLONG, NULL, 400);
			fake_param(r, "balloon.last-update", VIR_TYPED_PARAM_ULLONG, NULL,
				   d->last_update);
			fake_param(r, "balloon.rss", VIR_TYPED_PARAM_ULLONG, NULL, 1);
		}
	}
	if (groups & VIR_DOMAIN_STATS_BLOCK) {
		fake_param(r, "block.count", VIR_TYPED_PARAM_ULLONG, NULL, 1);
		fake_param(r, "block.0.name", VIR_TYPED_PARAM_STRING, "vda", 0);
		fake_param(r, "block.0.path", VIR_TYPED_PARAM_STRING, "/x", 0);
		if (!busy)
			fake_param(r, "block.0.rd.reqs", VIR_TYPED_PARAM_ULLONG, NULL, reads);
	}
	return r;
}

static void fake_record_free(virDomainStatsRecordPtr r)
{
	for (int i = 0; i < r->nparams; i++)
		if (r->params[i].type == VIR_TYPED_PARAM_STRING)
			free(r->params[i].value.s);
	virDomainFree(r->dom);
	free(r->params);
	free(r);
}

void virDomainStatsRecordListFree(virDomainStatsRecordPtr *records)
{
	for (unsigned i = 0; records && records[i]; i++)
		fake_record_free(records[i]);
	free(records);
}

/* Under the lock, which it drops. */
static int fake_answer(virConnectPtr c, struct fake_domain **asked, int *ids, unsigned n,
		       unsigned groups, virDomainStatsRecordPtr **ret, unsigned flags)
{
	bool nowait = flags & VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT;
	virDomainStatsRecordPtr *records = calloc(n + 1, sizeof(*records));
	bool ok = fake_served(c);
	int got = 0;

	fake.groups |= groups;
	fake.questions += groups != VIR_DOMAIN_STATS_STATE;
	if (nowait && fake.rejects_nowait) {
		fake_fail(VIR_ERR_INVALID_ARG, 0, "unsupported flags");
		ok = false;
	}
	for (unsigned i = 0; ok && i < n; i++) {
		if (!asked[i]->running || asked[i]->id != ids[i])
			continue;
		records[got] = fake_record(c, asked[i], groups, nowait);
		ok = records[got] != NULL;
		got += ok;
	}
	ok = ok && fake_served(c);
	pthread_mutex_unlock(&fake.lock);
	if (ok) {
		*ret = records;
		return got;
	}
	virDomainStatsRecordListFree(records);
	return -1;
}

int virConnectGetAllDomainStats(virConnectPtr c, unsigned int groups, virDomainStatsRecordPtr **ret,
				unsigned int flags)
{
	struct fake_domain *asked[FAKE_DOMAINS];
	int ids[FAKE_DOMAINS];

	pthread_mutex_lock(&fake.lock);
	for (unsigned i = 0; i < fake.n; i++) {
		asked[i] = &fake.domains[i];
		ids[i] = fake.domains[i].id;
	}
	return fake_answer(c, asked, ids, fake.n, groups, ret, flags);
}

int virDomainListGetStats(virDomainPtr *domains, unsigned int groups, virDomainStatsRecordPtr **ret,
			  unsigned int flags)
{
	struct fake_domain *asked[FAKE_DOMAINS];
	int ids[FAKE_DOMAINS];
	unsigned n = 0;

	pthread_mutex_lock(&fake.lock);
	for (; domains[n]; n++) {
		if (n >= FAKE_DOMAINS)
			abort();
		asked[n] = domains[n]->of;
		ids[n] = domains[n]->id;
	}
	return fake_answer(domains[0]->connection, asked, ids, n, groups, ret, flags);
}

/* ---- for the tests ---- */

/* Lets go whatever a test before left hanging, and forgets all. */
static void fake_reset(void)
{
	const struct timespec pause = {0, 10000000};

	pthread_mutex_lock(&fake.lock);
	fake.stopped = fake.refuses = fake.rejects_nowait = false;
	for (unsigned i = 0; i < fake.n; i++)
		fake.domains[i].hangs = false;
	pthread_cond_broadcast(&fake.changed);
	for (unsigned i = 0; fake.connections || fake.handles; i++) {
		if (i == 3000) {
			fprintf(stderr, "%u connections and %u domains were left open\n",
				fake.connections, fake.handles);
			abort();
		}
		pthread_mutex_unlock(&fake.lock);
		nanosleep(&pause, NULL);
		pthread_mutex_lock(&fake.lock);
	}
	memset(fake.domains, 0, sizeof(fake.domains));
	fake.n = fake.opened = fake.groups = fake.questions = 0;
	pthread_mutex_unlock(&fake.lock);
}

static struct fake_domain *fake_add(const char *name)
{
	struct fake_domain *d = &fake.domains[fake.n];
	char uuid[VIR_UUID_STRING_BUFLEN];

	pthread_mutex_lock(&fake.lock);
	fake.n++;
	snprintf(d->name, sizeof(d->name), "%s", name);
	memset(d->uuid, 0x40 + (int)fake.n, sizeof(d->uuid));
	d->id = (int)fake.n;
	d->state = VIR_DOMAIN_RUNNING;
	d->reason = VIR_DOMAIN_RUNNING_BOOTED;
	d->reads = 100 * fake.n;
	d->last_update = (unsigned long long)time(NULL);
	d->running = true;
	fake_uuid_text(d->uuid, uuid);
	snprintf(d->xml, sizeof(d->xml),
		 "<domain><name>%s</name><uuid>%s</uuid><vcpu>2</vcpu><memory>2000</memory>"
		 "<devices><disk><source file='/x'/><target dev='vda'/></disk>"
		 "<memballoon><stats period='5'/></memballoon></devices></domain>",
		 name, uuid);
	pthread_mutex_unlock(&fake.lock);
	return d;
}

#define fake_set(field, value)                                                                     \
	do {                                                                                       \
		pthread_mutex_lock(&fake.lock);                                                    \
		field = (value);                                                                   \
		pthread_cond_broadcast(&fake.changed);                                             \
		pthread_mutex_unlock(&fake.lock);                                                  \
	} while (0)

static unsigned fake_get(const unsigned *field)
{
	unsigned v;

	pthread_mutex_lock(&fake.lock);
	v = *field;
	pthread_mutex_unlock(&fake.lock);
	return v;
}

/* What is registered, as it is when the event happens. */
static inline void fake_event(int id, struct fake_domain *of)
{
	struct {
		virConnectDomainEventGenericCallback call;
		void *opaque;
	} found[8];
	virDomainPtr handle = NULL;
	unsigned n = 0;

	pthread_mutex_lock(&fake.lock);
	for (unsigned i = 0; i < 8; i++)
		for (unsigned k = 0; fake_open[i] && k < 4; k++)
			if (fake_open[i]->events[k].call && fake_open[i]->events[k].id == id) {
				found[n].call = fake_open[i]->events[k].call;
				found[n++].opaque = fake_open[i]->events[k].opaque;
				if (!handle)
					handle = fake_handle(fake_open[i], of);
			}
	pthread_mutex_unlock(&fake.lock);
	for (unsigned i = 0; i < n; i++) {
		if (id == VIR_DOMAIN_EVENT_ID_LIFECYCLE)
			((virConnectDomainEventCallback)(void (*)(void))found[i].call)(
				NULL, handle, 0, 0, found[i].opaque);
		else
			((virConnectDomainEventDeviceAddedCallback)(void (*)(void))found[i].call)(
				NULL, handle, "disk0", found[i].opaque);
	}
	if (handle)
		virDomainFree(handle);
}

/* The daemon ends: all connections break, and who registered is told. */
static inline void fake_break(void)
{
	virConnectCloseFunc call[8];
	void *opaque[8];
	unsigned n = 0;

	pthread_mutex_lock(&fake.lock);
	fake.generation++;
	for (unsigned i = 0; i < 8; i++)
		if (fake_open[i] && fake_open[i]->on_close) {
			call[n] = fake_open[i]->on_close;
			opaque[n++] = fake_open[i]->close_opaque;
		}
	pthread_cond_broadcast(&fake.changed);
	/* Still locked, as the library does it: nobody is called who has unregistered. */
	for (unsigned i = 0; i < n; i++)
		call[i](NULL, VIR_CONNECT_CLOSE_REASON_EOF, opaque[i]);
	pthread_mutex_unlock(&fake.lock);
}

#endif
