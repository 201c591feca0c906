/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Accesses to memory that is not there, or not with this right. A read stands at its instruction; a
 * write that KVM has emulated stands behind it, and the instruction is looked for: if it is not
 * exactly one that fits, RIP stays where KVM has put it, and the log says so.
 *
 * Not exact: an instruction that loads what is not there and stores to memory that is (MOVS) has
 * stored a zero there; one that reads, changes and writes memory without WRITABLE has set flags,
 * and exchanged its register.
 */
#include <string.h>

#include "tests/mshv-double/insn.h"
#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define MAX_LENGTH 15
#define RFLAGS_DF (1u << 10)

/* What KVM has left for: the first piece of it. */
struct access {
    uint64_t gpa;
    uint32_t bytes, piece;
    uint8_t data[8];
    bool write;
};

/* An instruction that may have made the access, and the registers before it. */
struct candidate {
    struct double_insn insn;
    struct kvm_regs regs;
};

static bool decode(struct double_vp *vp, const struct kvm_regs *regs, bool write,
                   struct double_insn *ret_insn)
{
    struct double_insn_regs in = {
        .rip = regs->rip, .fs = vp->sregs.fs.base, .gs = vp->sregs.gs.base};
    struct kvm_regs copy = *regs;
    uint8_t bytes[16], got = double_message_insn(vp, regs->rip, bytes);

    for (unsigned i = 0; i < 16; i++)
        in.gp[i] = *double_regs_gp(&copy, i);
    return vp->sregs.cs.l && double_insn_decode(bytes, got, &in, write, ret_insn);
}

static bool is_at(struct double_vp *vp, uint64_t gva, uint64_t gpa)
{
    uint64_t found;

    return double_run_translate(vp, gva, &found) && found == gpa;
}

/* Of the memory that was written some may be there, if it is in two pages. */
static bool fits_data(const struct access *access, const struct double_insn *insn)
{
    if (!insn->size || access->gpa % MSHV_PAGE + insn->size > MSHV_PAGE)
        return true;
    return insn->size == access->bytes &&
           (!insn->valued || memcmp(access->data, &insn->value, access->piece) == 0);
}

/* Back by one element of a string. */
static void rewind_string(struct kvm_regs *regs, const struct double_insn *insn)
{
    uint64_t step = regs->rflags & RFLAGS_DF ? -(uint64_t)insn->size : insn->size;

    regs->rdi -= step;
    if ((insn->opcode & 0xfe) == 0xa4)
        regs->rsi -= step;
    if (insn->rep)
        regs->rcx++;
}

/* Does an instruction at @rip fit, after which KVM stands where it does? */
static bool consider(struct double_vp *vp, const struct access *access, uint64_t rip,
                     struct candidate *ret_candidate)
{
    struct candidate c = {.regs = vp->regs};
    bool unfinished;

    c.regs.rip = rip;
    if (!decode(vp, &c.regs, true, &c.insn) || !c.insn.store)
        return false;
    /* REP stands at its instruction, until the last element. */
    unfinished = c.insn.rep && c.insn.string && rip == vp->regs.rip;
    if (!unfinished && rip + c.insn.length != vp->regs.rip)
        return false;
    if (c.insn.rep && c.insn.string && !unfinished && vp->regs.rcx != 0)
        return false;
    if (c.insn.string) {
        rewind_string(&c.regs, &c.insn);
        if (!decode(vp, &c.regs, true, &c.insn))
            return false;
    }
    if (!is_at(vp, c.insn.gva, access->gpa) || !fits_data(access, &c.insn))
        return false;
    if (c.insn.pops)
        c.regs.rsp -= c.insn.size;
    *ret_candidate = c;
    return true;
}

/* One that the guest was entered at is it: it was the first to run. Else there must be one alone.
 */
static bool find_store(struct double_vp *vp, const struct access *access,
                       struct candidate *ret_candidate)
{
    struct candidate c;
    unsigned found = 0;

    for (unsigned back = 0; back <= MAX_LENGTH; back++)
        if (consider(vp, access, vp->regs.rip - back, &c)) {
            *ret_candidate = c;
            if (c.regs.rip == vp->entered_at)
                return true;
            found++;
        }
    return found == 1;
}

/* ---- What a load changes -------------------------------------------------------------------- */

/* A load that KVM finishes has changed more than general registers: XMM, a segment. */
static void finish(struct double_vp *vp, bool load)
{
    const struct kvm_regs before = vp->regs;
    struct kvm_sregs sregs;

    if (load)
        double_xsave_raw(vp, vp->kept_xsave, false);
    double_settle_finish(vp, &before);
    if (!load)
        return;
    double_xsave_raw(vp, vp->xsave, false);
    if (memcmp(vp->xsave, vp->kept_xsave, sizeof vp->xsave) != 0)
        double_xsave_raw(vp, vp->kept_xsave, true);
    double_sys_ioctl(vp->object.fd, KVM_GET_SREGS, &sregs);
    if (memcmp(&sregs.cs, &vp->kvm_sregs.cs, sizeof sregs - sizeof sregs.interrupt_bitmap) != 0)
        vp->sregs_dirty = true;
}

/* ---- Messages ------------------------------------------------------------------------------- */

static void tell(struct double_vp *vp, uint64_t gpa, bool write, const struct double_insn *insn)
{
    if (!insn)
        double_log("inexact rip=0x%llx gpa=0x%lx", vp->regs.rip, gpa);
    double_message_gpa(vp, gpa, write ? HV_ACCESS_WRITE : HV_ACCESS_READ, insn ? &insn->gva : NULL,
                       insn ? insn->length : 0);
}

void double_mmio_exit(struct double_vp *vp)
{
    struct access access = {
        .gpa = vp->run->mmio.phys_addr,
        .piece = vp->run->mmio.len,
        .write = vp->run->mmio.is_write,
    };
    struct candidate c = {.regs = vp->regs};
    bool known;

    memcpy(access.data, vp->run->mmio.data, sizeof access.data);
    finish(vp, !access.write);
    access.bytes = access.piece + vp->more_bytes;
    if (access.write)
        known = find_store(vp, &access, &c);
    else
        known = decode(vp, &vp->regs, false, &c.insn) && is_at(vp, c.insn.gva, access.gpa);
    if (known)
        vp->regs = c.regs;
    tell(vp, access.gpa, access.write, known ? &c.insn : NULL);
}

/* Is the access refused? Memory that is there need not be at fault. */
static bool is_refused(struct double_vp *vp, uint64_t gpa, bool write)
{
    struct double_region *region;
    bool refused;

    pthread_mutex_lock(&vp->partition->regions_lock);
    region = double_memory_find(vp->partition, gpa);
    refused = !region || region->absent || (write && !(region->flags & MSHV_MEM_WRITABLE));
    pthread_mutex_unlock(&vp->partition->regions_lock);
    return refused;
}

bool double_mmio_not_emulated(struct double_vp *vp)
{
    struct double_insn insn;
    uint64_t gpa;

    if (!decode(vp, &vp->regs, true, &insn) || !double_run_translate(vp, insn.gva, &gpa) ||
        !is_refused(vp, gpa, insn.store))
        return false;
    tell(vp, gpa, insn.store, &insn);
    return true;
}
