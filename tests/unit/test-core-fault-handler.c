/* SPDX-License-Identifier: Apache-2.0 */
/* core/fault-handler.c over a backend whose registers are an array. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sandbox.h"

/* A machine with eight registers. */
#define REGS 8u
#define PC 0u
#define SP 1u
#define ARGUMENT 2u
#define FLAGS 3u
#define BYTES (REGS * sizeof(uint64_t))

#define CODE 0x400000u
#define DATA 0x410000u
#define STACK (DATA + 0x1000)
#define STACK_BYTES 0x2000u
#define REPORT (STACK + STACK_BYTES - sizeof(struct sconce_fault_report) - BYTES)

static uint64_t regs[REGS];
static uint64_t unholdable; /* as a PC; no register set that has it is taken */
static int32_t resume_status;
static unsigned resumed;

struct fixture {
    struct sconce_backend backend;
    struct sconce_guest guest;
    struct sconce_sandbox sandbox;
    struct sconce_error err;
    bool in_handler;
};

static int32_t get(struct sconce_plugin_vm *vm, uint32_t file, void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    (void)vm;
    (void)err;
    assert_int_equal(file, SCONCE_REGS_STANDARD);
    assert_int_equal(bytes, BYTES);
    memcpy(buf, regs, BYTES);
    return SCONCE_PLUGIN_OK;
}

static int32_t set(struct sconce_plugin_vm *vm, uint32_t file, const void *buf, uint64_t bytes,
                   struct sconce_plugin_error *err)
{
    const uint64_t *from = buf;

    (void)vm;
    (void)err;
    assert_int_equal(file, SCONCE_REGS_STANDARD);
    assert_int_equal(bytes, BYTES);
    if (from[PC] == unholdable)
        return SCONCE_PLUGIN_E_INVALID;
    memcpy(regs, buf, BYTES);
    return SCONCE_PLUGIN_OK;
}

static int32_t resume(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    (void)vm;
    (void)err;
    resumed++;
    return resume_status;
}

static void add_region(struct sconce_layout *layout, uint32_t role, uint32_t prot, uint64_t gpa,
                       uint64_t offset)
{
    layout->regions[layout->region_count++] = (struct sconce_region){
        .role = role, .prot = prot, .gpa = gpa, .bytes = SCONCE_GUEST_GRANULE, .offset = offset};
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    struct sconce_sandbox *sandbox;

    assert_non_null(f);
    sandbox = &f->sandbox;
    f->backend.name = (char *)"fake";
    f->backend.regs =
        (struct sconce_ext_regs){.size = sizeof f->backend.regs, .get = get, .set = set};
    f->backend.fault = (struct sconce_ext_fault){.size = sizeof f->backend.fault,
                                                 .regs_bytes = BYTES,
                                                 .pc_at = PC * 8,
                                                 .sp_at = SP * 8,
                                                 .argument_at = ARGUMENT * 8,
                                                 .flags_at = FLAGS * 8,
                                                 .stack_skew = 8,
                                                 .flags_clear = 0xf0,
                                                 .resume = resume};
    f->guest.backend = &f->backend;
    sandbox->guest = &f->guest;
    sandbox->vm.backend = &f->backend;
    sandbox->arena.bytes = 4 * SCONCE_GUEST_GRANULE;
    sandbox->arena.host = calloc(1, sandbox->arena.bytes);
    assert_non_null(sandbox->arena.host);
    add_region(&sandbox->layout, SCONCE_MEM_IMAGE, SCONCE_PROT_READ | SCONCE_PROT_EXEC, CODE, 0);
    add_region(&sandbox->layout, SCONCE_MEM_STATE, SCONCE_PROT_READ | SCONCE_PROT_WRITE, DATA, 0);
    add_region(&sandbox->layout, SCONCE_MEM_IO, SCONCE_PROT_READ, 0x500000, SCONCE_GUEST_GRANULE);
    add_region(&sandbox->layout, SCONCE_MEM_IO, SCONCE_PROT_READ | SCONCE_PROT_WRITE, 0x510000,
               2 * SCONCE_GUEST_GRANULE);
    sandbox->in =
        (struct sconce_buffer){sandbox->arena.host + SCONCE_GUEST_GRANULE, SCONCE_GUEST_GRANULE};
    sandbox->out = (struct sconce_buffer){sandbox->arena.host + 2 * SCONCE_GUEST_GRANULE,
                                          SCONCE_GUEST_GRANULE};
    for (uint64_t i = 0; i < REGS; i++)
        regs[i] = 0x100 + i;
    regs[FLAGS] = 0xff;
    resume_status = SCONCE_PLUGIN_OK;
    unholdable = UINT64_MAX;
    resumed = 0;
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;

    free(f->sandbox.arena.host);
    free(f);
    return 0;
}

