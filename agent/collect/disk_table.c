/* SPDX-License-Identifier: Apache-2.0 */
/* /proc/diskstats: once per cycle, as the host's disk rows and for the disks of VMs. */
#include "cycle.h"
#include "name_table.h"
#include "proc_text.h"
#include "xalloc.h"

#include <stdlib.h>
#include <string.h>

struct disk_table {
	struct held file;
	struct name_table lines;
};

/* iostats.rst fields 1 to 11 */
static const enum metric_id column[DISKSTAT_COLUMNS] = {
	M_HD_READS,     M_HD_RDMERGED, M_HD_RDSECTORS, M_HD_RDMS,   M_HD_WRITES, M_HD_WRMERGED,
	M_HD_WRSECTORS, M_HD_WRMS,     M_HD_INFLIGHT,  M_HD_BUSYMS, M_HD_QUEUEMS};

struct disk_table *disk_table_new(struct files *f)
{
	struct disk_table *t = xcalloc(1, sizeof(*t));

	held_open(f, &t->file, "%s/diskstats", f->procfs);
	return t;
}

void disk_table_free(struct disk_table *t, struct files *f)
{
	if (!t)
		return;
	held_close(f, &t->file);
	name_table_free(&t->lines);
	free(t);
}

static void read_lines(struct disk_table *t, struct cycle *c)
{
	const char *p = c->buf;
	struct diskstat_line line;

	name_table_clear(&t->lines);
	if (held_read_all(&t->file, c->buf, c->buf_size) <= 0) {
		c->failures++;
		return;
	}
	while (*p) {
		struct named_row *row;

		if (!parse_diskstat_line(&p, &line))
			continue;
		row = name_table_add(&t->lines, line.name);
		if (row)
			memcpy(row->column, line.column, sizeof(line.column));
	}
}

void disk_table_collect(struct disk_table *t, struct cycle *c, uint32_t host_row)
{
	const struct inventory *i = c->inventory;

	read_lines(t, c);
	for (unsigned d = 0; d < i->n_disks; d++) {
		const struct host_disk *disk = &i->disks[d];
		const uint64_t *values = disk_table_find(t, disk->name);
		uint32_t row;

		if (!disk->shown || !values)
			continue;
		row = sample_row(c->sample, SCOPE_HOST_DISK, host_row, id_hash(1, disk->name));
		if (row == NO_ROW)
			return;
		c->sample->table[SCOPE_HOST_DISK].counted[row] = disk->counted;
		sample_set_text(c->sample, SCOPE_HOST_DISK, row, M_DISK_NAME, disk->label);
		sample_set_text(c->sample, SCOPE_HOST_DISK, row, M_DISK_CLASS,
				disk_class_names[disk->class]);
		sample_set(c->sample, SCOPE_HOST_DISK, row, M_HD_COUNT, 1);
		for (int f = 0; f < DISKSTAT_COLUMNS; f++)
			sample_set(c->sample, SCOPE_HOST_DISK, row, column[f], values[f]);
	}
}

const uint64_t *disk_table_find(const struct disk_table *t, const char *name)
{
	const struct named_row *row = name_table_find(&t->lines, name);

	return row ? row->column : NULL;
}
