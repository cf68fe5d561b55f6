/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp_server.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define VMS_MAX  256
#define IN_MAX   65536
#define HUGE_MAX (256u << 20)

#define GREETING                                                                                   \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 2, \"minor\": 2, \"major\": 9}, "          \
	"\"package\": \"pve-qemu-kvm_9.2.2\"}, \"capabilities\": [\"oob\"]}}\r\n"

struct vm {
	char name[64]; /* ID of the script */
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	json_t *script;
	bool wanted;          /* has a script in the newest tick */
	long long time_shift; /* s from the fixture's wall clock to ours */
	int listener, client;
	char in[IN_MAX];
	size_t in_used;
	char *out;
	size_t out_used, out_sent;
	bool close_after, endless;
	unsigned answered;
};

struct qmp_server {
	pthread_t thread;
	pthread_mutex_t lock;
	int wake[2]; /* closed for writing: the thread ends */
	struct vm *vm[VMS_MAX];
	size_t n;
};

static const char *mode_of(const struct vm *vm)
{
	const char *mode = json_string_value(json_object_get(vm->script, "mode"));

	return mode ? mode : "answer";
}

static void hang_up(struct vm *vm)
{
	if (vm->client >= 0)
		close(vm->client);
	vm->client = -1;
	free(vm->out);
	vm->out = NULL;
	vm->in_used = vm->out_used = vm->out_sent = 0;
	vm->close_after = vm->endless = false;
	vm->answered = 0;
}

static void say(struct vm *vm, const char *data, size_t n)
{
	char *more = realloc(vm->out, vm->out_used + n + 1);

	if (!more) {
		hang_up(vm);
		return;
	}
	memcpy(more + vm->out_used, data, n);
	vm->out = more;
	vm->out_used += n;
}

/* "qom-get PATH PROPERTY": the command and its arguments' values, names sorted. */
static void command_key(const json_t *request, char *key, size_t size)
{
	json_t *arguments = json_object_get(request, "arguments");
	const char *command = json_string_value(json_object_get(request, "execute"));
	const char *names[16];
	size_t n = 0, used;
	const char *name;
	json_t *value;

	used = (size_t)snprintf(key, size, "%s", command ? command : "");
	json_object_foreach(arguments, name, value)
	{
		size_t i = n;

		if (n == sizeof(names) / sizeof(*names))
			break;
		for (; i > 0 && strcmp(names[i - 1], name) > 0; i--)
			names[i] = names[i - 1];
		names[i] = name;
		n++;
	}
	for (size_t i = 0; i < n && used < size; i++) {
		const char *text = json_string_value(json_object_get(arguments, names[i]));

		used += (size_t)snprintf(key + used, size - used, " %s", text ? text : "?");
	}
}

static const char *find_text(const struct vm *vm, const char *where, const json_t *request)
{
	json_t *texts = json_object_get(vm->script, where);
	const char *command = json_string_value(json_object_get(request, "execute")), *text;
	char key[512];

	command_key(request, key, sizeof(key));
	text = json_string_value(json_object_get(texts, key));
	return text || !command ? text : json_string_value(json_object_get(texts, command));
}

/* Text with its times moved by seconds. */
static void say_moved(struct vm *vm, const char *text, long long seconds)
{
	while (*text) {
		const char *a = strstr(text, "last_update\": "),
			   *b = strstr(text, "last-update\": ");
		const char *time = !a || (b && b < a) ? b : a;
		char number[32], *end;

		if (!time)
			break;
		time += strlen("last_update\": ");
		say(vm, text, (size_t)(time - text));
		snprintf(number, sizeof(number), "%lld", strtoll(time, &end, 10) + seconds);
		say(vm, number, strlen(number));
		text = end;
	}
	say(vm, text, strlen(text));
}

static void say_text(struct vm *vm, const char *text)
{
	say(vm, text, strlen(text));
}

static void say_reply(struct vm *vm, const json_t *request)
{
	const char *returned = find_text(vm, "answers", request);
	const char *error = find_text(vm, "errors", request);
	const char *command = json_string_value(json_object_get(request, "execute"));

	if (!returned && !error && command && !strcmp(command, "qmp_capabilities"))
		returned = "{}";
	if (!returned && !error)
		error = "{\"class\": \"CommandNotFound\", \"desc\": \"The command has not been "
			"found\"}";
	say_text(vm, returned ? "{\"return\": " : "{\"error\": ");
	say_moved(vm, returned ? returned : error, vm->time_shift);
	say_text(vm, "}\r\n");
}

