/* SPDX-License-Identifier: Apache-2.0 */
/* Frames that lie: every field with every kind of wrong value, and bytes at random. */
#include "common/cleanup.h"
#include "sconce-guest-abi.h"
#include "tools/plugin-check/box.h"

#define FIELDS 14u /* of mutate() in the guest frames.elf; the last changes nothing */

/* What a frame may come to. Anything else is a host that believed a guest. */
static bool is_allowed(int code)
{
    switch (code) {
    case 0:
    case SCONCE_E_GUEST_PROTOCOL:
    case SCONCE_E_GUEST_FAILED:
    case SCONCE_E_GUEST_ABORT:
    case SCONCE_E_GUEST_FAULT:
    case SCONCE_E_LIMIT:
        return true;
    default:
        return false;
    }
}

/* After whatever happened: the sandbox can be put right, and answers. */
static enum check_outcome put_right(struct check *check, struct check_box *box, const char *what,
                                    int code)
{
    CHECK(check, is_allowed(code), "%s ended with %s: %s", what, sconce_error_name(code),
          box->err.text);
    if (code != 0)
        CHECK_STEP(check_error(check, &box->err, code, what));
    return check_box_recover(check, box);
}

static enum check_outcome check_untouched(struct check *check, struct check_box *box)
{
    static const struct {
        uint32_t doorbell;
        int code;
        const char *result;
    } cases[] = {
        {SCONCE_DOORBELL_READY, 0, "hello"},   {SCONCE_DOORBELL_HOST_CALL, 0, "went on"},
        {SCONCE_DOORBELL_PRINT, 0, "went on"}, {SCONCE_DOORBELL_ABORT, SCONCE_E_GUEST_ABORT, NULL},
        {0, SCONCE_E_GUEST_PROTOCOL, NULL},    {200, SCONCE_E_GUEST_PROTOCOL, NULL},
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code = check_call(
            box, "mutate", WITH(check_u32(cases[i].doorbell), check_u32(FIELDS - 1), check_u64(0)));

        CHECK(check, code == cases[i].code, "an untouched frame at doorbell %u gave %s: %s",
              cases[i].doorbell, code == 0 ? "success" : sconce_error_name(code), box->err.text);
        CHECK(check, code != 0 || check_is_text(&box->result, cases[i].result),
              "an untouched frame at doorbell %u gave \"%s\"", cases[i].doorbell,
              (const char *)box->result.as.span.data);
        CHECK_STEP(put_right(check, box, "mutate", code));
    }
    return CHECK_OK;
}

/* Every field behind every doorbell, with every value or with some of them. */
static enum check_outcome check_mutations(struct check *check)
{
    enum { DOORBELLS = SCONCE_DOORBELL_ABORT + 2, LIES = FIELDS - 1 };
    static const uint64_t values[] = {
        0,
        1,
        2,
        3,
        4,
        5,
        6,
        7,
        8,
        9,
        10,
        15,
        16,
        17,
        63,
        64,
        79,
        80,
        84,
        85,
        86,
        255,
        4096,
        65535,
        65536,
        4194303,
        4194304,
        4194305,
        0x7fffffff,
        0x80000000,
        0xfffffff0,
        0xffffffff,
        0x100000000,
        0x7fffffffffffffff,
        0x8000000000000000,
        0xfffffffffffffff0,
        UINT64_MAX,
    };
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    const unsigned value_count = sizeof values / sizeof values[0], pairs = DOORBELLS * LIES;
    unsigned each = check->setup->frames / pairs;
    unsigned count = 0, refused = 0;

