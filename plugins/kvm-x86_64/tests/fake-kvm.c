/* SPDX-License-Identifier: Apache-2.0 */
/* A vCPU that never runs, of a KVM that the test plays. */
#include "plugins/kvm-x86_64/tests/fake-kvm.h"

#include <errno.h>
#include <string.h>

struct sconce_plugin_vm vm;
uint8_t own[SCONCE_X86_SUPERVISOR_BYTES] __attribute__((aligned(4096)));
union shared_pages shared;
uint64_t cr2;
int cr2_errno;

int __wrap_ioctl(int fd, unsigned long request, void *argument);

int __wrap_ioctl(int fd, unsigned long request, void *argument)
{
    (void)fd;
    assert_int_equal(request, KVM_GET_SREGS);
    ((struct kvm_sregs *)argument)->cr2 = cr2;
    errno = cr2_errno;
    return cr2_errno ? -1 : 0;
}

int start_over(void **state)
{
    (void)state;
    memset(&vm, 0, sizeof vm);
    memset(&shared, 0, sizeof shared);
    shared.run.s.regs.regs.rflags = 2;
    memset(arena, 0x90, sizeof arena);
    cr2 = 0;
    cr2_errno = 0;
    vm.kvm.machine.run = &shared.run;
    vm.kvm.own = own;
    lay_out(&vm.kvm.memory, &vm.kvm.state);
    sconce_x86_supervisor_build(own, SCONCE_GPA_MAX);
    return 0;
}

void put_syscall_at(uint64_t gpa)
{
    memcpy(arena + (gpa - CODE_GPA), "\x0f\x05", 2);
}

void port_exit(uint8_t direction, uint8_t size, uint16_t port, uint32_t count, uint8_t value)
{
    shared.run.exit_reason = KVM_EXIT_IO;
    shared.run.io.direction = direction;
    shared.run.io.size = size;
    shared.run.io.port = port;
    shared.run.io.count = count;
    shared.run.io.data_offset = 4096;
    shared.pages[4096] = value;
}

void trap(uint8_t vector, uint64_t error, uint64_t rip, uint64_t cs)
{
    const uint64_t frame[] = {error, rip, cs, 0x10246, 0x7000, 0x2b};
    unsigned ist = own[SCONCE_X86_IDT_OFFSET + 16 * vector + 4] & 7; /* as the processor does */
    uint64_t top;

    memcpy(&top, own + SCONCE_X86_TSS_OFFSET + 36 + 8 * (ist - 1), sizeof top);
    memcpy(own + (top - SCONCE_GPA_MAX) - sizeof frame, frame, sizeof frame);
    port_exit(KVM_EXIT_IO_OUT, 1, SCONCE_X86_SHIM_PORT, 1, 0);
    shared.run.s.regs.regs.rip =
        SCONCE_GPA_MAX + SCONCE_X86_SHIM_OFFSET + (uint64_t)vector * SCONCE_X86_SHIM_STRIDE;
}

void decode(void)
{
    kvm_x86_decode(&vm, &result);
}
