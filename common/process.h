/* SPDX-License-Identifier: Apache-2.0 */
/* Which process this is, cheaply: how handles inherited over fork() are told apart. */
#ifndef SCONCE_COMMON_PROCESS_H
#define SCONCE_COMMON_PROCESS_H

#include <stdint.h>

/** sconce_process_id - a number that is this process's and not its parent's or children's; no pid,
 * which two of them may share across pid namespaces. A system call only the first time in each
 * process. Any thread; async-signal-safe after the first call in any process. */
uint32_t sconce_process_id(void);

#endif