    CHECK_STEP(check_box_open(check, &box, "frames.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    CHECK_STEP(check_untouched(check, &box));
    each = each < 1 ? 1 : each > value_count ? value_count : each;
    for (unsigned pair = 0; pair < pairs; pair++) {
        for (unsigned i = 0; i < each; i++) {
            /* Where one field stops the next goes on, so that all values are met. */
            const uint64_t value = values[(pair * each + i) % value_count];
            int code =
                check_call(&box, "mutate",
                           WITH(check_u32(pair / LIES), check_u32(pair % LIES), check_u64(value)));

            CHECK_STEP(put_right(check, &box, "mutate", code));
            refused += code == SCONCE_E_GUEST_PROTOCOL;
            count++;
        }
    }
    return check_note(check, "%u frames, %u of them refused", count, refused);
}

/* xorshift64: the same sequence in every run. */
static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static enum check_outcome check_random(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    uint64_t state = 0x5c0ce;
    uint8_t bytes[80];

    CHECK_STEP(check_box_open(check, &box, "frames.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (unsigned i = 0; i < check->setup->frames; i++) {
        uint32_t doorbell = (uint32_t)(next_random(&state) % 6);
        int code;

        for (size_t b = 0; b < sizeof bytes; b++) /* mostly small numbers: they get further */
            bytes[b] = next_random(&state) % 3 ? 0 : (uint8_t)next_random(&state);
        bytes[0] = (uint8_t)(next_random(&state) % 11);
        code = check_call(&box, "raw_frame",
                          WITH(check_u32(doorbell), sconce_bytes(bytes, sizeof bytes)));
        CHECK_STEP(put_right(check, &box, "raw_frame", code));
    }
    for (uint32_t byte = 0; byte < 256; byte += 17) {
        for (uint32_t doorbell = 0; doorbell < 6; doorbell++) {
            int code = check_call(&box, "filled_frame", WITH(check_u32(doorbell), check_u32(byte)));

            CHECK_STEP(put_right(check, &box, "filled_frame", code));
        }
    }
    return CHECK_OK;
}

/* Each of these is a protocol violation and nothing else. */
static enum check_outcome refuses(struct check *check, struct check_box *box, const char *function,
                                  const struct sconce_value *args, size_t arg_count)
{
    CHECK_STEP(check_call_ends(check, box, SCONCE_E_GUEST_PROTOCOL, SCONCE_STATE_POISONED, function,
                               args, arg_count));
    return check_box_recover(check, box);
}

static enum check_outcome check_values(struct check *check)
{
    static const char types[] = "nbiulmfdyxA";
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "frames.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (const char *type = types; *type; type++)
        CHECK_STEP(refuses(check, &box, "result_of_type", WITH(check_u32((uint32_t)*type))));
    CHECK_STEP(refuses(check, &box, "bool_of", WITH(check_u64(2))));
    CHECK_STEP(refuses(check, &box, "bool_of", WITH(check_u64(UINT64_MAX))));
    CHECK_STEP(refuses(check, &box, "i32_of", WITH(check_u64(1ull << 32))));
    CHECK_STEP(refuses(check, &box, "i32_of", WITH(check_u64(UINT64_MAX))));
    CHECK_STEP(check_call_done(check, &box, "i32_of", WITH(check_u64(0xffffffff))));
    for (uint32_t slots = 0; slots < 20; slots += slots == 0 ? 2 : 3) {
        CHECK_STEP(refuses(check, &box, "result_slots", WITH(check_u32(slots))));
        CHECK_STEP(refuses(check, &box, "host_call_slots", WITH(check_u32(slots))));
    }
    CHECK_STEP(refuses(check, &box, "bad_utf8_result", WITHOUT));
    return refuses(check, &box, "bad_utf8_argument", WITHOUT);
}

/* A guest that says where it wants to be resumed can only hurt itself. */
static enum check_outcome check_resume(struct check *check)
{
    static const uint64_t bad[] = {
        0, 8, 0x800000000, 0xfff000000, 0x800000000000, 0x8000000000000000, UINT64_MAX};
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "frames.elf", NULL));
    CHECK_STEP(check_box_keep_start(check, &box));
    for (size_t i = 0; i < 3 * (sizeof bad / sizeof bad[0]); i++) {
        uint64_t value = bad[i / 3];
        struct sconce_snapshot *snapshot = NULL;
        int code = check_call(&box, "resume_at",
                              WITH(check_u64(i % 3 == 0 ? value : 0x400000),
                                   check_u64(i % 3 == 1 ? value : 0x600000),
                                   check_u64(i % 3 == 2 ? value : 0)));

        CHECK(check, is_allowed(code), "resume_at ended with %s", sconce_error_name(code));
        if (code == 0 && sconce_sandbox_snapshot(box.sandbox, &snapshot, &box.err) == 0) {
            code = sconce_sandbox_restore(box.sandbox, snapshot, &box.err);
            if (code == 0)
                check_call(&box, "bad_utf8_print", WITHOUT);
            sconce_snapshot_free(snapshot);
        }
        if (sconce_sandbox_state(box.sandbox) == SCONCE_STATE_DEAD) {
            sconce_sandbox_free(box.sandbox);
            box.sandbox = NULL;
            CHECK(check, check_box_new(&box, NULL, &box.sandbox) == 0, "no new sandbox: %s",
                  box.err.text);
        }
        CHECK_STEP(check_box_recover(check, &box));
    }
    return check_call_done(check, &box, "bad_utf8_print", WITHOUT);
}

const struct check_row check_frames_rows[] = {
    {"frames.mutated", "every field of every frame may lie", CHECK_NEEDS_SANDBOX, check_mutations},
    {"frames.random", "bytes at random are no frame that the host believes", CHECK_NEEDS_SANDBOX,
     check_random},
    {"frames.values", "values of wrong type, range, number or encoding are refused",
     CHECK_NEEDS_SANDBOX, check_values},
    {"frames.resume", "a wrong place to resume at hurts only the guest", CHECK_NEEDS_SANDBOX,
     check_resume},
    {NULL, NULL, 0, NULL},
};
