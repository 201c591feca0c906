/* SPDX-License-Identifier: Apache-2.0 */
/* Limits: each is hit, named, and survived by restoring. */
#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

#define MS 1000000ull

/* A call that must end at @limit, and the recovery from that. */
static enum check_outcome ends_at(struct check *check, struct check_box *box, uint32_t limit,
                                  const char *function, const struct sconce_value *args,
                                  size_t arg_count)
{
    CHECK_STEP(check_call_ends(check, box, SCONCE_E_LIMIT, SCONCE_STATE_POISONED, function, args,
                               arg_count));
    CHECK(check, box->err.limit == limit, "%s ended at limit %u, not %u: %s", function,
          box->err.limit, limit, box->err.text);
    return check_box_recover(check, box);
}

static enum check_outcome open_hang(struct check *check, struct check_box *box,
                                    const struct sconce_limits *limits)
{
    CHECK_STEP(check_box_open(check, box, "hang.elf", limits));
    return check_box_keep_start(check, box);
}

static enum check_outcome works(struct check *check, struct check_box *box)
{
    CHECK_STEP(check_call_done(check, box, "work", WITH(check_u64(100))));
    CHECK(check, box->result.as.u64 == 100, "work() is wrong");
    return CHECK_OK;
}

static enum check_outcome check_deadline(struct check *check)
{
    static const char *const functions[] = {"spin", "spin_in_memory", "print_nothing_forever"};
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * MS,
                                         .output_bytes = UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_hang(check, &box, &limits));
    for (int round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
            CHECK_STEP(ends_at(check, &box, SCONCE_LIMIT_DEADLINE, functions[i], WITHOUT));
            CHECK_STEP(works(check, &box));
        }
    }
    return CHECK_OK;
}

/* Machine code that is hard to interrupt, or that leaves the guest all the time. */
static enum check_outcome check_deadline_machine(struct check *check)
{
    static const char *const functions[] = {"jump_to_self", "pause_forever", "identify_forever"};
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * MS};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "faults.elf", &limits));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++)
        CHECK_STEP(ends_at(check, &box, SCONCE_LIMIT_DEADLINE, functions[i], WITHOUT));
    return CHECK_OK;
}

static enum check_outcome check_output(struct check *check)
{
    const struct sconce_limits limits = {.output_bytes = 1000};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_hang(check, &box, &limits));
    CHECK_STEP(ends_at(check, &box, SCONCE_LIMIT_OUTPUT, "print_forever", WITHOUT));
    CHECK(check, box.printed_bytes <= 1000, "%llu bytes were printed",
          (unsigned long long)box.printed_bytes);
    return works(check, &box);
}

static enum check_outcome check_host_calls(struct check *check)
{
    const struct sconce_limits limits = {.host_calls = 50};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(open_hang(check, &box, &limits));
    CHECK_STEP(ends_at(check, &box, SCONCE_LIMIT_HOST_CALLS, "call_host_forever", WITHOUT));
    CHECK(check, box.served == 50, "%llu host calls were served", (unsigned long long)box.served);
    for (int i = 0; i < 3; i++) /* of one call, not of the sandbox */
        CHECK_STEP(check_call_done(check, &box, "call_host", WITH(check_u32(50))));
    return ends_at(check, &box, SCONCE_LIMIT_HOST_CALLS, "call_host", WITH(check_u32(51)));
}

static enum check_outcome check_traps(struct check *check)
{
    const struct sconce_limits limits = {.traps = 50};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    if (!(check->setup->probe.caps & SCONCE_CAP_SYSCALL_EXITS))
        return check_skip(check, "it does not declare syscall_exits");
    CHECK_STEP(check_box_open(check, &box, "faults.elf", &limits));
    CHECK_STEP(check_box_keep_start(check, &box));
    return ends_at(check, &box, SCONCE_LIMIT_TRAPS, "syscall_forever", WITHOUT);
}

static enum check_outcome check_buffers(struct check *check)
{
    const struct sconce_limits limits = {.io_bytes = 1u << 20, .heap_bytes = 16u << 20};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    static uint8_t large[(1u << 20) + 1];

