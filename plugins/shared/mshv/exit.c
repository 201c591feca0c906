/* SPDX-License-Identifier: Apache-2.0 */
/* FAIL and SHUTDOWN exits. */
#include "plugins/shared/mshv/exit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "plugins/shared/exit.h"

static const char *meaning(int errnum)
{
    const char *words;

    switch (errnum) {
    case EFAULT:
        return SCONCE_MSHV_NOT_ACCESSIBLE;
    case EAGAIN:
        return "the hypervisor does not run it, and says no reason";
    default:
        words = strerrordesc_np(errnum);
        return words ? words : "unknown error";
    }
}

void sconce_mshv_exit_run_failed(struct sconce_exit *ret_exit, int errnum)
{
    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_ERRNO, errnum, "cannot run the virtual processor: %s",
                     meaning(errnum));
}

bool sconce_mshv_exit_whole(struct sconce_mshv_vm *vm, size_t bytes, struct sconce_exit *ret_exit)
{
    if (vm->message.payload_bytes >= bytes)
        return true;
    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, vm->message.type,
                     "the hypervisor's message is too short for what it is to tell");
    vm->state = SCONCE_VCPU_DEAD;
    return false;
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
