/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guests that are hostile to their stub, through libsconce's public interface: whatever they do
 * ends as a named error of their own, nothing of it outlives a restore, host and neighbour are
 * well. The same for guests that are killed or kicked meanwhile. That none of it reaches a system
 * call is test-traced.c's.
 */
#include "attacks.h"

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

/* The upper ones of a program without AVX-512, whose library leaves them alone; and those that only
 * AVX-512 has. */
static void fill_vectors(uint64_t pattern)
{
    __asm__ volatile("movq %0, %%xmm8\n\tpunpcklqdq %%xmm8, %%xmm8\n\t"
                     "movdqa %%xmm8, %%xmm12\n\tmovdqa %%xmm8, %%xmm13\n\t"
                     "movdqa %%xmm8, %%xmm14\n\tmovdqa %%xmm8, %%xmm15"
                     :
                     : "r"(pattern)
                     : "xmm8", "xmm12", "xmm13", "xmm14", "xmm15");
    if (__builtin_cpu_supports("avx512f"))
        __asm__ volatile("vpbroadcastq %0, %%zmm20\n\tvmovdqa64 %%zmm20, %%zmm30" : : "r"(pattern));
}

static bool vectors_are_filled(uint64_t pattern)
{
    uint64_t seen;

    __asm__ volatile("movq %%xmm15, %0" : "=r"(seen));
    return seen == pattern;
}

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
    fill_vectors(pattern);
    r = sconce_sandbox_new(guest, NULL, &sandbox, &err);
    kept = vectors_are_filled(pattern);
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
