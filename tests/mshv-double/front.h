/* SPDX-License-Identifier: Apache-2.0 */
/* For the files whose functions stand in the place of libc's: the next one of the same name, which
 * has what is not ours. Some of them are points where a thread can be cancelled. */
#ifndef MSHV_DOUBLE_FRONT_H
#define MSHV_DOUBLE_FRONT_H

#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#define IN_ITS_PLACE __attribute__((visibility("default")))

#define NEXT(name)                                                                                 \
    __extension__({                                                                                \
        static void *kept;                                                                         \
        void *found = __atomic_load_n(&kept, __ATOMIC_ACQUIRE);                                    \
        __typeof__(&(name)) function;                                                              \
                                                                                                   \
        if (!found) {                                                                              \
            found = dlsym(RTLD_NEXT, #name);                                                       \
            __atomic_store_n(&kept, found, __ATOMIC_RELEASE);                                      \
        }                                                                                          \
        memcpy(&function, &found, sizeof function);                                                \
        function;                                                                                  \
    })

static inline long double_front_result(long r)
{
    if (r >= 0 || r < -4095)
        return r;
    errno = (int)-r;
    return -1;
}

#endif
