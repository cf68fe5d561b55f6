/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TEST_FAKE_PVE_H
#define TEST_FAKE_PVE_H

/*
 * A Proxmox VE node made of files, and QEMUs that are only a QMP socket: for tests of
 * the connector.  Everything is below one directory, which fake_free() removes.
 */
#include <errno.h>
#include <ftw.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/un.h>
#include <unistd.h>

enum fake_mode {
	FAKE_FINE,
	FAKE_SILENT,  /* accepts and says nothing */
	FAKE_DEAF,    /* does not even accept */
	FAKE_CUT,     /* hangs up in the middle of its answer */
	FAKE_GARBAGE, /* says what is no QMP */
	FAKE_FLOOD,   /* does not stop talking */
};

struct fake_qmp {
	unsigned vmid;
	int listener, stop[2];
	pthread_t thread;
	_Atomic enum fake_mode mode;
	atomic_uint visits, blockstats_asked, balloon_asked, guest_asked, status_asked;
	/* Whole lines without an end; NULL is answered with an error. */
	const char *_Atomic blockstats, *_Atomic balloon, *_Atomic guest_short, *_Atomic guest_long,
		*_Atomic status;
};

#define FAKE_QMP_MAX 16

struct fake {
	char dir[32], procfs[48], rootfs[48];
	struct fake_qmp *qmp[FAKE_QMP_MAX];
	unsigned n_qmp;
};

static inline void fake_write(const char *path, const char *text, size_t n)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(text, 1, n, f) != n || fclose(f)) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		abort();
	}
}

static inline void fake_mkdir(const char *format, ...) __attribute__((format(printf, 1, 2)));
static inline void fake_mkdir(const char *format, ...)
{
	char path[256];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		abort();
}

static inline void fake_init(struct fake *f)
{
	memset(f, 0, sizeof(*f));
	strcpy(f->dir, "/tmp/fake_pve.XXXXXX");
	if (!mkdtemp(f->dir))
		abort();
	snprintf(f->procfs, sizeof(f->procfs), "%s/proc", f->dir);
	snprintf(f->rootfs, sizeof(f->rootfs), "%s/root", f->dir);
	fake_mkdir("%s", f->procfs);
	fake_mkdir("%s", f->rootfs);
	fake_mkdir("%s/run", f->rootfs);
	fake_mkdir("%s/run/qemu-server", f->rootfs);
	fake_mkdir("%s/etc", f->rootfs);
	fake_mkdir("%s/etc/pve", f->rootfs);
	fake_mkdir("%s/etc/pve/qemu-server", f->rootfs);
}

/* arguments: separated by blanks. */
static inline void fake_process(struct fake *f, int pid, unsigned start, const char *arguments)
{
	char path[256], text[8192];
	size_t n = strlen(arguments) + 1;

	fake_mkdir("%s/%d", f->procfs, pid);
	snprintf(path, sizeof(path), "%s/%d/stat", f->procfs, pid);
	snprintf(text, sizeof(text),
		 "%d (kvm) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 20 0 8 0 %u 1000 100 "
		 "18446744073709551615 1 1 0 0 0 0 0 0 0 0 0 0 17 1 0 0 0 0 0 0 0 0 0 0 0 0 0\n",
		 pid, start);
	fake_write(path, text, strlen(text));
	snprintf(path, sizeof(path), "%s/%d/cmdline", f->procfs, pid);
	memcpy(text, arguments, n);
	for (char *c = text; *c || c < text + n - 1; c++)
		*c = *c == ' ' ? '\0' : *c;
	fake_write(path, text, n);
}

static inline void fake_process_ends(struct fake *f, int pid)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/%d/stat", f->procfs, pid);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%d/cmdline", f->procfs, pid);
	unlink(path);
	snprintf(path, sizeof(path), "%s/%d", f->procfs, pid);
	rmdir(path);
}

/* name: 100.pid, relative to the run directory; text NULL removes it. */
static inline void fake_run_file(struct fake *f, const char *name, const char *text)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/run/qemu-server/%s", f->rootfs, name);
	if (text)
		fake_write(path, text, strlen(text));
	else
		unlink(path);
}

/* As Proxmox VE does it: a new file takes the old one's place. NULL removes it. */
static inline void fake_config(struct fake *f, unsigned vmid, const char *text)
{
	char path[256], new[256];

	snprintf(path, sizeof(path), "%s/etc/pve/qemu-server/%u.conf", f->rootfs, vmid);
	snprintf(new, sizeof(new), "%s/etc/pve/qemu-server/%u.conf.tmp.1", f->rootfs, vmid);
	if (!text) {
		unlink(path);
		return;
	}
	fake_write(new, text, strlen(text));
	if (rename(new, path) < 0)
		abort();
}

/* ---- QMP ---- */

static inline int fake_say(int fd, const char *text)
{
	size_t n = strlen(text);

	return send(fd, text, n, MSG_NOSIGNAL) == (ssize_t)n ? 0 : -1;
}

