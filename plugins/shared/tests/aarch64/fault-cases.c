/* SPDX-License-Identifier: Apache-2.0 */
/* test-faults.c for aarch64. Sections are the Arm ARM's (DDI 0487). */
#include "plugins/shared/tests/aarch64/code.h"
#include "plugins/shared/tests/fault-rows.h"

#include <string.h>

#define HOLE "movz x20, #0x43, lsl #16\n"
#define WILD SET(x20, 0x8000, 0, 0, 0)

const char *const arch_write_null_text = "data abort";

/* Memory. */
GUEST(read_null, "mov x20, #0\n" LABEL(read_null_at) "ldr w9, [x20]");
GUEST(write_null, "mov x20, #0\n" LABEL(write_null_at) "str w9, [x20]");
GUEST(write_hole, HOLE LABEL(write_hole_at) "str w9, [x20]");
GUEST(run_data, DATA "br x20");
GUEST(run_hole, HOLE "br x20");
GUEST_AT(overflow_stack, "movz x20, #0x44, lsl #16\n mov sp, x20\n" LABEL(
                             overflow_stack_at) "stp x29, x30, [sp, #-16]!");
/* Without a valid syndrome: pairs, write-back, vectors, exclusives; D17.2.37, ISV. */
GUEST_AT(read_pair, HOLE LABEL(read_pair_at) "ldp x9, x10, [x20]");
GUEST_AT(write_pair, HOLE LABEL(write_pair_at) "stp x9, x10, [x20]");
GUEST_AT(read_writeback, HOLE LABEL(read_writeback_at) "ldr x9, [x20], #8");
GUEST_AT(write_writeback, HOLE LABEL(write_writeback_at) "str x9, [x20, #8]!");
GUEST_AT(read_vectors, HOLE LABEL(read_vectors_at) "ld1 {v0.16b, v1.16b}, [x20]");
GUEST_AT(write_vector, HOLE LABEL(write_vector_at) "str q0, [x20]");
GUEST_AT(read_exclusive, HOLE LABEL(read_exclusive_at) "ldaxr x9, [x20]");
GUEST_AT(write_code_pair,
         "movz x20, #0x40, lsl #16\n" LABEL(write_code_pair_at) "stp x9, x10, [x20]");
GUEST_AT(zero_code, "movz x20, #0x40, lsl #16\n" LABEL(zero_code_at) "dc zva, x20");
GUEST_AT(read_kernel, SET(x20, 0xffff, 0x8000, 0, 0) LABEL(read_kernel_at) "ldr x9, [x20]");
GUEST(run_kernel, SET(x20, 0xffff, 0x8000, 0, 0) "br x20");
/* The top byte may be a tag that is taken off, or make it no address. */
GUEST(wild_read, WILD "ldr x9, [x20]");
GUEST(wild_jump, WILD "br x20");

/* Alignment. */
GUEST(misaligned_jump, "movz x20, #0x40, lsl #16\n add x20, x20, #2\n br x20");
GUEST_AT(misaligned_exclusive,
         DATA "add x20, x20, #12\n" LABEL(misaligned_exclusive_at) "ldxr x9, [x20]");

/* Instructions. */
GUEST(undefined, LABEL(undefined_at) "udf #0");
GUEST_AT(unallocated, LABEL(unallocated_at) ".inst 0xffffffff");
GUEST(breakpoint, LABEL(breakpoint_at) "brk #0");
GUEST_AT(breakpoint_of_kernels, LABEL(breakpoint_of_kernels_at) "brk #0x800");

/* Privilege. */
GUEST_AT(hvc, LABEL(hvc_at) "hvc #0");
GUEST_AT(smc, LABEL(smc_at) "smc #0");
GUEST_AT(semihosting, LABEL(semihosting_at) "hlt #0xf000");
GUEST_AT(eret, LABEL(eret_at) "eret");
GUEST_AT(daif_set, LABEL(daif_set_at) "msr daifset, #2");
GUEST_AT(daif_clear, LABEL(daif_clear_at) "msr daifclr, #2");
GUEST_AT(read_sctlr, LABEL(read_sctlr_at) "mrs x9, sctlr_el1");
GUEST_AT(write_sctlr, LABEL(write_sctlr_at) "msr sctlr_el1, x9");
GUEST_AT(write_ttbr0, LABEL(write_ttbr0_at) "msr ttbr0_el1, x9");
GUEST_AT(write_vbar, LABEL(write_vbar_at) "msr vbar_el1, x9");
GUEST_AT(write_spsel, LABEL(write_spsel_at) "msr spsel, #1");
GUEST_AT(write_tpidrro, LABEL(write_tpidrro_at) "msr tpidrro_el0, x9");
GUEST_AT(write_mdscr, LABEL(write_mdscr_at) "msr mdscr_el1, x9");
GUEST_AT(tlbi, LABEL(tlbi_at) "tlbi vmalle1");
GUEST_AT(invalidate, LABEL(invalidate_at) "dc ivac, x9");
GUEST_AT(translate, LABEL(translate_at) "at s1e1r, x9");

/* The kind of these is the host's choice: its kernel may serve or hide them; emulations do not look
 * at a stack pointer's alignment (D1.3.2). */
