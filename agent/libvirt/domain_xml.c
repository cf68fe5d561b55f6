/* SPDX-License-Identifier: Apache-2.0 */
#include "domain_xml.h"

#include "xalloc.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/tree.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Strings of libxml2 are bytes of another type; names of ours are plain. */
static bool is_named(const xmlNode *node, const char *name)
{
	return node->type == XML_ELEMENT_NODE && !strcmp((const char *)node->name, name);
}

static xmlNode *child(const xmlNode *node, const char *name)
{
	for (xmlNode *c = node ? node->children : NULL; c; c = c->next)
		if (is_named(c, name))
			return c;
	return NULL;
}

/* NULL also for an empty one. The caller frees. */
static char *attribute(const xmlNode *node, const char *name)
{
	xmlChar *value = node ? xmlGetProp(node, (const xmlChar *)name) : NULL;
	char *copy = value && *value ? xstrdup((const char *)value) : NULL;

	xmlFree(value);
	return copy;
}

static bool attribute_is(const xmlNode *node, const char *name, const char *wanted)
{
	char *value = attribute(node, name);
	bool same = value && !strcmp(value, wanted);

	free(value);
	return same;
}

static char *content(const xmlNode *node)
{
	xmlChar *value = node ? xmlNodeGetContent(node) : NULL;
	char *copy = value && *value ? xstrdup((const char *)value) : NULL;

	xmlFree(value);
	return copy;
}

/* A decimal number; 0 for anything else. */
static uint64_t number(const char *text)
{
	char *end;
	uint64_t v;

	if (!text || *text < '0' || *text > '9')
		return 0;
	errno = 0;
	v = strtoull(text, &end, 10);
	return errno || *end ? 0 : v;
}

static uint64_t number_of(char *text)
{
	uint64_t v = number(text);

	free(text);
	return v;
}

static unsigned small(uint64_t v)
{
	return v > INT_MAX ? 0 : (unsigned)v;
}

/* Units as libvirt writes them; a running domain's XML always says KiB. */
static uint64_t memory_kib(const xmlNode *node)
{
	static const struct {
		const char *unit;
		uint64_t bytes;
	} known[] = {
		{"b", 1},           {"bytes", 1},        {"KB", 1000},      {"k", 1u << 10},
		{"KiB", 1u << 10},  {"MB", 1000000},     {"M", 1u << 20},   {"MiB", 1u << 20},
		{"GB", 1000000000}, {"G", 1u << 30},     {"GiB", 1u << 30}, {"TB", 1000000000000},
		{"T", 1ull << 40},  {"TiB", 1ull << 40},
	};
	uint64_t v = number_of(content(node)), bytes = 1024;
	char *unit = attribute(node, "unit");

	if (unit) {
		bytes = 0;
		for (unsigned i = 0; i < sizeof(known) / sizeof(known[0]); i++)
			if (!strcmp(unit, known[i].unit))
				bytes = known[i].bytes;
	}
	free(unit);
	return bytes && v <= UINT64_MAX / bytes ? v * bytes / 1024 : 0;
}

