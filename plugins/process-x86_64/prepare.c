/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an x86_64 process has beside memory and registers, and hands to its children: taken back in
 * the zygote, before there is a guest. Freestanding.
 */
#include <asm/errno.h>
#include <asm/ldt.h>
#include <asm/unistd.h>

#include "plugins/shared/process/raw.h"

/* arch/x86/include/uapi/asm/prctl.h, Linux 6.6. */
#define ARCH_SHSTK_DISABLE_ 0x5002
#define ARCH_SHSTK_SHSTK_ 1

#define LDT_READ 0
#define LDT_WRITE 0x11 /* the format in which an empty entry can be told: arch/x86/kernel/ldt.c */
#define PORTS 65536

/* A host with rights of ports (iopl(2), ioperm(2)) would give them to guests, doorbells included.
 */
static void give_up_ports(void)
{
    raw_syscall(__NR_iopl, 0, 0, 0, 0, 0, 0);
    raw_syscall(__NR_ioperm, 0, PORTS, 0, 0, 0, 0);
}

static long clear_segments(void)
{
    struct user_desc empty = {.read_exec_only = 1, .seg_not_present = 1};
    uint64_t entries[64];
    long bytes, r = 0;

    /* As many as there are; nobody has more than a few, and each is cleared by its number. */
    bytes = raw_syscall(__NR_modify_ldt, LDT_READ, (long)entries, sizeof entries, 0, 0, 0);
    if (bytes <= 0)
        return 0; /* none, or a kernel without */
    for (empty.entry_number = 0; empty.entry_number < LDT_ENTRIES && r >= 0; empty.entry_number++)
        r = raw_syscall(__NR_modify_ldt, LDT_WRITE, (long)&empty, sizeof empty, 0, 0, 0);
    return r;
}

/* It would end with its mapping. One that is locked cannot be let go of; no kernel support is fine.
 */
static long leave_shadow_stack(void)
{
    long r = raw_syscall(__NR_arch_prctl, ARCH_SHSTK_DISABLE_, ARCH_SHSTK_SHSTK_, 0, 0, 0, 0);

    return r == -EPERM ? r : 0;
}

long raw_prepare(void)
{
    long r;

    give_up_ports();
    r = clear_segments();
    return r < 0 ? r : leave_shadow_stack();
}
