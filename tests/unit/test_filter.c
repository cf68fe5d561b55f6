/* SPDX-License-Identifier: Apache-2.0 */
/* Filters: each kind of word, random ones against a plain evaluation, and random bytes. */
#include "filter.h"
#include "world_kit.h"

#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct lab {
	struct world *w;
	struct thing_list vms, disks, nics, hosts;
	uint64_t random;
};

static unsigned pick(struct lab *l, unsigned n)
{
	l->random = id_hash_u64(l->random, 1);
	return (unsigned)(l->random >> 33) % n;
}

static const char *const names[] = {"web-01", "Web-02", "db-main", "m\xc3\xbcller", "a b c",
				    "100",    "",       "steal>5", "mail.example"};
#define N_NAMES (sizeof(names) / sizeof(*names))

static void fill_vm(struct lab *l, struct sample *a, struct sample *b, unsigned i, const char *host)
{
	static const char *const states[] = {"running", "paused", NULL};
	static const char *const tags[] = {"prod;Europe", "test", NULL};
	char uuid[64];
	uint32_t vm;

	snprintf(uuid, sizeof(uuid), "%s-4d3c-%04x-ABCD", host, i);
	vm = kit_vm(a, uuid, names[i % N_NAMES], states[pick(l, 3)]);
	kit_vm(b, uuid, names[i % N_NAMES], NULL);
	sample_set_text(a, SCOPE_VM, vm, M_TAGS, tags[pick(l, 3)]);
	if (pick(l, 3))
		sample_set(a, SCOPE_VM, vm, M_VMID, 95 + i);
	sample_set(a, SCOPE_VM, vm, M_CPU_CORES, 1);
	if (pick(l, 4))
		sample_set(a, SCOPE_VM, vm, M_RAM_TOTAL, (uint64_t)pick(l, 9) << 20);
	sample_set(a, SCOPE_VM, vm, M_UPTIME, pick(l, 200000));
	for (unsigned k = 0; k < 2; k++) {
		uint32_t row = kit_below(a, SCOPE_VCPU, vm, k);

		kit_below(b, SCOPE_VCPU, vm, k);
		sample_set(b, SCOPE_VCPU, row, M_WAIT, 0);
		sample_set(b, SCOPE_VCPU, row, M_RUN, 0);
		sample_set(a, SCOPE_VCPU, row, M_RUN, 5);
		sample_set(a, SCOPE_VCPU, row, M_WAIT, pick(l, 12) * 10000000u);
		row = kit_below(a, SCOPE_VM_DISK, vm, k);
		sample_set_text(a, SCOPE_VM_DISK, row, M_DISK_NAME, k ? "scsi1" : "scsi0");
		sample_set_text(a, SCOPE_VM_DISK, row, M_DISK_DEVICE,
				k ? "/dev/pve/vm-disk-1" : "/var/lib/images/Disk.qcow2");
		row = kit_below(a, SCOPE_VM_NIC, vm, k);
		sample_set_text(a, SCOPE_VM_NIC, row, M_NIC_NAME, k ? "tap1" : "vnet0");
		sample_set_text(a, SCOPE_VM_NIC, row, M_NIC_MAC, "BC:24:11:00:00:01");
	}
}

