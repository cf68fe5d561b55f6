/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LINK_NNG_H
#define PROXTOP_LINK_NNG_H

/*
 * What both sides of a link need of nng; only for link*.c.
 */
#include "link.h"

#include <nng/nng.h>

int link_errno(int nng_error); /* 0, or negative errno */

#define LINK_URL_MAX 300u
/* The URL as nng is to have it, or -EINVAL.  scheme is tcp, tcp4 or tcp6: nng takes one
 * address of a name, of any or of that family. */
int link_url(const char *url, const char *scheme, char to[LINK_URL_MAX]);

/* Before anything else: as few threads as nng lets us choose. */
void link_few_threads(void);

uint64_t link_now_ms(void);

#endif
