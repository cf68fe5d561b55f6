/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs the agent over a fixture and prints what it measured:
 *
 *   ticks CASEDIR WORKDIR --printer=json|text|openmetrics [--verbose]
 *
 * CASEDIR/1, CASEDIR/2, ... are fake roots, one per tick.  Each is laid over WORKDIR,
 * which is the agent's root all the time, and one sample is taken.  From the second
 * tick on the sample and the one before are derived and printed on stdout.
 *
 * CASEDIR/TICK/clock has two numbers, CLOCK_BOOTTIME and CLOCK_REALTIME in ns.
 * CASEDIR/options, when there, has lines netdev=NAMES, storedev=NAMES and
 * backing=LINK: where /sys/dev/block says that the device is which WORKDIR is on.
 */
#include "derive.h"
#include "measure.h"
#include "printer.h"
#include "qmp_server.h"
#include "tree.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

struct clock_now {
	uint64_t boot_ns, wall_ns;
};

static void read_clock(void *arg, uint64_t *ret_boot_ns, uint64_t *ret_wall_ns)
{
	const struct clock_now *now = arg;

	*ret_boot_ns = now->boot_ns;
	*ret_wall_ns = now->wall_ns;
}

static int load_clock(const char *tick, struct clock_now *ret)
{
	char path[4096];
	FILE *f;
	int n;

	snprintf(path, sizeof(path), "%s/clock", tick);
	f = fopen(path, "re");
	if (!f) {
		fprintf(stderr, "golden: cannot open %s: %s\n", path, strerror(errno));
		return -errno;
	}
	n = fscanf(f, "%" SCNu64 " %" SCNu64, &ret->boot_ns, &ret->wall_ns);
	fclose(f);
	if (n != 2)
		fprintf(stderr, "golden: %s: expected two numbers\n", path);
	return n == 2 ? 0 : -EINVAL;
}

struct case_options {
	char netdev[256], storedev[256], backing[256];
};

static void load_options(const char *casedir, struct case_options *o)
{
	char path[4096], line[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/options", casedir);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (!strncmp(line, "netdev=", 7))
			snprintf(o->netdev, sizeof(o->netdev), "%.255s", line + 7);
		else if (!strncmp(line, "storedev=", 9))
			snprintf(o->storedev, sizeof(o->storedev), "%.255s", line + 9);
		else if (!strncmp(line, "backing=", 8))
			snprintf(o->backing, sizeof(o->backing), "%.255s", line + 8);
	}
	if (f)
		fclose(f);
}

static int put(void *arg, const char *data, size_t n)
{
	(void)arg;
	return fwrite(data, 1, n, stdout) == n ? 0 : -EIO;
}

struct run {
	const char *casedir, *workdir;
	struct case_options o;
	struct qmp_server *qmp;
	struct clock_now now;
	struct measure *measure;
	struct sample *sample[2];
	struct view *view;
	struct printer *printer;
};

/* Images in the workdir are on some device of this machine; the fixture says which of its
 * disks that is to be. */
static int link_backing(const struct run *r)
{
	char dir[2100], link[2200];
	struct stat st;

	if (!*r->o.backing)
		return 0;
	snprintf(dir, sizeof(dir), "%.2000s/sys/dev", r->workdir);
	mkdir(dir, 0755);
	snprintf(dir, sizeof(dir), "%.2000s/sys/dev/block", r->workdir);
	mkdir(dir, 0755);
	if (stat(r->workdir, &st) < 0)
		return -errno;
	snprintf(link, sizeof(link), "%s/%u:%u", dir, major(st.st_dev), minor(st.st_dev));
	unlink(link);
	return symlink(r->o.backing, link) < 0 ? -errno : 0;
}

/* Lays the tick's root over the workdir. 1: there is no such tick. */
static int prepare(struct run *r, unsigned tick)
{
	char from[2048], scripts[2100], sockets[2100];
	struct stat st;
	int e;

	snprintf(from, sizeof(from), "%s/%u", r->casedir, tick);
	snprintf(scripts, sizeof(scripts), "%s/run/qemu-server", from);
	snprintf(sockets, sizeof(sockets), "%.2000s/run/qemu-server", r->workdir);
	if (stat(from, &st) < 0)
		return 1;
	e = load_clock(from, &r->now);
	if (e == 0)
		e = tree_sync(from, r->workdir);
	if (e == 0)
		e = link_backing(r);
	if (e == 0)
		e = qmp_server_load(r->qmp, scripts, sockets, r->now.wall_ns);
	return e;
}

static int run(struct run *r, const struct measure_options *o)
{
	unsigned tick = 1, dropped;
	int e = prepare(r, tick);

	if (e > 0)
		fprintf(stderr, "golden: %s has no tick\n", r->casedir);
	if (e)
		return 1;
	e = measure_open(&r->measure, o);
	if (e < 0) {
		fprintf(stderr, "golden: measure_open: %s\n", strerror(-e));
		return 1;
	}
	for (; e == 0; e = prepare(r, ++tick)) {
		struct sample *now = r->sample[tick % 2];
		struct sample *before = tick > 1 ? r->sample[(tick - 1) % 2] : NULL;

		measure_sample(r->measure, now);
		view_derive(r->view, before, now);
		if (tick == 1)
			continue;
		e = printer_print(r->printer, r->view, put, NULL, &dropped);
		if (e < 0) {
			fprintf(stderr, "golden: tick %u: cannot print: %s\n", tick, strerror(-e));
			return 1;
		}
	}
	return e < 0 || fflush(stdout) ? 1 : 0;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: ticks CASEDIR WORKDIR --printer=json|text|openmetrics [--verbose]\n");
	return 2;
}

int main(int argc, char **argv)
{
	struct printer_options po = {.families = ~0u, .record_max = SIZE_MAX};
	const char *printer = NULL;
	char procfs[2048], sysfs[2048];
	struct run r = {0};
	int e = 1;

	for (int i = 3; i < argc; i++) {
		if (!strncmp(argv[i], "--printer=", 10))
			printer = argv[i] + 10;
		else if (!strcmp(argv[i], "--verbose"))
			po.verbose = true;
		else
			return usage();
	}
	if (argc < 3 || !printer)
		return usage();
	signal(SIGPIPE, SIG_IGN);
	r.casedir = argv[1];
	r.workdir = argv[2];
	snprintf(procfs, sizeof(procfs), "%s/proc", r.workdir);
	snprintf(sysfs, sizeof(sysfs), "%s/sys", r.workdir);
	load_options(r.casedir, &r.o);
	r.qmp = qmp_server_new();
	r.printer = printer_new(printer, &po);
	if (!r.qmp || !r.printer) {
		fprintf(stderr, "golden: cannot start, or no printer %s\n", printer);
	} else {
		struct measure_options mo = {
			.procfs = procfs,
			.sysfs = sysfs,
			.rootfs = r.workdir,
			.connector = CONNECT_PROXMOX,
			.verbose = po.verbose,
			.netdev = *r.o.netdev ? r.o.netdev : NULL,
			.storedev = *r.o.storedev ? r.o.storedev : NULL,
			.clock = read_clock,
			.clock_arg = &r.now,
			.synchronous = true,
		};

		r.sample[0] = sample_new();
		r.sample[1] = sample_new();
		r.view = view_new();
		e = run(&r, &mo);
	}
	measure_close(r.measure);
	view_free(r.view);
	sample_free(r.sample[0]);
	sample_free(r.sample[1]);
	printer_free(r.printer);
	qmp_server_free(r.qmp);
	return e;
}
