/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls, the hypervisor's part: inputs of a page that the driver has filled. A VP that runs
 * while another thread asks through the partition gives the general and special registers that it
 * had when it was entered; all else about it is an invalid state.
 */
#include <string.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

/* ---- The VP that is meant ------------------------------------------------------------------- */

/* The hypervisor's lock of a VP. It is held by one call for one VP at a time, and not while the
 * guest runs: then its registers are those that it was entered with. Returns whether it runs. */
static bool hold(struct double_vp *vp)
{
    pthread_mutex_lock(&vp->state_lock);
    return vp->running;
}

static void let_go(struct double_vp *vp)
{
    pthread_mutex_unlock(&vp->state_lock);
}

static struct double_vp *find_vp(struct double_partition *p, uint32_t index)
{
    return index < MSHV_MAX_VPS ? p->vps[index] : NULL;
}

/* ---- Registers ------------------------------------------------------------------------------ */

/* What pages can hold: elements behind the header, and results. */
static bool fits(uint16_t reps, size_t header, size_t element, size_t result)
{
    return header + reps * element <= MSHV_PAGE && reps * result <= MSHV_PAGE;
}

static uint16_t get_one(struct double_vp *vp, bool running, uint32_t name,
                        struct hv_value *ret_value)
{
    bool kept = (name >= HV_REG_RAX && name <= HV_REG_RFLAGS) ||
                (name >= HV_REG_CR0 && name <= HV_REG_CR8) || name <= HV_REG_DISPATCH_SUSPEND ||
                (name >= HV_REG_ES && name <= HV_REG_TR);

    if (running && !kept)
        return HV_INVALID_VP_STATE;
    return double_regs_get(vp, name, ret_value);
}

static uint16_t get_registers(struct double_vp *vp, bool running, uint16_t reps,
                              const uint8_t *input, uint8_t *output, uint16_t *ret_done)
{
    uint16_t status = HV_OK;

    for (uint16_t i = 0; i < reps; i++) {
        struct hv_value value;
        uint32_t name;

        memcpy(&name, input + sizeof(struct hv_registers_input) + i * sizeof name, sizeof name);
        status = get_one(vp, running, name, &value);
        if (status != HV_OK)
            break;
        memcpy(output + i * sizeof value, &value, sizeof value);
        ++*ret_done;
    }
    return status;
}

static uint16_t set_registers(struct double_vp *vp, bool running, uint16_t reps,
                              const uint8_t *input, uint16_t *ret_done)
{
    uint16_t status = HV_OK;

    if (running)
        return HV_INVALID_VP_STATE;
    for (uint16_t i = 0; i < reps; i++) {
        struct hv_assoc assoc;

        memcpy(&assoc, input + sizeof(struct hv_registers_input) + i * sizeof assoc, sizeof assoc);
        status = assoc.reserved0 || assoc.reserved1 ? HV_INVALID_PARAMETER
                                                    : double_regs_set(vp, assoc.name, &assoc.value);
        if (status != HV_OK)
            break;
        ++*ret_done;
    }
    return status;
}

static uint16_t registers(struct double_partition *p, bool set, uint16_t reps, const uint8_t *input,
                          uint8_t *output, uint16_t *ret_done)
{
    struct hv_registers_input head;
    struct double_vp *vp;
    bool running;
    uint16_t status;

    memcpy(&head, input, sizeof head);
    vp = find_vp(p, head.vp);
    if (!vp)
        return HV_INVALID_VP_INDEX;
    if (head.vtl || head.padding[0] || head.padding[1] || head.padding[2] ||
        !(set ? fits(reps, sizeof head, sizeof(struct hv_assoc), 0)
              : fits(reps, sizeof head, sizeof(uint32_t), sizeof(struct hv_value))))
        return HV_INVALID_PARAMETER;
    running = hold(vp);
    status = set ? set_registers(vp, running, reps, input, ret_done)
                 : get_registers(vp, running, reps, input, output, ret_done);
    let_go(vp);
    return status;
}

