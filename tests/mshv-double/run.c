/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RUN_VP, as with the hypervisor's scheduler: the guest runs until there is a message, or a signal
 * for the thread. There is no way to cancel but a signal that is pending while the call is in the
 * kernel; one whose handler has run before is lost, here as there.
 */
#include <asm/prctl.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/mshv-double/plan.h"
#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/vm.h"

#define SIGNAL_MASK_BYTES 8
#define RFLAGS_TF (1u << 8)
#define VECTOR_DB 1u
#define VECTOR_BP 3u
#define INT3 0xcc

bool double_run_translate(struct double_vp *vp, uint64_t gva, uint64_t *ret_gpa)
{
    struct kvm_translation t = {.linear_address = gva};
    uint64_t page = gva & ~(uint64_t)(MSHV_PAGE - 1);

    if (vp->translated && vp->translated_gva == page) {
        *ret_gpa = vp->translated_gpa | (gva & (MSHV_PAGE - 1));
        return true;
    }
    if (double_sys_ioctl(vp->object.fd, KVM_TRANSLATE, &t) < 0 || !t.valid)
        return false;
    vp->translated = true;
    vp->translated_gva = page;
    vp->translated_gpa = t.physical_address & ~(uint64_t)(MSHV_PAGE - 1);
    *ret_gpa = t.physical_address;
    return true;
}

/* ---- Entering ------------------------------------------------------------------------------- */

/* All signals are blocked by now; KVM_RUN lets in, in one step, those that the client lets in. */
static int tell_signals(struct double_vp *vp, uint64_t client_signals)
{
    _Alignas(struct kvm_signal_mask)
        uint8_t room[sizeof(struct kvm_signal_mask) + SIGNAL_MASK_BYTES];
    struct kvm_signal_mask *mask = (struct kvm_signal_mask *)(void *)room;
    int r;

    if (vp->signal_mask_known && vp->signal_mask == client_signals)
        return 0;
    mask->len = SIGNAL_MASK_BYTES;
    memcpy(mask->sigset, &client_signals, SIGNAL_MASK_BYTES);
    r = double_sys_ioctl(vp->object.fd, KVM_SET_SIGNAL_MASK, mask);
    vp->signal_mask = client_signals;
    vp->signal_mask_known = r == 0;
    return r;
}

/* Would the next instruction be fetched from memory without the right to? Then that is the message.
 * KVM looks at no such right; this much of it is seen all the same. */
static bool fetch_is_refused(struct double_vp *vp)
{
    struct double_region *region;
    uint64_t gpa, linear = vp->regs.rip + double_regs_base(vp, &vp->sregs.cs);
    bool refused;

    if (!double_run_translate(vp, linear, &gpa))
        return false;
    pthread_mutex_lock(&vp->partition->regions_lock);
    region = double_memory_find(vp->partition, gpa);
    refused = !region || region->absent || !(region->flags & MSHV_MEM_EXECUTABLE);
    pthread_mutex_unlock(&vp->partition->regions_lock);
    if (refused)
        double_message_gpa(vp, gpa, HV_ACCESS_EXECUTE, &linear, 0);
    return refused;
}

/* ARCH_SET_FS and ARCH_SET_GS clear the selector and set the base, which on some processors a null
 * selector that was loaded here would clear. */
static void keep_base(int get, int set)
{
    unsigned long base;

    if (double_sys(SYS_arch_prctl, get, (long)&base, 0, 0, 0, 0) == 0)
        double_sys(SYS_arch_prctl, set, (long)base, 0, 0, 0, 0);
}

/* A KVM that does not switch them (KVM-PVM) leaves the guest's selectors in the thread. */
static void take_back_selectors(void)
{
    uint16_t ds, es, fs, gs;

    __asm__ volatile("mov %%ds, %0\n\tmov %%es, %1\n\tmov %%fs, %2\n\tmov %%gs, %3"
                     : "=r"(ds), "=r"(es), "=r"(fs), "=r"(gs));
    if (ds | es)
        __asm__ volatile("mov %0, %%ds\n\tmov %0, %%es" : : "r"(0));
    if (fs)
        keep_base(ARCH_GET_FS, ARCH_SET_FS);
    if (gs)
        keep_base(ARCH_GET_GS, ARCH_SET_GS);
}

