/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_BENCH_FLOOR_H
#define PROXTOP_BENCH_FLOOR_H

/* What the floor reads: open descriptors and socket names, found once. */
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

struct floor_files {
	int *fds;
	size_t n, room;
};

struct floor_host {
	unsigned n_vms;
	struct floor_files threads, processes, host, cgroups;
	struct sockaddr_un *monitors; /* one per VM */
	int *sockets;                 /* of the monitors being asked; as many */
	uint64_t calls, bytes;        /* reads of files, since the caller set them to 0 */
	uint64_t exchanges, failed;   /* with monitors */
	char failed_path[PATH_MAX];   /* when floor_open() fails */
};

/* Finds the VMs whose pid files are below dir.  0 or negative errno. */
int floor_open(struct floor_host *h, const char *dir, bool cgroups);

/* One pread of each file. */
void floor_read(struct floor_host *h, const struct floor_files *f);
/* As many as it takes to see the whole of each file. */
void floor_read_whole(struct floor_host *h, const struct floor_files *f);
/* Asks the VMs whose number has this remainder when divided by every. */
void floor_ask(struct floor_host *h, unsigned remainder, unsigned every);

#endif
