/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/kvm/ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/attributes.h"
#include "plugins/shared/kvm/device.h"
#include "plugins/shared/plugin-error.h"

/* KVM holds up to 576 entries back, on Intel's processors (virt/kvm/dirty_ring.c). */
#define ENTRIES 1024u

/* No slot: KVM has fewer. */
#define NO_SLOT UINT32_MAX

static size_t ring_bytes(const struct sconce_kvm_ring *ring)
{
    return ring->count * sizeof *ring->entries;
}

void sconce_kvm_ring_ask(struct sconce_kvm_ring *ring, int vm_fd)
{
    /* The older name promises the same to processors that keep stores in order. */
    static const uint32_t names[] = {KVM_CAP_DIRTY_LOG_RING_ACQ_REL, KVM_CAP_DIRTY_LOG_RING};

    if (KVM_DIRTY_LOG_PAGE_OFFSET == 0) /* the headers know of no ring on this architecture */
        return;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && !ring->count; i++) {
        const struct kvm_enable_cap cap = {.cap = names[i],
                                           .args = {ENTRIES * sizeof(struct kvm_dirty_gfn)}};

        if (sconce_kvm_ioctl(vm_fd, KVM_ENABLE_CAP, &cap) == 0)
            ring->count = ENTRIES;
    }
}

int32_t sconce_kvm_ring_map(struct sconce_kvm_ring *ring, int vcpu_fd,
                            struct sconce_plugin_error *err)
{
    void *entries;

    if (ring->entries)
        return SCONCE_PLUGIN_OK;
    entries = mmap(NULL, ring_bytes(ring), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu_fd,
                   KVM_DIRTY_LOG_PAGE_OFFSET * sysconf(_SC_PAGESIZE));
    if (entries == MAP_FAILED)
        return sconce_plugin_fail(
            err, errno == ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM,
            SCONCE_DOMAIN_ERRNO, errno, NULL, "cannot map a KVM vCPU's ring of written pages");
    ring->entries = entries;
    return SCONCE_PLUGIN_OK;
}

void sconce_kvm_ring_unmap(struct sconce_kvm_ring *ring)
{
    if (ring->entries)
        munmap(ring->entries, ring_bytes(ring));
    ring->entries = NULL;
}

SCONCE_HOT bool sconce_kvm_ring_take(struct sconce_kvm_ring *ring, uint32_t *ret_slot,
                                     uint64_t *ret_page)
{
    struct kvm_dirty_gfn *entry = &ring->entries[ring->next % ring->count];

    if (!(__atomic_load_n(&entry->flags, __ATOMIC_ACQUIRE) & KVM_DIRTY_GFN_F_DIRTY))
        return false;
    *ret_slot = entry->slot;
    *ret_page = entry->offset;
    /* An entry that is given back has KVM protect its page again, and the next write to it fault:
     * a guest that writes more pages than there are entries would never be done with that. KVM
     * passes over a slot that there is not. */
    entry->slot = NO_SLOT;
    __atomic_store_n(&entry->flags, KVM_DIRTY_GFN_F_RESET, __ATOMIC_RELEASE);
    ring->next++;
    return true;
}

SCONCE_HOT bool sconce_kvm_ring_filling(const struct sconce_kvm_ring *ring)
{
    return ring->next - ring->given_back >= ring->count / 4;
}

int32_t sconce_kvm_ring_give_back(struct sconce_kvm_ring *ring, int vm_fd,
                                  struct sconce_plugin_error *err)
{
    int count = sconce_kvm_ioctl(vm_fd, KVM_RESET_DIRTY_RINGS, NULL);

    if (count < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot empty a KVM vCPU's ring of written pages");
    ring->given_back += (uint32_t)count;
    return SCONCE_PLUGIN_OK;
}
