/* SPDX-License-Identifier: Apache-2.0 */
/* Accesses to guest-physical memory that is not there, or that the guest has no right to. */
#include "client.h"

#include <string.h>

static void test_load_from_nowhere_is_unmapped_gpa_again_and_again(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x8b, 0x03, 0xf4)); /* mov (%rbx),%eax */
    client_set(&m, RBX, NOWHERE + 8);
    client_set(&m, RAX, 0x1234);

    for (int i = 0; i < 3; i++) {
        assert_int_equal(client_run(&m), UNMAPPED_GPA);
        assert_int_equal(field(&m.message, 4, 1), 80);
        assert_int_equal(ACCESS(&m.message), 0);
        assert_int_equal(PAYLOAD(&m.message, 56, 8), NOWHERE + 8); /* GPA */
        assert_int_equal(PAYLOAD(&m.message, 45, 1), 3);           /* GVA valid, and of the GPA */
        assert_int_equal(PAYLOAD(&m.message, 48, 8), NOWHERE + 8); /* GVA */
        assert_true(PAYLOAD(&m.message, 44, 1) >= 2);
        assert_int_equal(PAYLOAD(&m.message, 64, 2), 0x038b);
        assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
        assert_int_equal(client_get(&m, RAX), 0x1234);
    }
    machine_free(&m);
}

static void test_store_to_nowhere_is_reported_at_the_store(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x90, 0x44, 0x89, 0x43, 0x10, 0xf4)); /* nop; mov %r8d,0x10(%rbx) */
    client_set(&m, RBX, NOWHERE);
    client_set(&m, R8, 0x88); /* without its prefix the instruction would store EAX */

    for (int i = 0; i < 2; i++) {
        assert_int_equal(client_run(&m), UNMAPPED_GPA);
        assert_int_equal(ACCESS(&m.message), 1);
        assert_int_equal(PAYLOAD(&m.message, 56, 8), NOWHERE + 0x10);
        assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 1);
        assert_int_equal(INSN_LENGTH(&m.message), 4);
        assert_int_equal(client_get(&m, RIP), CODE_AT + 1);
    }
    client_skip(&m);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_string_store_to_nowhere_is_reported_before_it(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf3, 0xaa, 0xf4)); /* rep stosb */
    client_set(&m, RDI, NOWHERE);
    client_set(&m, RCX, 5);

    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
    assert_int_equal(client_get(&m, RDI), NOWHERE);
    assert_int_equal(client_get(&m, RCX), 5);
    machine_free(&m);
}

static void test_store_without_the_right_is_gpa_intercept(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x8a, 0x03, 0x88, 0x03, 0xf4)); /* mov (%rbx),%al; mov %al,(%rbx) */
    client_set(&m, RBX, READ_ONLY_AT);
    m.fixed[0] = 0x42;

    assert_int_equal(client_run(&m), GPA_INTERCEPT);
    assert_int_equal(ACCESS(&m.message), 1);
    assert_int_equal(PAYLOAD(&m.message, 56, 8), READ_ONLY_AT);
    assert_int_equal(client_get(&m, RAX) & 0xff, 0x42); /* reading is implied */
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 2);
    assert_int_equal(m.fixed[0], 0x42);
    machine_free(&m);
}

static void test_fetch_without_the_right_is_gpa_intercept(void **state)
{
    struct machine m;
    int file;
    uint8_t *page = client_memory(0x1000, &file);

    (void)state;
    machine_new(&m, CODE(0xf4));
    page[0] = 0xf4;
    assert_int_equal(client_map(m.pt, page, 0x1000, NOWHERE, WRITABLE), 0);
    client_set(&m, RIP, NOWHERE);

    assert_int_equal(client_run(&m), GPA_INTERCEPT);
    assert_int_equal(ACCESS(&m.message), 2);
    assert_int_equal(PAYLOAD(&m.message, 56, 8), NOWHERE);
    machine_free(&m);
}

static void test_fetch_from_nowhere_is_unmapped_gpa(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xff, 0xe3)); /* jmp *%rbx */
    client_set(&m, RBX, NOWHERE);

    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_int_equal(ACCESS(&m.message), 2);
    assert_int_equal(MESSAGE_RIP(&m.message), NOWHERE);
    machine_free(&m);
}

/* ---- Every kind of instruction -------------------------------------------------------------- */

#define INSN(store, ...)                                                                           \
    {                                                                                              \
        {__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}), store                               \
    }

