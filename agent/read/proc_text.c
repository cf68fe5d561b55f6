/* SPDX-License-Identifier: Apache-2.0 */
#include "proc_text.h"

#include "scan.h"

#include <string.h>

/* 44 (kvm) S 1 42 42 0 -1 138412480 15669 0 2 0 1098 121 0 0 20 0 9 0 378549 2121572352 53945 ...
 * The name may contain anything, also blanks and parentheses: its end is the last ')'. */
bool parse_pid_stat(const char *text, struct pid_stat *ret)
{
	const char *open = strchr(text, '('), *close = strrchr(text, ')'), *p;
	uint64_t field[50];
	size_t n;

	memset(ret, 0, sizeof(*ret));
	if (!open || !close || close < open || close[1] != ' ' || !close[2])
		return false;
	n = (size_t)(close - open - 1);
	if (n >= sizeof(ret->comm))
		n = sizeof(ret->comm) - 1;
	memcpy(ret->comm, open + 1, n);
	ret->state = close[2];
	p = close + 3;
	for (int i = 4; i < 50; i++) {
		field[i] = ABSENT;
		if (!scan_u64(&p, &field[i]))
			scan_skip(&p, 1); /* negative numbers: priorities, tty */
	}
	if (field[22] == ABSENT)
		return false;
	ret->ppid = field[4] == ABSENT ? 0 : (pid_t)field[4];
	ret->minflt = field[10];
	ret->cminflt = field[11];
	ret->majflt = field[12];
	ret->cmajflt = field[13];
	ret->utime = field[14];
	ret->stime = field[15];
	ret->threads = field[20];
	ret->starttime = field[22];
	ret->vsize = field[23];
	ret->rss_pages = field[24];
	ret->processor = field[39];
	ret->blkio_ticks = field[42];
	return true;
}

/* 1827974649 50508860886 4711 */
bool parse_schedstat(const char *text, struct schedstat *ret)
{
	const char *p = text;

	return scan_u64(&p, &ret->run) && scan_u64(&p, &ret->wait) && scan_u64(&p, &ret->slices);
}

/* rchar: 292035568
 * ... */
void parse_pid_io(const char *text, void (*set)(void *arg, enum metric_id m, uint64_t v), void *arg)
{
	static const enum metric_id rows[] = {M_IO_RCHAR, M_IO_WCHAR, M_IO_SYSCR,    M_IO_SYSCW,
					      M_IO_READ,  M_IO_WRITE, M_IO_CANCELLED};

	for (const char *line = text; *line; line = scan_next_line(line)) {
		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			const char *p = line;
			uint64_t v;

			if (!scan_word(&p, metrics[rows[i]].source) || *p++ != ':')
				continue;
			if (scan_u64(&p, &v))
				set(arg, rows[i], v);
			break;
		}
	}
}

/* 1.25 as 125 */
static bool scan_hundredths(const char **p, uint64_t *ret)
{
	uint64_t whole, part;
	const char *from;

	if (!scan_u64(p, &whole) || whole > 1000000 || **p != '.')
		return false;
	from = ++*p;
	if (!scan_u64(p, &part) || *p - from != 2)
		return false;
	*ret = whole * 100 + part;
	return true;
}

/* some avg10=0.12 avg60=1.25 avg300=0.51 total=2059963 */
static bool parse_psi_line(const char *p, struct psi_line *l)
{
	return scan_word(&p, " avg10=") && scan_hundredths(&p, &l->avg10) &&
	       scan_word(&p, " avg60=") && scan_hundredths(&p, &l->avg60) &&
	       scan_word(&p, " avg300=") && scan_hundredths(&p, &l->avg300) &&
	       scan_word(&p, " total=") && scan_u64(&p, &l->total);
}

