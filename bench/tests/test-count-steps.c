/* SPDX-License-Identifier: Apache-2.0 */
/* bench/count-steps.c: every instruction counts once, a system call once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/syscall.h>
#include <unistd.h>

#include "bench/count-steps.h"

/* steps_loop(count) - 3 instructions, and 2 for each turn; returns 7. steps_call - 3. */
__asm__(".pushsection .text\n"
        "steps_loop:\n"
        "    mov (%rdi), %rcx\n"
        "1:  dec %rcx\n"
        "    jnz 1b\n"
        "    mov $7, %eax\n"
        "    ret\n"
        "steps_call:\n"
        "    mov $39, %eax\n" /* getpid */
        "    syscall\n"
        "    ret\n"
        ".popsection\n");
int steps_loop(void *ctx);
int steps_call(void *ctx);

static void test_count_steps_of_a_loop_counts_each_turn(void **state)
{
    uint64_t turns = 100;
    int result;

    (void)state;
    assert_int_equal(count_steps(steps_loop, &turns, &result), 1 + 3 + 2 * turns);
    assert_int_equal(result, 7);
}

/* The flag is off in the kernel, and set again for what comes behind. */
static void test_count_steps_with_a_system_call_counts_it_and_the_next_as_one(void **state)
{
    int result;

    (void)state;
    assert_in_range(count_steps(steps_call, NULL, &result), 1 + 2, 1 + 3);
    assert_int_equal(result, getpid());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_count_steps_of_a_loop_counts_each_turn),
        cmocka_unit_test(test_count_steps_with_a_system_call_counts_it_and_the_next_as_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
