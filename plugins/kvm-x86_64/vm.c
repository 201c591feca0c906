/* SPDX-License-Identifier: Apache-2.0 */
/* Making a VM, its memory and its tables. After the first entry none of it changes. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/cleanup.h"
#include "common/overflow.h"
#include "plugins/kvm-x86_64/kvm-x86_64.h"
#include "plugins/shared/given.h"
#include "plugins/shared/plugin-error.h"

#define MAX_RANGES (SCONCE_PLUGIN_MAX_MAPPINGS + SCONCE_X86_SUPERVISOR_RANGES)

static int32_t check_config(const struct sconce_vm_config *given, struct sconce_vm_config *config,
                            struct sconce_plugin_error *err)
{
    uint64_t end;
    int32_t r = sconce_given_config(given, config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    if (config->gpa_min >= config->gpa_max || config->gpa_max % SCONCE_X86_PAGE ||
        !sconce_add_u64(config->gpa_max, config->reserved_bytes, &end) ||
        end > 1ull << SCONCE_X86_PHYSICAL_BITS)
        return sconce_plugin_fail(
            err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
            "cannot create a VM: guest addresses 0x%" PRIx64 " to 0x%" PRIx64 " and %" PRIu64
            " reserved bytes are no page-aligned range below 2^%u",
            config->gpa_min, config->gpa_max, config->reserved_bytes, SCONCE_X86_PHYSICAL_BITS);
    return SCONCE_PLUGIN_OK;
}

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
    int32_t r = check_config(given, &config, err);

    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm = calloc(1, sizeof *vm);
    if (!vm)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "no memory for a VM");
    vm->machine = (struct sconce_kvm_machine)SCONCE_KVM_MACHINE_EMPTY;
    vm->memory.gpa_min = config.gpa_min;
    vm->memory.gpa_max = config.gpa_max;
    vm->own_limit = config.reserved_bytes;
    vm->read_only_slots = facts->read_only_slots;
    vm->tss_available = facts->tss_available;
    vm->route = facts->route;
    vm->control = facts->control;
    vm->xsave = facts->xsave;
    vm->msr_count = sconce_x86_msrs(facts->cpuid, facts->cpuid_count,
                                    config.gpa_max + SCONCE_X86_LSTAR_OFFSET, vm->msrs);

    r = kvm_x86_open(facts->device, &device_fd, err);
    if (r == SCONCE_PLUGIN_OK)
        r = sconce_kvm_machine_init(&vm->machine, device_fd, 0, err);
    if (r == SCONCE_PLUGIN_OK)
        r = deny_msrs(vm->machine.vm_fd, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_cpuid_set(vm->machine.vcpu_fd, facts, err);
    if (r != SCONCE_PLUGIN_OK)
        return r;
    vm->machine.run->kvm_valid_regs = KVM_SYNC_X86_REGS;
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
    sconce_kvm_machine_fini(&vm->machine);
    if (vm->own)
        munmap(vm->own, vm->own_bytes);
    free(vm);
}

int32_t kvm_x86_mem_map(struct sconce_plugin_vm *vm, const struct sconce_memory *memory,
                        const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_add(&vm->memory, memory, mapping, err);
}

int32_t kvm_x86_mem_unmap(struct sconce_plugin_vm *vm, uint64_t gpa, uint64_t bytes,
                          struct sconce_plugin_error *err)
{
    return sconce_plugin_mappings_remove(&vm->memory, gpa, bytes, err);
}

/* The guest's mappings and the supervisor's pages; the tables themselves are mapped nowhere. */
static size_t list_ranges(const struct sconce_plugin_vm *vm,
                          struct sconce_x86_range ranges[MAX_RANGES])
{
    size_t count = vm->memory.count;

    for (size_t i = 0; i < count; i++) {
        const struct sconce_plugin_range *range = &vm->memory.ranges[i];

        ranges[i] = (struct sconce_x86_range){range->gpa, range->bytes, range->prot, true};
    }
    sconce_x86_supervisor_ranges(vm->memory.gpa_max, &ranges[count]);
    return count + SCONCE_X86_SUPERVISOR_RANGES;
}