bool parse_psi(const char *text, struct psi *ret)
{
	static const struct psi_line none = {ABSENT, ABSENT, ABSENT, ABSENT};
	bool any = false;

	ret->some = ret->full = none;
	for (const char *line = text; *line; line = scan_next_line(line)) {
		const char *p = line;
		struct psi_line *to = NULL, l;

		if (scan_word(&p, "some"))
			to = &ret->some;
		else if (scan_word(&p, "full"))
			to = &ret->full;
		if (!to || !parse_psi_line(p, &l))
			continue;
		*to = l;
		any = true;
	}
	return any;
}

uint64_t parse_cpu_stat_throttled(const char *text)
{
	for (const char *line = text; *line; line = scan_next_line(line)) {
		const char *p = line;
		uint64_t v;

		if (scan_word(&p, "throttled_usec ") && scan_u64(&p, &v))
			return v < UINT64_MAX / 1000 ? v * 1000 : ABSENT;
		p = line;
		if (scan_word(&p, "throttled_time ") && scan_u64(&p, &v))
			return v;
	}
	return ABSENT;
}

/*  vnet0:  251057    3621    0 ... */
bool parse_netdev_line(const char **p, struct netdev_line *ret)
{
	const char *line = *p, *end = strchrnul(line, '\n'), *colon = NULL, *s;
	size_t n;

	*p = *end ? end + 1 : end;
	scan_spaces(&line);
	/* The last colon: an alias is written eth0:1. */
	for (s = line; s < end; s++)
		if (*s == ':')
			colon = s;
	if (!colon || colon == line)
		return false;
	n = (size_t)(colon - line);
	if (n >= sizeof(ret->name))
		return false;
	memcpy(ret->name, line, n);
	ret->name[n] = '\0';
	s = colon + 1;
	for (int i = 0; i < NETDEV_COLUMNS; i++)
		if (!scan_u64(&s, &ret->column[i]))
			return false;
	return true;
}

/*  254       0 vda 5613 3218 521978 1857 830 3869 321984 1081 0 1128 3145 ... */
bool parse_diskstat_line(const char **p, struct diskstat_line *ret)
{
	const char *s = *p, *name;
	uint64_t major, minor;
	size_t n;

	*p = scan_next_line(s);
	if (!scan_u64(&s, &major) || !scan_u64(&s, &minor) || major > 0xfff || minor > 0xfffff)
		return false;
	scan_spaces(&s);
	name = s;
	scan_skip(&s, 1);
	n = (size_t)(s - name);
	if (!n || n >= sizeof(ret->name))
		return false;
	ret->major = (unsigned)major;
	ret->minor = (unsigned)minor;
	memcpy(ret->name, name, n);
	ret->name[n] = '\0';
	for (int i = 0; i < DISKSTAT_COLUMNS; i++)
		if (!scan_u64(&s, &ret->column[i]))
			return false;
	return true;
}

/* 0::/machine.slice/machine-qemu\x2d1.scope/libvirt/emulator
 * 1:cpu,cpuacct:/machine/qemu-1-vm.libvirt-qemu/emulator */
bool parse_cgroup_path(const char *text, const char *controller, char *ret, size_t size)
{
	size_t length = strlen(controller);

	for (const char *line = text; *line; line = scan_next_line(line)) {
		const char *end = strchrnul(line, '\n'), *list = strchr(line, ':'), *path;
		bool hit = false;

		if (!list || list >= end)
			continue;
		path = strchr(++list, ':');
		if (!path || path >= end)
			continue;
		if (!length)
			hit = path == list;
		for (const char *w = list; length && w < path && !hit; w++) {
			const char *e = w;

			while (e < path && *e != ',')
				e++;
			hit = (size_t)(e - w) == length && !strncmp(w, controller, length);
			w = e;
		}
		if (!hit || path[1] != '/' || (size_t)(end - path) - 1 > size)
			continue;
		/* Without its leading slash: the root cgroup is "". */
		memcpy(ret, path + 2, (size_t)(end - path) - 2);
		ret[end - path - 2] = '\0';
		/* The kernel's own escape for a cgroup that was removed. */
		return strncmp(ret, "..", 2) && !strstr(ret, "/..") && !strstr(ret, " (deleted)");
	}
	return false;
}
