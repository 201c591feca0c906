/* SPDX-License-Identifier: Apache-2.0 */
/* arch/aarch64/table.c and syscalls.c: what the core is told of the architecture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <elf.h>

#include <cmocka.h>

#include "arch/aarch64/table.h"

static void test_arch_table_is_elfs(void **state)
{
    (void)state;
    assert_int_equal(sconce_a64_arch.size, sizeof(struct sconce_ext_arch));
    assert_int_equal(sconce_a64_arch.elf_machine, EM_AARCH64);
    assert_int_equal(sconce_a64_arch.reloc_relative, R_AARCH64_RELATIVE);
    assert_int_equal(sconce_a64_arch.page_bytes, 4096);
    assert_string_equal(sconce_a64_arch.name, "aarch64");
}

static void test_syscall_name_known_numbers(void **state)
{
    (void)state;
    assert_string_equal(sconce_a64_arch.syscall_name(0), "io_setup");
    assert_string_equal(sconce_a64_arch.syscall_name(63), "read");
    assert_string_equal(sconce_a64_arch.syscall_name(64), "write");
    assert_string_equal(sconce_a64_arch.syscall_name(79), "newfstatat");
    assert_string_equal(sconce_a64_arch.syscall_name(94), "exit_group");
    assert_string_equal(sconce_a64_arch.syscall_name(222), "mmap");
    assert_string_equal(sconce_a64_arch.syscall_name(278), "getrandom");
}

static void test_syscall_name_unknown_numbers_have_none(void **state)
{
    (void)state;
    assert_null(sconce_a64_arch.syscall_name(244)); /* a hole in the list: the architectures' own */
    assert_null(sconce_a64_arch.syscall_name(100000));
    assert_null(sconce_a64_arch.syscall_name(UINT64_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arch_table_is_elfs),
        cmocka_unit_test(test_syscall_name_known_numbers),
        cmocka_unit_test(test_syscall_name_unknown_numbers_have_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
