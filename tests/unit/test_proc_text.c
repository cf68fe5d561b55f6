/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel's text files: real lines, and lines that are cut, wrong or hostile. */
#include "proc_text.h"

#include "scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define N(a) (sizeof(a) / sizeof(*(a)))

/* A copy that ends where the memory ends, so that a sanitizer sees each look behind it. */
static char *exact(const char *text, size_t n)
{
	char *copy = malloc(n + 1);

	assert_non_null(copy);
	memcpy(copy, text, n);
	copy[n] = '\0';
	return copy;
}

/* ---- /proc/PID/stat ---- */

static const char stat_line[] =
	"26938 (qemu-system-x86) S 1 26937 26937 0 -1 138412416 17715 3 12 4 6939 677 8 9 20 0 17 "
	"0 343505 2581352448 56800 18446744073709551615 94731582103552 94731587963989 "
	"140732148341456 0 0 0 268444224 4096 16451 0 0 0 17 1 0 0 55 0 0 94731591076088 "
	"94731596280240 94731870695424 140732148344446 140732148346417 140732148346417 "
	"140732148346844 0\n";

static void stat_of_a_process(void **state)
{
	struct pid_stat s;

	(void)state;
	assert_true(parse_pid_stat(stat_line, &s));
	assert_string_equal(s.comm, "qemu-system-x86");
	assert_int_equal(s.state, 'S');
	assert_int_equal(s.ppid, 1);
	assert_int_equal(s.minflt, 17715);
	assert_int_equal(s.cminflt, 3);
	assert_int_equal(s.majflt, 12);
	assert_int_equal(s.cmajflt, 4);
	assert_int_equal(s.utime, 6939);
	assert_int_equal(s.stime, 677);
	assert_int_equal(s.threads, 17);
	assert_int_equal(s.starttime, 343505);
	assert_int_equal(s.vsize, 2581352448);
	assert_int_equal(s.rss_pages, 56800);
	assert_int_equal(s.processor, 1);
	assert_int_equal(s.blkio_ticks, 55);
}

static void stat_names(void **state)
{
	static const struct {
		const char *inside, *comm;
	} cases[] = {
		{"kvm", "kvm"},
		{"CPU 0/KVM", "CPU 0/KVM"},
		{"IO mon_iothread", "IO mon_iothread"},
		{"a) S 1 (b", "a) S 1 (b"},
		{")", ")"},
		{"(", "("},
		{"))))", "))))"},
		{"", ""},
		{"two\nlines", "two\nlines"},
		{"a name that is much longer than the kernel's fifteen bytes",
		 "a name that is much longer than"},
	};
	struct pid_stat s;
	char line[600];

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		snprintf(line, sizeof(line),
			 "44 (%s) R 7 42 42 0 -1 1 2 3 4 5 6 7 0 0 -2 -20 9 0 "
			 "378549 8 9 1 1 1 1 1 1 1 1 1 1 1 1 1 17 3 0 0 2\n",
			 cases[i].inside);
		if (!parse_pid_stat(line, &s) || strcmp(s.comm, cases[i].comm) || s.state != 'R' ||
		    s.ppid != 7 || s.starttime != 378549 || s.processor != 3 || s.blkio_ticks != 2)
			fail_msg("'%s': '%s' %c ppid %d start %llu", cases[i].inside, s.comm,
				 s.state, (int)s.ppid, (unsigned long long)s.starttime);
	}
}

