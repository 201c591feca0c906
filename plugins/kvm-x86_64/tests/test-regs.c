/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Registers of kvm-x86_64: what sconce.regs/1 reads and takes, and that a reset leaves nothing. A
 * guest fills every class that ring 3 can write, the widest SIMD that the machine lets it use among
 * them; after the reset both the register files and another guest find initial values.
 */
#include "plugins/shared/tests/fake-host.h"

#include <stdio.h>
#include <string.h>

/* ---- Guests that fill ------------------------------------------------------------------------ */

#define FILL_GENERAL                                                                               \
    "mov $0xa1a2a3a4a5a6a7a8, %rax\n mov %rax, %rbx\n mov %rax, %rcx\n mov %rax, %rdx\n"           \
    "mov %rax, %rsi\n mov %rax, %rdi\n mov %rax, %rbp\n mov %rax, %r8\n mov %rax, %r9\n"           \
    "mov %rax, %r10\n mov %rax, %r11\n mov %rax, %r12\n mov %rax, %r13\n mov %rax, %r14\n"         \
    "mov %rax, %r15\n"
#define FILL_X87 "fld1\n fldpi\n fldl2e\n push $0x27f\n fldcw (%rsp)\n pop %rax\n"
#define FILL_MXCSR "push $0x9fc0\n ldmxcsr (%rsp)\n pop %rax\n"
#define FILL_FLAGS "pushf\n orq $0x244c01, (%rsp)\n popf\n"
#define FILL_SELECTORS                                                                             \
    "mov $0x2b, %eax\n mov %eax, %ds\n mov %eax, %es\n mov %eax, %fs\n mov %eax, %gs\n"
#define FILL_BASES "mov $0x420000, %eax\n wrfsbase %rax\n wrgsbase %rax\n"
#define FILL_XMM                                                                                   \
    "pcmpeqb %xmm0, %xmm0\n movaps %xmm0, %xmm1\n movaps %xmm0, %xmm7\n movaps %xmm0, %xmm15\n"
#define FILL_YMM                                                                                   \
    "vpcmpeqb %xmm0, %xmm0, %xmm0\n vinsertf128 $1, %xmm0, %ymm0, %ymm0\n vmovaps %ymm0, %ymm7\n"  \
    "vmovaps %ymm0, %ymm15\n"
#define FILL_ZMM                                                                                   \
    "vpternlogd $255, %zmm0, %zmm0, %zmm0\n vmovdqa64 %zmm0, %zmm7\n vmovdqa64 %zmm0, %zmm15\n"    \
    "vmovdqa64 %zmm0, %zmm16\n vmovdqa64 %zmm0, %zmm31\n kxnorw %k0, %k0, %k0\n"                   \
    "kxnorw %k1, %k1, %k1\n kxnorw %k7, %k7, %k7\n"

GUEST(fill_basic, FILL_X87 FILL_MXCSR FILL_XMM FILL_SELECTORS FILL_GENERAL FILL_FLAGS
      "mov $0, %al\n out %al, $0x5c\n");
GUEST(fill_bases, FILL_BASES BELL(0));
GUEST(fill_ymm, FILL_YMM BELL(0));
GUEST(fill_zmm, FILL_ZMM BELL(0));

/* ---- Guests that look: everything into the data granule ---------------------------------------
 */

#define STORE(reg, at) "mov %" #reg ", 0x420000 + " #at "\n"

GUEST(
    look_basic,
    STORE(rax, 0) STORE(rbx, 8) STORE(rcx, 16) STORE(rdx, 24) STORE(rbp, 32) STORE(r8, 40) STORE(
        r9, 48) STORE(r10, 56) STORE(r11, 64) STORE(r12, 72) STORE(r13, 80) STORE(r14, 88)
        STORE(r15, 96) "pushf\n pop %rax\n" STORE(
            rax,
            104) "xor %eax, %eax\n mov %ds, %eax\n" STORE(rax,
                                                          112) "mov %es, %eax\n" STORE(rax,
                                                                                       120) "fxsave"
                                                                                            "64 "
                                                                                            "0x4204"
                                                                                            "00"
                                                                                            "\n" BELL(
                                                                                                1));
GUEST(look_bases, "rdfsbase %rax\n" STORE(rax, 0) "rdgsbase %rax\n" STORE(rax, 8) BELL(1));
GUEST(look_ymm,
      "vmovups %ymm0, 0x420000\n vmovups %ymm7, 0x420020\n vmovups %ymm15, 0x420040\n" BELL(1));
GUEST(look_zmm, "vmovups %zmm0, 0x420000\n vmovups %zmm7, 0x420040\n vmovups %zmm15, 0x420080\n"
                "vmovups %zmm16, 0x4200c0\n vmovups %zmm31, 0x420100\n kmovw %k0, 0x420140\n"
                "kmovw %k1, 0x420142\n kmovw %k7, 0x420144\n" BELL(1));

