/* SPDX-License-Identifier: Apache-2.0 */
/* Recording mappings, planning slots, reading through them. */
#include "plugins/shared/kvm/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <linux/kvm.h>

#include "common/overflow.h"
#include "common/untrusted.h"
#include "plugins/shared/kvm/device.h"
#include "plugins/shared/plugin-error.h"

static int32_t invalid(struct sconce_plugin_error *err, const struct sconce_mapping *mapping,
                       const char *why)
{
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot map %" PRIu64 " bytes at 0x%" PRIx64 ": %s", mapping->bytes,
                              mapping->gpa, why);
}

static bool aligned(uint64_t value)
{
    return value % SCONCE_MEM_GRANULE == 0;
}

/* NULL when the two agree with the contract, else what is wrong. */
static const char *refusal(const struct sconce_kvm_memory *memory,
                           const struct sconce_memory *object, const struct sconce_mapping *mapping)
{
    uint64_t end;

    if (object->reserved0 != 0)
        return "a reserved field is not zero";
    if (!object->host_addr || (uintptr_t)object->host_addr % 4096)
        return "the object's host address is not at the start of a page";
    if (!aligned(mapping->gpa) || !aligned(mapping->bytes) || !aligned(mapping->object_offset) ||
        mapping->bytes == 0)
        return "address, size and offset must be multiples of the granule, and the size not zero";
    if (!sconce_range_within(mapping->object_offset, mapping->bytes, object->bytes))
        return "it reaches beyond the end of the object";
    if (!sconce_add_u64(mapping->gpa, mapping->bytes, &end) || mapping->gpa < memory->gpa_min ||
        end > memory->gpa_max)
        return "it is outside the guest's address space";
    if ((mapping->prot & ~(SCONCE_PROT_READ | SCONCE_PROT_WRITE | SCONCE_PROT_EXEC)) ||
        !(mapping->prot & SCONCE_PROT_READ))
        return "the protection must be readable, with write or execute at most";
    if ((mapping->prot & SCONCE_PROT_WRITE) && (mapping->prot & SCONCE_PROT_EXEC))
        return "memory is never writable and executable";
    return NULL;
}

int32_t sconce_kvm_memory_map(struct sconce_kvm_memory *memory, const struct sconce_memory *object,
                              const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    const char *why = refusal(memory, object, mapping);
    uint32_t place = 0;
    struct sconce_kvm_mapping *at;

    if (why)
        return invalid(err, mapping, why);
    while (place < memory->count && memory->mappings[place].gpa < mapping->gpa)
        place++;
    at = &memory->mappings[place];
    if ((place > 0 && mapping->gpa - at[-1].gpa < at[-1].bytes) ||
        (place < memory->count && at->gpa - mapping->gpa < mapping->bytes))
        return invalid(err, mapping, "it overlaps another mapping");
    if (memory->count == SCONCE_KVM_MAX_MAPPINGS)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot map more than %u ranges into one guest",
                                  SCONCE_KVM_MAX_MAPPINGS);

    memmove(at + 1, at, (memory->count - place) * sizeof *at);
    memory->count++;
    *at = (struct sconce_kvm_mapping){
        .gpa = mapping->gpa,
        .bytes = mapping->bytes,
        .host = (uint8_t *)object->host_addr + mapping->object_offset,
        .handle = object->handle,
        .view = (uint64_t)(uintptr_t)object->host_addr - object->offset,
        .handle_kind = object->handle_kind,
        .prot = mapping->prot,
    };
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_kvm_memory_unmap(struct sconce_kvm_memory *memory, uint64_t gpa, uint64_t bytes,
                                struct sconce_plugin_error *err)
{
    for (uint32_t i = 0; i < memory->count; i++) {
        struct sconce_kvm_mapping *at = &memory->mappings[i];

        if (at->gpa != gpa || at->bytes != bytes)
            continue;
        memory->count--;
        memmove(at, at + 1, (memory->count - i) * sizeof *at);
        return SCONCE_PLUGIN_OK;
    }
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot unmap %" PRIu64 " bytes at 0x%" PRIx64
                              ": nothing was mapped there with that size",
                              bytes, gpa);
}

/* May @next, the following mapping, go into the slot that ends with @last? */
static bool continues(const struct sconce_kvm_mapping *last, const struct sconce_kvm_mapping *next)
{
    uint64_t gap = next->gpa - (last->gpa + last->bytes);

    if ((uint64_t)(uintptr_t)next->host - next->gpa != (uint64_t)(uintptr_t)last->host - last->gpa)
        return false;
    if (next->handle_kind != last->handle_kind)
        return false;
    if (next->handle_kind == SCONCE_HANDLE_NONE)
        return gap == 0; /* what the host has between them is nobody's to give */
    return next->handle == last->handle && next->view == last->view && gap <= SCONCE_KVM_MAX_GAP;
}

uint32_t sconce_kvm_memory_plan(const struct sconce_kvm_memory *memory,
                                struct sconce_kvm_slot slots[SCONCE_KVM_MAX_MAPPINGS])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < memory->count; i++) {
        const struct sconce_kvm_mapping *at = &memory->mappings[i];
        bool writable = at->prot & SCONCE_PROT_WRITE;

        if (i > 0 && continues(at - 1, at)) {
            slots[count - 1].bytes = at->gpa + at->bytes - slots[count - 1].gpa;
            slots[count - 1].writable |= writable;
            continue;
        }
        slots[count++] = (struct sconce_kvm_slot){at->gpa, at->bytes, at->host, writable};
    }
    return count;
}

int32_t sconce_kvm_slot_add(int vm_fd, uint32_t number, const struct sconce_kvm_slot *slot,
                            struct sconce_plugin_error *err)
{
    const struct kvm_userspace_memory_region region = {
        .slot = number,
        .flags = slot->writable ? 0 : KVM_MEM_READONLY,
        .guest_phys_addr = slot->gpa,
        .memory_size = slot->bytes,
        .userspace_addr = (uint64_t)(uintptr_t)slot->host,
    };

    if (sconce_kvm_ioctl(vm_fd, KVM_SET_USER_MEMORY_REGION, &region) == 0)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(
        err, errno == ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM,
        SCONCE_DOMAIN_ERRNO, errno, NULL,
        "cannot give the guest %" PRIu64 " bytes of memory at 0x%" PRIx64, slot->bytes, slot->gpa);
}

static const struct sconce_kvm_mapping *mapping_of(const struct sconce_kvm_memory *memory,
                                                   uint64_t gpa)
{
    for (uint32_t i = 0; i < memory->count; i++)
        if (gpa - memory->mappings[i].gpa < memory->mappings[i].bytes)
            return &memory->mappings[i];
    return NULL;
}

bool sconce_kvm_memory_read(const struct sconce_kvm_memory *memory, uint64_t gpa, void *to,
                            size_t bytes, uint32_t prot)
{
    uint8_t *at = to;

    while (bytes > 0) {
        const struct sconce_kvm_mapping *mapping = mapping_of(memory, gpa);
        uint64_t offset, part;

        if (!mapping || (mapping->prot & prot) != prot)
            return false;
        offset = gpa - mapping->gpa;
        part = mapping->bytes - offset < bytes ? mapping->bytes - offset : bytes;
        sconce_copy_untrusted(at, mapping->host + offset, part);
        at += part;
        gpa += part;
        bytes -= part;
    }
    return true;
}
