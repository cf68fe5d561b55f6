/* SPDX-License-Identifier: Apache-2.0 */
/* Which domains run. */
#include "libvirt_internal.h"
#include "log.h"
#include "sample.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

#define LIST_EVERY (10 * SECOND)
#define LIST_RETRY (2 * SECOND)

static void domain_fini(struct domain *d)
{
	libvirt_forget_complaints(d);
	if (d->handle)
		virDomainFree(d->handle);
	vm_desc_fini(&d->desc);
}

void libvirt_forget(struct source *s, bool all)
{
	for (unsigned i = 0; i < s->n; i++) {
		if (s->domains[i].handle)
			virDomainFree(s->domains[i].handle);
		s->domains[i].handle = NULL;
		s->domains[i].balloon_due = 0; /* what is known will be old */
		if (all)
			domain_fini(&s->domains[i]);
	}
	if (!all)
		return;
	free(s->domains);
	s->domains = NULL;
	s->n = 0;
}

static int compare_uuid(const void *a, const void *b)
{
	return memcmp(((const struct domain *)a)->uuid, ((const struct domain *)b)->uuid,
		      VIR_UUID_BUFLEN);
}

/* Among the first n, which are sorted. */
static struct domain *find_in(struct source *s, unsigned n, const unsigned char *uuid)
{
	struct domain wanted;

	memcpy(wanted.uuid, uuid, VIR_UUID_BUFLEN);
	return n ? bsearch(&wanted, s->domains, n, sizeof(wanted), compare_uuid) : NULL;
}

struct domain *libvirt_find(struct source *s, const unsigned char *uuid)
{
	return find_in(s, s->n, uuid);
}

static uint64_t make_key(const struct domain *d, pid_t pid)
{
	uint64_t key = id_hash(0, d->uuid_text);

	/* libvirt counts ids from 1 again when it is started without any domain. */
	return id_hash_u64(id_hash_u64(key, (uint64_t)d->id), (uint64_t)pid);
}

/* A record of the list: known, or added at the end.  true when it is new. */
static bool take_record(struct source *s, unsigned sorted, const virDomainStatsRecord *rec,
			struct libvirt_stats *stats)
{
	unsigned char uuid[VIR_UUID_BUFLEN];
	struct domain probe = {.id = (int)virDomainGetID(rec->dom)}, *d;
	const char *name = virDomainGetName(rec->dom);
	bool is_new;
	pid_t pid;

	if (probe.id < 0 || !name || virDomainGetUUID(rec->dom, uuid) < 0)
		return false; /* it ended in between */
	memcpy(probe.uuid, uuid, sizeof(uuid));
	virDomainGetUUIDString(rec->dom, probe.uuid_text);
	pid = libvirt_pid(s, name);
	probe.desc.key = make_key(&probe, pid);
	probe.desc.pid = pid;
	d = find_in(s, sorted, uuid);
	is_new = !d || d->desc.key != probe.desc.key;
	if (!d) {
		if (s->n >= VM_LIST_MAX) {
			log_once(LOG_WARNING, "libvirt-many",
				 "libvirt (%s) has more than %u running VMs; the rest is left out",
				 s->uri, VM_LIST_MAX);
			return false;
		}
		s->domains = xrealloc(s->domains, s->n + 1, sizeof(*s->domains));
		d = &s->domains[s->n++];
		*d = probe;
	} else if (is_new) {
		domain_fini(d); /* another run of the same domain */
		*d = probe;
	}
	if (d->handle)
		virDomainFree(d->handle);
	virDomainRef(rec->dom);
	d->handle = rec->dom;
	d->seen = true;
	libvirt_stats_parse(rec->params, rec->nparams, stats);
	d->has_run |= stats->state == VIR_DOMAIN_RUNNING;
	d->state = libvirt_vm_state(stats->state, stats->reason, d->has_run);
	return is_new;
}

