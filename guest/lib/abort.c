/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The small C library's ways to give up. Not for guests that bring a C library of their own.
 */
#include <assert.h>
#include <stdlib.h>

#include "internal.h"

void abort(void)
{
    sconce_abort("abort() was called");
}

void sconce_assert_failed(const char *expression, const char *file, int line, const char *function)
{
    sconce_abort("%s:%d: %s: assertion failed: %s", file, line, function, expression);
}
