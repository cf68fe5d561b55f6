/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_QEMU_VALUES_H
#define PROXTOP_QEMU_VALUES_H

/* Values as QEMU's command line and Proxmox VE's configuration spell them. */
#include <stdint.h>

/* 8-4-4-4-12 hexadecimal digits in any case: a lower-case copy, otherwise NULL. */
char *uuid_normal(const char *text);

/* Six pairs of hexadecimal digits: a lower-case copy, otherwise NULL. */
char *mac_normal(const char *text);

/* Decimal digits only, at most max; 0 for anything else, and for NULL. */
uint64_t value_number(const char *text, uint64_t max);

/* 192, 2G, 1.5G; without a letter they are MiB.  In KiB, 0: not one. */
uint64_t value_memory_kib(const char *text);

#endif
