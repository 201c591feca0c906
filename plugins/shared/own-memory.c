/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/own-memory.h"

#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>

#include "common/overflow.h"
#include "plugins/shared/plugin-error.h"

int32_t sconce_plugin_own_map(uint64_t reserved, uint64_t bytes, uint64_t limit, int sharing,
                              uint8_t **ret_own, struct sconce_plugin_error *err)
{
    uint64_t wanted = UINT64_MAX; /* stays so when the sum overflows */
    void *own;

    if (!sconce_add_u64(reserved, bytes, &wanted) || wanted > limit)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "the guest's page tables may take %" PRIu64 " bytes, but %" PRIu64
                                  " are reserved",
                                  wanted, limit);
    own = mmap(NULL, bytes, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
    if (own == MAP_FAILED)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot allocate %" PRIu64 " bytes for page tables", bytes);
    *ret_own = own;
    return SCONCE_PLUGIN_OK;
}
