/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest without privilege: ring 3 with a GDT, a TSS whose bitmap allows one port, and handlers in
 * ring 0 that report each exception by an OUT and return. The way that a VMM without a guest kernel
 * goes; here every table is written by hand.
 */
#include "client.h"

#include <string.h>

#define IDT_AT 0x5000u
#define GDT_AT 0x6000u
#define TSS_AT 0x6100u
#define TSS_BYTES 117u /* 104, a bitmap for ports 0 to 0x5f, the closing byte: SDM vol 3A 8.7 */
#define HANDLERS_AT 0x11000u
#define IST_AT 0x38000u
#define ALLOWED 0x42u
#define DENIED 0x43u
#define SHIM_PORT 0x21u

static void put(uint8_t *at, uint64_t value, size_t bytes)
{
    memcpy(at, &value, bytes);
}

/* mov $vector,%al; out %al,$0x21; iretq */
static void build_handlers(struct machine *m)
{
    for (uint32_t vector = 0; vector < 32; vector++) {
        uint32_t handler = HANDLERS_AT + 16 * vector;
        uint8_t *gate = m->ram + IDT_AT + 16 * vector;

        machine_place(m, handler, CODE(0xb0, 0, 0xe6, SHIM_PORT, 0x48, 0xcf));
        m->ram[handler + 1] = (uint8_t)vector;
        put(gate, handler & 0xffff, 2);
        put(gate + 2, 0x10, 2);
        gate[4] = 1; /* IST 1 */
        gate[5] = vector == 3 ? 0xee : 0x8e;
        put(gate + 6, handler >> 16, 2);
    }
}

static void build_tables(struct machine *m)
{
    uint8_t *gdt = m->ram + GDT_AT, *tss = m->ram + TSS_AT;

    put(gdt + 0x10, 0x00af9b000000ffff, 8);
    put(gdt + 0x18, 0x00cf93000000ffff, 8);
    put(gdt + 0x28, 0x00cff3000000ffff, 8);
    put(gdt + 0x30, 0x00affb000000ffff, 8);
    put(gdt + 0x40, (TSS_BYTES - 1) | (uint64_t)TSS_AT << 16 | 0x8bull << 40, 8);
    put(tss + 4, IST_AT, 8);
    put(tss + 36, IST_AT, 8);
    put(tss + 102, 104, 2);
    memset(tss + 104, 0xff, TSS_BYTES - 104);
    tss[104 + ALLOWED / 8] = (uint8_t) ~(1u << ALLOWED % 8);
    build_handlers(m);
}

static struct value segment(uint64_t base, uint32_t limit, uint32_t selector, uint32_t attributes)
{
    return (struct value){base, limit | (uint64_t)selector << 32 | (uint64_t)attributes << 48};
}

static void new_user(struct machine *m, const void *code, size_t bytes)
{
    machine_new(m, code, bytes);
    build_tables(m);
    client_set_wide(m, 0x70000, (struct value){0x0fffull << 48, IDT_AT});
    client_set_wide(m, 0x70001, (struct value){0x004full << 48, GDT_AT});
    client_set_wide(m, 0x60007, segment(TSS_AT, TSS_BYTES - 1, 0x40, 0x008b));
    client_set_wide(m, CS, segment(0, ~0u, 0x33, 0xa0fb));
    client_set_wide(m, SS, segment(0, ~0u, 0x2b, 0xc0f3));
    for (uint32_t name = 0x60003; name <= 0x60006; name++)
        client_set_wide(m, name, segment(0, 0, 0, 0));
    client_set_wide(m, ES, segment(0, 0, 0, 0));
    client_set(m, RFLAGS, 0x202);
}

/* The handler of @vector has reported. Where its frame is on the stack: SDM vol 3A 6.14.2. */
static uint8_t *reported(struct machine *m, uint8_t vector, bool error_code)
{
    assert_int_equal(client_run(m), IO_PORT);
    assert_int_equal(PAYLOAD(&m->message, 40, 2), SHIM_PORT);
    assert_int_equal(PAYLOAD(&m->message, 48, 1), vector);
    assert_int_equal(PAYLOAD(&m->message, 6, 2) & 3, 0); /* CPL */
    assert_int_equal(MESSAGE_RIP(&m->message), HANDLERS_AT + 16 * vector + 2);
    assert_int_equal(client_get(m, RSP), IST_AT - (error_code ? 48 : 40));
    return m->ram + IST_AT - 40;
}

static void test_user_reaches_the_port_that_its_bitmap_allows(void **state)
{
    struct machine m;

    (void)state;
    new_user(&m, CODE(0xe6, ALLOWED, 0xeb, 0xfc)); /* out; jmp back */
    for (int i = 0; i < 3; i++) {
        assert_int_equal(client_run(&m), IO_PORT);
        assert_int_equal(PAYLOAD(&m.message, 40, 2), ALLOWED);
        assert_int_equal(PAYLOAD(&m.message, 6, 2) & 3, 3); /* CPL */
        assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT);
        client_skip(&m);
    }
    machine_free(&m);
}