/* ---- Exits ---------------------------------------------------------------------------------- */

/* The exception is told before the guest gets it. KVM takes TF away with its own single step, and
 * leaves DR6 as it was; the hypervisor keeps the one and writes the other. */
static void debug_exit(struct double_vp *vp)
{
    const struct kvm_debug_exit_arch *debug = &vp->run->debug.arch;
    const struct hv_value dr6 = {debug->dr6, 0};

    if (vp->single_step)
        vp->regs.rflags |= RFLAGS_TF;
    vp->regs.rip = debug->pc;
    vp->regs_dirty = true;
    if (debug->exception == VECTOR_DB)
        double_regs_set(vp, HV_REG_DR6, &dr6);
    double_message_exception(vp, (uint8_t)debug->exception, debug->dr6);
}

/* INT3 in ring 0, which KVM-PVM cannot emulate, even where it would have left for it. */
static bool is_breakpoint(struct double_vp *vp)
{
    uint8_t insn[16];

    if (!vp->breaks || !double_message_insn(vp, vp->regs.rip, insn) || insn[0] != INT3)
        return false;
    double_message_exception(vp, VECTOR_BP, 0);
    return true;
}

/* An instruction that KVM cannot emulate. If it could not be fetched, or stores to what is not
 * there, the guest is to blame. */
static int internal_error(struct double_vp *vp)
{
    if (fetch_is_refused(vp))
        return 0;
    if (vp->run->internal.suberror == KVM_INTERNAL_ERROR_EMULATION &&
        (is_breakpoint(vp) || double_mmio_not_emulated(vp)))
        return 0;
    double_log("not-modelled kvm-internal-error %u rip=0x%llx", vp->run->internal.suberror,
               vp->regs.rip);
    return -EIO;
}

/* KVM has left with something to tell. 0: the message is there. */
static int handle_exit(struct double_vp *vp)
{
    switch (vp->run->exit_reason) {
    case KVM_EXIT_IO:
        double_settle_io(vp);
        return 0;
    case KVM_EXIT_MMIO:
        double_mmio_exit(vp);
        return 0;
    case KVM_EXIT_X86_RDMSR:
    case KVM_EXIT_X86_WRMSR:
        double_settle_msr(vp);
        return 0;
    case KVM_EXIT_HLT:
        double_message_start(vp, HV_MSG_HALT, 1, HV_ACCESS_EXECUTE);
        return 0;
    case KVM_EXIT_SHUTDOWN:
        double_message_start(vp, HV_MSG_UNRECOVERABLE, 0, HV_ACCESS_READ);
        return 0;
    case KVM_EXIT_DEBUG:
        debug_exit(vp);
        return 0;
    case KVM_EXIT_FAIL_ENTRY:
        double_message_planned(vp, HV_MSG_INVALID_VP_REGISTER);
        return 0;
    case KVM_EXIT_INTERNAL_ERROR:
        return internal_error(vp);
    default:
        double_log("not-modelled kvm-exit %u", vp->run->exit_reason);
        return -EIO;
    }
}

/* The hypervisor answers MSRs that it does not know, unless they are intercepted. */
static bool answer_msr(struct double_vp *vp)
{
    bool read = vp->run->exit_reason == KVM_EXIT_X86_RDMSR;

    if (!read && vp->run->exit_reason != KVM_EXIT_X86_WRMSR)
        return false;
    if (vp->msrs & (read ? HV_ACCESS_BIT_READ : HV_ACCESS_BIT_WRITE))
        return false;
    vp->run->msr.data = 0;
    vp->run->msr.error = vp->faults_msrs;
    return true;
}

