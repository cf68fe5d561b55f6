/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_PVE_VISIT_H
#define PROXTOP_PVE_VISIT_H

/*
 * One visit to one VM's QMP socket: what is asked for this time, what the answers
 * mean, and what is remembered of the VM for the next one.
 *
 * Of the guest's memory QEMU knows what the guest's balloon driver told it.  Proxmox
 * VE's QEMU gives that with query-balloon; others keep it in the device's property
 * guest-stats.  Which works is found out on the first visit.
 */
#include "pve_describe.h"
#include "qmp.h"
#include "source.h"

#define SECOND_NS 1000000000ull

enum balloon_way {
	BALLOON_UNKNOWN,
	BALLOON_NONE,  /* no such device: never asked again */
	BALLOON_PVE,   /* query-balloon tells all */
	BALLOON_SHORT, /* guest-stats too, by a short path */
	BALLOON_LONG,  /* by the whole path */
	BALLOON_SIZE,  /* nothing but the size is told */
};

/* A VM as the client sees it over its life. */
struct asked {
	struct pve_target *target;
	bool listed;
	uint64_t due, slow_due;     /* when to ask next; for balloon and state too */
	unsigned answers, failures; /* failures since the last answer */
	enum balloon_way balloon;
	enum vm_state state; /* as last told */
	uint64_t disks_hash; /* of the latest readings */
	unsigned quiet; /* visits in a row, up to GUEST_QUIET_MAX, that found no disk doing anything
			 */
	bool idle;      /* told to run although its vCPUs stood still */
	unsigned skipped; /* visits left out since the latest, for that reason */
	bool given_up;    /* the hub was told not to wait for its first answer */
};

struct visit_rules {
	struct hub *hub;
	const char *run_dir;
	bool disks, memory; /* wanted? */
	bool all;           /* tests: ask for all that is wanted each time */
	uint64_t disks_valid, quiet_valid, balloon_valid; /* ns */
	uint64_t (*now_ns)(void *arg);
	void *now_arg;
};

struct visit {
	struct qmp_visit qmp;
	struct asked *vm; /* NULL: not under way */
	const struct visit_rules *rules;
	uint64_t begun, look, deadline; /* real time: since, not before, not after */
	bool slow;
	bool still; /* no vCPU ran since the visit before */
};

/* slow: balloon and state are due.  0 or negative errno. */
int visit_begin(struct visit *v, const struct visit_rules *rules, struct asked *vm, bool slow);

/* 1: all was answered and is in the hub; 0: more is to come; negative errno. */
int visit_read(struct visit *v, struct qmp_scratch *scratch);

void visit_end(struct visit *v);

/* Messages, each said once. */
void visit_say_failed(const struct visit_rules *rules, const struct asked *vm, int error);
void visit_say_answers(const struct asked *vm);
void visit_say_hands_off(const struct asked *vm);
void visit_say_nothing(const struct asked *vm); /* the VM is gone: all that is over */

#endif
