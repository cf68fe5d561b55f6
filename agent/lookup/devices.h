/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_DEVICES_H
#define PROXTOP_DEVICES_H

/*
 * The host's disks, interfaces and CPU frequencies, as the lookup finds them in sysfs.
 * netdev, storedev: names, comma separated, that make the host's sums instead of the
 * physical devices; NULL for those.  text: room for one file at a time.
 */
#include "files.h"
#include "inventory.h"

void devices_find_disks(struct inventory *i, const struct files *f, const char *storedev,
			char *text, size_t size);
void devices_find_nics(struct inventory *i, const struct files *f, const char *netdev, char *text,
		       size_t size);
/* The lowest and highest are taken from before when it has them: they do not change. */
void devices_find_frequencies(struct inventory *i, const struct files *f,
			      const struct inventory *before, char *text, size_t size);

/* Is name one of the comma-separated ones? */
bool name_in_list(const char *name, const char *list);

/* The directory entry's name fits and is no path. */
bool is_plain_name(const char *name, size_t size);

/* The inode of a process' network namespace; 0 when it may not be seen. */
uint64_t netns_of(const struct files *f, pid_t pid);

/* Where the host's interfaces are: of PID 1, since self is a container's. */
int host_netdev_open(struct files *f, struct held *h);

#endif