/* Our own memory: the supervisor's pages, then the tables. */
static int32_t build_own(struct sconce_plugin_vm *vm, uint64_t *ret_used,
                         struct sconce_plugin_error *err)
{
    struct sconce_x86_range ranges[MAX_RANGES];
    size_t count = list_ranges(vm, ranges);
    uint64_t table_bytes = sconce_x86_paging_bytes(ranges, count);
    uint64_t used;
    void *own;
    int r;

    vm->own_bytes = SCONCE_X86_SUPERVISOR_BYTES + table_bytes;
    if (vm->own_bytes > vm->own_limit)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "the guest's page tables may take %" PRIu64 " bytes, but %" PRIu64
                                  " are reserved",
                                  vm->own_bytes, vm->own_limit);
    own = mmap(NULL, vm->own_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (own == MAP_FAILED)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, SCONCE_DOMAIN_ERRNO, errno, NULL,
                                  "cannot allocate %" PRIu64 " bytes for page tables",
                                  vm->own_bytes);
    vm->own = own;
    sconce_x86_supervisor_build(vm->own, vm->memory.gpa_max);
    r = sconce_x86_paging_build(ranges, count, vm->own + SCONCE_X86_SUPERVISOR_BYTES, table_bytes,
                                vm->memory.gpa_max + SCONCE_X86_SUPERVISOR_BYTES, &used);
    if (r != SCONCE_X86_PAGING_OK)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_PLUGIN, r, NULL,
                                  "cannot build the guest's page tables");
    *ret_used = SCONCE_X86_SUPERVISOR_BYTES + used;
    return SCONCE_PLUGIN_OK;
}

static int32_t add_slots(struct sconce_plugin_vm *vm, uint64_t own_used,
                         struct sconce_plugin_error *err)
{
    struct sconce_kvm_slot slots[SCONCE_PLUGIN_MAX_MAPPINGS + 1];
    uint32_t count = sconce_kvm_slots_plan(&vm->memory, slots);
    int32_t r = SCONCE_PLUGIN_OK;

    slots[count++] = (struct sconce_kvm_slot){vm->memory.gpa_max, own_used, vm->own, true};
    for (uint32_t i = 0; r == SCONCE_PLUGIN_OK && i < count; i++) {
        slots[i].writable |= !vm->read_only_slots; /* then the page tables alone keep it */
        r = sconce_kvm_slot_add(vm->machine.vm_fd, i, &slots[i], err);
    }
    return r;
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
    uint64_t base = vm->memory.gpa_max;
    struct kvm_segment null = segment(0, 0, 0, 0);
    struct kvm_sregs *s = &vm->sregs;

    if (sconce_kvm_ioctl(vm->machine.vcpu_fd, KVM_GET_SREGS, s) < 0)
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
    s->cr0 = vm->control.cr0;
    s->cr2 = 0;
    s->cr3 = base + SCONCE_X86_SUPERVISOR_BYTES;
    s->cr4 = vm->control.cr4;
    s->cr8 = 0;
    s->efer = vm->control.efer;
    memset(s->interrupt_bitmap, 0, sizeof s->interrupt_bitmap);
    return SCONCE_PLUGIN_OK;
}

int32_t kvm_x86_seal(struct sconce_plugin_vm *vm, struct sconce_plugin_error *err)
{
    uint64_t own_used = 0;
    int32_t r = build_own(vm, &own_used, err);

    vm->sealed = vm->memory.fixed = true;
    if (r == SCONCE_PLUGIN_OK)
        r = add_slots(vm, own_used, err);
    if (r == SCONCE_PLUGIN_OK)
        r = make_sregs(vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = kvm_x86_scrub(vm, err);
    if (r != SCONCE_PLUGIN_OK)
        vm->state = SCONCE_VCPU_DEAD;
    return r;
}
