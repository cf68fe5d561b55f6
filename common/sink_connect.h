/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SINK_CONNECT_H
#define PROXTOP_SINK_CONNECT_H

/*
 * The socket calls of the tcp sink.  None of them blocks.
 */
#include "sink_ops.h"

#include <sys/types.h>

/* A descriptor on its way to be connected, the caller's to close, or negative errno. */
int tcp_connect_begin(const struct sink_peer *p);

/* When it has become writable: 0, or negative errno. */
int tcp_connect_end(int fd);

/* 0 while the peer is there; -ESHUTDOWN when it has closed, else negative errno. */
int tcp_peer_gone(int fd);

/* Bytes written, -EAGAIN when the peer is slow, or another negative errno. */
ssize_t tcp_send(int fd, const char *data, size_t n);

/* Bytes written that the peer's kernel has not acknowledged. */
size_t tcp_unacked(int fd);

#endif
