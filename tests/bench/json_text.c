/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fast frames in memory become JSON text, beside the same document made with snprintf
 * and with jansson.  One line per way; all are of one run, in turns, the best of several
 * rounds.  It fails when the way from frames to text is slower than wanted.
 *
 *   json_text [VMS]       100 by default
 *   json_text --check     only whether all ways make the same document
 */
#include "json_text.h"
#include "../unit/wire_sample.h"

#include "frame.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>

/* Different ones in turn: of one alone the processor would learn which digits come next. */
#define HOSTS  50u
#define ROUNDS 9

struct bench {
	struct buf before[HOSTS], now[HOSTS], text;
	struct sample *a, *b, *kept[HOSTS][2];
	struct view *scratch, *view[HOSTS]; /* each of its host's kept samples */
	struct printer *printer;
	size_t bytes; /* of what was made last */
	unsigned next;
};

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec * 1e-3;
}

static int keep(void *arg, const char *data, size_t n)
{
	struct bench *b = arg;

	(void)data;
	b->bytes = n;
	return 0;
}

static void decode(struct sample *s, const struct buf *frame)
{
	struct frame_head head;

	if (frame_decode(s, &head, frame->data, frame->used) < 0)
		abort();
}

static void print(struct bench *b, const struct view *v)
{
	unsigned dropped;

	if (printer_print(b->printer, v, keep, b, &dropped) < 0 || dropped)
		abort();
}

static unsigned next(struct bench *b)
{
	return b->next++ % HOSTS;
}

static void text(struct bench *b)
{
	print(b, b->view[next(b)]);
}

static void derive_text(struct bench *b)
{
	unsigned host = next(b);

	view_derive(b->scratch, b->kept[host][0], b->kept[host][1]);
	print(b, b->scratch);
}

static void decode_both(struct bench *b)
{
	unsigned host = next(b);

	decode(b->a, &b->before[host]);
	decode(b->b, &b->now[host]);
}

static void decode_derive_text(struct bench *b)
{
	decode_both(b);
	view_derive(b->scratch, b->a, b->b);
	print(b, b->scratch);
}

static void with_snprintf(struct bench *b)
{
	json_text_snprintf(b->printer, b->view[next(b)], &b->text);
	b->bytes = b->text.used;
}

/* Numbers of jansson have up to 17 digits; 15 are what a double holds in any case. */
#define JANSSON (JSON_COMPACT | JSON_REAL_PRECISION(15))

static void with_jansson(struct bench *b)
{
	json_t *tree = json_text_tree(b->printer, b->view[next(b)]);
	char *made = json_dumps(tree, JANSSON);

	if (!made)
		abort();
	b->bytes = strlen(made);
	free(made);
	json_decref(tree);
}

static const struct {
	const char *name;
	void (*run)(struct bench *b);
	unsigned repeat;
} ways[] = {
	{"text of two samples' rates", text, 60},
	{"derive and text", derive_text, 60},
	{"decode both, derive and text", decode_derive_text, 60},
	{"decode both alone", decode_both, 60},
	{"snprintf, text alone", with_snprintf, 6},
	{"jansson, text alone", with_jansson, 6},
};
#define WAYS       (sizeof(ways) / sizeof(*ways))
#define ALL_OF_IT  2   /* the way from frames in memory to text */
#define WANTED_GBS 1.0 /* of it, per core */

/* Fast enough? */
static bool times(struct bench *b)
{
	double best[WAYS];
	size_t bytes[WAYS];

	for (int round = 0; round < ROUNDS; round++)
		for (size_t w = 0; w < WAYS; w++) {
			double began = now_us(), took;
			size_t made = 0;

			for (unsigned i = 0; i < ways[w].repeat; i++) {
				ways[w].run(b);
				made += b->bytes;
			}
			took = (now_us() - began) / (double)made;
			if (round && took >= best[w])
				continue;
			best[w] = took;
			bytes[w] = made / ways[w].repeat;
		}
	for (size_t w = 0; w < WAYS; w++)
		printf("%-30s %7zu B in %8.1f us  %6.3f GB/s\n", ways[w].name, bytes[w],
		       best[w] * (double)bytes[w], 1e-3 / best[w]);
	/* The last two are the others'. */
	printf("text alone is %.1f times as fast as with snprintf, %.1f times as with jansson\n",
	       best[WAYS - 2] / best[0], best[WAYS - 1] / best[0]);
	if (1e-3 / best[ALL_OF_IT] >= WANTED_GBS)
		return true;
	printf("%s: below %.1f GB/s\n", ways[ALL_OF_IT].name, WANTED_GBS);
	return false;
}

