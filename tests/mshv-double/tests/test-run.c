/* SPDX-License-Identifier: Apache-2.0 */
/* RUN_VP and its messages, by code that runs. */
#include "client.h"

#include <string.h>
#include <sys/mman.h>

/* ---- Ports ---------------------------------------------------------------------------------- */

static void test_out_reports_port_value_and_length(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xb0, 0x5a, 0xe6, 0x42, 0xf4)); /* mov $0x5a,%al; out %al,$0x42; hlt */

    assert_int_equal(client_run(&m), IO_PORT);

    assert_int_equal(field(&m.message, 4, 1), 128);
    assert_int_equal(PAYLOAD(&m.message, 40, 2), 0x42);
    assert_int_equal(PAYLOAD(&m.message, 42, 1), 1); /* one byte, no string */
    assert_int_equal(PAYLOAD(&m.message, 48, 1), 0x5a);
    assert_int_equal(ACCESS(&m.message), 1);
    assert_int_equal(INSN_LENGTH(&m.message), 2);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 2);
    assert_int_equal(PAYLOAD(&m.message, 32, 8) & 2, 2);      /* RFLAGS */
    assert_int_equal(PAYLOAD(&m.message, 56, 2), 0x42e6);     /* the instruction */
    assert_int_equal(PAYLOAD(&m.message, 6, 2) & 0x14, 0x14); /* protected and long mode */
    machine_free(&m);
}

static void test_client_that_forgets_rip_loops(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));

    for (int i = 0; i < 5; i++) {
        assert_int_equal(client_run(&m), IO_PORT);
        assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
        assert_int_equal(client_get(&m, RIP), CODE_AT);
    }
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_two_outs_in_a_row_are_told_apart(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xe6, 0x42, 0xee, 0xee, 0xf4));
    client_set(&m, RDX, 0x42);

    for (uint64_t rip = CODE_AT; rip < CODE_AT + 6; rip += INSN_LENGTH(&m.message)) {
        assert_int_equal(client_run(&m), IO_PORT);
        assert_int_equal(MESSAGE_RIP(&m.message), rip);
        client_skip(&m);
    }
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_in_takes_what_the_client_puts_into_rax(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xec, 0xf4)); /* in (%dx),%al; hlt */
    client_set(&m, RAX, 0x1111111111111111);
    client_set(&m, RDX, 0x99);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(ACCESS(&m.message), 0);
    assert_int_equal(PAYLOAD(&m.message, 40, 2), 0x99);
    assert_int_equal(INSN_LENGTH(&m.message), 1);
    assert_int_equal(client_get(&m, RAX), 0x1111111111111111);
    client_set(&m, RAX, 0x1111111111111177);
    client_skip(&m);

    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(client_get(&m, RAX), 0x1111111111111177);
    machine_free(&m);
}

static void test_16_bit_out_counts_its_prefix(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x66, 0xef, 0xf4)); /* out %ax,(%dx) */
    client_set(&m, RDX, 0x3f8);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 42, 1) & 7, 2);
    assert_int_equal(INSN_LENGTH(&m.message), 2);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_string_out_is_reported_before_its_first_element(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf3, 0x6e, 0xf4)); /* rep outsb */
    client_set(&m, RCX, 4);
    client_set(&m, RSI, DATA_AT);
    client_set(&m, RDX, 0x42);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 42, 1), 1 | 8 | 16);
    assert_int_equal(PAYLOAD(&m.message, 104, 8), 4);
    assert_int_equal(PAYLOAD(&m.message, 112, 8), DATA_AT);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
    assert_int_equal(INSN_LENGTH(&m.message), 2);
    assert_int_equal(client_get(&m, RCX), 4);
    machine_free(&m);
}

static void test_string_in_stores_nothing_by_itself(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x6c, 0xf4)); /* insb */
    client_set(&m, RDI, DATA_AT);
    client_set(&m, RDX, 0x42);
    m.ram[DATA_AT] = 0x77;

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 42, 1), 1 | 8);
    assert_int_equal(m.ram[DATA_AT], 0x77);
    assert_int_equal(client_get(&m, RDI), DATA_AT);
    machine_free(&m);
}

static void test_real_mode_guest_runs(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x21, 0xf4));
    client_set(&m, CR0, 0x10);
    client_set(&m, CR4, 0);
    client_set(&m, EFER, 0);
    client_set_wide(&m, CS, (struct value){CODE_AT, 0xffff | 0x1000ull << 32 | 0x9bull << 48});
    client_set_wide(&m, SS, (struct value){0, 0xffff | 0x93ull << 48});
    client_set_wide(&m, DS, (struct value){0, 0xffff | 0x93ull << 48});
    client_set_wide(&m, ES, (struct value){0, 0xffff | 0x93ull << 48});
    client_set(&m, RIP, 0);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(MESSAGE_RIP(&m.message), 0);
    assert_int_equal(INSN_LENGTH(&m.message), 2);
    assert_int_equal(PAYLOAD(&m.message, 6, 2) & 0x14, 0);
    machine_free(&m);
}

/* ---- The rest ------------------------------------------------------------------------------- */

static void test_halt_is_reported_behind_it(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4, 0xf4));

    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(field(&m.message, 4, 1), 40);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 1);
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 2);
    machine_free(&m);
}

static void test_triple_fault_is_unrecoverable(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x0f, 0x0b)); /* ud2, and no IDT */
    client_set_wide(&m, 0x70000, (struct value){0, 0});

    assert_int_equal(client_run(&m), UNRECOVERABLE);
    machine_free(&m);
}

