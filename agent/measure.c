/* SPDX-License-Identifier: Apache-2.0 */
#include "measure.h"

#include "clock.h"
#include "connector.h"
#include "cycle.h"
#include "log.h"
#include "lookup.h"
#include "self.h"
#include "source.h"
#include "xalloc.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* /proc/stat of 4,096 CPUs with all its interrupts is about 700 KB. */
#define READ_BUFFER (1u << 20)

struct measure {
	struct measure_options o;
	struct files files;
	struct hub *hub;
	struct lookup *lookup;
	const struct source_ops *connector; /* NULL: none */
	struct source *source;
	struct host_state *host;
	struct vm_states *vms;
	struct self *self;
	struct cycle cycle;
	uint64_t sequence;
};

static uint64_t source_now(void *arg)
{
	const struct measure *m = arg;
	uint64_t boot, wall;

	if (!m->o.clock)
		return clock_ns(CLOCK_BOOTTIME);
	m->o.clock(m->o.clock_arg, &boot, &wall);
	return boot;
}

static uint64_t boot_hash(const struct files *f)
{
	char text[64];

	if (file_read(text, sizeof(text), "%s/sys/kernel/random/boot_id", f->procfs) <= 0)
		return 0;
	return id_hash(0, text);
}

static unsigned all_families(void)
{
	return (1u << FAMILIES) - 1;
}

static void open_source(struct measure *m)
{
	struct source_options so = {
		.procfs = m->files.procfs,
		.rootfs = m->files.rootfs,
		.connection = m->o.connection,
		.interval = m->o.qmp_interval > 0 ? m->o.qmp_interval : 5,
		.families = m->o.families,
		.synchronous = m->o.synchronous,
		.now_ns = source_now,
		.now_arg = m,
	};
	int r;

	m->connector = connector_choose(m->o.connector, &m->files, m->o.connection);
	if (!m->connector)
		return;
	r = m->connector->open(&m->source, &so, m->hub);
	if (r < 0) {
		log_warning("%s: %s: VMs are shown with what /proc knows", m->connector->name,
			    strerror(-r));
		m->source = NULL;
	}
}

int measure_open(struct measure **ret, const struct measure_options *o)
{
	struct measure *m;
	struct lookup_options lo;

	/* Large blocks go back to the system when freed; glibc would keep them, and give every
	 * thread a heap of its own. */
	mallopt(M_MMAP_THRESHOLD, 128 << 10);
	mallopt(M_ARENA_MAX, 1);
	m = xcalloc(1, sizeof(*m));

	m->o = *o;
	m->o.connection = xstrdup(o->connection);
	m->o.netdev = m->o.storedev = NULL; /* the lookup has its copies */
	m->o.host_name = m->o.host_id = NULL;
	if (!m->o.families)
		m->o.families = all_families();
	files_init(&m->files, o->procfs, o->sysfs, o->rootfs);
	m->hub = hub_new();
	open_source(m);
	lo = (struct lookup_options){
		.files = &m->files,
		.hub = m->hub,
		.source = m->connector ? m->connector->name : NULL,
		.netdev = o->netdev,
		.storedev = o->storedev,
		.boot = boot_hash(&m->files),
		.synchronous = o->synchronous,
	};
	m->lookup = lookup_new(&lo);
	m->host = host_new(&m->files, o->host_name, o->host_id);
	m->vms = vm_states_new();
	m->self = self_new();
	m->cycle = (struct cycle){
		.files = &m->files,
		.hub = m->hub,
		.buf = xcalloc(1, READ_BUFFER),
		.buf_size = READ_BUFFER,
		.families = m->o.families,
		.verbose = o->verbose,
		.disks = disk_table_new(&m->files),
		.nets = net_tables_new(),
		.guest = xcalloc(1, sizeof(struct guest_disks)),
		.self = m->self,
		.host_name = host_state_name(m->host),
	};
	*ret = m;
	return 0;
}

void measure_ready(struct measure *m, int timeout_ms)
{
	uint64_t until = clock_monotonic_ns() + (uint64_t)timeout_ms * 1000000u;
	unsigned rounds = 0;
	bool settled = !m->source;

	if (m->o.synchronous)
		return;
	/* The lookup must have seen the source's list: two rounds after it came. */
	while (clock_monotonic_ns() < until) {
		if (!settled && hub_is_settled(m->hub)) {
			settled = true;
			rounds = lookup_rounds(m->lookup);
			hub_poke(m->hub);
		}
		if (settled && lookup_rounds(m->lookup) == rounds + 1)
			hub_poke(m->hub);
		/* The round that is under way may have begun before. */
		if (settled && lookup_rounds(m->lookup) > rounds + 1)
			return;
		nanosleep(&(struct timespec){0, 5000000}, NULL);
	}
}

static void collect(struct measure *m, struct cycle *c)
{
	uint32_t host = sample_row(c->sample, SCOPE_HOST, NO_ROW, 1);

	c->failures = 0;
	self_begin(m->self, SELF_HOST);
	host_collect(m->host, c, host);
	cycle_turn(c, F_DISK);
	if (cycle_wants(c, F_DISK))
		disk_table_collect(c->disks, c, host);
	cycle_turn(c, F_NET);
	if (cycle_wants(c, F_NET))
		net_tables_collect(c->nets, c, host);
	self_end(m->self, c->failures);
	c->failures = 0;
	self_begin(m->self, SELF_VMS);
	vm_states_collect(m->vms, c);
	self_end(m->self, c->failures);
	self_collect(m->self, c->sample, host);
	if (m->source) {
		struct hub_work work;

		hub_get_work(m->hub, &work);
		self_connector(c->sample, host, m->connector->name, &work);
	}
}

void measure_sample(struct measure *m, struct sample *s)
{
	struct cycle *c = &m->cycle;

	if (m->o.synchronous) {
		if (m->source)
			m->connector->step(m->source);
		lookup_run(m->lookup);
	}
	sample_clear(s);
	s->boot_ns = source_now(m);
	s->wall_ns = clock_wall_ns();
	if (m->o.clock)
		m->o.clock(m->o.clock_arg, &s->boot_ns, &s->wall_ns);
	s->sequence = ++m->sequence;
	c->sample = s;
	c->now_ns = s->boot_ns;
	c->poke = false;
	c->inventory = lookup_get(m->lookup);
	collect(m, c);
	lookup_put(m->lookup, c->inventory);
	if (s->refused)
		log_once(LOG_WARNING, "bounds",
			 "more VMs or devices than a sample takes (%u of a kind): %u values are "
			 "left out",
			 SAMPLE_ROWS_MAX, s->refused);
	if (c->poke && !m->o.synchronous)
		hub_poke(m->hub);
}

const char *measure_host_name(const struct measure *m)
{
	return host_state_name(m->host);
}

const char *measure_host_id(const struct measure *m)
{
	return host_state_id(m->host);
}

void measure_close(struct measure *m)
{
	if (!m)
		return;
	if (m->source)
		m->connector->close(m->source);
	if (!lookup_free(m->lookup))
		return;
	host_free(m->host, &m->files);
	vm_states_free(m->vms, &m->files);
	disk_table_free(m->cycle.disks, &m->files);
	net_tables_free(m->cycle.nets, &m->files);
	self_free(m->self);
	free(m->cycle.buf);
	free(m->cycle.guest);
	free((char *)m->o.connection);
	hub_free(m->hub);
	files_fini(&m->files);
	free(m);
}
