/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/kvm/exit.c: exits that every architecture tells alike. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/exit.h"
#include "plugins/shared/kvm/exit.h"

static struct sconce_exit result;

static void decode(const struct kvm_run *run)
{
    memset(&result, 0xa5, sizeof result);
    result.size = sizeof result;
    sconce_exit_clear(&result);
    sconce_kvm_exit_other(run, &result);
}

static void expect_fail(const struct kvm_run *run, int64_t code, const char *text)
{
    decode(run);
    assert_int_equal(result.kind, SCONCE_EXIT_FAIL);
    assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_EXIT);
    assert_int_equal(result.u.fail.code, code);
    assert_string_equal(result.u.fail.text, text);
}

static void test_exit_shutdown_is_no_failure(void **state)
{
    const struct kvm_run run = {.exit_reason = KVM_EXIT_SHUTDOWN};
    static const uint8_t zero[sizeof result.u];

    (void)state;
    decode(&run);
    assert_int_equal(result.kind, SCONCE_EXIT_SHUTDOWN);
    assert_memory_equal(&result.u, zero, sizeof zero);
}

static void test_exit_internal_error_has_its_suberror(void **state)
{
    struct kvm_run run = {.exit_reason = KVM_EXIT_INTERNAL_ERROR};

    (void)state;
    run.internal.suberror = KVM_INTERNAL_ERROR_EMULATION;
    expect_fail(&run, INT64_C(1) << 32 | KVM_EXIT_INTERNAL_ERROR,
                "KVM cannot emulate an instruction (internal error 1)");
    run.internal.suberror = 3;
    expect_fail(&run, INT64_C(3) << 32 | KVM_EXIT_INTERNAL_ERROR, "KVM reports internal error 3");
}

static void test_exit_entry_failure_has_the_processors_reason(void **state)
{
    struct kvm_run run = {.exit_reason = KVM_EXIT_FAIL_ENTRY};

    (void)state;
    run.fail_entry.hardware_entry_failure_reason = 0x80000021;
    expect_fail(&run, KVM_EXIT_FAIL_ENTRY,
                "the processor refuses to enter the guest (reason 0x80000021)");
}

static void test_exit_nobody_asked_for_is_a_failure(void **state)
{
    const struct kvm_run run = {.exit_reason = KVM_EXIT_HLT};

    (void)state;
    expect_fail(&run, KVM_EXIT_HLT, "KVM stopped for a reason that was not asked for (5)");
}

static void test_exit_run_failed_has_errno_and_meaning(void **state)
{
    (void)state;
    sconce_kvm_exit_run_failed(&result, EINVAL);
    assert_int_equal(result.u.fail.domain, SCONCE_DOMAIN_ERRNO);
    assert_int_equal(result.u.fail.code, EINVAL);
    assert_string_equal(result.u.fail.text, "cannot run the vCPU: Invalid argument");
    sconce_kvm_exit_run_failed(&result, 9999);
    assert_string_equal(result.u.fail.text, "cannot run the vCPU: unknown error");
}

/* A newer core's exit is longer; all of it is zeroed. */
static void test_exit_clear_reaches_the_size_that_the_core_gave(void **state)
{
    struct {
        struct sconce_exit exit;
        uint64_t appended;
        uint64_t beyond;
    } longer;

    (void)state;
    memset(&longer, 0xa5, sizeof longer);
    longer.exit.size = sizeof longer.exit + sizeof longer.appended;
    sconce_exit_clear(&longer.exit);

    assert_int_equal(longer.exit.size, sizeof longer.exit + sizeof longer.appended);
    assert_int_equal(longer.appended, 0);
    assert_int_equal(longer.beyond, 0xa5a5a5a5a5a5a5a5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exit_shutdown_is_no_failure),
        cmocka_unit_test(test_exit_internal_error_has_its_suberror),
        cmocka_unit_test(test_exit_entry_failure_has_the_processors_reason),
        cmocka_unit_test(test_exit_nobody_asked_for_is_a_failure),
        cmocka_unit_test(test_exit_run_failed_has_errno_and_meaning),
        cmocka_unit_test(test_exit_clear_reaches_the_size_that_the_core_gave),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