/* What is cut off is absent; what is there is what stands there, or a number's beginning. */
static void stat_cut_anywhere(void **state)
{
	size_t n = strlen(stat_line);
	struct pid_stat whole, s;

	(void)state;
	parse_pid_stat(stat_line, &whole);
	for (size_t cut = 0; cut <= n; cut++) {
		char *text = exact(stat_line, cut);
		bool ok = parse_pid_stat(text, &s);

		/* The start time is what a process is known by: nothing without it. */
		if (ok && s.starttime == ABSENT)
			fail_msg("cut at %zu: no start time, but taken", cut);
		if (ok && (s.minflt != whole.minflt || s.threads != whole.threads))
			fail_msg("cut at %zu: fields before the start time differ", cut);
		if (ok && s.blkio_ticks != ABSENT && s.blkio_ticks > whole.blkio_ticks)
			fail_msg("cut at %zu: field 42 is %llu", cut,
				 (unsigned long long)s.blkio_ticks);
		if (!ok && cut >= n - 1)
			fail_msg("not taken though whole");
		free(text);
	}
}

static void stat_hostile(void **state)
{
	static const char *const refused[] = {
		"",
		"\n",
		"44",
		"44 (kvm",
		"44 (kvm)",
		"44 (kvm) ",
		"44 kvm) S 1",
		")(",
		") S (",
		"44 (kvm)S 1 42 42 0 -1 1 2 3 4 5 6 7 0 0 20 0 9 0 378549",
		/* no start time, or one that is no number */
		"44 (kvm) S 1 42 42 0 -1 1 2 3 4 5 6 7 0 0 20 0 9 0",
		"44 (kvm) S 1 42 42 0 -1 1 2 3 4 5 6 7 0 0 20 0 9 0 -5 1",
		"44 (kvm) S 1 42 42 0 -1 1 2 3 4 5 6 7 0 0 20 0 9 0 18446744073709551615 1",
	};
	struct pid_stat s;

	(void)state;
	for (size_t i = 0; i < N(refused); i++) {
		char *text = exact(refused[i], strlen(refused[i]));

		if (parse_pid_stat(text, &s))
			fail_msg("'%s' is taken", refused[i]);
		free(text);
	}
	/* Numbers beyond all bounds are absent, and do not shift those behind them. */
	assert_true(parse_pid_stat("1 (a) S 1 1 1 0 -1 1 99999999999999999999999999 0 5 0 "
				   "18446744073709551616 7 0 0 20 0 -3 0 42 -1 1.5 x\n",
				   &s));
	assert_true(s.minflt == ABSENT && s.utime == ABSENT && s.threads == ABSENT);
	assert_int_equal(s.majflt, 5);
	assert_int_equal(s.stime, 7);
	assert_int_equal(s.starttime, 42);
	assert_true(s.vsize == ABSENT && s.blkio_ticks == ABSENT);
}

/* ---- schedstat ---- */

static void schedstat(void **state)
{
	static const struct {
		const char *text;
		bool ok;
		uint64_t run, wait, slices;
	} cases[] = {
		{"1827974649 50508860886 4711\n", true, 1827974649, 50508860886, 4711},
		{"0 0 0\n", true, 0, 0, 0},
		{"18446744073709551614 1 2", true, UINT64_MAX - 1, 1, 2},
		{"", false, 0, 0, 0},
		{"\n", false, 0, 0, 0},
		{"1 2", false, 0, 0, 0},
		{"1 2 \n3", false, 0, 0, 0},
		{"1 -2 3\n", false, 0, 0, 0},
		{"1 18446744073709551615 3\n", false, 0, 0, 0},
		{"1 2 99999999999999999999\n", false, 0, 0, 0},
		{"x 2 3\n", false, 0, 0, 0},
	};
	struct schedstat s;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		char *text = exact(cases[i].text, strlen(cases[i].text));
		bool ok = parse_schedstat(text, &s);

		if (ok != cases[i].ok || (ok && (s.run != cases[i].run || s.wait != cases[i].wait ||
						 s.slices != cases[i].slices)))
			fail_msg("'%s'", cases[i].text);
		free(text);
	}
}

/* ---- /proc/PID/io ---- */

struct io_values {
	uint64_t v[METRICS];
	unsigned n;
};

static void take_io(void *arg, enum metric_id m, uint64_t v)
{
	struct io_values *io = arg;

	io->v[m] = v;
	io->n++;
}

