/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FEED_ANSWER_H
#define PROXTOP_FEED_ANSWER_H

/* What a reader of the feed gets: frames after its cursor, and what is known of hosts. */
#include "feed_server.h"

#define REPLY_MOST (4u << 20) /* bytes of frames in one reply, whatever the reader allows */

struct feed_reader {
	uint8_t id[REQUEST_ID_BYTES];
	struct feed_request q;
	uint64_t skipped; /* while it waited */
	bool *wants;      /* by host number; NULL: all */
	uint32_t n_wants;
	bool first; /* it knows nothing of the hosts yet */
};

/* Bounds what was asked, and sets the cursor right after a restart of the server. */
void feed_reader_begin(struct feed_reader *r, const struct feed_server_options *o);
void feed_reader_end(struct feed_reader *r); /* frees what it holds, the request too */

/* Used again and again; zero to begin with. */
struct feed_answer {
	struct feed_reply reply;
	struct frame **frames; /* references, in the order of reply.frames */
	uint32_t *owners;      /* their hosts' numbers */
	struct frame **notes;  /* references */
	uint32_t n_notes, room_hosts;
};

/* Fills a->reply but for its hosts; without frames in it the reader's cursor has moved on. */
void feed_answer_frames(struct feed_answer *a, struct feed_reader *r,
			const struct feed_server_options *o);
/* Hosts that the reader gets a frame of, or has something to be told of: all it wants when
 * it is new here, or when there was nothing for a while. */
void feed_answer_hosts(struct feed_answer *a, const struct feed_reader *r,
		       const struct feed_server_options *o);
void feed_answer_clear(struct feed_answer *a); /* lets go of the frames */
void feed_answer_fini(struct feed_answer *a);

#endif
