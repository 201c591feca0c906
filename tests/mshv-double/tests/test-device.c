/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, partitions and VPs: who may do what, when, and how long it lives. */
#include "client.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SYNTHETIC_FEATURES 0x10001u

static const uint32_t zero;

static void test_descriptors_are_closed_on_exec(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_true(fcntl(m.dev, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(m.pt, F_GETFD) & FD_CLOEXEC);
    assert_true(fcntl(m.vp, F_GETFD) & FD_CLOEXEC);
    machine_free(&m);
}

static void test_unknown_creation_flags_are_refused(void **state)
{
    int dev = client_open();
    struct creation args = {.flags = 7};
    int pt = ioctl(dev, CREATE_PARTITION, &args);

    (void)state;
    assert_true(pt >= 0);
    close(pt);
    for (unsigned bit = 4; bit < 64; bit++) {
        args.flags = 1ull << bit;
        assert_fails(ioctl(dev, CREATE_PARTITION, &args), EINVAL);
    }
    args = (struct creation){.isolation = 1};
    assert_fails(ioctl(dev, CREATE_PARTITION, &args), EINVAL);
    assert_fails(ioctl(dev, CREATE_PARTITION, 8), EFAULT);
    close(dev);
}

static void test_feature_masks_are_refused_by_the_old_driver(void **state)
{
    int dev = client_open();
    const struct creation args = {.flags = 8, .banks = 2};

    (void)state;
    assert_fails(ioctl(dev, CREATE_PARTITION, &args), EINVAL);
    close(dev);
}

static void test_device_has_no_hypercalls_in_the_old_driver(void **state)
{
    int dev = client_open();
    uint64_t value;

    (void)state;
    assert_fails(client_get_property(dev, 0x6000a, &value, NULL), ENOTTY);
    close(dev);
}

static void test_calls_of_another_kind_of_descriptor_are_enotty(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(ioctl(m.dev, RUN_VP, &m.message), ENOTTY);
    assert_fails(ioctl(m.dev, INITIALIZE), ENOTTY);
    assert_fails(ioctl(m.pt, RUN_VP, &m.message), ENOTTY);
    assert_fails(ioctl(m.pt, CREATE_PARTITION, &m.message), ENOTTY);
    assert_fails(ioctl(m.vp, CREATE_VP, &zero), ENOTTY);
    assert_fails(ioctl(m.vp, SET_MEMORY, &m.message), ENOTTY);
    assert_fails(ioctl(m.vp, 0xae80), ENOTTY);     /* KVM_RUN */
    assert_fails(ioctl(m.pt, 0xae41, 1), ENOTTY);  /* KVM_CREATE_VCPU */
    assert_fails(ioctl(m.dev, 0xae01, 0), ENOTTY); /* KVM_CREATE_VM */
    machine_free(&m);
}

static void test_only_vps_can_be_mapped(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.pt, 0), MAP_FAILED);
    assert_int_equal(errno, ENODEV);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.dev, 0), MAP_FAILED);
    assert_int_equal(errno, ENODEV);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.vp, 2 * 4096), MAP_FAILED);
    assert_int_equal(errno, ENODEV); /* GHCB */
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.vp, 3 * 4096), MAP_FAILED);
    assert_int_equal(errno, EINVAL);
    machine_free(&m);
}

static void test_pages_are_shared_mappings_alone(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, m.vp, 0), MAP_FAILED);
    assert_int_equal(errno, EINVAL);
    assert_ptr_equal(mmap(NULL, 4096, PROT_READ, 0, m.vp, 0), MAP_FAILED);
    assert_int_equal(errno, EINVAL);
    machine_free(&m);
}

static void test_initialize_twice_is_no_error(void **state)
{
    int dev = client_open(), pt = client_partition(dev);

    (void)state;
    assert_int_equal(ioctl(pt, INITIALIZE), 0);
    assert_int_equal(ioctl(pt, INITIALIZE), 0);
    close(pt);
    close(dev);
}

static void test_nothing_is_made_before_initialize(void **state)
{
    int dev = client_open(), pt = client_partition(dev), file;
    void *memory = client_memory(0x1000, &file);

    (void)state;
    assert_fails(ioctl(pt, CREATE_VP, &zero), EIO);
    assert_fails(client_map(pt, memory, 0x1000, 0, WRITABLE), EIO);
    close(pt);
    close(dev);
}

