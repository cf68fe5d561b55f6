/* SPDX-License-Identifier: Apache-2.0 */
/* What is a URL, what is beyond loopback, and what is allowed there. */
#include "endpoint.h"

#include "capture.h"
#include "fake_resolver.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>

#include <cmocka.h>

static void test_split(void **state)
{
	static const struct {
		const char *url, *host;
		unsigned port;
	} good[] = {
		{"tcp://127.0.0.1:7410", "127.0.0.1", 7410},
		{"tcp://centre:0", "centre", 0},
		{"tcp://hv-1.example_net.org:65535", "hv-1.example_net.org", 65535},
		{"tcp://[::1]:7410", "::1", 7410},
		{"tcp://[2001:db8::1]:00080", "2001:db8::1", 80},
	};
	char host[ENDPOINT_HOST_MAX + 1];
	unsigned port;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(*good); i++) {
		int r = endpoint_split(good[i].url, host, &port);

		if (r || strcmp(host, good[i].host) || port != good[i].port)
			fail_msg("%s: %d, \"%s\", %u", good[i].url, r, host, port);
	}
}

static void test_text(void **state)
{
	static const struct {
		const char *url, *text;
	} cases[] = {
		{"tcp://127.0.0.1:0", "127.0.0.1:42"},
		{"tcp://[::1]:0", "[::1]:42"},
		{"centre:7410", "centre:42"},
		{"[2001:db8::1]:7412", "[2001:db8::1]:42"},
		{"odd", "odd:42"},
	};
	char to[ENDPOINT_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		endpoint_text(to, cases[i].url, 42);
		assert_string_equal(to, cases[i].text);
	}
}

static void test_longest(void **state)
{
	char url[ENDPOINT_HOST_MAX + 32], host[ENDPOINT_HOST_MAX + 1];
	unsigned port;

	(void)state;
	for (unsigned n = ENDPOINT_HOST_MAX; n <= ENDPOINT_HOST_MAX + 1; n++) {
		memset(url, 'a', sizeof(url));
		memcpy(url, "tcp://", 6);
		strcpy(url + 6 + n, ":1");
		assert_int_equal(endpoint_split(url, host, &port),
				 n > ENDPOINT_HOST_MAX ? -EINVAL : 0);
	}
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"tcp",
		"tcp://",
		"tcp://:7410",
		"TCP://127.0.0.1:7410",
		"http://127.0.0.1:7410",
		"tcp://127.0.0.1",
		"tcp://127.0.0.1:",
		"tcp://127.0.0.1:-1",
		"tcp://127.0.0.1:+1",
		"tcp://127.0.0.1: 1",
		"tcp://127.0.0.1:65536",
		"tcp://127.0.0.1:4294967297",
		"tcp://127.0.0.1:7410/",
		"tcp://user@127.0.0.1:7410",
		"tcp://*:7410",
		"tcp://a b:7410",
		"tcp://::1:7410",
		"tcp://[]:7410",
		"tcp://[::1]",
		"tcp://[::1]7410",
		"tcp://[::1",
		"tcp://[127.0.0.1]:7410",
		"tcp://[fe80::1%eth0]:7410",
		"tcp://[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:1",
	};
	char why[512];
	bool beyond;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		int r = endpoint_check("--listen", bad[i], true, true, &beyond, why, sizeof(why));

		if (r != -EINVAL || !beyond || strncmp(why, "--listen: ", 10) ||
		    !strstr(why, "tcp://HOST:PORT") || strchr(why, '\n'))
			fail_msg("%s: %d, \"%s\"", bad[i], r, why);
	}
}

static void test_policy(void **state)
{
	static const struct {
		const char *url;
		bool beyond;
	} where[] = {
		{"tcp://127.0.0.1:1", false},
		{"tcp://127.255.3.4:1", false},
		{"tcp://[::1]:1", false},
		{"tcp://[::ffff:127.0.0.1]:1", false},
		{"tcp://both.test:1", false},
		{"tcp://0.0.0.0:1", true},
		{"tcp://[::]:1", true},
		{"tcp://128.0.0.1:1", true},
		{"tcp://10.1.2.3:1", true},
		{"tcp://[2001:db8::1]:1", true},
		{"tcp://[::ffff:10.0.0.1]:1", true},
		{"tcp://unknown.test:1", true},
		{"tcp://late.test:1", true}, /* cannot be resolved now */
	};
	char why[512];

	(void)state;
	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++)
		for (unsigned with = 0; with < 4; with++) {
			bool key = with & 1, insecure = with & 2, open;
			int want = where[i].beyond && !with ? -EINVAL : 0, r;

			atomic_store(&resolver_failures, 1);
			r = endpoint_check("--feed", where[i].url, key, insecure, &open, why,
					   sizeof(why));
			if (r != want || open != (where[i].beyond && !key))
				fail_msg("%s, key %d, insecure %d: %d, open %d", where[i].url, key,
					 insecure, r, open);
			if (strstr(where[i].url, "late") && key != atomic_load(&resolver_failures))
				fail_msg("%s, key %d: looked up, or not", where[i].url, key);
			if (r && (strncmp(why, "--feed: ", 8) || !strstr(why, where[i].url) ||
				  !strstr(why, "--key-file") || !strstr(why, "--insecure") ||
				  strchr(why, '\n')))
				fail_msg("%s: \"%s\"", where[i].url, why);
		}
	atomic_store(&resolver_failures, 0);
}

/* The name that could not be resolved, when it can. */
static void test_late(void **state)
{
	char why[512];
	bool beyond;

	(void)state;
	atomic_store(&resolver_failures, 0);
	assert_int_equal(endpoint_check("--feed", "tcp://late.test:1", false, false, &beyond, why,
					sizeof(why)),
			 0);
	assert_false(beyond);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_split),   cmocka_unit_test(test_text),
		cmocka_unit_test(test_longest), cmocka_unit_test(test_bad),
		cmocka_unit_test(test_policy),  cmocka_unit_test(test_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
