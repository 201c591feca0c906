/* SPDX-License-Identifier: Apache-2.0 */
/* test-inherited.c for aarch64. */
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>

#include "plugins/shared/process/tests/guests.h"
#include "plugins/shared/tests/aarch64/code.h"
#include "sconce-ext-lifecycle.h"

#define HWCAP_PACA_ (1ul << 30) /* asm/hwcap.h */

/* Signs eight addresses with key A for instructions (PACIA1716, Arm ARM C6.2.227), each with its
 * own modifier. A few bits hold a signature, hence eight. */
#define SIGNED 8
#define SIGN(at)                                                                                   \
    "movz x17, #0x42, lsl #16\n add x17, x17, #" #at "\n mov x16, #" #at "\n hint #8\n"            \
    "str x17, [x20, #" #at "]\n"

GUEST(sign, DATA SIGN(0) SIGN(8) SIGN(16) SIGN(24) SIGN(32) SIGN(40) SIGN(48) SIGN(56) BELL(1));

static uint64_t sign_here(uint64_t at)
{
    register uint64_t x17 __asm__("x17") = DATA_GPA + at;
    register uint64_t x16 __asm__("x16") = at;

    __asm__("hint #8" : "+r"(x17) : "r"(x16));
    return x17;
}

static void let_sign(uint64_t signatures[SIGNED])
{
    struct fake_guest guest;

    guest_new(&guest, CODE(sign));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    memcpy(signatures, guest_data(&guest), SIGNED * sizeof *signatures);
    guest_free(&guest);
}

static void test_host_that_signs_pointers_does_not_give_its_keys_to_guests(void **state)
{
    uint64_t ours[SIGNED], one[SIGNED], other[SIGNED];

    (void)state;
    if (!(getauxval(AT_HWCAP) & HWCAP_PACA_)) {
        print_message("skipped: this processor authenticates no pointers\n");
        skip();
    }
    for (uint64_t i = 0; i < SIGNED; i++)
        ours[i] = sign_here(8 * i);
    let_sign(one);
    let_sign(other); /* of the same zygote */
    assert_memory_not_equal(one, ours, sizeof ours);
    assert_memory_not_equal(other, ours, sizeof ours);
    assert_memory_not_equal(one, other, sizeof one);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_host_that_signs_pointers_does_not_give_its_keys_to_guests),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
