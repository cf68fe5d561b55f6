/* SPDX-License-Identifier: Apache-2.0 */
/* The process of one make-believe VM: its name, threads, interface and monitor socket. */
#include "fakevm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define WAKE_UP_NS   5000ull /* what a thread does that is not busy */
#define THREAD_STACK 65536u
#define QEMU_BACKLOG 1 /* so QEMU: two connections wait, the third is refused */

struct worker {
	const struct fakevm *vm;
	unsigned busy;
	uint32_t random;
	int output; /* /dev/null; -1: does no I/O */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void burn(uint64_t ns)
{
	uint64_t end = now_ns() + ns;

	while (now_ns() < end)
		;
}

/* Milliseconds until the thread's next wake-up: not in step with any other. */
static unsigned next_sleep(struct worker *w)
{
	const struct fakevm *vm = w->vm;

	w->random = w->random * 1664525u + 1013904223u;
	return vm->sleep_min_ms + (w->random >> 8) % (vm->sleep_max_ms - vm->sleep_min_ms + 1);
}

static void work(const struct worker *w, unsigned period_ms)
{
	burn(w->busy ? period_ms * 10000ull * w->busy : WAKE_UP_NS);
	if (w->output >= 0 && write(w->output, "0123456789abcdef", 16) < 0)
		perror("fakevms: /dev/null"); /* only so that /proc/PID/io moves */
}

static void *thread(void *arg)
{
	struct worker *w = arg;

	for (;;) {
		unsigned period = next_sleep(w);
		unsigned rest = period - period * w->busy / 100;
		struct timespec t = {rest / 1000, rest % 1000 * 1000000};

		if (rest)
			nanosleep(&t, NULL);
		work(w, period);
	}
	return NULL;
}

/* The main thread's turn, between two waits for its monitor. */
static unsigned main_thread(void *arg)
{
	struct worker *w = arg;

	work(w, 0);
	return next_sleep(w);
}

/* comm of thread number n of the others; the main thread, number 0, is "kvm". */
static void other_name(unsigned n, char *ret, size_t size)
{
	static const char *const names[] = {"kvm", "call_rcu", "IO mon_iothread", "IO iothread-vir",
					    "vnc_worker"};

	snprintf(ret, size, "%s", n < sizeof names / sizeof *names ? names[n] : "worker");
}

static int start_thread(const struct fakevm *vm, const char *name, unsigned number, unsigned busy,
			int output)
{
	struct worker *w = malloc(sizeof *w);
	pthread_attr_t attr;
	pthread_t t;
	int err;

	if (!w)
		return -ENOMEM;
	*w = (struct worker){vm, busy, vm->id * 7919 + number * 104729, output};
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	err = pthread_create(&t, &attr, thread, w);
	pthread_attr_destroy(&attr);
	if (err) {
		free(w);
		return -err;
	}
	return -pthread_setname_np(t, name);
}

static int start_threads(const struct fakevm *vm, int output)
{
	char name[32]; /* at most 15 are used: 1024 vCPUs */
	int err = 0;

	for (unsigned i = 1; i < vm->others && !err; i++) {
		other_name(i, name, sizeof name);
		err = start_thread(vm, name, i, 0, output);
	}
	for (unsigned i = 0; i < vm->vcpus && !err; i++) {
		snprintf(name, sizeof name, "CPU %u/KVM", i);
		err = start_thread(vm, name, 1000 + i, vm->busy, -1);
	}
	return err;
}

/* The interface lives as long as the descriptor, which is never closed. */
static int open_tap(unsigned id)
{
	struct ifreq r = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int fd = open("/dev/net/tun", O_RDWR | O_CLOEXEC), s, err = 0;

	if (fd < 0)
		return -errno;
	snprintf(r.ifr_name, sizeof r.ifr_name, "tap%ui0", id);
	if (ioctl(fd, TUNSETIFF, &r) < 0)
		return -errno;
	s = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s < 0)
		return -errno;
	r.ifr_flags = IFF_UP | IFF_RUNNING;
	if (ioctl(s, SIOCSIFFLAGS, &r) < 0)
		err = -errno;
	close(s);
	return err;
}

/* In the current directory: a socket's path may have 107 bytes, a directory's has more. */
static int listen_monitor(unsigned id)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	snprintf(a.sun_path, sizeof a.sun_path, "%u.qmp", id);
	unlink(a.sun_path);
	if (bind(fd, (struct sockaddr *)&a, sizeof a) < 0 || listen(fd, QEMU_BACKLOG) < 0)
		return -errno;
	return fd;
}

static struct fakevm_counters *map_counters(unsigned id)
{
	const long page = sysconf(_SC_PAGESIZE);
	off_t at = (off_t)((id - FAKEVM_FIRST_ID) * sizeof(struct fakevm_counters));
	int fd = open("../../counters", O_RDWR | O_CLOEXEC);
	char *p;

	if (fd < 0)
		return NULL;
	p = mmap(NULL, (size_t)page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, at / page * page);
	close(fd);
	return p == MAP_FAILED ? NULL : (struct fakevm_counters *)(p + at % page);
}

static int complain(unsigned id, const char *what, int err)
{
	fprintf(stderr, "fakevms: VM %u: %s: %s\n", id, what, strerror(-err));
	return 1;
}

int fakevm_run(const char *dir, const struct fakevm *vm, int ready_fd)
{
	struct worker self = {vm, 0, vm->id, -1};
	struct qmp_server server = {
		.vm = vm, .timeout_ms = vm->sleep_min_ms, .idle = main_thread, .arg = &self};
	int output = open("/dev/null", O_WRONLY | O_CLOEXEC), err;

	prctl(PR_SET_NAME, "kvm");
	if (chdir(dir) < 0 || chdir("run/qemu-server") < 0)
		return complain(vm->id, dir, -errno);
	server.counters = map_counters(vm->id);
	if (!server.counters)
		return complain(vm->id, "counters", -errno);
	if (vm->tap && (err = open_tap(vm->id)) < 0)
		return complain(vm->id, "tap interface", err);
	server.listen_fd = listen_monitor(vm->id);
	if (server.listen_fd < 0)
		return complain(vm->id, "monitor socket", server.listen_fd);
	err = start_threads(vm, output);
	if (err < 0)
		return complain(vm->id, "threads", err);
	if (write(ready_fd, "r", 1) != 1)
		return complain(vm->id, "generator", -errno);
	close(ready_fd);
	qmp_serve(&server);
}
