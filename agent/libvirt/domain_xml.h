/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DOMAIN_XML_H
#define PROXTOP_DOMAIN_XML_H

/*
 * A libvirt domain's XML as a VM description.
 *
 * The text is not trusted: it is bounded, nothing is fetched, a document type
 * declaration (and with it every entity) is refused, and of devices no more are taken
 * than a description has room for.
 */
#include "source.h"

#include <stddef.h>

#define DOMAIN_XML_MAX (1u << 20)

struct domain_extra {
	unsigned stats_period; /* seconds between the guest's memory statistics; 0: none */
	unsigned left_out;     /* disks and interfaces beyond the bounds */
};

/*
 * Fills d (zeroed by the caller) with name, uuid, cores, memory_kib, disks and nics;
 * key, pid and state stay as they are.  A CD-ROM or floppy without a medium is no
 * disk.  0; -EMSGSIZE for more than DOMAIN_XML_MAX bytes; -EBADMSG when it is no domain
 * with a name and a UUID: then d is left empty.
 */
int domain_xml_parse(const char *xml, size_t n, struct vm_desc *d, struct domain_extra *ret_extra);

#endif
