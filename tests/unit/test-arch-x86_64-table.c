/* SPDX-License-Identifier: Apache-2.0 */
/* arch/x86_64/table.c and syscalls.c: what the core is told of the architecture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <elf.h>

#include <cmocka.h>

#include "arch/x86_64/table.h"

static void test_arch_table_is_elfs(void **state)
{
    (void)state;
    assert_int_equal(sconce_x86_arch.size, sizeof(struct sconce_ext_arch));
    assert_int_equal(sconce_x86_arch.elf_machine, EM_X86_64);
    assert_int_equal(sconce_x86_arch.reloc_relative, R_X86_64_RELATIVE);
    assert_int_equal(sconce_x86_arch.page_bytes, 4096);
    assert_string_equal(sconce_x86_arch.name, "x86_64");
}

static void test_syscall_name_known_numbers(void **state)
{
    (void)state;
    assert_string_equal(sconce_x86_arch.syscall_name(0), "read");
    assert_string_equal(sconce_x86_arch.syscall_name(1), "write");
    assert_string_equal(sconce_x86_arch.syscall_name(158), "arch_prctl");
    assert_string_equal(sconce_x86_arch.syscall_name(231), "exit_group");
    assert_string_equal(sconce_x86_arch.syscall_name(318), "getrandom");
}

static void test_syscall_name_unknown_numbers_have_none(void **state)
{
    (void)state;
    assert_null(sconce_x86_arch.syscall_name(335)); /* a hole in the list */
    assert_null(sconce_x86_arch.syscall_name(100000));
    assert_null(sconce_x86_arch.syscall_name(UINT64_MAX));
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
