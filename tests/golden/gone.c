/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What procfs does and a plain directory does not: a descriptor that is held on a file
 * of a process or thread which has ended gives ESRCH.  Here such a file is one that was
 * removed.  The linker puts this in the place of pread(2) (--wrap=pread).
 */
#include <errno.h>
#include <sys/stat.h>
#include <sys/types.h>

ssize_t __real_pread(int fd, void *buf, size_t n, off_t at);
ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at);

ssize_t __wrap_pread(int fd, void *buf, size_t n, off_t at)
{
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 0) {
		errno = ESRCH;
		return -1;
	}
	return __real_pread(fd, buf, n, at);
}
