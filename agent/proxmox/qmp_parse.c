/* SPDX-License-Identifier: Apache-2.0 */
#include "qmp_parse.h"

#include "json_pull.h"
#include "sample.h"

#include <string.h>

#define NAME_MAX_OURS 256 /* bytes of a device's, node's or QOM path's name */

static bool has_suffix(const char *text, const char *suffix)
{
	size_t n = strlen(text), m = strlen(suffix);

	return n >= m && !strcmp(text + n - m, suffix);
}

static bool is_helper_node(const char *name)
{
	return has_suffix(name, "-fleecing") || has_suffix(name, "-backup") ||
	       has_suffix(name, "-fleecing-file") || has_suffix(name, "-backup-file");
}

static bool keep_name(const char *name, size_t n, char ret[GUEST_DISK_NAME])
{
	if (!n || n >= GUEST_DISK_NAME)
		return false;
	memcpy(ret, name, n);
	ret[n] = '\0';
	return strcmp(ret, "pflash0");
}

/* scsi0; /machine/peripheral/virtio0/virtio-backend; /machine/system.flash1 */
static bool name_from_qdev(const char *qdev, char ret[GUEST_DISK_NAME])
{
	static const char peripheral[] = "/machine/peripheral/";

	if (!strcmp(qdev, "/machine/system.flash1"))
		return keep_name("efidisk0", 8, ret);
	if (!strncmp(qdev, peripheral, sizeof(peripheral) - 1)) {
		qdev += sizeof(peripheral) - 1;
		return keep_name(qdev, strcspn(qdev, "/"), ret);
	}
	return *qdev != '/' && keep_name(qdev, strlen(qdev), ret);
}

bool qmp_disk_name(const char *device, const char *qdev, const char *node,
		   char ret[GUEST_DISK_NAME])
{
	static const char drive[] = "drive-";

	if (is_helper_node(device) || is_helper_node(qdev) || is_helper_node(node))
		return false;
	if (!strncmp(device, drive, sizeof(drive) - 1))
		device += sizeof(drive) - 1;
	if (*device)
		return keep_name(device, strlen(device), ret);
	if (*qdev)
		return name_from_qdev(qdev, ret);
	if (!strncmp(node, drive, sizeof(drive) - 1))
		return keep_name(node + sizeof(drive) - 1, strlen(node) - sizeof(drive) + 1, ret);
	return false;
}

static void take_text(struct json_pull *j, char ret[NAME_MAX_OURS])
{
	struct jp_text text;

	if (!jp_string(j, &text) || text.n >= NAME_MAX_OURS)
		return;
	memcpy(ret, text.p, text.n);
	ret[text.n] = '\0';
}

static void take_stats(struct json_pull *j, struct guest_values *ret)
{
	static const struct {
		const char *key;
		uint16_t metric;
	} wanted[] = {
		{"rd_operations", M_VD_RD_OPS},    {"wr_operations", M_VD_WR_OPS},
		{"rd_bytes", M_VD_RD_BYTES},       {"wr_bytes", M_VD_WR_BYTES},
		{"flush_operations", M_VD_FL_OPS}, {"rd_total_time_ns", M_VD_RD_NS},
		{"wr_total_time_ns", M_VD_WR_NS},  {"flush_total_time_ns", M_VD_FL_NS},
	};
	struct jp_text key;
	uint64_t value;

	ret->n = 0;
	for (jp_object(j); jp_key(j, &key);) {
		unsigned i = 0, n = sizeof(wanted) / sizeof(wanted[0]);

		while (i < n && !jp_is(key, wanted[i].key))
			i++;
		if (i == n)
			jp_skip(j);
		else if (jp_u64(j, &value) && value != ABSENT)
			guest_add(ret, (enum metric_id)wanted[i].metric, value);
	}
}

static void take_blockstats(struct json_pull *j, struct qmp_disks *ret)
{
	struct guest_disk spare, *d;

	ret->n = 0;
	for (jp_array(j); jp_element(j);) {
		char device[NAME_MAX_OURS] = "", qdev[NAME_MAX_OURS] = "", node[NAME_MAX_OURS] = "";
		struct jp_text key;

		d = ret->n < VM_DISKS_MAX ? &ret->disk[ret->n] : &spare;
		d->values.n = 0;
		for (jp_object(j); jp_key(j, &key);) {
			if (jp_is(key, "device"))
				take_text(j, device);
			else if (jp_is(key, "qdev"))
				take_text(j, qdev);
			else if (jp_is(key, "node-name"))
				take_text(j, node);
			else if (jp_is(key, "stats"))
				take_stats(j, &d->values);
			else
				jp_skip(j);
		}
		if (d != &spare && d->values.n && qmp_disk_name(device, qdev, node, d->name))
			ret->n++;
	}
}

/* Numbers of an object by name.  All ones is the driver's "not known". */
struct wanted {
	const char *key;
	uint64_t *to;
	bool guest;
};

