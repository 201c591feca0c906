/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/tests/ioctl-count.h"

#include <dlfcn.h>
#include <sys/ioctl.h>

static unsigned ioctl_calls;

__attribute__((visibility("default"))) int ioctl(int fd, unsigned long request, ...)
{
    static int (*real)(int, unsigned long, void *);
    va_list args;
    void *argument;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "ioctl");
    va_start(args, request);
    argument = va_arg(args, void *);
    va_end(args);
    ioctl_calls++;
    return real(fd, request, argument);
}

unsigned ioctl_count(void)
{
    return ioctl_calls;
}

void expect_doorbell_ioctls(unsigned count)
{
    struct fake_guest guest;
    unsigned before;

    guest_new(&guest, CODE(bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);

    before = ioctl_calls;
    guest_expect_bell(&guest, 200);

    assert_int_equal(ioctl_calls - before, count);
    guest_free(&guest);
}
