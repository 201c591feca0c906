/* SPDX-License-Identifier: Apache-2.0 */
/* mshv-x86_64 on this machine's hypervisor, or on what plays it: what it costs, and what it does
 * not promise. */
#include "plugins/shared/tests/ioctl-count.h"
#include "plugins/shared/tests/x86_64/code.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void test_run_doorbell_takes_one_ioctl_or_two(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};

    (void)state;
    assert_ok(ops->probe(&probe, fresh_error()));
    expect_doorbell_ioctls(strstr(probe.description, "no register page") ? 2 : 1);
}

static void test_probe_promises_no_memory_that_follows(void **state)
{
    struct sconce_probe probe = {.size = sizeof probe};

    (void)state;
    assert_ok(ops->probe(&probe, fresh_error()));
    assert_int_equal(probe.caps & (SCONCE_CAP_FOLLOWS_HOST_MM | SCONCE_CAP_COW_CLONE |
                                   SCONCE_CAP_LAZY_MEMORY | SCONCE_CAP_DYNAMIC_MAP),
                     0);
    assert_int_equal(probe.kick_style, SCONCE_KICK_RESIGNAL);
}

/* Besides own memory and the register page, which are mappings. */
static void test_create_costs_two_descriptors(void **state)
{
    struct fake_guest guest;
    unsigned fds;

    (void)state;
    guest_new(&guest, CODE(bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    fds = count_fds();
    ops->vm_destroy(guest.vm);
    assert_int_equal(fds - count_fds(), 2);
    munmap(guest.host, GUEST_BYTES);
    close(guest.memfd);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_doorbell_takes_one_ioctl_or_two),
        cmocka_unit_test(test_probe_promises_no_memory_that_follows),
        cmocka_unit_test(test_create_costs_two_descriptors),
    };

    return fake_host_main(argc, argv, tests, sizeof tests / sizeof tests[0]);
}
