/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The answers of a VM's monitor.  Counters grow with the time since the generator's
 * start, each VM's at a speed of its own, so that two readings give known rates:
 * VM number i reads i + 1 and writes 2 (i + 1) times a second 4096 bytes on each disk.
 */
#include "fakevm.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define MIB (1024ull * 1024)

/* ---- reading the request ---- */

struct slice {
	const char *text; /* NULL: not there */
	size_t length;
};

/* The end of the string that begins at s (at its quote). */
static const char *string_end(const char *s, const char *end)
{
	char quote = *s++;

	while (s < end && *s != quote)
		s += *s == '\\' && s + 1 < end ? 2 : 1;
	return s < end ? s + 1 : end;
}

/* The value of key at the given depth (1: the object itself).  A string comes without
 * its quotes, anything else as it stands. */
static struct slice member(const char *s, size_t length, unsigned depth, const char *key)
{
	const char *end = s + length, *value;
	size_t n = strlen(key);
	unsigned d = 0;
	bool hit;

	while (s < end) {
		if (*s == '{' || *s == '[')
			d++;
		else if (*s == '}' || *s == ']')
			d--;
		if (*s != '"' && *s != '\'') {
			s++;
			continue;
		}
		value = string_end(s, end);
		hit = d == depth && (size_t)(value - s) == n + 2 && !memcmp(s + 1, key, n);
		s = value;
		value += strspn(value, " \t\r\n");
		if (!hit || value >= end || *value != ':')
			continue;
		value++;
		value += strspn(value, " \t\r\n");
		if (*value == '"' || *value == '\'')
			return (struct slice){value + 1,
					      (size_t)(string_end(value, end) - value) - 2};
		return (struct slice){value, strcspn(value, ",}] \t\r\n")};
	}
	return (struct slice){NULL, 0};
}

static bool is(struct slice s, const char *word)
{
	return s.text && s.length == strlen(word) && !memcmp(s.text, word, s.length);
}

/* ---- writing the answer ---- */

struct answer {
	char *text;
	size_t length, size;
};

__attribute__((format(printf, 2, 3))) static void put(struct answer *a, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(a->text + a->length, a->size - a->length, format, ap);
	va_end(ap);
	if (n > 0 && (size_t)n < a->size - a->length)
		a->length += (size_t)n;
}

static uint64_t elapsed_ms(const struct fakevm *vm)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000 - vm->started_ms;
}

static void put_device_stats(struct answer *a, uint64_t reads, uint64_t writes, bool top)
{
	put(a,
	    "\"stats\": {\"unmap_operations\": 0, \"unmap_merged\": 0, "
	    "\"flush_total_time_ns\": %" PRIu64 ", \"wr_highest_offset\": 4194304, "
	    "\"wr_total_time_ns\": %" PRIu64 ", \"failed_wr_operations\": 0, "
	    "\"failed_rd_operations\": 0, \"wr_merged\": 0, \"wr_bytes\": %" PRIu64 ", "
	    "\"timed_stats\": [], \"failed_unmap_operations\": 0, "
	    "\"failed_flush_operations\": 0, \"account_invalid\": %s, "
	    "\"rd_total_time_ns\": %" PRIu64 ", \"invalid_unmap_operations\": 0, "
	    "\"flush_operations\": %" PRIu64 ", \"wr_operations\": %" PRIu64 ", "
	    "\"unmap_bytes\": 0, \"rd_merged\": 0, \"rd_bytes\": %" PRIu64 ", "
	    "\"unmap_total_time_ns\": 0, \"invalid_flush_operations\": 0, "
	    "\"account_failed\": %s, %s\"rd_operations\": %" PRIu64 ", "
	    "\"invalid_wr_operations\": 0, \"invalid_rd_operations\": 0}",
	    writes / 8 * 900000, writes * 250000, writes * 4096, top ? "true" : "false",
	    reads * 120000, writes / 8, writes, reads * 4096, top ? "true" : "false",
	    top ? "\"idle_time_ns\": 671464, " : "", reads);
}