static int setup(void **state)
{
	struct lab *l = calloc(1, sizeof(*l));
	struct moment *m = moment_new();

	l->w = world_new();
	l->random = 4711;
	for (unsigned h = 0; h < 3; h++) {
		struct sample *a = sample_new(), *b = sample_new();
		char host[16];

		snprintf(host, sizeof(host), "%s%u", h ? "HV-" : "web", h);
		kit_host(a);
		kit_host(b);
		sample_set(a, SCOPE_HOST, 0, M_PSI_SOME_IO_AVG60, 1234 + h);
		sample_set(a, SCOPE_HOST, 0, M_MEM_TOTAL, (h + 1) << 22);
		for (unsigned i = 0; i < 2 * N_NAMES; i++)
			fill_vm(l, a, b, i, host);
		sample_row(a, SCOPE_VM_DISK, NO_ROW, 5);
		kit_add(m, kit_frame(a, host, 2), kit_frame(b, host, 1));
		sample_free(a);
		sample_free(b);
	}
	kit_set(l->w, m);
	world_list(l->w, SCOPE_VM, &l->vms);
	world_list(l->w, SCOPE_VM_DISK, &l->disks);
	world_list(l->w, SCOPE_VM_NIC, &l->nics);
	world_list(l->w, SCOPE_HOST, &l->hosts);
	*state = l;
	return 0;
}

static int teardown(void **state)
{
	struct lab *l = *state;

	world_free(l->w);
	free(l->vms.item);
	free(l->disks.item);
	free(l->nics.item);
	free(l->hosts.item);
	free(l);
	return 0;
}

/* ---- names of metrics ---- */

static void metric_names(void **state)
{
	static const struct {
		enum scope scope;
		const char *name;
		enum metric_id want;
	} cases[] = {
		{SCOPE_VM, "steal", M_CPU_STEAL},
		{SCOPE_VM, "STEAL", M_CPU_STEAL},
		{SCOPE_HOST, "steal", M_HOST_CPU_STEAL},
		{SCOPE_VCPU, "steal", M_CPU_STEAL},
		{SCOPE_VM, "ready", M_CPU_READY},
		{SCOPE_VM, "lat_avg", M_VD_LAT_AVG},
		{SCOPE_VM, "lat", M_VD_LAT_AVG},
		{SCOPE_VM, "ste", M_CPU_STEAL},
		{SCOPE_VM, "teal", M_CPU_STEAL},
		{SCOPE_VM_DISK, "util", M_VD_UTIL},
		{SCOPE_HOST, "await", M_HD_AWAIT},
		{SCOPE_HOST, "available", M_MEM_AVAILABLE},
		{SCOPE_VM, "name", M_NAME},
		{SCOPE_VM, "vm", M_VMID},
		{SCOPE_VM, "nonsense", METRICS},
		{SCOPE_VM, "await", METRICS},
		{SCOPE_VM, "", METRICS},
	};
	char *long_name = xcalloc(5000, 1);

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum metric_id m =
			filter_metric(cases[i].scope, cases[i].name, strlen(cases[i].name));

		if (m != cases[i].want)
			fail_msg("'%s' of %s is %s, not %s", cases[i].name,
				 scope_names[cases[i].scope], m < METRICS ? kit_metric(m) : "none",
				 cases[i].want < METRICS ? kit_metric(cases[i].want) : "none");
	}
	memset(long_name, 'a', 4999);
	assert_int_equal(filter_metric(SCOPE_VM, long_name, 4999), METRICS);
	free(long_name);
	/* Everybody is found by the own key, and by the own name where no key is so. */
	for (int s = 0; s < SCOPES; s++)
		for (int m = 0; m < METRICS; m++) {
			const char *key = metrics[m].key;

			if (key && (metrics[m].scopes & (1u << s)) &&
			    filter_metric(s, key, strlen(key)) != (enum metric_id)m)
				fail_msg("%s of %s is not found", key, scope_names[s]);
		}
}

/* ---- kinds of words ---- */

static unsigned count(struct lab *l, const char *text, const struct thing_list *list)
{
	struct filter *f = filter_new(text, NULL, NULL, 0);
	unsigned n = 0;

	for (uint32_t i = 0; i < list->n; i++)
		n += filter_wants(f, l->w, list->item[i]);
	filter_free(f);
	return n;
}

