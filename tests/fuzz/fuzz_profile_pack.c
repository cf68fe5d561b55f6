/* SPDX-License-Identifier: Apache-2.0 */
/* The first byte chooses settings, the rest are a packed profile of them.  What is taken is sound,
 * has the same bytes when it is packed, unpacked and packed again, and goes on. */
#include "profile_kit.h"
#include "profile_pack.h"
#include "profile_sound.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void packed_again(const struct profile *p, const struct profile_settings *s)
{
	struct buf first, second;
	struct profile again;

	buf_init(&first, 64u << 20);
	buf_init(&second, 64u << 20);
	profile_pack(&first, p, s);
	if (first.error || profile_unpack(&again, s, first.data, first.used))
		abort();
	profile_pack(&second, &again, s);
	if (first.used != second.used || memcmp(first.data, second.data, first.used))
		abort();
	profile_fini(&again, s);
	buf_fini(&first);
	buf_fini(&second);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	double values[PROFILE_METRICS_MAX];
	struct profile_settings s;
	struct profile p;
	uint64_t x;

	if (!n)
		return 0;
	x = 1u + bytes[0];
	s = kit_random_settings(&x);
	if (profile_unpack(&p, &s, bytes + 1, n - 1))
		return 0;
	if (profile_unsound(&p, &s))
		abort();
	packed_again(&p, &s);
	for (unsigned t = 0; t < 40; t++) {
		for (unsigned i = 0; i < s.n_metrics; i++)
			values[i] = 100 * kit_random(&x) - 20;
		profile_put(&p, &s, values, NULL);
	}
	profile_fini(&p, &s);
	return 0;
}
