/* SPDX-License-Identifier: Apache-2.0 */
/* One function of each shape that the tests of the program need; no imports. */
#include <sconce/guest.h>

#define ECHO(name, type)                                                                           \
    SCONCE_EXPORT(type, name, (type value))                                                        \
    {                                                                                              \
        return value;                                                                              \
    }                                                                                              \
    _Static_assert(1, "")

ECHO(echo_bool, bool);
ECHO(echo_i32, int32_t);
ECHO(echo_u32, uint32_t);
ECHO(echo_i64, int64_t);
ECHO(echo_u64, uint64_t);
ECHO(echo_f32, float);
ECHO(echo_f64, double);
ECHO(echo_string, sconce_str);
ECHO(echo_bytes, sconce_bytes);

SCONCE_EXPORT(int32_t, add, (int32_t a, int32_t b))
{
    return (int32_t)((uint32_t)a + (uint32_t)b);
}

/* What --window attaches. */
SCONCE_EXPORT(sconce_bytes, windowed, (void))
{
    size_t bytes;
    const void *at = sconce_window(&bytes);

    return (sconce_bytes){at, bytes};
}

SCONCE_EXPORT(void, say, (sconce_str text))
{
    sconce_printf("%s\n", text.data);
}

SCONCE_EXPORT(void, fail, (int32_t code, sconce_str text))
{
    sconce_fail(code, "%s", text.data);
}

SCONCE_EXPORT(void, give_up, (void))
{
    sconce_abort("the guest is \x1b[1mtired");
}

SCONCE_EXPORT(void, write_null, (void))
{
    volatile int *volatile nothing = (volatile int *)16;

    *nothing = 1;
}

SCONCE_EXPORT(void, spin, (void))
{
    sconce_printf("spinning\n");
    for (;;)
        __asm__ volatile("");
}

SCONCE_EXPORT(void, flood, (void))
{
    for (;;)
        sconce_printf("0123456789abcdef\n");
}