/* Where a number lies between two, jansson's may have been rounded the other way. */
static bool same(const json_t *a, const json_t *b)
{
	const char *key;
	json_t *value;
	size_t i;

	if (json_is_number(a) && json_is_number(b))
		return fabs(json_number_value(a) - json_number_value(b)) <=
		       1e-9 * fabs(json_number_value(a)) + 0.011;
	if (json_typeof(a) != json_typeof(b))
		return false;
	if (json_is_array(a)) {
		if (json_array_size(a) != json_array_size(b))
			return false;
		json_array_foreach((json_t *)(uintptr_t)a, i,
				   value) if (!same(value, json_array_get(b, i))) return false;
		return true;
	}
	if (!json_is_object(a))
		return json_equal(a, b);
	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach((json_t *)(uintptr_t)a, key,
			    value) if (!json_object_get(b, key) ||
				       !same(value, json_object_get(b, key))) return false;
	return true;
}

static bool check(struct bench *b)
{
	const struct buf *ours = &b->printer->out;
	json_t *read, *tree;
	char *dumped;
	bool well = true;

	print(b, b->view[0]);
	json_text_snprintf(b->printer, b->view[0], &b->text);
	if (ours->used != b->text.used || memcmp(ours->data, b->text.data, ours->used)) {
		puts("snprintf makes another document");
		well = false;
	}
	read = json_loadb(ours->data, ours->used, 0, NULL);
	dumped = json_dumps(tree = json_text_tree(b->printer, b->view[0]), JANSSON);
	json_decref(tree);
	tree = json_loads(dumped, 0, NULL);
	free(dumped);
	if (!read || !tree || !same(read, tree)) {
		puts("jansson makes another document");
		well = false;
	}
	json_decref(read);
	json_decref(tree);
	return well;
}

static void make_frame(struct buf *to, struct sample *s, const struct wire_host *h)
{
	struct frame_head head;

	wire_fill(s, h);
	wire_head(&head, s);
	buf_init(to, FRAME_MAX);
	if (frame_encode(to, &head, s) < 0)
		abort();
}

static void make(struct bench *b, unsigned vms)
{
	const struct printer_options o = {.verbose = true, .families = ~0u, .record_max = SIZE_MAX};
	struct wire_host h = {.vms = vms, .vcpus = 2, .disks = 1, .nics = 1};

	b->a = sample_new();
	b->b = sample_new();
	b->scratch = view_new();
	b->printer = printer_new("json", &o);
	buf_init(&b->text, 1u << 30);
	for (unsigned i = 0; i < HOSTS; i++) {
		h.seed = i + 1;
		h.second = 1000;
		make_frame(&b->before[i], b->a, &h);
		h.second++;
		make_frame(&b->now[i], b->a, &h);
	}
	for (unsigned i = 0; i < HOSTS; i++) {
		for (unsigned k = 0; k < 2; k++)
			b->kept[i][k] = sample_new();
		decode(b->kept[i][0], &b->before[i]);
		decode(b->kept[i][1], &b->now[i]);
		b->view[i] = view_new();
		view_derive(b->view[i], b->kept[i][0], b->kept[i][1]);
	}
}

static void drop(struct bench *b)
{
	for (unsigned i = 0; i < HOSTS; i++) {
		buf_fini(&b->before[i]);
		buf_fini(&b->now[i]);
		sample_free(b->kept[i][0]);
		sample_free(b->kept[i][1]);
		view_free(b->view[i]);
	}
	buf_fini(&b->text);
	sample_free(b->a);
	sample_free(b->b);
	view_free(b->scratch);
	printer_free(b->printer);
}

int main(int argc, char **argv)
{
	bool only_check = argc == 2 && !strcmp(argv[1], "--check"), well;
	unsigned vms = argc == 2 && !only_check ? (unsigned)strtoul(argv[1], NULL, 10) : 100;
	struct bench b = {.next = 0};

	if (argc > 2 || vms < 1 || vms > 1000) {
		fputs("json_text [VMS (1 to 1000) | --check]\n", stderr);
		return 2;
	}
	make(&b, vms);
	well = check(&b);
	if (well && !only_check)
		well = times(&b);
	drop(&b);
	return !well;
}