static void read_io(const char *text, struct io_values *io)
{
	char *copy = exact(text, strlen(text));

	memset(io, 0xff, sizeof(*io));
	io->n = 0;
	parse_pid_io(copy, take_io, io);
	free(copy);
}

static void pid_io(void **state)
{
	static const char text[] = "rchar: 292035568\nwchar: 313138407\nsyscr: 177510\n"
				   "syscw: 338538\nread_bytes: 82976768\nwrite_bytes: 310407168\n"
				   "cancelled_write_bytes: 4096\n";
	struct io_values io;

	(void)state;
	read_io(text, &io);
	assert_int_equal(io.n, 7);
	assert_int_equal(io.v[M_IO_RCHAR], 292035568);
	assert_int_equal(io.v[M_IO_WCHAR], 313138407);
	assert_int_equal(io.v[M_IO_SYSCR], 177510);
	assert_int_equal(io.v[M_IO_SYSCW], 338538);
	assert_int_equal(io.v[M_IO_READ], 82976768);
	assert_int_equal(io.v[M_IO_WRITE], 310407168);
	assert_int_equal(io.v[M_IO_CANCELLED], 4096);
	for (size_t cut = 0; cut < strlen(text); cut++) {
		char *part = exact(text, cut);

		read_io(part, &io);
		if (io.n > 7 || (io.v[M_IO_RCHAR] != ABSENT && io.v[M_IO_RCHAR] > 292035568))
			fail_msg("cut at %zu", cut);
		free(part);
	}
}

static void pid_io_odd(void **state)
{
	struct io_values io;

	(void)state;
	/* another order, unknown lines, no newline at the end */
	read_io("new_thing: 7\nwrite_bytes: 5\n\nxrchar: 1\nrchar 2\nrchar:\nsyscr: -1\n"
		"syscw: 18446744073709551616\nread_bytes: 3",
		&io);
	assert_int_equal(io.n, 2);
	assert_int_equal(io.v[M_IO_WRITE], 5);
	assert_int_equal(io.v[M_IO_READ], 3);
	/* a prefix is not the name */
	read_io("read_bytes_more: 3\nread_byte: 4\n read_bytes: 5\n", &io);
	assert_int_equal(io.n, 0);
}

/* ---- pressure ---- */

static void pressure(void **state)
{
	struct psi p;

	(void)state;
	assert_true(parse_psi("some avg10=86.23 avg60=74.34 avg300=41.90 total=281466397\n"
			      "full avg10=0.00 avg60=0.05 avg300=100.00 total=12\n",
			      &p));
	assert_int_equal(p.some.avg10, 8623);
	assert_int_equal(p.some.avg60, 7434);
	assert_int_equal(p.some.avg300, 4190);
	assert_int_equal(p.some.total, 281466397);
	assert_int_equal(p.full.avg10, 0);
	assert_int_equal(p.full.avg60, 5);
	assert_int_equal(p.full.avg300, 10000);
	assert_int_equal(p.full.total, 12);
	/* before Linux 5.13 cpu has no full line */
	assert_true(parse_psi("some avg10=0.12 avg60=1.25 avg300=0.51 total=2059963\n", &p));
	assert_int_equal(p.some.avg60, 125);
	assert_true(p.full.avg10 == ABSENT && p.full.avg60 == ABSENT && p.full.avg300 == ABSENT &&
		    p.full.total == ABSENT);
}

