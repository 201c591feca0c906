/* SPDX-License-Identifier: Apache-2.0 */
/* Typed calls: every type both ways to the bit, up to sixteen parameters, failures survived. */
#include <stdio.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "tools/plugin-check/box.h"

#define MIB (1u << 20)

/* A signalling and a quiet NaN with payload, a denormal, infinities, zeroes of both signs. */
static const uint32_t f32_bits[] = {0x7fc12345, 0xffa00001, 0x00000001, 0x7f800000,
                                    0xff800000, 0x80000000, 0x3f800000};
static const uint64_t f64_bits[] = {0x7ff8123456789abc, 0xfff4000000000001, 0x0000000000000001,
                                    0x7ff0000000000000, 0xfff0000000000000, 0x8000000000000000,
                                    0x3ff0000000000000};

static enum check_outcome echoes(struct check *check, struct check_box *box, const char *how,
                                 const char *type, struct sconce_value value)
{
    char function[64];

    snprintf(function, sizeof function, "%s_%s", how, type);
    CHECK_STEP(check_call_done(check, box, function, &value, 1));
    CHECK(check, check_same(&value, &box->result), "%s gave another value back", function);
    return CHECK_OK;
}

static enum check_outcome echo_numbers(struct check *check, struct check_box *box, const char *how)
{
    static const uint64_t words[] = {
        0,         1, 0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
        UINT64_MAX};

    CHECK_STEP(echoes(check, box, how, "bool", check_bool(false)));
    CHECK_STEP(echoes(check, box, how, "bool", check_bool(true)));
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        CHECK_STEP(echoes(check, box, how, "i32", sconce_i32((int32_t)(uint32_t)words[i])));
        CHECK_STEP(echoes(check, box, how, "u32", check_u32((uint32_t)words[i])));
        CHECK_STEP(echoes(check, box, how, "i64", sconce_i64((int64_t)words[i])));
        CHECK_STEP(echoes(check, box, how, "u64", check_u64(words[i])));
        CHECK_STEP(echoes(check, box, how, "long_long", sconce_i64((int64_t)words[i])));
        CHECK_STEP(echoes(check, box, how, "unsigned_long_long", check_u64(words[i])));
    }
    for (size_t i = 0; i < sizeof f32_bits / sizeof f32_bits[0]; i++)
        CHECK_STEP(echoes(check, box, how, "f32", check_f32(f32_bits[i])));
    for (size_t i = 0; i < sizeof f64_bits / sizeof f64_bits[0]; i++)
        CHECK_STEP(echoes(check, box, how, "f64", check_f64(f64_bits[i])));
    return CHECK_OK;
}

static enum check_outcome echo_spans(struct check *check, struct check_box *box, const char *how)
{
    SCONCE_CLEANUP(sconce_cleanup_free) uint8_t *big = malloc(MIB);

    CHECK(check, big, "no memory");
    CHECK_STEP(echoes(check, box, how, "string", sconce_string("")));
    CHECK_STEP(echoes(check, box, how, "string", sconce_string("gr\xc3\xbc\xc3\x9f dich")));
    CHECK_STEP(echoes(check, box, how, "string", check_text("a\0b\0", 4)));
    CHECK_STEP(echoes(check, box, how, "text", sconce_string("text")));
    CHECK_STEP(echoes(check, box, how, "bytes", sconce_bytes("", 0)));
    CHECK_STEP(echoes(check, box, how, "bytes", sconce_bytes("\xff\x00\xfe", 3)));
    for (size_t i = 0; i < MIB; i++)
        big[i] = (uint8_t)(i * 31 + (i >> 8));
    CHECK_STEP(echoes(check, box, how, "bytes", sconce_bytes(big, MIB)));
    for (size_t i = 0; i < MIB; i++)
        big[i] = (uint8_t)(' ' + i % 90);
    CHECK_STEP(echoes(check, box, how, "string", check_text(big, MIB)));
    CHECK(check, ((const char *)box->result.as.span.data)[MIB] == '\0',
          "no NUL follows the string");
    return CHECK_OK;
}

static enum check_outcome check_echo(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "nothing", WITHOUT));
    CHECK_STEP(echo_numbers(check, &box, "echo"));
    return echo_spans(check, &box, "echo");
}

static enum check_outcome check_echo_host(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "via_host_nothing", WITHOUT));
    CHECK(check, box.served == 1, "the host function ran %llu times",
          (unsigned long long)box.served);
    CHECK_STEP(echo_numbers(check, &box, "via_host"));
    return echo_spans(check, &box, "via_host");
}

