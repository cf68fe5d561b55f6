/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_TEST_SINK_KIT_H
#define PROXTOP_TEST_SINK_KIT_H

/* What the tests of sinks share: a directory of their own, and what was said. */
#include "capture.h"
#include "fake_resolver.h"
#include "sink.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

static struct capture c;

static char dir[64];

static inline char *in_dir(const char *name)
{
	static char path[4][128];
	static unsigned turn;
	char *p = path[turn++ % 4];

	snprintf(p, sizeof(path[0]), "%s/%s", dir, name);
	return p;
}

static inline struct sink *must_open(const char *output, const char *target, bool whole)
{
	struct sink_options o = {.output = output, .target = target, .whole_file = whole};
	char why[256] = "";
	struct sink *s;

	if (sink_open(&s, &o, why, sizeof(why)) < 0)
		fail_msg("%s to %s: %s", output, target ? target : "-", why);
	return s;
}

static inline void put(struct sink *s, const char *text)
{
	int r = sink_write(s, text, strlen(text));

	if (r < 0)
		fail_msg("\"%s\": %s", text, strerror(-r));
}

static inline void stats_are(struct sink *s, uint64_t records, uint64_t bytes, uint64_t dropped)
{
	struct sink_stats have;

	sink_stats(s, &have);
	if (have.records != records || have.bytes != bytes || have.dropped != dropped)
		fail_msg("%lu records, %lu bytes, %lu dropped; not %lu, %lu, %lu",
			 (unsigned long)have.records, (unsigned long)have.bytes,
			 (unsigned long)have.dropped, (unsigned long)records, (unsigned long)bytes,
			 (unsigned long)dropped);
}

static inline int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/test_sink.XXXXXX");
	signal(SIGPIPE, SIG_IGN); /* as the program does */
	signal(SIGXFSZ, SIG_IGN);
	return mkdtemp(dir) ? 0 : -1;
}

static inline int remove_dir(void **state)
{
	static const char *const names[] = {"append", "log",  "log.1", "log.2",  "full",
					    "fifo",   "link", "other", "atomic", "metrics.prom"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		unlink(in_dir(names[i]));
	/* Anything else in there should not be. */
	return rmdir(dir);
}

static inline int end(void **state)
{
	(void)state;
	capture_end(&c);
	return 0;
}

#define TEST(f) cmocka_unit_test_teardown(f, end)

#endif
