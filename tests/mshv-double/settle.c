/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From KVM's habit to the hypervisor's. KVM finishes an access at the next run, or has moved RIP
 * already; the hypervisor reports it with the registers as they were and never moves RIP. So each
 * access is finished at once, without running the guest (immediate_exit), and taken back. Accesses
 * to memory are in mmio.c.
 */
#include <string.h>

#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

/* Pieces of one access that KVM may have left. */
#define MAX_PIECES 16
#define RFLAGS_DF (1u << 10)

static void drain(struct double_vp *vp)
{
    int r = 0;

    vp->run->immediate_exit = 1;
    for (int i = 0; i < MAX_PIECES && r == 0; i++) {
        r = double_sys_ioctl(vp->object.fd, KVM_RUN, NULL);
        if (r == 0 && vp->run->exit_reason == KVM_EXIT_MMIO)
            vp->more_bytes += vp->run->mmio.len;
    }
    vp->run->immediate_exit = 0;
}

uint64_t double_settle_finish(struct double_vp *vp, const struct kvm_regs *as_before)
{
    struct kvm_regs after = *as_before;

    vp->more_bytes = 0;
    drain(vp);
    double_sys_ioctl(vp->object.fd, KVM_GET_REGS, &after);
    vp->regs = *as_before;
    vp->regs_dirty = true;
    return after.rip;
}

/* ---- Ports ---------------------------------------------------------------------------------- */

static bool is_prefix(uint8_t byte)
{
    return byte == 0x66 || byte == 0xf2 || byte == 0xf3 || byte == 0x2e || byte == 0x36 ||
           byte == 0x3e || byte == 0x26 || byte == 0x64 || byte == 0x65 || byte == 0x67;
}

/* Forward, at the instruction: is it IN, OUT, INS or OUTS, how long, and which? */
static uint8_t io_length(const uint8_t *insn, uint8_t count, bool long_mode, bool *ret_string,
                         bool *ret_rep)
{
    uint8_t at = 0;

    *ret_string = *ret_rep = false;
    while (at < count && is_prefix(insn[at])) {
        *ret_rep |= insn[at] == 0xf2 || insn[at] == 0xf3;
        at++;
    }
    if (long_mode && at < count && (insn[at] & 0xf0) == 0x40)
        at++;
    if (at >= count)
        return 0;
    *ret_string = insn[at] >= 0x6c && insn[at] <= 0x6f;
    if (*ret_string || (insn[at] >= 0xec && insn[at] <= 0xef))
        return (uint8_t)(at + 1);
    *ret_rep = false;
    return insn[at] >= 0xe4 && insn[at] <= 0xe7 ? (uint8_t)(at + 2) : 0;
}

/* The port that the instruction, at @insn and @length bytes long, has. */
static uint16_t io_port(const uint8_t *insn, uint8_t length, const struct kvm_regs *regs)
{
    uint8_t opcode = length >= 2 ? insn[length - 2] : 0;

    return opcode >= 0xe4 && opcode <= 0xe7 ? insn[length - 1] : (uint16_t)regs->rdx;
}

/* RIP is behind an OUT: go back over it. The shortest that fits, and then the prefix of 16 bits. */
static uint8_t io_back(struct double_vp *vp, const struct kvm_regs *regs)
{
    bool long_mode = vp->sregs.cs.l, wide = long_mode || vp->sregs.cs.db, string, rep;
    uint8_t best = 0, insn[16];

    for (uint8_t back = 1; back <= 4; back++) {
        uint8_t got = double_message_insn(vp, regs->rip - back, insn);
        bool prefixed = insn[0] == 0x66;

        if (got < back || io_length(insn, back, long_mode, &string, &rep) != back ||
            io_port(insn, back, regs) != vp->run->io.port)
            continue;
        if (!best || (prefixed && vp->run->io.size == (wide ? 2 : 4)) || string)
            best = back;
    }
    return best;
}

/* What INS would store is not stored: the client does. */
struct target {
    uint64_t gpa;
    size_t bytes;
};

static void keep_target(struct double_vp *vp, struct target *target)
{
    uint64_t gva = vp->regs.rdi + double_regs_base(vp, &vp->sregs.es);
    size_t left = MSHV_PAGE - gva % MSHV_PAGE;

    target->bytes = (size_t)vp->run->io.size * vp->run->io.count;
    if (target->bytes > left)
        target->bytes = left;
    if (!double_run_translate(vp, gva, &target->gpa) ||
        !double_memory_read(vp->partition, target->gpa, vp->kept_page, target->bytes))
        target->bytes = 0;
}

/* OUTS has read some elements already. */
static void rewind_outs(const struct double_vp *vp, struct kvm_regs *regs, bool rep)
{
    uint64_t bytes = (uint64_t)vp->run->io.size * vp->run->io.count;

    regs->rsi += regs->rflags & RFLAGS_DF ? bytes : -bytes;
    if (rep)
        regs->rcx += vp->run->io.count;
}

void double_settle_io(struct double_vp *vp)
{
    struct kvm_regs before = vp->regs;
    bool in = vp->run->io.direction == KVM_EXIT_IO_IN, string, rep;
    struct target target = {0};
    uint8_t insn[16], length, got;

    got = double_message_insn(vp, before.rip, insn);
    length = io_length(insn, got, vp->sregs.cs.l, &string, &rep);
    if (!in && !(length && string && rep) &&
        !(length && double_settle_finish(vp, &before) == before.rip + length)) {
        /* RIP has moved already. */
        before.rip -= io_back(vp, &before);
        got = double_message_insn(vp, before.rip, insn);
        length = io_length(insn, got, vp->sregs.cs.l, &string, &rep);
    }
    if (in && string)
        keep_target(vp, &target);
    if (!in && string)
        rewind_outs(vp, &before, rep);
    double_settle_finish(vp, &before);
    if (target.bytes)
        double_memory_write(vp->partition, target.gpa, vp->kept_page, target.bytes);
    double_message_io(vp, length, &before, string, rep);
}

/* ---- MSRs ----------------------------------------------------------------------------------- */

void double_settle_msr(struct double_vp *vp)
{
    struct kvm_regs before = vp->regs;
    bool write = vp->run->exit_reason == KVM_EXIT_X86_WRMSR;
    uint32_t msr = vp->run->msr.index;
    uint64_t value = write ? vp->run->msr.data : 0;

    vp->run->msr.data = 0;
    vp->run->msr.error = 0;
    double_settle_finish(vp, &before);
    double_message_msr(vp, msr, write, value);
}
