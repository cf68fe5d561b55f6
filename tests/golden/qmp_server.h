/* SPDX-License-Identifier: Apache-2.0 */
#ifndef GOLDEN_QMP_SERVER_H
#define GOLDEN_QMP_SERVER_H

/*
 * Plays the QEMUs of a fixture: one listening socket per script, one client at a time
 * as QEMU does it, all in one thread.
 *
 * A script is a JSON object:
 *   "mode"      answer (default)
 *               silent   takes the connection and says nothing
 *               cut      breaks off in the middle of each answer but the first
 *               garbage  answers with bytes that are no JSON
 *               huge     never ends its first answer
 *   "answers"   object: command -> what is returned, as JSON text.  A command with
 *               arguments may have them after it: "qom-get balloon0 guest-stats" (their
 *               values in the order of their sorted names).  A command without an answer
 *               is unknown.
 *   "errors"    the same, for what is given back as an error
 *
 * Times in answers (last_update, last-update: seconds of the wall clock) are on the
 * fixture's clock and are moved to this machine's, which the program compares them with.
 */

#include <stdint.h>

struct qmp_server;

/* NULL when memory or threads run out. */
struct qmp_server *qmp_server_new(void);
void qmp_server_free(struct qmp_server *q); /* NULL is fine */

/* DIR/ID.qmp.json are the scripts, SOCKETS/ID.qmp the sockets.  Sockets without a
 * script any more are closed and removed; the others stay and answer by the new one.
 * wall_ns: the fixture's time.  0 or negative errno, said on stderr. */
int qmp_server_load(struct qmp_server *q, const char *dir, const char *sockets, uint64_t wall_ns);

#endif
