/* SPDX-License-Identifier: Apache-2.0 */
/* FAIL and SHUTDOWN exits. */
#include "plugins/shared/mshv/exit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "plugins/shared/exit.h"

void sconce_mshv_exit_run_failed(struct sconce_exit *ret_exit, int errnum)
{
    const char *meaning = strerrordesc_np(errnum);

    /* EFAULT: of a kernel that brings pages in while the guest runs, one that the host took away.
     */
    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_ERRNO, errnum, "cannot run the virtual processor: %s",
                     errnum == EFAULT ? "guest memory is not accessible to the host"
                     : meaning        ? meaning
                                      : "unknown error");
}

void sconce_mshv_exit_other(const struct mshv_message *message, struct sconce_exit *ret_exit)
{
    switch (message->type) {
    case MSHV_MESSAGE_UNRECOVERABLE_EXCEPTION:
        ret_exit->kind = SCONCE_EXIT_SHUTDOWN;
        break;
    case MSHV_MESSAGE_INVALID_VP_REGISTER_VALUE:
        sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, message->type,
                         "the hypervisor refuses to enter the guest: a register has a value that "
                         "cannot be");
        break;
    case MSHV_MESSAGE_UNSUPPORTED_FEATURE:
        sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, message->type,
                         "the guest used what the hypervisor does not support");
        break;
    default:
        sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, message->type,
                         "the hypervisor sent a message that was not asked for (0x%" PRIx32 ")",
                         message->type);
        break;
    }
}
