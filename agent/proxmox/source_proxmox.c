/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connector for Proxmox VE (source.h): two threads, because the file system with
 * the configurations can hang while the QMP sockets answer, and the other way round.
 */
#include "log.h"
#include "pve_ask.h"
#include "pve_check.h"
#include "pve_list.h"
#include "source.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define ROUND_S     4 /* between two looks at what changed */
#define FULL_ROUNDS 8 /* every so many all is read again */
#define CLOSE_S     1 /* the most that close() waits for a thread that hangs */

struct source {
	struct hub *hub;
	char *procfs, *rootfs;
	struct pve_list *list;
	struct pve_ask *ask; /* NULL: nobody wants what QMP tells */
	bool published;
	unsigned rounds;
	pthread_t lister, asker;
	bool has_lister, has_asker;

	pthread_mutex_t lock; /* of stopping and lister_done; and the hub is used under it */
	pthread_cond_t changed;
	bool stopping, lister_done;
};

/* Tells hub and QMP client what is new.  The list comes first: the hub takes answers
 * only for VMs that it knows. */
static void hand_over(struct source *s, struct pve_round news)
{
	struct pve_target **targets;
	const char *dir = pve_list_run_dir(s->list);
	unsigned n;

	pthread_mutex_lock(&s->lock);
	if (s->stopping) {
		pthread_mutex_unlock(&s->lock);
		return;
	}
	if (news.described || !s->published)
		hub_publish(s->hub, pve_list_descriptions(s->list));
	if (news.targets || !s->published) {
		targets = pve_list_targets(s->list, &n);
		if (s->ask) {
			pve_ask_follow(s->ask, targets, n, xstrdup(dir));
		} else {
			for (unsigned i = 0; i < n; i++) {
				hub_failed(s->hub, targets[i]->key); /* no answer will come */
				pve_target_free(targets[i]);
			}
			free(targets);
		}
	}
	s->published = true;
	pthread_mutex_unlock(&s->lock);
}

static void list_once(struct source *s, bool full)
{
	hand_over(s, pve_list_round(s->list, full));
}

static void *lister_main(void *arg)
{
	struct source *s = arg;
	bool stopping = false;

	while (!stopping) {
		struct timespec until;
		int r = 0;

		list_once(s, s->rounds++ % FULL_ROUNDS == 0);
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec += ROUND_S;
		pthread_mutex_lock(&s->lock);
		while (!s->stopping && r == 0)
			r = pthread_cond_timedwait(&s->changed, &s->lock, &until);
		stopping = s->stopping;
		if (stopping) {
			s->lister_done = true;
			pthread_cond_broadcast(&s->changed);
		}
		pthread_mutex_unlock(&s->lock);
	}
	return NULL;
}

static void *asker_main(void *arg)
{
	pve_ask_run(arg);
	return NULL;
}

static void source_free(struct source *s)
{
	pve_ask_free(s->ask);
	pve_list_free(s->list);
	free(s->procfs);
	free(s->rootfs);
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* True when the lister has ended. A hung file system keeps it for good. */
static bool stop_lister(struct source *s)
{
	struct timespec until;
	bool done;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += CLOSE_S;
	pthread_mutex_lock(&s->lock);
	s->stopping = true;
	pthread_cond_broadcast(&s->changed);
	while (s->has_lister && !s->lister_done && r == 0)
		r = pthread_cond_timedwait(&s->changed, &s->lock, &until);
	done = !s->has_lister || s->lister_done;
	pthread_mutex_unlock(&s->lock);
	if (done && s->has_lister)
		pthread_join(s->lister, NULL);
	else if (!done)
		pthread_detach(s->lister);
	return done;
}

static void proxmox_close(struct source *s)
{
	bool listed;

	if (!s)
		return;
	if (s->ask)
		pve_ask_stop(s->ask);
	if (s->has_asker)
		pthread_join(s->asker, NULL);
	listed = stop_lister(s);
	if (listed)
		source_free(s);
	else
		log_debug("%s does not answer: its reader is left behind",
			  pve_list_config_dir(s->list));
}

static int start_threads(struct source *s)
{
	int r = pthread_create(&s->lister, NULL, lister_main, s);

	if (r)
		return -r;
	s->has_lister = true;
	if (!s->ask)
		return 0;
	r = pthread_create(&s->asker, NULL, asker_main, s->ask);
	if (r)
		return -r;
	s->has_asker = true;
	return 0;
}

static int proxmox_open(struct source **ret, const struct source_options *o, struct hub *h)
{
	struct source *s = xcalloc(1, sizeof(*s));
	pthread_condattr_t attr;
	int r = 0;

	pthread_mutex_init(&s->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&s->changed, &attr);
	pthread_condattr_destroy(&attr);
	s->hub = h;
	s->procfs = xstrdup(o->procfs);
	s->rootfs = xstrdup(o->rootfs);
	s->list = pve_list_new(s->procfs, s->rootfs);
	if (pve_ask_wants_qmp(o)) {
		s->ask = pve_ask_new(o, h);
		if (!s->ask)
			r = -errno;
	}
	if (!r && !o->synchronous)
		r = start_threads(s);
	if (r) {
		proxmox_close(s);
		return r;
	}
	*ret = s;
	return 0;
}

static void proxmox_step(struct source *s)
{
	list_once(s, true);
	if (s->ask)
		pve_ask_once(s->ask);
}
const struct source_ops source_proxmox = {
	.name = "proxmox",
	.open = proxmox_open,
	.step = proxmox_step,
	.close = proxmox_close,
	.check = pve_check,
};
