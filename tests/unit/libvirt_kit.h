/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_LIBVIRT_KIT_H
#define PROXTOP_TEST_LIBVIRT_KIT_H

/* What the tests of the libvirt source share: a connector at a make-believe libvirt. */
#include "capture.h"
#include "fake_libvirt.h"
#include "fakedir.h"
#include "hub.h"
#include "log.h"
#include "sample.h"
#include "source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define QUICK 0.1 /* seconds between two questions, in tests with threads */

struct world {
	struct hub *hub;
	struct source *source;
	struct source_options o;
	struct fakedir root;
	struct capture capture;
	struct vm_list *list; /* the latest */
};

static inline uint64_t boot_now(void *arg)
{
	struct timespec t;

	(void)arg;
	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static inline int setup(void **state)
{
	struct world *w = calloc(1, sizeof(*w));

	fake_reset();
	fake_new(&w->root);
	w->hub = hub_new();
	w->o = (struct source_options){
		.procfs = "/proc",
		.rootfs = w->root.path,
		.interval = 5,
		.families = ~0u,
		.synchronous = true,
		.now_ns = boot_now,
	};
	log_over("libvirt", NULL);
	capture_begin(&w->capture);
	*state = w;
	return 0;
}

static inline int teardown(void **state)
{
	struct world *w = *state;

	source_libvirt.close(w->source);
	capture_end(&w->capture);
	vm_list_free(w->list);
	hub_free(w->hub);
	fake_free(&w->root);
	free(w);
	return 0;
}

static inline void open_source(struct world *w)
{
	assert_int_equal(source_libvirt.open(&w->source, &w->o, w->hub), 0);
}

static inline void open_threaded(struct world *w)
{
	w->o.synchronous = false;
	w->o.interval = QUICK;
	open_source(w);
}

static inline void step(struct world *w)
{
	if (!w->source)
		open_source(w);
	source_libvirt.step(w->source);
}

/* The latest list that was published. */
static inline const struct vm_list *list_of(struct world *w)
{
	struct vm_list *list = hub_take_list(w->hub);

	if (list) {
		vm_list_free(w->list);
		w->list = list;
	}
	return w->list;
}

static inline const struct vm_desc *find_vm(struct world *w, const char *name)
{
	const struct vm_list *list = list_of(w);

	for (unsigned i = 0; list && i < list->n; i++)
		if (!strcmp(list->vms[i].name, name))
			return &list->vms[i];
	return NULL;
}

static inline uint64_t key_of(struct world *w, const char *name)
{
	const struct vm_desc *vm = find_vm(w, name);

	if (!vm)
		fail_msg("%s is not in the list", name);
	return vm->key;
}

/* Reads of the VM's first disk; ABSENT when its values are. */
static inline uint64_t reads_of(struct world *w, const char *name)
{
	struct guest_disks *g = calloc(1, sizeof(*g));
	const struct vm_desc *vm = find_vm(w, name);
	uint64_t v = ABSENT;

	if (vm && hub_get_disks(w->hub, vm->key, boot_now(NULL), g) && g->read_ns != ABSENT &&
	    g->n == 1)
		for (unsigned i = 0; i < g->now[0].values.n; i++)
			if (g->now[0].values.v[i].metric == M_VD_RD_OPS)
				v = g->now[0].values.v[i].value;
	free(g);
	return v;
}

/* Waits for a condition; what: for the message. */
#define wait_for(condition, what)                                                                  \
	do {                                                                                       \
		int left_ = PATIENCE_S * 100;                                                      \
		while (!(condition) && left_--)                                                    \
			pause_ms(10);                                                              \
		if (!(condition))                                                                  \
			fail_msg("%s: not within %d s", what, PATIENCE_S);                         \
	} while (0)
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

#endif