static int run_guest(struct double_vp *vp, uint64_t client_signals)
{
    int r;

    vp->running = true;
    pthread_mutex_unlock(&vp->state_lock);
    do {
        vp->run->immediate_exit = 0;
        r = double_sys_ioctl(vp->object.fd, KVM_RUN, NULL);
        take_back_selectors();
        /* KVM finds no page where the client's memory was and does not say for which address: it is
         * asked again without such regions, and then tells of an access to nothing. */
    } while ((r == 0 && answer_msr(vp)) ||
             (r == -EINTR && !double_signals_end_run(client_signals)) ||
             (r == -EFAULT && double_memory_take_away(vp->partition)));
    pthread_mutex_lock(&vp->state_lock);
    vp->running = false;
    vp->has_run = true;
    vp->translated = false;
    double_regs_fetch(vp);
    if (r == -EFAULT)
        double_log("not-modelled kvm-efault: the client took guest memory away");
    return r < 0 ? r : handle_exit(vp);
}

/* ---- The call ------------------------------------------------------------------------------- */

static int enter(struct double_vp *vp, uint64_t client_signals)
{
    int r;

    if (double_regs_flush(vp) < 0) {
        double_message_planned(vp, HV_MSG_INVALID_VP_REGISTER);
        return 0;
    }
    if (fetch_is_refused(vp))
        return 0;
    r = tell_signals(vp, client_signals);
    if (r < 0)
        return r;
    vp->entered_at = vp->regs.rip;
    return run_guest(vp, client_signals);
}

/* A signal arrives while the message is on its way: it is handled when the call has returned. */
static void race(uint32_t signal)
{
    double_sys(SYS_tgkill, getpid(), double_sys(SYS_gettid, 0, 0, 0, 0, 0, 0), (long)signal, 0, 0,
               0);
}

static int run(struct double_vp *vp, const struct double_fault *fault, uint64_t client_signals)
{
    switch (fault->kind) {
    case DOUBLE_FAULT_EINTR:
        return -EINTR;
    case DOUBLE_FAULT_MESSAGE:
        double_message_planned(vp, fault->value);
        return 0;
    default:
        return enter(vp, client_signals);
    }
}

/* The hypervisor takes the page when it lets the VP run. Whether it stays valid when it does not is
 * nowhere said. */
static int forget_page(struct double_vp *vp)
{
    pthread_mutex_lock(&vp->state_lock);
    vp->page->is_valid = 0;
    vp->explicit_suspend = true;
    pthread_mutex_unlock(&vp->state_lock);
    return -EINTR;
}

/* With the VP's state_lock from now on. */
static void begin(struct double_vp *vp)
{
    pthread_mutex_lock(&vp->partition->mutex);
    double_memory_look_again(vp->partition);
    pthread_mutex_lock(&vp->state_lock);
    vp->intercept_suspend = false;
    vp->explicit_suspend = false;
    vp->translated = false;
    double_regpage_take(vp);
    double_intercept_apply(vp);
    pthread_mutex_unlock(&vp->partition->mutex);
}

static void end(struct double_vp *vp, int r)
{
    if (r == -EINTR)
        vp->explicit_suspend = true;
    if (r == 0) {
        vp->intercept_suspend = true;
        double_regpage_fill(vp);
    }
    pthread_mutex_unlock(&vp->state_lock);
}

int double_run(struct double_vp *vp, uint64_t argument, uint64_t client_signals)
{
    struct double_fault fault = double_plan_fault(DOUBLE_AT_RUN);
    int r;

    if (fault.kind == DOUBLE_FAULT_ERRNO)
        return -(int)fault.value;
    if (fault.kind == DOUBLE_FAULT_FORGET_PAGE)
        return forget_page(vp);
    begin(vp);
    r = run(vp, &fault, client_signals);
    end(vp, r);
    if (r < 0)
        return r;
    if (fault.kind == DOUBLE_FAULT_RACE)
        race(fault.value);
    return double_sys_copy_out(argument, vp->message, sizeof *vp->message);
}
