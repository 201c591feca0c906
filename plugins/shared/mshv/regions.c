/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/mshv/regions.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "plugins/shared/mshv/device.h"
#include "plugins/shared/plugin-error.h"

static uint8_t flags_of(uint32_t prot)
{
    return (uint8_t)((prot & SCONCE_PROT_WRITE ? MSHV_REGION_WRITABLE : 0) |
                     (prot & SCONCE_PROT_EXEC ? MSHV_REGION_EXECUTABLE : 0));
}

static int set(int partition_fd, const struct sconce_mshv_region *region, uint8_t flags)
{
    struct mshv_user_mem_region arg = {
        .size = region->bytes,
        .guest_pfn = region->gpa >> MSHV_PAGE_SHIFT,
        .userspace_addr = (uint64_t)(uintptr_t)region->host,
        .flags = flags,
    };

    return sconce_mshv_ioctl(partition_fd, MSHV_SET_GUEST_MEMORY, &arg);
}

int32_t sconce_mshv_region_add(struct sconce_mshv_regions *regions, int partition_fd,
                               const struct sconce_mshv_region *region,
                               struct sconce_plugin_error *err)
{
    int errnum;

    if (set(partition_fd, region, flags_of(region->prot)) == 0) {
        regions->all[regions->count++] = *region;
        return SCONCE_PLUGIN_OK;
    }
    errnum = errno;
    return sconce_plugin_fail(
        err, errnum == ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM,
        SCONCE_DOMAIN_ERRNO, errnum,
        errnum == ENOMEM
            ? "a guest's memory is pinned: give the host or its control group more memory, or keep "
              "fewer sandboxes"
            : NULL,
        "cannot give the guest %" PRIu64 " bytes of memory at 0x%" PRIx64, region->bytes,
        region->gpa);
}

/* Has the partition a part of that in the host already? */
static bool is_shown(const struct sconce_mshv_regions *regions, const uint8_t *host, uint64_t bytes)
{
    for (uint32_t i = 0; i < regions->count; i++) {
        const struct sconce_mshv_region *r = &regions->all[i];

        if (host < r->host + r->bytes && r->host < host + bytes)
            return true;
    }
    return false;
}

static int32_t add_view(struct sconce_mshv_regions *regions, int partition_fd,
                        const struct sconce_plugin_range *range, struct sconce_plugin_error *err)
{
    struct sconce_mshv_region region = {
        .gpa = range->gpa, .bytes = range->bytes, .prot = range->prot};
    void *view;
    int32_t r;

    if (range->handle_kind != SCONCE_HANDLE_LINUX_FD || range->handle > INT32_MAX)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot show memory at 0x%" PRIx64
                                  ": the guest has it elsewhere too, and it has no descriptor by "
                                  "which to map it once more",
                                  range->gpa);
    view = mmap(NULL, range->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, (int)range->handle,
                (off_t)range->offset);
    if (view == MAP_FAILED)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot map memory at 0x%" PRIx64 " once more", range->gpa);
    region.view = region.host = view;
    r = sconce_mshv_region_add(regions, partition_fd, &region, err);
    if (r != SCONCE_PLUGIN_OK)
        munmap(view, range->bytes);
    return r;
}

int32_t sconce_mshv_regions_add(struct sconce_mshv_regions *regions, int partition_fd,
                                const struct sconce_plugin_mappings *memory,
                                struct sconce_plugin_error *err)
{
    int32_t r = SCONCE_PLUGIN_OK;

    for (uint32_t i = 0; r == SCONCE_PLUGIN_OK && i < memory->count; i++) {
        const struct sconce_plugin_range *range = &memory->ranges[i];
        const struct sconce_mshv_region region = {
            .gpa = range->gpa, .bytes = range->bytes, .host = range->host, .prot = range->prot};

        if (is_shown(regions, range->host, range->bytes))
            r = add_view(regions, partition_fd, range, err);
        else
            r = sconce_mshv_region_add(regions, partition_fd, &region, err);
    }
    return r;
}

bool sconce_mshv_regions_allow(const struct sconce_mshv_regions *regions, uint64_t gpa,
                               uint32_t prot)
{
    for (uint32_t i = 0; i < regions->count; i++)
        if (gpa - regions->all[i].gpa < regions->all[i].bytes)
            return (regions->all[i].prot & prot) == prot;
    return false;
}

void sconce_mshv_regions_hide(const struct sconce_mshv_regions *regions, int partition_fd)
{
    for (uint32_t i = 0; i < regions->count; i++)
        set(partition_fd, &regions->all[i], MSHV_REGION_UNMAP);
}

void sconce_mshv_regions_remove(struct sconce_mshv_regions *regions, int partition_fd)
{
    while (regions->count > 0) {
        const struct sconce_mshv_region *region = &regions->all[--regions->count];

        set(partition_fd, region, MSHV_REGION_UNMAP);
        if (region->view)
            munmap(region->view, region->bytes);
    }
}
