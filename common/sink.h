/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SINK_H
#define PROXTOP_SINK_H

/*
 * Where printed bytes go: stdout, a file, a tcp or a udp peer.
 *
 * The unit is a record: one printed cycle, or one part of it.  Nothing here blocks
 * the caller longer than a short write: tcp has its own bounded queue and a thread
 * that connects, reconnects with back-off and writes; what does not fit is dropped,
 * oldest first, counted, and said on stderr.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SINK_UDP_MAX   65507u      /* payload of one datagram: 65535 - 20 (IP) - 8 (UDP) */
#define SINK_QUEUE_MAX (16u << 20) /* bytes that wait for a lost tcp peer */

struct sink;

struct sink_options {
	const char *output; /* "stdout", "file", "tcp", "udp" */
	const char *target; /* file: path; tcp, udp: host:port, [v6]:port */
	bool whole_file; /* file: each record replaces the file (written beside it and renamed) */
};

extern const char *const sink_outputs[]; /* NULL-terminated names */

/* 0 and *ret, or negative errno with one line for the user in why (unknown output,
 * target missing or malformed, file that cannot be opened).  -EINVAL is a usage error. */
int sink_open(struct sink **ret, const struct sink_options *o, char *why, size_t why_size);

/* The most bytes one record may have here: SIZE_MAX; tcp: SINK_QUEUE_MAX; udp:
 * SINK_UDP_MAX. */
size_t sink_record_max(const struct sink *s);

/* Hands over one record.  0; -EPIPE when stdout was closed by its reader (the program
 * ends quietly; no other kind returns it); -EINTR when stdout's reader does not read and
 * a signal to end is pending; other errors have been said and are not fatal. */
int sink_write(struct sink *s, const char *data, size_t n);

/* Reopens a file (SIGHUP, logrotate).  Nothing for the others. */
void sink_reopen(struct sink *s);

/* records and bytes have gone out (tcp: the peer's kernel has them); what is neither
 * gone nor dropped waits. */
struct sink_stats {
	uint64_t records, dropped, bytes;
};
void sink_stats(struct sink *s, struct sink_stats *ret);

/* Flushes for at most timeout_ms, then closes.  NULL is fine. */
void sink_close(struct sink *s, int timeout_ms);

#endif