static int ask(struct fixture *f, uint64_t pc, uint64_t stack, uint64_t bytes)
{
    const struct sconce_frame frame = {
        .kind = SCONCE_FRAME_ON_FAULT,
        .slot_count = 3,
        .used_bytes = sizeof frame + 3 * sizeof(struct sconce_slot),
        .reply_at = 64,
    };
    const struct sconce_slot slots[3] = {
        {SCONCE_TYPE_U64, 0, pc}, {SCONCE_TYPE_U64, 0, stack}, {SCONCE_TYPE_U64, 0, bytes}};

    memcpy(f->sandbox.out.host, &frame, sizeof frame);
    memcpy(f->sandbox.out.host + sizeof frame, slots, sizeof slots);
    return sconce_fault_handler_register(&f->sandbox, &f->err);
}

static uint32_t answer_kind(const struct fixture *f)
{
    struct sconce_frame frame;

    memcpy(&frame, f->sandbox.in.host + 64, sizeof frame);
    return frame.kind;
}

static uint8_t *at(struct fixture *f, uint64_t gpa)
{
    return f->sandbox.arena.host + (gpa - DATA);
}

static int deliver(struct fixture *f)
{
    const struct sconce_exit_fault fault = {
        .kind = SCONCE_FAULT_MEMORY, .access = SCONCE_ACCESS_WRITE, .address = 8, .pc = 0x100};

    return sconce_fault_handler_deliver(&f->sandbox, &fault, &f->in_handler, &f->err);
}

/* Where the guest is seen to stand. */
static bool runs_at(struct fixture *f, uint64_t sp)
{
    regs[SP] = sp;
    return sconce_fault_handler_runs(&f->sandbox);
}

/* ---- Registering ----------------------------------------------------------------------------- */

static void test_register_is_answered_and_kept(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    assert_int_equal(answer_kind(f), SCONCE_FRAME_HOST_RETURN);
    assert_int_equal(f->sandbox.fault_handler.pc, CODE);
    assert_int_equal(ask(f, 0, 1, 2), 0);
    assert_int_equal(f->sandbox.fault_handler.pc, 0);
    assert_int_equal(f->sandbox.fault_handler.stack_bytes, 0);
}

static void test_register_where_the_backend_cannot_is_a_failure_for_the_guest(void **state)
{
    struct fixture *f = *state;

    f->backend.fault.size = 0;
    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    assert_int_equal(answer_kind(f), SCONCE_FRAME_HOST_FAILED);
    assert_int_equal(deliver(f), 0);
    assert_false(f->in_handler);
}

static void test_register_outside_code_or_memory_is_refused(void **state)
{
    static const uint64_t wrong[][3] = {
        {DATA, STACK, STACK_BYTES},
        {0x10, STACK, STACK_BYTES},
        {CODE, CODE, STACK_BYTES},
        {CODE, STACK + 8, STACK_BYTES},
        {CODE, STACK, 4095},
        {CODE, STACK, SCONCE_GUEST_GRANULE},
        {CODE, STACK, UINT64_MAX},
        {CODE, 0x510000, STACK_BYTES},
        {CODE, UINT64_MAX - 15, STACK_BYTES},
    };
    struct fixture *f = *state;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(ask(f, wrong[i][0], wrong[i][1], wrong[i][2]), SCONCE_E_GUEST_PROTOCOL);
        assert_non_null(strstr(f->err.text, "fault handler"));
    }
    assert_int_equal(f->sandbox.fault_handler.stack, STACK);
}

/* ---- Delivering ------------------------------------------------------------------------------ */

static void test_deliver_without_a_handler_does_nothing(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(deliver(f), 0);
    assert_int_equal(resumed, 0);
    assert_int_equal(regs[PC], 0x100);
}

static void test_deliver_enters_the_handler_with_a_report(void **state)
{
    struct fixture *f = *state;
    struct sconce_fault_report report;
    uint64_t reported[REGS], return_address;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    memset(at(f, STACK), 0xee, STACK_BYTES);
    assert_int_equal(deliver(f), 1);

    assert_int_equal(resumed, 1);
    assert_int_equal(regs[PC], CODE);
    assert_int_equal(regs[SP], REPORT - 8);
    assert_int_equal(regs[ARGUMENT], REPORT);
    assert_int_equal(regs[FLAGS], 0x0f);
    assert_int_equal(regs[REGS - 1], 0x100 + REGS - 1);
    memcpy(&report, at(f, REPORT), sizeof report);
    memcpy(reported, at(f, REPORT + sizeof report), sizeof reported);
    memcpy(&return_address, at(f, REPORT - 8), sizeof return_address);
    assert_int_equal(report.kind, SCONCE_FAULT_MEMORY);
    assert_int_equal(report.access, SCONCE_ACCESS_WRITE);
    assert_int_equal(report.address, 8);
    assert_int_equal(report.regs_bytes, BYTES);
    assert_int_equal(reported[PC], 0x100);
    assert_int_equal(reported[FLAGS], 0xff);
    assert_int_equal(return_address, 0);
    assert_int_equal(*at(f, REPORT - 9), 0xee);
}