/* All at (%rbx), which is NOWHERE, or at NOWHERE itself. */
static const struct {
    uint8_t bytes[12], length;
    bool store;
} insns[] = {
    INSN(1, 0x88, 0x03),                            /* mov %al */
    INSN(1, 0x48, 0x89, 0x03),                      /* mov %rax */
    INSN(1, 0xc6, 0x04, 0x25, 0, 0, 0x30, 0, 1),    /* movb $1, absolute */
    INSN(1, 0x48, 0xc7, 0x03, 1, 0, 0, 0),          /* movq $1 */
    INSN(1, 0x66, 0xc7, 0x03, 1, 0),                /* movw $1 */
    INSN(1, 0xa2, 0, 0, 0x30, 0, 0, 0, 0, 0),       /* movabs %al */
    INSN(1, 0xa3, 0, 0, 0x30, 0, 0, 0, 0, 0),       /* movabs %eax */
    INSN(0, 0xa0, 0, 0, 0x30, 0, 0, 0, 0, 0),       /* movabs to %al */
    INSN(0, 0xa1, 0, 0, 0x30, 0, 0, 0, 0, 0),       /* movabs to %eax */
    INSN(1, 0x0f, 0x94, 0x03),                      /* sete */
    INSN(1, 0x8c, 0x1b),                            /* mov %ds */
    INSN(0, 0x8e, 0x1b),                            /* mov to %ds */
    INSN(1, 0x8f, 0x03),                            /* pop */
    INSN(1, 0x0f, 0xc3, 0x03),                      /* movnti %eax */
    INSN(0, 0xf7, 0x13),                            /* not: reads first */
    INSN(0, 0xf6, 0x1b),                            /* neg */
    INSN(0, 0xf7, 0x03, 1, 0, 0, 0),                /* test $1 */
    INSN(0, 0xf7, 0x23),                            /* mul */
    INSN(0, 0x0f, 0xaf, 0x13),                      /* imul */
    INSN(0, 0x0f, 0x44, 0x13),                      /* cmove */
    INSN(0, 0x0f, 0xab, 0x13),                      /* bts %edx */
    INSN(0, 0x0f, 0xba, 0x2b, 3),                   /* bts $3 */
    INSN(0, 0xf0, 0x0f, 0xc1, 0x13),                /* lock xadd %edx */
    INSN(0, 0x87, 0x13),                            /* xchg %edx */
    INSN(1, 0x0f, 0x11, 0x03),                      /* movups %xmm0 */
    INSN(1, 0xf3, 0x0f, 0x7f, 0x03),                /* movdqu %xmm0 */
    INSN(1, 0x66, 0x0f, 0xd6, 0x03),                /* movq %xmm0 */
    INSN(1, 0x0f, 0x13, 0x03),                      /* movlps %xmm0 */
    INSN(1, 0xf3, 0x0f, 0x11, 0x03),                /* movss %xmm0 */
    INSN(1, 0xc5, 0xf8, 0x11, 0x03),                /* vmovups %xmm0 */
    INSN(1, 0xdd, 0x1b),                            /* fstpl */
    INSN(0, 0xdd, 0x03),                            /* fldl */
    INSN(0, 0x0f, 0x10, 0x03),                      /* movups to %xmm0 */
    INSN(0, 0x48, 0x8b, 0x04, 0x25, 0, 0, 0x30, 0), /* mov, absolute */
};

static void run_insn(struct machine *m, const uint8_t *bytes, size_t length)
{
    uint8_t code[14] = {0x90};
    uint32_t states[4];

    memcpy(code + 1, bytes, length);
    code[1 + length] = 0xf4;
    machine_new(m, code, sizeof code);
    client_set(m, RBX, NOWHERE);
    client_set(m, RAX, 0x1122334455667788);
    client_set(m, RDX, 5);
    /* CR4.OSXSAVE; AVX where there is AVX. */
    client_set(m, CR4, 0x40620);
    client_cpuid(m, 0xd, 0, states);
    client_set(m, XFEM, (states[0] & 7) | 3);
    assert_int_equal(client_run(m), UNMAPPED_GPA);
}

static void test_every_access_is_reported_at_its_instruction(void **state)
{
    struct machine m;

    (void)state;
    for (size_t i = 0; i < sizeof insns / sizeof insns[0]; i++) {
        run_insn(&m, insns[i].bytes, insns[i].length);
        if (MESSAGE_RIP(&m.message) != CODE_AT + 1 || INSN_LENGTH(&m.message) != insns[i].length ||
            ACCESS(&m.message) != insns[i].store || PAYLOAD(&m.message, 48, 8) != NOWHERE ||
            PAYLOAD(&m.message, 45, 1) != 3)
            fail_msg("%zu: RIP +%ld, length %lu, access %lu", i,
                     (long)(MESSAGE_RIP(&m.message) - CODE_AT), INSN_LENGTH(&m.message),
                     ACCESS(&m.message));
        assert_int_equal(client_get(&m, RSP), STACK_AT);
        assert_int_equal(client_get(&m, RDX), 5);
        machine_free(&m);
    }
}