static void take_numbers(struct json_pull *j, const struct wanted *w, unsigned n, bool *has_guest)
{
	struct jp_text key;
	uint64_t value;

	for (jp_object(j); jp_key(j, &key);) {
		unsigned i = 0;

		while (i < n && !jp_is(key, w[i].key))
			i++;
		if (i == n) {
			jp_skip(j);
		} else if (jp_u64(j, &value)) {
			*w[i].to = value;
			*has_guest |= w[i].guest && value != ABSENT;
		}
	}
}

#define COUNT(a) (unsigned)(sizeof(a) / sizeof((a)[0]))

static void take_balloon(struct json_pull *j, struct qmp_balloon *b)
{
	const struct wanted w[] = {
		{"actual", &b->actual, false},           {"max_mem", &b->max, false},
		{"last_update", &b->updated, false},     {"free_mem", &b->free, true},
		{"total_mem", &b->total, true},          {"mem_swapped_in", &b->swap_in, true},
		{"mem_swapped_out", &b->swap_out, true},
	};

	b->actual = b->max = ABSENT;
	take_numbers(j, w, COUNT(w), &b->has_guest);
}

static void take_guest_stats(struct json_pull *j, struct qmp_balloon *b)
{
	const struct wanted w[] = {
		{"stat-free-memory", &b->free, true},
		{"stat-total-memory", &b->total, true},
		{"stat-available-memory", &b->available, true},
		{"stat-swap-in", &b->swap_in, true},
		{"stat-swap-out", &b->swap_out, true},
	};
	struct jp_text key;
	uint64_t value;

	for (jp_object(j); jp_key(j, &key);) {
		if (jp_is(key, "stats"))
			take_numbers(j, w, COUNT(w), &b->has_guest);
		else if (!jp_is(key, "last-update"))
			jp_skip(j);
		else if (jp_u64(j, &value))
			b->updated = value;
	}
}

/* RunState of QEMU's qapi/run-state.json. */
static enum vm_state state_from(struct jp_text t)
{
	static const struct {
		const char *name;
		enum vm_state state;
	} states[] = {
		{"running", VM_RUNNING},
		{"paused", VM_PAUSED},
		{"prelaunch", VM_PAUSED},
		{"debug", VM_PAUSED},
		{"colo", VM_PAUSED},
		{"save-vm", VM_PAUSED},
		{"restore-vm", VM_PAUSED},
		{"finish-migrate", VM_PAUSED},
		{"postmigrate", VM_PAUSED},
		{"inmigrate", VM_MIGRATING_IN},
		{"io-error", VM_BLOCKED},
		{"guest-panicked", VM_CRASHED},
		{"internal-error", VM_CRASHED},
		{"watchdog", VM_CRASHED},
		{"shutdown", VM_SHUTDOWN},
		{"suspended", VM_SUSPENDED},
	};

	for (unsigned i = 0; i < COUNT(states); i++) {
		if (jp_is(t, states[i].name))
			return states[i].state;
	}
	return VM_UNKNOWN;
}

static void take_status(struct json_pull *j, struct qmp_answer *a)
{
	struct jp_text key, text;

	a->state = VM_UNKNOWN;
	for (jp_object(j); jp_key(j, &key);) {
		if (!jp_is(key, "status"))
			jp_skip(j);
		else if (jp_string(j, &text))
			a->state = state_from(text);
	}
}

static void take_return(struct json_pull *j, enum qmp_command c, struct qmp_answer *a)
{
	switch (c) {
	case QMP_BLOCKSTATS:
		take_blockstats(j, a->disks);
		break;
	case QMP_BALLOON:
		take_balloon(j, &a->balloon);
		break;
	case QMP_GUEST_STATS:
		take_guest_stats(j, &a->balloon);
		break;
	case QMP_STATUS:
		take_status(j, a);
		break;
	default:
		jp_skip(j);
	}
}

enum qmp_line qmp_parse(const char *line, size_t n, enum qmp_command expected,
			struct qmp_answer *ret)
{
	enum qmp_line kind = QMP_BAD;
	struct json_pull j;
	struct jp_text key;

	if (expected == QMP_BALLOON || expected == QMP_GUEST_STATS) {
		struct qmp_balloon *b = &ret->balloon;

		b->has_guest = false;
		b->updated = b->free = b->total = b->available = b->swap_in = b->swap_out = ABSENT;
	}
	jp_init(&j, line, n);
	for (jp_object(&j); jp_key(&j, &key);) {
		if (jp_is(key, "return")) {
			kind = QMP_RETURN;
			take_return(&j, expected, ret);
			continue;
		}
		if (jp_is(key, "error"))
			kind = QMP_ERROR;
		else if (jp_is(key, "event"))
			kind = QMP_EVENT;
		else if (jp_is(key, "QMP"))
			kind = QMP_GREETING;
		jp_skip(&j);
	}
	if (jp_end(&j))
		return kind;
	if (expected == QMP_BLOCKSTATS)
		ret->disks->n = 0;
	return QMP_BAD;
}
