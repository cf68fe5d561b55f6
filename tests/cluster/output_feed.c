/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Feeds an output for the tests with real servers:
 *
 *   output_feed URL HOSTS VMS SAMPLES [FIRST [DELAY_MS]]
 *
 * Puts SAMPLES samples of each host, numbered from FIRST (1), waits until all are
 * committed, or for a minute, and says on stdout
 *
 *   raw  HOST SEQUENCE WALL_NS SCOPE UUID METRIC VALUE    for each number in a frame
 *   done COMMITTED SENT REFUSED FAILURES
 *
 * Names of hosts and VMs are as awkward as they may be.
 */
#include "output.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define SECOND UINT64_C(1000000000)

static void on_commit(void *arg, struct output *o, uint32_t stream, uint64_t epoch,
		      uint64_t sequence)
{
	(void)o;
	(void)stream;
	(void)epoch;
	(void)sequence;
	atomic_fetch_add((atomic_uint *)arg, 1);
}

static void on_room(void *arg, struct output *o)
{
	(void)arg;
	(void)o;
}

struct place {
	struct sample *s;
	const struct frame_head *head;
	enum scope scope;
	uint32_t row;
	const char *uuid;
	bool quiet;
};

static void put(const struct place *p, enum metric_id m, uint64_t v)
{
	sample_set(p->s, p->scope, p->row, m, v);
	if (!p->quiet)
		printf("raw\t%s\t%" PRIu64 "\t%" PRIu64 "\t%s\t%s\t%s\t%" PRIu64 "\n",
		       p->head->host_name, p->head->sequence, p->head->wall_ns,
		       scope_names[p->scope], p->uuid, metrics[m].name, v);
}

static struct frame *make(unsigned host, unsigned vms, uint64_t seq, uint64_t start, bool quiet)
{
	static const char *const odd[] = {"plain",     "two words", "a,b=c",
					  "q\"uo\"te", "b\\s\\",    "\xc3\xa4\xe2\x82\xac",
					  "new\nline", "123"};
	struct frame_head h = {.epoch = 1, .sequence = seq, .interval_ns = SECOND};
	struct sample *s = sample_new();
	struct place p = {.s = s, .head = &h, .quiet = quiet, .uuid = ""};
	struct frame *f;
	struct buf b;

	h.boot_ns = (1000 + seq) * SECOND;
	h.wall_ns = start + seq * SECOND;
	snprintf(h.host_name, sizeof(h.host_name), "kvm %u", host);
	snprintf(h.host_id, sizeof(h.host_id), "id%u", host);
	p.scope = SCOPE_HOST;
	p.row = sample_row(s, SCOPE_HOST, NO_ROW, 1);
	put(&p, M_MEM_TOTAL, UINT64_C(9007199254740993) + host);
	put(&p, M_MEM_FREE, seq);
	put(&p, M_HT_USER, 5000 + seq * 10);
	for (unsigned v = 0; v < vms; v++) {
		char uuid[64];

		snprintf(uuid, sizeof(uuid), "u%u-%u", host, v);
		p.uuid = uuid;
		p.scope = SCOPE_VM;
		p.row = sample_row(s, SCOPE_VM, 0, 100 + v);
		sample_set_text(s, SCOPE_VM, p.row, M_UUID, uuid);
		sample_set_text(s, SCOPE_VM, p.row, M_NAME, odd[v % 8]);
		sample_set_text(s, SCOPE_VM, p.row, M_TAGS, odd[(v + 1) % 8]);
		sample_set(s, SCOPE_VM, p.row, M_VMID, 100 + v);
		put(&p, M_UPTIME, seq + v);
		put(&p, M_CPU_CORES, 1 + v % 4);
		put(&p, M_IO_READ, seq * seq * 1000003 + v);
		put(&p, M_IO_SYSCR, seq * (v + 3));
	}
	buf_init(&b, FRAME_MAX);
	if (frame_encode(&b, &h, s) < 0)
		exit(1);
	f = frame_new(&h, b.data, b.used);
	buf_fini(&b);
	sample_free(s);
	return f;
}

static void nap(long ms)
{
	struct timespec t = {ms / 1000, ms % 1000 * 1000000};

	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	unsigned hosts, vms, samples, first = 1, delay = 0;
	atomic_uint committed = 0;
	struct output_calls calls = {.committed = on_commit, .room = on_room, .arg = &committed};
	struct output_stats st;
	struct output *o;
	char why[256];

	if (argc < 5)
		return 2;
	hosts = (unsigned)atoi(argv[2]);
	vms = (unsigned)atoi(argv[3]);
	samples = (unsigned)atoi(argv[4]);
	if (argc > 5)
		first = (unsigned)atoi(argv[5]);
	if (argc > 6)
		delay = (unsigned)atoi(argv[6]);
	if (output_open(&o, argv[1], &calls, why, sizeof(why)) < 0) {
		fprintf(stderr, "%s\n", why);
		return 1;
	}
	for (uint64_t seq = first; seq < first + samples; seq++) {
		for (unsigned h = 0; h < hosts; h++) {
			/* Samples of the last hours: databases look back, not ahead. */
			uint64_t start = ((uint64_t)time(NULL) / 86400 * 86400 - 86400) * SECOND;
			struct output_item i = {.stream = h};

			i.now = make(h, vms, seq, start, false);
			i.before = seq > first ? make(h, vms, seq - 1, start, true) : NULL;
			while (!output_put(o, &i))
				nap(1);
			frame_unref(i.now);
			frame_unref(i.before);
		}
		nap(delay);
	}
	for (unsigned n = 0; n < 6000 && atomic_load(&committed) < hosts * samples; n++)
		nap(10);
	output_stats(o, &st);
	printf("done\t%u\t%" PRIu64 "\t%" PRIu64 "\t%" PRIu64 "\n", atomic_load(&committed),
	       st.sent, st.refused, st.failures);
	output_close(o, 1000);
	return 0;
}
