/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as each of the four messages; what is taken is encoded again and is then the
 * same message. */
#include "message.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

#define TRY(kind)                                                                                  \
	static void try_##kind(const uint8_t *bytes, size_t n)                                     \
	{                                                                                          \
		struct buf first, second;                                                          \
		struct kind m, again;                                                              \
                                                                                                   \
		if (kind##_decode(&m, bytes, n))                                                   \
			return;                                                                    \
		buf_init(&first, MESSAGE_MAX);                                                     \
		buf_init(&second, MESSAGE_MAX);                                                    \
		kind##_encode(&first, &m);                                                         \
		if (kind##_decode(&again, first.data, first.used))                                 \
			abort();                                                                   \
		kind##_encode(&second, &again);                                                    \
		if (first.used != second.used || memcmp(first.data, second.data, first.used))      \
			abort();                                                                   \
		kind##_fini(&m);                                                                   \
		kind##_fini(&again);                                                               \
		buf_fini(&first);                                                                  \
		buf_fini(&second);                                                                 \
	}

TRY(uplink_request)
TRY(uplink_reply)
TRY(feed_request)
TRY(feed_reply)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	try_uplink_request(bytes, n);
	try_uplink_reply(bytes, n);
	try_feed_request(bytes, n);
	try_feed_reply(bytes, n);
	return 0;
}
