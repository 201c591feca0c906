/* SPDX-License-Identifier: Apache-2.0 */
/* Exceptions 1 and 3 as messages: what a debugger stands on. In ring 0, where every KVM can. */
#include "client.h"

#define DR0 0x50000u
#define DR6 0x50004u
#define DR7 0x50005u
#define TF 0x100u

static void intercept_vector(struct machine *m, uint64_t vector, uint32_t access)
{
    const struct {
        uint64_t partition;
        uint32_t access, type;
        uint64_t vector;
    } in = {0, access, 3, vector};
    struct call call = {0x4d, 0, sizeof in, 0, .in = &in};

    assert_int_equal(client_call(m->pt, &call), 0);
}

static void test_single_step_stops_at_the_next_instruction(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x90, 0xb0, 0x01, 0x90, 0xf4)); /* nop; mov $1,%al; nop; hlt */
    intercept_vector(&m, 1, 4);
    client_set(&m, RFLAGS, 2 | TF);

    for (uint64_t rip = CODE_AT + 1; rip <= CODE_AT + 3; rip += 2) {
        assert_int_equal(client_run(&m), EXCEPTION);
        assert_int_equal(PAYLOAD(&m.message, 40, 2), 1);
        assert_int_equal(MESSAGE_RIP(&m.message), rip);
        assert_int_equal(client_get(&m, DR6) & 0x4000, 0x4000); /* BS */
        assert_int_equal(client_get(&m, RFLAGS) & TF, TF);      /* it stays */
    }
    assert_int_equal(PAYLOAD(&m.message, 112, 1), 1); /* RAX */
    client_set(&m, RFLAGS, 2);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_breakpoint_register_stops_at_its_address(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x90, 0x90, 0x90, 0xf4));
    intercept_vector(&m, 1, 4);
    client_set(&m, DR0, CODE_AT + 2);
    client_set(&m, DR7, 0x401);

    assert_int_equal(client_run(&m), EXCEPTION);
    assert_int_equal(PAYLOAD(&m.message, 40, 2), 1);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 2);
    client_set(&m, DR7, 0x400);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_int3_is_reported_at_itself(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x90, 0xcc, 0xf4));
    intercept_vector(&m, 3, 4);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(client_run(&m), EXCEPTION);
        assert_int_equal(PAYLOAD(&m.message, 40, 2), 3);
        assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 1);
    }
    client_set(&m, RIP, CODE_AT + 2);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_message_tells_that_breakpoints_are_set(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 6, 2) & 0x60, 0);
    client_set(&m, DR0, CODE_AT + 0x100);
    client_set(&m, DR7, 0x401);
    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 6, 2) & 0x60, 0x20);
    machine_free(&m);
}

static void test_intercept_can_be_taken_away(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x90, 0x90, 0xf4));
    client_set_wide(&m, 0x70000, (struct value){0, 0});
    intercept_vector(&m, 1, 4);
    client_set(&m, RFLAGS, 2 | TF);
    assert_int_equal(client_run(&m), EXCEPTION);
    intercept_vector(&m, 1, 0);
    assert_int_equal(client_run(&m), UNRECOVERABLE); /* the guest has it, and no IDT */
    machine_free(&m);
}

static void test_unknown_intercepts_are_refused(void **state)
{
    struct machine m;
    uint64_t in[3] = {0, 4 | 99ull << 32, 0};
    struct call call = {0x4d, 0, sizeof in, 0, .in = in};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_call(m.pt, &call), EINVAL);
    assert_int_equal(call.status, 5);
    call.status = 0;
    in[1] = 8 | 3ull << 32;
    assert_fails(client_call(m.pt, &call), EINVAL);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_single_step_stops_at_the_next_instruction),
        cmocka_unit_test(test_breakpoint_register_stops_at_its_address),
        cmocka_unit_test(test_int3_is_reported_at_itself),
        cmocka_unit_test(test_message_tells_that_breakpoints_are_set),
        cmocka_unit_test(test_intercept_can_be_taken_away),
        cmocka_unit_test(test_unknown_intercepts_are_refused),
    };

    return CLIENT_MAIN(tests);
}
