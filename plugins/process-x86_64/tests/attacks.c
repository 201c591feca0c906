/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks that are told one by one and are x86_64's alone. What each does is told where it is
 * exported: tests/guests/hostile.c, tests/guests/x86_64/hostile-*.c. */

#include <asm/prctl.h>
#include <linux/audit.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "plugins/process-x86_64/control.h"
#include "plugins/shared/process/tests/attack-rows.h"
#include "tests/fsgsbase.h"
#include "tests/guests/x86_64/hostile-machine.h"

#define AC 0x40000u
#define NT 0x4000u
#define DF 0x400u
#define TF 0x100u

#define NOT_CANONICAL 0x800000000000u
#define KERNEL 0xffff800000000000u
#define X32 0x40000000u
#define USER_CS 0x33u

#define FS_BASE_AT (CONTROL + SCONCE_CONTROL_FS_BASE)
#define GS_BASE_AT (CONTROL + SCONCE_CONTROL_GS_BASE)
/* Where it is let through the stub goes on, and returns into its last frame. */
#define ARCH_PRCTL(option, argument, ...)                                                          \
    {                                                                                              \
        "call_site", {SITE_ALTSTACK, 0, SYS_arch_prctl, option, argument, 0}, __VA_ARGS__          \
    }

/* ---- Those that end by themselves ----------------------------------------------------------- */