static void test_runs_is_said_on_the_handlers_stack_alone(void **state)
{
    struct fixture *f = *state;

    assert_false(runs_at(f, STACK));
    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    assert_false(runs_at(f, STACK)); /* no fault was delivered */
    regs[SP] = 0x101;
    assert_int_equal(deliver(f), 1);
    assert_true(runs_at(f, REPORT));
    assert_true(runs_at(f, STACK));
    assert_false(runs_at(f, STACK - 8));
    assert_false(runs_at(f, STACK + STACK_BYTES)); /* it has left for good */
    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), 0);
    assert_false(runs_at(f, STACK));
}

static void test_deliver_on_the_handlers_stack_is_the_handlers_own_fault(void **state)
{
    static const uint64_t own[] = {STACK, STACK + STACK_BYTES - 1};
    static const uint64_t others[] = {STACK - 1, STACK + STACK_BYTES, 0, UINT64_MAX};
    struct fixture *f = *state;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        regs[SP] = own[i];
        assert_int_equal(deliver(f), 0);
        assert_true(f->in_handler);
        assert_int_equal(resumed, 0);
    }
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        regs[SP] = others[i];
        assert_int_equal(deliver(f), 1);
        assert_false(f->in_handler);
    }
}

static void test_deliver_of_a_final_fault_leaves_it(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    resume_status = SCONCE_PLUGIN_E_NOT_SUPPORTED;
    assert_int_equal(deliver(f), 0);
    assert_int_equal(regs[PC], 0x100);
    resume_status = SCONCE_PLUGIN_E_SYSTEM;
    assert_int_equal(deliver(f), SCONCE_E_BACKEND);
}

static void test_deliver_to_where_no_guest_can_be_is_the_guests_fault(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    unholdable = CODE;
    assert_int_equal(deliver(f), SCONCE_E_GUEST_PROTOCOL);
    assert_int_equal(f->err.code, SCONCE_E_GUEST_PROTOCOL);
    assert_non_null(strstr(f->err.text, "fault handler"));
    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), SCONCE_E_GUEST_PROTOCOL);
}

/* ---- Going on -------------------------------------------------------------------------------- */

static void test_done_takes_the_registers_of_the_report(void **state)
{
    struct fixture *f = *state;
    const uint64_t pc = 0x200;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    assert_int_equal(deliver(f), 1);
    memcpy(at(f, REPORT + sizeof(struct sconce_fault_report)), &pc, sizeof pc);
    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), 0);
    assert_int_equal(regs[PC], 0x200);
    assert_int_equal(regs[SP], 0x101);
    assert_int_equal(regs[FLAGS], 0xff);
}

static void test_done_is_refused_without_a_fault(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), SCONCE_E_GUEST_PROTOCOL);
    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), SCONCE_E_GUEST_PROTOCOL);
    assert_int_equal(deliver(f), 1);
    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), 0);
    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), SCONCE_E_GUEST_PROTOCOL);
}

static void test_done_is_refused_when_the_handler_is_another_one(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    assert_int_equal(deliver(f), 1);
    assert_int_equal(ask(f, 0, 0, 0), 0);
    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), SCONCE_E_GUEST_PROTOCOL);
}

static void test_done_with_what_no_guest_can_have_is_the_guests_fault(void **state)
{
    struct fixture *f = *state;
    const uint64_t pc = unholdable;

    assert_int_equal(ask(f, CODE, STACK, STACK_BYTES), 0);
    assert_int_equal(deliver(f), 1);
    memcpy(at(f, REPORT + sizeof(struct sconce_fault_report)), &pc, sizeof pc);
    assert_int_equal(sconce_fault_handler_done(&f->sandbox, &f->err), SCONCE_E_GUEST_PROTOCOL);
    assert_int_equal(f->err.code, SCONCE_E_GUEST_PROTOCOL);
    assert_non_null(strstr(f->err.text, "fault handler"));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_register_is_answered_and_kept),
        TEST(test_register_where_the_backend_cannot_is_a_failure_for_the_guest),
        TEST(test_register_outside_code_or_memory_is_refused),
        TEST(test_deliver_without_a_handler_does_nothing),
        TEST(test_deliver_enters_the_handler_with_a_report),
        TEST(test_runs_is_said_on_the_handlers_stack_alone),
        TEST(test_deliver_on_the_handlers_stack_is_the_handlers_own_fault),
        TEST(test_deliver_of_a_final_fault_leaves_it),
        TEST(test_deliver_to_where_no_guest_can_be_is_the_guests_fault),
        TEST(test_done_takes_the_registers_of_the_report),
        TEST(test_done_is_refused_without_a_fault),
        TEST(test_done_is_refused_when_the_handler_is_another_one),
        TEST(test_done_with_what_no_guest_can_have_is_the_guests_fault),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