static void test_registers_that_do_not_fit_are_reported_by_the_run(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    client_set(&m, CR0, 0x80000000); /* paging without protection: SDM vol 3A 2.5 */

    assert_int_equal(client_run(&m), INVALID_REGISTER);
    assert_int_equal(PAYLOAD(&m.message, 0, 4), 0);
    client_set(&m, CR0, 0x80050033);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_message_is_in_the_mapped_page_too(void **state)
{
    struct machine m;
    struct message *page;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, m.vp, 4096);
    assert_ptr_not_equal(page, MAP_FAILED);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_memory_equal(page, &m.message, sizeof m.message);
    munmap(page, 4096);
    machine_free(&m);
}

static void test_message_suspends_the_vp(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_get(&m, 0), 1); /* EXPLICIT_SUSPEND of a fresh VP */
    assert_int_equal(client_get(&m, 1), 0); /* INTERCEPT_SUSPEND */

    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(client_get(&m, 0), 0);
    assert_int_equal(client_get(&m, 1), 1);
    machine_free(&m);
}

static void test_run_with_nowhere_to_put_the_message_is_efault(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(ioctl(m.vp, RUN_VP, 8), EFAULT);
    machine_free(&m);
}

/* ---- MSRs and CPUID ------------------------------------------------------------------------- */

#define RDMSR 0x0f, 0x32
#define WRMSR 0x0f, 0x30
#define NO_MSR 0x12001234u

static void install(struct machine *m, uint32_t access, uint32_t type, uint64_t parameter)
{
    const struct {
        uint64_t partition;
        uint32_t access, type;
        uint64_t parameter;
    } in = {0, access, type, parameter};
    struct call call = {0x4d, 0, sizeof in, 0, .in = &in};

    assert_int_equal(client_call(m->pt, &call), 0);
}

static void test_unknown_msr_is_a_fault_of_the_guest(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(RDMSR, 0xf4));
    client_set(&m, RCX, NO_MSR);

    assert_int_equal(client_run(&m), UNRECOVERABLE); /* #GP, and no IDT */
    machine_free(&m);
}

static void test_unimplemented_msr_action_1_reads_zero(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(RDMSR, 0xf4));
    client_set(&m, RCX, NO_MSR);
    client_set(&m, RAX, 5);
    assert_int_equal(client_set_property(m.pt, 0x50017, 1, NULL), 0);

    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(client_get(&m, RAX), 0);
    machine_free(&m);
}

static void test_intercepted_msr_is_reported_at_the_instruction(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(WRMSR, RDMSR, 0xf4));
    client_set(&m, RCX, NO_MSR);
    client_set(&m, RAX, 0x11111111);
    client_set(&m, RDX, 0x22222222);
    install(&m, 3, 1, 0);

    assert_int_equal(client_run(&m), MSR);
    assert_int_equal(ACCESS(&m.message), 1);
    assert_int_equal(PAYLOAD(&m.message, 40, 4), NO_MSR);
    assert_int_equal(PAYLOAD(&m.message, 48, 8), 0x22222222);
    assert_int_equal(PAYLOAD(&m.message, 56, 8), 0x11111111);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
    client_skip(&m);
    assert_int_equal(client_run(&m), MSR);
    assert_int_equal(ACCESS(&m.message), 0);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 2);
    assert_int_equal(client_get(&m, RAX), 0x11111111);
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_cpuid_needs_no_message(void **state)
{
    struct machine m;
    uint32_t values[4];

    (void)state;
    machine_new(&m, CODE(0x0f, 0xa2, 0xf4));
    client_cpuid(&m, 0, 0, values);
    client_set(&m, RAX, 0);
    client_set(&m, RCX, 0);

    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(client_get(&m, RBX), values[1]);
    machine_free(&m);
}

static void test_cpuid_override_is_seen_by_the_guest(void **state)
{
    struct machine m;
    uint32_t in[15] = {0};
    struct call call = {0x91, 0, sizeof in, 0, .in = in};

    (void)state;
    machine_new(&m, CODE(0x0f, 0xa2, 0xf4));
    in[3] = 2; /* CPUID */
    in[9] = 0x41424344;
    in[10] = 0xffffffff; /* EBX of leaf 0 */
    assert_int_equal(client_call(m.pt, &call), 0);

    client_set(&m, RAX, 0);
    client_set(&m, RCX, 0);
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(client_get(&m, RBX), 0x41424344);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_out_reports_port_value_and_length),
        cmocka_unit_test(test_client_that_forgets_rip_loops),
        cmocka_unit_test(test_two_outs_in_a_row_are_told_apart),
        cmocka_unit_test(test_in_takes_what_the_client_puts_into_rax),
        cmocka_unit_test(test_16_bit_out_counts_its_prefix),
        cmocka_unit_test(test_string_out_is_reported_before_its_first_element),
        cmocka_unit_test(test_string_in_stores_nothing_by_itself),
        cmocka_unit_test(test_real_mode_guest_runs),
        cmocka_unit_test(test_halt_is_reported_behind_it),
        cmocka_unit_test(test_triple_fault_is_unrecoverable),
        cmocka_unit_test(test_registers_that_do_not_fit_are_reported_by_the_run),
        cmocka_unit_test(test_message_is_in_the_mapped_page_too),
        cmocka_unit_test(test_message_suspends_the_vp),
        cmocka_unit_test(test_run_with_nowhere_to_put_the_message_is_efault),
        cmocka_unit_test(test_unknown_msr_is_a_fault_of_the_guest),
        cmocka_unit_test(test_unimplemented_msr_action_1_reads_zero),
        cmocka_unit_test(test_intercepted_msr_is_reported_at_the_instruction),
        cmocka_unit_test(test_cpuid_needs_no_message),
        cmocka_unit_test(test_cpuid_override_is_seen_by_the_guest),
    };

    return CLIENT_MAIN(tests);
}
