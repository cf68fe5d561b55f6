/* SPDX-License-Identifier: Apache-2.0 */
/* Where the host's files should be, looked at before anything starts. */
#include "log.h"
#include "measure.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

static int error_of(const char *path)
{
	struct stat st;

	if (stat(path, &st) < 0)
		return errno;
	return S_ISDIR(st.st_mode) ? 0 : ENOTDIR;
}

int measure_look_at_paths(const struct measure_options *o)
{
	const struct {
		const char *option, *path, *own;
		enum log_level level;
	} paths[] = {
		{"--procfs", o->procfs, "/proc", LOG_ERROR},
		{"--sysfs", o->sysfs, "/sys", LOG_WARNING},
		{"--rootfs", o->rootfs, "/", LOG_WARNING},
	};
	int status = 0;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		int error = error_of(paths[i].path);

		if (!error)
			continue;
		if (strcmp(paths[i].path, paths[i].own) != 0)
			log_say(paths[i].level,
				"%s=%.200s: %s; a container needs it mounted: -v %s:%.200s:ro",
				paths[i].option, paths[i].path, strerror(error), paths[i].own,
				paths[i].path);
		else
			log_say(paths[i].level, "%s=%.200s: %s", paths[i].option, paths[i].path,
				strerror(error));
		if (paths[i].level == LOG_ERROR)
			status = -error;
	}
	return status;
}
