/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PROC_TEXT_H
#define PROXTOP_PROC_TEXT_H

/*
 * The kernel's text files as numbers: pure parsers, no files, no state.  All take
 * NUL-terminated text that may be cut or wrong anywhere, and say what they found;
 * numbers that are not there are ABSENT.
 */
#include "sample.h"

#include <stdbool.h>
#include <sys/types.h>

/* /proc/PID/stat and /proc/PID/task/TID/stat, proc(5) */
struct pid_stat {
	char comm[32]; /* field 2, cut */
	char state;    /* field 3 */
	pid_t ppid;    /* field 4 */
	uint64_t minflt, cminflt, majflt, cmajflt, utime, stime, threads, starttime, vsize,
		rss_pages, processor, blkio_ticks;
};
bool parse_pid_stat(const char *text, struct pid_stat *ret);

/* /proc/PID/task/TID/schedstat: "run wait slices", ns (sched-stats.rst).  All zero is
 * given as it is: a new thread, or a kernel without sched_info. */
struct schedstat {
	uint64_t run, wait, slices;
};
bool parse_schedstat(const char *text, struct schedstat *ret);

/* /proc/PID/io: values in the order of the metrics IO_* named by their sources. */
void parse_pid_io(const char *text, void (*set)(void *arg, enum metric_id m, uint64_t v),
		  void *arg);

/* cpu.pressure and the like (psi.rst). */
struct psi_line {
	uint64_t avg10, avg60, avg300; /* hundredths of a percent */
	uint64_t total;                /* us */
};
struct psi {
	struct psi_line some, full; /* ABSENT where the line is missing */
};
bool parse_psi(const char *text, struct psi *ret);

/* cpu.stat: throttled time in ns (cgroup v2 throttled_usec, v1 throttled_time), or
 * ABSENT. */
uint64_t parse_cpu_stat_throttled(const char *text);

/* One interface's line of net/dev; NULL name when the line is none.  Moves *p on. */
#define NETDEV_COLUMNS 16
struct netdev_line {
	char name[32];
	uint64_t column[NETDEV_COLUMNS]; /* 0-7 receive, 8-15 transmit, as the header says */
};
bool parse_netdev_line(const char **p, struct netdev_line *ret);

/* One line of /proc/diskstats (iostats.rst). */
#define DISKSTAT_COLUMNS 11
struct diskstat_line {
	unsigned major, minor;
	char name[32];
	uint64_t column[DISKSTAT_COLUMNS]; /* iostats.rst fields 1 to 11 */
};
bool parse_diskstat_line(const char **p, struct diskstat_line *ret);

/* The path of a controller ("cpu"), or of cgroup v2 (""), in /proc/PID/cgroup, without
 * its leading slash.  False when the line is missing or does not fit. */
bool parse_cgroup_path(const char *text, const char *controller, char *ret, size_t size);

#endif
