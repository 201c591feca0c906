/* SPDX-License-Identifier: Apache-2.0 */
/* test-inherited.c for x86_64. */
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <asm/ldt.h>

#include "plugins/shared/process/tests/guests.h"
#include "plugins/shared/tests/x86_64/code.h"
#include "sconce-ext-lifecycle.h"

/* Its number is 1 when ZF was set by what stands before. */
#define BELL_OF_ZF "setz %al\nout %al, $0x5c\n"

GUEST(read_segment, "mov $7, %eax\nlsl %ax, %ecx\n" BELL_OF_ZF);

static struct fake_guest guest;

static int without_zygote(void **state)
{
    const struct sconce_ext_lifecycle *life = plugin->get_extension(SCONCE_EXT_LIFECYCLE);

    (void)state;
    life->release();
    return 0;
}

static void test_host_with_segments_does_not_give_them_to_guests(void **state)
{
    struct user_desc segment = {.base_addr = 0x1000, .limit = 0xfff, .seg_32bit = 1, .useable = 1};

    (void)state;
    if (syscall(SYS_modify_ldt, 0x11, &segment, sizeof segment))
        skip(); /* a kernel without */
    guest_new(&guest, guest_read_segment, guest_read_segment_end);
    guest_enter(&guest);
    memset(&segment, 0, sizeof segment);
    segment.read_exec_only = segment.seg_not_present = 1;
    assert_int_equal(syscall(SYS_modify_ldt, 0x11, &segment, sizeof segment), 0);
    guest_expect_bell(&guest, 0);
    guest_free(&guest);
}

const struct CMUnitTest arch_tests[] = {
    cmocka_unit_test_setup(test_host_with_segments_does_not_give_them_to_guests, without_zygote),
};
const size_t arch_test_count = sizeof arch_tests / sizeof arch_tests[0];
