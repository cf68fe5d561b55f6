/* SPDX-License-Identifier: Apache-2.0 */
/* proxtop-agent's start: with a key no name is looked up, so a name server that does not
 * answer delays neither the first sample nor the end. */
#include "fake_resolver.h"

#include "daemon_parts.h"
#include "log.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#define LOOKUPS 1000

/* How often a name was looked up until the spool's directory, which cannot be, ended it. */
static int lookups(const char *key_file, bool insecure)
{
	char *argv[] = {(char *)"proxtop-agent",
			(char *)"--aggregator=tcp://late.test:7410,tcp://late.test:7411",
			(char *)"--feed=none",
			(char *)"--host-id=me",
			(char *)"--spool-dir=/dev/null/spool",
			(char *)"--log-level=error",
			NULL};
	char *const none[] = {NULL};
	struct daemon_options o;
	struct daemon d;
	char why[512] = "";

	if (daemon_options_parse(&o, 6, argv, none, why, sizeof(why)) < 0)
		fail_msg("%s", why);
	log_set_level((enum log_level)o.log_level);
	o.key_file = key_file;
	o.insecure = insecure;
	resolver_failures = LOOKUPS;
	if (daemon_open(&d, &o, why, sizeof(why)) != -ENOTDIR)
		fail_msg("it does not end at the spool: %s", why);
	daemon_close(&d, 0);
	return LOOKUPS - resolver_failures;
}

static void test_name(void **state)
{
	char path[] = "/tmp/proxtop-key-XXXXXX";
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", 45), 45);
	close(fd);
	assert_int_equal(lookups(path, false), 0);
	unlink(path);
	/* What is to be warned about has to be known. */
	assert_int_equal(lookups(NULL, true), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_name)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
