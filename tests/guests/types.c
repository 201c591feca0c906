/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every type in both directions, every number of parameters, failures that both sides survive.
 * All calls succeed but fail_with and the too_large ones, which are GUEST_FAILED.
 */
#include <string.h>

#include <sconce/guest.h>

/* ---- One of each type: back as it came, directly and by way of the host ---------------------- */

#define ECHO(name, type)                                                                           \
    SCONCE_IMPORT(type, host_echo_##name, (type value));                                           \
    SCONCE_EXPORT(type, echo_##name, (type value))                                                 \
    {                                                                                              \
        return value;                                                                              \
    }                                                                                              \
    SCONCE_EXPORT(type, via_host_##name, (type value))                                             \
    {                                                                                              \
        return host_echo_##name(value);                                                            \
    }                                                                                              \
    _Static_assert(1, "")

ECHO(bool, bool);
ECHO(i32, int32_t);
ECHO(u32, uint32_t);
ECHO(i64, int64_t);
ECHO(u64, uint64_t);
ECHO(f32, float);
ECHO(f64, double);
ECHO(string, sconce_str);
ECHO(bytes, sconce_bytes);

/* Types that share a letter with another one. */
ECHO(text, const char *);
ECHO(long_long, long long);
ECHO(unsigned_long_long, unsigned long long);

SCONCE_IMPORT(void, host_nothing, (void));
SCONCE_EXPORT(void, nothing, (void))
{
}
SCONCE_EXPORT(void, via_host_nothing, (void))
{
    host_nothing();
}

/* ---- 0 to 16 mixed parameters, told back as text: "1,-2,3,..." ------------------------------- */

/* Floating-point values as their bits in hexadecimal, bytes in hexadecimal. */
static struct {
    char *text;
    size_t length, room;
} told;

static void tell(const char *piece, size_t length)
{
    if (told.length + length > told.room)
        sconce_abort("the text does not fit");
    memcpy(told.text + told.length, piece, length);
    told.length += length;
}

static void tell_str(sconce_str value)
{
    tell(value.data, value.length);
}

static void tell_bool(bool value)
{
    tell_str(sconce_format("%d", value));
}

static void tell_i32(int32_t value)
{
    tell_str(sconce_format("%d", value));
}

static void tell_u32(uint32_t value)
{
    tell_str(sconce_format("%u", value));
}

static void tell_i64(int64_t value)
{
    tell_str(sconce_format("%lld", (long long)value));
}

static void tell_u64(uint64_t value)
{
    tell_str(sconce_format("%llu", (unsigned long long)value));
}

static void tell_f32(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof bits);
    tell_str(sconce_format("%08x", bits));
}

static void tell_f64(double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof bits);
    tell_str(sconce_format("%016llx", (unsigned long long)bits));
}

static void tell_bytes(sconce_bytes value)
{
    for (size_t i = 0; i < value.length; i++)
        tell_str(sconce_format("%02x", ((const unsigned char *)value.data)[i]));
}

/* clang-format off */
#define TELL(value)                                                                                \
    _Generic((value),                                                                              \
             bool: tell_bool,                                                                      \
             int32_t: tell_i32,                                                                    \
             uint32_t: tell_u32,                                                                   \
             int64_t: tell_i64,                                                                    \
             uint64_t: tell_u64,                                                                   \
             float: tell_f32,                                                                      \
             double: tell_f64,                                                                     \
             sconce_str: tell_str,                                                                 \
             sconce_bytes: tell_bytes)(value),                                                     \
        tell(",", 1)
/* clang-format on */

static void begin(void)
{
    told.room = 1 << 16;
    told.text = sconce_alloc(told.room);
    told.length = 0;
}

static sconce_str end(void)
{
    return (sconce_str){told.text, told.length ? told.length - 1 : 0};
}

/* Parameter k has the type that is k-th in this row, which starts again after the ninth. */
#define P1 bool a
#define P2 P1, int32_t b
#define P3 P2, uint32_t c
#define P4 P3, int64_t d
#define P5 P4, uint64_t e
#define P6 P5, float f
#define P7 P6, double g
#define P8 P7, sconce_str h
#define P9 P8, sconce_bytes i
#define P10 P9, bool j
#define P11 P10, int32_t k
#define P12 P11, uint32_t l
#define P13 P12, int64_t m
#define P14 P13, uint64_t n
#define P15 P14, float o
#define P16 P15, double p
#define T1 TELL(a)
#define T2 T1, TELL(b)
#define T3 T2, TELL(c)
#define T4 T3, TELL(d)
#define T5 T4, TELL(e)
#define T6 T5, TELL(f)
#define T7 T6, TELL(g)
#define T8 T7, TELL(h)
#define T9 T8, TELL(i)
#define T10 T9, TELL(j)
#define T11 T10, TELL(k)
#define T12 T11, TELL(l)
#define T13 T12, TELL(m)
#define T14 T13, TELL(n)
#define T15 T14, TELL(o)
#define T16 T15, TELL(p)

#define MIXED(count)                                                                               \
    SCONCE_EXPORT(sconce_str, mixed##count, (P##count))                                            \
    {                                                                                              \
        begin();                                                                                   \
        T##count;                                                                                  \
        return end();                                                                              \
    }                                                                                              \
    _Static_assert(1, "")

SCONCE_EXPORT(sconce_str, mixed0, (void))
{
    return SCONCE_STR("");
}
MIXED(1);
MIXED(2);
MIXED(3);
MIXED(4);
MIXED(5);
MIXED(6);
MIXED(7);
MIXED(8);
MIXED(9);
MIXED(10);
MIXED(11);
MIXED(12);
MIXED(13);
MIXED(14);
MIXED(15);
MIXED(16);

SCONCE_IMPORT(sconce_str, host_mixed16, (P16));
SCONCE_EXPORT(sconce_str, via_host_mixed16, (P16))
{
    return host_mixed16(a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p);
}

SCONCE_EXPORT(int64_t, sum16,
              (int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g,
               int64_t h, int64_t i, int64_t j, int64_t k, int64_t l, int64_t m, int64_t n,
               int64_t o, int64_t p))
{
    return a + b + c + d + e + f + g + h + i + j + k + l + m + n + o + p;
}

/* ---- Strings and bytes ----------------------------------------------------------------------- */

/* The call fails with code 12 when there is no memory. */
static void *alloc_or_fail(size_t bytes)
{
    void *memory = sconce_alloc(bytes);

    if (!memory)
        sconce_fail(12, "no memory for %zu bytes", bytes);
    return memory;
}

/* By characters: the result is UTF-8 as well. */
SCONCE_EXPORT(sconce_str, reverse_string, (sconce_str text))
{
    char *reversed = alloc_or_fail(text.length);
    size_t end_of_character = text.length, to = 0;

    if (!reversed)
        return SCONCE_STR("");
    for (size_t at = text.length; at-- > 0;) {
        if (((unsigned char)text.data[at] & 0xc0) == 0x80)
            continue;
        memcpy(reversed + to, text.data + at, end_of_character - at);
        to += end_of_character - at;
        end_of_character = at;
    }
    return (sconce_str){reversed, to};
}

SCONCE_EXPORT(sconce_bytes, reverse_bytes, (sconce_bytes bytes))
{
    unsigned char *reversed = alloc_or_fail(bytes.length);

    if (!reversed)
        return (sconce_bytes){NULL, 0};
    for (size_t i = 0; i < bytes.length; i++)
        reversed[i] = ((const unsigned char *)bytes.data)[bytes.length - 1 - i];
    return (sconce_bytes){reversed, bytes.length};
}

SCONCE_EXPORT(sconce_str, concat, (sconce_str a, sconce_str b))
{
    char *text = alloc_or_fail(a.length + b.length);

    if (!text)
        return SCONCE_STR("");
    memcpy(text, a.data, a.length);
    memcpy(text + a.length, b.data, b.length);
    return (sconce_str){text, a.length + b.length};
}

/* A NUL follows every string argument: strlen counts up to the first. */
SCONCE_EXPORT(uint64_t, length_to_nul, (sconce_str text))
{
    return strlen(text.data);
}

SCONCE_EXPORT(sconce_bytes, repeat_byte, (uint32_t byte, uint64_t count))
{
    unsigned char *bytes = alloc_or_fail(count);

    if (!bytes)
        return (sconce_bytes){NULL, 0};
    memset(bytes, (int)byte, count);
    return (sconce_bytes){bytes, count};
}

/* The arguments are still there after the host has answered. */
SCONCE_EXPORT(sconce_str, keep_arguments, (sconce_str a, sconce_bytes b))
{
    sconce_str first = host_echo_string(SCONCE_STR("first")), second;

    second = host_echo_string(SCONCE_STR("second"));
    begin();
    TELL(a);
    TELL(b);
    TELL(first);
    TELL(second);
    return end();
}

/* ---- Failures -------------------------------------------------------------------------------- */

/* GUEST_FAILED with this code and text. */
SCONCE_EXPORT(sconce_str, fail_with, (int32_t code, const char *text))
{
    sconce_fail(code, "%s", text);
    return SCONCE_STR("dropped");
}

/* The host function fails with the code; the guest survives and says "code:text". */
SCONCE_IMPORT(int32_t, host_fail, (int32_t code));
SCONCE_EXPORT(sconce_str, survive_host, (int32_t code))
{
    int32_t result = host_fail(code);

    return sconce_format("%d:%d:%s", result, sconce_host_failed(), sconce_host_error());
}

/* GUEST_FAILED, code -1: a result larger than the buffer (give a size above limits.io_bytes). */
SCONCE_EXPORT(sconce_bytes, too_large_result, (uint64_t bytes))
{
    void *memory = alloc_or_fail(bytes);

    return (sconce_bytes){memory, memory ? bytes : 0};
}

/* The argument is larger than the buffer: the host is not asked, the guest says "-1:...". */
SCONCE_EXPORT(sconce_str, too_large_argument, (uint64_t bytes))
{
    void *memory = alloc_or_fail(bytes);

    if (memory)
        host_echo_bytes((sconce_bytes){memory, bytes});
    return sconce_format("%d:%s", sconce_host_failed(), sconce_host_error());
}
