/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Can somebody else change what a path leads to? Checking a file alone is a race; a path is safe
 * when nobody else can write any directory that it goes through, those of symbolic links on the way
 * included.
 */
#ifndef SCONCE_COMMON_TRUST_H
#define SCONCE_COMMON_TRUST_H

#include <sys/types.h>

#include <sconce/error.h>

/* Whom to trust beside user 0, and where paths begin. */
struct sconce_trust {
    const char *root; /* "/"; another directory makes absolute paths start there, as chroot does */
    uid_t uid;
};

/** sconce_trust_self - the effective user, from "/". */
struct sconce_trust sconce_trust_self(void);

/**
 * sconce_trust_check - every directory from @trust->root to @path, and what @path is, belong to
 * user 0 or @trust->uid and can be written by no group and no other. A sticky directory is not
 * enough: it lets others add names.
 * @path: absolute.
 * Errors: @code with the directory and what is wrong with it; SCONCE_E_SYSTEM when a part of the
 *   path cannot be opened (absent ones included).
 */
int sconce_trust_check(const struct sconce_trust *trust, const char *path, int code,
                       struct sconce_error *err);

#endif