static void pressure_odd(void **state)
{
	static const char *const refused[] = {
		"",
		"some\n",
		"some avg10=1.2 avg60=1.00 avg300=1.00 total=1\n",
		"some avg10=1.234 avg60=1.00 avg300=1.00 total=1\n",
		"some avg10=1 avg60=1.00 avg300=1.00 total=1\n",
		"some avg10=-1.00 avg60=1.00 avg300=1.00 total=1\n",
		"some avg10=99999999999999999999.00 avg60=1.00 avg300=1.00 total=1\n",
		"some avg10=18446744073709551614.00 avg60=1.00 avg300=1.00 total=1\n",
		"some avg10=1.00 avg60=1.00 total=1\n",
		"some avg60=1.00 avg10=1.00 avg300=1.00 total=1\n",
		"something avg10=1.00 avg60=1.00 avg300=1.00 total=1\n",
		"some avg10=1.00 avg60=1.00 avg300=1.00 total=\n",
		"some avg10=1.00 avg60=1.00 avg300=1.00 total=18446744073709551615\n",
		"some avg10=1.00 avg60=1.00 avg300=1.00",
	};
	static const char two[] = "some avg10=1.25 avg60=1.00 avg300=1.00 total=123\n"
				  "full avg10=0.25 avg60=1.00 avg300=1.00 total=45\n";
	struct psi p;

	(void)state;
	for (size_t i = 0; i < N(refused); i++) {
		char *text = exact(refused[i], strlen(refused[i]));

		if (parse_psi(text, &p) || p.some.total != ABSENT || p.some.avg10 != ABSENT)
			fail_msg("'%s' is taken", refused[i]);
		free(text);
	}
	/* One bad line does not spoil the other, and leaves nothing half read. */
	assert_true(parse_psi("some avg10=5.00 avg60=x\n"
			      "full avg10=0.25 avg60=1.00 avg300=1.00 total=45",
			      &p));
	assert_true(p.some.avg10 == ABSENT && p.full.total == 45);
	for (size_t cut = 0; cut < strlen(two); cut++) {
		char *part = exact(two, cut);

		parse_psi(part, &p);
		if ((p.some.avg10 != ABSENT && p.some.avg10 != 125) ||
		    (p.full.avg10 != ABSENT && p.full.avg10 != 25))
			fail_msg("cut at %zu", cut);
		free(part);
	}
}

/* ---- cpu.stat ---- */

static void throttled(void **state)
{
	static const struct {
		const char *name, *text;
		uint64_t want;
	} cases[] = {
		{"v2, us",
		 "usage_usec 100\nuser_usec 50\nnr_periods 7\nnr_throttled 3\n"
		 "throttled_usec 1500\nnr_bursts 0\n",
		 1500000},
		{"v1, ns", "nr_periods 10\nnr_throttled 4\nthrottled_time 123456789\n", 123456789},
		{"none yet", "nr_periods 0\nnr_throttled 0\nthrottled_time 0\n", 0},
		{"no controller", "usage_usec 100\nuser_usec 50\nsystem_usec 50\n", ABSENT},
		{"empty", "", ABSENT},
		{"no newline", "throttled_usec 2", 2000},
		{"no number", "throttled_usec \nthrottled_time x\n", ABSENT},
		{"a longer name", "throttled_usec_total 5\nxthrottled_usec 6\n", ABSENT},
		{"too much for ns", "throttled_usec 18446744073709552\n", ABSENT},
		{"just too much for a number", "throttled_usec 18446744073709551615\n", ABSENT},
	};

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		char *text = exact(cases[i].text, strlen(cases[i].text));
		uint64_t got = parse_cpu_stat_throttled(text);

		if (got != cases[i].want)
			fail_msg("%s: %llu", cases[i].name, (unsigned long long)got);
		free(text);
	}
}

/* ---- net/dev ---- */

static const char netdev[] =
	"Inter-|   Receive                                                |  Transmit\n"
	" face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs "
	"drop fifo colls carrier compressed\n"
	"    lo: 5538797   97221    0    0    0     0          0         0  5538797   97221    0   "
	" "
	"0    0     0       0          0\n"
	" vnet0:  251057    3621    1    2    3     4          5         6 198395549    5425    7  "
	"  "
	"8    9    10      11         12\n"
	"eth0:61141998 2152 0 0 0 0 0 0 117704 1630 0 0 0 0 0 0\n";