#define LOAD(guest, name) guest_load(guest, guest_##name, guest_##name##_end)

/* ---- Helpers --------------------------------------------------------------------------------- */

static void get(struct fake_guest *guest, uint32_t file, void *to, size_t bytes)
{
    assert_ok(regs->get(guest->vm, file, to, bytes, fresh_error()));
}

static void set(struct fake_guest *guest, uint32_t file, const void *from, size_t bytes)
{
    assert_ok(regs->set(guest->vm, file, from, bytes, fresh_error()));
}

static bool all_zero(const void *data, size_t bytes)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < bytes; i++)
        if (at[i])
            return false;
    return true;
}

/* Run a filling guest; false when this machine lets no guest use those registers. */
static bool fill(struct fake_guest *guest, const uint8_t *code, const uint8_t *end)
{
    struct sconce_exit exit;

    guest_new(guest, code, end);
    guest_enter(guest);
    guest_run(guest, &exit);
    if (exit.kind == SCONCE_EXIT_DOORBELL)
        return true;
    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.kind, SCONCE_FAULT_ILLEGAL);
    guest_free(guest);
    return false;
}

/* Run a looking guest in the same vCPU, with zero arguments. */
static void look(struct fake_guest *guest)
{
    const struct sconce_entry entry = {.size = sizeof entry, .pc = CODE_GPA, .sp = STACK_TOP};

    memset(guest_data(guest), 0xee, SCONCE_MEM_GRANULE);
    assert_ok(ops->vcpu_enter(guest->vm, &entry, fresh_error()));
    guest_expect_bell(guest, 1);
}

static void assert_initial_fxsave(const uint8_t *fxsave)
{
    static const uint8_t control[2] = {0x7f, 0x03};
    static const uint8_t mxcsr[4] = {0x80, 0x1f, 0, 0};

    assert_memory_equal(fxsave, control, 2);
    assert_true(all_zero(fxsave + 2, 2)); /* status */
    assert_int_equal(fxsave[4], 0);       /* tags: all empty */
    assert_memory_equal(fxsave + 24, mxcsr, 4);
    for (size_t i = 0; i < 8; i++)
        assert_true(all_zero(fxsave + 32 + 16 * i, 10)); /* ST0-7; the rest is reserved */
    assert_true(all_zero(fxsave + 160, 16 * 16));        /* XMM0-15 */
}

/* ---- Reset leaves nothing ---------------------------------------------------------------------
 */

