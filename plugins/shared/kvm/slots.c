/* SPDX-License-Identifier: Apache-2.0 */
/* Planning slots, giving them to the VM. */
#include "plugins/shared/kvm/slots.h"

#include <errno.h>
#include <inttypes.h>

#include <linux/kvm.h>

#include "plugins/shared/kvm/device.h"
#include "plugins/shared/plugin-error.h"

/* Where the host sees, or would see, the first byte of the handle. */
static uint64_t view_of(const struct sconce_plugin_range *range)
{
    return (uint64_t)(uintptr_t)range->host - range->offset;
}

/* May @next, the following mapping, go into the slot that ends with @last? */
static bool continues(const struct sconce_plugin_range *last,
                      const struct sconce_plugin_range *next)
{
    uint64_t gap = next->gpa - (last->gpa + last->bytes);

    if ((uint64_t)(uintptr_t)next->host - next->gpa != (uint64_t)(uintptr_t)last->host - last->gpa)
        return false;
    if (next->handle_kind != last->handle_kind)
        return false;
    if (next->handle_kind == SCONCE_HANDLE_NONE)
        return gap == 0; /* what the host has between them is nobody's to give */
    return next->handle == last->handle && view_of(next) == view_of(last) &&
           gap <= SCONCE_KVM_MAX_GAP;
}

uint32_t sconce_kvm_slots_plan(const struct sconce_plugin_mappings *mappings,
                               struct sconce_kvm_slot slots[SCONCE_PLUGIN_MAX_MAPPINGS])
{
    uint32_t count = 0;

    for (uint32_t i = 0; i < mappings->count; i++) {
        const struct sconce_plugin_range *at = &mappings->ranges[i];
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

int32_t sconce_kvm_slot_set(int vm_fd, uint32_t number, const struct sconce_kvm_slot *slot,
                            uint32_t flags, struct sconce_plugin_error *err)
{
    const struct kvm_userspace_memory_region region = {
        .slot = number,
        .flags = flags | (slot->writable ? 0 : KVM_MEM_READONLY),
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
