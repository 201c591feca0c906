/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Boundary: a signal frame in memory that a guest can write, as process-x86_64 decodes it. The
 * input is the signal's number, the frame, and the guest's code. Also taken as the frame whose
 * layout a new process shows: what is accepted must lie within the room.
 */
#include <signal.h>
#include <string.h>

#include "fuzz.h"
#include "plugins/process-x86_64/process-x86_64.h"

#define CODE_GPA 0x400000ull
#define DATA_GPA 0x500000ull
#define FRAME_AT 0xfff81f300ull

static uint8_t code[SCONCE_MEM_GRANULE], data_page[SCONCE_MEM_GRANULE];

static void map(struct sconce_plugin_mappings *memory, uint64_t gpa, uint8_t *host, uint32_t prot)
{
    memory->ranges[memory->count++] = (struct sconce_plugin_range){
        .gpa = gpa, .bytes = SCONCE_MEM_GRANULE, .host = host, .prot = prot};
}

static void check_exit(const struct process_x86_vm *vm, const struct sconce_exit *exit)
{
    switch (exit->kind) {
    case SCONCE_EXIT_DOORBELL:
        FUZZ_CHECK(vm->base.state == SCONCE_VCPU_RUNNABLE);
        FUZZ_CHECK(vm->skip == 1 || vm->skip == 2);
        FUZZ_CHECK(exit->u.doorbell.number == (vm->frame.rax & 0xff));
        FUZZ_CHECK(exit->u.doorbell.reserved0 == 0);
        FUZZ_CHECK(vm->frame.rip - CODE_GPA < sizeof code);
        break;
    case SCONCE_EXIT_SYSCALL:
        FUZZ_CHECK(vm->base.state == SCONCE_VCPU_SYSCALL);
        FUZZ_CHECK(exit->u.syscall.raw_nr == vm->frame.rax && exit->u.syscall.reserved0 == 0);
        break;
    default:
        FUZZ_CHECK(exit->kind == SCONCE_EXIT_FAULT);
        FUZZ_CHECK(vm->base.state == SCONCE_VCPU_FAULTED);
        FUZZ_CHECK(exit->u.fault.kind >= SCONCE_FAULT_MEMORY &&
                   exit->u.fault.kind <= SCONCE_FAULT_OTHER);
        FUZZ_CHECK(exit->u.fault.access <= SCONCE_ACCESS_EXEC);
    }
}

static void check_shape(const uint8_t *frame, size_t bytes)
{
    struct process_x86_shape shape;
    uint8_t *fresh;

    if (!process_x86_shape(frame, FRAME_AT, bytes, &shape))
        return;
    FUZZ_CHECK(shape.bytes <= bytes && shape.fpstate >= sizeof shape.pattern);
    FUZZ_CHECK(shape.xstate_bytes >= SCONCE_X86_XSAVE_HEAD);
    FUZZ_CHECK(shape.fpstate + shape.xstate_bytes + sizeof(uint32_t) <= shape.bytes);
    fresh = malloc(shape.bytes);
    FUZZ_CHECK(fresh);
    process_x86_frame_init(&shape, fresh);
    free(fresh);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static struct process_x86_vm vm;
    struct sconce_exit exit = {.size = sizeof exit};
    const size_t head = 1 + sizeof vm.frame;

    check_shape(data, bytes);
    if (bytes < head)
        return 0;
    vm.base.memory.count = 0;
    map(&vm.base.memory, CODE_GPA, code, SCONCE_PROT_READ | SCONCE_PROT_EXEC);
    map(&vm.base.memory, DATA_GPA, data_page, SCONCE_PROT_READ | SCONCE_PROT_WRITE);
    vm.base.state = SCONCE_VCPU_RUNNABLE;
    vm.skip = 0;
    vm.shape.pattern.cs = 0x33; /* __USER_CS */
    memcpy(&vm.frame, data + 1, sizeof vm.frame);
    memset(code, 0x90, sizeof code);
    memset(data_page, 0xee, sizeof data_page); /* a doorbell that is not code */
    memcpy(code, data + head, bytes - head < sizeof code ? bytes - head : sizeof code);
    if (process_x86_decode(&vm.base, data[0], &exit))
        check_exit(&vm, &exit);
    else
        FUZZ_CHECK(vm.frame.code <= 0 && vm.base.state == SCONCE_VCPU_RUNNABLE);
    return 0;
}
