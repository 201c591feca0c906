/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that are hostile to their stub, through libsconce's public interface: whatever they do
 * ends as a named error of their own, nothing of it outlives a restore, host and neighbour are
 * well. The same for guests that are killed or kicked meanwhile. That none of it reaches a system
 * call is test-traced.c's.
 */
#include "plugins/shared/process/tests/attacks.h"

#include <unistd.h>

#define DEADLINE_NS 500000000u /* for those that would go on for ever */
#define NEVER UINT64_MAX

/* ---- Alone ---------------------------------------------------------------------------------- */

static void try_one(void *ctx, const struct attack *attack)
{
    struct target *target = ctx;
    struct sconce_error err;
    int result = target_attack(target, attack, &err);

    target_expect(target, attack, result, &err);
    target_recover(target, attack);
}

static void test_hostile_attack_ends_as_its_own_fault_or_does_nothing(void **state)
{
    struct target target;

    (void)state;
    target_open(&target, NEVER);
    attacks_each(false, try_one, &target);
    target_close(&target);
}

static void test_hostile_endless_attack_ends_by_its_deadline(void **state)
{
    struct target target;

    (void)state;
    target_open(&target, DEADLINE_NS);
    attacks_each(true, try_one, &target);
    target_close(&target);
}

/* ---- Reading -------------------------------------------------------------------------------- */

static uint64_t call_u64(struct sconce_sandbox *sandbox, const char *name,
                         const struct sconce_value *args, size_t count)
{
    struct sconce_value result;
    struct sconce_error err = {0};

    e2e_ok(sconce_sandbox_call(sandbox, name, args, count, &result, &err), &err);
    return result.as.u64;
}

/* The guest's process comes from the host's by clone(2), with the registers of the thread that made
 * it, of which the kernel writes a signal frame before the guest begins. */
static void test_hostile_guest_finds_no_register_of_its_host(void **state)
{
    const uint64_t pattern = 0x5eed0f0e57a11e57u ^ (uint64_t)getpid() << 20;
    const struct sconce_value argument = sconce_u64(pattern);
    struct sconce_runtime *runtime = e2e_runtime();
    struct sconce_guest *guest = e2e_guest(runtime, "hostile");
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};
    bool kept;
    int r;

    (void)state;
    attack_fill_vectors(pattern);
    r = sconce_sandbox_new(guest, NULL, &sandbox, &err);
    kept = attack_vectors_are_filled(pattern);
    e2e_ok(r, &err);
    if (!kept)
        fail_msg("making a sandbox used the registers that this test filled");
    assert_int_equal(call_u64(sandbox, "not_zero_at_start", NULL, 0), 0);
    assert_int_equal(call_u64(sandbox, "find", &argument, 1), 0);
    sconce_sandbox_free(sandbox);
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hostile_guest_finds_no_register_of_its_host),
        cmocka_unit_test(test_hostile_attack_ends_as_its_own_fault_or_does_nothing),
        cmocka_unit_test(test_hostile_endless_attack_ends_by_its_deadline),
    };

    e2e_require_backend();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