static void test_bases_of_fs_and_gs_and_short_addresses_count(void **state)
{
    static const uint8_t segments[2][3] = {{0x64, 0x88, 0x03}, {0x65, 0x8a, 0x03}};
    struct machine m;

    (void)state;
    for (uint32_t i = 0; i < 2; i++) {
        machine_new(&m, segments[i], 3);
        client_set_wide(&m, FS + i, (struct value){NOWHERE, 0xc093001800000fffull});
        client_set(&m, RBX, 8);
        assert_int_equal(client_run(&m), UNMAPPED_GPA);
        assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
        assert_int_equal(PAYLOAD(&m.message, 48, 8), NOWHERE + 8);
        machine_free(&m);
    }
    machine_new(&m, CODE(0x90, 0x67, 0x88, 0x03, 0xf4)); /* nop; mov %al,(%ebx) */
    client_set(&m, RBX, NOWHERE | 7ull << 32);
    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 1);
    assert_int_equal(PAYLOAD(&m.message, 48, 8), NOWHERE);
    machine_free(&m);
}

/* Either mov %r8d or, one byte on, mov %eax: nobody can tell. */
static void test_store_that_may_be_two_instructions_is_told_as_not_known(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0x90, 0x44, 0x89, 0x03, 0xf4));
    client_set(&m, RBX, NOWHERE);
    client_set(&m, RAX, 7);
    client_set(&m, R8, 7);
    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_int_equal(PAYLOAD(&m.message, 56, 8), NOWHERE); /* the GPA all the same */
    assert_int_equal(PAYLOAD(&m.message, 45, 1), 0);       /* but no GVA */
    assert_int_equal(INSN_LENGTH(&m.message), 0);
    /* Entered at it, there is no doubt. */
    client_set(&m, RIP, CODE_AT + 1);
    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 1);
    assert_int_equal(INSN_LENGTH(&m.message), 3);
    machine_free(&m);
}

static void test_load_that_is_refused_changes_no_register(void **state)
{
    const struct value before = {0x1111, 0x2222};
    struct machine m;
    struct value ds;

    (void)state;
    machine_new(&m, CODE(0x0f, 0x10, 0x03, 0x8e, 0x1b, 0xf4)); /* movups; mov (%rbx),%ds */
    client_set(&m, RBX, NOWHERE);
    client_set_wide(&m, XMM0, before);
    ds = client_get_wide(&m, DS);
    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_memory_equal(&before, &(struct value[]){client_get_wide(&m, XMM0)}, sizeof before);
    client_set(&m, RIP, CODE_AT + 3);
    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_memory_equal(&ds, &(struct value[]){client_get_wide(&m, DS)}, sizeof ds);
    machine_free(&m);
}

static void test_base_of_cs_does_not_count_in_64_bit_mode(void **state)
{
    struct machine m;
    struct value cs;

    (void)state;
    machine_new(&m, CODE(0xe6, 0x42, 0xf4));
    cs = client_get_wide(&m, CS);
    cs.low = 0x7000000;
    client_set_wide(&m, CS, cs);
    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(INSN_LENGTH(&m.message), 2);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load_from_nowhere_is_unmapped_gpa_again_and_again),
        cmocka_unit_test(test_store_to_nowhere_is_reported_at_the_store),
        cmocka_unit_test(test_string_store_to_nowhere_is_reported_before_it),
        cmocka_unit_test(test_store_without_the_right_is_gpa_intercept),
        cmocka_unit_test(test_fetch_without_the_right_is_gpa_intercept),
        cmocka_unit_test(test_fetch_from_nowhere_is_unmapped_gpa),
        cmocka_unit_test(test_every_access_is_reported_at_its_instruction),
        cmocka_unit_test(test_bases_of_fs_and_gs_and_short_addresses_count),
        cmocka_unit_test(test_store_that_may_be_two_instructions_is_told_as_not_known),
        cmocka_unit_test(test_load_that_is_refused_changes_no_register),
        cmocka_unit_test(test_base_of_cs_does_not_count_in_64_bit_mode),
    };

    return CLIENT_MAIN(tests);
}
