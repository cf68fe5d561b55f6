/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_CRC32C_H
#define PROXTOP_CRC32C_H

/*
 * CRC-32C (Castagnoli, reflected polynomial 0x82f63b78, RFC 3720 appendix B.4): finds
 * records that a power loss or a bad disk left damaged.
 */
#include <stddef.h>
#include <stdint.h>

/* Continues from crc, which is 0 at the start. */
uint32_t crc32c(uint32_t crc, const void *bytes, size_t n);

#endif
