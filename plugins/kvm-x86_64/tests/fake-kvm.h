/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU that never runs, of a KVM that the test plays: what processor and kernel leave behind when
 * a guest stops. One at a time; the tests write to all of it. */
#ifndef SCONCE_PLUGINS_KVM_X86_64_TESTS_FAKE_KVM_H
#define SCONCE_PLUGINS_KVM_X86_64_TESTS_FAKE_KVM_H

#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/tests/exits.h"

extern struct sconce_plugin_vm vm;
extern uint8_t own[SCONCE_X86_SUPERVISOR_BYTES]; /* the VM's own memory */
extern union shared_pages {
    struct kvm_run run;
    uint8_t pages[12288];
} shared;

/* KVM_GET_SREGS, the only ioctl: CR2, or why it fails. */
extern uint64_t cr2;
extern int cr2_errno;

/** start_over - a VM that runs, and nothing has happened; each test's setup. */
int start_over(void **state);

/** put_syscall_at - the instruction, into the guest's memory. */
void put_syscall_at(uint64_t gpa);
/** port_exit - KVM_EXIT_IO, with its first byte. */
void port_exit(uint8_t direction, uint8_t size, uint16_t port, uint32_t count, uint8_t value);
/** trap - an exception with a frame on its stack, and the shim's OUT. */
void trap(uint8_t vector, uint64_t error, uint64_t rip, uint64_t cs);
/** decode - into result, what the exit is. */
void decode(void);

#endif