static void test_early_property_is_refused_after_initialize(void **state)
{
    int dev = client_open(), pt = client_partition(dev);
    uint64_t value = 7;
    uint16_t status;

    (void)state;
    assert_int_equal(client_set_property(pt, SYNTHETIC_FEATURES, 0, NULL), 0);
    assert_int_equal(client_get_property(pt, SYNTHETIC_FEATURES, &value, NULL), 0);
    assert_int_equal(value, 0);
    assert_int_equal(ioctl(pt, INITIALIZE), 0);
    assert_fails(client_set_property(pt, SYNTHETIC_FEATURES, 0, &status), EIO);
    assert_int_equal(status, 7); /* invalid partition state */
    close(pt);
    close(dev);
}

static void test_hypervisor_is_seen_unless_its_features_are_cleared_early(void **state)
{
    int dev = client_open(), pt = client_partition(dev);
    struct machine m = {.pt = pt};
    uint32_t values[4];

    (void)state;
    assert_int_equal(ioctl(pt, INITIALIZE), 0);
    m.vp = ioctl(pt, CREATE_VP, &zero);
    client_cpuid(&m, 0x40000000, 0, values);
    assert_memory_equal(&values[1], "Microsoft Hv", 12);
    close(m.vp);
    close(pt);

    m.pt = pt = client_partition(dev);
    assert_int_equal(client_set_property(pt, SYNTHETIC_FEATURES, 0, NULL), 0);
    assert_int_equal(ioctl(pt, INITIALIZE), 0);
    m.vp = ioctl(pt, CREATE_VP, &zero);
    client_cpuid(&m, 0x40000000, 0, values);
    assert_int_equal(values[0] | values[1] | values[2] | values[3], 0);
    client_cpuid(&m, 1, 0, values);
    assert_int_equal(values[2] >> 31, 0);
    close(m.vp);
    close(pt);
    close(dev);
}

static void test_unknown_property_says_so(void **state)
{
    int dev = client_open(), pt = client_partition(dev);
    uint64_t value;
    uint16_t status;

    (void)state;
    assert_fails(client_get_property(pt, 0xdead, &value, &status), EIO);
    assert_int_equal(status, 9);
    assert_fails(client_set_property(pt, 0xdead, 0, &status), EIO);
    assert_int_equal(status, 9);
    close(pt);
    close(dev);
}

static void test_vp_index_is_used_once(void **state)
{
    struct machine m;
    const uint32_t last = 255, beyond = 256;
    int vp;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(ioctl(m.pt, CREATE_VP, &zero), EEXIST);
    assert_fails(ioctl(m.pt, CREATE_VP, &beyond), EINVAL);
    assert_fails(ioctl(m.pt, CREATE_VP, 8), EFAULT);
    vp = ioctl(m.pt, CREATE_VP, &last);
    assert_true(vp >= 0);
    close(vp);
    machine_free(&m);
}

static void test_vp_index_stays_used_when_the_vp_is_closed(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    close(m.vp);
    assert_fails(ioctl(m.pt, CREATE_VP, &zero), EEXIST);
    machine_free(&m);
}

static void test_vp_keeps_its_partition_alive(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    close(m.pt);
    close(m.dev);

    assert_int_equal(client_run(&m), IO_PORT);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    m.pt = m.dev = -1;
    machine_free(&m);
}

static void test_duplicate_goes_on_when_the_original_is_closed(void **state)
{
    struct machine m;
    int copy;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    copy = fcntl(m.vp, F_DUPFD_CLOEXEC, 50);
    assert_true(copy >= 50);
    close(m.vp);
    m.vp = dup(copy);
    close(copy);
    copy = dup2(m.pt, 60);
    close(m.pt);
    m.pt = copy;

    assert_int_equal(client_run(&m), IO_PORT);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(client_map(m.pt, m.ram, RAM_BYTES, 0, UNMAP), 0);
    machine_free(&m);
}

static void test_closed_descriptor_is_nobodys(void **state)
{
    struct machine m;
    int reused;

    (void)state;
    machine_new(&m, CODE(0xf4));
    close(m.vp);
    assert_fails(ioctl(m.vp, RUN_VP, &m.message), EBADF);
    reused = open("/dev/null", O_RDWR | O_CLOEXEC);
    assert_int_equal(reused, m.vp);
    assert_fails(ioctl(reused, RUN_VP, &m.message), ENOTTY);
    close(reused);
    m.vp = -1;
    machine_free(&m);
}

