/* SPDX-License-Identifier: Apache-2.0 */
/* What this process and its descendants take of the machine's memory, the kernel's part with it. */
#ifndef SCONCE_BENCH_MEMORY_H
#define SCONCE_BENCH_MEMORY_H

#include <stdint.h>

/**
 * memory_used - bytes: the proportional sizes of this process and of all that descend from it, and
 * all that the kernel has in slabs, tables, stacks and its own mappings, whoever caused it. Only
 * differences say something.
 * Returns 0, or -1 when something could not be read, which has been told on stderr.
 */
int memory_used(uint64_t *ret_bytes);

/** memory_settle - wait until what was freed has been given back: the kernel does some of it later.
 */
void memory_settle(void);

#endif