static void words(void **state)
{
	struct lab *l = *state;
	unsigned all = l->vms.n;

	assert_int_equal(count(l, "", &l->vms), all);
	assert_int_equal(count(l, "  \t ", &l->vms), all);
	assert_int_equal(count(l, "db-", &l->vms), 6);
	assert_int_equal(count(l, "DB-MAIN", &l->vms), 6);
	assert_int_equal(count(l, "!db-", &l->vms), all - 6);
	assert_int_equal(count(l, "db- host:web", &l->vms), 2);
	assert_int_equal(count(l, "host:hv-1", &l->vms), all / 3);
	assert_int_equal(count(l, "host:hv-1 db-", &l->vms), 2);
	/* By host, all on web0; by name, two on each of the others; UUIDs have the host's here. */
	assert_int_equal(count(l, "web", &l->vms), all / 3 + 2 * 4);
	assert_int_equal(count(l, "name:web", &l->vms), 12);
	assert_int_equal(count(l, "!name:web", &l->vms), all - 12);
	assert_int_equal(count(l, "4d3c-0003-abcd", &l->vms), 3);
	assert_int_equal(count(l, "m\xc3\xbcll", &l->vms), 6);
	assert_int_equal(count(l, "nobody", &l->vms), 0);
	assert_int_equal(count(l, "tag:europe", &l->vms) + count(l, "!tag:europe", &l->vms), all);
	assert_int_equal(count(l, "tag:europe", &l->vms), count(l, "europe", &l->vms));
	assert_int_equal(count(l, "state=paused", &l->vms), count(l, "state:PAUS", &l->vms));
	assert_true(count(l, "state=paused", &l->vms) > 0);
	assert_int_equal(count(l, "state=paus", &l->vms), 0);
	assert_int_equal(count(l, "state=running", &l->vms) + count(l, "state=paused", &l->vms),
			 count(l, "state!=nothing", &l->vms));
	/* The colon may be part of a text. */
	assert_int_equal(count(l, "bc:24:11", &l->nics), l->nics.n);
	assert_int_equal(count(l, "mac:24:11", &l->nics), l->nics.n);
	assert_int_equal(count(l, ":", &l->vms), 0);
	/* What belongs to a VM is found by it, and by its own. */
	assert_int_equal(count(l, "db-", &l->disks), 12);
	assert_int_equal(count(l, "scsi1", &l->disks), all);
	assert_int_equal(count(l, "disk.QCOW2", &l->disks), all);
	assert_int_equal(count(l, "tap", &l->nics), all);
	assert_int_equal(count(l, "name:tap1 db-", &l->nics), 6);
	assert_int_equal(count(l, "host:web", &l->disks), 2 * all / 3 + 1);
	assert_int_equal(count(l, "web", &l->hosts), 1);
	assert_int_equal(count(l, "hv", &l->hosts), 2);
	assert_int_equal(count(l, "name:hv", &l->hosts), 2);
	assert_int_equal(count(l, "name:hv", &l->vms), 0);
}

