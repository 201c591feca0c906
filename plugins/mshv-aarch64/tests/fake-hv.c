/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mshv-aarch64/tests/fake-hv.h"

#include <errno.h>
#include <string.h>

#include "arch/aarch64/regs.h"

struct sconce_plugin_vm vm;
static uint8_t own[SCONCE_A64_SUPERVISOR_BYTES] __attribute__((aligned(4096)));
static struct mshv_message next;

/* 16 breakpoints and watchpoints; 48 bits, pages of 4 KiB; PAN. */
const struct sconce_a64_features all_features = {.dfr0 = 0xf0f006, .mmfr0 = 5, .mmfr1 = 1u << 20};

static int run(struct mshv_message *message)
{
    if (next.type == MSHV_MESSAGE_NONE) {
        sconce_mshv_kick(&vm.mshv.kick);
        return EINTR;
    }
    *message = next;
    return 0;
}

int start_over(void **state)
{
    const struct mshv_a64_facts facts = {.features = all_features};

    fake_vp_start_over(state);
    fake.run = run;
    memset(&vm, 0, sizeof vm);
    memset(arena, 0, sizeof arena);
    vm.mshv.machine =
        (struct sconce_mshv_machine){.partition_fd = FAKE_PARTITION_FD, .vp_fd = FAKE_VP_FD};
    sconce_a64_vcpu_init(&vm.a64, &mshv_a64_access, &vm, &vm.mshv.memory, &vm.mshv.state,
                         &all_features);
    vm.a64.own = vm.mshv.own = own;
    vm.mshv.sealed = true;
    lay_out(&vm.mshv.memory, &vm.mshv.state);
    sconce_a64_supervisor_build(own);
    mshv_a64_reset_keep(&vm, &facts);
    return 0;
}

struct sconce_a64_save *save(void)
{
    return (struct sconce_a64_save *)(void *)own;
}

struct hv_gpa_access report_of(unsigned vector, uint64_t esr, uint64_t pc)
{
    const uint64_t pstate = SCONCE_A64_PSTATE_EL1H | SCONCE_A64_PSTATE_DAIF;

    *save() = (struct sconce_a64_save){
        .x = {10, 11, 12, 13, 14, 15},
        .x8 = 64,
        .esr = esr,
        .elr = pc,
        .far = 0x1234,
        .spsr = 0x60000000,
        .sp = 0x7008,
    };
    hv_reg(HV_ELR_EL1)->low = pc;
    hv_reg(HV_SPSR_EL1)->low = 0x60000000;
    hv_reg(HV_PSTATE)->low = pstate;
    hv_reg(HV_PC)->low = STORE_AT(vector);
    return (struct hv_gpa_access){
        .head = {.instruction_bytes = 4,
                 .access = HV_ACCESS_WRITE,
                 .state = 1,
                 .pc = STORE_AT(vector),
                 .cpsr = pstate},
        .info = 3,
        .gva = SAVE_GPA - 8 * (vector + 1),
        .gpa = SAVE_GPA - 8 * (vector + 1),
        .syndrome = STORE_SYNDROME,
    };
}

void run_to(uint32_t type, const void *payload, size_t bytes)
{
    next = (struct mshv_message){.type = type, .payload_bytes = (uint8_t)bytes};
    if (bytes)
        memcpy(next.payload, payload, bytes);
    memset(&result, 0, sizeof result);
    result.size = sizeof result;
    assert_int_equal(mshv_a64_vcpu_run(&vm, &result, fresh()), SCONCE_PLUGIN_OK);
}

void run_to_store(const struct hv_gpa_access *access)
{
    run_to(MSHV_MESSAGE_UNMAPPED_GPA, access, sizeof *access);
}

void run_to_kick(void)
{
    run_to(MSHV_MESSAGE_NONE, NULL, 0);
}
