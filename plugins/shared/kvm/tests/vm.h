/* SPDX-License-Identifier: Apache-2.0 */
/* What test-vm.c shares with a backend's tests/vm-cases.c, which has the arch_tests: what stands
 * between the program, its plugin among it, and KVM. */
#ifndef SCONCE_PLUGINS_SHARED_KVM_TESTS_VM_H
#define SCONCE_PLUGINS_SHARED_KVM_TESTS_VM_H

#include "plugins/shared/tests/arch.h"

/* ---- test-vm.c ---- */

/** real_ioctl - libc's ioctl(2). */
int real_ioctl(int fd, unsigned long request, void *argument);

/** forget_what_was_found - have the plugin ask KVM anew at its next probe or vm_create. */
void forget_what_was_found(void);

/** find_out_again - have the plugin ask KVM anew what it can do; its probe must succeed. */
void find_out_again(void);

/** expect_config_refused - vm_create with these members of sconce_vm_config is invalid. */
void expect_config_refused(uint64_t gpa_max, uint64_t reserved_bytes);

/* ---- vm-cases.c ---- */

/** arch_ioctl - ioctl(2) as the architecture's cases want it; real_ioctl() where they do not. */
int arch_ioctl(int fd, unsigned long request, void *argument);

/* Some reserved bytes, and fewer than a VM needs. */
extern const uint64_t arch_few_reserved_bytes;

#endif
