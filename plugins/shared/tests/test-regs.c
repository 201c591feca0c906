/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of a stopped guest: what sconce.regs/1 reads and takes. */
#include "plugins/shared/tests/fake-host.h"

#include <stdio.h>
#include <string.h>

#define STORE(reg, at) "mov %" #reg ", 0x420000 + " #at "\n"

static void get(struct fake_guest *guest, uint32_t file, void *to, size_t bytes)
{
    assert_ok(regs->get(guest->vm, file, to, bytes, fresh_error()));
}

static void set(struct fake_guest *guest, uint32_t file, const void *from, size_t bytes)
{
    assert_ok(regs->set(guest->vm, file, from, bytes, fresh_error()));
}

/* ---- Setting and getting -----------------------------------------------------------------------
 */

GUEST(store_and_spin, STORE(rax, 0) STORE(r15, 8) "movups %xmm9, 0x420010\n" BELL(3));
GUEST(bell_then_more, BELL(1) "1: jmp 1b");

static void test_set_standard_moves_a_guest_at_a_doorbell(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_standard standard;
    struct sconce_x86_float floats;

    (void)state;
    guest_new(&guest, guest_bell_then_more, guest_bell_then_more_end);
    memcpy(guest.host + 0x100, guest_store_and_spin,
           (size_t)(guest_store_and_spin_end - guest_store_and_spin));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    get(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_int_equal(standard.rip, CODE_GPA + 4); /* behind the OUT */
    standard.rip = CODE_GPA + 0x100;
    standard.rax = 0x0123456789abcdef;
    standard.r15 = ~0ull;
    set(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    memset(floats.fxsave + 160 + 9 * 16, 0x5e, 16);
    set(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    guest_expect_bell(&guest, 3);

    assert_int_equal(guest_data(&guest)[0], 0x0123456789abcdef);
    assert_int_equal(guest_data(&guest)[1], ~0ull);
    assert_int_equal(guest_data(&guest)[2], 0x5e5e5e5e5e5e5e5e);
    guest_free(&guest);
}

GUEST(nop_undefined, "nop\n ud2");
GUEST(trap, "mov $7, %r14d\n mov $0x9, %eax\n syscall\n 1: jmp 1b");

static void test_set_standard_moves_a_guest_in_a_system_call(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_standard standard;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_trap, guest_trap_end);
    memcpy(guest.host + 0x100, guest_store_and_spin,
           (size_t)(guest_store_and_spin_end - guest_store_and_spin));
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_SYSCALL);

    get(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_int_equal(standard.rsp, STACK_TOP); /* the guest's own */
    assert_int_equal(standard.r14, 7);
    standard.rip = CODE_GPA + 0x100;
    standard.r15 = 0x1515;
    set(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_ok(ops->vcpu_complete(guest.vm, 77, fresh_error()));
    guest_expect_bell(&guest, 3);

    assert_int_equal(guest_data(&guest)[0], 77);
    assert_int_equal(guest_data(&guest)[1], 0x1515);
    guest_free(&guest);
}

static void test_get_at_a_fault_shows_the_guest(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_standard standard;
    struct sconce_x86_special special;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_nop_undefined, guest_nop_undefined_end);
    guest_enter(&guest);
    guest_run(&guest, &exit);

    get(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    get(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);

    assert_int_equal(standard.rip, CODE_GPA + 1);
    assert_int_equal(standard.rsp, STACK_TOP);
    assert_int_equal(standard.rdi, 0x1111);
    assert_int_equal(special.cs & 3, 3);
    assert_int_equal(special.fs_base, 0x123456789000);
    guest_free(&guest);
}

static void test_set_special_takes_bases_alone(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_special special, again;

    (void)state;
    guest_new(&guest, guest_bell_then_more, guest_bell_then_more_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    get(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);

    special.fs_base = DATA_GPA;
    special.gs_base = 0xffff800000000000; /* canonical: WRGSBASE could */
    set(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    get(&guest, SCONCE_REGS_SPECIAL, &again, sizeof again);
    assert_memory_equal(&again, &special, sizeof again);

    special.cr4 ^= 1;
    assert_int_equal(
        regs->set(guest.vm, SCONCE_REGS_SPECIAL, &special, sizeof special, fresh_error()),
        SCONCE_PLUGIN_E_INVALID);
    special.cr4 ^= 1;
    special.gs_base = 1ull << 62;
    assert_int_equal(
        regs->set(guest.vm, SCONCE_REGS_SPECIAL, &special, sizeof special, fresh_error()),
        SCONCE_PLUGIN_E_INVALID);
    guest_free(&guest);
}

/* ---- Refusals ----------------------------------------------------------------------------------
 */

static void expect_refused(uint32_t file, const void *from, size_t bytes)
{
    struct fake_guest guest;

    guest_new(&guest, guest_bell_then_more, guest_bell_then_more_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    assert_int_equal(regs->set(guest.vm, file, from, bytes, fresh_error()),
                     SCONCE_PLUGIN_E_INVALID);
    assert_true(error.text[0]);
    guest_free(&guest);
}

static void test_set_standard_supervisor_pc_is_invalid(void **state)
{
    const struct sconce_x86_standard standard = {.rip = 0xffff800000000000, .rflags = 2};

    (void)state;
    expect_refused(SCONCE_REGS_STANDARD, &standard, sizeof standard);
}

static void test_set_standard_iopl_is_invalid(void **state)
{
    const struct sconce_x86_standard standard = {.rip = CODE_GPA, .rflags = 0x3202};

    (void)state;
    expect_refused(SCONCE_REGS_STANDARD, &standard, sizeof standard);
}

static void test_set_float_reserved_mxcsr_is_invalid(void **state)
{
    struct sconce_x86_float floats = {.xfeatures = 3};

    (void)state;
    floats.fxsave[27] = 1;
    expect_refused(SCONCE_REGS_FLOAT, &floats, sizeof floats);
}

static void test_get_wrong_size_is_invalid(void **state)
{
    struct sconce_x86_standard standard;
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bell_then_more, guest_bell_then_more_end);
    guest_enter(&guest);

    assert_int_equal(
        regs->get(guest.vm, SCONCE_REGS_STANDARD, &standard, sizeof standard - 8, fresh_error()),
        SCONCE_PLUGIN_E_INVALID);
    assert_int_equal(regs->get(guest.vm, 99, &standard, sizeof standard, fresh_error()),
                     SCONCE_PLUGIN_E_NOT_SUPPORTED);
    guest_free(&guest);
}

/* A kicked vCPU may stand in code of the backend; set must not put guest code there. */
GUEST(trap_loop, "1: mov $1, %eax\n syscall\n jmp 1b");

static void test_set_standard_after_a_kick_stays_in_ring_3(void **state)
{
    struct sconce_x86_standard standard;
    struct sconce_x86_special special;
    struct fake_guest guest;
    struct sconce_exit exit;

    (void)state;
    guest_new(&guest, guest_trap_loop, guest_trap_loop_end);
    memcpy(guest.host + 0x100, guest_store_and_spin,
           (size_t)(guest_store_and_spin_end - guest_store_and_spin));
    guest_enter(&guest);
    guest_run(&guest, &exit);
    assert_ok(ops->vcpu_complete(guest.vm, 0, fresh_error()));
    ops->vcpu_kick_local(guest.vm); /* before the guest goes on */
    guest_run(&guest, &exit);
    assert_int_equal(exit.kind, SCONCE_EXIT_CANCELLED);

    get(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_int_equal(standard.rsp, STACK_TOP);
    standard.rip = CODE_GPA + 0x100;
    set(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    guest_expect_bell(&guest, 3);

    get(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    assert_int_equal(special.cs & 3, 3);
    assert_int_equal(special.ss & 3, 3);
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_standard_moves_a_guest_at_a_doorbell),
        cmocka_unit_test(test_set_standard_moves_a_guest_in_a_system_call),
        cmocka_unit_test(test_get_at_a_fault_shows_the_guest),
        cmocka_unit_test(test_set_special_takes_bases_alone),
        cmocka_unit_test(test_set_standard_supervisor_pc_is_invalid),
        cmocka_unit_test(test_set_standard_iopl_is_invalid),
        cmocka_unit_test(test_set_float_reserved_mxcsr_is_invalid),
        cmocka_unit_test(test_get_wrong_size_is_invalid),
        cmocka_unit_test(test_set_standard_after_a_kick_stays_in_ring_3),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
