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
 *   "answers"   object: command -> what is returned.  A command with arguments may
 *               have them after it: "qom-get /machine/peripheral/balloon0 guest-stats"
 *               (their values in the order of their sorted names).  An answer with the
 *               key "$error" is an error; a command without an answer is unknown.
 */

struct qmp_server;

/* NULL when memory or threads run out. */
struct qmp_server *qmp_server_new(void);
void qmp_server_free(struct qmp_server *q); /* NULL is fine */

/* DIR/ID.qmp.json are the scripts, SOCKETS/ID.qmp the sockets.  Sockets without a
 * script any more are closed and removed; the others stay and answer by the new one.
 * 0 or negative errno, said on stderr. */
int qmp_server_load(struct qmp_server *q, const char *dir, const char *sockets);

#endif
