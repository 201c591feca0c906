/* SPDX-License-Identifier: Apache-2.0 */
/* The register page, and GET_VP_STATE and SET_VP_STATE. */
#include "client.h"

#include <string.h>
#include <sys/mman.h>

/* Offsets in the register page. */
#define VALID 2
#define DIRTY 4
#define PAGE_RAX 8
#define PAGE_RIP 136
#define PAGE_RFLAGS 144
#define PAGE_XMM0 160
#define PAGE_CS 272
#define PAGE_FS 320
#define PAGE_CR0 352
#define PAGE_EFER 384
#define GENERAL 1
#define IP 2
#define XMM 4
#define SEGMENT 8
#define FLAGS 16

static uint8_t *map_page(struct machine *m)
{
    uint8_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m->vp, 0);

    assert_ptr_not_equal(page, MAP_FAILED);
    return page;
}

static uint64_t get(const uint8_t *page, size_t offset)
{
    uint64_t value;

    memcpy(&value, page + offset, sizeof value);
    return value;
}

static void put(uint8_t *page, size_t offset, uint64_t value)
{
    memcpy(page + offset, &value, sizeof value);
}

/* ---- The register page ---------------------------------------------------------------------- */

static void test_register_page_is_valid_after_a_message(void **state)
{
    struct machine m;
    uint8_t *page;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    page = map_page(&m);
    assert_int_equal(page[VALID], 0);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(get(page, 0) & 0xffff, 1); /* version */
    assert_int_equal(page[VALID], 1);
    assert_int_equal(get(page, DIRTY) & 0xffffffff, 0);
    machine_free(&m);
}

static void test_register_page_and_hypercalls_say_the_same(void **state)
{
    struct machine m;
    struct value value;
    uint8_t *page;

    (void)state;
    machine_new(&m, CODE(0xb0, 0x33, 0xe6, 0x42, 0xf4));
    page = map_page(&m);
    client_set(&m, R15, 0x1515);
    client_set_wide(&m, XMM0 + 5, (struct value){0x55, 0x66});
    assert_int_equal(client_run(&m), IO_PORT);

    for (uint32_t i = 0; i < 16; i++)
        assert_int_equal(get(page, PAGE_RAX + 8 * i), client_get(&m, RAX + i));
    assert_int_equal(get(page, PAGE_RIP), client_get(&m, RIP));
    assert_int_equal(get(page, PAGE_RFLAGS), client_get(&m, RFLAGS));
    assert_int_equal(get(page, PAGE_CR0), client_get(&m, CR0));
    assert_int_equal(get(page, PAGE_EFER), client_get(&m, EFER));
    for (uint32_t i = 0; i < 6; i++) {
        value = client_get_wide(&m, XMM0 + i);
        assert_memory_equal(page + PAGE_XMM0 + 16 * i, &value, sizeof value);
    }
    value = client_get_wide(&m, CS);
    assert_memory_equal(page + PAGE_CS, &value, sizeof value);
    machine_free(&m);
}

static void test_register_page_is_taken_where_it_is_dirty(void **state)
{
    struct machine m;
    uint8_t *page;

    (void)state;
    machine_new(&m, CODE(0xec, 0xf4)); /* in (%dx),%al; hlt */
    page = map_page(&m);
    assert_int_equal(client_run(&m), IO_PORT);
    put(page, PAGE_RAX, 0x7a);
    put(page, PAGE_RIP, get(page, PAGE_RIP) + 1);
    put(page, PAGE_RFLAGS, 0x46);
    put(page, PAGE_XMM0, 0x1234);
    page[DIRTY] = GENERAL | IP | XMM | FLAGS;

    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(page[DIRTY], 0);
    assert_int_equal(client_get(&m, RAX), 0x7a);
    assert_int_equal(client_get(&m, RFLAGS) & 0x46, 0x46);
    assert_int_equal(client_get(&m, XMM0), 0x1234);
    machine_free(&m);
}

static void test_segments_of_the_register_page_are_taken(void **state)
{
    struct machine m;
    uint8_t *page;

    (void)state;
    /* out; mov %fs:(%rbx),%al; out */
    machine_new(&m, CODE(0xe6, 0x42, 0x64, 0x8a, 0x03, 0xe6, 0x43));
    page = map_page(&m);
    client_set(&m, RBX, 0);
    m.ram[DATA_AT] = 0x3c;
    assert_int_equal(client_run(&m), IO_PORT);
    put(page, PAGE_FS, DATA_AT); /* its base */
    put(page, PAGE_RIP, CODE_AT + 2);
    page[DIRTY] = IP | SEGMENT;

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 40, 2), 0x43);
    assert_int_equal(PAYLOAD(&m.message, 48, 1), 0x3c);
    machine_free(&m);
}

