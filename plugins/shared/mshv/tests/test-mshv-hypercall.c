/* SPDX-License-Identifier: Apache-2.0 */
/* plugins/shared/mshv/hypercall.c: what is not done is asked for again, while it gets on. */
#include <errno.h>
#include <string.h>

#include "plugins/shared/mshv/hypercall.h"
#include "plugins/shared/mshv/tests/fake-mshv.h"

#define AGAIN(done)                                                                                \
    {                                                                                              \
        EAGAIN, 0xb, done, false                                                                   \
    }
#define FINE                                                                                       \
    {                                                                                              \
        0, 0, FAKE_ALL, false                                                                      \
    }
#define PARTIAL(done)                                                                              \
    {                                                                                              \
        0, 0, done, false                                                                          \
    }

#define MANY 300u

static uint32_t seen[2 * MANY];
static size_t seen_count;

/* A register's value is its name; what was asked for, in order. */
static void register_repetition(uint16_t code, const void *head, const void *in, void *out)
{
    uint32_t name;

    memcpy(&name, in, sizeof name);
    assert_int_equal(((const struct mshv_register_head *)head)->vp_index, 0);
    seen[seen_count++] = name;
    if (code == 0x50)
        *(struct mshv_value *)out = (struct mshv_value){name, ~(uint64_t)name};
}

static int start_over(void **state)
{
    seen_count = 0;
    fake_start_over(state);
    fake.repetition = register_repetition;
    return 0;
}

static void script(const struct fake_hvcall *calls, size_t count)
{
    fake.hvcalls = calls;
    fake.hvcall_count = count;
}

static int32_t get(uint16_t count)
{
    static struct mshv_value values[MANY];
    uint32_t names[MANY];
    int32_t r;

    for (uint32_t i = 0; i < count; i++)
        names[i] = 0x20000 + i;
    memset(values, 0, sizeof values);
    r = sconce_mshv_get_registers(FAKE_VP_FD, names, values, count, "read registers", fresh());
    for (uint32_t i = 0; r == SCONCE_PLUGIN_OK && i < count; i++)
        assert_int_equal(values[i].low, 0x20000 + i);
    return r;
}

