/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A partition's memory. The kernel may pin each region when it is mapped, and from then on the
 * guest has these pages, whatever the host maps over them: so nothing is mapped over one that is in
 * use. Regions overlap neither in the guest nor in the host, and are unmapped exactly as they were
 * mapped. Memory that is shown twice gets a view of its own for the second time.
 */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_REGIONS_H
#define SCONCE_PLUGINS_SHARED_MSHV_REGIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "plugins/shared/mappings.h"
#include "sconce-plugin.h"

/* How many a backend may add to the guest's for itself. */
#define SCONCE_MSHV_OWN_REGIONS 4u
#define SCONCE_MSHV_MAX_REGIONS (SCONCE_PLUGIN_MAX_MAPPINGS + SCONCE_MSHV_OWN_REGIONS)

struct sconce_mshv_region {
    uint64_t gpa;
    uint64_t bytes;
    uint8_t *host;
    uint32_t prot; /* SCONCE_PROT_* */
    void *view;    /* NULL, or @host as mapped for this region alone */
};

/* Those that the partition has; empty when count is 0. */
struct sconce_mshv_regions {
    uint32_t count;
    struct sconce_mshv_region all[SCONCE_MSHV_MAX_REGIONS];
};

/** sconce_mshv_region_add - map one; page-aligned. NO_MEMORY, SYSTEM: nothing is mapped then. */
int32_t sconce_mshv_region_add(struct sconce_mshv_regions *regions, int partition_fd,
                               const struct sconce_mshv_region *region,
                               struct sconce_plugin_error *err);

/** sconce_mshv_regions_add - map all that the guest has. Also NOT_SUPPORTED: memory is shown twice,
 * and has no descriptor. What was mapped stays so. */
int32_t sconce_mshv_regions_add(struct sconce_mshv_regions *regions, int partition_fd,
                                const struct sconce_plugin_mappings *memory,
                                struct sconce_plugin_error *err);

/** sconce_mshv_regions_allow - is there memory at @gpa, with all of @prot? */
bool sconce_mshv_regions_allow(const struct sconce_mshv_regions *regions, uint64_t gpa,
                               uint32_t prot);

/** sconce_mshv_regions_hide - take them all from the guest, but not off the list: another thread
 * may look at that. They are still to be removed. One that is refused, or that is hidden already,
 * does not keep the others. */
void sconce_mshv_regions_hide(const struct sconce_mshv_regions *regions, int partition_fd);

/** sconce_mshv_regions_remove - unmap them all, last ones first; with the partition's end near, a
 * failure changes nothing. */
void sconce_mshv_regions_remove(struct sconce_mshv_regions *regions, int partition_fd);

#endif
