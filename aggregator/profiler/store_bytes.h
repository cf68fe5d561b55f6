/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_STORE_BYTES_H
#define PROXTOP_STORE_BYTES_H

/* Numbers as the directory of profiles has them: little-endian, of n bytes. */
#include <stddef.h>
#include <stdint.h>

static inline void bytes_set(char *to, unsigned n, uint64_t v)
{
	for (unsigned i = 0; i < n; i++)
		to[i] = (char)(v >> 8 * i);
}

static inline uint64_t bytes_get(const char *from, unsigned n)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < n; i++)
		v |= (uint64_t)(unsigned char)from[i] << 8 * i;
	return v;
}

#endif