/* ---- Translation ---------------------------------------------------------------------------- */

static uint32_t gpa_result(struct double_partition *p, uint64_t gpa, uint64_t flags)
{
    struct double_region *region;
    uint32_t result = HV_TRANSLATED;

    pthread_mutex_lock(&p->regions_lock);
    region = double_memory_find(p, gpa);
    if (!region)
        result = HV_GPA_UNMAPPED;
    else if ((flags & HV_TRANSLATE_WRITE) && !(region->flags & MSHV_MEM_WRITABLE))
        result = HV_GPA_NO_WRITE;
    pthread_mutex_unlock(&p->regions_lock);
    return result;
}

/* KVM says whether a page is there, not what may be done with it: rights of the guest's own page
 * tables are not looked at. */
static uint16_t translate(struct double_partition *p, const uint8_t *input, uint8_t *output)
{
    struct hv_translate_output out = {.result = HV_NOT_PRESENT};
    struct hv_translate_input in;
    struct double_vp *vp;
    bool running;
    uint64_t gpa;

    memcpy(&in, input, sizeof in);
    vp = find_vp(p, in.vp);
    if (!vp)
        return HV_INVALID_VP_INDEX;
    if (in.padding)
        return HV_INVALID_PARAMETER;
    running = hold(vp);
    if (!running)
        vp->translated = false;
    if (running || double_regs_flush(vp) < 0) {
        let_go(vp);
        return HV_INVALID_VP_STATE;
    }
    if (double_run_translate(vp, in.gva_page * MSHV_PAGE, &gpa)) {
        out.result = gpa_result(p, gpa, in.flags);
        out.gpa_page = gpa / MSHV_PAGE;
    }
    let_go(vp);
    memcpy(output, &out, sizeof out);
    return HV_OK;
}

/* ---- Properties, CPUID, interrupts ---------------------------------------------------------- */

static uint16_t property(struct double_partition *p, bool set, const uint8_t *input,
                         uint8_t *output)
{
    struct hv_property_input in;
    uint64_t value;
    uint16_t status;

    memcpy(&in, input, sizeof in);
    if (in.padding)
        return HV_INVALID_PARAMETER;
    if (set)
        return double_property_set(p, in.code, in.value);
    status = double_property_get(p, in.code, &value);
    if (status == HV_OK)
        memcpy(output, &value, sizeof value);
    return status;
}

/* XFEM is a leaf's own unless it is the VP's, and x87 is in each that a processor can have. */
static uint16_t cpuid_value(struct double_vp *vp, uint32_t flags, const struct hv_cpuid_leaf *leaf,
                            uint8_t *output)
{
    struct kvm_cpuid2 *list = flags & HV_CPUID_REGISTERED ? vp->cpuid : vp->native_cpuid;
    const struct kvm_cpuid_entry2 *e = double_features_leaf(list, leaf->eax, leaf->ecx);
    uint32_t values[4] = {0};

    if (!(flags & HV_CPUID_VP_XFEM) && !(leaf->xfem & 1))
        return HV_INVALID_PARAMETER;
    if (e)
        memcpy(values, (uint32_t[]){e->eax, e->ebx, e->ecx, e->edx}, sizeof values);
    memcpy(output, values, sizeof values);
    return HV_OK;
}

static uint16_t cpuid_values(struct double_partition *p, uint16_t reps, const uint8_t *input,
                             uint8_t *output, uint16_t *ret_done)
{
    struct hv_cpuid_values_input head;
    uint16_t status = HV_OK;
    struct double_vp *vp;

    memcpy(&head, input, sizeof head);
    vp = find_vp(p, head.vp);
    if (!vp)
        return HV_INVALID_VP_INDEX;
    if ((head.flags & ~(HV_CPUID_VP_XFEM | HV_CPUID_REGISTERED)) || head.reserved ||
        !fits(reps, sizeof head, sizeof(struct hv_cpuid_leaf), 16))
        return HV_INVALID_PARAMETER;
    for (uint16_t i = 0; status == HV_OK && i < reps; i++) {
        struct hv_cpuid_leaf leaf;

        memcpy(&leaf, input + sizeof head + i * sizeof leaf, sizeof leaf);
        status = cpuid_value(vp, head.flags, &leaf, output + (size_t)i * 16);
        if (status == HV_OK)
            ++*ret_done;
    }
    return status;
}

