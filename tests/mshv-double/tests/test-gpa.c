/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses to guest-physical memory that is not there, or that the guest has no right to. */
#include "client.h"

static void test_load_from_nowhere_is_unmapped_gpa_again_and_again(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x8b, 0x03, 0xf4)); /* mov (%rbx),%eax */
    client_set(&m, RBX, NOWHERE + 8);
    client_set(&m, RAX, 0x1234);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(client_run(&m), UNMAPPED_GPA);
        assert_int_equal(field(&m.message, 4, 1), 80);
        assert_int_equal(ACCESS(&m.message), 0);
        assert_int_equal(PAYLOAD(&m.message, 56, 8), NOWHERE + 8); /* GPA */
        assert_int_equal(PAYLOAD(&m.message, 45, 1), 3);           /* GVA valid, and of the GPA */
        assert_int_equal(PAYLOAD(&m.message, 48, 8), NOWHERE + 8); /* GVA */
        assert_true(PAYLOAD(&m.message, 44, 1) >= 2);
        assert_int_equal(PAYLOAD(&m.message, 64, 2), 0x038b);
        assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
        assert_int_equal(client_get(&m, RAX), 0x1234);
    }
    machine_free(&m);
}

static void test_store_to_nowhere_is_reported_at_the_store(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x90, 0x44, 0x89, 0x43, 0x10, 0xf4)); /* nop; mov %r8d,0x10(%rbx) */
    client_set(&m, RBX, NOWHERE);

    for (int i = 0; i < 2; i++) {
        assert_int_equal(client_run(&m), UNMAPPED_GPA);
        assert_int_equal(ACCESS(&m.message), 1);
        assert_int_equal(PAYLOAD(&m.message, 56, 8), NOWHERE + 0x10);
        assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 1);
        assert_int_equal(INSN_LENGTH(&m.message), 4);
        assert_int_equal(client_get(&m, RIP), CODE_AT + 1);
    }
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_string_store_to_nowhere_is_reported_before_it(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf3, 0xaa, 0xf4)); /* rep stosb */
    client_set(&m, RDI, NOWHERE);
    client_set(&m, RCX, 5);

    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
    assert_int_equal(client_get(&m, RDI), NOWHERE);
    assert_int_equal(client_get(&m, RCX), 5);
    machine_free(&m);
}

static void test_store_without_the_right_is_gpa_intercept(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x8a, 0x03, 0x88, 0x03, 0xf4)); /* mov (%rbx),%al; mov %al,(%rbx) */
    client_set(&m, RBX, READ_ONLY_AT);
    m.fixed[0] = 0x42;

    assert_int_equal(client_run(&m), GPA_INTERCEPT);
    assert_int_equal(ACCESS(&m.message), 1);
    assert_int_equal(PAYLOAD(&m.message, 56, 8), READ_ONLY_AT);
    assert_int_equal(client_get(&m, RAX) & 0xff, 0x42); /* reading is implied */
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 2);
    assert_int_equal(m.fixed[0], 0x42);
    machine_free(&m);
}

static void test_fetch_without_the_right_is_gpa_intercept(void **state)
{
    struct machine m;
    int file;
    uint8_t *page = client_memory(0x1000, &file);

    (void)state;
    machine_new(&m, CODE(0xf4));
    page[0] = 0xf4;
    assert_int_equal(client_map(m.pt, page, 0x1000, NOWHERE, WRITABLE), 0);
    client_set(&m, RIP, NOWHERE);

    assert_int_equal(client_run(&m), GPA_INTERCEPT);
    assert_int_equal(ACCESS(&m.message), 2);
    assert_int_equal(PAYLOAD(&m.message, 56, 8), NOWHERE);
    machine_free(&m);
}

static void test_fetch_from_nowhere_is_unmapped_gpa(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xff, 0xe3)); /* jmp *%rbx */
    client_set(&m, RBX, NOWHERE);

    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_int_equal(ACCESS(&m.message), 2);
    assert_int_equal(MESSAGE_RIP(&m.message), NOWHERE);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_from_nowhere_is_unmapped_gpa_again_and_again),
        cmocka_unit_test(test_store_to_nowhere_is_reported_at_the_store),
        cmocka_unit_test(test_string_store_to_nowhere_is_reported_before_it),
        cmocka_unit_test(test_store_without_the_right_is_gpa_intercept),
        cmocka_unit_test(test_fetch_without_the_right_is_gpa_intercept),
        cmocka_unit_test(test_fetch_from_nowhere_is_unmapped_gpa),
    };

    return CLIENT_MAIN(tests);
}