static void numbers(void **state)
{
	struct lab *l = *state;
	unsigned all = l->vms.n;

	assert_int_equal(count(l, "steal>5", &l->vms) + count(l, "steal<=5", &l->vms), all);
	assert_int_equal(count(l, "steal>=0", &l->vms), all);
	assert_int_equal(count(l, "!steal>5", &l->vms), count(l, "steal<=5", &l->vms));
	assert_int_equal(count(l, "steal>5%", &l->vms), count(l, "cpu_steal>5.0", &l->vms));
	/* A VM that does not say it matches neither. */
	assert_true(count(l, "ram_total>=0", &l->vms) < all);
	assert_int_equal(count(l, "!ram_total>=0", &l->vms), 0);
	assert_int_equal(count(l, "ram_total>=0", &l->vms),
			 count(l, "ram_total<2g", &l->vms) +
				 count(l, "ram_total>=2097152", &l->vms));
	assert_int_equal(count(l, "uptime>1d", &l->vms), count(l, "uptime>86400", &l->vms));
	assert_int_equal(count(l, "uptime<90m", &l->vms), count(l, "uptime<5400", &l->vms));
	/* What looks like 12.34 % is kept as 1234. */
	assert_int_equal(count(l, "psi_some_io_avg60=12.34", &l->hosts), 1);
	assert_int_equal(count(l, "psi_some_io_avg60>12.34", &l->hosts), 2);
	assert_int_equal(count(l, "psi_some_io_avg60!=12.34", &l->hosts), 2);
	assert_int_equal(count(l, "ram_Total>4g", &l->hosts), 2);
	/* Of disks: their VM's; of VMs: their host's. */
	assert_int_equal(count(l, "cpu_steal>5", &l->disks), 2 * count(l, "cpu_steal>5", &l->vms));
	assert_int_equal(count(l, "psi_some_io_avg60>12.35", &l->vms), all / 3);
	/* What is called so exactly, if it is the VM's (cpu_total), before what contains it. */
	assert_int_equal(count(l, "total>=0", &l->disks), 2 * all);
	/* Part of a VMID, and a comparison with it. */
	assert_int_equal(count(l, "vmid:10 host:web", &l->vms),
			 count(l, "vmid>=100 vmid<=110 host:web", &l->vms));
}