static void test_descriptors_are_real_ones(void **state)
{
    struct machine m;
    struct pollfd polled = {.events = POLLIN};

    (void)state;
    machine_new(&m, CODE(0xf4));
    polled.fd = m.vp;
    assert_true(poll(&polled, 1, 0) >= 0);
    assert_int_equal(polled.revents & POLLNVAL, 0);
    machine_free(&m);
    assert_int_equal(poll(&polled, 1, 0), 1);
    assert_int_equal(polled.revents & POLLNVAL, POLLNVAL);
}

static void test_other_partitions_do_not_meet(void **state)
{
    struct machine a, b;

    (void)state;
    machine_new(&a, CODE(0xe6, 0x11, 0xf4));
    machine_new(&b, CODE(0xe6, 0x22, 0xf4));
    client_set(&a, R15, 1);
    client_set(&b, R15, 2);

    assert_int_equal(client_run(&a), IO_PORT);
    assert_int_equal(client_run(&b), IO_PORT);
    assert_int_equal(PAYLOAD(&a.message, 40, 2), 0x11);
    assert_int_equal(PAYLOAD(&b.message, 40, 2), 0x22);
    assert_int_equal(client_get(&a, R15), 1);
    assert_int_equal(client_get(&b, R15), 2);
    machine_free(&a);
    machine_free(&b);
}

static unsigned count_lines(const char *path)
{
    FILE *file = fopen(path, "re");
    unsigned lines = 0;
    int c;

    assert_non_null(file);
    while ((c = fgetc(file)) != EOF)
        lines += c == '\n';
    fclose(file);
    return lines;
}

static void test_partition_leaves_nothing_behind(void **state)
{
    unsigned descriptors = 0, mappings = 0;

    (void)state;
    for (int i = 0; i < 20; i++) {
        struct machine m;
        void *page;

        machine_new(&m, CODE(0xf4));
        page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, m.vp, 0);
        assert_int_equal(client_run(&m), HALT);
        munmap(page, 4096);
        machine_free(&m);
        if (i == 0) { /* what is allocated once is there now */
            descriptors = client_descriptors(1024);
            mappings = count_lines("/proc/self/maps");
        }
    }
    assert_int_equal(client_descriptors(1024), descriptors);
    assert_int_equal(count_lines("/proc/self/maps"), mappings);
}

static void test_machine_has_three_descriptors(void **state)
{
    unsigned before = client_descriptors(900);
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_descriptors(900), before + 4); /* and the file of its memory */
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_descriptors_are_closed_on_exec),
        cmocka_unit_test(test_unknown_creation_flags_are_refused),
        cmocka_unit_test(test_feature_masks_are_refused_by_the_old_driver),
        cmocka_unit_test(test_device_has_no_hypercalls_in_the_old_driver),
        cmocka_unit_test(test_calls_of_another_kind_of_descriptor_are_enotty),
        cmocka_unit_test(test_only_vps_can_be_mapped),
        cmocka_unit_test(test_pages_are_shared_mappings_alone),
        cmocka_unit_test(test_initialize_twice_is_no_error),
        cmocka_unit_test(test_nothing_is_made_before_initialize),
        cmocka_unit_test(test_early_property_is_refused_after_initialize),
        cmocka_unit_test(test_hypervisor_is_seen_unless_its_features_are_cleared_early),
        cmocka_unit_test(test_unknown_property_says_so),
        cmocka_unit_test(test_vp_index_is_used_once),
        cmocka_unit_test(test_vp_index_stays_used_when_the_vp_is_closed),
        cmocka_unit_test(test_vp_keeps_its_partition_alive),
        cmocka_unit_test(test_duplicate_goes_on_when_the_original_is_closed),
        cmocka_unit_test(test_closed_descriptor_is_nobodys),
        cmocka_unit_test(test_descriptors_are_real_ones),
        cmocka_unit_test(test_other_partitions_do_not_meet),
        cmocka_unit_test(test_partition_leaves_nothing_behind),
        cmocka_unit_test(test_machine_has_three_descriptors),
    };

    return CLIENT_MAIN(tests);
}
