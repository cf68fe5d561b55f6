/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_lines.h"

#include "document.h"
#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX ((size_t)1 << 30)

/* Lines that a slow peer may be behind while one is patient. */
#define BEHIND_MOST 64u

int vm_lines_open(struct vm_lines *l, const struct proxprofiler_options *o)
{
	*l = (struct vm_lines){.o = o};
	buf_init(&l->text, LINE_MAX);
	l->count = vm_count_new(o);
	return batch_open(&l->batch, &o->base, true);
}

void vm_lines_close(struct vm_lines *l)
{
	batch_close(&l->batch);
	vm_count_free(l->count);
	buf_fini(&l->text);
}

/* ---- which there are ---- */

struct who {
	char *name, *uuid;
};
struct list {
	struct who *who;
	size_t n, room;
};

static void note(void *arg, const struct profiler_one *vm)
{
	struct list *l = arg;

	if (l->n == l->room) {
		l->room = l->room ? 2 * l->room : 64;
		l->who = xrealloc(l->who, l->room, sizeof(*l->who));
	}
	l->who[l->n++] = (struct who){xstrdup(vm->name ? vm->name : ""), xstrdup(vm->uuid)};
}

static int compare(const void *a, const void *b)
{
	const struct who *x = a, *y = b;
	int r = strcmp(x->name, y->name);

	return r ? r : strcmp(x->uuid, y->uuid);
}

static struct list list_all(struct profiler *p)
{
	struct list l = {0};
	uint64_t cursor = 0;

	while (p && profiler_walk(p, &cursor, note, &l))
		;
	if (l.n)
		qsort(l.who, l.n, sizeof(*l.who), compare);
	return l;
}

static void list_fini(struct list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->who[i].name);
		free(l->who[i].uuid);
	}
	free(l->who);
}

/* ---- lines ---- */

static void make(void *arg, const struct profiler_one *vm)
{
	struct vm_lines *l = arg;

	struct document d = {
		.name = vm->name && *vm->name ? vm->name : vm->uuid,
		.uuid = vm->uuid,
		.profile = vm->profile,
		.settings = profiler_settings(vm_count_profiles(l->count)),
		.errors = vm_count_errors(l->count, vm->uuid),
	};

	buf_clear(&l->text);
	document_put(&l->text, l->o, &d);
}

static int write_one(struct vm_lines *l, const struct who *who, bool patient)
{
	int r;

	if (!profiler_find(vm_count_profiles(l->count), who->uuid, make, l))
		return 0;
	if (l->text.error || l->text.used > sink_record_max(l->batch.sink)) {
		log_once(LOG_WARNING, "line",
			 "a profile is larger than what one record may be and is left out: that of "
			 "%s",
			 *who->name ? who->name : who->uuid);
		return 0;
	}
	r = batch_put(&l->batch, l->text.data, l->text.used);
	if (!r && patient && batch_wait_for_sink(&l->batch, BEHIND_MOST) == BATCH_END)
		return -EPIPE;
	return r;
}

int vm_lines_write(struct vm_lines *l, bool patient)
{
	struct list all = list_all(vm_count_profiles(l->count));
	int r = 0;

	for (size_t i = 0; i < all.n && !r; i++)
		r = write_one(l, &all.who[i], patient);
	list_fini(&all);
	return r;
}

int vm_lines_write_due(struct vm_lines *l, uint64_t now_ns, bool patient)
{
	uint64_t each = l->o->output_ns;

	if (!l->first_ns) {
		l->first_ns = now_ns;
		l->due_ns = now_ns + each;
	}
	if (now_ns < l->due_ns)
		return 0;
	/* Those that could not be kept are left out. */
	l->due_ns += (1 + (now_ns - l->due_ns) / each) * each;
	return vm_lines_write(l, patient);
}