static void complaints(void **state)
{
	static const struct {
		const char *text, *why;
		bool empty;
	} cases[] = {
		{"steal>", "", true},
		{"steal>5", "", false},
		{"ste", "", false},
		{"!", "", true},
		{"host:", "", true},
		{"nonsense>", "'nonsense' is not a column's title: f and ?? list them", true},
		{"nonsense>5 web", "'nonsense' is not a column's title: f and ?? list them", false},
		{"steal>x", "'x' is not a number with k, M, G or T behind it or nothing", true},
		{"steal>5kk", "'5kk' is not a number with k, M, G or T behind it or nothing", true},
		{"steal>. rubbish=1", "'.' is not a number with k, M, G or T behind it or nothing",
		 true},
		{"uuid>5", "'uuid' is text: only = and != compare it", true},
		{"=5", "", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char why[200] = "not written";
		struct filter *f = filter_new(cases[i].text, NULL, why, sizeof(why));

		if (strcmp(why, cases[i].why))
			fail_msg("'%s' says '%s', not '%s'", cases[i].text, why, cases[i].why);
		if (filter_is_empty(f) != cases[i].empty)
			fail_msg("'%s' is empty: %d", cases[i].text, !cases[i].empty);
		filter_free(f);
	}
	filter_free(NULL);
}

/* ---- against a plain evaluation ---- */

static bool has(const char *text, const char *part)
{
	return text && strcasestr(text, part);
}

static bool plain_text(struct lab *l, struct thing t, const char *part)
{
	const struct world_host *h = l->w->hosts[t.host];
	char id[32] = "";

	if (sample_get(h->now, SCOPE_VM, t.row, M_VMID) != ABSENT)
		snprintf(id, sizeof(id), "%llu",
			 (unsigned long long)sample_get(h->now, SCOPE_VM, t.row, M_VMID));
	/* Only digits are looked for in numbers, and here no text but digits is in one. */
	return has(sample_text(h->now, SCOPE_VM, t.row, M_NAME), part) ||
	       has(sample_text(h->now, SCOPE_VM, t.row, M_UUID), part) ||
	       has(sample_text(h->now, SCOPE_VM, t.row, M_TAGS), part) || has(id, part) ||
	       has(h->about.host_name, part);
}

struct expected {
	bool is_text, not ;
	char text[32];
	enum metric_id m;
	unsigned op;
	double value;
};

static bool plain(struct lab *l, struct thing t, const struct expected *e)
{
	double v, x = e->value;
	bool yes;

	if (e->is_text)
		return plain_text(l, t, e->text) != e->not ;
	v = world_value(l->w, t, e->m);
	if (isnan(v))
		return false;
	yes = e->op == 0 ? v > x : e->op == 1 ? v < x : e->op == 2 ? v >= x : v <= x;
	return yes != e->not ;
}

static void make_text(struct lab *l, struct expected *e, char *to, size_t size)
{
	static const char *const parts[] = {"web", "A", "b",    "0",   "10", "-ab",   "4d",  "pr",
					    "hv-", "z", "\xbc", "e;e", "1",  "steal", "main"};

	e->is_text = true;
	snprintf(e->text, sizeof(e->text), "%s", parts[pick(l, sizeof(parts) / sizeof(*parts))]);
	snprintf(to, size, "%s%s", e->not ? "!" : "", e->text);
	for (char *c = to; *c; c++)
		if (pick(l, 2))
			*c = (char)toupper((unsigned char)*c);
}

static void make_compare(struct lab *l, struct expected *e, char *to, size_t size)
{
	static const char *const ops[] = {">", "<", ">=", "<="};
	static const enum metric_id wanted[] = {M_CPU_STEAL, M_RAM_TOTAL, M_UPTIME, M_VMID};
	double number = pick(l, 120), factor = 1;
	const char *suffix = "";
	char name[64];

	e->m = wanted[pick(l, 4)];
	e->op = pick(l, 4);
	if (e->m == M_RAM_TOTAL && pick(l, 2)) {
		suffix = pick(l, 2) ? "g" : "G";
		number /= 20;
		factor = 1048576; /* of KiB */
	} else if (e->m == M_UPTIME) {
		suffix = pick(l, 2) ? "h" : "k";
		factor = *suffix == 'h' ? 3600 : NAN; /* no such time */
	}
	e->value = number * factor;
	snprintf(name, sizeof(name), "%s", pick(l, 2) ? metrics[e->m].key : metrics[e->m].name);
	for (char *c = name; *c; c++)
		if (pick(l, 2))
			*c = (char)toupper((unsigned char)*c);
	snprintf(to, size, "%s%s%s%g%s", e->not ? "!" : "", name, ops[e->op], number, suffix);
}

static void random_filters(void **state)
{
	struct lab *l = *state;
	struct diff_base *b = diff_base_new(l->w, NULL, NULL);

	for (unsigned round = 0; round < 1000; round++) {
		struct expected e[4];
		unsigned n = pick(l, 4);
		char text[400] = "", word[90];
		struct filter *f;

		for (unsigned i = 0; i < n; i++) {
			e[i] = (struct expected){.not = pick(l, 3) == 0};
			if (pick(l, 2))
				make_text(l, &e[i], word, sizeof(word));
			else
				make_compare(l, &e[i], word, sizeof(word));
			strcat(text, pick(l, 2) ? " " : "\t ");
			strcat(text, word);
		}
		f = filter_new(text, NULL, NULL, 0);
		for (uint32_t k = 0; k < l->vms.n; k++) {
			bool want = true;

			for (unsigned i = 0; i < n; i++) /* what cannot be understood is left out */
				want = want && ((!e[i].is_text && isnan(e[i].value)) ||
						plain(l, l->vms.item[k], &e[i]));
			if (filter_wants(f, l->w, l->vms.item[k]) != want)
				fail_msg("'%s': VM %u is %swanted", text, k, want ? "" : "not ");
			if (filter_wants_gone(f, b, SCOPE_VM, k) != want)
				fail_msg("'%s': VM %u is %swanted when it is gone", text, k,
					 want ? "" : "not ");
		}
		filter_free(f);
	}
	diff_base_free(b);
}

static unsigned count_gone(struct lab *l, const char *text, enum scope s)
{
	struct diff_base *b = diff_base_new(l->w, NULL, NULL);
	struct filter *f = filter_new(text, NULL, NULL, 0);
	unsigned n = 0;

	for (uint32_t i = 0; i < diff_base_rows(b, s); i++)
		n += filter_wants_gone(f, b, s, i);
	filter_free(f);
	diff_base_free(b);
	return n;
}

static void gone(void **state)
{
	static const char *const texts[] = {
		"",         "name:web",  "host:hv",      "!host:hv",
		"tag:prod", "!tag:prod", "state=paused", "state!=paused",
		"vmid:10",  "uuid:abcd", "ram_total>1g", "hv-1",
		"!hv-1",    "vcpu>0",    "!vcpu>0"};
	struct lab *l = *state;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		if (count_gone(l, texts[i], SCOPE_VM) != count(l, texts[i], &l->vms))
			fail_msg("'%s' matches %u VMs that are gone, not %u", texts[i],
				 count_gone(l, texts[i], SCOPE_VM), count(l, texts[i], &l->vms));
		if (count_gone(l, texts[i], SCOPE_HOST) != count(l, texts[i], &l->hosts))
			fail_msg("'%s' matches %u hosts that are gone, not %u", texts[i],
				 count_gone(l, texts[i], SCOPE_HOST),
				 count(l, texts[i], &l->hosts));
	}
}

