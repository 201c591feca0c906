/* SPDX-License-Identifier: Apache-2.0 */
/* FAIL and SHUTDOWN exits. */
#include "plugins/shared/kvm/exit.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "plugins/shared/exit.h"

void sconce_kvm_exit_run_failed(struct sconce_exit *ret_exit, int errnum)
{
    const char *meaning = strerrordesc_np(errnum);

    /* EFAULT: a page of guest memory that the host took away or protected. */
    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_ERRNO, errnum, "cannot run the vCPU: %s",
                     errnum == EFAULT ? "guest memory is not accessible to the host"
                     : meaning        ? meaning
                                      : "unknown error");
}

static int64_t exit_code(uint32_t reason, uint32_t suberror)
{
    return (int64_t)((uint64_t)suberror << 32 | reason);
}

static void internal_error(const struct kvm_run *run, struct sconce_exit *ret_exit)
{
    uint32_t suberror = run->internal.suberror;

    sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, exit_code(run->exit_reason, suberror),
                     suberror == KVM_INTERNAL_ERROR_EMULATION
                         ? "KVM cannot emulate an instruction (internal error %" PRIu32 ")"
                         : "KVM reports internal error %" PRIu32,
                     suberror);
}

void sconce_kvm_exit_other(const struct kvm_run *run, struct sconce_exit *ret_exit)
{
    switch (run->exit_reason) {
    case KVM_EXIT_SHUTDOWN:
        ret_exit->kind = SCONCE_EXIT_SHUTDOWN;
        break;
    case KVM_EXIT_INTERNAL_ERROR:
        internal_error(run, ret_exit);
        break;
    case KVM_EXIT_FAIL_ENTRY:
        sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, exit_code(run->exit_reason, 0),
                         "the processor refuses to enter the guest (reason 0x%" PRIx64 ")",
                         (uint64_t)run->fail_entry.hardware_entry_failure_reason);
        break;
    default:
        sconce_exit_fail(ret_exit, SCONCE_DOMAIN_EXIT, exit_code(run->exit_reason, 0),
                         "KVM stopped for a reason that was not asked for (%" PRIu32 ")",
                         run->exit_reason);
        break;
    }
}
