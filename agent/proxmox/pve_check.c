/* SPDX-License-Identifier: Apache-2.0 */
#include "pve_check.h"

#include "pve_list.h"
#include "report.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char *plural(unsigned n)
{
	return n == 1 ? "" : "s";
}

static void check_run_dir(struct report *r, const struct pve_list *l, const char *rootfs)
{
	struct pve_counts c = pve_list_counts(l);

	if (c.run_error) {
		report_line(r, false,
			    "%s/run/qemu-server: %s; without it no VM of Proxmox VE is found",
			    rootfs, strerror(-c.run_error));
		return;
	}
	if (c.denied) {
		report_line(r, false, "%s: %u of %u pid file%s cannot be read: run as root",
			    pve_list_run_dir(l), c.denied, c.pid_files, plural(c.pid_files));
		return;
	}
	report_line(r, true, "%s: %u running VM%s%s", pve_list_run_dir(l), c.running,
		    plural(c.running), c.running ? "" : " (qm list)");
	if (c.stale)
		report_line(r, true, "%s: %u stale pid file%s, passed over", pve_list_run_dir(l),
			    c.stale, plural(c.stale));
}

static void check_configs(struct report *r, const struct pve_list *l)
{
	struct pve_counts c = pve_list_counts(l);
	const char *dir = pve_list_config_dir(l);

	if (c.config_error)
		report_line(r, false, "%s: %s; without it VMs have no tags, sizes and bridges", dir,
			    strerror(-c.config_error));
	else if (c.unreadable)
		report_line(r, false,
			    "%s: %u configuration%s cannot be read: run as root or as a member "
			    "of www-data",
			    dir, c.unreadable, plural(c.unreadable));
	else
		report_line(r, true, "%s: configurations of %u of %u running VM%s", dir,
			    c.configured, c.running, plural(c.running));
}

static void check_sockets(struct report *r, const struct pve_list *l)
{
	unsigned n, fine = 0, left = 0;
	struct pve_target **targets = pve_list_targets(l, &n);

	for (unsigned i = 0; i < n; i++) {
		const struct pve_target *t = targets[i];
		char path[4096];

		snprintf(path, sizeof(path), "%s/%u.qmp", pve_list_run_dir(l), t->vmid);
		if (faccessat(AT_FDCWD, path, R_OK | W_OK, AT_EACCESS) < 0)
			report_line(r, false,
				    "%s: %s; VM %u (%.64s) has no disk and balloon values%s", path,
				    strerror(errno), t->vmid, t->name,
				    errno == EACCES ? ": run as root" : "");
		else
			fine++;
		left += t->hands_off != PVE_MAY_ASK;
		pve_target_free(targets[i]);
	}
	free(targets);
	if (fine)
		report_line(r, true, "%s: %u QMP socket%s may be used", pve_list_run_dir(l), fine,
			    plural(fine));
	if (left)
		report_line(r, true, "%u VM%s locked or migrating in: not asked by QMP meanwhile",
			    left, left == 1 ? " is" : "s are");
}

int pve_check(const struct source_options *o, void (*say)(void *arg, const char *line), void *arg)
{
	struct pve_list *l = pve_list_new(o->procfs, o->rootfs);
	struct report r = {say, arg, 0};

	pve_list_round(l, true);
	check_run_dir(&r, l, o->rootfs);
	check_configs(&r, l);
	check_sockets(&r, l);
	pve_list_free(l);
	return r.faults;
}
