/* SPDX-License-Identifier: Apache-2.0 */
/* What drivers after Linux 6.18 do otherwise. Run with MSHV_DOUBLE_DRIVER=newer. */
#include "client.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define FEATURES 8
#define CX16 (1u << 13) /* leaf 1, ECX: every 64-bit processor has CMPXCHG16B */
#define PAGE 0x1000u
#define TELL 0x8a, 0x03, 0xe6, 0x42, 0xeb, 0xfa

static int create(int dev, const struct creation *args)
{
    return ioctl(dev, CREATE_PARTITION, args);
}

static void test_feature_masks_are_taken(void **state)
{
    int dev = client_open();
    struct creation args = {.flags = FEATURES, .banks = 2};
    int pt = create(dev, &args);

    (void)state;
    assert_true(pt >= 0);
    close(pt);
    args.flags = 16;
    assert_fails(create(dev, &args), EINVAL);
    args = (struct creation){.flags = FEATURES, .banks = 3};
    assert_fails(create(dev, &args), EINVAL);
    args = (struct creation){.flags = FEATURES, .banks = 2, .zero0 = {0, 0, 0, 0, 0, 1}};
    assert_fails(create(dev, &args), EINVAL);
    args = (struct creation){.flags = FEATURES, .banks = 2, .zero1 = {0, 1}};
    assert_fails(create(dev, &args), EINVAL);
    close(dev);
}

static void test_old_struct_is_read_as_far_as_it_goes(void **state)
{
    uint8_t *pages =
        mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint64_t *args = (uint64_t *)(void *)(pages + PAGE - 16); /* and nothing behind it */
    int dev = client_open(), pt;

    (void)state;
    munmap(pages + PAGE, PAGE);
    pt = ioctl(dev, CREATE_PARTITION, args);
    assert_true(pt >= 0);
    close(pt);
    args[0] = FEATURES;
    assert_fails(ioctl(dev, CREATE_PARTITION, args), EFAULT);
    close(dev);
}

static void new_vp(int dev, const struct creation *args, struct machine *m)
{
    const uint32_t zero = 0;

    m->pt = create(dev, args);
    assert_true(m->pt >= 0);
    assert_int_equal(ioctl(m->pt, INITIALIZE), 0);
    m->vp = ioctl(m->pt, CREATE_VP, &zero);
    assert_true(m->vp >= 0);
}

static void test_features_that_are_masked_are_not_shown(void **state)
{
    int dev = client_open();
    struct creation args = {.flags = FEATURES, .banks = 2};
    struct machine m;
    uint32_t values[4];
    uint64_t states;

    (void)state;
    new_vp(dev, &args, &m);
    client_cpuid(&m, 1, 0, values);
    assert_true(values[2] & CX16);
    close(m.vp);
    close(m.pt);

    args.disabled[0] = 1ull << 8 | 1ull << 21;            /* CMPXCHG16B, RDRAND */
    args.disabled_xsave = 1ull << 2 | 1ull << 6 | 1 << 3; /* AVX, AVX-512, AVX2 */
    new_vp(dev, &args, &m);
    client_cpuid(&m, 1, 0, values);
    assert_int_equal(values[2] & (CX16 | 1u << 30 | 1u << 28), 0);
    client_cpuid(&m, 7, 0, values);
    assert_int_equal(values[1] & (1u << 5 | 1u << 16), 0);
    assert_int_equal(client_get_property(m.pt, 0x60007, &states, NULL), 0);
    assert_int_equal(states & 0xe4, 0);
    close(m.vp);
    close(m.pt);
    close(dev);
}

static void test_device_tells_what_the_host_has(void **state)
{
    int dev = client_open();
    uint64_t features = 0;
    const uint64_t in[3] = {0, 0x50017, 1};
    struct call call = {0x45, 0, sizeof in, 0, .in = in};

    (void)state;
    assert_int_equal(client_get_property(dev, 0x6000a, &features, NULL), 0);
    assert_true(features & 1ull << 8); /* CMPXCHG16B */
    assert_fails(client_call(dev, &call), EINVAL);
    call.code = 0x50;
    assert_fails(client_call(dev, &call), EINVAL);
    close(dev);
}

/* The plan of this program has a status for the first such hypercall of a partition. */
static void test_calls_of_the_device_are_not_counted_as_a_partitions(void **state)
{
    struct machine m;
    uint64_t value;
    uint16_t status;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_get_property(m.dev, 0x6000a, &value, NULL), 0);
    assert_fails(client_get_property(m.pt, 0x6000a, &value, &status), EIO);
    assert_int_equal(status, 6);
    assert_int_equal(client_get_property(m.pt, 0x6000a, &value, NULL), 0);
    machine_free(&m);
}

/* ---- Movable memory ------------------------------------------------------------------------- */

static uint8_t told(struct machine *m)
{
    assert_int_equal(client_run(m), IO_PORT);
    client_skip(m);
    return (uint8_t)PAYLOAD(&m->message, 48, 1);
}

