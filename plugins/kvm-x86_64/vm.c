/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VM, its memory and its tables. After the first entry none of it changes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"

/* No MSR for the guest. It has no privilege to use one; this is the second wall. */
static int32_t deny_msrs(int vm_fd, struct sconce_plugin_error *err)
{
    uint64_t denied = 0; /* KVM reads the bitmap by whole longs */
    const struct kvm_msr_filter filter = {
        .flags = KVM_MSR_FILTER_DEFAULT_DENY,
        /* Default-deny needs one range that says something: MSRs 0 to 7, all bits clear. */
        .ranges = {{.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
                    .nmsrs = 8,
                    .base = 0,
                    .bitmap = (uint8_t *)&denied}},
    };

    if (sconce_kvm_ioctl(vm_fd, KVM_X86_SET_MSR_FILTER, &filter) < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot deny MSRs to the guest");
    return SCONCE_PLUGIN_OK;
}

static void cleanup_vm(struct sconce_plugin_vm **vm)
{
    kvm_x86_vm_destroy(*vm);
}

int32_t kvm_x86_vm_create_with(const struct kvm_x86_facts *facts,
                               const struct sconce_vm_config *given,
                               struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(cleanup_vm) struct sconce_plugin_vm *vm = NULL;
    SCONCE_CLEANUP(sconce_cleanup_fd) int device_fd = -1;
    struct sconce_vm_config config;
    int32_t r = sconce_given_space(given, SCONCE_X86_PAGE, SCONCE_X86_PHYSICAL_BITS, &config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm = calloc(1, sizeof *vm);
    if (!vm)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a VM");
    sconce_kvm_vm_init(&vm->kvm, &config, facts->read_only_slots);
    vm->tss_available = facts->tss_available;
    sconce_x86_vcpu_init(&vm->x86, facts->found.route, &facts->control, facts->cpuid,
                         facts->cpuid_count, config.gpa_max);
    vm->x86.xsave = facts->xsave;

    r = kvm_x86_open(facts->device, &device_fd, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_kvm_machine_init(&vm->kvm.machine, device_fd, 0, !facts->dirty_bitmap, err);
    if (r == SCONCE_PLUGIN_OK)
        r = deny_msrs(vm->kvm.machine.vm_fd, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_cpuid_set(vm->kvm.machine.vcpu_fd, facts, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm->kvm.machine.run->kvm_valid_regs = KVM_SYNC_X86_REGS;
    *ret_vm = SCONCE_STEAL(vm);
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_x86_vm_create(const struct sconce_vm_config *config, struct sconce_plugin_vm **ret_vm,
                          struct sconce_plugin_error *err)
{
    struct kvm_x86_facts facts;
    int32_t r = kvm_x86_facts(&facts, err);

    return r == SCONCE_PLUGIN_OK ? kvm_x86_vm_create_with(&facts, config, ret_vm, err) : r;
}

void kvm_x86_vm_destroy(struct sconce_plugin_vm *vm)
{
    if (!vm)
        return;
    sconce_kvm_vm_fini(&vm->kvm);
    free(vm);
}

int32_t kvm_x86_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                        const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_add(&vm->kvm.memory, memory, mapping, err);
}

int32_t kvm_x86_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                          struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_remove(&vm->kvm.memory, gpa, bytes, err);
}

/* Our own memory: the supervisor's pages, then the tables. */
static int32_t build_own(struct sconce_plugin_vm *vm, uint64_t *ret_used,
                         struct sconce_plugin_error *err)
{
    uint64_t bytes = sconce_x86_own_bytes(&vm->kvm.memory);
    int32_t r = sconce_kvm_own_map(&vm->kvm, 0, bytes, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    return sconce_x86_own_build(&vm->kvm.memory, vm->kvm.own, bytes, ret_used, err);
}

static struct kvm_segment segment(uint64_t base, uint32_t limit, uint16_t selector, uint32_t rights)
{
    return (struct kvm_segment){
        .base = base,
        .limit = limit,
        .selector = selector,
        .type = rights & 15,
        .s = rights >> 4 & 1,
        .dpl = rights >> 5 & 3,
        .present = rights >> 7 & 1,
        .l = rights >> 13 & 1,
        .db = rights >> 14 & 1,
        .g = rights >> 15 & 1,
        .unusable = !(rights >> 7 & 1),
    };
}

/* The guest's special registers at entry: in ring 3, with our tables. */
static int32_t make_sregs(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    uint64_t base = vm->kvm.memory.gpa_max;
    struct kvm_segment null = segment(0, 0, 0, 0);
    struct kvm_sregs *s = &vm->sregs;

    if (sconce_kvm_ioctl(vm->kvm.machine.vcpu_fd, KVM_GET_SREGS, s) < 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot read a new vCPU's special registers");
    s->cs = segment(0, ~0u, SCONCE_X86_USER_CS, SCONCE_X86_AR_USER_CODE);
    s->ss = segment(0, ~0u, SCONCE_X86_USER_SS, SCONCE_X86_AR_USER_DATA);
    s->ds = s->es = s->fs = s->gs = s->ldt = null;
    s->tr = segment(base + SCONCE_X86_TSS_OFFSET, SCONCE_X86_TSS_BYTES - 1, SCONCE_X86_TSS,
                    vm->tss_available ? SCONCE_X86_AR_TSS_AVAILABLE : SCONCE_X86_AR_TSS_BUSY);
    s->gdt = (struct kvm_dtable){.base = base + SCONCE_X86_GDT_OFFSET,
                                 .limit = SCONCE_X86_GDT_BYTES - 1};
    s->idt = (struct kvm_dtable){.base = base + SCONCE_X86_IDT_OFFSET,
                                 .limit = SCONCE_X86_IDT_BYTES - 1};
    s->cr0 = vm->x86.control.cr0;
    s->cr2 = 0;
    s->cr3 = base + SCONCE_X86_SUPERVISOR_BYTES;
    s->cr4 = vm->x86.control.cr4;
    s->cr8 = 0;
    s->efer = vm->x86.control.efer;
    memset(s->interrupt_bitmap, 0, sizeof s->interrupt_bitmap);
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_x86_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    uint64_t own_used = 0;
    int32_t r = build_own(vm, &own_used, err);

    vm->kvm.sealed = vm->kvm.memory.fixed = true;
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_kvm_slots_add(&vm->kvm, vm->kvm.memory.gpa_max, own_used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = make_sregs(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->kvm.state = SCONCE_VCPU_DEAD;
    return r;
}
