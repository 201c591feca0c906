/* SPDX-License-Identifier: Apache-2.0 */
/* ROOT_HVCALL: what the driver checks and gives back, and what registers answer. */
#include "client.h"

#include <string.h>

#define GET 0x50
#define SET 0x51
#define TRANSLATE 0x52
#define UNKNOWN_NAME 0x99999u

struct get_input {
    uint64_t partition;
    uint32_t vp, vtl;
    uint32_t names[8];
};

struct set_input {
    uint64_t partition;
    uint32_t vp, vtl;
    struct pair pairs[128];
};

/* ---- The driver's checks -------------------------------------------------------------------- */

static void test_driver_checks_each_field(void **state)
{
    struct machine m;
    struct get_input in = {.names = {RIP}};
    struct value out;
    const struct call good = {GET, 1, 20, sizeof out, .in = &in, .out = &out};
    struct call call;

    (void)state;
    machine_new(&m, CODE(0xf4));
    call = good;
    assert_int_equal(client_call(m.vp, &call), 0);
    call = good;
    call.status = 1;
    assert_fails(client_call(m.vp, &call), EINVAL);
    call = good;
    call.in = NULL;
    assert_fails(client_call(m.vp, &call), EINVAL);
    call = good;
    call.in_bytes = 7;
    assert_fails(client_call(m.vp, &call), EINVAL);
    call.in_bytes = 4097;
    assert_fails(client_call(m.vp, &call), EINVAL);
    call = good;
    call.out_bytes = 0;
    assert_fails(client_call(m.vp, &call), EINVAL);
    call.out_bytes = 4097;
    assert_fails(client_call(m.vp, &call), EINVAL);
    for (size_t i = 0; i < sizeof call.zero; i++) {
        call = good;
        call.zero[i] = 1;
        assert_fails(client_call(m.vp, &call), EINVAL);
    }
    call = good;
    call.in = (void *)8;
    assert_fails(client_call(m.vp, &call), EFAULT);
    assert_fails(ioctl(m.vp, ROOT_HVCALL, 8), EFAULT);
    machine_free(&m);
}

static void test_hypercall_that_is_not_on_the_list_is_einval(void **state)
{
    struct machine m;
    /* Creating partitions, reading and writing the guest's memory, the device's own call. */
    const uint16_t codes[] = {0x40, 0x4e, 0x53, 0x54, 0x101, 0xffff};
    struct get_input in = {0};

    (void)state;
    machine_new(&m, CODE(0xf4));
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        struct call call = {codes[i], 0, sizeof in, 0, .in = &in};

        assert_fails(client_call(m.pt, &call), EINVAL);
        assert_int_equal(call.status, 0); /* it never came to the hypervisor */
    }
    machine_free(&m);
}

static void test_property_is_set_on_the_partition_alone(void **state)
{
    struct machine m;
    uint64_t value;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_set_property(m.vp, 0x50017, 1, NULL), EINVAL);
    assert_int_equal(client_set_property(m.pt, 0x50017, 1, NULL), 0);
    assert_int_equal(client_get_property(m.vp, 0x50017, &value, NULL), 0);
    assert_int_equal(value, 1);
    machine_free(&m);
}

static void test_partition_id_of_the_input_does_not_matter(void **state)
{
    struct machine m;
    struct get_input in = {.partition = 0xdeadbeef, .names = {RIP}};
    struct value out;
    struct call call = {GET, 1, 20, sizeof out, .in = &in, .out = &out};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_call(m.pt, &call), 0);
    assert_int_equal(out.low, CODE_AT);
    assert_int_equal(in.partition, 0xdeadbeef); /* in the kernel's copy alone */
    machine_free(&m);
}

