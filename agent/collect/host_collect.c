/* SPDX-License-Identifier: Apache-2.0 */
/* The host's own row: CPU, memory, pressure, identity. */
#include "cycle.h"
#include "log.h"
#include "proc_text.h"
#include "scan.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct meminfo_row {
	const char *name;
	uint16_t length, metric;
};

#define PSI_FILES 3

struct host_state {
	struct held stat, meminfo, psi[PSI_FILES];
	char *name, *id;
	struct meminfo_row meminfo_row[METRICS];
	unsigned n_meminfo;
};

/* ---- /proc/stat ---- */

/* cpu  181 0 353 11180 27 0 5 0 0 0, then one line per CPU that is online */
static void collect_stat(struct host_state *h, struct cycle *c, uint32_t row)
{
	static const enum metric_id column[] = {
		M_HT_USER, M_HT_NICE,    M_HT_SYSTEM, M_HT_IDLE,  M_HT_IOWAIT,
		M_HT_IRQ,  M_HT_SOFTIRQ, M_HT_STEAL,  M_HT_GUEST, M_HT_GUESTNICE};
	const char *p = c->buf;
	unsigned cores = 0;
	uint64_t v;

	if (held_read_all(&h->stat, c->buf, c->buf_size) <= 0) {
		c->failures++;
		return;
	}
	if (scan_word(&p, "cpu "))
		for (size_t i = 0; i < sizeof(column) / sizeof(*column) && scan_u64(&p, &v); i++)
			sample_set(c->sample, SCOPE_HOST, row, column[i], v);
	for (p = scan_next_line(p); scan_word(&p, "cpu"); p = scan_next_line(p))
		cores += *p >= '0' && *p <= '9';
	if (cores)
		sample_set(c->sample, SCOPE_HOST, row, M_CPU_CORES, cores);
}

static void collect_frequencies(struct cycle *c, uint32_t row)
{
	const struct inventory *i = c->inventory;

	sample_set(c->sample, SCOPE_HOST, row, M_CPU_CURFREQ, i->freq_now);
	sample_set(c->sample, SCOPE_HOST, row, M_CPU_MINFREQ, i->freq_min);
	sample_set(c->sample, SCOPE_HOST, row, M_CPU_MAXFREQ, i->freq_max);
}

/* ---- /proc/meminfo ---- */

/* The rows of the table that name a line of meminfo as their source. */
static void meminfo_rows(struct host_state *h)
{
	for (int m = 0; m < METRICS; m++) {
		const struct metric *row = &metrics[m];

		if (row->family != F_MEM || row->scopes != HOST || row->kind != GAUGE)
			continue;
		h->meminfo_row[h->n_meminfo++] = (struct meminfo_row){
			row->source, (uint16_t)strlen(row->source), (uint16_t)m};
	}
}

/* MemTotal:       24683968 kB.  The table is in the file's order, more or less: the
 * search begins behind the last hit. */
static void collect_meminfo(struct host_state *h, struct cycle *c, uint32_t row)
{
	unsigned next = 0;

	if (held_read_all(&h->meminfo, c->buf, c->buf_size) <= 0) {
		c->failures++;
		return;
	}
	for (const char *line = c->buf; *line; line = scan_next_line(line)) {
		const char *colon = strchrnul(line, ':');
		size_t length = (size_t)(colon - line);

		for (unsigned i = 0; *colon && i < h->n_meminfo; i++) {
			unsigned at = (next + i) % h->n_meminfo;
			const struct meminfo_row *r = &h->meminfo_row[at];
			const char *p = colon + 1;
			uint64_t v;

			if (r->length != length || memcmp(r->name, line, length))
				continue;
			if (scan_u64(&p, &v))
				sample_set(c->sample, SCOPE_HOST, row, r->metric, v);
			next = at + 1;
			break;
		}
	}
}

/* ---- /proc/pressure ---- */

static const char *const psi_file[PSI_FILES] = {"cpu", "io", "memory"};

/* [file][some, full]: the CPU has no full line that means anything for a host. */
static const struct {
	int avg10, avg60, avg300, total;
} psi_metric[PSI_FILES][2] = {
	{{M_PSI_SOME_CPU_AVG10, M_PSI_SOME_CPU_AVG60, M_PSI_SOME_CPU_AVG300, M_PSI_SOME_CPU_TOTAL},
	 {-1, -1, -1, -1}},
	{{M_PSI_SOME_IO_AVG10, M_PSI_SOME_IO_AVG60, M_PSI_SOME_IO_AVG300, M_PSI_SOME_IO_TOTAL},
	 {M_PSI_FULL_IO_AVG10, M_PSI_FULL_IO_AVG60, M_PSI_FULL_IO_AVG300, M_PSI_FULL_IO_TOTAL}},
	{{M_PSI_SOME_MEM_AVG10, M_PSI_SOME_MEM_AVG60, M_PSI_SOME_MEM_AVG300, M_PSI_SOME_MEM_TOTAL},
	 {M_PSI_FULL_MEM_AVG10, M_PSI_FULL_MEM_AVG60, M_PSI_FULL_MEM_AVG300, M_PSI_FULL_MEM_TOTAL}},
};

