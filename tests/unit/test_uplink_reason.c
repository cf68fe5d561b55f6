/* SPDX-License-Identifier: Apache-2.0 */
/* Why there is nobody who could answer is said. */
#include "capture.h"
#include "fake_resolver.h"
#include "log.h"
#include "uplink.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static bool source(void *arg, uint32_t i, struct uplink_source *ret)
{
	if (i)
		return false;
	*ret = (struct uplink_source){.spool = spool_ref(arg), .sender = 1};
	return true;
}

/* Until it has said something of it; 300 ms are enough for a try with each family. */
static void says(const char *url, int timeout_ms, const char *reason)
{
	struct spool_options o = {.size = 1 << 20};
	struct uplink_options u = {
		.urls = url, .order_key = "host", .timeout_ms = timeout_ms, .source = source};
	struct uplink *uplink;
	struct spool *spool;
	struct capture c;
	char want[256], why[256], *all;

	snprintf(want, sizeof(want), "proxtop: warning: %s: %s; samples are kept in the spool\n",
		 url, reason);
	assert_int_equal(spool_open(&spool, &o, why, sizeof(why)), 0);
	u.arg = spool;
	capture_begin(&c);
	assert_int_equal(uplink_open(&uplink, &u, why, sizeof(why)), 0);
	capture_wait(&c, "samples are kept");
	uplink_close(uplink, 0);
	all = capture_text(&c);
	capture_end(&c);
	spool_close(spool);
	log_over("uplink", NULL);
	if (strcmp(all, want))
		fail_msg("said \"%s\", not \"%s\"", all, want);
	free(all);
}

static void test_no_such_name(void **state)
{
	(void)state;
	says("tcp://nowhere.test:7410", 100, "its name is not known here");
}

static void test_no_name_server(void **state)
{
	(void)state;
	resolver_failures = 1000000;
	says("tcp://late.test:7410", 100, "its name is not known here");
	resolver_failures = 0;
}

/* That a name has no address of a family does not count. */
static void test_nobody_listens(void **state)
{
	(void)state;
	says("tcp://both.test:1", 100, "Connection refused");
	says("tcp://four.test:1", 300, "Connection refused");
	says("tcp://127.0.0.1:1", 300, "Connection refused");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_such_name),
		cmocka_unit_test(test_no_name_server),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
