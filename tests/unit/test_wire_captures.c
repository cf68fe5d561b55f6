/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames and messages that were captured once stay readable: each in wire/ gives what was
 * written beside it (frames: NAME.values) or stands in wire_messages.h.  wire/README.md
 * says how they came about.
 *
 *   test_wire_captures --write DIR v1               made-up ones as this version writes them
 *   test_wire_captures --write DIR v1-NAME FRAME    of a frame in a file
 */
#include "frame.h"
#include "message.h"
#include "wire_compare.h"
#include "wire_messages.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

static void load(struct buf *to, const char *dir, const char *name)
{
	char path[4096];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	buf_clear(to);
	f = fopen(path, "r");
	if (!f)
		fail_msg("%s: %s", path, strerror(errno));
	while ((c = getc(f)) != EOF)
		buf_byte(to, (char)c);
	fclose(f);
}

/* ---- a sample as lines ---- */

static void line(struct buf *b, const char *scope, uint32_t row, const char *what, uint64_t v)
{
	buf_text(b, scope);
	buf_byte(b, '\t');
	buf_u64(b, row);
	buf_byte(b, '\t');
	buf_text(b, what);
	buf_byte(b, '\t');
	buf_u64(b, v);
	buf_byte(b, '\n');
}

static void text_line(struct buf *b, const char *scope, uint32_t row, const char *what,
		      const char *text)
{
	buf_text(b, scope);
	buf_byte(b, '\t');
	buf_u64(b, row);
	buf_byte(b, '\t');
	buf_text(b, what);
	buf_lit(b, "\t\"");
	buf_tsv_string(b, text);
	buf_lit(b, "\"\n");
}

static void row_lines(struct buf *b, const struct sample *s, enum scope scope, uint32_t row)
{
	const struct table *t = &s->table[scope];
	const char *name = scope_names[scope];

	line(b, name, row, "(id)", t->id[row]);
	line(b, name, row, "(parent)", t->parent[row]);
	line(b, name, row, "(counted)", t->counted[row]);
	if (t->read_ns[row] != ABSENT)
		line(b, name, row, "(read)", t->read_ns[row]);
	if (t->prev_ns[row] != ABSENT)
		line(b, name, row, "(read before)", t->prev_ns[row]);
	for (int m = 0; m < METRICS; m++) {
		uint64_t v = sample_get(s, scope, row, m);
		char before[64];

		if (v == ABSENT)
			continue;
		if (metrics[m].kind == INFO) {
			text_line(b, name, row, metrics[m].name, sample_text(s, scope, row, m));
			continue;
		}
		line(b, name, row, metrics[m].name, v);
		if (wire_previous(s, scope, row, m) == ABSENT)
			continue;
		snprintf(before, sizeof(before), "%s (before)", metrics[m].name);
		line(b, name, row, before, wire_previous(s, scope, row, m));
	}
}

static void all_lines(struct buf *b, const struct frame_head *h, const struct sample *s)
{
	text_line(b, "head", 0, "host id", h->host_id);
	text_line(b, "head", 0, "host", h->host_name);
	text_line(b, "head", 0, "agent", h->version);
	line(b, "head", 0, "interval", h->interval_ns);
	line(b, "head", 0, "epoch", s->epoch);
	line(b, "head", 0, "sequence", s->sequence);
	line(b, "head", 0, "boot", s->boot_ns);
	line(b, "head", 0, "wall", s->wall_ns);
	for (int i = 0; i < SCOPES; i++)
		for (uint32_t r = 0; r < s->table[i].rows; r++)
			row_lines(b, s, i, r);
	buf_byte(b, '\0');
}

/* ---- sets of lines: the order is the metric table's, which may change ---- */

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static char **sorted(char *text, size_t *ret_n)
{
	char **lines = calloc(strlen(text) + 1, sizeof(*lines)), *save = NULL;
	size_t n = 0;

	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		lines[n++] = l;
	qsort(lines, n, sizeof(*lines), compare);
	*ret_n = n;
	return lines;
}

static void same_lines(const char *name, char *want, char *have)
{
	size_t n_want, n_have;
	char **a = sorted(want, &n_want), **b = sorted(have, &n_have);

	for (size_t i = 0; i < n_want && i < n_have; i++)
		if (strcmp(a[i], b[i]))
			fail_msg("%s: was '%s', is now '%s'", name, a[i], b[i]);
	if (n_want != n_have)
		fail_msg("%s: %zu lines, should be %zu", name, n_have, n_want);
	free(a);
	free(b);
}

/* ---- tests ---- */

#define CAPTURES SOURCE_DIR "/tests/unit/wire"

static void check_frame(const char *name)
{
	struct sample *s = sample_new();
	struct buf bytes, want, have;
	struct frame_head head;
	char values[300];
	int r;

	buf_init(&bytes, FRAME_MAX);
	buf_init(&want, FRAME_MAX);
	buf_init(&have, FRAME_MAX);
	load(&bytes, CAPTURES, name);
	r = frame_decode(s, &head, bytes.data, bytes.used);
	if (r)
		fail_msg("%s: %d", name, r);
	snprintf(values, sizeof(values), "%.*s.values", (int)strcspn(name, "."), name);
	load(&want, CAPTURES, values);
	buf_byte(&want, '\0');
	all_lines(&have, &head, s);
	same_lines(name, want.data, have.data);
	buf_fini(&bytes);
	buf_fini(&want);
	buf_fini(&have);
	sample_free(s);
}

static bool ends_with(const char *name, const char *end)
{
	size_t n = strlen(name), m = strlen(end);

	return n > m && !strcmp(name + n - m, end);
}