static void test_reset_clears_every_file(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_standard standard, no_standard = {.rflags = 0x202};
    struct sconce_x86_special special;
    struct sconce_x86_float floats;
    struct sconce_x86_debug debug;
    static const struct sconce_x86_debug no_debug = {.dr6 = 0xffff0ff0, .dr7 = 0x400};

    (void)state;
    assert_true(fill(&guest, guest_fill_basic, guest_fill_basic_end));
    get(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_int_equal(standard.r15, 0xa1a2a3a4a5a6a7a8); /* it was there */
    assert_int_equal(standard.rflags & 0x244c01, 0x244c01);
    get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_false(all_zero(floats.fxsave + 32, 8 * 16));
    assert_false(all_zero(floats.fxsave + 160, 16 * 16));

    guest_reset(&guest);

    get(&guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_memory_equal(&standard, &no_standard, sizeof standard);
    get(&guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    assert_int_equal(special.fs_base | special.gs_base | special.kernel_gs_base | special.cr2, 0);
    assert_int_equal(special.ds | special.es | special.fs | special.gs, 0);
    assert_int_equal(special.cs & 3, 3);
    get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_initial_fxsave(floats.fxsave);
    assert_true(all_zero(floats.ymm_hi, sizeof floats - offsetof(struct sconce_x86_float, ymm_hi)));
    get(&guest, SCONCE_REGS_DEBUG, &debug, sizeof debug);
    assert_memory_equal(&debug, &no_debug, sizeof debug);
    guest_free(&guest);
}

static void test_reset_clears_what_another_guest_can_see(void **state)
{
    struct fake_guest guest;
    const uint64_t *data;

    (void)state;
    assert_true(fill(&guest, guest_fill_basic, guest_fill_basic_end));
    guest_reset(&guest);
    LOAD(&guest, look_basic);

    look(&guest);

    data = guest_data(&guest);
    assert_true(all_zero(data, 104));                        /* general registers */
    assert_int_equal(data[13] & ~0x10ull, 0x202 & ~0x10ull); /* flags; AF is not defined */
    assert_true(all_zero(data + 14, 16));                    /* DS and ES */
    assert_initial_fxsave((const uint8_t *)data + 0x400);
    guest_free(&guest);
}

static void test_reset_clears_segment_bases(void **state)
{
    struct fake_guest guest;

    (void)state;
    if (!fill(&guest, guest_fill_bases, guest_fill_bases_end))
        return; /* a guest cannot write them here */
    guest_reset(&guest);
    LOAD(&guest, look_bases);

    look(&guest);

    assert_true(all_zero(guest_data(&guest), 16));
    guest_free(&guest);
}

static void test_reset_clears_ymm(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_float floats;

    (void)state;
    if (!fill(&guest, guest_fill_ymm, guest_fill_ymm_end))
        return; /* no AVX for guests here */
    get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_int_equal(floats.xfeatures & 4, 4);
    assert_int_equal(floats.ymm_hi[15][15], 0xff);
    guest_reset(&guest);
    get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_true(all_zero(floats.ymm_hi, sizeof floats.ymm_hi));
    LOAD(&guest, look_ymm);

    look(&guest);

    assert_true(all_zero(guest_data(&guest), 96));
    guest_free(&guest);
}

static void test_reset_clears_zmm_and_masks(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_float floats;

    (void)state;
    if (!fill(&guest, guest_fill_zmm, guest_fill_zmm_end))
        return; /* no AVX-512 for guests here */
    get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_int_equal(floats.xfeatures & 0xe4, 0xe4);
    assert_int_equal(floats.hi16_zmm[15][63], 0xff);
    assert_int_equal(floats.zmm_hi[7][31], 0xff);
    assert_int_equal(floats.opmask[7][1], 0xff);
    guest_reset(&guest);
    get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_true(all_zero(floats.ymm_hi, sizeof floats - offsetof(struct sconce_x86_float, ymm_hi)));
    LOAD(&guest, look_zmm);

    look(&guest);

    assert_true(all_zero(guest_data(&guest), 0x146));
    guest_free(&guest);
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
    assert_int_equal(standard.rsp, STACK_TOP); /* the guest's, not the shim's */
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

static void test_get_at_a_fault_shows_the_guest_not_the_shim(void **state)
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

static void test_set_debug_keeps_and_reset_clears_breakpoints(void **state)
{
    struct sconce_x86_debug debug = {
        .dr = {CODE_GPA, DATA_GPA, 0, 0x7fffffffffff}, .dr6 = 0xffff0ff1, .dr7 = 0x455};
    struct sconce_x86_debug again;
    struct fake_guest guest;

    (void)state;
    guest_new(&guest, guest_bell_then_more, guest_bell_then_more_end);
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    set(&guest, SCONCE_REGS_DEBUG, &debug, sizeof debug);
    get(&guest, SCONCE_REGS_DEBUG, &again, sizeof again);
    assert_memory_equal(&again, &debug, sizeof debug);
    guest_reset(&guest);
    get(&guest, SCONCE_REGS_DEBUG, &again, sizeof again);

    assert_true(all_zero(again.dr, sizeof again.dr));
    assert_int_equal(again.dr7, 0x400);
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

static void test_set_debug_supervisor_breakpoint_is_invalid(void **state)
{
    const struct sconce_x86_debug debug = {
        .dr = {0xffff800000000000}, .dr6 = 0xffff0ff0, .dr7 = 0x400};

    (void)state;
    expect_refused(SCONCE_REGS_DEBUG, &debug, sizeof debug);
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

/* A kicked vCPU may stand in the shim; set must not put guest code there. */
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
    ops->vcpu_kick_local(guest.vm); /* before the shim's IRETQ has run */
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
        cmocka_unit_test(test_reset_clears_every_file),
        cmocka_unit_test(test_reset_clears_what_another_guest_can_see),
        cmocka_unit_test(test_reset_clears_segment_bases),
        cmocka_unit_test(test_reset_clears_ymm),
        cmocka_unit_test(test_reset_clears_zmm_and_masks),
        cmocka_unit_test(test_set_standard_moves_a_guest_at_a_doorbell),
        cmocka_unit_test(test_set_standard_moves_a_guest_in_a_system_call),
        cmocka_unit_test(test_get_at_a_fault_shows_the_guest_not_the_shim),
        cmocka_unit_test(test_set_special_takes_bases_alone),
        cmocka_unit_test(test_set_debug_keeps_and_reset_clears_breakpoints),
        cmocka_unit_test(test_set_standard_supervisor_pc_is_invalid),
        cmocka_unit_test(test_set_standard_iopl_is_invalid),
        cmocka_unit_test(test_set_float_reserved_mxcsr_is_invalid),
        cmocka_unit_test(test_set_debug_supervisor_breakpoint_is_invalid),
        cmocka_unit_test(test_get_wrong_size_is_invalid),
        cmocka_unit_test(test_set_standard_after_a_kick_stays_in_ring_3),
    };

    if (argc != 2) {
        fprintf(stderr, "usage: %s PLUGIN.so\n", argv[0]);
        return 2;
    }
    if (!fake_host_init(argv[1]))
        return 77;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