static void put_blockstats(struct answer *a, const struct fakevm *vm)
{
	uint64_t speed = vm->id - FAKEVM_FIRST_ID + 1;
	uint64_t reads = elapsed_ms(vm) * speed / 1000 + 5000, writes = 2 * reads;

	put(a, "[");
	for (unsigned d = 0; d < vm->disks; d++) {
		put(a, "%s{\"device\": \"drive-scsi%u\", \"parent\": {", d ? ", " : "", d);
		put_device_stats(a, 0, 0, false);
		put(a,
		    ", \"node-name\": \"#block%03u\", \"driver-specific\": {\"discard-bytes-ok\": "
		    "0, \"discard-nb-ok\": 0, \"driver\": \"host_device\", \"discard-nb-failed\": "
		    "0}}, ",
		    75 + 100 * d);
		put_device_stats(a, reads, writes, true);
		put(a, ", \"node-name\": \"#block%03u\", \"qdev\": \"scsi%u\"}", 105 + 100 * d, d);
	}
	put(a, "]");
}

static void put_guest_stats(struct answer *a)
{
	put(a,
	    "{\"stats\": {\"stat-htlb-pgalloc\": 0, \"stat-swap-out\": 0, "
	    "\"stat-available-memory\": %llu, \"stat-htlb-pgfail\": 0, \"stat-free-memory\": %llu, "
	    "\"stat-minor-faults\": 66560, \"stat-major-faults\": 12, \"stat-total-memory\": %llu, "
	    "\"stat-swap-in\": 0, \"stat-disk-caches\": %llu}, \"last-update\": %lld}",
	    1500 * MIB, 1200 * MIB, 2000 * MIB, 250 * MIB, (long long)time(NULL));
}

static void put_balloon(struct answer *a)
{
	put(a,
	    "{\"actual\": %llu, \"max_mem\": %llu, \"last_update\": %lld, \"mem_swapped_in\": 0, "
	    "\"mem_swapped_out\": 0, \"major_page_faults\": 12, \"minor_page_faults\": 66560, "
	    "\"free_mem\": %llu, \"total_mem\": %llu}",
	    2048 * MIB, 2048 * MIB, (long long)time(NULL), 1200 * MIB, 2000 * MIB);
}

static void put_error(struct answer *a, const char *class, struct slice command, const char *desc)
{
	put(a, "\"error\": {\"class\": \"%s\", \"desc\": \"", class);
	put(a, "%s%.*s%s\"}", command.text ? "The command " : "",
	    command.text ? (int)command.length : 0, command.text ? command.text : "", desc);
}

size_t qmp_answer(const struct fakevm *vm, const char *request, size_t length, bool *negotiated,
		  char *out, size_t size)
{
	const struct slice none = {NULL, 0};
	struct slice command = member(request, length, 1, "execute");
	struct slice id = member(request, length, 1, "id");
	struct answer a = {out, 0, size};

	put(&a, "{");
	if (!command.text) {
		put_error(&a, "GenericError", none, "QMP input lacks member 'execute'");
	} else if (!*negotiated && !is(command, "qmp_capabilities")) {
		put_error(&a, "CommandNotFound", none,
			  "Expecting capabilities negotiation with 'qmp_capabilities'");
	} else if (is(command, "qmp_capabilities")) {
		*negotiated = true;
		put(&a, "\"return\": {}");
	} else if (is(command, "query-blockstats")) {
		put(&a, "\"return\": ");
		put_blockstats(&a, vm);
	} else if (is(command, "query-balloon")) {
		put(&a, "\"return\": ");
		put_balloon(&a);
	} else if (is(command, "query-status")) {
		put(&a, "\"return\": {\"status\": \"running\", \"running\": true}");
	} else if (is(command, "qom-get")) {
		struct slice property = member(request, length, 2, "property");

		if (is(property, "guest-stats")) {
			put(&a, "\"return\": ");
			put_guest_stats(&a);
		} else if (is(property, "guest-stats-polling-interval")) {
			put(&a, "\"return\": 2");
		} else {
			put_error(&a, "GenericError", none, "Property not found");
		}
	} else {
		put_error(&a, "CommandNotFound", command, " has not been found");
	}
	if (id.text && id.text > request && (id.text[-1] == '"' || id.text[-1] == '\''))
		put(&a, ", \"id\": \"%.*s\"", (int)id.length, id.text);
	else if (id.text)
		put(&a, ", \"id\": %.*s", (int)id.length, id.text);
	put(&a, "}\r\n");
	return a.length;
}
