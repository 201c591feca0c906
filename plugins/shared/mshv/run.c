/* SPDX-License-Identifier: Apache-2.0 */
/* RUN_VP and the kick's flag. */
#include "plugins/shared/mshv/run.h"

#include <errno.h>
#include <sys/ioctl.h>

void sconce_mshv_kick(struct sconce_mshv_kick *kick)
{
    atomic_store(&kick->pending, true);
}

void sconce_mshv_forget_kick(struct sconce_mshv_kick *kick)
{
    atomic_store(&kick->pending, false);
}

bool sconce_mshv_take_kick(struct sconce_mshv_kick *kick)
{
    return atomic_load(&kick->pending) && atomic_exchange(&kick->pending, false);
}

int sconce_mshv_run(int vp_fd, struct mshv_message *ret_message)
{
    ret_message->type = MSHV_MESSAGE_NONE;
    if (ioctl(vp_fd, MSHV_RUN_VP, ret_message) == 0)
        return ret_message->type == MSHV_MESSAGE_NONE ? SCONCE_MSHV_IDLE : SCONCE_MSHV_EXITED;
    switch (errno) {
    case EINTR:
        return SCONCE_MSHV_INTERRUPTED;
    case EAGAIN:
        return SCONCE_MSHV_IDLE;
    default:
        return -errno;
    }
}
