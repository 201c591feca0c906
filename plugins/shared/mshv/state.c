/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/shared/mshv/state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plugins/shared/mshv/device.h"
#include "plugins/shared/plugin-error.h"

static int32_t grow(struct sconce_mshv_state *state, uint32_t bytes,
                    struct sconce_plugin_error *err)
{
    void *at = aligned_alloc(MSHV_PAGE, bytes);

    if (!at)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a virtual processor's state");
    free(state->at);
    state->at = at;
    state->bytes = bytes;
    return SCONCE_PLUGIN_OK;
}

/* What is asked for is ours and right: EINVAL is the kernel's trouble, not the caller's. */
static int32_t failed(const char *what, struct sconce_plugin_error *err)
{
    int errnum = errno;

    return sconce_plugin_fail(err,
                              errnum == ENOMEM ? SCONCE_PLUGIN_E_NO_MEMORY : SCONCE_PLUGIN_E_SYSTEM,
                              SCONCE_DOMAIN_ERRNO, errnum, NULL, "cannot %s", what);
}

int32_t sconce_mshv_state_get(int vp_fd, uint8_t type, struct sconce_mshv_state *state,
                              const char *what, struct sconce_plugin_error *err)
{
    int32_t r = state->at ? SCONCE_PLUGIN_OK : grow(state, MSHV_PAGE, err);

    while (r == SCONCE_PLUGIN_OK) {
        struct mshv_vp_state arg = {
            .type = type, .bytes = state->bytes, .buffer = (uint64_t)(uintptr_t)state->at};
        uint32_t wanted;

        memset(state->at, 0, state->bytes); /* what is not written is not an older state's */
        if (sconce_mshv_ioctl(vp_fd, MSHV_GET_VP_STATE, &arg) == 0)
            return SCONCE_PLUGIN_OK;
        wanted = (arg.bytes + MSHV_PAGE - 1) & ~(MSHV_PAGE - 1);
        if (errno != EINVAL || wanted <= state->bytes || wanted > SCONCE_MSHV_MAX_STATE)
            return failed(what, err);
        r = grow(state, wanted, err);
    }
    return r;
}

int32_t sconce_mshv_state_set(int vp_fd, uint8_t type, const struct sconce_mshv_state *state,
                              const char *what, struct sconce_plugin_error *err)
{
    struct mshv_vp_state arg = {
        .type = type, .bytes = state->bytes, .buffer = (uint64_t)(uintptr_t)state->at};

    if (sconce_mshv_ioctl(vp_fd, MSHV_SET_VP_STATE, &arg) == 0)
        return SCONCE_PLUGIN_OK;
    return failed(what, err);
}

void sconce_mshv_state_fini(struct sconce_mshv_state *state)
{
    free(state->at);
    *state = (struct sconce_mshv_state){0};
}
