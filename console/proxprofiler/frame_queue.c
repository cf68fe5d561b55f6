/* SPDX-License-Identifier: Apache-2.0 */
#include "frame_queue.h"

#include "xalloc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

int frame_queue_init(struct frame_queue *q)
{
	int r;

	*q = (struct frame_queue){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)};
	if (q->fd < 0)
		return -errno;
	r = pthread_mutex_init(&q->lock, NULL);
	if (r)
		close(q->fd);
	return -r;
}

void frame_queue_fini(struct frame_queue *q)
{
	for (uint32_t i = 0; i < q->n; i++)
		frame_unref(q->list[i]);
	free(q->list);
	pthread_mutex_destroy(&q->lock);
	close(q->fd);
}

void frame_queue_put(void *arg, struct frame *f)
{
	struct frame_queue *q = arg;
	uint64_t one = 1;

	pthread_mutex_lock(&q->lock);
	if (q->bytes + f->size > FRAME_QUEUE_BYTES) {
		q->dropped++;
	} else {
		if (q->n == q->room) {
			q->room = q->room ? 2 * q->room : 64;
			q->list = xrealloc(q->list, q->room, sizeof(struct frame *));
		}
		q->list[q->n++] = frame_ref(f);
		q->bytes += f->size;
	}
	pthread_mutex_unlock(&q->lock);
	/* It can only fail when it is readable anyway. */
	if (write(q->fd, &one, sizeof(one)) < 0)
		return;
}

struct frame **frame_queue_take(struct frame_queue *q, uint32_t *ret_n)
{
	struct frame **list;
	uint64_t count;

	/* Before the frames: what comes in between makes it readable again. */
	if (read(q->fd, &count, sizeof(count)) < 0)
		count = 0;
	pthread_mutex_lock(&q->lock);
	list = q->list;
	*ret_n = q->n;
	q->list = NULL;
	q->n = q->room = 0;
	q->bytes = 0;
	pthread_mutex_unlock(&q->lock);
	return list;
}

uint64_t frame_queue_dropped(struct frame_queue *q)
{
	uint64_t n;

	pthread_mutex_lock(&q->lock);
	n = q->dropped;
	pthread_mutex_unlock(&q->lock);
	return n;
}