static void collect_pressure(struct host_state *h, struct cycle *c, uint32_t row)
{
	for (int i = 0; i < PSI_FILES; i++) {
		struct psi psi;

		if (!held_is_open(&h->psi[i])) /* a kernel without it */
			continue;
		if (held_read(&h->psi[i], c->buf, c->buf_size) <= 0 || !parse_psi(c->buf, &psi)) {
			c->failures++;
			continue;
		}
		for (int full = 0; full < 2; full++) {
			const struct psi_line *l = full ? &psi.full : &psi.some;

			if (psi_metric[i][full].total < 0)
				continue;
			sample_set(c->sample, SCOPE_HOST, row, psi_metric[i][full].avg10, l->avg10);
			sample_set(c->sample, SCOPE_HOST, row, psi_metric[i][full].avg60, l->avg60);
			sample_set(c->sample, SCOPE_HOST, row, psi_metric[i][full].avg300,
				   l->avg300);
			sample_set(c->sample, SCOPE_HOST, row, psi_metric[i][full].total, l->total);
		}
	}
}

/* ---- identity ---- */

static char *word_of(const struct files *f, const char *path)
{
	char text[128];

	if (file_read(text, sizeof(text), "%s%s", f->rootfs, path) <= 0)
		return NULL;
	text[strcspn(text, " \t\r\n")] = '\0';
	return *text ? xstrdup(text) : NULL;
}

/* The machine-id is confidential (machine-id(5)): what leaves the host is a hash of it. */
static char *host_id(const struct files *f)
{
	char *machine = word_of(f, "/etc/machine-id"), *id;
	uint64_t a, b;

	if (!machine)
		return NULL;
	a = id_hash(0x70726f78746f70u, machine);
	b = id_hash(a, machine);
	id = xasprintf("%016llx%016llx", (unsigned long long)a, (unsigned long long)b);
	free(machine);
	return id;
}

static char *host_name(const struct files *f)
{
	char name[256] = "";

	/* In a container uname() is the container's: its host's name stands below rootfs. */
	if (*f->rootfs) {
		char *s = word_of(f, "/etc/hostname");

		if (s)
			return s;
	}
	gethostname(name, sizeof(name) - 1);
	return xstrdup(*name ? name : "localhost");
}

const char *host_state_name(const struct host_state *h)
{
	return h->name;
}

const char *host_state_id(const struct host_state *h)
{
	return h->id;
}

static void collect_identity(struct host_state *h, struct cycle *c, uint32_t row)
{
	sample_set_text(c->sample, SCOPE_HOST, row, M_HOST_NAME, h->name);
	sample_set_text(c->sample, SCOPE_HOST, row, M_HOST_ID, h->id);
	sample_set_text(c->sample, SCOPE_HOST, row, M_HOST_UUID, c->inventory->host_uuid);
	sample_set(c->sample, SCOPE_HOST, row, M_HOST_UPTIME, c->now_ns / 1000000000u);
}

/* ---- */

struct host_state *host_new(struct files *f, const char *name, const char *id)
{
	struct host_state *h = xcalloc(1, sizeof(*h));

	held_open(f, &h->stat, "%s/stat", f->procfs);
	held_open(f, &h->meminfo, "%s/meminfo", f->procfs);
	for (int i = 0; i < PSI_FILES; i++)
		held_open(f, &h->psi[i], "%s/pressure/%s", f->procfs, psi_file[i]);
	h->name = name ? xstrdup(name) : host_name(f);
	h->id = id ? xstrdup(id) : host_id(f);
	meminfo_rows(h);
	return h;
}

void host_free(struct host_state *h, struct files *f)
{
	if (!h)
		return;
	held_close(f, &h->stat);
	held_close(f, &h->meminfo);
	for (int i = 0; i < PSI_FILES; i++)
		held_close(f, &h->psi[i]);
	free(h->name);
	free(h->id);
	free(h);
}

void host_collect(struct host_state *h, struct cycle *c, uint32_t row)
{
	cycle_turn(c, F_CPU);
	if (cycle_wants(c, F_CPU)) {
		collect_stat(h, c, row);
		collect_frequencies(c, row);
	}
	cycle_turn(c, F_MEM);
	if (cycle_wants(c, F_MEM))
		collect_meminfo(h, c, row);
	cycle_turn(c, F_PRESSURE);
	if (cycle_wants(c, F_PRESSURE)) {
		if (!held_is_open(&h->psi[0]))
			log_once(
				LOG_WARNING, "psi",
				"PSI metrics unavailable: %s/pressure/cpu cannot be read; it needs "
				"Linux 4.20 or newer (uname -r) booted with psi=1",
				c->files->procfs);
		collect_pressure(h, c, row);
	}
	cycle_turn(c, F_IDENT);
	if (cycle_wants(c, F_HOST))
		collect_identity(h, c, row);
}
