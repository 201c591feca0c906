/* SPDX-License-Identifier: Apache-2.0 */
/* The box of the guest "window", and what it must find there. What is attached is the rows' to say.
 */
#include "tools/plugin-check/window.h"

uint8_t check_window_data[CHECK_WINDOW_ROOM];

const uint8_t *check_window_pattern(uint32_t seed)
{
    for (uint32_t i = 0; i < CHECK_WINDOW_ROOM; i++)
        check_window_data[i] = (uint8_t)(1 + (i + (i >> 12) * 7 + seed * 31) % 255);
    return check_window_data;
}

/* As the guest counts it. */
static uint64_t digest_of(const uint8_t *at, size_t bytes)
{
    uint64_t sum = 0xcbf29ce484222325;

    for (size_t i = 0; i < bytes; i++)
        sum = (sum ^ at[i]) * 0x100000001b3;
    return sum;
}

void check_window_choose(struct check_box *box, struct sconce_sandbox_options *options)
{
    (void)box;
    options->window_bytes = CHECK_WINDOW_ROOM;
    options->limits.heap_bytes = 1u << 20;
    options->limits.deadline_ns = UINT64_MAX;
}

enum check_outcome check_window_open(struct check *check, struct check_box *box)
{
    box->choose = check_window_choose;
    return check_box_open(check, box, "window.elf", NULL);
}

enum check_outcome check_window_attach(struct check *check, struct check_box *box, const void *from,
                                       size_t bytes)
{
    CHECK(check, sconce_sandbox_attach(box->sandbox, from, bytes, &box->err) == 0,
          "cannot attach %zu bytes: %s", bytes, box->err.text);
    return CHECK_OK;
}

enum check_outcome check_window_number(struct check *check, struct check_box *box,
                                       const char *function, const struct sconce_value *args,
                                       size_t arg_count, uint64_t wanted)
{
    CHECK_STEP(check_call_done(check, box, function, args, arg_count));
    CHECK(check, box->result.as.u64 == wanted, "%s() is 0x%llx, not 0x%llx", function,
          (unsigned long long)box->result.as.u64, (unsigned long long)wanted);
    return CHECK_OK;
}

enum check_outcome check_window_holds(struct check *check, struct check_box *box,
                                      const uint8_t *from, uint64_t bytes, uint64_t room)
{
    CHECK_STEP(check_window_number(check, box, "attached", WITHOUT, bytes));
    CHECK_STEP(check_window_number(check, box, "digest", WITHOUT, digest_of(from, bytes)));
    return check_window_number(check, box, "not_zero",
                               WITH(check_u64(bytes), check_u64(room - bytes)), 0);
}

enum check_outcome check_window_is_empty(struct check *check, struct check_box *box, uint64_t room)
{
    return check_window_holds(check, box, check_window_data, 0, room);
}
