/* SPDX-License-Identifier: Apache-2.0 */
/* ROOT_HVCALL: how much a call can have, and what the hypervisor refuses. */
#include "client.h"

static void test_page_of_output_is_256_registers(void **state)
{
    static struct {
        uint64_t partition;
        uint32_t vp, vtl, names[257];
    } in;
    static struct value out[256];
    struct call call = {0x50, 256, 16 + 4 * 256, sizeof out, .in = &in, .out = out};
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    client_set(&m, R15, 0x15);
    for (int i = 0; i < 257; i++)
        in.names[i] = R15;
    assert_int_equal(client_call(m.vp, &call), 0);
    assert_int_equal(call.reps, 256);
    assert_int_equal(out[255].low, 0x15);
    call.reps = 257;
    assert_fails(client_call(m.vp, &call), EINVAL);
    machine_free(&m);
}

static void test_repetitions_are_for_calls_that_have_them(void **state)
{
    const uint64_t property[3] = {0, 0x50017, 1};
    uint64_t value;
    struct call call = {0x45, 1, 24, 0, .in = property};
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_call(m.pt, &call), EINVAL);
    assert_int_equal(call.status, 3); /* invalid hypercall input */
    assert_int_equal(client_get_property(m.pt, 0x50017, &value, NULL), 0);
    assert_int_equal(value, 0);
    call = (struct call){0x51, 0, 48, 0, .in = property};
    assert_fails(client_call(m.vp, &call), EINVAL);
    assert_int_equal(call.status, 3);
    machine_free(&m);
}

static void install(struct machine *m, uint32_t type, uint32_t access, bool refused)
{
    const struct {
        uint64_t partition;
        uint32_t access, type;
        uint64_t parameter;
    } in = {0, access, type, 0};
    struct call call = {0x4d, 0, sizeof in, 0, .in = &in};

    assert_int_equal(client_call(m->pt, &call), refused ? -1 : 0);
    assert_int_equal(call.status, refused ? 5 : 0);
}

static void test_intercepts_are_of_what_can_happen(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x0f, 0x30, 0x0f, 0x32, 0xf4)); /* wrmsr; rdmsr; hlt */
    install(&m, 3, 1, true);                             /* exceptions are executed */
    install(&m, 2, 2, true);                             /* and so is CPUID */
    install(&m, 1, 4, true);                             /* MSRs are not */
    /* Writes are ignored, reads are intercepted. */
    assert_int_equal(client_set_property(m.pt, 0x50017, 1, NULL), 0);
    install(&m, 1, 1, false);
    client_set(&m, RCX, 0x12001234);
    assert_int_equal(client_run(&m), MSR);
    assert_int_equal(ACCESS(&m.message), 0);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 2);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page_of_output_is_256_registers),
        cmocka_unit_test(test_repetitions_are_for_calls_that_have_them),
        cmocka_unit_test(test_intercepts_are_of_what_can_happen),
    };

    return CLIENT_MAIN(tests);
}
