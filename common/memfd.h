/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors as this project makes them everywhere, and memory with one. */
#ifndef SCONCE_COMMON_MEMFD_H
#define SCONCE_COMMON_MEMFD_H

/**
 * sconce_memfd - an empty memory file: closed on exec, sealable, never a program to execute, and
 * none of the standard streams, which may be closed: whatever a program printed would go into it.
 * Returns the descriptor, the caller's; -1 with errno set.
 */
int sconce_memfd(const char *name);

/**
 * sconce_off_streams - @fd itself, or in its place another one that is none of the standard streams
 * and closed on exec. @fd: the caller's until now; -1 with errno set is passed on.
 * Returns the descriptor, the caller's; -1 with errno set, and @fd closed.
 */
int sconce_off_streams(int fd);

#endif
