/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_LIBVIRT_INTERNAL_H
#define PROXTOP_LIBVIRT_INTERNAL_H

/*
 * The libvirt source inside; only libvirt_*.c and source_libvirt.c include this.
 *
 * Threads: one worker connects, lists and asks.  libvirt's calls have no deadlines (a
 * hung QEMU or libvirtd holds them for ever), so a second thread, the watchdog, looks at
 * the worker.  A worker that is stuck in a question to VMs is replaced: it becomes an
 * orphan, and what it brings when it returns is thrown away.  Its question still holds
 * the hung VM's job in libvirtd, so that with NOWAIT the next worker passes that VM by
 * and is answered for all others.
 *
 * Each worker has a connection of its own.  Before libvirt 10.4 two threads that wait
 * on one connection crash when it breaks (CVE-2024-4418: what one of them left in the
 * connection's event loop points into the stack of the other).
 *
 * Everything in struct source that is not marked "lock" belongs to the worker that is
 * current, and is touched by it only outside of calls (between call_end and
 * call_begin).  libvirt's callbacks only set flags under the lock.
 */
#include "domain_xml.h"
#include "libvirt_stats.h"

#include <libvirt/libvirt.h>
#include <pthread.h>

#define DEFAULT_URI "qemu:///system"

#define SECOND 1000000000ull
#define MILLI  1000000ull

#define ORPHANS_MAX   3u /* each holds one of libvirtd's 20 threads */
#define ASK_LIMIT_MIN (2500 * MILLI)
#define STALE_MAX     32u
#define BALLOON       (60 * SECOND) /* between two questions for the balloon */
#define UUID_TEXT     37u

enum call { CALL_NONE, CALL_CONNECT, CALL_LIST, CALL_ASK, CALL_CLOSE };

/* One run of one domain. */
struct domain {
	unsigned char uuid[VIR_UUID_BUFLEN];
	char uuid_text[UUID_TEXT];
	int id;
	virDomainPtr handle; /* of the current worker's connection, else NULL */
	struct vm_desc desc; /* its key is the domain's */
	struct domain_extra extra;
	uint64_t xml_hash, xml_due;
	bool seen; /* in the list that is being read */
	enum vm_state state;
	bool has_run;
	/* questions */
	uint64_t due;
	unsigned answers; /* 0, 1, 2: the first two come quickly */
	unsigned misses;  /* in a row */
	uint64_t balloon_due;
	unsigned boot_rounds;
	uint64_t disks_hash;
	unsigned skipped; /* questions left out since the latest, for that reason */
	unsigned quiet;   /* questions in a row, up to GUEST_QUIET_MAX, that found no disk active */
	unsigned ban_s;   /* it spoils calls: asked alone, this long after the last try; 0: no */
	bool asked, complained;
	struct balloon_age age;
};

struct worker {
	struct source *source;
	virConnectPtr connection; /* the worker's own */
	int events[3];            /* libvirt's callback ids, -1 none */
	bool close_callback;
	/* lock */
	unsigned refs; /* the worker itself, callbacks that libvirt holds */
	bool lost;     /* libvirt closed the connection */
	enum call call;
	uint64_t since; /* when the call began */
};

struct source {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* CLOCK_MONOTONIC */
	pthread_cond_t watched; /* a call has begun, or the source closes */
	pthread_t watchdog;
	bool has_watchdog;
	char *uri, *rootfs;
	bool local;    /* the domains' processes are on this host */
	bool threaded; /* not synchronous */
	unsigned families;
	uint64_t interval; /* ns */
	uint64_t (*now_ns)(void *arg);
	void *now_arg;

	/* lock */
	struct hub *hub; /* NULL once closing: nothing may reach it any more */
	bool closing;
	unsigned refs;    /* owner, workers */
	unsigned workers; /* threads: 1, or 0 after the end; orphans apart */
	unsigned orphans;
	struct worker *current;
	bool list_wanted;   /* an event came */
	bool silent;        /* said that libvirt does not answer */
	bool probing;       /* a question hangs: is it the VM or libvirt? */
	uint64_t ask_limit; /* ns that a question to VMs may take */
	unsigned char stale[STALE_MAX][VIR_UUID_BUFLEN]; /* changed: XML to be read again */
	unsigned n_stale;                                /* STALE_MAX + 1: all */

	/* the current worker's */
	bool nowait; /* libvirtd knows the flag */
	uint64_t connect_due, list_due, grid;
	unsigned backoff_s;
	bool published;         /* ever */
	bool dirty;             /* something changed that is not published yet */
	struct domain *domains; /* sorted by uuid */
	unsigned n;
};

/* ---- libvirt_threads.c ---- */

uint64_t monotonic_ns(void);
void source_unref(struct source *s);
struct worker *worker_new(struct source *s); /* takes over one reference of s */
void worker_ref(struct worker *w);
void worker_unref(void *w); /* a virFreeCallback */

/* Brackets every call into libvirt that may wait.  false: w is no longer the current
 * worker, or the source closes: take nothing from the answer, touch nothing, return.
 * answered: by libvirt, with whatever; not when the connection broke. */
bool call_begin(struct worker *w, enum call call);
bool call_end(struct worker *w, bool answered);

/* false: the connection broke, and the worker will make a new one. */
bool is_connected(struct worker *w);

/* The hub, locked against closing; NULL when nothing may be handed over any more. */
struct hub *hub_enter(struct source *s);
void hub_leave(struct source *s);

/* Starts worker and watchdog; 0 or negative errno. */
int threads_start(struct source *s);
/* Returns within 2 s; who hangs is left behind and touches the hub no more. */
void threads_stop(struct source *s);

/* ---- libvirt_connection.c ---- */

/* Readies libvirt, once per process; with its event loop in a thread of its own.  0 or
 * negative errno. */
int libvirt_init(void);
int libvirt_loop_start(void);

void libvirt_connect(struct worker *w);
void libvirt_disconnect(struct worker *w);
void libvirt_lost(struct worker *w); /* says so and disconnects */

/* What the last call of this thread failed with, without control characters. */
struct libvirt_error {
	int code;
	bool denied; /* no permission */
	char text[256];
};
void libvirt_last_error(struct libvirt_error *ret);

/* One line on why uri could not be opened and what to do. */
void libvirt_explain(const char *uri, const struct libvirt_error *e, char *line, size_t size);

/* ---- libvirt_list.c ---- */

/* Lists the running domains, reads the XML of those that need it, publishes changes. */
void libvirt_list(struct worker *w);
void libvirt_forget(struct source *s, bool all); /* handles; all: domains too */
struct domain *libvirt_find(struct source *s, const unsigned char *uuid);

/* ---- libvirt_describe.c ---- */

/* By libvirt's pid file; 0 when there is none. */
pid_t libvirt_pid(const struct source *s, const char *name);
/* Reads the domain's XML.  false: w may not go on, or the connection broke. */
bool libvirt_describe(struct worker *w, struct domain *d);
void libvirt_copy_desc(struct vm_desc *to, const struct domain *d);
/* What was said of a VM that is gone may be said again of its next run. */
void libvirt_forget_complaints(const struct domain *d);

/* ---- libvirt_ask.c ---- */

/* Asks those domains that are due (all: everyone). */
void libvirt_ask(struct worker *w, bool all);
uint64_t libvirt_ask_due(const struct source *s); /* UINT64_MAX: nobody */

/* ---- libvirt_check.c ---- */

int libvirt_check(const struct source_options *o, void (*say)(void *arg, const char *line),
		  void *arg);

#endif
