/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/exit.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/attributes.h"

SCONCE_HOT void sconce_exit_clear(struct sconce_exit *ret_exit)
{
    if (ret_exit->size == sizeof *ret_exit) { /* the core's, mostly: no call of libc */
        *ret_exit = (struct sconce_exit){.size = sizeof *ret_exit};
        return;
    }
    memset((uint8_t *)ret_exit + sizeof ret_exit->size, 0, ret_exit->size - sizeof ret_exit->size);
}

void sconce_exit_fail(struct sconce_exit *ret_exit, uint32_t domain, int64_t code,
                      const char *format, ...)
{
    va_list args;

    ret_exit->kind = SCONCE_EXIT_FAIL;
    ret_exit->u.fail.domain = domain;
    ret_exit->u.fail.code = code;
    va_start(args, format);
    vsnprintf(ret_exit->u.fail.text, sizeof ret_exit->u.fail.text, format, args);
    va_end(args);
}
