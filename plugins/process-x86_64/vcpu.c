/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's frame: as it begins, is copied, and goes on. When that happens is decided in
 * plugins/shared/process/vcpu.c. */
#include <stddef.h>
#include <string.h>

#include "common/untrusted.h"
#include "plugins/process-x86_64/control.h"
#include "plugins/process-x86_64/process-x86_64.h"

static uint8_t *frame_of(const struct sconce_plugin_vm *vm)
{
    return sconce_child_frame(&vm->child, sizeof(struct process_x86_frame));
}

bool process_x86_begin(struct sconce_plugin_vm *base, uint8_t *frame, uint64_t room)
{
    struct process_x86_vm *vm = process_x86(base);

    if (!process_x86_shape(frame, base->child.frame, room, &vm->shape) ||
        vm->shape.xstate_bytes < vm->facts.xstate_bytes)
        return false;
    process_x86_frame_init(&vm->shape, frame);
    memcpy(&vm->frame, frame, sizeof vm->frame);
    vm->has_stopped = false;
    vm->skip = 0;
    return true;
}

void process_x86_enter(struct sconce_plugin_vm *base, const struct sconce_entry *entry)
{
    struct process_x86_vm *vm = process_x86(base);

    vm->frame.rip = entry->pc;
    vm->frame.rsp = entry->sp;
    vm->frame.rdi = entry->args[0];
    vm->frame.rsi = entry->args[1];
    memcpy(frame_of(base), &vm->frame, sizeof vm->frame);
}

void process_x86_settle(struct process_x86_vm *vm)
{
    if (!vm->skip)
        return;
    vm->frame.rip += vm->skip;
    vm->skip = 0;
    memcpy(frame_of(&vm->base) + offsetof(struct process_x86_frame, rip), &vm->frame.rip,
           sizeof vm->frame.rip);
}

/* The child is held by the kernel since it reported: what has changed is the host's. */
static void tell_of_bases(struct process_x86_vm *vm)
{
    uint8_t *control = vm->base.child.control;
    uint64_t now[2];
    uint32_t keep;

    sconce_copy_untrusted(now, control + SCONCE_CONTROL_FS_BASE, sizeof now);
    keep = vm->has_stopped && memcmp(now, vm->bases, sizeof now) == 0;
    memcpy(control + SCONCE_CONTROL_KEEP_BASES, &keep, sizeof keep);
}

void process_x86_resume(struct sconce_plugin_vm *base)
{
    struct process_x86_vm *vm = process_x86(base);

    process_x86_settle(vm);
    tell_of_bases(vm);
    memcpy(frame_of(base) + offsetof(struct process_x86_frame, mask), &vm->shape.pattern.mask,
           sizeof vm->shape.pattern.mask);
}

void process_x86_copy_frame(struct sconce_plugin_vm *base, int number)
{
    struct process_x86_vm *vm = process_x86(base);

    (void)number; /* they are the same for all */
    sconce_copy_untrusted(&vm->frame, frame_of(base), sizeof vm->frame);
    sconce_copy_untrusted(vm->bases, base->child.control + SCONCE_CONTROL_FS_BASE,
                          sizeof vm->bases);
    vm->has_stopped = true;
}

void process_x86_answer(struct sconce_plugin_vm *base, int64_t result)
{
    struct process_x86_vm *vm = process_x86(base);

    vm->frame.rax = (uint64_t)result;
    memcpy(frame_of(base) + offsetof(struct process_x86_frame, rax), &vm->frame.rax,
           sizeof vm->frame.rax);
}