static void test_vp_is_the_inputs_not_the_descriptors(void **state)
{
    struct machine m;
    const uint32_t one = 1;
    struct get_input in = {.vp = 1, .names = {0x90003}}; /* VP_INDEX */
    struct value out;
    struct call call = {GET, 1, 20, sizeof out, .in = &in, .out = &out};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_call(m.vp, &call), EINVAL);
    assert_int_equal(call.status, 0xe); /* invalid VP index */
    assert_true(ioctl(m.pt, CREATE_VP, &one) >= 0);
    call.status = 0;
    call.reps = 1;
    assert_int_equal(client_call(m.vp, &call), 0);
    assert_int_equal(out.low, 1);
    machine_free(&m);
}

static void test_input_that_is_too_short_is_garbage_behind(void **state)
{
    struct machine m;
    struct get_input in = {.names = {RIP, RIP}};
    struct value out[2];
    struct call call = {GET, 2, 20, sizeof out, .in = &in, .out = out};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_call(m.vp, &call), EINVAL);
    assert_int_equal(call.reps, 1);
    machine_free(&m);
}

static void test_failed_call_gives_back_status_reps_and_output(void **state)
{
    struct machine m;
    struct get_input in = {.names = {RIP, RFLAGS, UNKNOWN_NAME, RIP}};
    struct value out[4] = {{0}};
    struct call call = {GET, 4, 32, sizeof out, .in = &in, .out = out};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_call(m.vp, &call), EINVAL);
    assert_int_equal(call.status, 5); /* invalid parameter */
    assert_int_equal(call.reps, 2);
    assert_int_equal(out[0].low, CODE_AT);
    assert_int_equal(out[1].low, 2);
    /* So the same struct cannot be passed again as it is. */
    assert_fails(client_call(m.vp, &call), EINVAL);
    assert_int_equal(call.status, 5);
    machine_free(&m);
}

static void test_call_without_repetitions_gives_back_none(void **state)
{
    struct machine m;
    uint64_t value;
    const uint64_t in[2] = {0, 0x50017};
    struct call call = {0x44, 0, sizeof in, 8, .in = in, .out = &value};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(client_call(m.pt, &call), 0);
    assert_int_equal(call.reps, 0);
    machine_free(&m);
}

static void test_page_of_input_is_the_limit(void **state)
{
    struct machine m;
    static struct set_input in;
    struct call call = {SET, 127, 16 + 127 * 32, 0, .in = &in};

    (void)state;
    machine_new(&m, CODE(0xf4));
    for (uint32_t i = 0; i < 127; i++)
        in.pairs[i] = (struct pair){.name = R15, .value = {i, 0}};
    assert_int_equal(client_call(m.vp, &call), 0);
    assert_int_equal(call.reps, 127);
    assert_int_equal(client_get(&m, R15), 126);
    call = (struct call){SET, 128, 16 + 127 * 32, 0, .in = &in};
    assert_fails(client_call(m.vp, &call), EINVAL);
    assert_int_equal(call.status, 5);
    machine_free(&m);
}

static void test_other_trust_levels_are_refused(void **state)
{
    struct machine m;
    struct get_input in = {.vtl = 0x11, .names = {RIP}};
    struct value out;
    struct call call = {GET, 1, 20, sizeof out, .in = &in, .out = &out};

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_fails(client_call(m.vp, &call), EINVAL);
    machine_free(&m);
}

/* ---- Registers ------------------------------------------------------------------------------ */

static void test_general_registers_are_in_the_processors_order(void **state)
{
    struct machine m;

    (void)state;
    /* mov $1..: rax rcx rdx rbx, rsi, rdi, r15 by their encodings */
    machine_new(&m, CODE(0xb0, 1, 0xb1, 2, 0xb2, 3, 0xb3, 4, 0x40, 0xb6, 5, 0x40, 0xb7, 6, 0x41,
                         0xb7, 7, 0xf4));
    client_set(&m, RDX, 0); /* a processor's signature, after its reset */
    assert_int_equal(client_run(&m), HALT);
    assert_int_equal(client_get(&m, RAX), 1);
    assert_int_equal(client_get(&m, RCX), 2);
    assert_int_equal(client_get(&m, RDX), 3);
    assert_int_equal(client_get(&m, RBX), 4);
    assert_int_equal(client_get(&m, RSP), STACK_AT);
    assert_int_equal(client_get(&m, RSI), 5);
    assert_int_equal(client_get(&m, RDI), 6);
    assert_int_equal(client_get(&m, R15), 7);
    machine_free(&m);
}

