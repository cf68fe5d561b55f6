/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PROXTOP_SECRET_FILE_H
#define PROXTOP_SECRET_FILE_H

/*
 * Small files with secrets in them: keys, tokens.  One that others than its owner can
 * read or write is refused, but for what systemd made a credential of this service
 * (LoadCredential=, $CREDENTIALS_DIRECTORY), which its group seems to read.
 */
#include <stddef.h>

/* Reads all of a regular file of at most size - 1 bytes into to and puts a NUL behind it.
 * 0, or negative errno with one line for the user in why: -EACCES also when others can
 * get at it, -EFBIG when it is larger.  The caller wipes to. */
int secret_file_read(const char *path, char *to, size_t size, size_t *ret_n, char *why,
		     size_t why_size);

#endif
