/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: the rules of SET_GUEST_MEMORY, a memory slot of KVM for each region.
 *
 * Not modelled: regions of device memory (VM_IO, VM_PFNMAP). A new region that encloses an older
 * one passes the driver's check of the ends; KVM then refuses it if they overlap for the guest. The
 * guest can execute where EXECUTABLE is not set, unless it stands there when it is entered: KVM has
 * no such permission. In movable regions the client's private pages become its own when the region
 * is set, not when the guest first touches them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define USER_END (1ull << 47)
#define PAGE_SHIFT 12
#define GFN_END (1ull << (52 - PAGE_SHIFT)) /* SDM vol 3A 4.1.4: the widest address */

static struct double_region *by_gfn(struct double_partition *p, uint64_t gfn)
{
    struct double_region *region;

    for (region = p->regions; region; region = region->next)
        if (gfn >= region->gfn && gfn < region->gfn + region->pages)
            return region;
    return NULL;
}

static struct double_region *by_host(struct double_partition *p, uint64_t host)
{
    struct double_region *region;

    for (region = p->regions; region; region = region->next)
        if (host >= region->host && host < region->host + (region->pages << PAGE_SHIFT))
            return region;
    return NULL;
}

struct double_region *double_memory_find(struct double_partition *p, uint64_t gpa)
{
    return by_gfn(p, gpa >> PAGE_SHIFT);
}

/* ---- KVM's slots ---------------------------------------------------------------------------- */

static uint32_t free_slot(struct double_partition *p)
{
    uint32_t slot = 0;
    struct double_region *region = p->regions;

    while (region) {
        if (region->slot == slot) {
            slot++;
            region = p->regions;
        } else {
            region = region->next;
        }
    }
    return slot;
}

int double_memory_slot(struct double_partition *p, const struct double_region *region, bool there)
{
    struct kvm_userspace_memory_region slot = {
        .slot = region->slot,
        .flags = (there && !(region->flags & MSHV_MEM_WRITABLE) ? KVM_MEM_READONLY : 0) |
                 (there && p->access_tracking ? KVM_MEM_LOG_DIRTY_PAGES : 0),
        .guest_phys_addr = region->gfn << PAGE_SHIFT,
        .memory_size = there ? region->pages << PAGE_SHIFT : 0,
        .userspace_addr = (uint64_t)region->view,
    };

    if (region->absent)
        return 0;
    return double_sys_ioctl(p->object.fd, KVM_SET_USER_MEMORY_REGION, &slot);
}

static void drop_view(struct double_region *region)
{
    if (region->view_is_own)
        double_view_drop(region->view);
    free(region->dirty);
    free(region);
}

/* ---- The driver's rules --------------------------------------------------------------------- */

static bool is_mapped(uint64_t host)
{
    uint8_t resident;

    return double_sys(SYS_mincore, (long)host, MSHV_PAGE, (long)&resident, 0, 0, 0) == 0;
}

static bool can_be_had(const struct double_region *region)
{
    return double_view_fault_in(region->host, region->pages << PAGE_SHIFT) == 0;
}

static int prepare_view(struct double_region *region)
{
    uint64_t bytes = region->pages << PAGE_SHIFT;

    if (!double_plan.movable) {
        region->view_is_own = true;
        return double_view_make(region->host, bytes, &region->view);
    }
    region->view = (uint8_t *)region->host;
    /* The driver finds out when the guest gets there, and then reports the access. */
    region->absent = !can_be_had(region);
    return 0;
}

void double_memory_look_again(struct double_partition *p)
{
    pthread_mutex_lock(&p->regions_lock);
    for (struct double_region *region = p->regions; region; region = region->next)
        if (region->absent && can_be_had(region)) {
            region->absent = false;
            double_memory_slot(p, region, true);
        }
    pthread_mutex_unlock(&p->regions_lock);
}

bool double_memory_take_away(struct double_partition *p)
{
    bool any = false;

    pthread_mutex_lock(&p->regions_lock);
    for (struct double_region *region = p->regions; region; region = region->next)
        if (!region->absent && !region->view_is_own && !can_be_had(region)) {
            double_memory_slot(p, region, false);
            region->absent = any = true;
        }
    pthread_mutex_unlock(&p->regions_lock);
    return any;
}

