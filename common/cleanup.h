/* SPDX-License-Identifier: Apache-2.0 */
/* Scope-bound clean-up: SCONCE_CLEANUP(fn) on a local, SCONCE_STEAL() to hand it over. */
#ifndef SCONCE_COMMON_CLEANUP_H
#define SCONCE_COMMON_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

/* @fn takes a pointer to the variable, runs when it leaves scope, and must accept its empty value.
 */
#define SCONCE_CLEANUP(fn) __attribute__((cleanup(fn)))

/* The value of @lvalue, which becomes NULL: success moves ownership to the caller. */
#define SCONCE_STEAL(lvalue)                                                                       \
    __extension__({                                                                                \
        __typeof__(lvalue) stolen_ = (lvalue);                                                     \
        (lvalue) = NULL;                                                                           \
        stolen_;                                                                                   \
    })

static inline void sconce_cleanup_free(void *variable)
{
    free(*(void **)variable);
}

static inline void sconce_cleanup_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

/* The descriptor in @fd, which becomes -1. */
static inline int sconce_steal_fd(int *fd)
{
    int stolen = *fd;

    *fd = -1;
    return stolen;
}

#endif
