/* SPDX-License-Identifier: Apache-2.0 */
/* Exits that mean the same on every architecture. */
#ifndef SCONCE_PLUGINS_SHARED_KVM_EXIT_H
#define SCONCE_PLUGINS_SHARED_KVM_EXIT_H

#include <linux/kvm.h>

#include "sconce-plugin.h"

/** sconce_kvm_exit_run_failed - KVM_RUN itself failed with @errnum. */
void sconce_kvm_exit_run_failed(struct sconce_exit *ret_exit, int errnum);

/** sconce_kvm_exit_other - an exit that the architecture's own code does not take. */
void sconce_kvm_exit_other(const struct kvm_run *run, struct sconce_exit *ret_exit);

#endif
