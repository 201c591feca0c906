/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Each way in which a guest can go wrong: a fault with its kind, address, access and PC; terminal
 * until the reset; no harm to this VM after it, nor to the next one.
 */
#include "plugins/shared/tests/fault-rows.h"
#include "sconce-ext-fault.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* On every machine. Where the PC is no address of the row's it is that of the guest's label. */
static const struct fault_row rows[] = {
    MEMORY_AT(read_null, READ, 0),
    MEMORY_AT(write_null, WRITE, 0),
    MEMORY_AT(write_hole, WRITE, UNMAPPED_GPA),
    MEMORY_AT(write_code, WRITE, CODE_GPA),
    MEMORY(run_data, EXEC, DATA_GPA, DATA_GPA),
    MEMORY(run_hole, EXEC, UNMAPPED_GPA, UNMAPPED_GPA),
    OTHER_AT(undefined, ILLEGAL),
    OTHER_AT(breakpoint, BREAKPOINT),
    {0},
};

static void expect_row(const struct fault_row *row, const struct sconce_exit *exit)
{
    const struct sconce_exit_fault *fault = &exit->u.fault;
    uint64_t offset = row->at ? (uint64_t)(row->at - row->code) : row->pc;
    uint64_t pc = offset < SCONCE_MEM_GRANULE ? CODE_GPA + offset : offset;
    bool right = exit->kind == SCONCE_EXIT_FAULT;

    right = right && (row->kind == ANY_KIND || row->kind == fault->kind);
    right = right && (row->address == ANY ||
                      (row->address == fault->address && row->access == fault->access));
    right = right && (offset == ANY || pc == fault->pc);
    if (!right)
        fail_msg("%s: exit %u, kind %u, access %u, address 0x%llx, pc 0x%llx, detail 0x%llx",
                 row->name, exit->kind, fault->kind, fault->access,
                 (unsigned long long)fault->address, (unsigned long long)fault->pc,
                 (unsigned long long)fault->detail);
}

/* It does not run on; and the text says whether it could be made to, by sconce.fault/1. */
static void expect_terminal(struct sconce_plugin_vm *vm)
{
    const struct sconce_ext_fault *ext = plugin->get_extension(SCONCE_EXT_FAULT);
    struct sconce_exit exit = {.size = sizeof exit};
    char text[sizeof error.text];
    bool resumes;

    assert_int_equal(ops->vcpu_run(vm, &exit, fresh_error()), SCONCE_PLUGIN_E_INVALID);
    memcpy(text, error.text, sizeof text);
    resumes = ext->resume(vm, fresh_error()) == SCONCE_PLUGIN_OK;
    assert_string_equal(text, resumes
                                  ? "cannot run the guest: it faulted and was not reset"
                                  : "cannot run the guest: it stopped for good and was not reset");
}

/* As the row says, then terminal, then reset: the same VM and another one work. */
static void test_run_misbehaviour_is_a_fault(void **state)
{
    const struct fault_row *row = *state;
    struct fake_guest guest, other;
    struct sconce_exit exit;

    guest_new(&guest, row->code, row->end);
    guest_enter(&guest);

    guest_run(&guest, &exit);
    expect_row(row, &exit);

    expect_terminal(guest.vm);
    guest_reset(&guest);
    guest_load(&guest, CODE(bells));
    guest_enter(&guest);
    guest_expect_bell(&guest, 1);
    guest_new(&other, CODE(bells));
    guest_enter(&other);
    guest_expect_bell(&other, 1);
    guest_free(&other);
    guest_free(&guest);
}

static void test_describe_fault_names_a_real_page_fault(void **state)
{
    const struct sconce_ext_arch *arch = plugin->get_extension(SCONCE_EXT_ARCH);
    struct fake_guest guest;
    struct sconce_exit exit;
    char text[96];

    (void)state;
    guest_new(&guest, CODE(write_null));
    guest_enter(&guest);
    guest_run(&guest, &exit);

    arch->describe_fault(&exit.u.fault, text, sizeof text);

    if (strncmp(text, arch_write_null_text, strlen(arch_write_null_text)) != 0)
        fail_msg("it is described as \"%s\"", text);
    guest_free(&guest);
}

static struct CMUnitTest row_test(const struct fault_row *row)
{
    return (struct CMUnitTest){.name = row->name,
                               .test_func = test_run_misbehaviour_is_a_fault,
                               .initial_state = (void *)(uintptr_t)row};
}

/* Behind the @count tests there are. */
static size_t add_rows(struct CMUnitTest *tests, size_t count, const struct fault_row *more)
{
    for (; more->name; more++)
        tests[count++] = row_test(more);
    return count;
}

static size_t count_rows(const struct fault_row *more)
{
    size_t count = 0;

    while (more[count].name)
        count++;
    return count;
}

int main(int argc, char **argv)
{
    size_t count = 0, most = 1 + arch_test_count + count_rows(rows) + count_rows(arch_fault_rows) +
                             count_rows(own_fault_rows);
    struct CMUnitTest *tests = calloc(most, sizeof *tests);
    int status;

    if (!tests)
        return 2;
    for (size_t i = 0; i < arch_test_count; i++)
        tests[count++] = arch_tests[i];
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test(test_describe_fault_names_a_real_page_fault);
    count = add_rows(tests, count, rows);
    count = add_rows(tests, count, arch_fault_rows);
    count = add_rows(tests, count, own_fault_rows);
    status = fake_host_main(argc, argv, tests, count);
    free(tests);
    return status;
}
