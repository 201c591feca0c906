/* SPDX-License-Identifier: Apache-2.0 */
/* Misbehaving guests: what belongs to kernels, and what is to confuse them. */
#include "common/cleanup.h"
#include "tools/plugin-check/arch.h"

static enum check_outcome check_privileged(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;
    unsigned count = 0;

    CHECK_STEP(check_arch_known(check, &arch));
    while (arch->privileged[count].function)
        count++;
    CHECK_STEP(check_run_all(check, &box, "privileged.elf", arch->privileged));
    return check_note(check, "%u instructions", count);
}

static enum check_outcome check_permitted(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(check_box_open(check, &box, "privileged.elf", NULL));
    return check_run_good(check, &box, arch->permitted);
}

static enum check_outcome check_no_doorbell(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(check_box_open(check, &box, arch->no_doorbell_guest, NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    return arch->no_doorbell(check, &box);
}

static const uint64_t wild_sps[] = {0,
                                    8,
                                    0xfff000000,
                                    0x800000000,
                                    0x1000,
                                    0x7ffffffffff8,
                                    0x800000000000,
                                    0x8000000000000000,
                                    0xffffffffffffff00,
                                    UINT64_MAX};

/* A call that goes on from a doorbell that was rung with @sp: it succeeds, or, where that may be,
 * it is the guest's fault, and the sandbox is as at its start again. */
static enum check_outcome call_on(struct check *check, struct check_box *box, const char *function,
                                  uint64_t arg, uint64_t sp, bool *ret_stranded)
{
    const struct check_arch *arch = check_arch_of(check);
    const bool may = check->setup->is_process && arch->strands && arch->strands(sp);

    *ret_stranded = may && check_call(box, function, WITH(check_u64(arg))) == SCONCE_E_GUEST_FAULT;
    if (!may)
        return check_call_done(check, box, function, WITH(check_u64(arg)));
    if (!*ret_stranded) {
        CHECK(check, box->err.code == 0, "%s failed: %s", function, box->err.text);
        return CHECK_OK;
    }
    CHECK(check, box->err.fault.kind == SCONCE_FAULT_PRIVILEGE, "%s failed: %s", function,
          box->err.text);
    return check_box_recover(check, box);
}

static enum check_outcome check_bells(struct check *check, struct check_box *box, uint64_t sp,
                                      bool *ret_stranded)
{
    bool stranded;

    CHECK_STEP(call_on(check, box, "doorbell_with_sp", sp, sp, ret_stranded));
    CHECK(check, *ret_stranded || box->result.as.u64 == sp, "SP 0x%llx is 0x%llx behind a doorbell",
          (unsigned long long)sp, (unsigned long long)box->result.as.u64);
    CHECK_STEP(check_call_done(check, box, "ready_with_sp", WITH(check_u64(sp))));
    CHECK_STEP(call_on(check, box, "recurse", 10, sp, &stranded));
    CHECK(check, stranded == *ret_stranded, "SP 0x%llx is a fault behind one doorbell of two",
          (unsigned long long)sp);
    return CHECK_OK;
}

static enum check_outcome check_stack(struct check *check)
{
    static const struct check_bad overflow[] = {MEMORY("overflow", WRITE, NO_ADDRESS), LAST};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;
    unsigned strandings = 0;
    bool stranded;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(check_run_all(check, &box, "stack.elf", overflow));
    for (size_t i = 0; i < sizeof wild_sps / sizeof wild_sps[0]; i++) {
        const struct check_bad bads[] = {
            WITH_M("fault_with_sp", wild_sps[i], K(ILLEGAL)),
            WITH_M("breakpoint_with_sp", wild_sps[i], K(BREAKPOINT)),
            {"page_fault_with_sp", 'm', wild_sps[i], K(MEMORY), SCONCE_ACCESS_WRITE, 0},
            WITH_M("push_with_sp", wild_sps[i], K(MEMORY) | K(STACK) | K(PRIVILEGE) | K(ALIGNMENT)),
            LAST,
        };

        CHECK_STEP(check_run_all(check, &box, "stack.elf", bads));
        CHECK_STEP(check_bells(check, &box, wild_sps[i], &stranded));
        strandings += stranded;
    }
    return strandings ? check_note(check,
                                   "with %u of them that are no addresses the kernel does not let "
                                   "a process go on",
                                   strandings)
                      : CHECK_OK;
}

static enum check_outcome check_flags(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(check_run_all(check, &box, "flags.elf", arch->flag_traps));
    for (const uint64_t *flags = arch->flags; *flags; flags++) {
        const struct check_bad bads[] = {
            WITH_M("fault_with_flags", *flags, K(ILLEGAL)),
            {"page_fault_with_flags", 'm', *flags, K(MEMORY), SCONCE_ACCESS_WRITE, 0},
            WITH_M("breakpoint_with_flags", *flags, K(BREAKPOINT)),
            WITH_M("misaligned_with_flags", *flags, K(ALIGNMENT) | OR_NOTHING),
            LAST,
        };

        CHECK_STEP(check_run_all(check, &box, "flags.elf", bads));
        CHECK_STEP(check_call_done(check, &box, "doorbell_with_flags", WITH(check_u64(*flags))));
        CHECK_STEP(check_call_done(check, &box, "ready_with_flags", WITH(check_u64(*flags))));
    }
    return CHECK_OK;
}

const struct check_row check_privilege_rows[] = {
    {"fault.privilege", "privileged instructions have no effect but a fault", CHECK_NEEDS_SANDBOX,
     check_privileged},
    {"fault.permitted", "what looks privileged and is not is done", CHECK_NEEDS_SANDBOX,
     check_permitted},
    {"fault.port", "nothing but the doorbell rings", CHECK_NEEDS_SANDBOX, check_no_doorbell},
    {"fault.stack", "wild stack pointers hurt only the guest", CHECK_NEEDS_SANDBOX, check_stack},
    {"fault.flags", "flags that bite hurt only the guest", CHECK_NEEDS_SANDBOX, check_flags},
    {NULL, NULL, 0, NULL},
};
