/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LOG_H
#define PROXTOP_LOG_H

/*
 * Messages to people, on stderr, one line each: "proxtop: warning: ...", where proxtop is
 * the program's name.
 *
 * Safe from any thread.  log_once() says a thing once per key until log_over() with
 * the same key says that it is over; collectors use it so that a fault that lasts
 * does not fill the journal.  Keys are static strings or short formatted ones; at
 * most 1024 are remembered, beyond that nothing new is said.
 */
enum log_level { LOG_ERROR, LOG_WARNING, LOG_NOTICE, LOG_DEBUG };

/* What lines begin with; a string that stays.  Default "proxtop". */
void log_set_program(const char *name);
const char *log_program(void);

/* Messages above this level are dropped; default LOG_NOTICE. */
void log_set_level(enum log_level level);
int log_level_parse(const char *name, enum log_level *ret_level); /* 0 or -EINVAL */
extern const char *const log_level_names[];                       /* NULL-terminated */

/* Where lines go instead of to stderr, without their end: while a screen is drawn there.
 * NULL: to stderr again; no call of the old sink goes on then.  A sink is called from any
 * thread, by one at a time, and says nothing itself. */
void log_set_sink(void (*sink)(void *arg, const char *line), void *arg);

void log_say(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...)   log_say(LOG_ERROR, __VA_ARGS__)
#define log_warning(...) log_say(LOG_WARNING, __VA_ARGS__)
#define log_notice(...)  log_say(LOG_NOTICE, __VA_ARGS__)
#define log_debug(...)   log_say(LOG_DEBUG, __VA_ARGS__)

/* Returns 1 when it was said, 0 when it had been said before. */
int log_once(enum log_level level, const char *key, const char *format, ...)
	__attribute__((format(printf, 3, 4)));
/* Forgets key; when it was known and format is not NULL, says format at LOG_NOTICE. */
void log_over(const char *key, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