static void test_register_page_is_ignored_where_it_is_not_dirty(void **state)
{
    struct machine m;
    uint8_t *page;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    page = map_page(&m);
    assert_int_equal(client_run(&m), IO_PORT);
    put(page, PAGE_RAX, 0x7a);
    put(page, PAGE_RIP, get(page, PAGE_RIP) + 2);
    page[DIRTY] = GENERAL; /* not IP */

    assert_int_equal(client_run(&m), IO_PORT); /* the same again */
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
    assert_int_equal(PAYLOAD(&m.message, 48, 8), 0x7a);
    machine_free(&m);
}

static void test_register_page_that_is_not_valid_is_ignored(void **state)
{
    struct machine m;
    uint8_t *page;

    (void)state;
    machine_new(&m, CODE(0xf4));
    page = map_page(&m);
    put(page, PAGE_RIP, 0xdead000);
    page[DIRTY] = IP;

    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 1);
    machine_free(&m);
}

static void test_dirty_register_page_wins_over_hypercalls(void **state)
{
    struct machine m;
    uint8_t *page;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    page = map_page(&m);
    assert_int_equal(client_run(&m), IO_PORT);
    put(page, PAGE_RIP, CODE_AT + 2);
    page[DIRTY] = IP;
    client_set(&m, RIP, CODE_AT);

    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_register_pages_of_several_mappings_are_one(void **state)
{
    struct machine m;
    uint8_t *a, *b;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    a = map_page(&m);
    b = map_page(&m);
    a[100] = 0x77;
    assert_int_equal(b[100], 0x77);
    machine_free(&m);
    /* The mapping outlives the VP. */
    assert_int_equal(b[100], 0x77);
}

/* ---- States --------------------------------------------------------------------------------- */

#define LAPIC 0
#define XSAVE 1
#define TIMERS 4
#define PAGES 4

static _Alignas(4096) uint8_t buffer[PAGES * 4096];

static int access_state(struct machine *m, unsigned long request, uint8_t type, uint32_t bytes,
                        uint32_t *ret_bytes)
{
    struct state args = {.type = type, .bytes = bytes, .buffer = buffer};
    int r = ioctl(m->vp, request, &args);

    if (ret_bytes)
        *ret_bytes = args.bytes;
    return r;
}

static void test_state_buffers_are_whole_pages(void **state)
{
    struct machine m;
    struct state args = {.type = XSAVE, .bytes = 4096, .buffer = buffer + 8};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(ioctl(m.vp, GET_STATE, &args), EINVAL);
    assert_fails(access_state(&m, GET_STATE, XSAVE, 0, NULL), EINVAL);
    assert_fails(access_state(&m, GET_STATE, XSAVE, 100, NULL), EINVAL);
    assert_fails(access_state(&m, GET_STATE, 5, 4096, NULL), EINVAL);
    args = (struct state){.type = XSAVE, .zero = {1}, .bytes = 4096, .buffer = buffer};
    assert_fails(ioctl(m.vp, GET_STATE, &args), EINVAL);
    args = (struct state){.type = XSAVE, .bytes = 4096, .buffer = (void *)0x1000};
    assert_fails(ioctl(m.vp, GET_STATE, &args), EFAULT);
    machine_free(&m);
}

static void test_state_tells_its_size(void **state)
{
    struct machine m;
    uint64_t most;
    uint32_t bytes;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_get_property(m.pt, 0x60008, &most, NULL), 0);
    assert_int_equal(access_state(&m, GET_STATE, XSAVE, sizeof buffer, &bytes), 0);
    assert_int_equal(bytes, most);
    assert_true(bytes >= 576 && bytes < sizeof buffer);
    machine_free(&m);
}

static void test_xsave_is_compacted(void **state)
{
    struct machine m;
    uint64_t states;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_get_property(m.pt, 0x60007, &states, NULL), 0);
    client_set_wide(&m, XMM0 + 3, (struct value){0x3333, 0x4444});
    assert_int_equal(access_state(&m, GET_STATE, XSAVE, sizeof buffer, NULL), 0);

    assert_int_equal(get(buffer, 520), 1ull << 63 | states | 3); /* XCOMP_BV */
    assert_int_equal(get(buffer, 160 + 3 * 16), 0x3333);
    assert_int_equal(get(buffer, 160 + 3 * 16 + 8), 0x4444);
    assert_int_equal(get(buffer, 528), 0);
    machine_free(&m);
}

