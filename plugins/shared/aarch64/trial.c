/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/aarch64/trial.h"

#include <stdbool.h>

#define NUMBER 77u

/* All ones in a vector register: movi vN.16b, #255. */
#define FILL(n) (0x4f07e7e0u | (n))
#define FILL_8(n)                                                                                  \
    FILL(n), FILL((n) + 1), FILL((n) + 2), FILL((n) + 3), FILL((n) + 4), FILL((n) + 5),            \
        FILL((n) + 6), FILL((n) + 7)

/* FP and SIMD registers are filled. Then a doorbell, a system call whose result is looked at, and
 * what only EL1 may do (not WFI: that may be over before it is trapped, Arm ARM
 * D17.2.118, nTWI). */
static const uint32_t code[] = {
    0x92800000, /* mov x0, #-1 */
    0xd51b4420, /* msr fpsr, x0 */
    0xd2a0f800, /* mov x0, #0x07c00000 */
    0xd51b4400, /* msr fpcr, x0 */
    FILL_8(0),  /* V0 to V7 */
    FILL_8(8),  /* V8 to V15 */
    FILL_8(16), /* V16 to V23 */
    FILL_8(24), /* V24 to V31 */
    0xd28009a0, /* mov x0, #77 */
    0xd40b81c1, /* svc #0x5c0e */
    0xd28009a8, /* mov x8, #77 */
    0xd4000001, /* svc #0 */
    0xf100041f, /* cmp x0, #1 */
    0x54000041, /* b.ne .+8 */
    0xd50342df, /* msr daifset, #2 */
    0x00000000, /* udf #0 */
};

static bool is_bell(const struct sconce_exit *exit)
{
    return exit->kind == SCONCE_EXIT_DOORBELL && exit->u.doorbell.number == NUMBER;
}

static bool is_syscall(const struct sconce_exit *exit)
{
    return exit->kind == SCONCE_EXIT_SYSCALL && exit->u.syscall.raw_nr == NUMBER;
}

static bool is_denied(const struct sconce_exit *exit)
{
    return exit->kind == SCONCE_EXIT_FAULT && exit->u.fault.kind == SCONCE_FAULT_PRIVILEGE;
}

int32_t sconce_a64_trial_init(struct sconce_trial *trial, struct sconce_plugin_error *err)
{
    return sconce_trial_init(trial, code, sizeof code, err);
}

int32_t sconce_a64_trial_run(const struct sconce_trial *trial, struct sconce_plugin_vm *vm,
                             const struct sconce_a64_trial_ops *ops, const char *mechanism,
                             struct sconce_plugin_error *err)
{
    static const struct {
        bool (*is_expected)(const struct sconce_exit *exit);
        const char *otherwise;
    } steps[] = {
        {is_bell, "a guest's doorbell does not arrive as it must"},
        {is_syscall, "a guest's system call does not arrive as it must"},
        {is_denied, "a guest's privileged instruction does not arrive as it must"},
    };
    struct sconce_exit exit = {.size = sizeof exit};
    int32_t r = ops->mem_map(vm, &trial->memory, &trial->mapping, err);

    if (r == SCONCE_PLUGIN_OK)
        r = ops->enter(vm, &trial->entry, err);
    for (size_t i = 0; r == SCONCE_PLUGIN_OK && i < sizeof steps / sizeof steps[0]; i++) {
        r = ops->run(vm, &exit, err);
        if (r == SCONCE_PLUGIN_OK && !steps[i].is_expected(&exit))
            return sconce_trial_failed(&exit, mechanism, steps[i].otherwise, err);
        if (r == SCONCE_PLUGIN_OK && exit.kind == SCONCE_EXIT_SYSCALL)
            r = ops->complete(vm, 1, err);
    }
    return r;
}
