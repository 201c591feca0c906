/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU that never runs, of a KVM that the test plays. */
#include "plugins/kvm-aarch64/tests/fake-kvm.h"

#include <errno.h>
#include <string.h>

#include "arch/aarch64/regs.h"

struct sconce_plugin_vm vm;
struct kvm_run run;
struct fake_vcpu vcpu;
static uint8_t own[SCONCE_A64_SUPERVISOR_BYTES] __attribute__((aligned(4096)));

int __wrap_ioctl(int fd, unsigned long request, void *argument);

static uint64_t *register_of(uint64_t number)
{
    static uint64_t other;

    switch (number) {
    case KVM_A64_PC:
        return &vcpu.pc;
    case KVM_A64_PSTATE:
        return &vcpu.pstate;
    case KVM_A64_X(0):
        return &vcpu.x0;
    case KVM_A64_X(1):
        return &vcpu.x1;
    case KVM_A64_ELR_EL1:
        return &vcpu.elr;
    case KVM_A64_SPSR_EL1:
        return &vcpu.spsr;
    default:
        other = 0;
        return &other;
    }
}

/* KVM_RUN finishes the store that was reported; it runs nothing when it is told not to. */
static int run_vcpu(void)
{
    if (run.exit_reason == KVM_EXIT_MMIO)
        vcpu.pc += 4;
    run.exit_reason = KVM_EXIT_INTR;
    if (run.immediate_exit) {
        errno = EINTR;
        return -1;
    }
    vcpu.runs++;
    run.exit_reason = KVM_EXIT_SHUTDOWN;
    return 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    const struct kvm_one_reg *reg = argument;

    (void)fd;
    if (request == KVM_RUN)
        return run_vcpu();
    if (request == KVM_ARM_VCPU_INIT)
        return 0;
    if (reg->id == KVM_A64_SYSREG(SCONCE_A64_AMAIR_EL1) && vcpu.errno_of_amair) {
        errno = vcpu.errno_of_amair;
        return -1;
    }
    if (reg->id == KVM_A64_PC && vcpu.errno_of_pc) {
        errno = vcpu.errno_of_pc;
        return -1;
    }
    if (request == KVM_GET_ONE_REG)
        memcpy((void *)(uintptr_t)reg->addr, register_of(reg->id), sizeof(uint64_t));
    else if (request == KVM_SET_ONE_REG)
        memcpy(register_of(reg->id), (const void *)(uintptr_t)reg->addr, sizeof(uint64_t));
    else
        fail_msg("an ioctl that was not expected: 0x%lx", request);
    return 0;
}

int start_over(void **state)
{
    static const struct sconce_a64_features none;

    (void)state;
    memset(&vm, 0, sizeof vm);
    memset(&run, 0, sizeof run);
    memset(arena, 0, sizeof arena);
    memset(&vcpu, 0, sizeof vcpu);
    sconce_a64_vcpu_init(&vm.a64, &kvm_a64_access, &vm, &vm.kvm.memory, &vm.kvm.state, &none);
    vm.a64.own = own;
    vm.kvm.machine.run = &run;
    vm.kvm.own = own;
    vm.kvm.sealed = true;
    lay_out(&vm.kvm.memory, &vm.kvm.state);
    sconce_a64_supervisor_build(own);
    return 0;
}

struct sconce_a64_save *save(void)
{
    return (struct sconce_a64_save *)(void *)own;
}

void mmio(uint64_t address, bool is_write, uint32_t bytes)
{
    run.exit_reason = KVM_EXIT_MMIO;
    run.mmio.phys_addr = address;
    run.mmio.is_write = is_write;
    run.mmio.len = bytes;
}

void trap(unsigned vector, uint64_t esr, uint64_t pc)
{
    *save() = (struct sconce_a64_save){
        .x = {10, 11, 12, 13, 14, 15},
        .x8 = 64,
        .esr = esr,
        .elr = pc,
        .far = 0x1234,
        .spsr = 0x60000000,
        .sp = 0x7008,
    };
    vcpu.elr = pc;
    vcpu.spsr = 0x60000000;
    vcpu.pstate = SCONCE_A64_PSTATE_EL1H | SCONCE_A64_PSTATE_DAIF;
    vcpu.pc = sconce_a64_vector_gpa(SCONCE_GPA_MAX, vector) + 12 * 4;
    mmio(SAVE_GPA - 8 * (vector + 1), true, 8);
}

void decode(void)
{
    assert_true(kvm_a64_decode(&vm, &result));
}