static void check_kept(struct machine *m, uint32_t name, uint64_t low, uint64_t high)
{
    struct value value;

    client_set_wide(m, name, (struct value){low, high});
    value = client_get_wide(m, name);
    assert_int_equal(value.low, low);
    assert_int_equal(value.high, high);
}

static void test_registers_keep_what_they_are_set_to(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    check_kept(&m, 0x40001, 0x1234, 0);                         /* CR2 */
    check_kept(&m, 0x40004, 5, 0);                              /* CR8 */
    check_kept(&m, 0x40005, 3, 0);                              /* XFEM */
    check_kept(&m, 0x50000, 0x1000, 0);                         /* DR0 */
    check_kept(&m, 0x50003, 0x4000, 0);                         /* DR3 */
    check_kept(&m, 0x50005, 0x400, 0);                          /* DR7 */
    check_kept(&m, 0x60004, 0x7fff1000, 0xc0f3002b0000ffffull); /* FS: base, limit, sel., attr. */
    check_kept(&m, 0x70000, 0x0fffull << 48, 0x5000); /* IDTR: limit behind six bytes, base */
    check_kept(&m, 0x70001, 0x004full << 48, 0x6000); /* GDTR */
    check_kept(&m, 0x80002, 0x12345000, 0);           /* KERNEL_GS_BASE */
    check_kept(&m, 0x80008, 0x0023001000000000, 0);   /* STAR */
    check_kept(&m, 0x80009, 0x7000, 0);               /* LSTAR */
    check_kept(&m, 0x8000b, 0x200, 0);                /* SFMASK */
    check_kept(&m, 0x80005, 0x10, 0);                 /* SYSENTER_CS */
    check_kept(&m, 0x80006, 0x7100, 0);               /* SYSENTER_EIP */
    check_kept(&m, 0x80007, 0x7200, 0);               /* SYSENTER_ESP */
    check_kept(&m, 0x30000, 0x0123456789abcdef, 0xfedcba9876543210); /* XMM0 */
    check_kept(&m, 0x3000f, 1, 2);                                   /* XMM15 */
    check_kept(&m, 0x30018, 0x37f, 0);                               /* FP control and status */
    assert_int_equal(client_get_wide(&m, 0x30019).high & 0xffffffff, 0x1f80); /* MXCSR */
    machine_free(&m);
}

static void test_registers_need_not_fit_together_while_they_are_written(void **state)
{
    struct machine m;

    (void)state;
    machine_new(&m, CODE(0xf4));
    client_set(&m, EFER, 0);
    client_set(&m, CR4, 0);
    client_set(&m, CR0, 0x80000011);
    client_set(&m, CR0, 0x80050033);
    client_set(&m, CR4, 0x620);
    client_set(&m, EFER, 0xd00);
    assert_int_equal(client_run(&m), HALT);
    machine_free(&m);
}

static void test_unknown_register_is_refused(void **state)
{
    struct machine m;
    struct set_input in = {.pairs = {{.name = RAX}, {.name = UNKNOWN_NAME}}};
    struct call call = {SET, 2, 16 + 64, 0, .in = &in};

    (void)state;
    machine_new(&m, CODE(0xf4));
    client_set(&m, RAX, 77);
    assert_fails(client_call(m.vp, &call), EINVAL);
    assert_int_equal(call.reps, 1);
    assert_int_equal(client_get(&m, RAX), 0); /* what came before it is done */
    machine_free(&m);
}

