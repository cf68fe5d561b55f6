/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_FACT_IDS_H
#define PROXTOP_FACT_IDS_H

/* The columns that are no metric, by number: the rows of facts.def. */
enum fact_id {
#define FACT(id, ...) FACT_##id,
#include "facts.def"
	FACTS
};

#endif
