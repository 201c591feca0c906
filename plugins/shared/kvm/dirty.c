/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/kvm/dirty.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "plugins/shared/kvm/vm.h"
#include "plugins/shared/plugin-error.h"

void sconce_kvm_dirty_fini(struct sconce_kvm_dirty *dirty)
{
    free(dirty->slots);
    free(dirty->bits);
    *dirty = (struct sconce_kvm_dirty){0};
}

/* It is each backend's first member. */
static struct sconce_kvm_vm *vm_of(struct sconce_plugin_vm *vm)
{
    return (struct sconce_kvm_vm *)(void *)vm;
}

static uint64_t page_bytes(void)
{
    return (uint64_t)sysconf(_SC_PAGESIZE);
}

static int32_t failed(const char *what, const struct sconce_kvm_logged *logged,
                      struct sconce_plugin_error *err)
{
    return sconce_plugin_fail(
        err, errno == ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM,
        SCONCE_DOMAIN_ERRNO, errno, NULL,
        "cannot %s the log of pages that the guest writes at 0x%" PRIx64, what, logged->slot.gpa);
}

/* KVM's log of one slot, into dirty->bits. */
static int32_t read_log(const struct sconce_kvm_vm *vm, const struct sconce_kvm_logged *logged,
                        struct sconce_plugin_error *err)
{
    const struct kvm_dirty_log log = {.slot = logged->number, .dirty_bitmap = vm->dirty.bits};

    if (sconce_kvm_ioctl(vm->machine.vm_fd, KVM_GET_DIRTY_LOG, &log) == 0)
        return SCONCE_PLUGIN_OK;
    return failed("read", logged, err);
}

/* ---- Beginning ------------------------------------------------------------------------------ */

/* Reading is not to clear: what was written once is told every time. */
static int32_t read_only(const struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    const struct kvm_enable_cap cap = {.cap = KVM_CAP_MANUAL_DIRTY_LOG_PROTECT2,
                                       .args = {KVM_DIRTY_LOG_MANUAL_PROTECT_ENABLE}};

    if (sconce_kvm_ioctl(vm->machine.vm_fd, KVM_ENABLE_CAP, &cap) == 0)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_ERRNO, errno, NULL,
                              "this KVM has no log of written pages that is cleared by hand");
}

/* The slots that the guest can write, and room for the log of any. */
static int32_t find_slots(struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    struct sconce_kvm_slot slots[SCONCE_PLUGIN_MAX_MAPPINGS];
    uint32_t count = sconce_kvm_slots_plan(&vm->memory, slots);
    struct sconce_kvm_dirty *dirty = &vm->dirty;
    uint64_t most = 0;

    dirty->slots = calloc(count + 1u, sizeof *dirty->slots);
    for (uint32_t i = 0; dirty->slots && i < count; i++) {
        if (!slots[i].writable)
            continue;
        dirty->slots[dirty->count++] = (struct sconce_kvm_logged){i, slots[i]};
        most = slots[i].bytes > most ? slots[i].bytes : most;
    }
    if (most / page_bytes() > UINT32_MAX) /* more than kvm_clear_dirty_log can name */
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "the guest has too much memory for a log of written pages");
    dirty->bits = calloc(most / page_bytes() / 64 + 4, sizeof *dirty->bits);
    if (dirty->slots && dirty->bits)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                              "no memory for the log of pages that the guest writes");
}

/* The first @count of them. */
static int32_t set_flags(const struct sconce_kvm_vm *vm, uint32_t count, uint32_t flags,
                         uint32_t *ret_done, struct sconce_plugin_error *err)
{
    for (*ret_done = 0; *ret_done < count; ++*ret_done) {
        const struct sconce_kvm_logged *logged = &vm->dirty.slots[*ret_done];
        int32_t r =
            sconce_kvm_slot_set(vm->machine.vm_fd, logged->number, &logged->slot, flags, err);

        if (r != SCONCE_PLUGIN_OK)
            return r;
    }
    return SCONCE_PLUGIN_OK;
}