static void answer(struct vm *vm, const json_t *request)
{
	const char *mode = mode_of(vm);
	size_t before = vm->out_used;

	vm->answered++;
	if (!strcmp(mode, "huge") && vm->answered > 1) {
		say_text(vm, "{\"return\": \"");
		vm->endless = true;
		return;
	}
	say_reply(vm, request);
	if (!strcmp(mode, "cut") && vm->answered > 1 && vm->out_used > before) {
		vm->out_used = before + (vm->out_used - before) / 2;
		vm->close_after = true;
	}
}

static void greet(struct vm *vm)
{
	const char *mode = mode_of(vm);

	if (!strcmp(mode, "garbage")) {
		char bytes[1024];

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (char)(i * 167 + 13);
		say(vm, bytes, sizeof(bytes));
	} else if (strcmp(mode, "silent")) {
		say_text(vm, GREETING);
	}
}

/* QEMU takes one JSON value after the other, with or without lines. */
static void requests(struct vm *vm)
{
	while (vm->client >= 0 && vm->in_used && !vm->close_after) {
		json_error_t e;
		json_t *request;
		size_t skip = 0;

		while (skip < vm->in_used && strchr(" \t\r\n", vm->in[skip]))
			skip++;
		memmove(vm->in, vm->in + skip, vm->in_used - skip);
		vm->in_used -= skip;
		request = json_loadb(vm->in, vm->in_used, JSON_DISABLE_EOF_CHECK, &e);
		if (!request) {
			if (vm->in_used && json_error_code(&e) != json_error_premature_end_of_input)
				hang_up(vm);
			return;
		}
		memmove(vm->in, vm->in + e.position, vm->in_used - (size_t)e.position);
		vm->in_used -= (size_t)e.position;
		if (!strcmp(mode_of(vm), "silent") || !strcmp(mode_of(vm), "garbage"))
			json_object_clear(request);
		else
			answer(vm, request);
		json_decref(request);
	}
}

static void hear(struct vm *vm)
{
	ssize_t n;

	if (vm->in_used == sizeof(vm->in))
		return hang_up(vm);
	n = recv(vm->client, vm->in + vm->in_used, sizeof(vm->in) - vm->in_used, MSG_DONTWAIT);
	if (n > 0) {
		vm->in_used += (size_t)n;
		requests(vm);
	} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
		hang_up(vm);
	}
}

static void talk(struct vm *vm)
{
	static const char filler[4096] = {[0 ... 4095] = 'x'};
	ssize_t n;

	if (vm->endless && vm->out_sent == vm->out_used && vm->out_used < HUGE_MAX) {
		vm->out_used = vm->out_sent = 0;
		say(vm, filler, sizeof(filler));
	}
	if (vm->client < 0 || vm->out_sent == vm->out_used)
		return;
	n = send(vm->client, vm->out + vm->out_sent, vm->out_used - vm->out_sent,
		 MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n > 0)
		vm->out_sent += (size_t)n;
	else if (n < 0 && errno != EAGAIN && errno != EINTR)
		return hang_up(vm);
	if (vm->close_after && vm->out_sent == vm->out_used)
		hang_up(vm);
}

static bool pending(const struct vm *vm)
{
	return vm->client >= 0 && (vm->endless || vm->out_sent < vm->out_used);
}