static uint16_t cpuid_override(struct double_partition *p, const uint8_t *input)
{
    struct hv_cpuid_result_input in;
    struct double_vp *vp;
    uint16_t status;
    bool running;

    memcpy(&in, input, sizeof in);
    vp = find_vp(p, in.vp);
    if (!vp)
        return HV_INVALID_VP_INDEX;
    if (in.type != HV_INTERCEPT_CPUID) /* an MSR's action: not modelled */
        return HV_OPERATION_DENIED;
    if (p->override_count == DOUBLE_MAX_OVERRIDES)
        return HV_INSUFFICIENT_MEMORY;
    running = hold(vp);
    if (running || vp->has_run) {
        let_go(vp);
        return HV_INVALID_VP_STATE; /* KVM takes no other CPUID after the first run */
    }
    p->overrides[p->override_count++] = in;
    status = double_features_apply(vp);
    let_go(vp);
    return status;
}

/* No APIC: KVM's own would keep HLT from the client. So a vector can only be given to a VP that is
 * not running, and arrives with the next run, if the guest lets it in. */
static uint16_t assert_interrupt(struct double_partition *p, const uint8_t *input)
{
    struct hv_interrupt_input in;
    struct kvm_interrupt irq;
    struct double_vp *vp;
    bool running;
    int r;

    memcpy(&in, input, sizeof in);
    vp = in.destination < MSHV_MAX_VPS ? p->vps[in.destination] : NULL;
    if (!vp)
        return HV_INVALID_PARAMETER;
    running = hold(vp);
    if (running) {
        let_go(vp);
        return HV_INVALID_VP_STATE;
    }
    irq.irq = in.vector;
    r = double_sys_ioctl(vp->object.fd, KVM_INTERRUPT, &irq);
    let_go(vp);
    return r < 0 ? HV_INVALID_VP_STATE : HV_OK;
}

uint16_t double_hypercall(struct double_partition *p, uint16_t code, uint16_t reps,
                          const void *input, void *output, uint16_t *ret_done)
{
    struct hv_intercept_input intercept;
    uint64_t id;

    memcpy(&id, input, sizeof id);
    if (id != p->id)
        return HV_INVALID_PARTITION_ID;
    if (double_hvcall_has_reps(code) != (reps != 0))
        return HV_INVALID_HYPERCALL_INPUT;
    switch (code) {
    case HV_GET_PARTITION_PROPERTY:
        return property(p, false, input, output);
    case HV_SET_PARTITION_PROPERTY:
        return property(p, true, input, output);
    case HV_INSTALL_INTERCEPT:
        memcpy(&intercept, input, sizeof intercept);
        return double_intercept_install(p, &intercept);
    case HV_GET_VP_REGISTERS:
        return registers(p, false, reps, input, output, ret_done);
    case HV_SET_VP_REGISTERS:
        return registers(p, true, reps, input, output, ret_done);
    case HV_TRANSLATE_VIRTUAL_ADDRESS:
        return translate(p, input, output);
    case HV_REGISTER_INTERCEPT_RESULT:
        return cpuid_override(p, input);
    case HV_ASSERT_VIRTUAL_INTERRUPT:
        return assert_interrupt(p, input);
    case HV_GET_VP_CPUID_VALUES:
        return cpuid_values(p, reps, input, output, ret_done);
    case HV_CLEAR_VIRTUAL_INTERRUPT:
    case HV_GET_GPA_PAGES_ACCESS_STATES:
    case HV_SIGNAL_EVENT_DIRECT:
    case HV_POST_MESSAGE_DIRECT:
    default:
        double_log("not-modelled hypercall 0x%x", code);
        return HV_OPERATION_DENIED;
    }
}
