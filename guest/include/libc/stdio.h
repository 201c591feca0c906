/* SPDX-License-Identifier: Apache-2.0 */
/* The part of <stdio.h> that the guest SDK has: printing to the host's print function, and into
 * buffers. sconce_printf() in <sconce/guest.h> says which conversions there are. */
#ifndef SCONCE_LIBC_STDIO_H
#define SCONCE_LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)

__attribute__((__format__(__printf__, 1, 2))) int printf(const char *format, ...);
__attribute__((__format__(__printf__, 1, 0))) int vprintf(const char *format, va_list args);
__attribute__((__format__(__printf__, 3, 4))) int snprintf(char *buffer, size_t size,
                                                           const char *format, ...);
__attribute__((__format__(__printf__, 3, 0))) int vsnprintf(char *buffer, size_t size,
                                                            const char *format, va_list args);
int puts(const char *text);
int putchar(int c);

#endif