static void mixed_arguments(struct sconce_value args[SCONCE_MAX_PARAMS])
{
    const struct sconce_value row[] = {
        check_bool(true),       sconce_i32(INT32_MIN),       check_u32(UINT32_MAX),
        sconce_i64(INT64_MIN),  check_u64(UINT64_MAX),       check_f32(f32_bits[0]),
        check_f64(f64_bits[0]), sconce_string("\xc3\xa4,x"), sconce_bytes("\x01\xff", 2)};

    for (size_t i = 0; i < SCONCE_MAX_PARAMS; i++)
        args[i] = row[i % 9];
}

static enum check_outcome check_mixed(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};
    struct sconce_value args[SCONCE_MAX_PARAMS];
    char function[32], told[512];

    mixed_arguments(args);
    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    for (size_t count = 0; count <= SCONCE_MAX_PARAMS; count++) {
        snprintf(function, sizeof function, "mixed%zu", count);
        CHECK_STEP(check_call_done(check, &box, function, args, count));
        check_tell(args, count, told, sizeof told);
        CHECK(check, check_is_text(&box.result, told), "%s said \"%s\", not \"%s\"", function,
              (const char *)box.result.as.span.data, told);
    }
    CHECK_STEP(check_call_done(check, &box, "via_host_mixed16", args, SCONCE_MAX_PARAMS));
    CHECK(check, check_is_text(&box.result, told), "via_host_mixed16 said \"%s\", not \"%s\"",
          (const char *)box.result.as.span.data, told);
    return CHECK_OK;
}

static enum check_outcome check_spans(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_call_done(check, &box, "reverse_string", WITH(sconce_string("a\xc3\xa4z"))));
    CHECK(check,
          check_is_text(&box.result, "z\xc3\xa4"
                                     "a"),
          "reverse_string is wrong");
    CHECK_STEP(check_call_done(check, &box, "concat",
                               WITH(sconce_string("left"), sconce_string(" right"))));
    CHECK(check, check_is_text(&box.result, "left right"), "concat is wrong");
    CHECK_STEP(check_call_done(check, &box, "length_to_nul", WITH(check_text("abc\0def", 7))));
    CHECK(check, box.result.as.u64 == 3, "length_to_nul gave %llu",
          (unsigned long long)box.result.as.u64);
    CHECK_STEP(check_call_done(check, &box, "repeat_byte", WITH(check_u32(0xa5), check_u64(MIB))));
    CHECK(check, box.result.as.span.length == MIB, "repeat_byte gave %zu bytes",
          box.result.as.span.length);
    CHECK_STEP(check_call_done(check, &box, "keep_arguments",
                               WITH(sconce_string("kept"), sconce_bytes("\x07", 1))));
    CHECK(check, check_is_text(&box.result, "kept,07,first,second"),
          "the arguments of a call did not survive its host calls: \"%s\"",
          (const char *)box.result.as.span.data);
    return CHECK_OK;
}

static enum check_outcome check_failures(struct check *check)
{
    SCONCE_CLEANUP(check_box_close) struct check_box box = {0};

    CHECK_STEP(check_box_open(check, &box, "types.elf", NULL));
    CHECK_STEP(check_call_ends(check, &box, SCONCE_E_GUEST_FAILED, SCONCE_STATE_READY, "fail_with",
                               WITH(sconce_i32(-7), sconce_string("no bread today"))));
    CHECK(check, box.err.guest_code == -7 && strstr(box.err.text, "no bread today"),
          "the failure's code and text are %d, \"%s\"", box.err.guest_code, box.err.text);
    CHECK_STEP(check_call_done(check, &box, "survive_host", WITH(sconce_i32(42))));
    CHECK(check, check_is_text(&box.result, "0:42:the host said no to 42"),
          "a failing host function looks so to the guest: \"%s\"",
          (const char *)box.result.as.span.data);
    return check_call_done(check, &box, "nothing", WITHOUT);
}

const struct check_row check_types_rows[] = {
    {"types.echo", "every type comes back to the bit", CHECK_NEEDS_SANDBOX, check_echo},
    {"types.host", "every type comes back from the host to the bit", CHECK_NEEDS_SANDBOX,
     check_echo_host},
    {"types.mixed", "0 to 16 mixed parameters arrive, both ways", CHECK_NEEDS_SANDBOX, check_mixed},
    {"types.spans", "strings and bytes are whole, and stay while the host is asked",
     CHECK_NEEDS_SANDBOX, check_spans},
    {"types.failures", "failures of guest and host are told, and survived", CHECK_NEEDS_SANDBOX,
     check_failures},
    {NULL, NULL, 0, NULL},
};
