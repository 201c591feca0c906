/* SPDX-License-Identifier: Apache-2.0 */
/* <assert.h>: a failed assertion ends the guest with its text. No guard: NDEBUG may differ at each
 * inclusion. */
#undef assert
#ifdef NDEBUG
#define assert(expression) ((void)0)
#else
#define assert(expression)                                                                         \
    ((expression) ? (void)0 : sconce_assert_failed(#expression, __FILE__, __LINE__, __func__))
#endif

#ifndef SCONCE_LIBC_ASSERT_H
#define SCONCE_LIBC_ASSERT_H

#define static_assert _Static_assert

__attribute__((__noreturn__)) void sconce_assert_failed(const char *expression, const char *file,
                                                        int line, const char *function);

#endif