/* All, or none. */
static int32_t log_slots(const struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    uint32_t done;
    int32_t r = set_flags(vm, vm->dirty.count, KVM_MEM_LOG_DIRTY_PAGES, &done, err);

    if (r != SCONCE_PLUGIN_OK)
        set_flags(vm, done, 0, &done, NULL);
    return r;
}

static int32_t begin_first(struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = read_only(vm, err);

    if (r == SCONCE_PLUGIN_OK)
        r = find_slots(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = log_slots(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        sconce_kvm_dirty_fini(&vm->dirty);
    return r;
}

static int32_t clear_log(const struct sconce_kvm_vm *vm, const struct sconce_kvm_logged *logged,
                         struct sconce_plugin_error *err)
{
    const struct kvm_clear_dirty_log clear = {
        .slot = logged->number,
        .num_pages = (uint32_t)(logged->slot.bytes / page_bytes()),
        .dirty_bitmap = vm->dirty.bits,
    };
    int32_t r = read_log(vm, logged, err);

    if (r != SCONCE_PLUGIN_OK ||
        sconce_kvm_ioctl(vm->machine.vm_fd, KVM_CLEAR_DIRTY_LOG, &clear) == 0)
        return r;
    return failed("clear", logged, err);
}

/* A slot's log is empty when it is switched on. */
static int32_t begin(struct sconce_plugin_vm *plugin_vm, struct sconce_plugin_error *err)
{
    struct sconce_kvm_vm *vm = vm_of(plugin_vm);
    int32_t r = SCONCE_PLUGIN_OK;

    if (!vm->sealed)
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
            "cannot keep track of what is written: the guest was not entered");
    if (!vm->dirty.slots)
        return begin_first(vm, err);
    for (uint32_t i = 0; r == SCONCE_PLUGIN_OK && i < vm->dirty.count; i++)
        r = clear_log(vm, &vm->dirty.slots[i], err);
    return r;
}

/* ---- Collecting ----------------------------------------------------------------------------- */

/* Tells the runs of set bits of a log of @bits. */
static void tell(const uint64_t *words, uint64_t bits, uint64_t gpa, uint64_t unit,
                 void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes), void *ctx)
{
    uint64_t start = 0, length = 0;

    for (uint64_t word = 0; word < (bits + 63) / 64; word++) {
        /* Most of a large heap was not written. The array is longer than the log. */
        while (!(words[word] | words[word + 1] | words[word + 2] | words[word + 3]) &&
               word + 4 < (bits + 63) / 64)
            word += 4;
        for (uint64_t left = words[word]; left; left &= left - 1) {
            uint64_t bit = word * 64 + (uint64_t)__builtin_ctzll(left);

            if (length && bit != start + length) {
                wrote(ctx, gpa + start * unit, length * unit);
                length = 0;
            }
            if (!length)
                start = bit;
            length++;
        }
    }
    if (length)
        wrote(ctx, gpa + start * unit, length * unit);
}

static int32_t collect(struct sconce_plugin_vm *plugin_vm,
                       void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes), void *ctx,
                       struct sconce_plugin_error *err)
{
    const struct sconce_kvm_vm *vm = vm_of(plugin_vm);
    const uint64_t unit = page_bytes();

    if (!vm->dirty.slots)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot tell what was written: nothing keeps track of it");
    for (uint32_t i = 0; i < vm->dirty.count; i++) {
        const struct sconce_kvm_logged *logged = &vm->dirty.slots[i];
        int32_t r = read_log(vm, logged, err);

        if (r != SCONCE_PLUGIN_OK)
            return r;
        tell(vm->dirty.bits, logged->slot.bytes / unit, logged->slot.gpa, unit, wrote, ctx);
    }
    return SCONCE_PLUGIN_OK;
}

static const struct sconce_ext_dirty ext_dirty = {
    .size = sizeof ext_dirty,
    .begin = begin,
    .collect = collect,
};

const void *sconce_kvm_get_extension(const char *id)
{
    return strcmp(id, SCONCE_EXT_DIRTY) == 0 ? &ext_dirty : NULL;
}
