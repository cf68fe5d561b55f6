/* SPDX-License-Identifier: Apache-2.0 */
/* QMP answers as readings, and visits to sockets whose other end behaves badly. */
#include "qmp.h"

#include "sample.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define GREETING                                                                                   \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "         \
	"\"package\": \"\"}, \"capabilities\": [\"oob\"]}}\r\n"
#define EMPTY "{\"return\": {}}\r\n"

/* As QEMU 7.2 says it, drive-scsi0 of an old machine type. */
static const char old_stats[] =
	"{\"return\": [{\"device\": \"drive-scsi0\", \"parent\": {\"stats\": {\"wr_bytes\": 999, "
	"\"rd_operations\": 999, \"timed_stats\": []}, \"node-name\": \"#block075\", "
	"\"driver-specific\": {\"driver\": \"file\", \"discard-nb-ok\": 0}}, \"stats\": "
	"{\"unmap_operations\": 0, \"flush_total_time_ns\": 5, \"wr_highest_offset\": 4194304, "
	"\"wr_total_time_ns\": 136427274, \"failed_wr_operations\": 0, \"wr_merged\": 0, "
	"\"wr_bytes\": 71827456, \"timed_stats\": [], \"account_invalid\": true, "
	"\"rd_total_time_ns\": 209309119, \"flush_operations\": 3, \"wr_operations\": 1096, "
	"\"rd_bytes\": 17830400, \"account_failed\": true, \"idle_time_ns\": 671464, "
	"\"rd_operations\": 4354}, \"node-name\": \"#block105\", \"qdev\": \"scsi0\"}, "
	"{\"device\": \"drive-ide2\", \"stats\": {\"rd_operations\": 1}, \"qdev\": \"ide2\"}]}\r\n";

static uint64_t value_of(const struct guest_values *g, enum metric_id m)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->v[i].metric == m)
			return g->v[i].value;
	}
	return ABSENT;
}

static enum qmp_line parse(const char *line, enum qmp_command c, struct qmp_answer *a)
{
	return qmp_parse(line, strlen(line), c, a);
}

