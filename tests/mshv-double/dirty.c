/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tracking of accesses to guest memory: the property that turns it on, and
 * GET_GPAP_ACCESS_BITMAP. Dirty bits are KVM's dirty log, gathered until the client clears them;
 * accessed bits are always set, as KVM has none.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define WORD_BITS 64u
#define ACCESSED 0u
#define OP_CLEAR 1u
#define OP_SET 2u

static size_t words(const struct double_region *region)
{
    return (region->pages + WORD_BITS - 1) / WORD_BITS;
}

int double_dirty_start(struct double_region *region)
{
    region->dirty = malloc(words(region) * sizeof *region->dirty);
    if (!region->dirty)
        return -ENOMEM;
    memset(region->dirty, 0xff, words(region) * sizeof *region->dirty);
    return 0;
}

/* What was written since the last look. */
static int gather(struct double_partition *p, struct double_region *region)
{
    uint64_t *fresh = calloc(words(region), sizeof *fresh);
    struct kvm_dirty_log log = {.slot = region->slot};
    int r;

    if (!fresh)
        return -ENOMEM;
    log.dirty_bitmap = fresh;
    r = region->absent ? 0 : double_sys_ioctl(p->object.fd, KVM_GET_DIRTY_LOG, &log);
    for (size_t i = 0; r == 0 && i < words(region); i++)
        region->dirty[i] |= fresh[i];
    free(fresh);
    return r;
}

/* ---- The property --------------------------------------------------------------------------- */

static uint16_t start_all(struct double_partition *p)
{
    struct double_region *region;

    p->access_tracking = 1;
    for (region = p->regions; region; region = region->next)
        if (double_dirty_start(region) < 0 || double_memory_slot(p, region, true) < 0)
            return HV_INSUFFICIENT_MEMORY;
    return HV_OK;
}

/* The hypervisor wants every bit set before it stops. */
static bool all_are_set(const struct double_region *region)
{
    for (uint64_t page = 0; page < region->pages; page++)
        if (!(region->dirty[page / WORD_BITS] >> page % WORD_BITS & 1))
            return false;
    return true;
}

static uint16_t stop_all(struct double_partition *p)
{
    struct double_region *region;

    for (region = p->regions; region; region = region->next)
        if (gather(p, region) < 0 || !all_are_set(region))
            return HV_OPERATION_DENIED;
    p->access_tracking = 0;
    for (region = p->regions; region; region = region->next) {
        double_memory_slot(p, region, true);
        free(region->dirty);
        region->dirty = NULL;
    }
    return HV_OK;
}

uint16_t double_dirty_track(struct double_partition *p, uint64_t value)
{
    if (value > 1)
        return HV_INVALID_PARAMETER;
    if (value == p->access_tracking)
        return HV_OK;
    return value ? start_all(p) : stop_all(p);
}

/* ---- The bitmap ----------------------------------------------------------------------------- */

static int check(const struct mshv_gpap_access_bitmap *args)
{
    static const uint8_t zero[sizeof args->reserved];

    if (args->access_type >= MSHV_ACCESS_TYPES || args->access_op >= MSHV_ACCESS_OPS ||
        memcmp(args->reserved, zero, sizeof zero) != 0 || !args->page_count || !args->bitmap_ptr)
        return -EINVAL;
    return 0;
}

/* One page: what its bit was; then the operation. */
static bool take_bit(const struct mshv_gpap_access_bitmap *args, struct double_region *region,
                     uint64_t gfn)
{
    uint64_t page = gfn - region->gfn, bit = 1ull << page % WORD_BITS;
    uint64_t *word = &region->dirty[page / WORD_BITS];
    bool was = args->access_type == ACCESSED || (*word & bit);

    if (args->access_op == OP_CLEAR) /* what was not accessed was not written */
        *word &= ~bit;
    else if (args->access_op == OP_SET && args->access_type != ACCESSED)
        *word |= bit;
    return was;
}

/* All pages have to be there; their regions' logs are read. */
static int prepare(struct double_partition *p, const struct mshv_gpap_access_bitmap *args)
{
    uint64_t gfn = args->gpa_pfn;

    while (gfn - args->gpa_pfn < args->page_count) {
        struct double_region *region = double_memory_find(p, gfn * MSHV_PAGE);
        int r = region ? gather(p, region) : -EINVAL;

        if (r < 0)
            return r;
        gfn = region->gfn + region->pages;
    }
    return 0;
}

static int bitmap(struct double_partition *p, const struct mshv_gpap_access_bitmap *args)
{
    size_t bytes = (args->page_count + 7) / 8;
    uint8_t *bits;
    int r = p->access_tracking ? prepare(p, args) : -EIO;

    if (r < 0)
        return r;
    bits = calloc(1, bytes);
    if (!bits)
        return -ENOMEM;
    for (uint64_t i = 0; i < args->page_count; i++) {
        uint64_t gfn = args->gpa_pfn + i;

        if (take_bit(args, double_memory_find(p, gfn * MSHV_PAGE), gfn))
            bits[i / 8] |= (uint8_t)(1u << i % 8);
    }
    r = double_sys_copy_out(args->bitmap_ptr, bits, bytes);
    free(bits);
    return r;
}

int double_dirty_bitmap(struct double_partition *p, uint64_t argument)
{
    struct mshv_gpap_access_bitmap args;
    int r = double_sys_copy_in(&args, argument, sizeof args);

    if (r == 0)
        r = check(&args);
    if (r == 0)
        r = bitmap(p, &args);
    double_log("access-bitmap %d", r);
    return r;
}
