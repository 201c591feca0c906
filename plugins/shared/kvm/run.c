/* SPDX-License-Identifier: Apache-2.0 */
/* KVM_RUN and the kick flag. */
#include "plugins/shared/kvm/run.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/ioctl.h>

#include "common/attributes.h"
#include "plugins/shared/plugin-error.h"

/* How many pieces of one access may be left: a REP string instruction may have more, and a guest
 * that got into one is not worth waiting for. */
#define MAX_COMPLETIONS 16

/* Values of the flag: to the kernel, anything but 0 says "do not run the guest". */
#define FLAG_CLEAR 0
#define FLAG_KICK 1
#define FLAG_DRAIN 2

static void set_flag(struct sconce_kvm_machine *machine, __u8 value)
{
    __atomic_store_n(&machine->run->immediate_exit, value, __ATOMIC_SEQ_CST);
}

/* Only if it is @from: a kick that comes first stays. */
static void change_flag(struct sconce_kvm_machine *machine, __u8 from, __u8 to)
{
    __atomic_compare_exchange_n(&machine->run->immediate_exit, &from, to, false, __ATOMIC_SEQ_CST,
                                __ATOMIC_SEQ_CST);
}

void sconce_kvm_kick(struct sconce_kvm_machine *machine)
{
    set_flag(machine, FLAG_KICK);
}

void sconce_kvm_forget_kick(struct sconce_kvm_machine *machine)
{
    set_flag(machine, FLAG_CLEAR);
}

SCONCE_HOT int sconce_kvm_run(struct sconce_kvm_machine *machine)
{
    for (;;) {
        if (ioctl(machine->vcpu_fd, KVM_RUN, 0) == 0) {
            if (machine->run->exit_reason != KVM_EXIT_INTR)
                return SCONCE_KVM_EXITED;
        } else if (errno != EINTR) {
            return -errno;
        }
        if (__atomic_load_n(&machine->run->immediate_exit, __ATOMIC_SEQ_CST)) {
            set_flag(machine, FLAG_CLEAR);
            return SCONCE_KVM_CANCELLED;
        }
        if (machine->has_expired && machine->has_expired(machine->run))
            return SCONCE_KVM_CANCELLED;
    }
}

int32_t sconce_kvm_drain(struct sconce_kvm_machine *machine, struct sconce_plugin_error *err)
{
    int errnum = 0;

    change_flag(machine, FLAG_CLEAR, FLAG_DRAIN);
    for (int i = 0; i < MAX_COMPLETIONS; i++) {
        if (ioctl(machine->vcpu_fd, KVM_RUN, 0) < 0) {
            errnum = errno;
            break;
        }
    }
    change_flag(machine, FLAG_DRAIN, FLAG_CLEAR);
    if (errnum == EINTR)
        return SCONCE_PLUGIN_OK;
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errnum, NULL,
                              "cannot finish the guest's last access");
}