static inline void fake_answer(struct fake_qmp *q, int fd, const char *request)
{
	const char *line = NULL;

	if (strstr(request, "qmp_capabilities")) {
		line = "{\"return\": {}}";
	} else if (strstr(request, "query-blockstats")) {
		q->blockstats_asked++;
		line = q->blockstats;
		if (q->mode == FAKE_CUT) {
			fake_say(fd, "{\"return\": [{\"device\": \"drive-scsi0\", \"sta");
			shutdown(fd, SHUT_RDWR);
			return;
		}
	} else if (strstr(request, "query-balloon")) {
		q->balloon_asked++;
		line = q->balloon;
	} else if (strstr(request, "\"/machine/peripheral/balloon0\"")) {
		q->guest_asked++;
		line = q->guest_long;
	} else if (strstr(request, "\"balloon0\"")) {
		q->guest_asked++;
		line = q->guest_short;
	} else if (strstr(request, "query-status")) {
		q->status_asked++;
		line = q->status;
	}
	fake_say(fd, line ? line : "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no\"}}");
	fake_say(fd, "\r\n");
}

/* Until the client leaves or the server is to stop. */
static inline void fake_talk(struct fake_qmp *q, int fd)
{
	static const char event[] = "{\"event\": \"X\", \"data\": \"";
	char request[4096];
	size_t used = 0;
	int depth = 0;

	if (q->mode == FAKE_GARBAGE)
		fake_say(fd, "SSH-2.0-x\r\n\xff\xfe\r\n");
	else if (q->mode != FAKE_SILENT)
		fake_say(fd, "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n");
	if (q->mode == FAKE_FLOOD) {
		char flood[32768];

		memset(flood, 'x', sizeof(flood));
		memcpy(flood, event, sizeof(event) - 1);
		memcpy(flood + sizeof(flood) - 4, "\"}\n", 4);
		while (fake_say(fd, flood) == 0)
			;
	}
	for (;;) {
		struct pollfd p[2] = {{.fd = fd, .events = POLLIN},
				      {.fd = q->stop[0], .events = POLLIN}};
		char c;

		if (poll(p, 2, -1) < 0 || p[1].revents || read(fd, &c, 1) != 1)
			return;
		if (q->mode == FAKE_SILENT || used == sizeof(request) - 1)
			continue;
		request[used++] = c;
		depth += (c == '{') - (c == '}');
		if (c == '}' && !depth) {
			request[used] = '\0';
			used = 0;
			fake_answer(q, fd, request);
		}
	}
}

static inline void *fake_serve(void *arg)
{
	struct fake_qmp *q = arg;

	for (;;) {
		struct pollfd p[2] = {{.fd = q->listener, .events = POLLIN},
				      {.fd = q->stop[0], .events = POLLIN}};
		int fd;

		if (q->mode == FAKE_DEAF) {
			poll(p + 1, 1, 20);
			if (p[1].revents)
				return NULL;
			continue;
		}
		if (poll(p, 2, -1) < 0 || p[1].revents)
			return NULL;
		if (q->mode == FAKE_DEAF)
			continue; /* since it waited */
		fd = accept(q->listener, NULL, NULL);
		if (fd < 0)
			continue;
		q->visits++;
		fake_talk(q, fd);
		close(fd);
	}
}

static inline struct fake_qmp *fake_qmp(struct fake *f, unsigned vmid)
{
	struct fake_qmp *q = calloc(1, sizeof(*q));
	struct sockaddr_un a = {.sun_family = AF_UNIX};

	if (!q || f->n_qmp == FAKE_QMP_MAX || pipe(q->stop) < 0)
		abort();
	f->qmp[f->n_qmp++] = q;
	q->vmid = vmid;
	q->blockstats = "{\"return\": []}";
	q->status = "{\"return\": {\"status\": \"running\", \"running\": true}}";
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/run/qemu-server/%u.qmp", f->rootfs, vmid);
	q->listener = socket(AF_UNIX, SOCK_STREAM, 0);
	if (bind(q->listener, (struct sockaddr *)&a, sizeof(a)) < 0 || listen(q->listener, 1) < 0)
		abort();
	pthread_create(&q->thread, NULL, fake_serve, q);
	return q;
}

static inline int fake_remove(const char *path, const struct stat *st, int type, struct FTW *w)
{
	(void)st;
	(void)type;
	(void)w;
	return remove(path);
}

static inline void fake_free(struct fake *f)
{
	for (unsigned i = 0; i < f->n_qmp; i++) {
		struct fake_qmp *q = f->qmp[i];

		if (write(q->stop[1], "x", 1) != 1)
			abort();
		pthread_join(q->thread, NULL);
		close(q->listener);
		close(q->stop[0]);
		close(q->stop[1]);
		free(q);
	}
	nftw(f->dir, fake_remove, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
