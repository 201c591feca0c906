/* SPDX-License-Identifier: Apache-2.0 */
/* From KVM's list of CPUID entries to the policy's, and back. */
#include <errno.h>
#include <stdlib.h>

#include "common/cleanup.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/plugin-error.h"

static struct kvm_cpuid2 *new_list(struct sconce_plugin_error *err)
{
    struct kvm_cpuid2 *list =
        calloc(1, sizeof *list + KVM_X86_MAX_CPUID * sizeof(struct kvm_cpuid_entry2));

    if (list)
        list->nent = KVM_X86_MAX_CPUID;
    else
        sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                           "no memory for a list of CPUID entries");
    return list;
}

int32_t kvm_x86_cpuid_read(int device_fd, struct kvm_x86_facts *facts,
                           struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) struct kvm_cpuid2 *list = new_list(err);

    if (!list)
        return SCONCE_PLUGIN_E_NO_MEMORY;
    if (sconce_kvm_ioctl(device_fd, KVM_GET_SUPPORTED_CPUID, list) < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot read which CPU features KVM offers");
    for (uint32_t i = 0; i < list->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &list->entries[i];

        facts->cpuid[i] = (struct sconce_x86_cpuid){
            .leaf = e->function,
            .subleaf = e->index,
            .eax = e->eax,
            .ebx = e->ebx,
            .ecx = e->ecx,
            .edx = e->edx,
        };
    }
    facts->cpuid_count = (uint32_t)sconce_x86_cpuid_apply(facts->cpuid, list->nent);
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_x86_cpuid_set(int vcpu_fd, const struct kvm_x86_facts *facts,
                          struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_free) struct kvm_cpuid2 *list = new_list(err);

    if (!list)
        return SCONCE_PLUGIN_E_NO_MEMORY;
    for (uint32_t i = 0; i < facts->cpuid_count; i++) {
        const struct sconce_x86_cpuid *e = &facts->cpuid[i];

        list->entries[i] = (struct kvm_cpuid_entry2){
            .function = e->leaf,
            .index = e->subleaf,
            .flags = sconce_x86_cpuid_has_subleaf(e->leaf) ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0,
            .eax = e->eax,
            .ebx = e->ebx,
            .ecx = e->ecx,
            .edx = e->edx,
        };
    }
    list->nent = facts->cpuid_count;
    if (sconce_kvm_ioctl(vcpu_fd, KVM_SET_CPUID2, list) < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot set the CPU features of policy %s",
                                  SCONCE_X86_CPUID_POLICY);
    return SCONCE_PLUGIN_OK;
}
