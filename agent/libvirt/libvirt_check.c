/* SPDX-License-Identifier: Apache-2.0 */
/* --check: what libvirt gives on this host, one line each. */
#include "libvirt_internal.h"
#include "report.h"
#include "xalloc.h"

#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define CHECK_DEADLINE (5 * SECOND)
#define LINES_MAX      8u

/* Shared by the caller and the thread that may hang; freed by who leaves last. */
struct check {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	char *uri;
	char *lines[LINES_MAX];
	unsigned n;
	int faults;
	bool done, left;
};

static void check_free(struct check *c)
{
	for (unsigned i = 0; i < c->n; i++)
		free(c->lines[i]);
	pthread_cond_destroy(&c->changed);
	pthread_mutex_destroy(&c->lock);
	free(c->uri);
	free(c);
}

/* The line is c's. */
static void add(struct check *c, char *line)
{
	if (c->n < LINES_MAX)
		c->lines[c->n++] = line;
	else
		free(line);
}

static void add_version(struct check *c, virConnectPtr conn)
{
	const char *type = virConnectGetType(conn);
	unsigned long lib = 0, hyper = 0;

	(void)virConnectGetLibVersion(conn, &lib);
	(void)virConnectGetVersion(conn, &hyper);
	add(c, xasprintf(REPORT_OK "libvirt: connected to %s: libvirt %lu.%lu.%lu, %s %lu.%lu.%lu",
			 c->uri, lib / 1000000, lib / 1000 % 1000, lib % 1000,
			 type ? type : "hypervisor", hyper / 1000000, hyper / 1000 % 1000,
			 hyper % 1000));
}

/* Do the guests give memory statistics? Without a period they never do. */
static unsigned count_silent(virDomainStatsRecordPtr *records, int n)
{
	unsigned silent = 0;

	for (int i = 0; i < n && i < (int)VM_LIST_MAX; i++) {
		char *xml = virDomainGetXMLDesc(records[i]->dom, 0);
		struct domain_extra extra;
		struct vm_desc d = {0};

		if (xml && domain_xml_parse(xml, strlen(xml), &d, &extra) == 0)
			silent += !extra.stats_period;
		vm_desc_fini(&d);
		free(xml);
	}
	return silent;
}

static void add_error(struct check *c, const char *what)
{
	struct libvirt_error e;

	libvirt_last_error(&e);
	add(c, xasprintf(REPORT_FAULT "libvirt: %s: %s%s", what, e.text,
			 e.denied ? "; run as root or add the user to the group libvirt" : ""));
	c->faults++;
}

static void add_domains(struct check *c, virConnectPtr conn)
{
	const unsigned groups =
		VIR_DOMAIN_STATS_STATE | VIR_DOMAIN_STATS_BLOCK | VIR_DOMAIN_STATS_BALLOON;
	virDomainStatsRecordPtr *records = NULL;
	unsigned silent;
	int n = virConnectGetAllDomainStats(conn, VIR_DOMAIN_STATS_STATE, &records,
					    VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE);

	if (n < 0) {
		add_error(c, "running VMs cannot be listed");
		return;
	}
	if (n)
		add(c, xasprintf(REPORT_OK "libvirt: %d running VM%s", n, n == 1 ? "" : "s"));
	else
		add(c,
		    xasprintf(REPORT_OK "libvirt: no running VM (virsh -c %s list --all)", c->uri));
	silent = count_silent(records, n);
	virDomainStatsRecordListFree(records);
	if (silent)
		add(c, xasprintf(REPORT_OK "libvirt: VMs that give no memory statistics: %u (virsh "
					   "dommemstat VM --period 5 --live)",
				 silent));
	records = NULL;
	n = virConnectGetAllDomainStats(conn, groups, &records,
					VIR_CONNECT_GET_ALL_DOMAINS_STATS_ACTIVE |
						VIR_CONNECT_GET_ALL_DOMAINS_STATS_NOWAIT);
	if (n < 0)
		add_error(c, "statistics of VMs are not given");
	else
		add(c, xstrdup(REPORT_OK "libvirt: access is enough (read-only)"));
	virDomainStatsRecordListFree(records);
}

static void *check_main(void *arg)
{
	struct check *c = arg;
	virConnectPtr conn = virConnectOpenReadOnly(c->uri);
	bool left;

	if (conn) {
		add_version(c, conn);
		add_domains(c, conn);
		virConnectClose(conn);
	} else {
		struct libvirt_error e;
		char line[1024];

		libvirt_last_error(&e);
		libvirt_explain(c->uri, &e, line, sizeof(line));
		add(c, xasprintf(REPORT_FAULT "libvirt: %s", line));
		c->faults++;
	}
	pthread_mutex_lock(&c->lock);
	c->done = true;
	left = c->left;
	pthread_cond_signal(&c->changed);
	pthread_mutex_unlock(&c->lock);
	if (left)
		check_free(c);
	return NULL;
}

static struct check *check_new(const char *uri)
{
	struct check *c = xcalloc(1, sizeof(*c));
	pthread_condattr_t attr;

	c->uri = xstrdup(uri ? uri : DEFAULT_URI);
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&c->changed, &attr);
	pthread_condattr_destroy(&attr);
	return c;
}

static bool wait_for(struct check *c)
{
	uint64_t deadline = monotonic_ns() + CHECK_DEADLINE;
	struct timespec t = {(time_t)(deadline / SECOND), (long)(deadline % SECOND)};
	bool done;
	int r = 0;

	pthread_mutex_lock(&c->lock);
	while (!c->done && r == 0)
		r = pthread_cond_timedwait(&c->changed, &c->lock, &t);
	done = c->done;
	c->left = !done;
	pthread_mutex_unlock(&c->lock);
	return done;
}

int libvirt_check(const struct source_options *o, void (*say)(void *arg, const char *line),
		  void *arg)
{
	struct check *c;
	pthread_t thread;
	char line[512];
	int faults, r = libvirt_init();

	c = check_new(o->connection);
	if (!r)
		r = -pthread_create(&thread, NULL, check_main, c);
	if (r) {
		snprintf(line, sizeof(line), REPORT_FAULT "libvirt: cannot be started: %s",
			 strerror(-r));
		say(arg, line);
		check_free(c);
		return 1;
	}
	if (!wait_for(c)) {
		pthread_detach(thread);
		snprintf(line, sizeof(line), REPORT_FAULT "libvirt: %s does not answer within 5 s",
			 o->connection ? o->connection : DEFAULT_URI);
		say(arg, line);
		return 1;
	}
	pthread_join(thread, NULL);
	for (unsigned i = 0; i < c->n; i++)
		say(arg, c->lines[i]);
	faults = c->faults;
	check_free(c);
	return faults;
}
