/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generator: a host with N virtual machines of Proxmox VE, without a hypervisor.
 *
 *   fakevms DIR N [options]
 *
 * Prints "ready" when all are up, and holds them until its standard input ends or a
 * signal comes; then processes and files are gone.
 */
#include "fakevms.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define START_TIMEOUT_MS 60000

static int complain(const char *what, int err)
{
	fprintf(stderr, "fakevms: %s: %s\n", what, strerror(-err));
	return err;
}

static void scope_path(const struct generator *g, unsigned id, char *ret, size_t size)
{
	if (id)
		snprintf(ret, size, "%s/qemu.slice/%u.scope", g->cgroups, id);
	else
		snprintf(ret, size, "%s/qemu.slice", g->cgroups);
}

/* Moves the calling process into its VM's cgroup. */
static int enter_cgroup(const struct generator *g, unsigned id)
{
	char path[PATH_MAX];
	int fd, err = 0;

	scope_path(g, id, path, sizeof path - 32);
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return -errno;
	strcat(path, "/cgroup.procs");
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, "0", 1) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* In the child: becomes the VM. */
static _Noreturn void become(const struct generator *g, const struct fakevm *vm, pid_t parent,
			     int ready_fd)
{
	char dir[PATH_MAX + 16], fd_text[32];
	char *env[] = {fakevm_to_env(vm), dir, fd_text, NULL};
	sigset_t none;
	int null, err;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (g->cgroups && (err = enter_cgroup(g, vm->id)) < 0) {
		complain(g->cgroups, err);
		_exit(1);
	}
	null = open("/dev/null", O_RDWR);
	dup2(null, 0);
	dup2(null, 1);
	snprintf(dir, sizeof dir, "FAKEVM_DIR=%s", g->dir);
	snprintf(fd_text, sizeof fd_text, "FAKEVM_READY=%d", ready_fd);
	execve("/proc/self/exe", fakevm_argv(vm), env);
	complain("/proc/self/exe", -errno);
	_exit(1);
}

static enum fakevm_monitor monitor_of(const struct generator *g, unsigned i)
{
	static const enum fakevm_monitor turns[] = {MONITOR_CLOSED, MONITOR_DUMB, MONITOR_GREETS};

	return i < g->silent ? turns[i % 3] : MONITOR_ANSWERS;
}

/* Waits until every VM has written its byte. */
static int wait_ready(int fd, unsigned n)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char bytes[256];

	while (n) {
		int r = poll(&p, 1, START_TIMEOUT_MS);
		ssize_t got;

		if (r < 0)
			return -errno;
		if (r == 0)
			return -ETIMEDOUT;
		got = read(fd, bytes, sizeof bytes);
		if (got < 0)
			return -errno;
		if (got == 0)
			return -ECHILD; /* all writers are gone, and the missing one has said why */
		n -= (unsigned)got;
	}
	return 0;
}

static int make_counters(const struct generator *g)
{
	char path[PATH_MAX + 16];
	int fd, err = 0;

	snprintf(path, sizeof path, "%s/counters", g->dir);
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	if (ftruncate(fd, (off_t)(g->n * sizeof(struct fakevm_counters))) < 0)
		err = -errno;
	close(fd);
	return err;
}

static int start(struct generator *g)
{
	char slice[PATH_MAX];
	struct timespec t;
	pid_t self = getpid();
	int ready[2], err;

	err = fakevm_make_root(g->dir);
	if (!err)
		err = make_counters(g);
	if (err < 0)
		return complain(g->dir, err);
	if (g->cgroups) {
		scope_path(g, 0, slice, sizeof slice);
		if (mkdir(slice, 0755) < 0 && errno != EEXIST)
			return complain(slice, -errno);
	}
	if (pipe(ready) < 0)
		return complain("pipe", -errno);
	fcntl(ready[0], F_SETFD, FD_CLOEXEC);
	clock_gettime(CLOCK_MONOTONIC, &t);
	g->model.started_ms = (unsigned long long)t.tv_sec * 1000 + (unsigned)t.tv_nsec / 1000000;
	for (unsigned i = 0; i < g->n; i++) {
		struct fakevm vm = g->model;

		vm.id = FAKEVM_FIRST_ID + i;
		vm.monitor = monitor_of(g, i);
		err = fakevm_write_config(g->dir, &vm);
		if (err < 0)
			return complain(g->dir, err);
		g->pids[i] = fork();
		if (g->pids[i] < 0) {
			g->pids[i] = 0;
			return complain("fork", -errno);
		}
		if (!g->pids[i])
			become(g, &vm, self, ready[1]);
	}
	close(ready[1]);
	err = wait_ready(ready[0], g->n);
	close(ready[0]);
	if (err < 0)
		return complain("VMs did not start", err);
	for (unsigned i = 0; i < g->n && !err; i++)
		err = fakevm_write_pid(g->dir, FAKEVM_FIRST_ID + i, g->pids[i]);
	return err < 0 ? complain(g->dir, err) : 0;
}

/* A VM that was killed is only taken off the list: that is what somebody wanted to try. */
static void reap(struct generator *g)
{
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (unsigned i = 0; i < g->n; i++)
			if (g->pids[i] == pid)
				g->pids[i] = 0;
}

static void hold(struct generator *g, int signals)
{
	struct pollfd p[2] = {{.fd = signals, .events = POLLIN}, {.fd = 0, .events = POLLIN}};
	struct signalfd_siginfo info;
	char ignored[256];

	for (;;) {
		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents) {
			if (read(signals, &info, sizeof info) != sizeof info)
				return;
			if (info.ssi_signo != SIGCHLD)
				return;
			reap(g);
		}
		if (p[1].revents && read(0, ignored, sizeof ignored) <= 0)
			return;
	}
}

static void stop(struct generator *g)
{
	char path[PATH_MAX + 16];

	for (unsigned i = 0; i < g->n; i++)
		if (g->pids[i])
			kill(g->pids[i], SIGKILL);
	for (unsigned i = 0; i < g->n; i++) {
		if (g->pids[i])
			waitpid(g->pids[i], NULL, 0);
		fakevm_remove_files(g->dir, FAKEVM_FIRST_ID + i);
		if (g->cgroups) {
			scope_path(g, FAKEVM_FIRST_ID + i, path, sizeof path);
			rmdir(path);
		}
	}
	if (g->cgroups) {
		scope_path(g, 0, path, sizeof path);
		rmdir(path);
	}
	snprintf(path, sizeof path, "%s/counters", g->dir);
	unlink(path);
	fakevm_remove_root(g->dir);
}

static int generate(struct generator *g)
{
	sigset_t set;
	int signals, err;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGCHLD);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (signals < 0)
		return complain("signalfd", -errno);
	g->pids = calloc(g->n, sizeof *g->pids);
	if (!g->pids)
		return complain("memory", -ENOMEM);
	err = start(g);
	if (!err) {
		puts("ready");
		fflush(stdout);
		hold(g, signals);
	}
	stop(g);
	free(g->pids);
	close(signals);
	return err;
}

int main(int argc, char **argv)
{
	static struct generator g;
	struct fakevm vm;

	if (!fakevm_from_env(&vm)) {
		const char *dir = getenv("FAKEVM_DIR"), *fd = getenv("FAKEVM_READY");

		return dir && fd ? fakevm_run(dir, &vm, atoi(fd)) : 2;
	}
	fakevms_options(&g, argc, argv);
	return generate(&g) < 0 ? 1 : 0;
}