GUEST(misaligned_stack, "mov x20, sp\n sub x20, x20, #8\n mov sp, x20\n ldr x9, [sp]\n udf #0");
GUEST(cycles, "mrs x9, pmccntr_el0\n udf #0");
GUEST(timer, "msr cntv_ctl_el0, xzr\n udf #0");
GUEST(counter, "mrs x9, cntvct_el0\n udf #0");
GUEST(wait, "wfe\n wfi\n udf #0");
GUEST(identify, "mrs x9, midr_el1\n udf #0");
GUEST(sve, ".inst 0x2538c000\n udf #0");
GUEST(cache_hole, HOLE "dc civac, x20\n udf #0");
GUEST(code_hole, HOLE "ic ivau, x20\n udf #0");

const struct fault_row arch_fault_rows[] = {
    MEMORY_AT(overflow_stack, WRITE, STACK_GPA - 16),
    MEMORY_AT(read_pair, READ, UNMAPPED_GPA),
    MEMORY_AT(write_pair, WRITE, UNMAPPED_GPA),
    MEMORY_AT(read_writeback, READ, UNMAPPED_GPA),
    MEMORY_AT(write_writeback, WRITE, UNMAPPED_GPA + 8),
    MEMORY_AT(read_vectors, READ, UNMAPPED_GPA),
    MEMORY_AT(write_vector, WRITE, UNMAPPED_GPA),
    MEMORY_AT(read_exclusive, READ, UNMAPPED_GPA),
    MEMORY_AT(write_code_pair, WRITE, CODE_GPA),
    MEMORY_AT(zero_code, WRITE, CODE_GPA),
    MEMORY_AT(read_kernel, READ, 0xffff800000000000),
    MEMORY(run_kernel, EXEC, 0xffff800000000000, 0xffff800000000000),
    HOSTS_CHOICE(wild_read),
    HOSTS_CHOICE(wild_jump),

    ROW(misaligned_jump, SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_UNKNOWN, CODE_GPA + 2, CODE_GPA + 2),
    ROW_AT(misaligned_exclusive, SCONCE_FAULT_ALIGNMENT, SCONCE_ACCESS_UNKNOWN, DATA_GPA + 12),

    OTHER_AT(unallocated, ILLEGAL),
    OTHER_AT(breakpoint_of_kernels, BREAKPOINT),

    DENIED_AT(hvc),
    DENIED_AT(smc),
    DENIED_AT(semihosting),
    DENIED_AT(eret),
    DENIED_AT(daif_set),
    DENIED_AT(daif_clear),
    DENIED_AT(read_sctlr),
    DENIED_AT(write_sctlr),
    DENIED_AT(write_ttbr0),
    DENIED_AT(write_vbar),
    DENIED_AT(write_spsel),
    DENIED_AT(write_tpidrro),
    DENIED_AT(write_mdscr),
    DENIED_AT(tlbi),
    DENIED_AT(invalidate),
    DENIED_AT(translate),

    HOSTS_CHOICE(misaligned_stack),
    HOSTS_CHOICE(cycles),
    HOSTS_CHOICE(timer),
    HOSTS_CHOICE(counter),
    HOSTS_CHOICE(wait),
    HOSTS_CHOICE(identify),
    HOSTS_CHOICE(sve),
    HOSTS_CHOICE(cache_hole),
    HOSTS_CHOICE(code_hole),
    {0},
};

/* Only the doorbell's SVC is no system call. */
GUEST(other_svc, "mov x8, #39\n svc #0x5c0f\n mov x8, #40\n svc #0xffff\n" BELL(7));

static void test_run_svc_of_other_numbers_is_a_syscall(void **state)
{
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, CODE(other_svc));
    guest_enter(&guest);
    for (uint64_t number = 39; number <= 40; number++) {
        guest_run(&guest, &exit);
        assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);
        assert_int_equal(exit.u.syscall.raw_nr, number);
        assert_ok(ops->vcpu_complete(guest.vm, -38, fresh_error()));
    }
    guest_expect_bell(&guest, 7);
    guest_free(&guest);
}

/* Cache maintenance on what a guest may read, as programs do that make code; DC ZVA on what it may
 * write. */
GUEST(maintain, DATA "dc cvau, x20\n dsb ish\n ic ivau, x20\n dsb ish\n isb\n dc civac, x20\n"
                     "dc cvac, x20\n movz x9, #0x40, lsl #16\n dc cvau, x9\n ic ivau, x9\n"
                     "dc zva, x20\n dsb sy\n" BELL(7));

static void test_run_cache_maintenance_is_the_guests_own(void **state)
{
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, CODE(maintain));
    memset(guest_data(&guest), 0x5a, SCONCE_MEM_GRANULE);
    guest_enter(&guest);

    guest_expect_bell(&guest, 7);

    assert_int_equal(guest_data(&guest)[0], 0);
    assert_int_equal(guest_data(&guest)[SCONCE_MEM_GRANULE / 8 - 1], 0x5a5a5a5a5a5a5a5a);
    guest_free(&guest);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_run_svc_of_other_numbers_is_a_syscall),
    cmocka_unit_test(test_run_cache_maintenance_is_the_guests_own),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
