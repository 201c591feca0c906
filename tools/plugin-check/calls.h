/* SPDX-License-Identifier: Apache-2.0 */
/* A box of the guest "syscalls", for rows about what its system calls are answered with. */
#ifndef SCONCE_PLUGIN_CHECK_CALLS_H
#define SCONCE_PLUGIN_CHECK_CALLS_H

#include "tools/plugin-check/box.h"

/* Words of the boot page, as the guest counts them. */
enum check_boot_word {
    CHECK_BOOT_HEAP_ADDR,
    CHECK_BOOT_HEAP_BYTES,
    CHECK_BOOT_STACK_BYTES,
    CHECK_BOOT_IN_ADDR,
    CHECK_BOOT_ARGS_ADDR,
    CHECK_BOOT_BOOT_ADDR,
    CHECK_BOOT_ARG_COUNT,
    CHECK_BOOT_ENV_COUNT
};

/* The box, and what its callbacks saw. */
struct check_calls {
    struct check_box box;
    uint64_t memory; /* that the guest may write */
    char printed_error[64];
    const char *input;
    uint64_t traced;
    struct sconce_trace last;
};

void check_calls_close(struct check_calls *calls);

/** check_calls_open - skips the row where the backend reports no system calls. What is chosen for
 * the sandbox is @calls->box.choose's. */
enum check_outcome check_calls_open(struct check *check, struct check_calls *calls,
                                    const struct sconce_limits *limits);

/** check_calls_separate - for box.choose: descriptor 2 and input are @calls's. */
void check_calls_separate(struct check_box *box, struct sconce_sandbox_options *options);

/** check_calls_ask - the number that an export gives. */
enum check_outcome check_calls_ask(struct check *check, struct check_calls *calls,
                                   const char *function, const struct sconce_value *args,
                                   size_t arg_count, uint64_t *ret_number);

/** check_calls_boot_word - the @i-th word of the boot page. */
enum check_outcome check_calls_boot_word(struct check *check, struct check_calls *calls, uint32_t i,
                                         uint64_t *ret);

/** check_calls_put, check_calls_hold - the guest writes a word, or must find it. */
enum check_outcome check_calls_put(struct check *check, struct check_calls *calls, uint64_t address,
                                   uint64_t value);
enum check_outcome check_calls_hold(struct check *check, struct check_calls *calls,
                                    uint64_t address, uint64_t value);

/** check_calls_give - a system call, given as SYSTEM_CALL(name, up to four arguments), must give
 * @expected. */
enum check_outcome check_calls_give(struct check *check, struct check_calls *calls,
                                    int64_t expected, const struct sconce_value *args,
                                    size_t arg_count);

#define SYSTEM_CALL(name, a, b, c, d)                                                              \
    WITH(sconce_string(name), check_u64(a), check_u64(b), check_u64(c), check_u64(d),              \
         check_u64(UINT64_MAX), check_u64(0))

/* GIVES(result, name, up to four arguments), in a row with @check and @calls. */
#define GIVES(expected, name, a, b, c, d)                                                          \
    CHECK_STEP(check_calls_give(check, &calls, (int64_t)(expected), SYSTEM_CALL(name, a, b, c, d)))

#endif