static void test_pending_exception_is_delivered_by_the_next_run(void **state)
{
    struct machine m;
    uint64_t *idt, pending = 1 | 3 << 1 | 6ull << 16; /* an exception, #UD */

    (void)state;
    machine_new(&m, CODE(0xf4));
    machine_place(&m, CODE_AT + 0x100, CODE(0xe6, 0x66, 0xf4));
    idt = (uint64_t *)(void *)(m.ram + 0x5000);
    idt[12] = (CODE_AT & 0xff0000ull) << 32 | 0x8e00ull << 32 | 0x10ull << 16 | 0x100;
    /* A GDT with the code segment, for the gate to find. */
    ((uint64_t *)(void *)(m.ram + 0x6000))[2] = 0x00af9b000000ffff;
    ((uint64_t *)(void *)(m.ram + 0x6000))[3] = 0x00cf93000000ffff;
    client_set_wide(&m, 0x70000, (struct value){0x0fffull << 48, 0x5000});
    client_set_wide(&m, 0x70001, (struct value){0x001full << 48, 0x6000});
    client_set(&m, 0x10002, pending);
    assert_int_equal(client_get(&m, 0x10002) & 1, 1);

    assert_int_equal(client_run(&m), IO_PORT);
    assert_int_equal(PAYLOAD(&m.message, 40, 2), 0x66);
    assert_int_equal(client_get(&m, 0x10002), 0);
    machine_free(&m);
}

/* ---- Translation ---------------------------------------------------------------------------- */

static uint32_t translate(struct machine *m, uint64_t gva, uint64_t flags, uint64_t *ret_page)
{
    const uint64_t in[4] = {0, 0, flags, gva >> 12};
    uint64_t out[2];
    struct call call = {TRANSLATE, 0, sizeof in, sizeof out, .in = in, .out = out};

    assert_int_equal(client_call(m->vp, &call), 0);
    *ret_page = out[1];
    return (uint32_t)out[0];
}

static void test_translation_tells_why_it_fails(void **state)
{
    struct machine m;
    uint64_t page;

    (void)state;
    machine_new(&m, CODE(0xf4));
    assert_int_equal(translate(&m, DATA_AT, 1, &page), 0);
    assert_int_equal(page, DATA_AT >> 12);
    assert_int_equal(translate(&m, READ_ONLY_AT, 1, &page), 0);
    assert_int_equal(translate(&m, READ_ONLY_AT, 2, &page), 6); /* no write access */
    assert_int_equal(translate(&m, NOWHERE, 1, &page), 4);      /* GPA not mapped */
    assert_int_equal(translate(&m, 0x8000000000, 1, &page), 1); /* page not present */
    machine_free(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_driver_checks_each_field),
        cmocka_unit_test(test_hypercall_that_is_not_on_the_list_is_einval),
        cmocka_unit_test(test_property_is_set_on_the_partition_alone),
        cmocka_unit_test(test_partition_id_of_the_input_does_not_matter),
        cmocka_unit_test(test_vp_is_the_inputs_not_the_descriptors),
        cmocka_unit_test(test_input_that_is_too_short_is_garbage_behind),
        cmocka_unit_test(test_failed_call_gives_back_status_reps_and_output),
        cmocka_unit_test(test_call_without_repetitions_gives_back_none),
        cmocka_unit_test(test_page_of_input_is_the_limit),
        cmocka_unit_test(test_other_trust_levels_are_refused),
        cmocka_unit_test(test_general_registers_are_in_the_processors_order),
        cmocka_unit_test(test_registers_keep_what_they_are_set_to),
        cmocka_unit_test(test_registers_need_not_fit_together_while_they_are_written),
        cmocka_unit_test(test_unknown_register_is_refused),
        cmocka_unit_test(test_pending_exception_is_delivered_by_the_next_run),
        cmocka_unit_test(test_translation_tells_why_it_fails),
    };

    return CLIENT_MAIN(tests);
}