static void interfaces(void **state)
{
	static const uint64_t vnet0[NETDEV_COLUMNS] = {251057,    3621, 1, 2, 3, 4,  5,  6,
						       198395549, 5425, 7, 8, 9, 10, 11, 12};
	static const char *const names[] = {"lo", "vnet0", "eth0"};
	const char *p = netdev;
	struct netdev_line l;
	unsigned n = 0, lines = 0;

	(void)state;
	while (*p) {
		lines++;
		if (!parse_netdev_line(&p, &l))
			continue;
		assert_true(n < 3);
		assert_string_equal(l.name, names[n]);
		if (n == 1)
			assert_memory_equal(l.column, vnet0, sizeof(vnet0));
		if (n == 2) { /* old kernels leave no blank behind the colon */
			assert_int_equal(l.column[0], 61141998);
			assert_int_equal(l.column[8], 117704);
		}
		n++;
	}
	assert_int_equal(n, 3);
	assert_int_equal(lines, 5);
}

static void interfaces_odd(void **state)
{
	static const struct {
		const char *line, *name; /* NULL: refused */
	} cases[] = {
		{"eth0:1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", "eth0:1"},
		{"a(b): 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16", "a(b)"},
		{"tap100i0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18446744073709551614\n",
		 "tap100i0"},
		{"a234567890123456789012345678901: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
		 "a234567890123456789012345678901"},
		{"a2345678901234567890123456789012: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n",
		 NULL},
		{": 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", NULL},
		{"eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n", NULL},
		{"eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 \n16\n", NULL},
		{"eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -16\n", NULL},
		{"eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 18446744073709551615\n", NULL},
		{"eth0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n", NULL},
		{"\n", NULL},
		{"   \n", NULL},
		{"eth0:\n", NULL},
	};
	struct netdev_line l;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		char *text = exact(cases[i].line, strlen(cases[i].line));
		const char *p = text;
		bool ok = parse_netdev_line(&p, &l);

		if (ok != (cases[i].name != NULL) || (ok && strcmp(l.name, cases[i].name)))
			fail_msg("'%s': %s", cases[i].line, ok ? l.name : "refused");
		if (p != strchrnul(text, '\n') + (strchr(text, '\n') != NULL))
			fail_msg("'%s': did not go on behind the line", cases[i].line);
		free(text);
	}
	for (size_t cut = 0; cut < strlen(netdev); cut++) {
		char *text = exact(netdev, cut);
		const char *p = text;
		unsigned n = 0;

		while (*p)
			n += parse_netdev_line(&p, &l);
		if (n > 3)
			fail_msg("cut at %zu: %u interfaces", cut, n);
		free(text);
	}
}

/* ---- diskstats ---- */

static const char diskstats[] =
	" 254       0 vda 5613 3218 521978 1857 830 3869 321984 1081 6 1128 3145 0 0 0 0 214 206\n"
	" 254       1 vda1 1 2 3 4 5 6 7 8 9 10 11\n"
	" 259       0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n";

static void disks(void **state)
{
	static const uint64_t vda[DISKSTAT_COLUMNS] = {5613,   3218, 521978, 1857, 830, 3869,
						       321984, 1081, 6,      1128, 3145};
	static const char *const names[] = {"vda", "vda1", "nvme0n1"};
	const char *p = diskstats;
	struct diskstat_line l;

	(void)state;
	for (unsigned n = 0; n < 3; n++) {
		assert_true(parse_diskstat_line(&p, &l));
		assert_string_equal(l.name, names[n]);
		assert_int_equal(l.major, n < 2 ? 254 : 259);
		assert_int_equal(l.minor, n == 1);
		if (n == 0)
			assert_memory_equal(l.column, vda, sizeof(vda));
		else
			assert_int_equal(l.column[10], 11);
	}
	assert_int_equal(*p, '\0');
}

