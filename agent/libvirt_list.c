/* SPDX-License-Identifier: Apache-2.0 */
/* Which domains run: the list, their XML, their processes. */
#include "files.h"
#include "libvirt_internal.h"
#include "log.h"
#include "sample.h"
#include "scan.h"
#include "xalloc.h"

#include <errno.h>
#include <libvirt/virterror.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIST_EVERY  (10 * SECOND)
#define LIST_RETRY  (2 * SECOND)
#define XML_EVERY   (60 * SECOND)
#define PID_MAX_ALL (1u << 22) /* PID_MAX_LIMIT, proc(5) */

/* What was said of a VM that is gone may be said again of its next run. */
static void forget_complaints(const struct domain *d)
{
	static const char *const kinds[] = {"vm", "xml", "left", "disks"};
	char key[64];

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(key, sizeof(key), "libvirt-%s-%s", kinds[i], d->uuid_text);
		log_over(key, NULL);
	}
}

static void domain_fini(struct domain *d)
{
	forget_complaints(d);
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
		s->domains[i].balloon_in = 0; /* what is known will be old */
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

/* libvirt's pid file; 0 when there is none. The name is libvirt's, the path is ours. */
static pid_t read_pid(const struct source *s, const char *name)
{
	static const char *const dirs[] = {"run", "var/run"};
	char text[32];
	uint64_t pid;

	if (!s->local || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, "..") ||
	    strlen(name) + 4 > NAME_MAX)
		return 0;
	for (unsigned i = 0; i < 2; i++) {
		const char *p = text;

		if (file_read(text, sizeof(text), "%s/%s/libvirt/qemu/%s.pid", s->rootfs, dirs[i],
			      name) > 0 &&
		    scan_u64(&p, &pid) && pid > 0 && pid <= PID_MAX_ALL)
			return (pid_t)pid;
	}
	return 0;
}

static uint64_t make_key(const struct domain *d, pid_t pid)
{
	uint64_t key = id_hash(0, d->uuid_text);

	/* libvirt counts ids from 1 again when it is started without any domain. */
	return id_hash_u64(id_hash_u64(key, (uint64_t)d->id), (uint64_t)pid);
}

/* What can be said of a domain whose XML cannot be had. */
static void describe_poorly(struct domain *d, const char *name)
{
	d->desc.uuid = xstrdup(d->uuid_text);
	d->desc.name = xstrdup(name);
}

static void complain_xml(const struct domain *d, const char *name, const char *why)
{
	char key[64];

	snprintf(key, sizeof(key), "libvirt-xml-%s", d->uuid_text);
	log_once(LOG_WARNING, key,
		 "VM %s: its description from libvirt is not usable: %s; its "
		 "disks and interfaces are not known",
		 name, why);
}

/* Takes the text for d; keeps key, state and pid.  true when something changed. */
static bool take_xml(struct domain *d, const char *name, const char *xml, const char *error)
{
	struct vm_desc fresh = {0};
	struct domain_extra extra;
	uint64_t hash = xml ? id_hash(1, xml) : 0;
	char key[64];
	int r;

	if (d->desc.name && (!xml || hash == d->xml_hash))
		return false;
	r = xml ? domain_xml_parse(xml, strlen(xml), &fresh, &extra) : -ENODATA;
	if (r < 0) {
		complain_xml(d, name,
			     r == -EMSGSIZE  ? "it is larger than 1 MiB"
			     : r == -ENODATA ? error
					     : "it is not a domain's XML");
		if (!d->desc.name)
			describe_poorly(d, name);
		return true;
	}
	snprintf(key, sizeof(key), "libvirt-left-%s", d->uuid_text);
	if (extra.left_out)
		log_once(
			LOG_WARNING, key,
			"VM %s: %u disks and interfaces are left out; at most %u of each are shown",
			name, extra.left_out, VM_DISKS_MAX);
	fresh.key = d->desc.key;
	fresh.pid = d->desc.pid;
	vm_desc_fini(&d->desc);
	d->desc = fresh;
	d->extra = extra;
	d->xml_hash = hash;
	return true;
}

/* false: w may not go on. */
static bool read_xml(struct worker *w, struct domain *d, bool *changed)
{
	const char *name = virDomainGetName(d->handle);
	struct libvirt_error error = {.text = ""};
	char *xml;

	if (!call_begin(w, CALL_LIST))
		return false;
	/* Without secrets: a read-only connection may not ask for them. */
	xml = virDomainGetXMLDesc(d->handle, 0);
	if (!xml)
		libvirt_last_error(&error);
	if (!call_end(w, xml || is_connected(w))) {
		free(xml);
		return false;
	}
	/* Not all at once the next time either. */
	d->xml_due = monotonic_ns() + XML_EVERY - d->desc.key % (XML_EVERY / 4);
	/* Gone since the list was made: the next list will not have it. */
	if (xml || error.code != VIR_ERR_NO_DOMAIN)
		*changed |= take_xml(d, name ? name : d->uuid_text, xml, xml ? NULL : error.text);
	else if (!d->desc.name)
		describe_poorly(d, name ? name : d->uuid_text);
	free(xml);
	return true;
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
	pid = read_pid(s, name);
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
	if (is_new)
		d->balloon_in = (unsigned)(d->desc.key % BALLOON_EVERY);
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

static void copy_desc(struct vm_desc *to, const struct domain *d)
{
	const struct vm_desc *from = &d->desc;

	to->key = from->key;
	to->uuid = xstrdup(from->uuid);
	to->name = xstrdup(from->name);
	to->state = d->state;
	to->pid = from->pid;
	to->cores = from->cores;
	to->memory_kib = from->memory_kib;
	for (unsigned i = 0; i < from->n_disks; i++) {
		struct disk_desc *disk = vm_desc_disk(to);

		disk->name = xstrdup(from->disks[i].name);
		disk->device = xstrdup(from->disks[i].device);
	}
	for (unsigned i = 0; i < from->n_nics; i++) {
		struct nic_desc *nic = vm_desc_nic(to);

		nic->tap = xstrdup(from->nics[i].tap);
		nic->mac = xstrdup(from->nics[i].mac);
		nic->bridge = xstrdup(from->nics[i].bridge);
	}
}

static void publish(struct source *s)
{
	struct vm_list *list = vm_list_new();
	struct hub *h;

	for (unsigned i = 0; i < s->n; i++)
		copy_desc(vm_list_add(list), &s->domains[i]);
	h = hub_enter(s);
	if (!h) {
		vm_list_free(list);
		return;
	}
	hub_publish(h, list);
	hub_poke(h);
	hub_leave(s);
	s->published = true;
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
	bool changed, connected;
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
	changed = take_records(s, records, n) || !s->published;
	take_stale(s);
	for (unsigned i = 0; i < s->n; i++)
		if (monotonic_ns() >= s->domains[i].xml_due &&
		    !read_xml(w, &s->domains[i], &changed))
			goto out;
	if (changed)
		publish(s);
	else
		hand_over_states(s);
out:
	if (records)
		virDomainStatsRecordListFree(records);
}
