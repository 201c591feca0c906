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

int sconce_mshv_run(int vp_fd, struct sconce_mshv_kick *kick, struct mshv_message *ret_message)
{
    do {
        ret_message->type = MSHV_MESSAGE_NONE;
        if (ioctl(vp_fd, MSHV_RUN_VP, ret_message) == 0) {
            if (ret_message->type != MSHV_MESSAGE_NONE)
                return SCONCE_MSHV_EXITED;
        } else if (errno != EINTR && errno != EAGAIN) {
            return -errno;
        }
        /* EAGAIN: the partition was given memory. A kick ends this however often it comes. */
    } while (!sconce_mshv_take_kick(kick));
    return SCONCE_MSHV_CANCELLED;
}
