/* SPDX-License-Identifier: Apache-2.0 */
#include "plugins/mshv-x86_64/tests/fake-machine.h"

#include <string.h>

struct fake_machine machine;
uint8_t machine_xsave[MSHV_PAGE];

static struct hv_cpuid_values native(uint32_t leaf, uint32_t subleaf)
{
    switch (leaf) {
    case 0:
        return (struct hv_cpuid_values){0x20, 1, 2, 3};
    case 1:
        return (struct hv_cpuid_values){0x800f12, 0x5000800, 0xfffbfffe, ~0u};
    case 7:
        return subleaf ? (struct hv_cpuid_values){0} : (struct hv_cpuid_values){1, ~0u, ~0u, ~0u};
    case 0xd:
        if (subleaf == 0)
            return (struct hv_cpuid_values){0x207, 832, 832, 0};
        return subleaf == 2 ? (struct hv_cpuid_values){256, 576, 0, 0}
                            : (struct hv_cpuid_values){0};
    case SCONCE_X86_CPUID_HYPERVISOR:
        return (struct hv_cpuid_values){0x4000000b, 'M', 'S', 'H'};
    case 0x80000000:
        return (struct hv_cpuid_values){0x80000020, 1, 2, 3};
    case 0x80000001:
        return (struct hv_cpuid_values){0, 0, ~0u, machine.no_nx ? 0 : ~0u};
    default:
        return (struct hv_cpuid_values){0};
    }
}

static struct hv_cpuid_values overridden(uint32_t leaf, uint32_t subleaf)
{
    struct hv_cpuid_values v = native(leaf, subleaf);

    for (unsigned i = 0; !machine.is_deaf && i < machine.override_count; i++) {
        const struct hv_cpuid_override *o = &machine.overrides[i];

        if (o->leaf != leaf || (o->subleaf_specific && o->subleaf != subleaf))
            continue;
        v.eax = (v.eax & ~o->eax_mask) | (o->eax & o->eax_mask);
        v.ebx = (v.ebx & ~o->ebx_mask) | (o->ebx & o->ebx_mask);
        v.ecx = (v.ecx & ~o->ecx_mask) | (o->ecx & o->ecx_mask);
        v.edx = (v.edx & ~o->edx_mask) | (o->edx & o->edx_mask);
    }
    return v;
}

/* Whose XFEM? A leaf's own must at least be one: x87 is always there. */
static void answer_cpuid(const struct hv_cpuid_head *head, const struct hv_cpuid_leaf *leaf,
                         void *out)
{
    struct hv_cpuid_values values = head->flags & HV_CPUID_OVERRIDDEN
                                        ? overridden(leaf->eax, leaf->ecx)
                                        : native(leaf->eax, leaf->ecx);

    assert_true((head->flags & HV_CPUID_VP_XFEM) || (leaf->xfem & 1));
    assert_int_equal(head->vp_index, 0);
    memcpy(out, &values, sizeof values);
}

static void (*registers)(uint16_t code, const void *head, const void *in, void *out);

static void repetition(uint16_t code, const void *head, const void *in, void *out)
{
    struct hv_cpuid_head cpuid_head;
    struct hv_cpuid_leaf leaf;

    switch (code) {
    case MSHV_HVCALL_GET_VP_CPUID_VALUES:
        memcpy(&cpuid_head, head, sizeof cpuid_head);
        memcpy(&leaf, in, sizeof leaf);
        answer_cpuid(&cpuid_head, &leaf, out);
        break;
    case MSHV_HVCALL_REGISTER_INTERCEPT_RESULT:
        assert_int_equal(fake.last_in_bytes, HV_CPUID_OVERRIDE_BYTES);
        assert_in_range(machine.override_count, 0, MSHV_X86_MAX_CPUID - 1);
        memcpy(&machine.overrides[machine.override_count++], head, HV_CPUID_OVERRIDE_BYTES);
        break;
    default:
        registers(code, head, in, out);
        break;
    }
}

/* What is set must say in which format it is. */
static int xsave(bool set, struct mshv_vp_state *state)
{
    const uint64_t xcomp_bv = machine.odd_xsave ? 0 : 1ull << 63 | 0x207;
    uint8_t *buffer = (uint8_t *)(uintptr_t)state->buffer;

    assert_int_equal(state->type, MSHV_STATE_XSAVE);
    assert_int_equal(state->bytes, sizeof machine_xsave);
    if (set) {
        assert_memory_equal(buffer + 520, &xcomp_bv, sizeof xcomp_bv);
        memcpy(machine_xsave, buffer, sizeof machine_xsave);
        return 0;
    }
    memcpy(buffer, machine_xsave, sizeof machine_xsave);
    memcpy(buffer + 520, &xcomp_bv, sizeof xcomp_bv);
    return 0;
}