static void disks_odd(void **state)
{
	static const struct {
		const char *line, *name;
	} cases[] = {
		{"8 0 sda 1 2 3 4 5 6 7 8 9 10 11", "sda"},
		{"8 16 a:b(c) 1 2 3 4 5 6 7 8 9 10 11\n", "a:b(c)"},
		{"4095 1048575 dm-1048575 1 2 3 4 5 6 7 8 9 10 18446744073709551614\n",
		 "dm-1048575"},
		{"8 0 a234567890123456789012345678901 1 2 3 4 5 6 7 8 9 10 11\n",
		 "a234567890123456789012345678901"},
		{"8 0 a2345678901234567890123456789012 1 2 3 4 5 6 7 8 9 10 11\n", NULL},
		{"8 0 sda 1 2 3 4 5 6 7 8 9 10\n11\n", NULL}, /* Linux 2.4's short lines too */
		{"8 0 sda 1 2 3 4 5 6 7 8 -9 10 11\n", NULL},
		{"8 0 sda 1 2 3 4 5 6 7 8 9 10 18446744073709551615\n", NULL},
		{"4096 0 sda 1 2 3 4 5 6 7 8 9 10 11\n", NULL},
		{"8 1048576 sda 1 2 3 4 5 6 7 8 9 10 11\n", NULL},
		{"8 sda 1 2 3 4 5 6 7 8 9 10 11\n", NULL},
		{"8 0\n", NULL},
		{"8 0 \nsda 1 2 3 4 5 6 7 8 9 10 11\n", NULL},
		{"\n", NULL},
	};
	struct diskstat_line l;

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		char *text = exact(cases[i].line, strlen(cases[i].line));
		const char *p = text;
		bool ok = parse_diskstat_line(&p, &l);

		if (ok != (cases[i].name != NULL) || (ok && strcmp(l.name, cases[i].name)))
			fail_msg("'%s': %s", cases[i].line, ok ? l.name : "refused");
		if (p != strchrnul(text, '\n') + (strchr(text, '\n') != NULL))
			fail_msg("'%s': did not go on behind the line", cases[i].line);
		free(text);
	}
	for (size_t cut = 0; cut < strlen(diskstats); cut++) {
		char *text = exact(diskstats, cut);
		const char *p = text;
		unsigned n = 0;

		while (*p)
			n += parse_diskstat_line(&p, &l);
		if (n > 3)
			fail_msg("cut at %zu: %u disks", cut, n);
		free(text);
	}
}

/* ---- cgroup ---- */

