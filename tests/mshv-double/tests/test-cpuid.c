/* SPDX-License-Identifier: Apache-2.0 */
/* What a client is told of a VP's CPUID: with overrides or without, and by whose XFEM. */
#include "client.h"

#include <errno.h>
#include <string.h>

struct cpuid_input {
    uint64_t partition;
    uint32_t vp, flags;
    uint64_t zero;
    uint32_t eax, ecx;
    uint64_t xfem, xss;
};

static uint32_t values[4];

static int ask(struct machine *m, const struct cpuid_input *in, uint16_t *ret_status)
{
    struct call call = {0xf4, 1, sizeof *in, sizeof values, .in = in, .out = values};
    int r = client_call(m->vp, &call);

    *ret_status = call.status;
    return r;
}

static void expect_refused(struct machine *m, const struct cpuid_input *in)
{
    uint16_t status;

    assert_fails(ask(m, in, &status), EINVAL);
    assert_int_equal(status, 5);
}

static void test_cpuid_wants_an_xfem(void **state)
{
    struct cpuid_input in = {.eax = 0};
    struct machine m;
    uint16_t status;

    (void)state;
    machine_new(&m, CODE(0xf4));
    expect_refused(&m, &in);
    in.xfem = 2; /* SSE without x87 */
    expect_refused(&m, &in);
    in.xfem = 3;
    assert_int_equal(ask(&m, &in, &status), 0);
    in.xfem = 0;
    in.flags = 1; /* the VP's own */
    assert_int_equal(ask(&m, &in, &status), 0);
    in.flags = 4;
    expect_refused(&m, &in);
    machine_free(&m);
}

static void test_cpuid_has_overrides_where_they_are_asked_for(void **state)
{
    const struct {
        uint64_t partition;
        uint32_t vp, type, eax, ecx;
        uint8_t subleaf_specific, always, zero[2];
        uint32_t results[8];
    } override = {.type = 2, .eax = 0, .always = 1, .results = {5, ~0u, 0x41414141, 0xff}};
    struct call call = {0x91, 0, 60, 0, .in = &override};
    struct cpuid_input in = {.flags = 1};
    uint32_t before[4];
    struct machine m;
    uint16_t status;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(ask(&m, &in, &status), 0);
    memcpy(before, values, sizeof before);
    assert_int_equal(client_call(m.pt, &call), 0);
    assert_int_equal(ask(&m, &in, &status), 0);
    assert_memory_equal(values, before, sizeof before);
    in.flags = 3;
    assert_int_equal(ask(&m, &in, &status), 0);
    assert_int_equal(values[0], 5);
    assert_int_equal(values[1], (before[1] & ~0xffu) | 0x41);
    assert_int_equal(values[2], before[2]);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpuid_wants_an_xfem),
        cmocka_unit_test(test_cpuid_has_overrides_where_they_are_asked_for),
    };

    return CLIENT_MAIN(tests);
}