const struct attack attacks_told[] = {
    /* Reports of what never was. */
    {"report", {SIGSEGV, 128, 13, USER_CS, 0, 0}, OK},
    {"report", {SIGILL, 2, 6, USER_CS, 0, 0}, FAULT(KIND(ILLEGAL))},
    {"report", {SIGSEGV, 128, 6, USER_CS, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGILL, 2, 13, USER_CS, 0, 0}, FAULT(KIND(ILLEGAL))},
    {"report", {SIGSEGV, 128, 255, USER_CS, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGSEGV, 128, UINT64_MAX, USER_CS, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGSEGV, 0, 13, USER_CS, 0, 0}, OK},
    {"report", {SIGSEGV, UINT32_MAX, 13, USER_CS, 0, 0}, OK},
    {"report", {SIGUSR1, 0, 13, USER_CS, 0, 0}, OK},
    {"report", {SIGUSR1, 128, 13, USER_CS, 0, 0}, OK},
    {"report", {SIGSYS, 1, 0, USER_CS, AUDIT_ARCH_X86_64, 0}, OK},
    {"report", {SIGSYS, 1, 0, USER_CS, AUDIT_ARCH_I386, 0}, PRIVILEGE},
    {"report", {SIGSYS, 1, 0, 0x23, AUDIT_ARCH_X86_64, 0}, PRIVILEGE},
    {"report", {0, 128, 13, USER_CS, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {UINT32_MAX, 128, 13, USER_CS, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGSEGV, 128, 13, 0x10, 0, 0}, PRIVILEGE},
    {"report", {SIGSEGV, 128, 13, USER_CS, 0, KERNEL}, OK},
    {"report", {SIGUSR1, 0, 13, 0x10, 0, 0}, OK_OR_FAULT(KIND(PRIVILEGE))},

    /* At the report with flags that bite. */
    {"call_site", {SITE_REPORT, AC, SYS_sched_yield, SIGSEGV, 0, 0}, OK},
    {"call_site", {SITE_REPORT, NT, SYS_sched_yield, SIGSEGV, 0, 0}, OK},
    {"call_site", {SITE_REPORT, DF, SYS_sched_yield, SIGSEGV, 0, 0}, OK},
    {"call_site", {SITE_REPORT, AC | NT | DF, SYS_sched_yield, SIGSEGV, 0, 0}, OK},
    {"call_site", {SITE_REPORT, TF, SYS_sched_yield, SIGSEGV, 0, 0}, FAULT(KIND(STEP))},
    {"call_site", {SITE_RETURN, AC | NT | DF, SYS_rt_sigreturn, 0, 0, 0}, FAULT(KIND_ANY)},
    {"call_site", {SITE_REPORT, AC | NT | DF, SYS_getpid, 0, 0, 0}, FAULT(KIND(MEMORY))},
    {"step_into", {0}, FAULT(KIND(STEP))},
    {"step_into", {0x30}, FAULT(KIND(STEP))},
    {"step_into", {SCONCE_STUB_PAGE - 1}, FAULT(KIND(STEP) | KIND(BREAKPOINT))},

    /* The control area. */
    {"write_word", {SCONCE_CONTROL_FRAME, NOT_CANONICAL}, OK},
    {"write_word", {SCONCE_CONTROL_FS_BASE, NOT_CANONICAL}, OK},
    {"write_word", {SCONCE_CONTROL_GS_BASE, KERNEL}, OK},

    /* arch_prctl(2) that no stub makes: another address, another option, the kernel's own memory.
     */
    ARCH_PRCTL(ARCH_GET_FS, CONTROL, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_GET_FS, GS_BASE_AT, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_GET_GS, FS_BASE_AT, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_GET_GS, GS_BASE_AT + 1, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_GET_GS, KERNEL, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_GET_GS | 1ull << 32, GS_BASE_AT, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_SET_FS | 1ull << 32, 0, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(0x1012 /* ARCH_CPUID_SET */, 0, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(0x1023 /* ARCH_REQ_XCOMP_PERM */, 18, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(0x2003 /* ARCH_MAP_VDSO_64 */, 0x30000000, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(0x5001 /* ARCH_SHSTK_ENABLE */, 1, FAULT(KIND(MEMORY))),

    /* Alternate stacks: refused by the kernel, tiny, elsewhere. */
    {"forged_altstack", {0, 0, 0, 0, THEN_DOORBELL}, OK_OR_FAULT(KIND_SHUTDOWN)},
    {"forged_altstack", {CONTROL, 2047, 0, 0, THEN_DOORBELL}, OK},
    {"forged_altstack", {CONTROL, 2048, 0, 0, THEN_DOORBELL}, OK_OR_FAULT(KIND_SHUTDOWN)},
    {"forged_altstack",
     {CONTROL, 4096, 0, 0, THEN_UNDEFINED},
     FAULT(KIND(ILLEGAL) | KIND_SHUTDOWN)},
    {"forged_altstack", {4096, KERNEL, 0, 0, THEN_DOORBELL}, OK_OR_FAULT(KIND_SHUTDOWN)},
    {"forged_altstack", {0, CONTROL_END, 0, 0, THEN_REPORT_FRAME}, PRIVILEGE},
    {"forged_altstack", {0x30000, 0x10000, 0, 1, THEN_REPORT_FRAME}, PRIVILEGE},
    {"forged_altstack", {KERNEL, 0x10000, 0, 0, THEN_DOORBELL}, SHUTDOWN},
    {"forged_altstack", {NOT_CANONICAL, 0x10000, 0, 0, THEN_PAGE_FAULT}, SHUTDOWN},
    {"forged_altstack", {0, 0, DISABLE, 0, THEN_REPORT_FRAME}, PRIVILEGE},

    /* Old and other ways into the kernel. */
    {"int80", {20}, PRIVILEGE},
    {"int80", {1}, PRIVILEGE},
    {"int80", {UINT32_MAX}, PRIVILEGE},
    {"own_syscall", {X32 | SYS_getpid}, OK},
    {"own_syscall", {X32 | 513}, OK},
    {"vsyscall", {0}, FAULT(KIND(MEMORY))},
    {"vsyscall", {1}, FAULT(KIND(MEMORY))},
    {"vsyscall", {2}, FAULT(KIND(MEMORY))},
    {"vsyscall", {3}, FAULT(KIND(MEMORY) | KIND(PRIVILEGE))},
    {"compat", {COMPAT_INT80, 20}, PRIVILEGE},
    {"compat", {COMPAT_INT80, 1}, PRIVILEGE},
    {"compat", {COMPAT_INT80, 173}, PRIVILEGE}, /* its rt_sigreturn */
    {"compat", {COMPAT_INT80, 119}, PRIVILEGE}, /* its sigreturn */
    {"compat", {COMPAT_SYSCALL, 20}, PRIVILEGE},
    {"compat", {COMPAT_SYSCALL, 158}, PRIVILEGE}, /* its sched_yield */
    {"compat", {COMPAT_SYSENTER, 20}, PRIVILEGE},
    {"compat", {COMPAT_UD2, 0}, PRIVILEGE},
    {"compat", {COMPAT_DOORBELL, 0}, PRIVILEGE},
    {"compat", {COMPAT_BACK, 0}, OK_OR_FAULT(KIND(PRIVILEGE))},

    /* Segments, bases, protection keys. */
    {"selectors", {0x2b, 0x2b, 0x2b, 0x2b}, OK},
    {"selectors", {0, 0, 0, 0}, OK},
    {"selectors", {3, 3, 3, 3}, OK},
    {"selectors", {0x33, 0x33, 0x33, 0x33}, OK},
    {"selectors", {0x23, 0, 0x23, 0}, OK_OR_FAULT(KIND(PRIVILEGE))}, /* where it is a segment */
    {"selectors", {0x10, 0, 0, 0}, PRIVILEGE},
    {"selectors", {0, 0, 0x63, 0}, PRIVILEGE}, /* the TLS segment that it has not */
    {"selectors", {0, 0, 0, 0x07}, PRIVILEGE}, /* a local descriptor table */
    {"protection_keys", {UINT32_MAX, THEN_DOORBELL}, OK_OR_FAULT(KIND(MEMORY) | KIND_SHUTDOWN)},
    {"protection_keys", {2, THEN_UNDEFINED}, FAULT(KIND(ILLEGAL) | KIND(MEMORY) | KIND_SHUTDOWN)},
    {"protection_keys", {3, THEN_SYSCALL}, OK_OR_FAULT(KIND(MEMORY) | KIND_SHUTDOWN)},
    /* Where there are none, what it makes up is told. */
    {"protection_keys",
     {1, THEN_REPORT_FRAME},
     OK_OR_FAULT(KIND(PRIVILEGE) | KIND(MEMORY) | KIND_SHUTDOWN)},
    {"protection_keys", {0x55555554, THEN_DOORBELL}, OK},
    {"tiles", {0}, FAULT(KIND(ILLEGAL) | KIND_SHUTDOWN)},
};
const size_t attacks_told_count = COUNT(attacks_told);

/* ---- Those that depend on the kernel -------------------------------------------------------- */

static const struct attack with_fsgsbase[] = {
    {"report", {SIGSEGV, 128, 13, USER_CS, 0, NOT_CANONICAL}, PRIVILEGE},
    ARCH_PRCTL(ARCH_GET_FS, FS_BASE_AT, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_GET_GS, GS_BASE_AT, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_SET_FS, 0, FAULT(KIND(MEMORY))),
    ARCH_PRCTL(ARCH_SET_GS, KERNEL, FAULT(KIND(MEMORY))),
    {"bases", {KERNEL, KERNEL, THEN_DOORBELL}, OK},
    {"bases", {KERNEL, KERNEL, THEN_UNDEFINED}, FAULT(KIND(ILLEGAL))},
    {"bases", {KERNEL, KERNEL, THEN_SYSCALL}, OK},
    {"bases", {UINT64_MAX, UINT64_MAX, THEN_REPORT_FRAME}, PRIVILEGE},
    {"bases", {SCONCE_STUB_AT, SCONCE_STUB_AT, THEN_DOORBELL}, OK},
    {"bases", {CONTROL, CONTROL, THEN_PAGE_FAULT}, FAULT(KIND(MEMORY))},
    {"bases", {NOT_CANONICAL, 0, THEN_DOORBELL}, PRIVILEGE},
    {"bases", {0, NOT_CANONICAL, THEN_DOORBELL}, PRIVILEGE},
};

/* The guest's own instructions may be undefined. The kernel refuses what the stub hands on, and the
 * stub does not mind. */
static const struct attack without_fsgsbase[] = {
    {"report", {SIGSEGV, 128, 13, USER_CS, 0, NOT_CANONICAL}, OK},
    ARCH_PRCTL(ARCH_GET_FS, FS_BASE_AT, OK),
    ARCH_PRCTL(ARCH_GET_GS, GS_BASE_AT, OK),
    ARCH_PRCTL(ARCH_SET_FS, 0, OK),
    ARCH_PRCTL(ARCH_SET_FS, SCONCE_STUB_AT, OK),
    ARCH_PRCTL(ARCH_SET_FS, NOT_CANONICAL, OK),
    ARCH_PRCTL(ARCH_SET_GS, KERNEL, OK),
    ARCH_PRCTL(ARCH_SET_GS, UINT64_MAX, OK),
    {"bases", {KERNEL, KERNEL, THEN_DOORBELL}, OK_OR_FAULT(KIND(ILLEGAL))},
    {"bases", {KERNEL, KERNEL, THEN_UNDEFINED}, FAULT(KIND(ILLEGAL))},
    {"bases", {KERNEL, KERNEL, THEN_SYSCALL}, OK_OR_FAULT(KIND(ILLEGAL))},
    {"bases", {UINT64_MAX, UINT64_MAX, THEN_REPORT_FRAME}, FAULT(KIND(PRIVILEGE) | KIND(ILLEGAL))},
    {"bases", {SCONCE_STUB_AT, SCONCE_STUB_AT, THEN_DOORBELL}, OK_OR_FAULT(KIND(ILLEGAL))},
    {"bases", {CONTROL, CONTROL, THEN_PAGE_FAULT}, FAULT(KIND(MEMORY) | KIND(ILLEGAL))},
    {"bases", {NOT_CANONICAL, 0, THEN_DOORBELL}, FAULT(KIND(PRIVILEGE) | KIND(ILLEGAL))},
    {"bases", {0, NOT_CANONICAL, THEN_DOORBELL}, FAULT(KIND(PRIVILEGE) | KIND(ILLEGAL))},
};

const struct attack *attacks_of_machine(size_t *ret_count)
{
    *ret_count = kernel_has_fsgsbase() ? COUNT(with_fsgsbase) : COUNT(without_fsgsbase);
    return kernel_has_fsgsbase() ? with_fsgsbase : without_fsgsbase;
}

/* What strace tells of the stub's arch_prctl(2): bases go to their places alone. */
bool attack_is_stubs_call(const char *line)
{
    static const char *const calls[] = {"arch_prctl(0x1003, 0xfff810040)",
                                        "arch_prctl(0x1004, 0xfff810048)", "arch_prctl(0x1002, ",
                                        "arch_prctl(0x1001, "};

    _Static_assert(FS_BASE_AT == 0xfff810040 && GS_BASE_AT == 0xfff810048, "as strace has them");
    for (size_t i = 0; i < COUNT(calls) && !kernel_has_fsgsbase(); i++)
        if (strncmp(line, calls[i], strlen(calls[i])) == 0)
            return true;
    return false;
}

/* ---- Those that do not ---------------------------------------------------------------------- */

const struct attack attacks_hanging[] = {
    {"compat", {COMPAT_LOOP, 0}, OUTCOME_LIMIT | OUTCOME_FAULT, KIND(PRIVILEGE)},
    {"forged_altstack", {CONTROL, 4096, 0, 0, THEN_LOOP}, LIMIT_OR_SHUTDOWN},
    {"protection_keys", {2, THEN_LOOP}, LIMIT},
    {"bases", {KERNEL, KERNEL, THEN_LOOP}, OUTCOME_LIMIT | OUTCOME_FAULT, KIND(ILLEGAL)},
};
const size_t attacks_hanging_count = COUNT(attacks_hanging);
