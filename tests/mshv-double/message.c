/* SPDX-License-Identifier: Apache-2.0 */
/* Filling the message page. Registers are the VP's as they will be shown: RIP at the instruction.
 */
#include <string.h>

#include "tests/mshv-double/vm.h"

/* SDM vol 3A 2.5 and 2.2.1. */
#define CR0_PE (1u << 0)
#define CR0_AM (1u << 18)
#define EFER_LMA (1u << 10)
#define DR7_ENABLES 0xffu

static uint16_t exec_state(struct double_vp *vp)
{
    struct hv_value value;
    uint16_t state = vp->sregs.ss.dpl & HV_STATE_CPL;

    if (vp->sregs.cr0 & CR0_PE)
        state |= HV_STATE_PE;
    if (vp->sregs.cr0 & CR0_AM)
        state |= HV_STATE_AM;
    if (vp->sregs.efer & EFER_LMA)
        state |= HV_STATE_LMA;
    if (double_regs_get(vp, HV_REG_DR7, &value) == HV_OK && (value.low & DR7_ENABLES))
        state |= HV_STATE_DEBUG;
    if (double_regs_get(vp, HV_REG_PENDING_INTERRUPTION, &value) == HV_OK && value.low)
        state |= HV_STATE_PENDING;
    return state;
}

static void put(struct double_vp *vp, const void *payload, size_t bytes)
{
    memset(vp->message->payload, 0, sizeof vp->message->payload);
    memcpy(vp->message->payload, payload, bytes);
    vp->message->payload_bytes = (uint8_t)bytes;
}

static struct hv_header header(struct double_vp *vp, uint8_t length, uint8_t access)
{
    return (struct hv_header){
        .vp = vp->index,
        .length_cr8 = (uint8_t)((length & 15) | (vp->sregs.cr8 & 15) << 4),
        .access = access,
        .state = exec_state(vp),
        .cs = double_regs_segment(&vp->sregs.cs),
        .rip = vp->regs.rip,
        .rflags = vp->regs.rflags,
    };
}

static void start(struct double_vp *vp, uint32_t type)
{
    vp->message->type = type;
    vp->message->flags = 0;
    vp->message->reserved = 0;
    vp->message->sender = vp->partition->id;
}

void double_message_start(struct double_vp *vp, uint32_t type, uint8_t length, uint8_t access)
{
    struct hv_header h = header(vp, length, access);

    start(vp, type);
    put(vp, &h, sizeof h);
}

uint8_t double_message_insn(struct double_vp *vp, uint64_t rip, uint8_t bytes[16])
{
    uint64_t linear = rip + double_regs_base(vp, &vp->sregs.cs);
    uint8_t got = 0;

    memset(bytes, 0, 16);
    while (got < 16) {
        uint64_t gpa, left = MSHV_PAGE - (linear + got) % MSHV_PAGE;
        uint8_t piece = (uint8_t)(left < 16u - got ? left : 16u - got);

        if (!double_run_translate(vp, linear + got, &gpa) ||
            !double_memory_read(vp->partition, gpa, bytes + got, piece))
            break;
        got = (uint8_t)(got + piece);
    }
    return got;
}

void double_message_io(struct double_vp *vp, uint8_t length, const struct kvm_regs *regs,
                       bool string, bool rep)
{
    const struct kvm_run *run = vp->run;
    bool out = run->io.direction == KVM_EXIT_IO_OUT;
    struct hv_io_message m = {
        .header = header(vp, length, out ? HV_ACCESS_WRITE : HV_ACCESS_READ),
        .port = run->io.port,
        .access =
            (uint8_t)((run->io.size & 7) | (string ? HV_IO_STRING : 0) | (rep ? HV_IO_REP : 0)),
        .rax = regs->rax,
        .ds = double_regs_segment(&vp->sregs.ds),
        .es = double_regs_segment(&vp->sregs.es),
        .rcx = regs->rcx,
        .rsi = regs->rsi,
        .rdi = regs->rdi,
    };

    m.insn_count = double_message_insn(vp, regs->rip, m.insn);
    start(vp, HV_MSG_IO_PORT);
    put(vp, &m, sizeof m);
}

