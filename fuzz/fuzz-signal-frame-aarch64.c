/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boundary: a signal frame in memory that a guest can write, as process-aarch64 decodes it. The
 * input is the signal's number, the frame with its records, and the guest's code. Registers are
 * then read and written in it, as a host would.
 */
#include <signal.h>
#include <string.h>

#include "arch/aarch64/regs.h"
#include "fuzz.h"
#include "plugins/process-aarch64/process-aarch64.h"

#define CODE_GPA 0x400000ull
#define DATA_GPA 0x500000ull

static uint8_t code[SCONCE_MEM_GRANULE], data_page[SCONCE_MEM_GRANULE];
static struct process_a64_vm vm;

static void lay_out(const uint8_t *guest, size_t bytes)
{
    struct sconce_plugin_mappings *memory = &vm.base.memory;

    memset(code, 0, sizeof code);
    memset(data_page, 0, sizeof data_page);
    memcpy(code, guest, bytes < sizeof code ? bytes : sizeof code);
    memory->count = 2;
    memory->ranges[0] = (struct sconce_plugin_range){.gpa = CODE_GPA,
                                                     .bytes = sizeof code,
                                                     .host = code,
                                                     .prot = SCONCE_PROT_READ | SCONCE_PROT_EXEC};
    memory->ranges[1] = (struct sconce_plugin_range){.gpa = DATA_GPA,
                                                     .bytes = sizeof data_page,
                                                     .host = data_page,
                                                     .prot = SCONCE_PROT_READ | SCONCE_PROT_WRITE};
    vm.base.state = SCONCE_VCPU_RUNNABLE;
    vm.moved = false;
}

static void check_call(const struct sconce_exit *exit)
{
    FUZZ_CHECK(vm.frame.pc == vm.frame.address);
    FUZZ_CHECK(vm.frame.pc - 4 - CODE_GPA < sizeof code);
    if (exit->kind == SCONCE_EXIT_DOORBELL) {
        FUZZ_CHECK(vm.base.state == SCONCE_VCPU_RUNNABLE);
        FUZZ_CHECK(exit->u.doorbell.reserved0 == 0);
        return;
    }
    FUZZ_CHECK(vm.base.state == SCONCE_VCPU_SYSCALL);
    FUZZ_CHECK(exit->u.syscall.raw_nr == vm.frame.x[8] && exit->u.syscall.reserved0 == 0);
}

static void check_fault(const struct sconce_exit *exit)
{
    FUZZ_CHECK(exit->kind == SCONCE_EXIT_FAULT);
    FUZZ_CHECK(vm.base.state == SCONCE_VCPU_FAULTED && !vm.moved);
    FUZZ_CHECK(exit->u.fault.kind >= SCONCE_FAULT_MEMORY &&
               exit->u.fault.kind <= SCONCE_FAULT_OTHER);
    FUZZ_CHECK(exit->u.fault.access <= SCONCE_ACCESS_EXEC);
}

static void check_float(void)
{
    struct sconce_a64_float floats, again;

    if (!process_a64_get_float(vm.records, &floats))
        return;
    /* A forged frame may hold what no guest can; it is shown, and taken back by nobody. */
    FUZZ_CHECK(process_a64_set_float(&floats, vm.records) == sconce_a64_float_valid(&floats));
    FUZZ_CHECK(process_a64_get_float(vm.records, &again));
    FUZZ_CHECK(memcmp(&floats, &again, sizeof floats) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    struct sconce_exit exit = {.size = sizeof exit};
    size_t records;

    if (bytes < 1 + sizeof vm.frame)
        return 0;
    memcpy(&vm.frame, data + 1, sizeof vm.frame);
    memset(vm.records, 0, sizeof vm.records);
    records = bytes - 1 - sizeof vm.frame;
    records = records < sizeof vm.records ? records : sizeof vm.records;
    memcpy(vm.records, data + 1 + sizeof vm.frame, records);
    lay_out(data + 1 + sizeof vm.frame + records, bytes - 1 - sizeof vm.frame - records);
    if (!process_a64_decode(&vm.base, data[0], &exit))
        FUZZ_CHECK(vm.frame.code <= 0 && vm.base.state == SCONCE_VCPU_RUNNABLE);
    else if (exit.kind == SCONCE_EXIT_DOORBELL || exit.kind == SCONCE_EXIT_SYSCALL)
        check_call(&exit);
    else
        check_fault(&exit);
    check_float();
    return 0;
}
