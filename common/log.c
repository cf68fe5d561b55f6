/* SPDX-License-Identifier: Apache-2.0 */
#include "log.h"

#include "utf8.h"
#include "xalloc.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Below PIPE_BUF, so that a line stays whole in a pipe that others write to as well. */
#define LINE_MAX_BYTES 2048
#define KEYS_MAX       1024
#define BUCKETS        256

const char *const log_level_names[] = {"error", "warning", "notice", "debug", NULL};

/* What has been said and is not over, by hash of its key. */
struct said {
	struct said *next;
	char key[];
};

static _Atomic int max_level = LOG_NOTICE;
static const char *_Atomic program = "proxtop";
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t sink_lock = PTHREAD_MUTEX_INITIALIZER;
static void (*sink)(void *arg, const char *line); /* under sink_lock */
static void *sink_arg;                            /* under sink_lock */
static struct said *bucket[BUCKETS];              /* under lock */
static unsigned known;                            /* under lock */

void log_set_program(const char *name)
{
	atomic_store(&program, name);
}

const char *log_program(void)
{
	return atomic_load(&program);
}

void log_set_level(enum log_level level)
{
	atomic_store_explicit(&max_level, (int)level, memory_order_relaxed);
}

void log_set_sink(void (*to)(void *arg, const char *line), void *arg)
{
	pthread_mutex_lock(&sink_lock);
	sink = to;
	sink_arg = arg;
	pthread_mutex_unlock(&sink_lock);
}

/* False: there is none. */
static bool give_to_sink(const char *line)
{
	bool there;

	pthread_mutex_lock(&sink_lock);
	there = sink != NULL;
	if (there)
		sink(sink_arg, line);
	pthread_mutex_unlock(&sink_lock);
	return there;
}

static void write_line(const char *line, size_t n)
{
	while (n) {
		ssize_t written = write(STDERR_FILENO, line, n);

		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0)
			break; /* nobody is left to tell */
		line += written;
		n -= (size_t)written;
	}
}

static bool wanted(enum log_level level)
{
	return (int)level <= atomic_load_explicit(&max_level, memory_order_relaxed);
}

int log_level_parse(const char *name, enum log_level *ret_level)
{
	for (int i = 0; log_level_names[i]; i++) {
		if (strcmp(name, log_level_names[i]))
			continue;
		*ret_level = (enum log_level)i;
		return 0;
	}
	return -EINVAL;
}

/* A name in a message may hold anything; on a terminal it must stay text.  Replaces
 * byte by byte, so the length stays. */
static void defuse(char *s)
{
	while (*s) {
		size_t n = utf8_length(s);

		if (n && !utf8_is_control(s)) {
			s += n;
			continue;
		}
		for (n = n ? n : 1; n; n--)
			*s++ = '?';
	}
}

/* The end of s without a character that was cut. */
static size_t whole_characters(const char *s, size_t n)
{
	size_t back = 0;

	while (back < 3 && back < n && utf8_follows((unsigned char)s[n - 1 - back]))
		back++;
	if (back < n && utf8_length(s + n - 1 - back) == 0)
		return n - 1 - back;
	return n;
}

static void say(enum log_level level, const char *format, va_list args)
	__attribute__((format(printf, 2, 0)));

static void say(enum log_level level, const char *format, va_list args)
{
	static const char cut[] = " ...";
	char line[LINE_MAX_BYTES];
	size_t room = sizeof(line) - sizeof(cut), used;
	int before = errno, n;

	n = snprintf(line, room, "%s: %s%s", log_program(),
		     level == LOG_NOTICE ? "" : log_level_names[level],
		     level == LOG_NOTICE ? "" : ": ");
	used = (size_t)n;
	/* %m in a format means the caller's errno */
	errno = before;
	n = vsnprintf(line + used, room - used, format, args);
	if (n < 0) {
		errno = before;
		return;
	}
	if ((size_t)n < room - used) {
		used += (size_t)n;
		while (used && line[used - 1] == '\n')
			line[--used] = '\0';
		defuse(line);
	} else {
		used = whole_characters(line, room - 1);
		line[used] = '\0';
		defuse(line);
		memcpy(line + used, cut, sizeof(cut) - 1);
		used += sizeof(cut) - 1;
	}
	line[used] = '\0';
	if (!give_to_sink(line)) {
		line[used++] = '\n';
		write_line(line, used);
	}
	errno = before;
}

void log_say(enum log_level level, const char *format, ...)
{
	va_list args;

	if (!wanted(level))
		return;
	va_start(args, format);
	say(level, format, args);
	va_end(args);
}

/* Where the entry of key hangs, or where the list ends. */
static struct said **find(const char *key)
{
	uint32_t h = 2166136261u;
	struct said **at;

	for (const char *c = key; *c; c++)
		h = (h ^ (unsigned char)*c) * 16777619u;
	at = &bucket[h % BUCKETS];
	while (*at && strcmp((*at)->key, key))
		at = &(*at)->next;
	return at;
}

/* True when key was not known and is now. */
static bool remember(const char *key)
{
	size_t n = strlen(key) + 1;
	struct said **at;
	bool fresh;

	pthread_mutex_lock(&lock);
	at = find(key);
	fresh = !*at && known < KEYS_MAX;
	if (fresh) {
		*at = xcalloc(1, sizeof(**at) + n);
		memcpy((*at)->key, key, n);
		known++;
	}
	pthread_mutex_unlock(&lock);
	return fresh;
}

static bool forget(const char *key)
{
	struct said **at, *gone;
	bool was_known;

	pthread_mutex_lock(&lock);
	at = find(key);
	gone = *at;
	if (gone) {
		*at = gone->next;
		known--;
	}
	pthread_mutex_unlock(&lock);
	was_known = gone != NULL;
	free(gone);
	return was_known;
}

int log_once(enum log_level level, const char *key, const char *format, ...)
{
	va_list args;

	/* What is not said is not remembered either: then log_over() is silent as well. */
	if (!wanted(level) || !remember(key))
		return 0;
	va_start(args, format);
	say(level, format, args);
	va_end(args);
	return 1;
}

void log_over(const char *key, const char *format, ...)
{
	va_list args;

	if (!forget(key) || !format || !wanted(LOG_NOTICE))
		return;
	va_start(args, format);
	say(LOG_NOTICE, format, args);
	va_end(args);
}