static void test_disk_names(void **state)
{
	static const struct {
		const char *device, *qdev, *node, *want; /* NULL: none */
	} cases[] = {
		{"drive-scsi0", "scsi0", "#block105", "scsi0"},
		{"drive-virtio3", "/machine/peripheral/virtio3/virtio-backend", "#b", "virtio3"},
		{"drive-efidisk0", "/machine/system.flash1", "", "efidisk0"},
		{"pflash0", "/machine/system.flash0", "", NULL},
		{"", "scsi0", "drive-scsi0", "scsi0"},
		{"", "sata5", "f1234", "sata5"},
		{"", "ide2", "", "ide2"},
		{"", "/machine/peripheral/virtio0/virtio-backend", "drive-virtio0", "virtio0"},
		{"", "/machine/peripheral/virtio15", "", "virtio15"},
		{"", "/machine/system.flash1", "drive-efidisk0", "efidisk0"},
		{"", "/machine/system.flash0", "pflash0", NULL},
		{"", "/machine/unattached/device[21]", "drive-scsi9", NULL},
		{"", "", "drive-scsi1", "scsi1"},
		{"", "", "f0123456789", NULL},
		{"", "", "", NULL},
		{"", "", "drive-scsi0-fleecing", NULL},
		{"", "", "scsi0-fleecing-file", NULL},
		{"drive-scsi0-fleecing", "", "", NULL},
		{"", "", "drive-tpmstate0-backup", NULL},
		{"drive-0123456789012345678901234567890", "", "",
		 "0123456789012345678901234567890"},
		{"drive-01234567890123456789012345678901", "", "", NULL},
		{"drive-", "scsi4", "", "scsi4"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char name[GUEST_DISK_NAME] = "";
		bool ok = qmp_disk_name(cases[i].device, cases[i].qdev, cases[i].node, name);

		if (ok != !!cases[i].want || (ok && strcmp(name, cases[i].want)))
			fail_msg("device %s, qdev %s, node %s gives %s", cases[i].device,
				 cases[i].qdev, cases[i].node, ok ? name : "(none)");
	}
}

static void test_blockstats(void **state)
{
	struct qmp_disks d;
	struct qmp_answer a = {.disks = &d};
	const struct guest_values *v = &d.disk[0].values;

	(void)state;
	assert_int_equal(parse(old_stats, QMP_BLOCKSTATS, &a), QMP_RETURN);
	assert_int_equal(d.n, 2);
	assert_string_equal(d.disk[0].name, "scsi0");
	assert_string_equal(d.disk[1].name, "ide2");
	assert_int_equal(v->n, 8);
	assert_int_equal(value_of(v, M_VD_RD_OPS), 4354);
	assert_int_equal(value_of(v, M_VD_WR_OPS), 1096);
	assert_int_equal(value_of(v, M_VD_RD_BYTES), 17830400);
	assert_int_equal(value_of(v, M_VD_WR_BYTES), 71827456);
	assert_int_equal(value_of(v, M_VD_FL_OPS), 3);
	assert_int_equal(value_of(v, M_VD_RD_NS), 209309119);
	assert_int_equal(value_of(v, M_VD_WR_NS), 136427274);
	assert_int_equal(value_of(v, M_VD_FL_NS), 5);

	/* negative and too large numbers, and wrong types, are absent */
	assert_int_equal(
		parse("{\"return\":[{\"device\":\"drive-scsi0\",\"stats\":{\"rd_bytes\":-1,"
		      "\"wr_bytes\":99999999999999999999,\"rd_operations\":\"5\","
		      "\"wr_operations\":{\"a\":[1]},\"flush_operations\":7}},"
		      "{\"device\":5,\"qdev\":null,\"stats\":{\"rd_bytes\":1}},"
		      "{\"device\":\"drive-a\\u0041\",\"stats\":{\"rd_bytes\":1}},"
		      "{\"device\":\"drive-scsi2\"},{}]}",
		      QMP_BLOCKSTATS, &a),
		QMP_RETURN);
	assert_int_equal(d.n, 1);
	assert_int_equal(v->n, 1);
	assert_int_equal(value_of(v, M_VD_FL_OPS), 7);
}

/* Cut at each byte: never half a reading. */
static void test_cut_answer(void **state)
{
	struct qmp_disks d;
	struct qmp_answer a = {.disks = &d};
	size_t whole = sizeof(old_stats) - 3; /* without \r\n and NUL */

	(void)state;
	for (size_t n = 0; n <= whole; n++) {
		char *exact = malloc(n ? n : 1);
		enum qmp_line kind;

		memcpy(exact, old_stats, n);
		d.n = 77;
		kind = qmp_parse(exact, n, QMP_BLOCKSTATS, &a);
		free(exact);
		if (kind != (n == whole ? QMP_RETURN : QMP_BAD))
			fail_msg("cut at %zu: kind %d", n, kind);
		if (n < whole && d.n)
			fail_msg("cut at %zu: %u disks", n, d.n);
	}
}

static void test_too_many_disks(void **state)
{
	static char text[200 * 64];
	struct qmp_disks d;
	struct qmp_answer a = {.disks = &d};
	int n = snprintf(text, sizeof(text), "{\"return\":[");

	(void)state;
	for (unsigned i = 0; i < 150; i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n,
			      "%s{\"device\":\"drive-x%u\",\"stats\":{\"rd_bytes\":%u}}",
			      i ? "," : "", i, i);
	n += snprintf(text + n, sizeof(text) - (size_t)n, "]}");
	assert_int_equal(qmp_parse(text, (size_t)n, QMP_BLOCKSTATS, &a), QMP_RETURN);
	assert_int_equal(d.n, VM_DISKS_MAX);
	assert_string_equal(d.disk[63].name, "x63");
}

static void test_balloon(void **state)
{
	struct qmp_answer a = {.disks = NULL};
	const struct qmp_balloon *b = &a.balloon;

	(void)state;
	assert_int_equal(parse("{\"return\": {\"actual\": 201326592}}", QMP_BALLOON, &a),
			 QMP_RETURN);
	assert_int_equal(b->actual, 201326592);
	assert_int_equal(b->max, ABSENT);
	assert_false(b->has_guest);

	assert_int_equal(parse("{\"return\": {\"actual\": 4294967296, \"max_mem\": 8589934592, "
			       "\"last_update\": 1795540446, \"mem_swapped_in\": 1, "
			       "\"mem_swapped_out\": 2, \"major_page_faults\": 3, \"free_mem\": 4, "
			       "\"total_mem\": 5}}",
			       QMP_BALLOON, &a),
			 QMP_RETURN);
	assert_true(b->has_guest);
	assert_int_equal(b->max, 8589934592);
	assert_int_equal(b->updated, 1795540446);
	assert_int_equal(b->swap_in, 1);
	assert_int_equal(b->swap_out, 2);
	assert_int_equal(b->free, 4);
	assert_int_equal(b->total, 5);
	assert_int_equal(b->available, ABSENT);

	/* the size stays what query-balloon said */
	assert_int_equal(parse("{\"return\": {\"stats\": {\"stat-htlb-pgalloc\": 0, "
			       "\"stat-swap-out\": 18446744073709551615, "
			       "\"stat-available-memory\": 134594560, \"stat-free-memory\": "
			       "129945600, \"stat-total-memory\": 161628160, \"stat-swap-in\": 0}, "
			       "\"last-update\": 1795540446}}",
			       QMP_GUEST_STATS, &a),
			 QMP_RETURN);
	assert_int_equal(b->actual, 4294967296);
	assert_true(b->has_guest);
	assert_int_equal(b->available, 134594560);
	assert_int_equal(b->swap_out, ABSENT);
	assert_int_equal(b->swap_in, 0);

	/* a guest without a driver: all ones and no time */
	assert_int_equal(parse("{\"return\": {\"stats\": {\"stat-free-memory\": "
			       "18446744073709551615}, \"last-update\": 0}}",
			       QMP_GUEST_STATS, &a),
			 QMP_RETURN);
	assert_false(b->has_guest);
	assert_int_equal(b->updated, 0);
}

static void test_status(void **state)
{
	static const struct {
		const char *status;
		enum vm_state want;
	} cases[] = {
		{"running", VM_RUNNING},
		{"paused", VM_PAUSED},
		{"prelaunch", VM_PAUSED},
		{"inmigrate", VM_MIGRATING_IN},
		{"io-error", VM_BLOCKED},
		{"internal-error", VM_CRASHED},
		{"guest-panicked", VM_CRASHED},
		{"shutdown", VM_SHUTDOWN},
		{"suspended", VM_SUSPENDED},
		{"run", VM_UNKNOWN},
		{"", VM_UNKNOWN},
	};
	struct qmp_answer a = {.disks = NULL};
	char line[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(line, sizeof(line),
			 "{\"return\": {\"status\": \"%s\", \"running\": true}}", cases[i].status);
		assert_int_equal(parse(line, QMP_STATUS, &a), QMP_RETURN);
		if (a.state != cases[i].want)
			fail_msg("%s is state %d", cases[i].status, a.state);
	}
}

static void test_lines(void **state)
{
	struct qmp_answer a = {.disks = NULL};

	(void)state;
	assert_int_equal(parse("{\"QMP\": {}}", QMP_CAPABILITIES, &a), QMP_GREETING);
	assert_int_equal(
		parse("{\"timestamp\": {\"seconds\": 1}, \"event\": \"STOP\"}", QMP_STATUS, &a),
		QMP_EVENT);
	assert_int_equal(parse("{\"error\": {\"class\": \"DeviceNotActive\"}}", QMP_BALLOON, &a),
			 QMP_ERROR);
	assert_int_equal(parse("{}", QMP_BALLOON, &a), QMP_BAD);
	assert_int_equal(parse("[]", QMP_BALLOON, &a), QMP_BAD);
	assert_int_equal(parse("hello", QMP_BALLOON, &a), QMP_BAD);
	assert_int_equal(parse("{\"return\": []}", QMP_BALLOON, &a), QMP_BAD);
	assert_int_equal(parse("{\"return\": {}} x", QMP_STATUS, &a), QMP_BAD);
}

/* ---- visits ---- */

struct server {
	char dir[64];
	int listener;
	const char *says; /* all that it will ever say, at once */
	size_t n;
	unsigned piece;           /* bytes at a time, 0: all */
	bool hang_up;             /* closes when it has said it */
	unsigned long long flood; /* bytes more of 'x' */
	char heard[1024];
	pthread_t thread;
};

static void *serve(void *arg)
{
	struct server *s = arg;
	int fd = accept(s->listener, NULL, NULL);
	static char junk[65536];
	ssize_t n;

	for (size_t at = 0; at < s->n;) {
		size_t some = s->piece && s->piece < s->n - at ? s->piece : s->n - at;

		n = send(fd, s->says + at, some, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		at += (size_t)n;
		if (s->piece)
			usleep(200);
	}
	memset(junk, 'x', sizeof(junk));
	while (s->flood) {
		n = send(fd, junk, sizeof(junk), MSG_NOSIGNAL);
		if (n <= 0)
			break;
		s->flood -= (unsigned long long)n < s->flood ? (unsigned long long)n : s->flood;
	}
	if (s->hang_up)
		shutdown(fd, SHUT_WR);
	for (size_t used = 0; used < sizeof(s->heard) - 1; used += (size_t)n) {
		n = read(fd, s->heard + used, sizeof(s->heard) - 1 - used);
		if (n <= 0)
			break;
	}
	close(fd);
	return NULL;
}

static void server_listen(struct server *s)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	strcpy(s->dir, "/tmp/test_qmp.XXXXXX");
	if (!mkdtemp(s->dir))
		fail_msg("no directory: %s", strerror(errno));
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/100.qmp", s->dir);
	s->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(s->listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(s->listener, 1) < 0)
		fail_msg("no socket: %s", strerror(errno));
}

static void server_start(struct server *s, const char *says)
{
	s->says = says;
	s->n = strlen(says);
	server_listen(s);
	pthread_create(&s->thread, NULL, serve, s);
}

static void server_end(struct server *s)
{
	char path[128];

	pthread_join(s->thread, NULL);
	close(s->listener);
	snprintf(path, sizeof(path), "%s/100.qmp", s->dir);
	unlink(path);
	rmdir(s->dir);
}

static struct qmp_scratch scratch;
static struct qmp_disks got;
static unsigned disk_answers;

static void take_disks(void *arg, struct qmp_disks *disks)
{
	(void)arg;
	got = *disks;
	disk_answers++;
}

/* Drives a visit for at most ms; its result, 0 when it did not end. */
static int drive(struct qmp_visit *v, int ms)
{
	struct timespec t;
	long end;

	clock_gettime(CLOCK_MONOTONIC, &t);
	end = t.tv_sec * 1000 + t.tv_nsec / 1000000 + ms;
	scratch.take_disks = take_disks;
	for (;;) {
		struct pollfd p = {.fd = v->fd, .events = POLLIN};
		long left;
		int r;

		clock_gettime(CLOCK_MONOTONIC, &t);
		left = end - t.tv_sec * 1000 - t.tv_nsec / 1000000;
		if (left <= 0 || poll(&p, 1, (int)left) <= 0)
			return 0;
		r = qmp_read(v, &scratch);
		if (r)
			return r;
	}
}

#define ALL (1u << QMP_BLOCKSTATS | 1u << QMP_BALLOON | 1u << QMP_STATUS)

static void test_visit(void **state)
{
	static const char rest[] =
		"{\"timestamp\": {}, \"event\": \"RTC_CHANGE\"}\r\n"
		"{\"error\": {\"class\": \"DeviceNotActive\", \"desc\": \"No balloon\"}}\r\n"
		"{\"return\": {\"status\": \"paused\"}}\r\n";
	static char says[8192];
	static const unsigned pieces[] = {0, 1, 7, 300};

	(void)state;
	snprintf(says, sizeof(says), "%s%s%s%s", GREETING, EMPTY, old_stats, rest);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct server s = {.piece = pieces[i]};
		struct qmp_visit v = QMP_NO_VISIT;
		int r;

		disk_answers = 0;
		server_start(&s, says);
		assert_int_equal(qmp_start(&v, s.dir, 100, ALL, "p"), 0);
		r = drive(&v, 5000);
		if (r != 1)
			fail_msg("in pieces of %u: %d", pieces[i], r);
		assert_int_equal(disk_answers, 1);
		assert_int_equal(got.n, 2);
		assert_true(v.failed & 1u << QMP_BALLOON);
		assert_int_equal(v.answer.state, VM_PAUSED);
		qmp_close(&v);
		server_end(&s);
		assert_string_equal(
			s.heard,
			"{\"execute\":\"qmp_capabilities\"}{\"execute\":\"query-blockstats\"}"
			"{\"execute\":\"query-balloon\"}{\"execute\":\"query-status\"}");
	}
}