static void captured_frames(void **state)
{
	DIR *d = opendir(CAPTURES);
	const struct dirent *e;
	unsigned n = 0;

	(void)state;
	assert_non_null(d);
	while ((e = readdir(d)))
		if (ends_with(e->d_name, ".frame")) {
			check_frame(e->d_name);
			n++;
		}
	closedir(d);
	assert_true(n >= 2);
}

static void captured_messages(void **state)
{
	struct wire_uplink_request uplink_request;
	struct wire_uplink_reply uplink_reply;
	struct wire_feed_request feed_request;
	struct wire_feed_reply feed_reply;
	struct uplink_request a;
	struct uplink_reply b;
	struct feed_request c;
	struct feed_reply d;
	struct buf bytes;

	(void)state;
	buf_init(&bytes, MESSAGE_MAX);
	load(&bytes, CAPTURES, "v1-uplink-request.message");
	assert_int_equal(uplink_request_decode(&a, bytes.data, bytes.used), 0);
	wire_make_uplink_request(&uplink_request);
	wire_same_uplink_request(&uplink_request.m, &a);
	uplink_request_fini(&a);
	load(&bytes, CAPTURES, "v1-uplink-reply.message");
	assert_int_equal(uplink_reply_decode(&b, bytes.data, bytes.used), 0);
	wire_make_uplink_reply(&uplink_reply);
	wire_same_uplink_reply(&uplink_reply.m, &b);
	uplink_reply_fini(&b);
	load(&bytes, CAPTURES, "v1-feed-request.message");
	assert_int_equal(feed_request_decode(&c, bytes.data, bytes.used), 0);
	wire_make_feed_request(&feed_request);
	wire_same_feed_request(&feed_request.m, &c);
	feed_request_fini(&c);
	load(&bytes, CAPTURES, "v1-feed-reply.message");
	assert_int_equal(feed_reply_decode(&d, bytes.data, bytes.used), 0);
	wire_make_feed_reply(&feed_reply);
	wire_same_feed_reply(&feed_reply.m, &d);
	feed_reply_fini(&d);
	buf_fini(&bytes);
}

/* The bytes in the README are those of a capture. */
static void documented_example(void **state)
{
	struct buf text, capture;
	const char *p;

	(void)state;
	buf_init(&text, FRAME_MAX);
	buf_init(&capture, FRAME_MAX);
	load(&text, SOURCE_DIR "/common/wire", "README.md");
	buf_byte(&text, '\0');
	load(&capture, CAPTURES, "v1-example.frame");
	p = strstr(text.data, "```hex\n");
	assert_non_null(p);
	p += strlen("```hex\n");
	for (size_t i = 0; i < capture.used; i++) {
		char *end;
		unsigned long byte = strtoul(p, &end, 16);

		if (end == p || byte != (unsigned char)capture.data[i])
			fail_msg("README.md: byte %zu is not the capture's", i);
		p = end;
	}
	assert_int_equal(strspn(p, "\n"), 1);
	assert_int_equal(strncmp(p, "\n```", 4), 0);
	buf_fini(&text);
	buf_fini(&capture);
}

/* ---- new captures ---- */

static void save(const char *dir, const char *name, const char *bytes, size_t n)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) {
		perror(path);
		exit(1);
	}
}

static void save_frame(const char *dir, const char *name, const struct buf *bytes)
{
	struct sample *s = sample_new();
	struct frame_head head;
	struct buf lines;
	char file[300];

	if (frame_decode(s, &head, bytes->data, bytes->used)) {
		fprintf(stderr, "%s: no frame\n", name);
		exit(1);
	}
	buf_init(&lines, FRAME_MAX);
	all_lines(&lines, &head, s);
	snprintf(file, sizeof(file), "%s.frame", name);
	save(dir, file, bytes->data, bytes->used);
	snprintf(file, sizeof(file), "%s.values", name);
	save(dir, file, lines.data, lines.used - 1);
	buf_fini(&lines);
	sample_free(s);
}

/* A made-up host, and one message of each kind, as this version writes them. */
static void write_made(const char *dir, const char *version)
{
	const struct wire_host h = {.vms = 4, .vcpus = 2, .disks = 2, .nics = 2, .seed = 11};
	struct wire_uplink_request uplink_request;
	struct wire_uplink_reply uplink_reply;
	struct wire_feed_request feed_request;
	struct wire_feed_reply feed_reply;
	struct sample *s = sample_new();
	struct frame_head head;
	char name[300];
	struct buf b;

	buf_init(&b, MESSAGE_MAX);
	wire_fill(s, &h);
	wire_head(&head, s);
	if (frame_encode(&b, &head, s))
		exit(1);
	snprintf(name, sizeof(name), "%s-made", version);
	save_frame(dir, name, &b);
	sample_free(s);
#define SAVE(kind, file)                                                                           \
	wire_make_##kind(&kind);                                                                   \
	buf_clear(&b);                                                                             \
	kind##_encode(&b, &kind.m);                                                                \
	snprintf(name, sizeof(name), "%s-" file ".message", version);                              \
	save(dir, name, b.data, b.used)
	SAVE(uplink_request, "uplink-request");
	SAVE(uplink_reply, "uplink-reply");
	SAVE(feed_request, "feed-request");
	SAVE(feed_reply, "feed-reply");
	buf_fini(&b);
}

static void write_values(const char *dir, const char *name, const char *frame)
{
	struct buf b;

	buf_init(&b, FRAME_MAX);
	load(&b, ".", frame);
	save_frame(dir, name, &b);
	buf_fini(&b);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(captured_frames),
		cmocka_unit_test(captured_messages),
		cmocka_unit_test(documented_example),
	};

	if (argc == 4 && !strcmp(argv[1], "--write")) {
		write_made(argv[2], argv[3]);
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "--write")) {
		write_values(argv[2], argv[3], argv[4]);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
