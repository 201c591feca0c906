/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an aarch64 process has beside memory and the registers of a signal frame, and hands to its
 * children: taken back in the zygote, before there is a guest. Freestanding, and built without
 * pointer authentication, whose keys change here.
 */
#include <stdint.h>

#include <asm/errno.h>
#include <asm/unistd.h>
#include <linux/prctl.h>

#include "plugins/shared/process/raw.h"

/* include/uapi/linux/prctl.h; newer than the oldest headers that this is built with. */
#define PR_SME_SET_VL_ 63
#define PR_SET_SHADOW_STACK_STATUS_ 75

/* Vector lengths in bytes. SVE's keeps signal frames at their size, whatever the guest does: longer
 * ones' state the kernel puts elsewhere on the stack (EXTRA_MAGIC). It takes the longest that the
 * processor has up to this, which is never none: every SVE has 16. SME's is as short as it goes.
 * The processor's shortest may be longer than this one, up to 256: then the frame of a guest that
 * uses SME grows, and the guest ends (docs/man/sconce-backend-process.7.scd, LIMITS). */
#define SVE_BYTES 64
#define SME_BYTES 16

/* Fields of 4 bits of the ID registers, which the kernel lets EL0 read: Arm ARM D17.2.65
 * (ID_AA64PFR1_EL1: SME 27:24), D17.2.66 (ID_AA64PFR2_EL1: FPMR 35:32). */
#define PFR1_SME_SHIFT 24
#define PFR2_FPMR_SHIFT 32

static long control(int option, unsigned long value)
{
    return raw_syscall(__NR_prctl, option, (long)value, 0, 0, 0, 0);
}

/* What a signal frame only has where a newer kernel writes it, and what no signal resets. */
static void clear_registers(void)
{
    uint64_t pfr1, pfr2;

    __asm__ volatile("mrs %0, s3_0_c0_c4_1" : "=r"(pfr1)); /* ID_AA64PFR1_EL1 */
    __asm__ volatile("mrs %0, s3_0_c0_c4_2" : "=r"(pfr2)); /* ID_AA64PFR2_EL1 */
    if (pfr1 >> PFR1_SME_SHIFT & 15)
        __asm__ volatile(".inst 0xd503467f\n\t"   /* SMSTOP: Arm ARM C6.2.389 */
                         "msr s3_3_c13_c0_5, xzr" /* TPIDR2_EL0 */
                         :
                         :
                         : "memory");
    if (pfr2 >> PFR2_FPMR_SHIFT & 15)
        __asm__ volatile("msr s3_3_c4_c4_2, xzr"); /* FPMR */
}

/* It would end with its mapping. One that is locked cannot be let go of; no kernel support is fine.
 */
static long leave_shadow_stack(void)
{
    long r = control(PR_SET_SHADOW_STACK_STATUS_, 0);

    return r == -EPERM || r == -EBUSY ? r : 0;
}

long raw_prepare(void)
{
    control(PR_SET_TSC, PR_TSC_ENABLE); /* a host may have the counter fault; a guest reads it */
    control(PR_SET_TAGGED_ADDR_CTRL, 0);
    control(PR_SVE_SET_VL, SVE_BYTES);
    control(PR_SME_SET_VL_, SME_BYTES);
    clear_registers();
    return leave_shadow_stack();
}

/* Keys are copied by fork(2): with its host's a guest could sign pointers for the host, and with
 * those of its zygote for its neighbours. EINVAL is of machines and kernels that have none. */
long raw_prepare_child(void)
{
    long r = control(PR_PAC_RESET_KEYS, 0); /* 0: all of them */

    return r == -EINVAL ? 0 : r;
}
