/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU that never runs, of a KVM that the test plays: what processor and kernel leave behind when
 * a guest stops. One at a time; the tests write to all of it. */
#ifndef SCONCE_PLUGINS_KVM_AARCH64_TESTS_FAKE_KVM_H
#define SCONCE_PLUGINS_KVM_AARCH64_TESTS_FAKE_KVM_H

#include "plugins/kvm-aarch64/kvm-aarch64.h"
#include "plugins/shared/tests/exits.h"

#define REPORT_GPA (SCONCE_GPA_MAX + SCONCE_A64_REPORT_OFFSET)
#define SAVE_GPA (SCONCE_GPA_MAX + SCONCE_A64_SAVE_OFFSET)
#define SVC(imm16) (0x56000000u | (imm16))

extern struct sconce_plugin_vm vm;
extern struct kvm_run run;

/* Its registers that the code under test asks for, and KVM_RUN. */
extern struct fake_vcpu {
    uint64_t pc, pstate, x0, x1, elr, spsr;
    int errno_of_pc;
    int errno_of_amair; /* a register that is not needed */
    unsigned runs;      /* KVM_RUN that ran the guest */
} vcpu;

/** start_over - a VM that runs, and nothing has happened; each test's setup. */
int start_over(void **state);

/** save - where the shim puts the guest's registers. */
struct sconce_a64_save *save(void);
/** mmio - KVM_EXIT_MMIO. */
void mmio(uint64_t address, bool is_write, uint32_t bytes);
/** trap - an exception from EL0 at @pc, saved and reported by the shim. */
void trap(unsigned vector, uint64_t esr, uint64_t pc);
/** decode - into result, what the exit is; it must be one to tell. */
void decode(void);

#endif
