/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/kvm/dirty.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/kvm.h>

#include "common/attributes.h"
#include "plugins/shared/kvm/ring.h"
#include "plugins/shared/kvm/vm.h"
#include "plugins/shared/plugin-error.h"

/* Protecting all of memory again costs more than putting so many pages back for nothing. */
#define KEPT_MOST 64u

void sconce_kvm_dirty_fini(struct sconce_kvm_dirty *dirty)
{
    for (uint32_t i = 0; i < dirty->count; i++)
        sconce_page_set_fini(&dirty->slots[i].written);
    free(dirty->slots);
    free(dirty->bits);
    *dirty = (struct sconce_kvm_dirty){0};
}

/* It is each backend's first member. */
static struct sconce_kvm_vm *vm_of(struct sconce_plugin_vm *vm)
{
    return (struct sconce_kvm_vm *)(void *)vm;
}

static bool has_ring(const struct sconce_kvm_vm *vm)
{
    return vm->machine.ring.count > 0;
}

static int32_t failed(const char *what, const struct sconce_kvm_logged *logged,
                      struct sconce_plugin_error *err)
{
    return sconce_plugin_fail(
        err, errno == ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM,
        SCONCE_DOMAIN_ERRNO, errno, NULL,
        "cannot %s the log of pages that the guest writes at 0x%" PRIx64, what, logged->slot.gpa);
}

/* ---- The ring ------------------------------------------------------------------------------- */

SCONCE_HOT static struct sconce_kvm_logged *find(const struct sconce_kvm_dirty *dirty,
                                                 uint32_t number)
{
    for (uint32_t i = 0; i < dirty->count; i++)
        if (dirty->slots[i].number == number)
            return &dirty->slots[i];
    return NULL;
}

SCONCE_HOT static void take_ring(struct sconce_kvm_vm *vm)
{
    const uint64_t unit = vm->dirty.unit;
    uint32_t number;
    uint64_t page;

    while (sconce_kvm_ring_take(&vm->machine.ring, &number, &page)) {
        struct sconce_kvm_logged *logged = find(&vm->dirty, number);

        if (!logged || page >= logged->slot.bytes / unit)
            continue;
        sconce_page_set_add(&logged->written, page * unit, unit);
        vm->dirty.written++;
    }
}

int32_t sconce_kvm_dirty_make_room(struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    take_ring(vm);
    return sconce_kvm_ring_give_back(&vm->machine.ring, vm->machine.vm_fd, err);
}

SCONCE_HOT static int32_t collect_ring(struct sconce_kvm_vm *vm,
                                       void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes),
                                       void *ctx, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    take_ring(vm);
    if (sconce_kvm_ring_filling(&vm->machine.ring))
        r = sconce_kvm_ring_give_back(&vm->machine.ring, vm->machine.vm_fd, err);
    for (uint32_t i = 0; r == SCONCE_PLUGIN_OK && i < vm->dirty.count; i++) {
        const struct sconce_kvm_logged *logged = &vm->dirty.slots[i];
        uint64_t start, end = 0;

        while (sconce_page_set_next(&logged->written, end, &start, &end))
            wrote(ctx, logged->slot.gpa + start, end - start);
    }
    return r;
}

/* ---- The log -------------------------------------------------------------------------------- */

/* KVM's log of one slot, into dirty->bits. */
static int32_t read_log(const struct sconce_kvm_vm *vm, const struct sconce_kvm_logged *logged,
                        struct sconce_plugin_error *err)
{
    const struct kvm_dirty_log log = {.slot = logged->number, .dirty_bitmap = vm->dirty.bits};

    if (sconce_kvm_ioctl(vm->machine.vm_fd, KVM_GET_DIRTY_LOG, &log) == 0)
        return SCONCE_PLUGIN_OK;
    return failed("read", logged, err);
}

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

static int32_t clear_log(const struct sconce_kvm_vm *vm, const struct sconce_kvm_logged *logged,
                         struct sconce_plugin_error *err)
{
    const struct kvm_clear_dirty_log clear = {
        .slot = logged->number,
        .num_pages = (uint32_t)(logged->slot.bytes / vm->dirty.unit),
        .dirty_bitmap = vm->dirty.bits,
    };
    int32_t r = read_log(vm, logged, err);

    if (r != SCONCE_PLUGIN_OK ||
        sconce_kvm_ioctl(vm->machine.vm_fd, KVM_CLEAR_DIRTY_LOG, &clear) == 0)
        return r;
    return failed("clear", logged, err);
}

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

static int32_t collect_log(const struct sconce_kvm_vm *vm,
                           void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes), void *ctx,
                           struct sconce_plugin_error *err)
{
    const uint64_t unit = vm->dirty.unit;

