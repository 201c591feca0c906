/* SPDX-License-Identifier: Apache-2.0 */
/* Memory with a descriptor, as this project makes it everywhere. */
#ifndef SCONCE_COMMON_MEMFD_H
#define SCONCE_COMMON_MEMFD_H

/**
 * sconce_memfd - an empty memory file: closed on exec, sealable, never a program to execute, and
 * none of the standard streams, which may be closed: whatever a program printed would go into it.
 * Returns the descriptor, the caller's; -1 with errno set.
 */
int sconce_memfd(const char *name);

#endif
