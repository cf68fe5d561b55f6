/* SPDX-License-Identifier: Apache-2.0 */
#include "log_lines.h"

#include "log.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define KEPT 20u

struct log_lines {
	pthread_mutex_t lock; /* what follows */
	char line[KEPT][LOG_LINE_SIZE];
	uint64_t n, taken; /* ever; the last KEPT of them are there */
	int fd;
};

static void keep(void *arg, const char *line)
{
	struct log_lines *l = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&l->lock);
	snprintf(l->line[l->n++ % KEPT], LOG_LINE_SIZE, "%s", line);
	pthread_mutex_unlock(&l->lock);
	/* Full means readable: that is all that matters. */
	if (write(l->fd, &one, sizeof(one)) < 0)
		return;
}

struct log_lines *log_lines_begin(void)
{
	struct log_lines *l = xcalloc(1, sizeof(*l));

	l->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->fd < 0) {
		log_error("no event descriptor: %s", strerror(errno));
		free(l);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	log_set_sink(keep, l);
	return l;
}

void log_lines_end(struct log_lines *l)
{
	uint64_t i;

	if (!l)
		return;
	log_set_sink(NULL, NULL);
	if (l->n > KEPT)
		fprintf(stderr, "proxtop: %llu earlier messages are left out\n",
			(unsigned long long)(l->n - KEPT));
	for (i = l->n > KEPT ? l->n - KEPT : 0; i < l->n; i++)
		fprintf(stderr, "%s\n", l->line[i % KEPT]);
	pthread_mutex_destroy(&l->lock);
	close(l->fd);
	free(l);
}

int log_lines_fd(const struct log_lines *l)
{
	return l->fd;
}

bool log_lines_take(struct log_lines *l, char to[LOG_LINE_SIZE])
{
	uint64_t rung;
	bool is_new;

	if (read(l->fd, &rung, sizeof(rung)) < 0 && errno != EAGAIN)
		return false;
	pthread_mutex_lock(&l->lock);
	is_new = l->n > l->taken;
	l->taken = l->n;
	if (is_new)
		memcpy(to, l->line[(l->n - 1) % KEPT], LOG_LINE_SIZE);
	pthread_mutex_unlock(&l->lock);
	return is_new;
}
