/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_OWN_MEMORY_H
#define PROXTOP_OWN_MEMORY_H

/* Bytes of memory that are this program's own: resident and not shared; ABSENT (sample.h)
 * where /proc/self/statm cannot be read. */
#include <stdint.h>

uint64_t own_memory(void);

#endif
