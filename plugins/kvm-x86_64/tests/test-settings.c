/* SPDX-License-Identifier: Apache-2.0 */
/* kvm-x86_64: what its settings take, and what becomes of tss; without KVM, which is played. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "arch/x86_64/descriptors.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "sconce-guest-abi.h"

int __wrap_ioctl(int fd, unsigned long request, void *argument);

/* A KVM that takes everything. */
int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    (void)fd;
    return request == KVM_SET_MSRS ? (int)((struct kvm_msrs *)argument)->nmsrs : 0;
}

static void expect_refused(const char *key, const char *value, const char *text, const char *hint)
{
    struct sconce_plugin_error err = {.size = sizeof err};

    assert_int_equal(kvm_x86_configure(key, value, &err), SCONCE_PLUGIN_E_INVALID);
    assert_string_equal(err.text, text);
    assert_string_equal(err.hint, hint);
}

static void test_configure_unknown_key_names_those_there_are(void **state)
{
    (void)state;
    expect_refused("npt", "yes", "there is no setting npt",
                   "the settings are device, dirty_log and tss");
}

static void test_configure_device_wants_an_absolute_path(void **state)
{
    (void)state;
    expect_refused("device", "kvm", "device is not an absolute path: kvm",
                   "write device = /dev/kvm");
}

static void test_configure_tss_takes_two_words(void **state)
{
    struct sconce_plugin_error err = {.size = sizeof err};

    (void)state;
    assert_int_equal(kvm_x86_configure("tss", "available", &err), SCONCE_PLUGIN_OK);
    assert_int_equal(kvm_x86_configure("tss", "busy", &err), SCONCE_PLUGIN_OK);
    expect_refused("tss", "Busy", "tss is busy or available, not Busy",
                   "write tss = busy, as every processor has it");
}

static void test_configure_dirty_log_takes_two_words(void **state)
{
    struct sconce_plugin_error err = {.size = sizeof err};

    (void)state;
    assert_int_equal(kvm_x86_configure("dirty_log", "bitmap", &err), SCONCE_PLUGIN_OK);
    assert_int_equal(kvm_x86_configure("dirty_log", "ring", &err), SCONCE_PLUGIN_OK);
    expect_refused("dirty_log", "", "dirty_log is ring or bitmap, not ",
                   "write dirty_log = ring; a KVM without one has the bitmap used");
}

/* The vCPU's task register as it is entered with. */
static struct kvm_segment task_register(bool available)
{
    static struct kvm_run run;
    static struct sconce_plugin_vm vm;

    vm = (struct sconce_plugin_vm){
        .kvm = {.machine = {.vm_fd = -1, .vcpu_fd = -1, .run = &run},
                .memory = {.gpa_min = SCONCE_GPA_MIN, .gpa_max = SCONCE_GPA_MAX},
                .own_limit = SCONCE_GPA_RESERVED},
        .tss_available = available,
    };
    assert_int_equal(kvm_x86_seal(&vm, NULL), SCONCE_PLUGIN_OK);
    munmap(vm.kvm.own, vm.kvm.own_bytes);
    return run.s.regs.sregs.tr;
}

static void test_enter_marks_the_tss_busy_by_default(void **state)
{
    struct kvm_segment tr = task_register(false);

    (void)state;
    assert_int_equal(tr.type, 11); /* SDM vol 3A table 3-2: 64-bit TSS (busy) */
    assert_int_equal(tr.present, 1);
    assert_int_equal(tr.selector, SCONCE_X86_TSS);
}

static void test_enter_marks_the_tss_available_where_that_is_set(void **state)
{
    struct kvm_segment busy = task_register(false);
    struct kvm_segment tr = task_register(true);

    (void)state;
    assert_int_equal(tr.type, 9); /* 64-bit TSS (available) */
    tr.type = busy.type;
    assert_memory_equal(&tr, &busy, sizeof tr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_configure_unknown_key_names_those_there_are),
        cmocka_unit_test(test_configure_device_wants_an_absolute_path),
        cmocka_unit_test(test_configure_tss_takes_two_words),
        cmocka_unit_test(test_configure_dirty_log_takes_two_words),
        cmocka_unit_test(test_enter_marks_the_tss_busy_by_default),
        cmocka_unit_test(test_enter_marks_the_tss_available_where_that_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
