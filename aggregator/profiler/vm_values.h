/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_VM_VALUES_H
#define PROXTOP_VM_VALUES_H

/*
 * Which values of a VM are profiled, in which unit, and within which bounds.
 *
 *   cpu   % of its vCPUs: time run and time ready to run together (cpu_total + cpu_steal),
 *         what it wanted; 100 is all vCPUs all the time
 *   net   bytes per second, received and sent together
 *   io    bytes per second that its QEMU process had read from and written to storage
 *   disk  bytes per second that the guest read and wrote
 *   mem   % of its memory that the guest uses, as the guest says it
 *
 * Always in this order.  The names are those of the families they are measured with
 * (family_names[]), so that a set of values is given as the families are: bits 1 << enum family.
 *
 * Fixed bounds go from 0 to: 100 % of cpu and mem; what a 6 Gbit/s link brings, 750e6 bytes per
 * second, of io and disk; of net the link's speed where it is known, else 1 Gbit/s, 125e6 bytes
 * per second.  What is above (both directions of a link together may be twice its speed) is in
 * the highest state: no unknown or wrong bound makes a value less than it is.
 */
#include "derive.h"
#include "profile.h"

#define VM_VALUES_MAX        5u
#define VM_VALUES_FAMILIES   (1u << F_CPU | 1u << F_NET | 1u << F_IO | 1u << F_DISK | 1u << F_MEM)
#define VM_VALUES_USUAL      (1u << F_CPU | 1u << F_NET | 1u << F_IO) /* when none is chosen */
#define VM_VALUES_LINK_MBIT  1000.0
#define VM_VALUES_STORE_MBIT 6000.0

/* The metrics of s, with their bounds, from a set of families (others are passed over).
 * link_mbit: NAN, or not above 0: not known. */
void vm_values_settings(struct profile_settings *s, unsigned families, double link_mbit);

/* A name (cpu) to its family's bit; 0: there is no such value. */
unsigned vm_values_family(const char *name);

/* "cpu, net, io, disk, mem", for messages about options. */
void vm_values_names(char *to, size_t size);

/* One per metric of those settings, at most VM_VALUES_MAX.  v: derived against the sample of the
 * tick before.  NAN: absent. */
void vm_values_get(double *to, unsigned families, const struct view *v, uint32_t vm_row);

/* The fastest of the host's counted links in Mbit/s; NAN: none says its speed. */
double vm_values_link(const struct view *v);

#endif