static void test_denied_port_is_a_fault_of_the_guest(void **state)
{
    struct machine m;
    uint64_t rip, cs;
    uint8_t *frame;

    (void)state;
    new_user(&m, CODE(0xe6, DENIED));
    frame = reported(&m, 13, true);
    memcpy(&rip, frame, 8);
    memcpy(&cs, frame + 8, 8);
    assert_int_equal(rip, CODE_AT);
    assert_int_equal(cs & 3, 3);
    machine_free(&m);
}

static void test_guest_goes_on_behind_an_exception(void **state)
{
    struct machine m;
    uint8_t *frame;

    (void)state;
    new_user(&m, CODE(0x0f, 0x0b, 0xe6, ALLOWED)); /* ud2; out */
    frame = reported(&m, 6, false);
    put(frame, CODE_AT + 2, 8);
    client_skip(&m);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 40, 2), ALLOWED);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 2);
    assert_int_equal(PAYLOAD(&m.message, 6, 2) & 3, 3);
    machine_free(&m);
}

static void test_privileged_instruction_is_a_fault_of_the_guest(void **state)
{
    struct machine m;

    (void)state;
    new_user(&m, CODE(0xf4));
    reported(&m, 13, true);
    machine_free(&m);
}

static void test_page_fault_has_its_address_in_cr2(void **state)
{
    struct machine m;

    (void)state;
    new_user(&m, CODE(0x8a, 0x03));  /* mov (%rbx),%al */
    client_set(&m, RBX, 0x40000123); /* behind the tables */
    reported(&m, 14, true);
    assert_int_equal(client_get(&m, 0x40001), 0x40000123);
    machine_free(&m);
}

static void test_user_store_to_nowhere_is_reported_at_the_store(void **state)
{
    struct machine m;

    (void)state;
    new_user(&m, CODE(0x90, 0x88, 0x03)); /* nop; mov %al,(%rbx) */
    client_set(&m, RBX, NOWHERE);
    assert_int_equal(client_run(&m), UNMAPPED_GPA);
    assert_int_equal(ACCESS(&m.message), 1);
    assert_int_equal(MESSAGE_RIP(&m.message), CODE_AT + 1);
    assert_int_equal(PAYLOAD(&m.message, 6, 2) & 3, 3);
    machine_free(&m);
}

static void test_user_has_the_bases_that_it_was_given(void **state)
{
    struct machine m;

    (void)state;
    new_user(&m, CODE(0x64, 0x8a, 0x03, 0xe6, ALLOWED)); /* mov %fs:(%rbx),%al; out */
    client_set_wide(&m, 0x60004, segment(DATA_AT, 0, 0, 0));
    client_set(&m, RBX, 5);
    m.ram[DATA_AT + 5] = 0x91;
    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 48, 1), 0x91);
    assert_int_equal(client_get(&m, 0x60004), DATA_AT);

    /* Another base, with all else as it was. */
    client_set_wide(&m, 0x60004, segment(DATA_AT + 1, 0, 0, 0));
    m.ram[DATA_AT + 6] = 0x92;
    client_set(&m, RIP, CODE_AT);
    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 48, 1), 0x92);
    machine_free(&m);
}

static void test_user_has_the_xmm_registers_that_it_was_given(void **state)
{
    struct machine m;

    (void)state;
    new_user(&m, CODE(0x66, 0x0f, 0x7e, 0xc0, 0x66, 0x0f, 0xfe, 0xc0, 0xe6, ALLOWED));
    /* movd %xmm0,%eax; paddd %xmm0,%xmm0; out */
    client_set_wide(&m, XMM0, (struct value){0x21, 7});
    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 48, 1), 0x21);
    assert_int_equal(client_get_wide(&m, XMM0).low, 0x42);
    assert_int_equal(client_get_wide(&m, XMM0).high, 14);
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_user_reaches_the_port_that_its_bitmap_allows),
        cmocka_unit_test(test_denied_port_is_a_fault_of_the_guest),
        cmocka_unit_test(test_guest_goes_on_behind_an_exception),
        cmocka_unit_test(test_privileged_instruction_is_a_fault_of_the_guest),
        cmocka_unit_test(test_page_fault_has_its_address_in_cr2),
        cmocka_unit_test(test_user_store_to_nowhere_is_reported_at_the_store),
        cmocka_unit_test(test_user_has_the_bases_that_it_was_given),
        cmocka_unit_test(test_user_has_the_xmm_registers_that_it_was_given),
    };

    return CLIENT_MAIN(tests);
}
