/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/kvm/device.c: every way in which KVM cannot be used, without KVM: ioctl(2) is the
 * test's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "plugins/shared/kvm/device.h"

/* What the next ioctls answer: a negative value is -1 with that errno. */
static struct {
    int version;
    long missing[2]; /* capabilities that are 0 */
    int create_vm;
    int interruptions; /* EINTRs before create_vm */
    int create_vcpu;
    int run_bytes;
} kvm;

int __wrap_ioctl(int fd, unsigned long request, ...);

static int answer(int value)
{
    if (value >= 0)
        return value;
    errno = -value;
    return -1;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
    va_list args;
    long argument;

    (void)fd;
    va_start(args, request);
    argument = va_arg(args, long);
    va_end(args);
    switch (request) {
    case KVM_GET_API_VERSION:
        return answer(kvm.version);
    case KVM_CHECK_EXTENSION:
        return argument != kvm.missing[0] && argument != kvm.missing[1];
    case KVM_CREATE_VM:
        if (kvm.interruptions-- > 0)
            return answer(-EINTR);
        return answer(kvm.create_vm);
    case KVM_CREATE_VCPU:
        return answer(kvm.create_vcpu);
    case KVM_GET_VCPU_MMAP_SIZE:
        return answer(kvm.run_bytes);
    default:
        return answer(-ENOTTY);
    }
}

static int start_over(void **state)
{
    (void)state;
    memset(&kvm, 0, sizeof kvm);
    kvm.version = 12;
    kvm.missing[0] = kvm.missing[1] = -1;
    kvm.create_vm = -ENOSYS;
    kvm.create_vcpu = -ENOSYS;
    kvm.run_bytes = 12288;
    return 0;
}