    CHECK_STEP(check_box_open(check, &box, "types.elf", &limits));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_LIMIT, SCONCE_STATE_READY, "echo_bytes",
                               WITH(sconce_bytes(large, sizeof large))));
    CHECK(check, box.err.limit == SCONCE_LIMIT_IO, "it ended at limit %u", box.err.limit);
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAILED, SCONCE_STATE_READY,
                               "too_large_result", WITH(check_u64(sizeof large))));
    CHECK_STEP(check_call_done(check, &box, "too_large_argument", WITH(check_u64(sizeof large))));
    CHECK(check, strncmp(box.result.as.span.data, "-1:", 3) == 0, "too_large_argument: \"%s\"",
          (const char *)box.result.as.span.data);
    return check_call_done(check, &box, "echo_bytes", WITH(sconce_bytes(large, 1000000)));
}

static enum check_outcome check_heap(struct check *check)
{
    const struct sconce_limits limits = {.heap_bytes = 1u << 20, .deadline_ns = UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint64_t blocks;

    CHECK_STEP(check_box_open(check, &box, "heap.elf", &limits));
    CHECK_STEP(check_call_done(check, &box, "exhaust", WITH(check_u64(1000))));
    blocks = box.result.as.u64;
    CHECK(check, blocks > 500 && blocks <= 1048, "%llu blocks of 1000 bytes in 1 MiB",
          (unsigned long long)blocks);
    CHECK_STEP(check_call_done(check, &box, "exhaust", WITH(check_u64(1000))));
    CHECK(check, box.result.as.u64 == blocks, "then %llu, before %llu",
          (unsigned long long)box.result.as.u64, (unsigned long long)blocks);
    CHECK_STEP(check_call_done(check, &box, "impossible", WITHOUT));
    return check_call_done(check, &box, "churn", WITH(check_u64(1), check_u32(2000)));
}

/* Guests that do not come to READY: no sandbox, and a reason. */
static enum check_outcome check_start(struct check *check)
{
    static const struct {
        const char *file;
        int code;
        uint32_t limit;
    } cases[] = {
        {"start-hang.elf", SCONCE_E_LIMIT, SCONCE_LIMIT_DEADLINE},
        {"start-fault.elf", SCONCE_E_GUEST_FAULT, 0},
        {"start-abort.elf", SCONCE_E_GUEST_ABORT, 0},
        {"start-main-fails.elf", SCONCE_E_GUEST_ABORT, 0},
    };
    const struct sconce_limits limits = {.deadline_ns = check->setup->deadline_ms * MS};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
        int code;

        CHECK_STEP(check_box_load(check, &box, cases[i].file));
        code = check_box_new(&box, &limits, &box.sandbox);
        CHECK(check, code == cases[i].code, "%s gave %s: %s", cases[i].file,
              code == 0 ? "success" : sconce_error_name(code), box.err.text);
        CHECK_STEP(check_error(check, &box.err, code, cases[i].file));
        CHECK(check, box.err.limit == cases[i].limit, "%s ended at limit %u", cases[i].file,
              box.err.limit);
        CHECK(check, !box.sandbox, "%s gave a sandbox", cases[i].file);
    }
    return CHECK_OK;
}

const struct check_row check_limits_rows[] = {
    {"limits.deadline", "the deadline ends what does not end", CHECK_NEEDS_SANDBOX, check_deadline},
    {"limits.machine", "the deadline ends the machine's own loops", CHECK_NEEDS_SANDBOX,
     check_deadline_machine},
    {"limits.output", "printing ends at its limit", CHECK_NEEDS_SANDBOX, check_output},
    {"limits.host-calls", "host calls end at their limit, in each call", CHECK_NEEDS_SANDBOX,
     check_host_calls},
    {"limits.traps", "system calls end at their limit", CHECK_NEEDS_SANDBOX, check_traps},
    {"limits.buffers", "what does not fit the buffers is refused on either side",
     CHECK_NEEDS_SANDBOX, check_buffers},
    {"limits.heap", "an exhausted heap is the guest's affair", CHECK_NEEDS_SANDBOX, check_heap},
    {"limits.start", "a guest that does not become ready gives no sandbox", CHECK_NEEDS_SANDBOX,
     check_start},
    {NULL, NULL, 0, NULL},
};
