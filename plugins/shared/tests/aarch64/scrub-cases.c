/* SPDX-License-Identifier: Apache-2.0 */
/* test-scrub.c for aarch64: general registers, flags, vectors, their controls, the thread pointer.
 */
#include "plugins/shared/tests/aarch64/code.h"
#include "plugins/shared/tests/scrub.h"

#include <string.h>

#define FILLED 0xa1a2a3a4a5a6a7a8
#define FPCR 0x07c00000u /* AHP, DN, FZ, round to zero; Arm ARM C5.2.8 */
#define FPSR 0x0800009fu /* QC and the exceptions; Arm ARM C5.2.10 */
/* The debugger's channel is closed to EL0: the host's affair; Arm ARM D17.3.20. */
#define MDSCR_TDCC 0x1000ull

#define EACH_X                                                                                     \
    "2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, " \
    "27, 28, 29, 30"
#define EACH_V                                                                                     \
    "0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, "   \
    "25, 26, 27, 28, 29, 30, 31"

GUEST(fill_basic,
      DATA "msr tpidr_el0, x20\n movz x9, #0x07c0, lsl #16\n msr fpcr, x9\n"
           "movz x9, #0x0800, lsl #16\n movk x9, #0x9f\n msr fpsr, x9\n"
           ".irp n, " EACH_V "\n movi v\\n\\().16b, #0xff\n .endr\n" SET(
               x1, 0xa1a2, 0xa3a4, 0xa5a6,
               0xa7a8) ".irp n, " EACH_X "\n mov x\\n, x1\n .endr\n"
                       "movz x0, #0xf000, lsl #16\n msr nzcv, x0\n mov x0, #0\n svc #0x5c0e\n");

/* X0 and X1 go over the stack: one of them has to point at the data. Its words: X0 to X30, NZCV,
 * TPIDR_EL0, FPCR, FPSR; from 0x400 on the vectors. */
GUEST(look_basic, "stp x0, x1, [sp, #-16]!\n movz x0, #0x42, lsl #16\n"
                  ".irp n, " EACH_X "\n str x\\n, [x0, #8 * \\n]\n .endr\n"
                  "ldp x1, x2, [sp], #16\n stp x1, x2, [x0]\n"
                  "mrs x1, nzcv\n str x1, [x0, #248]\n mrs x1, tpidr_el0\n str x1, [x0, #256]\n"
                  "mrs x1, fpcr\n str x1, [x0, #264]\n mrs x1, fpsr\n str x1, [x0, #272]\n"
                  ".irp n, " EACH_V "\n str q\\n, [x0, #0x400 + 16 * \\n]\n .endr\n" BELL(1));

#define SEEN_BYTES 280

void scrub_expect_filled(struct fake_guest *guest)
{
    struct sconce_a64_standard standard;
    struct sconce_a64_special special;
    struct sconce_a64_float floats;

    guest_get(guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    for (int i = 1; i < 31; i++)
        assert_int_equal(standard.x[i], FILLED);
    assert_int_equal(standard.pstate, 0xf0000000);
    guest_get(guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    assert_int_equal(special.tpidr_el0, DATA_GPA);
    guest_get(guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    for (size_t i = 0; i < sizeof floats.v; i++)
        assert_int_equal(floats.v[i / 16][i % 16], 0xff);
    assert_int_equal(floats.fpcr, FPCR);
    assert_int_equal(floats.fpsr, FPSR);
}

void scrub_expect_initial(struct fake_guest *guest)
{
    struct sconce_a64_standard standard;
    struct sconce_a64_special special;
    struct sconce_a64_float floats;
    struct sconce_a64_debug debug;
    int32_t status;

    guest_get(guest, SCONCE_REGS_STANDARD, &standard, sizeof standard);
    assert_true(all_zero(&standard, sizeof standard));
    guest_get(guest, SCONCE_REGS_SPECIAL, &special, sizeof special);
    assert_int_equal(special.tpidr_el0 | special.tpidrro_el0 | special.contextidr_el1, 0);
    guest_get(guest, SCONCE_REGS_FLOAT, &floats, sizeof floats);
    assert_true(all_zero(&floats, sizeof floats));
    status = regs->get(guest->vm, SCONCE_REGS_DEBUG, &debug, sizeof debug, fresh_error());
    if (status != SCONCE_PLUGIN_E_NOT_SUPPORTED) {
        assert_ok(status);
        assert_true(all_zero(&debug, offsetof(struct sconce_a64_debug, mdscr_el1)));
        assert_int_equal(debug.mdscr_el1 & ~MDSCR_TDCC, 0);
    }
}

void scrub_expect_nothing_seen(const uint64_t *data)
{
    assert_true(all_zero(data, SEEN_BYTES));
    assert_true(all_zero((const uint8_t *)data + 0x400, 32 * 16));
}

/* Each class alone, so that none hides behind another's trap. */
GUEST(fill_tls, DATA "msr tpidr_el0, x20\n" BELL(0));
GUEST(fill_last_vector, "movi v31.16b, #0x5a\n" BELL(0));

static void expect_reset_clears(const uint8_t *code, const uint8_t *end)
{
    struct fake_guest guest;

    assert_true(scrub_fill(&guest, code, end));
    guest_reset(&guest);
    scrub_expect_initial(&guest);

    scrub_look(&guest, CODE(look_basic));

    scrub_expect_nothing_seen(guest_data(&guest));
    guest_free(&guest);
}

static void test_reset_clears_the_thread_pointer(void **state)
{
    (void)state;
    expect_reset_clears(CODE(fill_tls));
}

static void test_reset_clears_a_vector(void **state)
{
    (void)state;
    expect_reset_clears(CODE(fill_last_vector));
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_reset_clears_the_thread_pointer),
    cmocka_unit_test(test_reset_clears_a_vector),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