/* Every one once, in order. */
static void expect_seen(size_t count)
{
    assert_int_equal(seen_count, count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(seen[i], 0x20000 + i);
}

static void test_get_is_one_call(void **state)
{
    (void)state;
    assert_int_equal(get(18), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, 1);
    assert_int_equal(fake.last_in_bytes, 16 + 18 * 4);
    assert_int_equal(fake.last_out_bytes, 18 * 16);
    expect_seen(18);
}

static void test_get_asks_again_after_eagain(void **state)
{
    static const struct fake_hvcall calls[] = {AGAIN(0), AGAIN(0), AGAIN(0), FINE};

    (void)state;
    script(calls, 4);
    assert_int_equal(get(5), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, 4);
    expect_seen(5);
}

static void test_get_goes_on_behind_what_was_done(void **state)
{
    static const struct fake_hvcall calls[] = {AGAIN(2), PARTIAL(3), AGAIN(0), AGAIN(1), FINE};

    (void)state;
    script(calls, 5);
    assert_int_equal(get(9), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, 5);
    assert_int_equal(fake.last_reps, 3);
    expect_seen(9);
}

/* One repetition a call is slow, and gets on. */
static void test_get_takes_as_many_calls_as_it_gets_on_with(void **state)
{
    static const struct fake_hvcall calls[] = {AGAIN(1)};

    (void)state;
    script(calls, 1);
    assert_int_equal(get(MANY), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, MANY);
    expect_seen(MANY);
}

static void test_get_without_end_is_a_clear_error(void **state)
{
    static const struct fake_hvcall eagain[] = {AGAIN(0)}, nothing[] = {PARTIAL(0)};

    (void)state;
    script(eagain, 1);
    assert_int_equal(get(3), SCONCE_PLUGIN_E_NO_MEMORY);
    expect_error("cannot read registers: the hypervisor asks for memory without end",
                 "keep fewer sandboxes, or give the root partition more memory");
    assert_int_equal(fake.hvcalls_made, SCONCE_MSHV_MAX_IDLE);

    start_over(state);
    script(nothing, 1);
    assert_int_equal(get(3), SCONCE_PLUGIN_E_SYSTEM);
    expect_error("cannot read registers: the hypervisor does none of it, and says no reason", "");
    assert_int_equal(fake.hvcalls_made, SCONCE_MSHV_MAX_IDLE);
    assert_false(sconce_mshv_is_refusal(&error));
}

/* A kernel that asks again by itself tells what came of it. */
static void test_get_without_memory_is_told_as_such(void **state)
{
    static const struct fake_hvcall with_status[] = {{ENOMEM, 0xb, 0, false}};
    static const struct fake_hvcall without[] = {{ENOMEM, 0, 0, true}};

    (void)state;
    script(with_status, 1);
    assert_int_equal(get(3), SCONCE_PLUGIN_E_NO_MEMORY);
    expect_error("cannot read registers: there is no memory that the hypervisor wants",
                 "keep fewer sandboxes, or give the root partition more memory");
    assert_int_equal(error.domain, SCONCE_DOMAIN_HV_STATUS);
    assert_int_equal(error.code, 0xb);
    assert_int_equal(fake.hvcalls_made, 1);
    script(without, 1);
    assert_int_equal(get(3), SCONCE_PLUGIN_E_NO_MEMORY);
    expect_error("cannot read registers: Cannot allocate memory",
                 "keep fewer sandboxes, or give the root partition more memory");
}

static void test_get_and_set_of_nothing_ask_nothing(void **state)
{
    (void)state;
    assert_int_equal(get(0), SCONCE_PLUGIN_OK);
    assert_int_equal(sconce_mshv_set_registers(FAKE_VP_FD, NULL, 0, "set", fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, 0);
}

static void test_refusals_are_the_hypervisors_own_words(void **state)
{
    static const uint16_t refusals[] = {0x2, 0x5, 0x6, 0x8, 0x9, 0x1e, 0x20, 0x50};
    struct sconce_plugin_error why = {.domain = SCONCE_DOMAIN_HV_STATUS};
    unsigned count = 0;

    (void)state;
    for (why.code = 0; why.code < 0x100; why.code++)
        count += sconce_mshv_is_refusal(&why);
    assert_int_equal(count, sizeof refusals / sizeof refusals[0]);
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        why.code = refusals[i];
        why.domain = SCONCE_DOMAIN_HV_STATUS;
        assert_true(sconce_mshv_is_refusal(&why));
        why.domain = SCONCE_DOMAIN_ERRNO;
        assert_false(sconce_mshv_is_refusal(&why));
    }
}

static void test_get_that_the_hypervisor_refuses_has_its_status(void **state)
{
    static const struct fake_hvcall calls[] = {{EINVAL, 5, 2, false}};

    (void)state;
    script(calls, 1);
    assert_int_equal(get(4), SCONCE_PLUGIN_E_SYSTEM);
    expect_error("cannot read registers: the hypervisor says 0x5, invalid parameter", "");
    assert_int_equal(error.domain, SCONCE_DOMAIN_HV_STATUS);
    assert_int_equal(error.code, 5);
    assert_int_equal(fake.hvcalls_made, 1);
}

/* Nothing was written back: the count of repetitions is still the one that was asked for. */
static void test_get_that_the_kernel_refuses_has_its_errno(void **state)
{
    static const struct fake_hvcall calls[] = {{EINVAL, 0, 0, true}};

    (void)state;
    script(calls, 1);
    assert_int_equal(get(4), SCONCE_PLUGIN_E_SYSTEM);
    expect_error("cannot read registers: Invalid argument", "");
    assert_int_equal(error.domain, SCONCE_DOMAIN_ERRNO);
    assert_int_equal(seen_count, 0);
}

static void test_set_sends_long_lists_in_parts(void **state)
{
    struct mshv_register registers[MANY] = {0};

    (void)state;
    for (uint32_t i = 0; i < MANY; i++)
        registers[i].name = 0x20000 + i;
    assert_int_equal(sconce_mshv_set_registers(FAKE_VP_FD, registers, MANY, "set", fresh()),
                     SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, 3); /* of 127 at most */
    expect_seen(MANY);
}

static void test_property_asks_again_too(void **state)
{
    static const struct fake_hvcall calls[] = {AGAIN(0), AGAIN(0), FINE}, never[] = {AGAIN(0)};

    (void)state;
    fake.repetition = NULL;
    script(calls, 3);
    assert_int_equal(sconce_mshv_set_property(FAKE_PARTITION_FD, 1, 2, fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(fake.hvcalls_made, 3);

    fake_start_over(state);
    script(never, 1);
    assert_int_equal(sconce_mshv_set_property(FAKE_PARTITION_FD, 1, 2, fresh()),
                     SCONCE_PLUGIN_E_NO_MEMORY);
    assert_int_equal(fake.hvcalls_made, SCONCE_MSHV_MAX_IDLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_get_is_one_call, start_over),
        cmocka_unit_test_setup(test_get_asks_again_after_eagain, start_over),
        cmocka_unit_test_setup(test_get_goes_on_behind_what_was_done, start_over),
        cmocka_unit_test_setup(test_get_takes_as_many_calls_as_it_gets_on_with, start_over),
        cmocka_unit_test_setup(test_get_without_end_is_a_clear_error, start_over),
        cmocka_unit_test_setup(test_get_without_memory_is_told_as_such, start_over),
        cmocka_unit_test_setup(test_get_and_set_of_nothing_ask_nothing, start_over),
        cmocka_unit_test_setup(test_refusals_are_the_hypervisors_own_words, start_over),
        cmocka_unit_test_setup(test_get_that_the_hypervisor_refuses_has_its_status, start_over),
        cmocka_unit_test_setup(test_get_that_the_kernel_refuses_has_its_errno, start_over),
        cmocka_unit_test_setup(test_set_sends_long_lists_in_parts, start_over),
        cmocka_unit_test_setup(test_property_asks_again_too, start_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