static void test_bad_ends(void **state)
{
	static const struct {
		const char *name, *says;
		bool hang_up;
		unsigned long long flood;
		int want;
	} cases[] = {
		{"silent", "", false, 0, 0},
		{"hangs up at once", "", true, 0, -ECONNRESET},
		{"greets only", GREETING, false, 0, 0},
		{"hangs up after the greeting", GREETING, true, 0, -ECONNRESET},
		{"cut answer", GREETING EMPTY "{\"return\": [{\"device\"", true, 0, -ECONNRESET},
		{"no QMP", "220 smtp ready\r\n", false, 0, -EPROTO},
		{"answer before the greeting", EMPTY, false, 0, -EPROTO},
		{"event before the greeting", "{\"event\": 1}\n", false, 0, -EPROTO},
		{"refuses capabilities", GREETING "{\"error\": {}}\n", false, 0, -EPROTO},
		{"broken JSON", GREETING EMPTY "{\"return\": [}\n", false, 0, -EPROTO},
		{"one answer too many",
		 GREETING EMPTY "{\"error\":{}}\n{\"error\":{}}\n{\"error\":{}}\n" EMPTY, false, 0,
		 -EPROTO},
		{"100 MB without an end", GREETING, false, 100u << 20, -EMSGSIZE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct server s = {.hang_up = cases[i].hang_up, .flood = cases[i].flood};
		struct qmp_visit v = QMP_NO_VISIT;
		int r;

		server_start(&s, cases[i].says);
		assert_int_equal(qmp_start(&v, s.dir, 100, ALL, "p"), 0);
		r = drive(&v, cases[i].want ? 5000 : 100);
		if (r != cases[i].want)
			fail_msg("%s: %d, not %d", cases[i].name, r, cases[i].want);
		if (v.rest_room > 2 * QMP_BYTES_MAX)
			fail_msg("%s: %zu bytes kept", cases[i].name, v.rest_room);
		qmp_close(&v);
		server_end(&s);
	}
}

/* Nobody accepts: the first wait in the backlog, further ones are told at once. */
static void test_busy(void **state)
{
	struct server s = {.n = 0};
	struct qmp_visit v[8];
	char path[128];
	int r = 0;

	(void)state;
	server_listen(&s);
	for (unsigned i = 0; i < 8; i++) {
		v[i].fd = -1;
		v[i].rest = NULL;
	}
	for (unsigned i = 0; i < 8 && r == 0; i++)
		r = qmp_start(&v[i], s.dir, 100, ALL, "p");
	assert_int_equal(r, -EAGAIN);
	for (unsigned i = 0; i < 8; i++)
		qmp_close(&v[i]);
	close(s.listener);
	assert_int_equal(qmp_start(&v[0], s.dir, 100, ALL, "p"), -ECONNREFUSED);
	assert_int_equal(qmp_start(&v[0], s.dir, 101, ALL, "p"), -ENOENT);
	snprintf(path, sizeof(path), "%s/100.qmp", s.dir);
	unlink(path);
	rmdir(s.dir);
}

/* A path longer than a socket address holds. */
static void test_long_path(void **state)
{
	char here[64], dir[400], path[512];
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	struct qmp_visit v = QMP_NO_VISIT;
	int listener = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)state;
	strcpy(here, "/tmp/test_qmp.XXXXXX");
	assert_non_null(mkdtemp(here));
	snprintf(dir, sizeof(dir), "%s/%0150d", here, 0);
	assert_int_equal(mkdir(dir, 0700), 0);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/100.qmp", here);
	assert_int_equal(bind(listener, (struct sockaddr *)&a, sizeof(a)), 0);
	assert_int_equal(listen(listener, 1), 0);
	snprintf(path, sizeof(path), "%s/100.qmp", dir);
	assert_int_equal(rename(a.sun_path, path), 0);
	assert_int_equal(qmp_start(&v, dir, 100, ALL, "p"), 0);
	qmp_close(&v);
	close(listener);
	unlink(path);
	rmdir(dir);
	rmdir(here);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disk_names), cmocka_unit_test(test_blockstats),
		cmocka_unit_test(test_cut_answer), cmocka_unit_test(test_too_many_disks),
		cmocka_unit_test(test_balloon),    cmocka_unit_test(test_status),
		cmocka_unit_test(test_lines),      cmocka_unit_test(test_visit),
		cmocka_unit_test(test_bad_ends),   cmocka_unit_test(test_busy),
		cmocka_unit_test(test_long_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
