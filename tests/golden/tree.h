/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GOLDEN_TREE_H
#define GOLDEN_TREE_H

/*
 * Makes a directory the same as a fixture, in the way /proc changes: what exists is
 * rewritten in place (the program under test holds descriptors open), what vanished is
 * unlinked (and gives ESRCH then: gone.c), and what belongs to another process or thread
 * now (another start time in stat) is new.
 *
 * Files named *.qmp.json are left out: they are scripts for qmp_server.h.  Sockets are
 * never touched.
 */

/* 0 or negative errno, said on stderr with the path. */
int tree_sync(const char *from, const char *to);

/* Removes everything below path, sockets too, and path itself. */
int tree_remove(const char *path);

#endif