static void test_what_the_client_maps_over_is_seen(void **state)
{
    struct machine m;
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    machine_new(&m, CODE(TELL));
    client_set(&m, RBX, NOWHERE);
    page[0] = 1;
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, WRITABLE), 0);
    assert_int_equal(told(&m), 1);
    madvise(page, PAGE, MADV_DONTNEED);
    assert_int_equal(told(&m), 0);
    mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
    page[0] = 3;
    assert_int_equal(told(&m), 3);
    machine_free(&m);
}

static void test_read_only_view_maps_but_every_access_is_an_intercept(void **state)
{
    struct machine m;
    int file;
    void *view;

    (void)state;
    client_memory(PAGE, &file);
    view = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, file, 0);
    machine_new(&m, CODE(TELL));
    client_set(&m, RBX, NOWHERE);
    assert_int_equal(client_map(m.pt, view, PAGE, NOWHERE, 0), 0);

    assert_int_equal(client_run(&m), GPA_INTERCEPT);
    assert_int_equal(ACCESS(&m.message), 0);
    assert_int_equal(client_map(m.pt, view, PAGE, NOWHERE, UNMAP), 0);
    machine_free(&m);
}

static void test_memory_that_comes_back_is_seen(void **state)
{
    struct machine m;
    uint8_t *page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    machine_new(&m, CODE(TELL));
    client_set(&m, RBX, NOWHERE);
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, WRITABLE), 0);
    assert_int_equal(client_run(&m), GPA_INTERCEPT);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    page[0] = 7;
    assert_int_equal(told(&m), 7);
    machine_free(&m);
}

static void test_access_to_memory_that_the_client_took_away_is_an_intercept(void **state)
{
    struct machine m;
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    machine_new(&m, CODE(TELL));
    client_set(&m, RBX, NOWHERE);
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, WRITABLE), 0);
    assert_int_equal(told(&m), 0);
    munmap(page, PAGE);
    assert_int_equal(client_run(&m), GPA_INTERCEPT);
    assert_int_equal(PAYLOAD(&m.message, 56, 8), NOWHERE);
    assert_ptr_equal(
        mmap(page, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
        page);
    page[0] = 9;
    assert_int_equal(told(&m), 9);
    machine_free(&m);
}

static void test_store_to_memory_that_the_client_made_read_only_is_an_intercept(void **state)
{
    struct machine m;
    uint8_t *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    (void)state;
    machine_new(&m, CODE(0x88, 0x0b, 0xf4)); /* mov %cl,(%rbx); hlt */
    client_set(&m, RBX, NOWHERE);
    client_set(&m, RCX, 0x99);
    assert_int_equal(client_map(m.pt, page, PAGE, NOWHERE, WRITABLE), 0);
    mprotect(page, PAGE, PROT_READ);
    assert_int_equal(client_run(&m), GPA_INTERCEPT);
    assert_int_equal(ACCESS(&m.message), 1);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
    mprotect(page, PAGE, PROT_READ | PROT_WRITE);
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(page[0], 0x99);
    machine_free(&m);
}

static void test_private_view_becomes_the_clients_own(void **state)
{
    struct machine m;
    int file;
    uint8_t *rw = client_memory(PAGE, &file);
    uint8_t *view = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);

    (void)state;
    machine_new(&m, CODE(TELL));
    client_set(&m, RBX, NOWHERE);
    rw[0] = 1;
    assert_int_equal(client_map(m.pt, view, PAGE, NOWHERE, 0), 0);
    assert_int_equal(told(&m), 1);
    rw[0] = 2;
    assert_int_equal(told(&m), 1);
    machine_free(&m);
}

static void test_overlaps_are_refused_as_before(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_map(m.pt, m.ram, PAGE, NOWHERE, WRITABLE), EEXIST);
    assert_fails(client_map(m.pt, m.ram, PAGE, 0, UNMAP), EINVAL);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calls_of_the_device_are_not_counted_as_a_partitions),
        cmocka_unit_test(test_feature_masks_are_taken),
        cmocka_unit_test(test_old_struct_is_read_as_far_as_it_goes),
        cmocka_unit_test(test_features_that_are_masked_are_not_shown),
        cmocka_unit_test(test_device_tells_what_the_host_has),
        cmocka_unit_test(test_what_the_client_maps_over_is_seen),
        cmocka_unit_test(test_read_only_view_maps_but_every_access_is_an_intercept),
        cmocka_unit_test(test_memory_that_comes_back_is_seen),
        cmocka_unit_test(test_access_to_memory_that_the_client_took_away_is_an_intercept),
        cmocka_unit_test(test_store_to_memory_that_the_client_made_read_only_is_an_intercept),
        cmocka_unit_test(test_private_view_becomes_the_clients_own),
        cmocka_unit_test(test_overlaps_are_refused_as_before),
    };

    return CLIENT_MAIN(tests);
}
