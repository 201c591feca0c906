/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mshv-x86_64/tests/fake-hv.h"

#include <errno.h>
#include <string.h>

struct sconce_plugin_vm vm;
uint8_t own[SCONCE_X86_SUPERVISOR_BYTES] __attribute__((aligned(4096)));
struct hv_register_page page;
enum fake_signal signal_comes;
bool leaves_dirty;
unsigned signals_left;
static struct mshv_message next;

/* As the hypervisor does: what is dirty is taken, a message fills the page. */
static int run(struct mshv_message *message)
{
    bool is_kick = next.type == MSHV_MESSAGE_NONE;

    if ((is_kick || signals_left) && signal_comes != SIGNAL_AFTER_THE_PAGE) {
        page.is_valid = page.is_valid && signal_comes != SIGNAL_AND_NO_PAGE;
        signals_left -= !is_kick;
        if (is_kick)
            sconce_mshv_kick(&vm.mshv.kick);
        return EINTR;
    }
    if (page.dirty & HV_DIRTY_GENERAL)
        for (unsigned i = 0; i < 16; i++)
            hv_reg(HV_RAX + i)->low = page.gp[i];
    if (page.dirty & HV_DIRTY_IP)
        hv_reg(HV_RIP)->low = page.rip;
    if (page.dirty & HV_DIRTY_FLAGS)
        hv_reg(HV_RFLAGS)->low = page.rflags;
    if (!leaves_dirty)
        page.dirty = 0;
    if (next.type == MSHV_MESSAGE_NONE) {
        sconce_mshv_kick(&vm.mshv.kick);
        return EINTR;
    }
    *message = next;
    for (unsigned i = 0; i < 16; i++)
        page.gp[i] = hv_reg(HV_RAX + i)->low;
    page.rip = hv_reg(HV_RIP)->low;
    page.rflags = hv_reg(HV_RFLAGS)->low;
    page.is_valid = 1;
    return 0;
}

int start_over(void **state)
{
    fake_vp_start_over(state);
    fake.run = run;
    memset(&vm, 0, sizeof vm);
    memset(&page, 0, sizeof page);
    memset(arena, 0x90, sizeof arena);
    signal_comes = SIGNAL_AFTER_THE_PAGE;
    leaves_dirty = false;
    signals_left = 0;
    vm.mshv.machine =
        (struct sconce_mshv_machine){.partition_fd = FAKE_PARTITION_FD, .vp_fd = FAKE_VP_FD};
    vm.mshv.own = own;
    vm.mshv.sealed = true;
    lay_out(&vm.mshv.memory, &vm.mshv.state);
    sconce_x86_supervisor_build(own, SCONCE_GPA_MAX);
    hv_reg(HV_RFLAGS)->low = 2;
    return 0;
}

void use_page(void)
{
    vm.mshv.machine.register_page = &page;
}

void put_syscall_at(uint64_t gpa)
{
    memcpy(arena + (gpa - CODE_GPA), "\x0f\x05", 2);
}

struct hv_io_port io_message(uint16_t port, uint8_t access, uint8_t io, uint64_t rax, uint64_t rip)
{
    hv_reg(HV_RIP)->low = rip;
    hv_reg(HV_RAX)->low = rax;
    return (struct hv_io_port){
        .head = {.length_cr8 = 2, .access = access, .state = 3, .rip = rip},
        .port = port,
        .access = io,
        .rax = rax,
    };
}

struct hv_io_port trap(uint8_t vector, uint64_t error_code, uint64_t rip, uint64_t cs)
{
    return trap_in(own, vector, error_code, rip, cs);
}

struct hv_io_port trap_in(uint8_t *own_memory, uint8_t vector, uint64_t error_code, uint64_t rip,
                          uint64_t cs)
{
    const uint64_t frame[] = {error_code, rip, cs, 0x10246, 0x7000, 0x2b};
    unsigned ist = own_memory[SCONCE_X86_IDT_OFFSET + 16 * vector + 4] & 7; /* as a processor */
    struct hv_io_port io;
    uint64_t top;

    memcpy(&top, own_memory + SCONCE_X86_TSS_OFFSET + 36 + 8 * (ist - 1), sizeof top);
    memcpy(own_memory + (top - SCONCE_GPA_MAX) - sizeof frame, frame, sizeof frame);
    io = io_message(SCONCE_X86_SHIM_PORT, HV_ACCESS_WRITE, 1, hv_reg(HV_RAX)->low,
                    sconce_x86_shim_report(SCONCE_GPA_MAX, vector));
    io.head.state = 0;
    io.rcx = 0x5a5a5a5a; /* no string instruction: it need not be RCX */
    return io;
}

void run_to(uint32_t type, const void *payload, size_t bytes)
{
    next = (struct mshv_message){.type = type, .payload_bytes = (uint8_t)bytes};
    memcpy(next.payload, payload, bytes);
    memset(&result, 0, sizeof result);
    result.size = sizeof result;
    assert_int_equal(mshv_x86_vcpu_run(&vm, &result, fresh()), SCONCE_PLUGIN_OK);
}
