/* SPDX-License-Identifier: Apache-2.0 */
/* Misbehaving guests: wrong accesses, traps, undefined instructions, giving up. */
#include "common/cleanup.h"
#include "tools/plugin-check/arch.h"

static enum check_outcome check_memory(struct check *check)
{
    static const struct check_bad bads[] = {
        MEMORY("null_read", READ, 0),
        MEMORY("null_write", WRITE, 0),
        MEMORY("null_call", EXEC, 0),
        AT("read_at", 8, READ),
        AT("write_at", 8, WRITE),
        AT("jump_to", 8, EXEC),
        AT("read_at", 0xffff0, READ),
        AT("write_at", 0x800000000, WRITE),
        AT("read_at", 0xfff000000, READ), /* the plugin's own range, from its start to its end */
        AT("write_at", 0xfff000000, WRITE),
        AT("jump_to", 0xfff000000, EXEC),
        AT("read_at", 0xffffff000, READ),
        AT("write_at", 0xffffff000, WRITE),
        AT("jump_to", 0xffffff000, EXEC),
        AT("read_at", 0x1000000000, READ), /* behind what 36 bits reach */
        AT("write_at", 0x7fffffffe000, WRITE),
        WITH_M("read_at", 0x800000000000, ANY_FAULT), /* not canonical */
        WITH_M("write_at", 0xffff7fffffffffff, ANY_FAULT),
        WITH_M("jump_to", 0x8000000000000000, ANY_FAULT),
        WITH_M("read_at", 0xffffffff80000000, K(MEMORY) | K(PRIVILEGE)), /* the kernel's half */
        WITH_M("write_at", 0xffff800000000000, K(MEMORY) | K(PRIVILEGE)),
        WITH_M("jump_to", 0xffffffffff600000, K(MEMORY) | K(PRIVILEGE)),
        MEMORY("write_code", WRITE, NO_ADDRESS),
        MEMORY("write_constant", WRITE, NO_ADDRESS),
        MEMORY("write_boot", WRITE, NO_ADDRESS),
        MEMORY("write_in", WRITE, NO_ADDRESS),
        MEMORY("write_below_stack", WRITE, NO_ADDRESS),
        MEMORY("jump_unmapped", EXEC, NO_ADDRESS),
        LAST,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(check_run_all(check, &box, "faults.elf", bads));
    return check_run_all(check, &box, "faults.elf", arch->accesses);
}

static enum check_outcome check_execute(struct check *check)
{
    static const struct check_bad bads[] = {
        MEMORY("execute_data", EXEC, NO_ADDRESS),     MEMORY("execute_stack", EXEC, NO_ADDRESS),
        MEMORY("execute_heap", EXEC, NO_ADDRESS),     MEMORY("execute_out", EXEC, NO_ADDRESS),
        MEMORY("execute_constant", EXEC, NO_ADDRESS), LAST,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    if (!(check->setup->probe.caps & SCONCE_CAP_EXEC_ENFORCED))
        return check_skip(check, "it does not declare exec_enforced");
    CHECK_STEP(check_run_all(check, &box, "faults.elf", bads));
    CHECK(check,
          check_call(&box, "execute_in",
                     WITH(sconce_bytes(arch->return_code.bytes, arch->return_code.length))) ==
              SCONCE_E_GUEST_FAULT,
          "code in IN was executed");
    return CHECK_OK;
}

static enum check_outcome check_instructions(struct check *check)
{
    static const struct check_bad bads[] = {
        OTHER("undefined_instruction", K(ILLEGAL)),
        OTHER("undefined_opcode", K(ILLEGAL)),
        OTHER("breakpoint", K(BREAKPOINT)),
        LAST,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(check_run_all(check, &box, "faults.elf", bads));
    return check_run_all(check, &box, "faults.elf", arch->instructions);
}

static enum check_outcome check_harmless(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const struct check_arch *arch;

    CHECK_STEP(check_arch_known(check, &arch));
    CHECK_STEP(check_box_open(check, &box, "faults.elf", NULL));
    return check_run_good(check, &box, arch->harmless);
}

static enum check_outcome check_syscalls(struct check *check)
{
    static const uint64_t numbers[] = {41, 59, 101, 321, 1000, 0x40000001, UINT32_MAX, UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    if (!(check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS))
        return check_skip(check, "it does not declare syscall_exits");
    CHECK_STEP(check_box_open(check, &box, "faults.elf", NULL));
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        CHECK_STEP(check_call_done(check, &box, "syscall_result", WITH(check_u64(numbers[i]))));
        CHECK(check, box.result.as.i64 == -38, "system call 0x%llx gave %lld, not ENOSYS",
              (unsigned long long)numbers[i], (long long)box.result.as.i64);
    }
    CHECK_STEP(check_call_done(check, &box, "syscall_keeps_registers", WITHOUT));
    CHECK(check, box.result.as.u32 == 0, "a system call lost %u registers", box.result.as.u32);
    return CHECK_OK;
}

static enum check_outcome check_abort(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const uint32_t poisoned = SCONCE_STATE_POISONED;

    CHECK_STEP(check_box_open(check, &box, "abort.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, poisoned, "abort_with",
                               WITH(sconce_string("the roof is on fire"))));
    CHECK(check, strstr(box.err.text, "the roof is on fire"), "the text is lost: %s", box.err.text);
    CHECK_STEP(check_box_recover(check, &box));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, poisoned, "call_abort", WITHOUT));
    CHECK_STEP(check_box_recover(check, &box));
    CHECK_STEP(
        check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, poisoned, "smash_stack",
                        WITH(sconce_string("much more than sixteen bytes of text, by far"))));
    CHECK_STEP(check_box_recover(check, &box));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_ABORT, poisoned, "assert_that",
                               WITH(check_bool(false))));
    CHECK_STEP(check_box_recover(check, &box));
    return check_call_done(check, &box, "assert_that", WITH(check_bool(true)));
}

const struct check_row check_faults_rows[] = {
    {"fault.memory", "wrong accesses fault with access and address", CHECK_NEEDS_SANDBOX,
     check_memory},
    {"fault.execute", "data is not executed", CHECK_NEEDS_SANDBOX, check_execute},
    {"fault.instruction", "traps and undefined instructions are named", CHECK_NEEDS_SANDBOX,
     check_instructions},
    {"fault.harmless", "what the architecture lets everybody do is no fault", CHECK_NEEDS_SANDBOX,
     check_harmless},
    {"fault.syscall", "system calls are answered, with ENOSYS when nobody serves them",
     CHECK_NEEDS_SANDBOX, check_syscalls},
    {"fault.abort", "a guest that gives up is heard", CHECK_NEEDS_SANDBOX, check_abort},
    {NULL, NULL, 0, NULL},
};
