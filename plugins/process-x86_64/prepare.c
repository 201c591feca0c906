/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an x86_64 process has beside memory and registers, and hands to its children: taken back in
 * the zygote, before there is a guest. Freestanding.
 */
#include <asm/errno.h>
#include <asm/ldt.h>
#include <asm/unistd.h>
#include <linux/prctl.h>

#include "plugins/shared/process/raw.h"

/* arch/x86/include/uapi/asm/prctl.h, Linux 6.6. */
#define ARCH_SHSTK_DISABLE_ 0x5002
#define ARCH_SHSTK_SHSTK_ 1

#define ARCH_CPUID_SET_ 0x1012

#define LDT_WRITE 0x11 /* the format in which an empty entry can be told: arch/x86/kernel/ldt.c */
#define PORTS 65536
/* Segments of 32-bit threads: arch/x86/include/asm/segment.h, GDT_ENTRY_TLS_MIN. */
#define TLS_FIRST 12
#define TLS_SEGMENTS 3

/* A host with rights of ports (iopl(2), ioperm(2)) would give them to guests, doorbells included.
 */
static void give_up_ports(void)
{
    raw_syscall(__NR_iopl, 0, 0, 0, 0, 0, 0);
    raw_syscall(__NR_ioperm, 0, PORTS, 0, 0, 0, 0);
}

/* Is there a descriptor? LAR says so (SDM vol 2A): without a system call, and of any table. */
static int is_segment(uint32_t selector)
{
    uint32_t rights;
    uint8_t there;

    __asm__("lar %2, %0\n\tsetz %1" : "=r"(rights), "=q"(there) : "r"(selector) : "cc");
    return there;
}

#define IN_LDT 7u /* selector: table and privilege level, SDM vol 3A 3.4.2 */

static long clear_segments(void)
{
    struct user_desc empty = {.read_exec_only = 1, .seg_not_present = 1};
    long r = 0;

    for (uint32_t i = 0; i < LDT_ENTRIES && r >= 0; i++) {
        empty.entry_number = i;
        if (is_segment(i << 3 | IN_LDT))
            r = raw_syscall(__NR_modify_ldt, LDT_WRITE, (long)&empty, sizeof empty, 0, 0, 0);
    }
    for (uint32_t i = 0; i < TLS_SEGMENTS; i++) {
        empty.entry_number = TLS_FIRST + i;
        raw_syscall(__NR_set_thread_area, (long)&empty, 0, 0, 0, 0, 0);
    }
    return r;
}

/* A host may have RDTSC and CPUID fault; a guest reads both. */
static void allow_reading(void)
{
    raw_syscall(__NR_prctl, PR_SET_TSC, PR_TSC_ENABLE, 0, 0, 0, 0);
    raw_syscall(__NR_arch_prctl, ARCH_CPUID_SET_, 1, 0, 0, 0, 0);
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
    allow_reading();
    r = clear_segments();
    return r < 0 ? r : leave_shadow_stack();
}

/* Processes have no keys here. */
long raw_prepare_child(void)
{
    return 0;
}