/* What a silent host did is over; what it is, it is. */
static void silent(void **state)
{
	struct lab *l = *state;
	struct moment *m = moment_new();
	unsigned rates = count(l, "steal>=0 host:hv-1", &l->vms);
	unsigned sizes = count(l, "ram_total>0 host:hv-1", &l->vms);

	assert_true(rates > 0 && sizes > 0);
	for (uint32_t i = 0; i < l->w->n_hosts; i++) {
		const struct moment_host *h = &l->w->moment->hosts[i];

		moment_add(m, &h->about, h->now, h->before, h->now->wall_ns);
		m->hosts[i].about.stale = !strcmp(h->about.host_name, "HV-1");
	}
	kit_set(l->w, m);
	assert_int_equal(count(l, "steal>=0 host:hv-1", &l->vms), 0);
	assert_int_equal(count(l, "!steal>=0 host:hv-1", &l->vms), 0);
	assert_int_equal(count(l, "steal>=0 host:hv-1", &l->disks), 0);
	assert_int_equal(count(l, "steal>=0 host:hv-2", &l->vms), rates);
	assert_int_equal(count(l, "ram_total>0 host:hv-1", &l->vms), sizes);
}

/* ---- any bytes ---- */

static void random_bytes(void **state)
{
	struct lab *l = *state;
	static const char likely[] =
		"!!>>><<==:: \t.,-%kmgtsdh0123456789steal_ready/vmidhosttag\x80\xc3";

	for (unsigned round = 0; round < 5000; round++) {
		size_t n = pick(l, 40), why_size = pick(l, 4) ? 80 : pick(l, 3);
		char *text = xcalloc(n + 1, 1), *why = xcalloc(why_size + 1, 1);
		struct filter *f;

		for (size_t i = 0; i < n; i++)
			text[i] = pick(l, 4) ? likely[pick(l, sizeof(likely) - 1)]
					     : (char)(1 + pick(l, 255));
		f = filter_new(text, NULL, why, why_size);
		assert_non_null(f);
		assert_int_equal(why[why_size], 0);
		if (filter_is_empty(f))
			assert_true(filter_wants(f, l->w, l->vms.item[0]));
		for (unsigned i = 0; i < 3; i++) {
			filter_wants(f, l->w, l->vms.item[pick(l, l->vms.n)]);
			filter_wants(f, l->w, l->disks.item[pick(l, l->disks.n)]);
			filter_wants(f, l->w, l->hosts.item[pick(l, l->hosts.n)]);
		}
		assert_false(filter_wants(f, l->w, NO_THING));
		filter_free(f);
		free(text);
		free(why);
	}
}

#define LAB(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(metric_names),
		LAB(words),
		LAB(numbers),
		cmocka_unit_test(complaints),
		LAB(random_filters),
		LAB(random_bytes),
		LAB(gone),
		LAB(silent),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
