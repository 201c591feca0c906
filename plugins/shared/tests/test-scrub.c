/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reset leaves nothing. A guest fills every class of registers that an unprivileged program can
 * write, the widest SIMD that the machine lets it use among them; after the reset both the register
 * files and another guest find initial values.
 */
#include "plugins/shared/tests/fake-host.h"

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

#define LOOK_LOW                                                                                   \
    STORE(rax, 0) STORE(rbx, 8) STORE(rcx, 16) STORE(rdx, 24) STORE(rbp, 32) STORE(r8, 40)
#define LOOK_HIGH STORE(r9, 48) STORE(r10, 56) STORE(r11, 64) STORE(r12, 72) STORE(r13, 80)
#define LOOK_LAST STORE(r14, 88) STORE(r15, 96)
#define LOOK_FLAGS "pushf\n pop %rax\n" STORE(rax, 104)
#define LOOK_DATA_SELECTORS                                                                        \
    "xor %eax, %eax\n mov %ds, %eax\n" STORE(rax, 112) "mov %es, %eax\n" STORE(rax, 120)

GUEST(look_basic,
      LOOK_LOW LOOK_HIGH LOOK_LAST LOOK_FLAGS LOOK_DATA_SELECTORS "fxsave64 0x420400\n" BELL(1));
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
    int32_t status;

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
    status = regs->get(guest.vm, SCONCE_REGS_DEBUG, &debug, sizeof debug, fresh_error());
    if (status != SCONCE_PLUGIN_E_NOT_SUPPORTED) {
        assert_ok(status);
        assert_memory_equal(&debug, &no_debug, sizeof debug);
    }
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

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_clears_every_file),
        cmocka_unit_test(test_reset_clears_what_another_guest_can_see),
        cmocka_unit_test(test_reset_clears_segment_bases),
        cmocka_unit_test(test_reset_clears_ymm),
        cmocka_unit_test(test_reset_clears_zmm_and_masks),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
