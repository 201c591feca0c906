/* SPDX-License-Identifier: Apache-2.0 */
/* The part of <stdlib.h> that the guest SDK has. Results of malloc are aligned to 16 bytes; abort()
 * ends the sandbox's guest as sconce_abort() does. */
#ifndef SCONCE_LIBC_STDLIB_H
#define SCONCE_LIBC_STDLIB_H

#include <stddef.h>

#define EXIT_SUCCESS 0
#define EXIT_FAILURE 1

__attribute__((__malloc__, __alloc_size__(1))) void *malloc(size_t bytes);
__attribute__((__malloc__, __alloc_size__(1, 2))) void *calloc(size_t count, size_t bytes);
__attribute__((__alloc_size__(2))) void *realloc(void *memory, size_t bytes);
void free(void *memory);
__attribute__((__noreturn__)) void abort(void);

#endif
