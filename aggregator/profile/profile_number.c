/* SPDX-License-Identifier: Apache-2.0 */
#include "profile_number.h"
#include "xalloc.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Programs keep LC_NUMERIC as it is: the point is a point. */
void number_put(struct buf *b, double v)
{
	char text[40];

	if (isinf(v))
		v = v > 0 ? DBL_MAX : -DBL_MAX;
	if (v == 0 && signbit(v)) {
		buf_lit(b, "-0.0"); /* -0 would be an integer */
		return;
	}
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (digits == 17 || strtod(text, NULL) == v)
			break;
	}
	buf_text(b, text);
}

void number_put_long(struct buf *b, long double v)
{
	char text[64];

	snprintf(text, sizeof(text), "\"%.*Lg\"", LDBL_DECIMAL_DIG, v);
	buf_text(b, text);
}

bool number_read_long(const char *text, long double *ret)
{
	char *end;

	if (!((*text >= '0' && *text <= '9') || *text == '-'))
		return false;
	*ret = strtold(text, &end);
	return !*end && isfinite(*ret);
}

struct rest {
	uint64_t rest;
	uint32_t at;
};

static int greater_first(const void *va, const void *vb)
{
	const struct rest *a = va, *b = vb;

	if (a->rest != b->rest)
		return a->rest > b->rest ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

void number_percents(const uint64_t *count, uint32_t n, uint8_t *percent)
{
	struct rest *rest;
	unsigned __int128 sum = 0;
	unsigned left = 100;

	for (uint32_t i = 0; i < n; i++) {
		sum += count[i];
		percent[i] = 0;
	}
	if (!sum)
		return;
	rest = xcalloc(n, sizeof(*rest));
	for (uint32_t i = 0; i < n; i++) {
		unsigned __int128 hundredfold = (unsigned __int128)count[i] * 100;

		percent[i] = (uint8_t)(hundredfold / sum);
		rest[i] = (struct rest){.rest = (uint64_t)(hundredfold % sum), .at = i};
		left -= percent[i];
	}
	qsort(rest, n, sizeof(*rest), greater_first);
	for (uint32_t i = 0; i < left; i++)
		percent[rest[i].at]++;
	free(rest);
}
