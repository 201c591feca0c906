/* SPDX-License-Identifier: Apache-2.0 */
/* A VP's states that are too large for a register: whole pages, at the start of one. */
#ifndef SCONCE_PLUGINS_SHARED_MSHV_STATE_H
#define SCONCE_PLUGINS_SHARED_MSHV_STATE_H

#include <stdint.h>

#include "plugins/shared/mshv/uapi.h"
#include "sconce-plugin.h"

/* More than any processor's XSAVE area so far (AMX: 11 KiB). */
#define SCONCE_MSHV_MAX_STATE 65536u

/* A buffer that grows to what the kernel wants; all zero is an empty one. */
struct sconce_mshv_state {
    void *at;
    uint32_t bytes;
};

/** sconce_mshv_state_get - @type: MSHV_STATE_*; into @state, and zero where the
 * hypervisor writes nothing. SYSTEM, NO_MEMORY. */
int32_t sconce_mshv_state_get(int vp_fd, uint8_t type, struct sconce_mshv_state *state,
                              const char *what, struct sconce_plugin_error *err);

/** sconce_mshv_state_set - what is in @state, which was got before. SYSTEM, NO_MEMORY. */
int32_t sconce_mshv_state_set(int vp_fd, uint8_t type, const struct sconce_mshv_state *state,
                              const char *what, struct sconce_plugin_error *err);

/** sconce_mshv_state_fini - also of an empty one. */
void sconce_mshv_state_fini(struct sconce_mshv_state *state);

#endif
