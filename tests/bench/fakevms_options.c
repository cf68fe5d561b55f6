/* SPDX-License-Identifier: Apache-2.0 */
#include "fakevms.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char usage[] =
	"usage: fakevms DIR N [options]\n"
	"  --vcpus=N        vCPU threads of each VM (4)\n"
	"  --others=N       its other threads, the main one included (4)\n"
	"  --busy=PERCENT   how much of the time each vCPU thread runs (0: a few us a wake-up)\n"
	"  --sleep=MIN-MAX  milliseconds between a thread's wake-ups (100-500)\n"
	"  --disks=N        disks of each VM, 0 to 16 (1)\n"
	"  --silent=K       the monitors of the first K VMs do not answer: by turns they accept "
	"no\n"
	"                   connection, accept and say nothing, greet and then say nothing\n"
	"  --taps           each VM holds its interface tap<ID>i0 (root, best in a network "
	"namespace)\n"
	"  --cgroups=PATH   each VM runs in PATH/qemu.slice/<ID>.scope (PATH: a cgroup v2)\n";

__attribute__((format(printf, 1, 2))) static _Noreturn void refuse(const char *format, ...)
{
	va_list ap;

	fputs("fakevms: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputs("\n", stderr);
	exit(2);
}

static unsigned number(const char *what, const char *s, unsigned low, unsigned high)
{
	char *end;
	unsigned long v;

	errno = 0;
	v = strtoul(s, &end, 10);
	if (errno || end == s || *end || *s == '-' || v < low || v > high)
		refuse("%s '%s': a number from %u to %u is allowed", what, s, low, high);
	return (unsigned)v;
}

static void sleep_range(struct fakevm *vm, const char *s)
{
	int used = 0;

	if (sscanf(s, "%u-%u%n", &vm->sleep_min_ms, &vm->sleep_max_ms, &used) != 2 || s[used] ||
	    vm->sleep_min_ms < 1 || vm->sleep_max_ms < vm->sleep_min_ms || vm->sleep_max_ms > 10000)
		refuse("--sleep '%s': MIN-MAX is allowed, from 1 to 10000 ms", s);
}

void fakevms_options(struct generator *g, int argc, char **argv)
{
	static const struct option long_options[] = {
		{"vcpus", required_argument, NULL, 'v'}, {"others", required_argument, NULL, 'o'},
		{"busy", required_argument, NULL, 'b'},  {"sleep", required_argument, NULL, 's'},
		{"disks", required_argument, NULL, 'd'}, {"silent", required_argument, NULL, 'q'},
		{"taps", no_argument, NULL, 't'},        {"cgroups", required_argument, NULL, 'c'},
		{"help", no_argument, NULL, 'h'},        {NULL, 0, NULL, 0}};
	int c;

	g->model = (struct fakevm){.vcpus = 4, .others = 4, .disks = 1};
	sleep_range(&g->model, "100-500");
	while ((c = getopt_long(argc, argv, "h", long_options, NULL)) != -1) {
		switch (c) {
		case 'v':
			g->model.vcpus = number("--vcpus", optarg, 0, 1024);
			break;
		case 'o':
			g->model.others = number("--others", optarg, 1, 1024);
			break;
		case 'b':
			g->model.busy = number("--busy", optarg, 0, 100);
			break;
		case 's':
			sleep_range(&g->model, optarg);
			break;
		case 'd':
			g->model.disks = number("--disks", optarg, 0, 16);
			break;
		case 'q':
			g->silent = number("--silent", optarg, 0, VMS_MAX);
			break;
		case 't':
			g->model.tap = true;
			break;
		case 'c':
			g->cgroups = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			exit(0);
		default:
			exit(2); /* getopt has said it */
		}
	}
	if (argc - optind != 2)
		refuse("DIR and N are needed (fakevms --help)");
	g->n = number("N", argv[optind + 1], 1, VMS_MAX);
	if (strlen(argv[optind]) > sizeof g->dir - 64)
		refuse("DIR is too long");
	if (mkdir(argv[optind], 0755) < 0 && errno != EEXIST)
		refuse("%s: %s", argv[optind], strerror(errno));
	if (!realpath(argv[optind], g->dir))
		refuse("%s: %s", argv[optind], strerror(errno));
}