static void lower(char *s)
{
	for (; s && *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			*s = (char)(*s - 'A' + 'a');
}

/* What is behind a disk: a path, or protocol:name; NULL when there is nothing. */
static char *disk_source(const xmlNode *source)
{
	static const char *const paths[] = {"file", "dev", "dir", "path"};
	char *protocol, *name, *pool, *volume, *device = NULL;

	for (unsigned i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		device = attribute(source, paths[i]);
		if (device)
			return device;
	}
	protocol = attribute(source, "protocol");
	name = attribute(source, "name");
	pool = attribute(source, "pool");
	volume = attribute(source, "volume");
	if (protocol)
		device = name ? xasprintf("%s:%s", protocol, name) : xstrdup(protocol);
	else if (volume)
		device = pool ? xasprintf("%s/%s", pool, volume) : xstrdup(volume);
	free(protocol);
	free(name);
	free(pool);
	free(volume);
	return device;
}

static bool is_removable(const xmlNode *disk)
{
	return attribute_is(disk, "device", "cdrom") || attribute_is(disk, "device", "floppy");
}

static void add_disk(struct vm_desc *d, const xmlNode *node, unsigned *left_out)
{
	char *name = attribute(child(node, "target"), "dev");
	const xmlNode *source = child(node, "source");
	char *device = disk_source(source);
	struct disk_desc *disk;

	/* Without a medium there is a target and no source, or a source that says nothing. */
	if (!name || (is_removable(node) && !device))
		goto out;
	disk = vm_desc_disk(d);
	if (!disk) {
		++*left_out;
		goto out;
	}
	disk->name = name;
	disk->device = device;
	return;
out:
	free(name);
	free(device);
}

static void add_nic(struct vm_desc *d, const xmlNode *node, unsigned *left_out)
{
	struct nic_desc *nic = vm_desc_nic(d);

	if (!nic) {
		++*left_out;
		return;
	}
	nic->tap = attribute(child(node, "target"), "dev");
	nic->mac = attribute(child(node, "mac"), "address");
	/* type='network' has it too once the domain runs. */
	nic->bridge = attribute(child(node, "source"), "bridge");
	lower(nic->mac);
}

static void take_devices(struct vm_desc *d, const xmlNode *devices, struct domain_extra *extra)
{
	for (const xmlNode *c = devices ? devices->children : NULL; c; c = c->next) {
		if (is_named(c, "disk"))
			add_disk(d, c, &extra->left_out);
		else if (is_named(c, "interface"))
			add_nic(d, c, &extra->left_out);
		else if (is_named(c, "memballoon"))
			extra->stats_period =
				small(number_of(attribute(child(c, "stats"), "period")));
	}
}

/* <vcpu current='2'>4</vcpu>: two now, up to four. */
static unsigned vcpus(const xmlNode *node)
{
	unsigned now = small(number_of(attribute(node, "current")));
	unsigned most = small(number_of(content(node)));

	return now ? now : most;
}

static int take_domain(struct vm_desc *d, const xmlNode *root, struct domain_extra *extra)
{
	if (!root || !is_named(root, "domain"))
		return -EBADMSG;
	d->name = content(child(root, "name"));
	d->uuid = content(child(root, "uuid"));
	if (!d->name || !d->uuid || strlen(d->uuid) != 36)
		return -EBADMSG;
	lower(d->uuid);
	d->cores = vcpus(child(root, "vcpu"));
	d->memory_kib = memory_kib(child(root, "memory"));
	take_devices(d, child(root, "devices"), extra);
	return 0;
}

static void refuse_doctype(void *arg, const xmlChar *name, const xmlChar *external,
			   const xmlChar *system)
{
	xmlParserCtxt *context = arg;

	(void)name, (void)external, (void)system;
	xmlStopParser(context);
	context->wellFormed = 0;
}

int domain_xml_parse(const char *xml, size_t n, struct vm_desc *d, struct domain_extra *ret_extra)
{
	const int flags = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
	xmlParserCtxt *context;
	xmlDoc *doc;
	int r;

	memset(ret_extra, 0, sizeof(*ret_extra));
	if (n > DOMAIN_XML_MAX)
		return -EMSGSIZE;
	context = xmlNewParserCtxt();
	if (!context)
		return -ENOMEM;
	context->sax->internalSubset = refuse_doctype;
	doc = xmlCtxtReadMemory(context, xml, (int)n, NULL, NULL, flags);
	r = doc ? take_domain(d, xmlDocGetRootElement(doc), ret_extra) : -EBADMSG;
	xmlFreeDoc(doc);
	xmlFreeParserCtxt(context);
	if (r < 0)
		vm_desc_fini(d);
	return r;
}
