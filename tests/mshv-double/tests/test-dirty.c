/* SPDX-License-Identifier: Apache-2.0 */
/* Which pages has the guest written? */
#include "client.h"

#include <string.h>

#define TRACKING 0x50005u
#define DIRTY 1
#define NOTHING 0
#define CLEAR 1
#define SET 2
#define PAGES (RAM_BYTES / 4096)

struct access {
    uint8_t type, op, zero[6];
    uint64_t count, page;
    void *bitmap;
};

/* mov %al,(%rbx); out %al,$1; jmp back */
#define WRITER 0x88, 0x03, 0xe6, 0x01, 0xeb, 0xfa

static int ask(struct machine *m, uint8_t op, uint8_t bitmap[PAGES / 8])
{
    struct access args = {DIRTY, op, {0}, PAGES, 0, bitmap};

    return ioctl(m->pt, ACCESS_BITMAP, &args);
}

static bool is_set(const uint8_t *bitmap, uint64_t gpa)
{
    return bitmap[gpa / 4096 / 8] >> gpa / 4096 % 8 & 1;
}

static unsigned count(const uint8_t bitmap[PAGES / 8])
{
    unsigned found = 0;

    for (uint64_t gpa = 0; gpa < RAM_BYTES; gpa += 4096)
        found += is_set(bitmap, gpa);
    return found;
}

static void test_bitmap_needs_the_property(void **state)
{
    struct machine m;
    uint8_t bitmap[PAGES / 8];

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(ask(&m, NOTHING, bitmap), EIO);
    assert_int_equal(client_set_property(m.pt, TRACKING, 1, NULL), 0);
    assert_int_equal(ask(&m, NOTHING, bitmap), 0);
    machine_free(&m);
}

static void test_bitmap_checks_each_field(void **state)
{
    struct machine m;
    uint8_t bitmap[PAGES / 8];
    const struct access good = {DIRTY, NOTHING, {0}, PAGES, 0, bitmap};
    struct access args = good;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_set_property(m.pt, TRACKING, 1, NULL), 0);
    args.type = 2;
    assert_fails(ioctl(m.pt, ACCESS_BITMAP, &args), EINVAL);
    args = good;
    args.op = 3;
    assert_fails(ioctl(m.pt, ACCESS_BITMAP, &args), EINVAL);
    args = good;
    args.zero[5] = 1;
    assert_fails(ioctl(m.pt, ACCESS_BITMAP, &args), EINVAL);
    args = good;
    args.count = 0;
    assert_fails(ioctl(m.pt, ACCESS_BITMAP, &args), EINVAL);
    args = good;
    args.page = NOWHERE / 4096;
    assert_fails(ioctl(m.pt, ACCESS_BITMAP, &args), EINVAL);
    args = good;
    args.bitmap = (void *)8;
    assert_fails(ioctl(m.pt, ACCESS_BITMAP, &args), EFAULT);
    machine_free(&m);
}

static void test_pages_are_dirty_until_they_are_cleared(void **state)
{
    struct machine m;
    uint8_t bitmap[PAGES / 8];

    (void)state;
    machine_new(&m, CODE(WRITER));
    assert_int_equal(client_set_property(m.pt, TRACKING, 1, NULL), 0);
    assert_int_equal(ask(&m, CLEAR, bitmap), 0);
    assert_int_equal(count(bitmap), PAGES); /* tracking starts with all of them */
    assert_int_equal(ask(&m, NOTHING, bitmap), 0);
    assert_int_equal(count(bitmap), 0);

    client_set(&m, RBX, DATA_AT);
    assert_int_equal(client_run(&m), IO_PORT);
    m.ram[STACK_AT] = 1; /* the client's own writes are not tracked */
    for (int i = 0; i < 2; i++) {
        assert_int_equal(ask(&m, NOTHING, bitmap), 0);
        assert_true(is_set(bitmap, DATA_AT));
        assert_false(is_set(bitmap, STACK_AT));
    }
    assert_int_equal(ask(&m, CLEAR, bitmap), 0);
    assert_true(is_set(bitmap, DATA_AT));
    assert_int_equal(ask(&m, NOTHING, bitmap), 0);
    assert_int_equal(count(bitmap), 0);

    client_skip(&m);
    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(ask(&m, NOTHING, bitmap), 0);
    assert_true(is_set(bitmap, DATA_AT));
    machine_free(&m);
}

static void test_tracking_ends_when_all_bits_are_set_again(void **state)
{
    struct machine m;
    uint8_t bitmap[PAGES / 8], fixed[1];
    struct access args = {DIRTY, SET, {0}, 1, READ_ONLY_AT / 4096, fixed};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_set_property(m.pt, TRACKING, 1, NULL), 0);
    assert_int_equal(ask(&m, CLEAR, bitmap), 0);
    assert_fails(client_set_property(m.pt, TRACKING, 0, NULL), EIO);
    assert_int_equal(ask(&m, SET, bitmap), 0);
    assert_int_equal(ioctl(m.pt, ACCESS_BITMAP, &args), 0);
    assert_int_equal(client_set_property(m.pt, TRACKING, 0, NULL), 0);
    assert_fails(ask(&m, NOTHING, bitmap), EIO);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bitmap_needs_the_property),
        cmocka_unit_test(test_bitmap_checks_each_field),
        cmocka_unit_test(test_pages_are_dirty_until_they_are_cleared),
        cmocka_unit_test(test_tracking_ends_when_all_bits_are_set_again),
    };

    return CLIENT_MAIN(tests);
}