    for (uint32_t i = 0; i < vm->dirty.count; i++) {
        const struct sconce_kvm_logged *logged = &vm->dirty.slots[i];
        int32_t r = read_log(vm, logged, err);

        if (r != SCONCE_PLUGIN_OK)
            return r;
        tell(vm->dirty.bits, logged->slot.bytes / unit, logged->slot.gpa, unit, wrote, ctx);
    }
    return SCONCE_PLUGIN_OK;
}

/* ---- Beginning ------------------------------------------------------------------------------ */

/* Room for what is kept of each slot that the guest can write. */
static bool reserve(struct sconce_kvm_vm *vm, uint64_t most_pages)
{
    struct sconce_kvm_dirty *dirty = &vm->dirty;

    if (!has_ring(vm)) {
        dirty->bits = calloc(most_pages / 64 + 4, sizeof *dirty->bits);
        return dirty->bits != NULL;
    }
    for (uint32_t i = 0; i < dirty->count; i++)
        if (!sconce_page_set_init(&dirty->slots[i].written, dirty->slots[i].slot.bytes))
            return false;
    return true;
}

static int32_t find_slots(struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    struct sconce_kvm_slot slots[SCONCE_PLUGIN_MAX_MAPPINGS];
    uint32_t count = sconce_kvm_slots_plan(&vm->memory, slots);
    struct sconce_kvm_dirty *dirty = &vm->dirty;
    uint64_t most = 0;

    dirty->unit = (uint64_t)sysconf(_SC_PAGESIZE);
    dirty->slots = calloc(count + 1u, sizeof *dirty->slots);
    for (uint32_t i = 0; dirty->slots && i < count; i++) {
        if (!slots[i].writable)
            continue;
        dirty->slots[dirty->count++] = (struct sconce_kvm_logged){.number = i, .slot = slots[i]};
        most = slots[i].bytes > most ? slots[i].bytes : most;
    }
    if (most / vm->dirty.unit > UINT32_MAX) /* more than kvm_clear_dirty_log can name */
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "the guest has too much memory for a log of written pages");
    if (dirty->slots && reserve(vm, most / vm->dirty.unit))
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

/* All, or none. A slot is protected against writes when its log is switched on, and only then. */
static int32_t log_slots(const struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    uint32_t done;
    int32_t r = set_flags(vm, vm->dirty.count, 0, &done, err);

    if (r == SCONCE_PLUGIN_OK)
        r = set_flags(vm, vm->dirty.count, KVM_MEM_LOG_DIRTY_PAGES, &done, err);
    if (r != SCONCE_PLUGIN_OK)
        set_flags(vm, done, 0, &done, NULL);
    return r;
}

static int32_t begin_first(struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = has_ring(vm) ? sconce_kvm_ring_map(&vm->machine.ring, vm->machine.vcpu_fd, err)
                             : read_only(vm, err);

    if (r == SCONCE_PLUGIN_OK)
        r = find_slots(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = log_slots(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        sconce_kvm_dirty_fini(&vm->dirty);
    return r;
}

static int32_t clear_logs(struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (uint32_t i = 0; r == SCONCE_PLUGIN_OK && i < vm->dirty.count; i++)
        r = clear_log(vm, &vm->dirty.slots[i], err);
    return r;
}

/* A page that is in the sets can be written without being noted: it stays there, or all are
 * protected again. */
static int32_t protect_again(struct sconce_kvm_vm *vm, struct sconce_plugin_error *err)
{
    int32_t r;

    take_ring(vm);
    if (vm->dirty.written <= KEPT_MOST)
        return SCONCE_PLUGIN_OK;
    r = log_slots(vm, err);
    if (r != SCONCE_PLUGIN_OK) {
        sconce_kvm_dirty_fini(&vm->dirty);
        return r;
    }
    for (uint32_t i = 0; i < vm->dirty.count; i++)
        sconce_page_set_clear(&vm->dirty.slots[i].written);
    vm->dirty.written = 0;
    return SCONCE_PLUGIN_OK;
}

static int32_t begin(struct sconce_plugin_vm *plugin_vm, struct sconce_plugin_error *err)
{
    struct sconce_kvm_vm *vm = vm_of(plugin_vm);

    if (!vm->sealed)
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
            "cannot keep track of what is written: the guest was not entered");
    if (!vm->dirty.slots)
        return begin_first(vm, err);
    return has_ring(vm) ? protect_again(vm, err) : clear_logs(vm, err);
}

SCONCE_HOT static int32_t collect(struct sconce_plugin_vm *plugin_vm,
                                  void (*wrote)(void *ctx, uint64_t gpa, uint64_t bytes), void *ctx,
                                  struct sconce_plugin_error *err)
{
    struct sconce_kvm_vm *vm = vm_of(plugin_vm);

    if (!vm->dirty.slots)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot tell what was written: nothing keeps track of it");
    return has_ring(vm) ? collect_ring(vm, wrote, ctx, err) : collect_log(vm, wrote, ctx, err);
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
