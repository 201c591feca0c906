/* SPDX-License-Identifier: Apache-2.0 */
/* The guest's frame: as it begins, is copied, and goes on; and its code, when the host has written
 * it. When that happens is decided in plugins/shared/process/vcpu.c. */
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/auxv.h>

#include "common/untrusted.h"
#include "plugins/process-aarch64/process-aarch64.h"

#define HWCAP_GCS_ (1ul << 32) /* asm/hwcap.h; newer than the oldest headers */

static uint8_t *frame_of(const struct sconce_plugin_vm *vm)
{
    return sconce_child_frame(&vm->child, PROCESS_A64_FRAME_BYTES);
}

/* Does the kernel keep the pointer of a shadow stack for each thread? It writes a record of one
 * that was ever used. */
static bool has_gcs(const uint8_t *frame)
{
    struct process_a64_gcs gcs;

    return getauxval(AT_HWCAP) & HWCAP_GCS_ ||
           process_a64_find(frame + sizeof(struct process_a64_frame), PROCESS_A64_GCS_MAGIC, &gcs,
                            sizeof gcs);
}

/* Behind the frame are two words of the zygote's, X29 and X30, hence the whole room. */
bool process_a64_begin(struct sconce_plugin_vm *base, uint8_t *frame, uint64_t room)
{
    struct process_a64_vm *vm = process_a64(base);
    struct process_a64_frame kernels;

    if (!process_a64_is_known(frame, room))
        return false;
    memcpy(&kernels, frame, sizeof kernels);
    process_a64_frame_init(&kernels, has_gcs(frame), frame, room);
    memcpy(&vm->frame, frame, sizeof vm->frame);
    memset(vm->records, 0, sizeof vm->records);
    vm->mask = kernels.mask;
    vm->moved = false;
    vm->esr = vm->far = 0;
    return true;
}

void process_a64_enter(struct sconce_plugin_vm *base, const struct sconce_entry *entry)
{
    struct process_a64_vm *vm = process_a64(base);

    vm->frame.pc = entry->pc;
    vm->frame.sp = entry->sp;
    vm->frame.x[0] = entry->args[0];
    vm->frame.x[1] = entry->args[1];
    memcpy(frame_of(base), &vm->frame, sizeof vm->frame);
}

void process_a64_settle(struct process_a64_vm *vm)
{
    if (!vm->moved)
        return;
    vm->moved = false;
    memcpy(frame_of(&vm->base) + offsetof(struct process_a64_frame, pc), &vm->frame.pc,
           sizeof vm->frame.pc);
}

void process_a64_resume(struct sconce_plugin_vm *base)
{
    struct process_a64_vm *vm = process_a64(base);

    process_a64_settle(vm);
    memcpy(frame_of(base) + offsetof(struct process_a64_frame, mask), &vm->mask, sizeof vm->mask);
}

void process_a64_copy_frame(struct sconce_plugin_vm *base, int number)
{
    struct process_a64_vm *vm = process_a64(base);
    const uint8_t *frame = frame_of(base);

    sconce_copy_untrusted(&vm->frame, frame, sizeof vm->frame);
    if (number != SIGSYS && number != SIGUSR1) /* which have no syndrome */
        sconce_copy_untrusted(vm->records, frame + sizeof vm->frame, sizeof vm->records);
}

void process_a64_answer(struct sconce_plugin_vm *base, int64_t result)
{
    struct process_a64_vm *vm = process_a64(base);

    vm->frame.x[0] = (uint64_t)result;
    memcpy(frame_of(base) + offsetof(struct process_a64_frame, x), &vm->frame.x[0],
           sizeof vm->frame.x[0]);
}

int32_t process_a64_mem_sync_code(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                                  struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_sync_code(&vm->memory, gpa, bytes, true, err);
}
