/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A reset leaves nothing. A guest fills every class of registers that an unprivileged program can
 * write, the widest SIMD that the machine lets it use among them; after the reset both the register
 * files and another guest find initial values.
 */
#include "plugins/shared/tests/scrub.h"

#include <string.h>

bool all_zero(const void *data, size_t bytes)
{
    const uint8_t *at = data;

    for (size_t i = 0; i < bytes; i++)
        if (at[i])
            return false;
    return true;
}

bool scrub_fill(struct fake_guest *guest, const uint8_t *code, const uint8_t *end)
{
    struct sconce_exit exit;

    guest_new(guest, code, end);
    guest_enter(guest);
    guest_run(guest, &exit);
    if (exit.kind == SCONCE_EXIT_DOORBELL)
        return true;
    assert_int_equal(exit.kind, SCONCE_EXIT_FAULT);
    assert_int_equal(exit.u.fault.kind, SCONCE_FAULT_ILLEGAL);
    guest_free(guest);
    return false;
}

void scrub_look(struct fake_guest *guest, const uint8_t *code, const uint8_t *end)
{
    const struct sconce_entry entry = {.size = sizeof entry, .pc = CODE_GPA, .sp = STACK_TOP};

    guest_load(guest, code, end);
    memset(guest_data(guest), 0xee, SCONCE_MEM_GRANULE);
    assert_ok(ops->vcpu_enter(guest->vm, &entry, fresh_error()));
    guest_expect_bell(guest, 1);
}

static void test_reset_clears_every_file(void **state)
{
    struct fake_guest guest;

    (void)state;
    assert_true(scrub_fill(&guest, CODE(fill_basic)));
    scrub_expect_filled(&guest); /* it was there */

    guest_reset(&guest);

    scrub_expect_initial(&guest);
    guest_free(&guest);
}

static void test_reset_clears_what_another_guest_can_see(void **state)
{
    struct fake_guest guest;

    (void)state;
    assert_true(scrub_fill(&guest, CODE(fill_basic)));
    guest_reset(&guest);

    scrub_look(&guest, CODE(look_basic));

    scrub_expect_nothing_seen(guest_data(&guest));
    guest_free(&guest);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reset_clears_every_file),
        cmocka_unit_test(test_reset_clears_what_another_guest_can_see),
    };

    return fake_host_main_with(argc, argv, tests, sizeof tests / sizeof tests[0], arch_tests,
                               arch_test_count);
}