static const struct sconce_kvm_cap caps[] = {
    {KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY"},
    {KVM_CAP_SYNC_REGS, "KVM_CAP_SYNC_REGS"},
    {KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT"},
};
static const struct sconce_kvm_needs needs = {
    .caps = caps, .cap_count = 3, .no_device = "what this architecture wants"};

static void expect_unavailable(const char *device, const char *text, const char *hint_part)
{
    struct sconce_plugin_error err = {.size = sizeof err};
    int fd = -7;

    assert_int_equal(sconce_kvm_open(device, &needs, &fd, &err), SCONCE_PLUGIN_E_UNAVAILABLE);
    assert_string_equal(err.text, text);
    if (hint_part)
        assert_non_null(strstr(err.hint, hint_part));
    else
        assert_string_equal(err.hint, "");
    assert_int_equal(fd, -7);
}

static void test_open_missing_device_has_the_backends_hint(void **state)
{
    (void)state;
    expect_unavailable("/nonexistent/kvm",
                       "cannot open /nonexistent/kvm: No such file or directory",
                       "what this architecture wants");
}

static void test_open_without_the_right_names_the_group(void **state)
{
    char path[] = "/tmp/sconce-kvm-XXXXXX";
    int fd = mkstemp(path);
    bool root = geteuid() == 0;
    char text[128];

    (void)state;
    assert_true(fd >= 0 && fchmod(fd, 0) == 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    snprintf(text, sizeof text, "cannot open %s: Permission denied", path);
    expect_unavailable(path, text, "group kvm");
    if (root)
        assert_int_equal(seteuid(0), 0);
    unlink(path);
    close(fd);
}

static void test_open_a_directory_has_no_hint(void **state)
{
    (void)state;
    expect_unavailable("/tmp", "cannot open /tmp: Is a directory", NULL);
}

static void test_open_something_else_is_told(void **state)
{
    (void)state;
    kvm.version = -ENOTTY;
    expect_unavailable("/dev/null",
                       "/dev/null does not answer as KVM does: Inappropriate ioctl for device",
                       "/dev/kvm");
}

static void test_open_another_version_is_told(void **state)
{
    (void)state;
    kvm.version = 11;
    expect_unavailable("/dev/null", "/dev/null speaks version 11 of the KVM interface, not 12",
                       "newer kernel");
}

static void test_open_missing_capabilities_are_all_named(void **state)
{
    (void)state;
    kvm.missing[0] = KVM_CAP_USER_MEMORY;
    kvm.missing[1] = KVM_CAP_IMMEDIATE_EXIT;
    expect_unavailable("/dev/null",
                       "KVM at /dev/null lacks KVM_CAP_USER_MEMORY, KVM_CAP_IMMEDIATE_EXIT",
                       "newer kernel");
}

static void test_open_gives_a_descriptor_that_exec_closes(void **state)
{
    struct sconce_plugin_error err = {.size = sizeof err};
    int fd = -1;

    (void)state;
    assert_int_equal(sconce_kvm_open("/dev/null", &needs, &fd, &err), SCONCE_PLUGIN_OK);
    assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
    close(fd);
}

static void expect_no_machine(int32_t status, const char *text, const char *hint)
{
    struct sconce_kvm_machine machine = SCONCE_KVM_MACHINE_EMPTY;
    struct sconce_plugin_error err = {.size = sizeof err};

    assert_int_equal(sconce_kvm_machine_init(&machine, 0, 0, false, &err), status);
    assert_string_equal(err.text, text);
    assert_string_equal(err.hint, hint);
    sconce_kvm_machine_fini(&machine);
    assert_int_equal(machine.vm_fd, -1);
}

static void test_machine_out_of_descriptors_says_how_to_get_more(void **state)
{
    (void)state;
    kvm.create_vm = -EMFILE;
    expect_no_machine(SCONCE_PLUGIN_E_SYSTEM,
                      "cannot create a KVM virtual machine: Too many open files",
                      "raise the limit of open files (ulimit -n), or keep fewer sandboxes");
}

static void test_machine_taken_by_another_hypervisor_says_so(void **state)
{
    (void)state;
    kvm.create_vm = -EBUSY;
    expect_no_machine(SCONCE_PLUGIN_E_SYSTEM,
                      "cannot create a KVM virtual machine: Device or resource busy",
                      "another hypervisor is using the processor's virtualization; stop it");
}

static void test_machine_out_of_memory_is_no_memory(void **state)
{
    (void)state;
    kvm.create_vm = -ENOMEM;
    expect_no_machine(SCONCE_PLUGIN_E_NO_MEMORY,
                      "cannot create a KVM virtual machine: Cannot allocate memory", "");
}

static void test_machine_failing_vcpu_gives_the_vm_back(void **state)
{
    int fd;

    (void)state;
    kvm.create_vm = open("/dev/null", O_RDWR);
    kvm.create_vcpu = -EINVAL;
    expect_no_machine(SCONCE_PLUGIN_E_SYSTEM, "cannot create a KVM vCPU: Invalid argument", "");
    fd = open("/dev/null", O_RDWR);
    assert_int_equal(fd, kvm.create_vm); /* the number is free again */
    close(fd);
}

static void test_machine_small_shared_page_is_refused(void **state)
{
    char text[128];

    (void)state;
    kvm.create_vm = open("/dev/null", O_RDWR);
    kvm.create_vcpu = open("/dev/null", O_RDWR);
    kvm.run_bytes = 16;
    errno = EBADF; /* of something before */
    snprintf(text, sizeof text,
             "a KVM vCPU's shared page has 16 bytes, not the %zu of its registers and exits",
             sizeof(struct kvm_run));
    expect_no_machine(SCONCE_PLUGIN_E_SYSTEM, text, "");
}

static void test_machine_shared_page_of_no_known_size_is_refused(void **state)
{
    (void)state;
    kvm.create_vm = open("/dev/null", O_RDWR);
    kvm.create_vcpu = open("/dev/null", O_RDWR);
    kvm.run_bytes = -EINVAL;
    expect_no_machine(SCONCE_PLUGIN_E_SYSTEM,
                      "cannot learn the size of a KVM vCPU's shared page: Invalid argument", "");
}

static void test_machine_shared_page_that_cannot_be_mapped_is_refused(void **state)
{
    (void)state;
    kvm.create_vm = open("/dev/null", O_RDWR);
    kvm.create_vcpu = open("/dev/null", O_RDWR);
    expect_no_machine(SCONCE_PLUGIN_E_SYSTEM, "cannot map a KVM vCPU's shared page: No such device",
                      "");
}

static void test_machine_creation_goes_on_after_a_signal(void **state)
{
    struct sconce_kvm_machine machine = SCONCE_KVM_MACHINE_EMPTY;
    struct sconce_plugin_error err = {.size = sizeof err};

    (void)state;
    kvm.interruptions = 3;
    kvm.create_vm = open("/dev/null", O_RDWR);
    kvm.create_vcpu = memfd_create("vcpu", MFD_CLOEXEC);
    assert_int_equal(ftruncate(kvm.create_vcpu, kvm.run_bytes), 0);

    assert_int_equal(sconce_kvm_machine_init(&machine, 0, 0, false, &err), SCONCE_PLUGIN_OK);

    assert_int_equal(machine.run->exit_reason, 0);
    sconce_kvm_machine_fini(&machine);
    assert_null(machine.run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_open_missing_device_has_the_backends_hint, start_over),
        cmocka_unit_test_setup(test_open_without_the_right_names_the_group, start_over),
        cmocka_unit_test_setup(test_open_a_directory_has_no_hint, start_over),
        cmocka_unit_test_setup(test_open_something_else_is_told, start_over),
        cmocka_unit_test_setup(test_open_another_version_is_told, start_over),
        cmocka_unit_test_setup(test_open_missing_capabilities_are_all_named, start_over),
        cmocka_unit_test_setup(test_open_gives_a_descriptor_that_exec_closes, start_over),
        cmocka_unit_test_setup(test_machine_out_of_descriptors_says_how_to_get_more, start_over),
        cmocka_unit_test_setup(test_machine_taken_by_another_hypervisor_says_so, start_over),
        cmocka_unit_test_setup(test_machine_out_of_memory_is_no_memory, start_over),
        cmocka_unit_test_setup(test_machine_failing_vcpu_gives_the_vm_back, start_over),
        cmocka_unit_test_setup(test_machine_small_shared_page_is_refused, start_over),
        cmocka_unit_test_setup(test_machine_shared_page_of_no_known_size_is_refused, start_over),
        cmocka_unit_test_setup(test_machine_shared_page_that_cannot_be_mapped_is_refused,
                               start_over),
        cmocka_unit_test_setup(test_machine_creation_goes_on_after_a_signal, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
