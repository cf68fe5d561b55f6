/* SPDX-License-Identifier: Apache-2.0 */
/* One domain's description: its XML, its process, and what was said about it. */
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

#define XML_EVERY   (60 * SECOND)
#define PID_MAX_ALL (1u << 22) /* PID_MAX_LIMIT, proc(5) */

/* libvirt's pid file; 0 when there is none. The name is libvirt's, the path is ours. */
pid_t libvirt_pid(const struct source *s, const char *name)
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
bool libvirt_describe(struct worker *w, struct domain *d)
{
	const char *name = virDomainGetName(d->handle);
	struct libvirt_error error = {.text = ""};
	bool connected;
	char *xml;

	if (!call_begin(w, CALL_LIST))
		return false;
	/* Without secrets: a read-only connection may not ask for them. */
	xml = virDomainGetXMLDesc(d->handle, 0);
	if (!xml)
		libvirt_last_error(&error);
	connected = xml || is_connected(w);
	if (!call_end(w, connected) || !connected) {
		free(xml);
		return false;
	}
	/* Not all at once the next time either. */
	d->xml_due = monotonic_ns() + XML_EVERY - d->desc.key % (XML_EVERY / 4);
	/* Gone since the list was made: the next list will not have it. */
	if (xml || error.code != VIR_ERR_NO_DOMAIN)
		w->source->dirty |=
			take_xml(d, name ? name : d->uuid_text, xml, xml ? NULL : error.text);
	else if (!d->desc.name)
		describe_poorly(d, name ? name : d->uuid_text);
	free(xml);
	return true;
}

void libvirt_copy_desc(struct vm_desc *to, const struct domain *d)
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

/* What was said of a VM that is gone may be said again of its next run. */
void libvirt_forget_complaints(const struct domain *d)
{
	static const char *const kinds[] = {"vm", "xml", "left", "disks"};
	char key[64];

	for (unsigned i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		snprintf(key, sizeof(key), "libvirt-%s-%s", kinds[i], d->uuid_text);
		log_over(key, NULL);
	}
}
