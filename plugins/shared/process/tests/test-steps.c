/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/process/steps.c: every obstacle has its own words, and a hint where there is
 * something to do. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "plugins/shared/process/steps.h"

static struct sconce_plugin_error error;

static int32_t fail_at(uint32_t step, int code)
{
    memset(&error, 0, sizeof error);
    error.size = sizeof error;
    return sconce_step_fail(&error, step, code);
}

#define NO_HINT ""
#define OUTSIDE "outside of that container or sandbox"
#define SHARED "executable shared memory must be allowed"

/* @text is how the error begins, @hint is in the hint; an empty one asks for none. */
static const struct {
    uint32_t step;
    int code;
    const char *text, *hint;
} rows[] = {
    {SCONCE_STEP_LISTENER, EBUSY,
     "this process is under a seccomp filter that has a listener, and Linux allows one: ", OUTSIDE},
    {SCONCE_STEP_LISTENER, EINVAL,
     "the kernel has no seccomp user notification: ", "CONFIG_SECCOMP_FILTER"},
    {SCONCE_STEP_LISTENER, EPERM, "seccomp(2) is not allowed here: ", OUTSIDE},
    {SCONCE_STEP_LISTENER, EACCES, "seccomp(2) is not allowed here: ", OUTSIDE},
    {SCONCE_STEP_FILTER, EINVAL, "cannot close the guest's seccomp filters: ", NO_HINT},
    {SCONCE_STEP_CLONE_ZYGOTE, EAGAIN, "cannot start a helper process: ", "ulimit -u"},
    {SCONCE_STEP_CLONE_ZYGOTE, ENOMEM,
     "cannot start a helper process, which begins as a copy of this one: ", "vm.overcommit_memory"},
    {SCONCE_STEP_CLONE_ZYGOTE, EPERM, "cannot start a helper process: ", OUTSIDE},
    {SCONCE_STEP_CLONE_CHILD, EAGAIN, "cannot start a guest's process: ", "ulimit -u"},
    {SCONCE_STEP_CLONE_CHILD, EPERM, "cannot start a guest's process: ", NO_HINT},
    {SCONCE_STEP_PREPARE, EBUSY,
     "cannot give up what the processor keeps for this process: ", "glibc.cpu.aarch64_gcs=0"},
    {SCONCE_STEP_PREPARE, EPERM,
     "cannot give up what the processor keeps for this process: ", "that forbids prctl"},
    {SCONCE_STEP_NO_NEW_PRIVS, EINVAL, "cannot give up privileges: ", "5.10 or later"},
    {SCONCE_STEP_CLOSE_FDS, ENOSYS, "the kernel has no close_range(2): ", "5.10 or later"},
    {SCONCE_STEP_CLOSE_FDS, EPERM, "cannot close descriptors: ", OUTSIDE},
    {SCONCE_STEP_HOST_WAIT, EPERM,
     "this process cannot wait for its helper process (poll): ", OUTSIDE},
    {SCONCE_STEP_READY, ESRCH, "the helper process ended before it was ready: ", OUTSIDE},
    {SCONCE_STEP_RLIMIT, EPERM, "cannot lower resource limits: ", OUTSIDE},
    {SCONCE_STEP_UNMAP, EPERM, "cannot empty an address space: the kernel seals its own mappings: ",
     "CONFIG_MSEAL_SYSTEM_MAPPINGS"},
    {SCONCE_STEP_UNMAP, EINVAL, "cannot empty an address space: ", NO_HINT},
    {SCONCE_STEP_REQUEST, EINVAL, "the helper process does not understand its host: ", NO_HINT},
    {SCONCE_STEP_PARENT_DEATH, EINVAL, "cannot tie a guest's life to its host's: ", OUTSIDE},
    {SCONCE_STEP_MAP_STUB, EPERM, "cannot map the stub into the guest's process: ", NO_HINT},
    {SCONCE_STEP_MAP_CONTROL, EPERM,
     "cannot map the control area into the guest's process: ", NO_HINT},
    {SCONCE_STEP_MAP_GUEST, EACCES, "cannot map the guest's memory into its process: ", SHARED},
    {SCONCE_STEP_MAP_GUEST, EPERM, "cannot map the guest's memory into its process: ", SHARED},
    {SCONCE_STEP_MAP_GUEST, EEXIST, "cannot map the guest's memory into its process: ", NO_HINT},
    {SCONCE_STEP_SEND_LISTENER, EPERM, "cannot hand over the guest's notifications: ", NO_HINT},
    {SCONCE_STEP_SIGNALS, EPERM, "cannot prepare the guest's signals: ", NO_HINT},
};

/* What may pass by itself says nothing of the machine. */
static int32_t status_of(int code)
{
    switch (code) {
    case ENOMEM:
        return SCONCE_PLUGIN_E_NO_MEMORY;
    case EMFILE:
    case ENFILE:
    case EAGAIN:
    case ETIMEDOUT:
        return SCONCE_PLUGIN_E_SYSTEM;
    default:
        return SCONCE_PLUGIN_E_UNAVAILABLE;
    }
}

static void test_fail_tells_each_obstacle(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        int32_t status = fail_at(rows[i].step, rows[i].code);
        const char *meaning = strerrordesc_np(rows[i].code);
        const char *end = error.text + strlen(error.text) - strlen(meaning);

        if (strncmp(error.text, rows[i].text, strlen(rows[i].text) - 2) != 0 ||
            strcmp(end, meaning) != 0)
            fail_msg("step %u, errno %d: %s", rows[i].step, rows[i].code, error.text);
        if (rows[i].hint[0] ? !strstr(error.hint, rows[i].hint) : error.hint[0] != '\0')
            fail_msg("step %u, errno %d: hint %s", rows[i].step, rows[i].code, error.hint);
        assert_int_equal(status, status_of(rows[i].code));
        assert_int_equal(error.domain, SCONCE_DOMAIN_ERRNO);
        assert_int_equal(error.code, rows[i].code);
    }
}

/* Whoever adds a step says what it means. */
static void test_fail_knows_every_step(void **state)
{
    (void)state;
    for (uint32_t step = SCONCE_STEP_NONE + 1; step < SCONCE_STEP_COUNT; step++) {
        fail_at(step, EIO);
        assert_null(strstr(error.text, "(step"));
    }
}

static void test_fail_at_an_unknown_step_names_its_number(void **state)
{
    (void)state;
    assert_int_equal(fail_at(SCONCE_STEP_NONE, EIO), SCONCE_PLUGIN_E_SYSTEM);
    assert_non_null(strstr(error.text, "cannot make a process for the guest (step 0): "));
    assert_int_equal(fail_at(4711, EIO), SCONCE_PLUGIN_E_SYSTEM);
    assert_non_null(strstr(error.text, "cannot make a process for the guest (step 4711): "));
    assert_string_equal(error.hint, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fail_tells_each_obstacle),
        cmocka_unit_test(test_fail_knows_every_step),
        cmocka_unit_test(test_fail_at_an_unknown_step_names_its_number),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