/* Nothing mapped, or not with this right. */
static uint32_t gpa_type(struct double_vp *vp, uint64_t gpa)
{
    bool mapped;

    pthread_mutex_lock(&vp->partition->regions_lock);
    mapped = double_memory_find(vp->partition, gpa) != NULL;
    pthread_mutex_unlock(&vp->partition->regions_lock);
    return mapped ? HV_MSG_GPA_INTERCEPT : HV_MSG_UNMAPPED_GPA;
}

void double_message_gpa(struct double_vp *vp, uint64_t gpa, uint8_t access, const uint64_t *gva,
                        uint8_t length)
{
    struct hv_gpa_message m = {
        .header = header(vp, length, access),
        .cache = 6, /* write-back: SDM vol 3A table 11-10 */
        .info = gva ? HV_GVA_VALID | HV_GVA_GPA_VALID : 0,
        .gva = gva ? *gva : 0,
        .gpa = gpa,
    };

    if (access != HV_ACCESS_EXECUTE)
        m.insn_count = double_message_insn(vp, vp->regs.rip, m.insn);
    start(vp, gpa_type(vp, gpa));
    put(vp, &m, sizeof m);
}

void double_message_msr(struct double_vp *vp, uint32_t msr, bool write, uint64_t value)
{
    struct hv_msr_message m = {
        .header = header(vp, 2, write ? HV_ACCESS_WRITE : HV_ACCESS_READ),
        .msr = msr,
        .rdx = write ? value >> 32 : vp->regs.rdx,
        .rax = write ? value & 0xffffffffu : vp->regs.rax,
    };

    start(vp, HV_MSG_MSR);
    put(vp, &m, sizeof m);
}

void double_message_exception(struct double_vp *vp, uint8_t vector, uint64_t parameter)
{
    struct hv_exception_message m = {
        .header = header(vp, 0, HV_ACCESS_EXECUTE),
        .vector = vector,
        .info = vector == 3 ? 2 : 0,
        .parameter = parameter,
        .ds = double_regs_segment(&vp->sregs.ds),
        .ss = double_regs_segment(&vp->sregs.ss),
    };

    m.insn_count = double_message_insn(vp, vp->regs.rip, m.insn);
    for (unsigned i = 0; i < 16; i++)
        m.gp[i] = *double_regs_gp(&vp->regs, i);
    start(vp, HV_MSG_EXCEPTION);
    put(vp, &m, sizeof m);
}

static void cpuid_message(struct double_vp *vp)
{
    uint32_t leaf = (uint32_t)vp->regs.rax, subleaf = (uint32_t)vp->regs.rcx;
    const struct kvm_cpuid_entry2 *e = double_features_leaf(vp->cpuid, leaf, subleaf);
    struct hv_cpuid_message m = {
        .header = header(vp, 2, HV_ACCESS_EXECUTE),
        .rax = vp->regs.rax,
        .rcx = vp->regs.rcx,
        .rdx = vp->regs.rdx,
        .rbx = vp->regs.rbx,
    };

    if (e) {
        m.default_rax = e->eax;
        m.default_rcx = e->ecx;
        m.default_rdx = e->edx;
        m.default_rbx = e->ebx;
    }
    start(vp, HV_MSG_CPUID);
    put(vp, &m, sizeof m);
}

/* One that the plan wants: about the registers as they are, without any guest code. */
void double_message_planned(struct double_vp *vp, uint32_t type)
{
    const struct hv_unsupported_message unsupported = {.vp = vp->index, .code = 1};
    const uint64_t gva = vp->regs.rbx;

    switch (type) {
    case HV_MSG_CPUID:
        cpuid_message(vp);
        break;
    case HV_MSG_MSR:
        double_message_msr(vp, (uint32_t)vp->regs.rcx, false, 0);
        break;
    case HV_MSG_EXCEPTION:
        double_message_exception(vp, 3, 0);
        break;
    case HV_MSG_UNMAPPED_GPA:
    case HV_MSG_GPA_INTERCEPT:
        double_message_gpa(vp, gva, HV_ACCESS_READ, &gva, 0);
        vp->message->type = type;
        break;
    case HV_MSG_UNSUPPORTED_FEATURE:
        start(vp, type);
        put(vp, &unsupported, sizeof unsupported);
        break;
    case HV_MSG_INVALID_VP_REGISTER:
        start(vp, type);
        put(vp, &vp->index, sizeof vp->index);
        break;
    default:
        double_message_start(vp, type, 0, HV_ACCESS_READ);
        break;
    }
}