static void serve_vm(struct vm *vm, short happened)
{
	if (vm->client < 0) {
		if (!(happened & POLLIN))
			return;
		vm->client = accept4(vm->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (vm->client >= 0)
			greet(vm);
	} else if (happened & (POLLIN | POLLHUP | POLLERR)) {
		hear(vm);
	}
	if (pending(vm))
		talk(vm);
}

static void *serve(void *arg)
{
	struct qmp_server *q = arg;
	struct pollfd fds[VMS_MAX + 1];

	for (;;) {
		size_t n;

		pthread_mutex_lock(&q->lock);
		n = q->n;
		for (size_t i = 0; i < n; i++) {
			struct vm *vm = q->vm[i];
			int fd = vm->client >= 0 ? vm->client : vm->listener;

			fds[i] = (struct pollfd){fd, POLLIN, 0};
			if (pending(vm))
				fds[i].events |= POLLOUT;
		}
		pthread_mutex_unlock(&q->lock);
		fds[n] = (struct pollfd){q->wake[0], POLLIN, 0};
		if (poll(fds, n + 1, -1) < 0 && errno != EINTR)
			return NULL;
		if (fds[n].revents & POLLHUP)
			return NULL;
		if (fds[n].revents & POLLIN) {
			char byte;

			/* The list changed: look at it anew. */
			if (read(q->wake[0], &byte, 1) <= 0)
				return NULL;
			continue;
		}
		pthread_mutex_lock(&q->lock);
		for (size_t i = 0; i < n && i < q->n; i++) {
			struct vm *vm = q->vm[i];
			int fd = vm->client >= 0 ? vm->client : vm->listener;

			if (fds[i].revents && fds[i].fd == fd)
				serve_vm(vm, fds[i].revents);
		}
		pthread_mutex_unlock(&q->lock);
	}
}

static void vm_free(struct vm *vm)
{
	hang_up(vm);
	if (vm->listener >= 0) {
		close(vm->listener);
		unlink(vm->path);
	}
	json_decref(vm->script);
	free(vm);
}

static int vm_listen(struct vm *vm, const char *sockets)
{
	struct sockaddr_un a = {.sun_family = AF_UNIX};
	int n = snprintf(a.sun_path, sizeof(a.sun_path), "%s/%s.qmp", sockets, vm->name);

	if (n < 0 || (size_t)n >= sizeof(a.sun_path)) {
		fprintf(stderr, "golden: %s/%s.qmp is too long for a socket\n", sockets, vm->name);
		return -ENAMETOOLONG;
	}
	memcpy(vm->path, a.sun_path, sizeof(vm->path));
	unlink(vm->path);
	vm->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (vm->listener < 0 || bind(vm->listener, (struct sockaddr *)&a, sizeof(a)) < 0 ||
	    listen(vm->listener, 1) < 0) {
		int e = errno;

		fprintf(stderr, "golden: cannot listen on %s: %s\n", vm->path, strerror(e));
		return -e;
	}
	return 0;
}

static struct vm *find(struct qmp_server *q, const char *name)
{
	for (size_t i = 0; i < q->n; i++)
		if (!strcmp(q->vm[i]->name, name))
			return q->vm[i];
	return NULL;
}

static int load_one(struct qmp_server *q, const char *dir, const char *file, size_t id_size,
		    const char *sockets, uint64_t wall_ns)
{
	long long shift = (long long)time(NULL) - (long long)(wall_ns / 1000000000u);
	char path[4096];
	json_error_t e;
	json_t *script;
	struct vm *vm;
	int r;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	script = json_load_file(path, 0, &e);
	if (!script || id_size >= sizeof(vm->name) || q->n == VMS_MAX) {
		fprintf(stderr, "golden: %s: %s\n", path, script ? "too much" : e.text);
		json_decref(script);
		return -EINVAL;
	}
	snprintf(path, sizeof(path), "%.*s", (int)id_size, file);
	vm = find(q, path);
	if (vm) {
		json_decref(vm->script);
		vm->script = script;
		vm->time_shift = shift;
		vm->wanted = true;
		return 0;
	}
	vm = calloc(1, sizeof(*vm));
	if (!vm) {
		json_decref(script);
		return -ENOMEM;
	}
	snprintf(vm->name, sizeof(vm->name), "%.*s", (int)id_size, file);
	vm->script = script;
	vm->time_shift = shift;
	vm->wanted = true;
	vm->listener = vm->client = -1;
	r = vm_listen(vm, sockets);
	if (r < 0)
		vm_free(vm);
	else
		q->vm[q->n++] = vm;
	return r;
}

static void drop_unwanted(struct qmp_server *q)
{
	size_t kept = 0;

	for (size_t i = 0; i < q->n; i++) {
		if (q->vm[i]->wanted)
			q->vm[kept++] = q->vm[i];
		else
			vm_free(q->vm[i]);
	}
	q->n = kept;
}

int qmp_server_load(struct qmp_server *q, const char *dir, const char *sockets, uint64_t wall_ns)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	int r = 0;

	pthread_mutex_lock(&q->lock);
	for (size_t i = 0; i < q->n; i++)
		q->vm[i]->wanted = false;
	while (r == 0 && d && (e = readdir(d))) {
		const char *end = strstr(e->d_name, ".qmp.json");

		if (end && !strcmp(end, ".qmp.json"))
			r = load_one(q, dir, e->d_name, (size_t)(end - e->d_name), sockets,
				     wall_ns);
	}
	if (d)
		closedir(d);
	drop_unwanted(q);
	pthread_mutex_unlock(&q->lock);
	if (write(q->wake[1], "", 1) < 0)
		r = -errno;
	return r;
}

struct qmp_server *qmp_server_new(void)
{
	struct qmp_server *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	if (pipe2(q->wake, O_CLOEXEC) < 0) {
		free(q);
		return NULL;
	}
	pthread_mutex_init(&q->lock, NULL);
	if (pthread_create(&q->thread, NULL, serve, q)) {
		close(q->wake[0]);
		close(q->wake[1]);
		pthread_mutex_destroy(&q->lock);
		free(q);
		return NULL;
	}
	return q;
}

void qmp_server_free(struct qmp_server *q)
{
	if (!q)
		return;
	close(q->wake[1]);
	pthread_join(q->thread, NULL);
	close(q->wake[0]);
	for (size_t i = 0; i < q->n; i++)
		vm_free(q->vm[i]);
	pthread_mutex_destroy(&q->lock);
	free(q);
}