static void test_xsave_is_set_from_what_it_was(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(access_state(&m, GET_STATE, XSAVE, sizeof buffer, NULL), 0);
    put(buffer, 512, 3);
    put(buffer, 160, 0x99);
    put(buffer, 24, 0x1f80);
    assert_int_equal(access_state(&m, SET_STATE, XSAVE, sizeof buffer, NULL), 0);
    assert_int_equal(client_get(&m, XMM0), 0x99);

    memset(buffer, 0xee, sizeof buffer);
    assert_int_equal(access_state(&m, GET_STATE, XSAVE, sizeof buffer, NULL), 0);
    assert_int_equal(get(buffer, 160), 0x99);
    machine_free(&m);
}

static void test_upper_halves_keep_their_place(void **state)
{
    struct machine m;
    uint64_t states;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_get_property(m.pt, 0x60007, &states, NULL), 0);
    if (!(states & 4)) {
        machine_free(&m);
        skip();
    }
    client_set(&m, 0x40005, 7); /* XFEM */
    assert_int_equal(access_state(&m, GET_STATE, XSAVE, sizeof buffer, NULL), 0);
    put(buffer, 512, 7);
    put(buffer, 24, 0x1f80);
    put(buffer, 576, 0xabcdef); /* YMM0's upper half: the first component behind the header */
    assert_int_equal(access_state(&m, SET_STATE, XSAVE, sizeof buffer, NULL), 0);
    memset(buffer, 0, sizeof buffer);
    assert_int_equal(access_state(&m, GET_STATE, XSAVE, sizeof buffer, NULL), 0);
    assert_int_equal(get(buffer, 576), 0xabcdef);
    machine_free(&m);
}

static void test_xsave_in_standard_format_is_refused(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(access_state(&m, GET_STATE, XSAVE, sizeof buffer, NULL), 0);
    put(buffer, 520, 0);
    assert_fails(access_state(&m, SET_STATE, XSAVE, sizeof buffer, NULL), EINVAL);
    put(buffer, 520, 1ull << 63 | 1ull << 62 | 3); /* a component that is not there */
    assert_fails(access_state(&m, SET_STATE, XSAVE, sizeof buffer, NULL), EINVAL);
    machine_free(&m);
}

static void test_buffer_to_set_from_must_be_writable(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(access_state(&m, GET_STATE, XSAVE, sizeof buffer, NULL), 0);
    mprotect(buffer, sizeof buffer, PROT_READ);
    assert_fails(access_state(&m, SET_STATE, XSAVE, sizeof buffer, NULL), EFAULT);
    mprotect(buffer, sizeof buffer, PROT_READ | PROT_WRITE);
    machine_free(&m);
}

static void test_lapic_state_is_a_page(void **state)
{
    struct machine m;
    uint32_t bytes;

    (void)state;
    machine_new(&m, CODE(0xf4));
    memset(buffer, 0x5c, 4096);
    assert_int_equal(access_state(&m, SET_STATE, LAPIC, 4096, &bytes), 0);
    assert_int_equal(bytes, 4096);
    memset(buffer, 0, 4096);
    assert_int_equal(access_state(&m, GET_STATE, LAPIC, 4096, NULL), 0);
    assert_int_equal(buffer[0x20], 0x5c);
    assert_int_equal(access_state(&m, GET_STATE, TIMERS, 4096, &bytes), 0);
    assert_true(bytes < 4096);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_register_page_is_valid_after_a_message),
        cmocka_unit_test(test_register_page_and_hypercalls_say_the_same),
        cmocka_unit_test(test_register_page_is_taken_where_it_is_dirty),
        cmocka_unit_test(test_segments_of_the_register_page_are_taken),
        cmocka_unit_test(test_register_page_is_ignored_where_it_is_not_dirty),
        cmocka_unit_test(test_register_page_that_is_not_valid_is_ignored),
        cmocka_unit_test(test_dirty_register_page_wins_over_hypercalls),
        cmocka_unit_test(test_register_pages_of_several_mappings_are_one),
        cmocka_unit_test(test_state_buffers_are_whole_pages),
        cmocka_unit_test(test_state_tells_its_size),
        cmocka_unit_test(test_xsave_is_compacted),
        cmocka_unit_test(test_xsave_is_set_from_what_it_was),
        cmocka_unit_test(test_upper_halves_keep_their_place),
        cmocka_unit_test(test_xsave_in_standard_format_is_refused),
        cmocka_unit_test(test_buffer_to_set_from_must_be_writable),
        cmocka_unit_test(test_lapic_state_is_a_page),
    };

    return CLIENT_MAIN(tests);
}
