/* SPDX-License-Identifier: Apache-2.0 */
/* Which process this is, cheaply: how handles inherited over fork() are told apart. */
#ifndef SCONCE_CORE_PROCESS_H
#define SCONCE_CORE_PROCESS_H

#include <stdint.h>

/** sconce_process_id - getpid() without a system call but for the first time in each process. Any
 * thread, async-signal-safe after the first call in any process. */
uint32_t sconce_process_id(void);

#endif