static int map(struct double_partition *p, const struct mshv_user_mem_region *args)
{
    struct double_region *region;
    uint64_t pages = args->size >> PAGE_SHIFT;
    int r;

    if (pages > GFN_END || args->guest_pfn > GFN_END - pages || args->size > USER_END ||
        args->userspace_addr > USER_END - args->size || !is_mapped(args->userspace_addr))
        return -EINVAL;
    /* The ends alone, as in the driver. */
    if (by_gfn(p, args->guest_pfn) || by_gfn(p, args->guest_pfn + pages - 1) ||
        by_host(p, args->userspace_addr) || by_host(p, args->userspace_addr + args->size - 1))
        return -EEXIST;
    region = calloc(1, sizeof *region);
    if (!region)
        return -ENOMEM;
    region->gfn = args->guest_pfn;
    region->pages = pages;
    region->host = args->userspace_addr;
    region->flags = args->flags;
    r = prepare_view(region);
    if (r < 0) {
        free(region);
        return r;
    }
    region->slot = free_slot(p);
    r = p->access_tracking ? double_dirty_start(region) : 0;
    if (r == 0)
        r = double_memory_slot(p, region, true);
    if (r < 0) {
        drop_view(region);
        return r;
    }
    pthread_mutex_lock(&p->regions_lock);
    region->next = p->regions;
    p->regions = region;
    pthread_mutex_unlock(&p->regions_lock);
    return 0;
}

static void unlink_region(struct double_partition *p, struct double_region *region)
{
    struct double_region **at = &p->regions;

    while (*at != region)
        at = &(*at)->next;
    *at = region->next;
}

static int unmap(struct double_partition *p, const struct mshv_user_mem_region *args)
{
    struct double_region *region = by_gfn(p, args->guest_pfn);

    if (!region || region->gfn != args->guest_pfn || region->host != args->userspace_addr ||
        region->pages != args->size >> PAGE_SHIFT)
        return -EINVAL;
    pthread_mutex_lock(&p->regions_lock);
    unlink_region(p, region);
    pthread_mutex_unlock(&p->regions_lock);
    double_memory_slot(p, region, false);
    drop_view(region);
    return 0;
}

static int set(struct double_partition *p, const struct mshv_user_mem_region *args)
{
    static const uint8_t zero[sizeof args->reserved];

    if (!args->size || args->size % MSHV_PAGE || args->userspace_addr % MSHV_PAGE ||
        (args->flags & ~MSHV_MEM_FLAGS) || memcmp(args->reserved, zero, sizeof zero) != 0)
        return -EINVAL;
    if (args->flags & MSHV_MEM_UNMAP)
        return unmap(p, args);
    if (!p->initialized)
        return -EIO; /* HV_INVALID_PARTITION_STATE */
    return map(p, args);
}

int double_memory_set(struct double_partition *p, uint64_t argument)
{
    struct mshv_user_mem_region args = {0};
    int r = double_plan_error(DOUBLE_AT_MEMORY);

    if (r == 0)
        r = double_sys_copy_in(&args, argument, sizeof args);
    if (r == 0)
        r = set(p, &args);
    double_log("%s %d pfn=0x%lx size=0x%lx flags=%u", args.flags & MSHV_MEM_UNMAP ? "unmap" : "map",
               r, args.guest_pfn, args.size, args.flags);
    return r;
}

void double_memory_drop(struct double_partition *p)
{
    while (p->regions) {
        struct double_region *region = p->regions;

        p->regions = region->next;
        drop_view(region);
    }
}

/* ---- For the hypervisor's own looks --------------------------------------------------------- */

static bool copy(struct double_partition *p, uint64_t gpa, void *ours, size_t bytes, bool write)
{
    struct double_region *region;
    bool done = false;

    pthread_mutex_lock(&p->regions_lock);
    region = double_memory_find(p, gpa);
    if (region && !region->absent) {
        uint64_t at = (uint64_t)region->view + (gpa - (region->gfn << PAGE_SHIFT));

        done = (write ? double_sys_copy_out(at, ours, bytes)
                      : double_sys_copy_in(ours, at, bytes)) == 0;
    }
    pthread_mutex_unlock(&p->regions_lock);
    return done;
}

bool double_memory_read(struct double_partition *p, uint64_t gpa, void *to, size_t bytes)
{
    return copy(p, gpa, to, bytes, false);
}

bool double_memory_write(struct double_partition *p, uint64_t gpa, const void *from, size_t bytes)
{
    return copy(p, gpa, (void *)from, bytes, true);
}