/* The host's view of the region that begins there. */
static uint8_t *region_at(uint64_t gpa)
{
    for (unsigned i = fake.region_count; i > 0; i--)
        if (fake.regions[i - 1].guest_pfn == gpa >> MSHV_PAGE_SHIFT)
            return (uint8_t *)(uintptr_t)fake.regions[i - 1].userspace_addr;
    fail();
    return NULL;
}

/* The trial's guest has looked at CPUID, and ends in a system call that is a #UD. */
static int run_trial(struct mshv_message *message)
{
    const struct hv_cpuid_values basic = overridden(0, 0);
    const struct hv_cpuid_values hidden = overridden(SCONCE_X86_CPUID_HYPERVISOR, 0);
    uint8_t *code = region_at(SCONCE_GPA_MIN);
    uint8_t *own_memory = region_at(SCONCE_GPA_MAX + SCONCE_X86_GDT_OFFSET);
    const uint8_t *syscall = memmem(code, SCONCE_MEM_GRANULE, "\x0f\x05", 2);
    struct hv_io_port io;

    assert_non_null(syscall);
    hv_reg(HV_RAX + MSHV_R8)->low = basic.eax;
    hv_reg(HV_RAX + 10)->low = basic.ecx;
    hv_reg(HV_RAX + 12)->low = basic.edx;
    hv_reg(HV_RAX)->low = hidden.eax;
    hv_reg(HV_RAX + 14)->low = hidden.ecx;
    hv_reg(HV_RAX + MSHV_RDX)->low = hidden.edx;
    io = trap_in(own_memory - SCONCE_X86_GDT_OFFSET, 6, 0,
                 SCONCE_GPA_MIN + (uint64_t)(syscall - code), SCONCE_X86_USER_CS);
    if (machine.odd_trial)
        io.port = SCONCE_DOORBELL_PORT_X86_64;
    *message = (struct mshv_message){.type = HV_MESSAGE_IO_PORT, .payload_bytes = sizeof io};
    memcpy(message->payload, &io, sizeof io);
    return 0;
}

int machine_start(void **state)
{
    start_over(state);
    registers = fake.repetition;
    fake.repetition = repetition;
    fake.state = xsave;
    fake.run = run_trial;
    memset(&machine, 0, sizeof machine);
    memset(machine_xsave, 0, sizeof machine_xsave);
    assert_int_equal(mshv_x86_configure("device", "/dev/other", fresh()), SCONCE_PLUGIN_OK);
    assert_int_equal(mshv_x86_configure("device", "/dev/mshv", fresh()), SCONCE_PLUGIN_OK);
    return 0;
}

int machine_ring(struct mshv_message *message)
{
    const struct hv_io_port io =
        io_message(SCONCE_DOORBELL_PORT_X86_64, HV_ACCESS_WRITE, 1, 7, CODE_GPA);

    *message = (struct mshv_message){.type = HV_MESSAGE_IO_PORT, .payload_bytes = sizeof io};
    memcpy(message->payload, &io, sizeof io);
    return 0;
}

/* ---- VMs ------------------------------------------------------------------------------------- */

int32_t machine_make(struct sconce_plugin_vm **ret_vm, struct sconce_plugin_error *err)
{
    const struct sconce_vm_config config = {.size = sizeof config,
                                            .gpa_min = SCONCE_GPA_MIN,
                                            .gpa_max = SCONCE_GPA_MAX,
                                            .reserved_bytes = SCONCE_GPA_RESERVED};
    const struct sconce_memory memory = {
        .size = sizeof memory, .bytes = sizeof arena, .host_addr = arena};
    struct sconce_mapping mapping = {.size = sizeof mapping,
                                     .prot = SCONCE_PROT_READ | SCONCE_PROT_EXEC,
                                     .gpa = CODE_GPA,
                                     .bytes = SCONCE_MEM_GRANULE};
    int32_t r;

    *ret_vm = NULL;
    r = mshv_x86_vm_create(&config, ret_vm, err);
    if (r == SCONCE_PLUGIN_OK)
        r = mshv_x86_mem_map(*ret_vm, &memory, &mapping, err);
    mapping.gpa = DATA_GPA;
    mapping.object_offset = SCONCE_MEM_GRANULE;
    mapping.prot = SCONCE_PROT_READ | SCONCE_PROT_WRITE;
    return r == SCONCE_PLUGIN_OK ? mshv_x86_mem_map(*ret_vm, &memory, &mapping, err) : r;
}

struct sconce_plugin_vm *machine_vm(void)
{
    struct sconce_plugin_vm *made;

    assert_int_equal(machine_make(&made, fresh()), SCONCE_PLUGIN_OK);
    return made;
}

int32_t machine_enter(struct sconce_plugin_vm *made, struct sconce_plugin_error *err)
{
    const struct sconce_entry entry = {.size = sizeof entry,
                                       .pc = CODE_GPA,
                                       .sp = DATA_GPA + 4096,
                                       .tls = MACHINE_TLS,
                                       .args = {0x1111, 0x2222}};

    return mshv_x86_vcpu_enter(made, &entry, err);
}