/* Which XML events made stale. */
static void take_stale(struct source *s)
{
	pthread_mutex_lock(&s->lock);
	for (unsigned i = 0; s->n_stale > STALE_MAX && i < s->n; i++)
		s->domains[i].xml_due = 0;
	for (unsigned i = 0; s->n_stale <= STALE_MAX && i < s->n_stale; i++) {
		struct domain *d = libvirt_find(s, s->stale[i]);

		if (d)
			d->xml_due = 0;
	}
	s->n_stale = 0;
	pthread_mutex_unlock(&s->lock);
}

/* Applies the records; true when a domain came, went or was started again. */
static bool take_records(struct source *s, virDomainStatsRecordPtr *records, int n)
{
	struct libvirt_stats *stats = xcalloc(1, sizeof(*stats));
	unsigned sorted = s->n, kept = 0;
	bool changed = false;

	for (unsigned i = 0; i < s->n; i++)
		s->domains[i].seen = false;
	for (int i = 0; i < n; i++)
		changed |= take_record(s, sorted, records[i], stats);
	for (unsigned i = 0; i < s->n; i++) {
		if (s->domains[i].seen)
			s->domains[kept++] = s->domains[i];
		else
			domain_fini(&s->domains[i]);
	}
	changed |= kept != s->n;
	s->n = kept;
	if (s->n)
		qsort(s->domains, s->n, sizeof(*s->domains), compare_uuid);
	free(stats);
	return changed;
}

static void publish(struct source *s)
{
	struct vm_list *list = vm_list_new();
	struct hub *h;

	for (unsigned i = 0; i < s->n; i++)
		libvirt_copy_desc(vm_list_add(list), &s->domains[i]);
	h = hub_enter(s);
	if (!h) {
		vm_list_free(list);
		return;
	}
	hub_publish(h, list);
	hub_poke(h);
	hub_leave(s);
	s->published = true;
	s->dirty = false;
}

static void hand_over_states(struct source *s)
{
	struct hub *h = hub_enter(s);

	if (!h)
		return;
	for (unsigned i = 0; i < s->n; i++)
		hub_state(h, s->domains[i].desc.key, s->domains[i].state);
	hub_leave(s);
}

static void list_failed(struct source *s, const struct libvirt_error *error)
{
	struct hub *h = hub_enter(s);

	if (h) {
		hub_count(h, &(struct hub_work){.failures = 1});
		hub_leave(s);
	}
	s->list_due = monotonic_ns() + LIST_RETRY;
	log_once(LOG_WARNING, "libvirt-list", "Cannot list the VMs of libvirt (%s): %s%s", s->uri,
		 error->text,
		 error->denied ? "; run as root or add the user to the group libvirt" : "");
}

void libvirt_list(struct worker *w)
{
	struct source *s = w->source;
	virDomainStatsRecordPtr *records = NULL;
	struct libvirt_error error;
	bool connected;
	int n;

	if (!call_begin(w, CALL_LIST))
		return;
	/* The state group asks no QEMU, and so this gives list and states in one call. */
	n = virConnectGetAllDomainStats(w->connection, VIR_DOMAIN_STATS_STATE, &records,
					VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE);
	if (n < 0)
		libvirt_last_error(&error);
	connected = n >= 0 || is_connected(w);
	if (!call_end(w, connected) || !connected)
		goto out;
	if (n < 0) {
		list_failed(s, &error);
		goto out;
	}
	log_over("libvirt-list", "The VMs of libvirt (%s) are listed again", s->uri);
	s->list_due = monotonic_ns() + LIST_EVERY;
	s->dirty |= take_records(s, records, n) || !s->published;
	take_stale(s);
	for (unsigned i = 0; i < s->n; i++)
		if (monotonic_ns() >= s->domains[i].xml_due && !libvirt_describe(w, &s->domains[i]))
			goto out;
	if (s->dirty)
		publish(s);
	else
		hand_over_states(s);
out:
	if (records)
		virDomainStatsRecordListFree(records);
}
