/* SPDX-License-Identifier: Apache-2.0 */
/* test-scrub.c for x86_64: the basic registers, and those that only some machines have. */
#include "plugins/shared/tests/scrub.h"
#include "plugins/shared/tests/x86_64/code.h"

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

/* ---- What is in them when nothing is -------------------------------------------------------- */

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

void scrub_expect_filled(struct fake_guest *guest)
{
    struct sconce_x86_standard standard;
    struct sconce_x86_float floats;

    guest_get(guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_int_equal(standard.r15, 0xa1a2a3a4a5a6a7a8);
    assert_int_equal(standard.rflags & 0x244c01, 0x244c01);
    guest_get(guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_false(all_zero(floats.fxsave + 32, 8 * 16));
    assert_false(all_zero(floats.fxsave + 160, 16 * 16));
}

void scrub_expect_initial(struct fake_guest *guest)
{
    static const struct sconce_x86_debug no_debug = {.dr6 = 0xffff0ff0, .dr7 = 0x400};
    struct sconce_x86_standard standard, no_standard = {.rflags = 0x202};
    struct sconce_x86_special special;
    struct sconce_x86_float floats;
    struct sconce_x86_debug debug;
    int32_t status;

    guest_get(guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_memory_equal(&standard, &no_standard, sizeof standard);
    guest_get(guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    assert_int_equal(special.fs_base | special.gs_base | special.kernel_gs_base | special.cr2, 0);
    assert_int_equal(special.ds | special.es | special.fs | special.gs, 0);
    assert_int_equal(special.cs & 3, 3);
    guest_get(guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_initial_fxsave(floats.fxsave);
    assert_true(all_zero(floats.ymm_hi, sizeof floats - offsetof(struct sconce_x86_float, ymm_hi)));
    status = regs->get(guest->vm, SCONCE_REGS_DEBUG, &debug, sizeof debug, fresh_error());
    if (status != SCONCE_PLUGIN_E_NOT_SUPPORTED) {
        assert_ok(status);
        assert_memory_equal(&debug, &no_debug, sizeof debug);
    }
}

void scrub_expect_nothing_seen(const uint64_t *data)
{
    assert_true(all_zero(data, 104));                        /* general registers */
    assert_int_equal(data[13] & ~0x10ull, 0x202 & ~0x10ull); /* flags; AF is not defined */
    assert_true(all_zero(data + 14, 16));                    /* DS and ES */
    assert_initial_fxsave((const uint8_t *)data + 0x400);
}

static void test_reset_clears_segment_bases(void **state)
{
    struct fake_guest guest;

    (void)state;
    if (!guests_have_fsgsbase()) {
        print_message("no FSGSBASE for programs: what a guest sets by itself is not kept apart\n");
        skip();
    }
    if (!scrub_fill(&guest, CODE(fill_bases)))
        return; /* a guest cannot write them here */
    guest_reset(&guest);

    scrub_look(&guest, CODE(look_bases));

    assert_true(all_zero(guest_data(&guest), 16));
    guest_free(&guest);
}

static void test_reset_clears_ymm(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_float floats;

    (void)state;
    if (!scrub_fill(&guest, CODE(fill_ymm)))
        return; /* no AVX for guests here */
    guest_get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_int_equal(floats.xfeatures & 4, 4);
    assert_int_equal(floats.ymm_hi[15][15], 0xff);
    guest_reset(&guest);
    guest_get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_true(all_zero(floats.ymm_hi, sizeof floats.ymm_hi));

    scrub_look(&guest, CODE(look_ymm));

    assert_true(all_zero(guest_data(&guest), 96));
    guest_free(&guest);
}

static void test_reset_clears_zmm_and_masks(void **state)
{
    struct fake_guest guest;
    struct sconce_x86_float floats;

    (void)state;
    if (!scrub_fill(&guest, CODE(fill_zmm)))
        return; /* no AVX-512 for guests here */
    guest_get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_int_equal(floats.xfeatures & 0xe4, 0xe4);
    assert_int_equal(floats.hi16_zmm[15][63], 0xff);
    assert_int_equal(floats.zmm_hi[7][31], 0xff);
    assert_int_equal(floats.opmask[7][1], 0xff);
    guest_reset(&guest);
    guest_get(&guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_true(all_zero(floats.ymm_hi, sizeof floats - offsetof(struct sconce_x86_float, ymm_hi)));

    scrub_look(&guest, CODE(look_zmm));

    assert_true(all_zero(guest_data(&guest), 0x146));
    guest_free(&guest);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_reset_clears_segment_bases),
    cmocka_unit_test(test_reset_clears_ymm),
    cmocka_unit_test(test_reset_clears_zmm_and_masks),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
