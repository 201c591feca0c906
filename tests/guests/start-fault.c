/* SPDX-License-Identifier: Apache-2.0 */
/* Writes to address 8 in a constructor: making a sandbox is GUEST_FAULT: memory, write. */
#include <sconce/guest.h>

__attribute__((constructor)) static void write_to_8(void)
{
    volatile uintptr_t address = 8;

    *(volatile int *)address = 1;
}
