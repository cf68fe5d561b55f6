/* SPDX-License-Identifier: Apache-2.0 */
#include "own_memory.h"

#include "sample.h"

#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

/* 6121 1831 1460 12 0 611 0: pages in all, resident, shared, ... (proc(5)) */
uint64_t own_memory(void)
{
	unsigned long resident, shared;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
	char text[128];
	ssize_t n;

	if (fd < 0)
		return ABSENT;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	text[n > 0 ? n : 0] = '\0';
	if (sscanf(text, "%*u %lu %lu", &resident, &shared) != 2 || shared > resident)
		return ABSENT;
	return (uint64_t)(resident - shared) * (uint64_t)sysconf(_SC_PAGESIZE);
}
