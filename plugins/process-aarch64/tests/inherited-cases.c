/* SPDX-License-Identifier: Apache-2.0 */
/* test-inherited.c for aarch64. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plugins/shared/process/tests/guests.h"
#include "plugins/shared/tests/aarch64/code.h"
#include "sconce-ext-lifecycle.h"
#include "tests/e2e/obstacle.h"

#define HWCAP_PACA_ (1ul << 30) /* asm/hwcap.h */
#define PR_PAC_RESET_KEYS_ 54   /* linux/prctl.h */

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

/* In a process of its own, where PR_PAC_RESET_KEYS is answered with @code; what went wrong, 0 for
 * nothing. */
static int enter_with_keys_answered(int code)
{
    const struct obstacle_call call = {SYS_prctl, code, OBSTACLE_EQUALS, 0, PR_PAC_RESET_KEYS_};
    const struct sconce_entry entry = {.size = sizeof entry, .pc = CODE_GPA};
    struct fake_guest guest;
    int32_t r;

    guest_new(&guest, CODE(sign));
    if (obstacle_refuse(&call))
        return 1;
    r = ops->vcpu_enter(guest.vm, &entry, fresh_error());
    if (code == EINVAL)
        return r == SCONCE_PLUGIN_OK ? 0 : 2;
    if (r != SCONCE_PLUGIN_E_UNAVAILABLE || error.code != code)
        return 3;
    return strstr(error.text, "what the processor keeps for this process") ? 0 : 4;
}

static void expect_with_keys_answered(int code)
{
    pid_t child = fork();
    int status;

    if (child == 0)
        _exit(enter_with_keys_answered(code));
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

static void test_guest_whose_keys_would_stay_its_hosts_is_not_made(void **state)
{
    (void)state;
    expect_with_keys_answered(EPERM);
    expect_with_keys_answered(EINVAL); /* of kernels that know none */
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test(test_host_that_signs_pointers_does_not_give_its_keys_to_guests),
    cmocka_unit_test(test_guest_whose_keys_would_stay_its_hosts_is_not_made),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