static void cgroups(void **state)
{
	static const struct {
		const char *name, *text, *controller, *want; /* NULL: none */
	} cases[] = {
		{"Proxmox VE, v2", "0::/qemu.slice/100.scope\n", "", "qemu.slice/100.scope"},
		{"libvirt, v2",
		 "0::/machine.slice/machine-qemu\\x2d1\\x2dvm1.scope/libvirt/emulator\n", "",
		 "machine.slice/machine-qemu\\x2d1\\x2dvm1.scope/libvirt/emulator"},
		{"v1", "9:name=systemd:/\n1:cpu:/machine/qemu-1-vm1.libvirt-qemu/emulator\n0::/\n",
		 "cpu", "machine/qemu-1-vm1.libvirt-qemu/emulator"},
		{"v2 beside v1", "9:name=systemd:/\n1:cpu:/a\n0::/b\n", "", "b"},
		{"first of two", "4:cpu,cpuacct:/a\n", "cpu", "a"},
		{"second of two", "4:cpuacct,cpu:/a\n", "cpu", "a"},
		{"middle of three", "4:a,cpu,b:/a\n", "cpu", "a"},
		{"the root", "0::/\n", "", ""},
		{"not cpuset", "3:cpuset:/a\n2:cpuacct:/b\n", "cpu", NULL},
		{"no prefix", "3:cp:/a\n", "cpu", NULL},
		{"v1 only", "3:cpu:/a\n", "", NULL},
		{"a colon in the path", "0::/a:b/c\n", "", "a:b/c"},
		{"a blank in the path", "0::/my vm.scope\n", "", "my vm.scope"},
		{"no newline", "0::/a", "", "a"},
		{"removed", "0::/a (deleted)\n", "", NULL},
		{"outside of our namespace", "0::/../../machine.slice/x\n", "", NULL},
		{"steps up inside", "0::/a/../b\n", "", NULL},
		{"relative", "0::a\n", "", NULL},
		{"empty path", "0::\n", "", NULL},
		{"one colon", "0:/a\n", "", NULL},
		{"colons of the next line", "cpu\n1:cpu:/a\n", "cpu", "a"},
		{"empty controllers", "1:,:/a\n", "cpu", NULL},
		{"empty", "", "", NULL},
		{"newlines", "\n\n\n", "", NULL},
	};
	char path[200];

	(void)state;
	for (size_t i = 0; i < N(cases); i++) {
		char *text = exact(cases[i].text, strlen(cases[i].text));
		bool ok = parse_cgroup_path(text, cases[i].controller, path, sizeof(path));

		if (ok != (cases[i].want != NULL) || (ok && strcmp(path, cases[i].want)))
			fail_msg("%s: %s", cases[i].name, ok ? path : "none");
		free(text);
	}
}

static void cgroup_paths_that_do_not_fit(void **state)
{
	(void)state;
	for (size_t size = 1; size < 12; size++) {
		char *path = malloc(size);
		bool ok = parse_cgroup_path("0::/12345678\n", "", path, size);

		if (ok != (size >= 9))
			fail_msg("8 bytes in %zu: %s", size, ok ? "taken" : "refused");
		if (ok)
			assert_string_equal(path, "12345678");
		free(path);
	}
}

/* ---- numbers ---- */

static void scanning(void **state)
{
	const char *p;
	uint64_t v = 7;

	(void)state;
	p = "  \t18446744073709551614x";
	assert_true(scan_u64(&p, &v));
	assert_true(v == UINT64_MAX - 1 && *p == 'x');
	p = "18446744073709551615";
	v = 7;
	assert_false(scan_u64(&p, &v)); /* would be ABSENT */
	assert_int_equal(v, 7);
	assert_string_equal(p, "18446744073709551615");
	p = "\n5";
	assert_false(scan_u64(&p, &v)); /* never from the next line */
	p = "00012 ";
	assert_true(scan_u64(&p, &v) && v == 12);
	p = "a bc  d\ne";
	scan_skip(&p, 2);
	assert_string_equal(p, "  d\ne");
	scan_skip(&p, 5);
	assert_string_equal(p, "\ne");
	p = "cpu0";
	assert_true(scan_word(&p, "cpu"));
	assert_string_equal(p, "0");
	assert_false(scan_word(&p, "0 "));
	assert_string_equal(scan_next_line("a\nb"), "b");
	assert_string_equal(scan_next_line("a"), "");
	assert_string_equal(scan_next_line(""), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(stat_of_a_process),
		cmocka_unit_test(stat_names),
		cmocka_unit_test(stat_cut_anywhere),
		cmocka_unit_test(stat_hostile),
		cmocka_unit_test(schedstat),
		cmocka_unit_test(pid_io),
		cmocka_unit_test(pid_io_odd),
		cmocka_unit_test(pressure),
		cmocka_unit_test(pressure_odd),
		cmocka_unit_test(throttled),
		cmocka_unit_test(interfaces),
		cmocka_unit_test(interfaces_odd),
		cmocka_unit_test(disks),
		cmocka_unit_test(disks_odd),
		cmocka_unit_test(cgroups),
		cmocka_unit_test(cgroup_paths_that_do_not_fit),
		cmocka_unit_test(scanning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
