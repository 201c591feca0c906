/* SPDX-License-Identifier: Apache-2.0 */
/* For machines whose features nobody has listed yet: snapshots say nothing of them. */
#include <elf.h>

#include "snapshot/cpu.h"

void sconce_cpu_look(struct sconce_cpu *ret_cpu)
{
    *ret_cpu = (struct sconce_cpu){0};
}

uint32_t sconce_cpu_machine(void)
{
    return EM_NONE;
}
