/* SPDX-License-Identifier: Apache-2.0 */
#include "vm_storage.h"

#include <string.h>

#define PARTS 3u /* of a path: more would be the VM's own */

/* Where the storage's own name ends; what is no path (rbd:pool/image) has one part. */
static size_t storage_end(const char *path)
{
	unsigned parts = *path == '/' ? 0 : PARTS - 1;
	size_t end = 0;

	for (size_t i = 1; path[0] && path[i] && parts < PARTS; i++)
		if (path[i] == '/') {
			parts++;
			end = i;
		}
	return end;
}

void vm_storage(const struct sample *s, uint32_t vm_row, char *to, size_t size)
{
	const struct table *t = &s->table[SCOPE_VM_DISK];
	const char *path = NULL;
	size_t n;

	for (uint32_t r = 0; r < t->rows && (!path || !*path); r++)
		if (t->parent[r] == vm_row)
			path = sample_text(s, SCOPE_VM_DISK, r, M_DISK_DEVICE);
	n = path ? storage_end(path) : 0;
	if (n >= size)
		n = size - 1;
	if (n)
		memcpy(to, path, n);
	to[n] = '\0';
}
