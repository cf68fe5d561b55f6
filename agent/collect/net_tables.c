/* SPDX-License-Identifier: Apache-2.0 */
/*
 * net/dev, once per cycle and network namespace: reading it costs the kernel work for
 * each interface there is, so it is never read per VM.  VMs are mostly in the host's
 * namespace; those of containers and OpenStack routers are in others, seen through
 * /proc/PID/net/dev of their process.
 */
#include "cycle.h"
#include "devices.h"
#include "name_table.h"
#include "proc_text.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct net_table {
	uint64_t netns; /* 0: the host's */
	pid_t pid;      /* whose /proc/PID/net/dev is held */
	struct held file;
	struct name_table lines;
	uint64_t read_at, used_at; /* cycle's time */
};

struct net_tables {
	struct net_table *table; /* [0] is the host's */
	unsigned n;
};

struct net_tables *net_tables_new(void)
{
	struct net_tables *t = xcalloc(1, sizeof(*t));

	t->table = xcalloc(1, sizeof(*t->table));
	t->table[0].file = HELD_NONE;
	t->n = 1;
	return t;
}

void net_tables_free(struct net_tables *t, struct files *f)
{
	if (!t)
		return;
	for (unsigned i = 0; i < t->n; i++) {
		held_close(f, &t->table[i].file);
		name_table_free(&t->table[i].lines);
	}
	free(t->table);
	free(t);
}

static int open_table(struct net_table *t, struct cycle *c)
{
	if (held_is_open(&t->file))
		return 0;
	if (!t->netns)
		return host_netdev_open(c->files, &t->file);
	return held_open(c->files, &t->file, "%s/%d/net/dev", c->files->procfs, (int)t->pid);
}

static void read_table(struct net_table *t, struct cycle *c)
{
	struct netdev_line line;
	const char *p = c->buf;

	t->read_at = c->now_ns;
	name_table_clear(&t->lines);
	if (open_table(t, c) || held_read_all(&t->file, c->buf, c->buf_size) <= 0) {
		c->failures += !t->netns; /* of another one the process may have ended */
		held_close(c->files, &t->file);
		return;
	}
	while (*p) {
		struct named_row *row;

		if (!parse_netdev_line(&p, &line))
			continue;
		row = name_table_add(&t->lines, line.name);
		if (row)
			memcpy(row->column, line.column, sizeof(line.column));
	}
}

/* Namespaces that no VM used in the last cycle are let go. */
static void drop_unused(struct net_tables *t, struct cycle *c)
{
	unsigned kept = 1;

	for (unsigned i = 1; i < t->n; i++) {
		if (t->table[i].used_at == t->table[0].read_at) {
			t->table[kept++] = t->table[i];
			continue;
		}
		held_close(c->files, &t->table[i].file);
		name_table_free(&t->table[i].lines);
	}
	t->n = kept;
}

/* The header of net/dev names the columns; these are the host's. */
static const enum metric_id host_column[NETDEV_COLUMNS] = {
	M_HN_RX_BYTES, M_HN_RX_PACKETS, M_HN_RX_ERRS,       M_HN_RX_DROP,
	M_HN_RX_FIFO,  M_HN_RX_FRAME,   M_HN_RX_COMPRESSED, M_HN_RX_MULTICAST,
	M_HN_TX_BYTES, M_HN_TX_PACKETS, M_HN_TX_ERRS,       M_HN_TX_DROP,
	M_HN_TX_FIFO,  M_HN_TX_COLLS,   M_HN_TX_CARRIER,    M_HN_TX_COMPRESSED};

void net_tables_collect(struct net_tables *t, struct cycle *c, uint32_t host_row)
{
	const struct inventory *inv = c->inventory;

	drop_unused(t, c);
	read_table(&t->table[0], c);
	for (unsigned i = 0; i < inv->n_nics; i++) {
		const struct host_nic *nic = &inv->nics[i];
		const struct named_row *line = name_table_find(&t->table[0].lines, nic->name);
		uint32_t row;

		if (!line || !nic->shown)
			continue;
		row = sample_row(c->sample, SCOPE_HOST_NIC, host_row, id_hash(2, nic->name));
		if (row == NO_ROW)
			return;
		c->sample->table[SCOPE_HOST_NIC].counted[row] = nic->counted;
		sample_set_text(c->sample, SCOPE_HOST_NIC, row, M_NIC_NAME, nic->name);
		sample_set(c->sample, SCOPE_HOST_NIC, row, M_HN_SPEED, nic->speed);
		for (int f = 0; f < NETDEV_COLUMNS; f++)
			sample_set(c->sample, SCOPE_HOST_NIC, row, host_column[f], line->column[f]);
	}
}

static struct net_table *table_of(struct net_tables *t, const struct cycle *c, const struct vm *vm)
{
	struct net_table *own;

	if (!vm->netns || vm->netns == c->inventory->netns)
		return &t->table[0];
	for (unsigned i = 1; i < t->n; i++)
		if (t->table[i].netns == vm->netns)
			return &t->table[i];
	t->table = xrealloc(t->table, t->n + 1, sizeof(*t->table));
	own = memset(&t->table[t->n++], 0, sizeof(*own));
	own->file = HELD_NONE;
	own->netns = vm->netns;
	own->pid = vm->pid;
	return own;
}

const uint64_t *net_tables_find(struct net_tables *t, struct cycle *c, const struct vm *vm,
				const char *name)
{
	struct net_table *table = table_of(t, c, vm);
	const struct named_row *line;

	table->used_at = c->now_ns;
	if (table->read_at != c->now_ns) {
		/* The process whose file was held may have ended while others live on. */
		if (!held_is_open(&table->file))
			table->pid = vm->pid;
		read_table(table, c);
	}
	line = name_table_find(&table->lines, name);
	return line ? line->column : NULL;
}
