/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The box of the guest "syscalls", what its callbacks saw, and what the guest is asked. Which
 * answers are right is for the rows to say, not for this file.
 */
#include "tools/plugin-check/calls.h"

void check_calls_close(struct check_calls *calls)
{
    check_box_close(&calls->box);
}

static void keep_error(void *ctx, const char *text, size_t bytes)
{
    struct check_calls *calls = ctx;
    size_t used = strlen(calls->printed_error), room = sizeof calls->printed_error - 1 - used;

    memcpy(calls->printed_error + used, text, bytes < room ? bytes : room);
}

static int64_t give_input(void *ctx, void *data, size_t bytes)
{
    struct check_calls *calls = ctx;
    size_t length = calls->input ? strnlen(calls->input, bytes) : 0;

    if (length == 0)
        return 0;
    memcpy(data, calls->input, length);
    calls->input += length;
    return (int64_t)length;
}

enum check_outcome check_calls_ask(struct check *check, struct check_calls *calls,
                                   const char *function, const struct sconce_value *args,
                                   size_t arg_count, uint64_t *ret_number)
{
    CHECK_STEP(check_call_done(check, &calls->box, function, args, arg_count));
    *ret_number = calls->box.result.as.u64;
    return CHECK_OK;
}

enum check_outcome check_calls_open(struct check *check, struct check_calls *calls,
                                    const struct sconce_limits *limits)
{
    if (!(check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS))
        return check_skip(check, "it does not declare syscall_exits");
    calls->box.ctx = calls;
    CHECK_STEP(check_box_open(check, &calls->box, "syscalls.elf", limits));
    return check_calls_ask(check, calls, "memory_address", WITHOUT, &calls->memory);
}

enum check_outcome check_calls_give(struct check *check, struct check_calls *calls,
                                    int64_t expected, const struct sconce_value *args,
                                    size_t arg_count)
{
    CHECK_STEP(check_call_done(check, &calls->box, "call", args, arg_count));
    CHECK(check, calls->box.result.as.i64 == expected,
          "%s(0x%llx, 0x%llx, 0x%llx, ...) gave %lld, not %lld", (const char *)args[0].as.span.data,
          (unsigned long long)args[1].as.u64, (unsigned long long)args[2].as.u64,
          (unsigned long long)args[3].as.u64, (long long)calls->box.result.as.i64,
          (long long)expected);
    return CHECK_OK;
}

enum check_outcome check_calls_put(struct check *check, struct check_calls *calls, uint64_t address,
                                   uint64_t value)
{
    return check_call_done(check, &calls->box, "poke", WITH(check_u64(address), check_u64(value)));
}

enum check_outcome check_calls_hold(struct check *check, struct check_calls *calls,
                                    uint64_t address, uint64_t value)
{
    uint64_t is;

    CHECK_STEP(check_calls_ask(check, calls, "peek", WITH(check_u64(address)), &is));
    CHECK(check, is == value, "0x%llx holds 0x%llx, not 0x%llx", (unsigned long long)address,
          (unsigned long long)is, (unsigned long long)value);
    return CHECK_OK;
}

enum check_outcome check_calls_boot_word(struct check *check, struct check_calls *calls, uint32_t i,
                                         uint64_t *ret)
{
    return check_calls_ask(check, calls, "boot_word", WITH(check_u32(i)), ret);
}

void check_calls_separate(struct check_box *box, struct sconce_sandbox_options *options)
{
    options->print_error = keep_error;
    options->print_error_ctx = box->ctx;
    options->input = give_input;
    options->input_ctx = box->ctx;
}
