/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks that are told one by one and are x86_64's alone. What each does is told where it is
 * exported: tests/guests/hostile.c, tests/guests/x86_64/hostile-*.c. */

#include <linux/audit.h>
#include <signal.h>
#include <sys/syscall.h>

#include "plugins/process-x86_64/control.h"
#include "plugins/shared/process/tests/attack-rows.h"
#include "tests/guests/x86_64/hostile-machine.h"

#define AC 0x40000u
#define NT 0x4000u
#define DF 0x400u
#define TF 0x100u

#define NOT_CANONICAL 0x800000000000u
#define KERNEL 0xffff800000000000u
#define X32 0x40000000u
#define USER_CS 0x33u

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
    {"report", {SIGSEGV, 128, 13, USER_CS, 0, NOT_CANONICAL}, PRIVILEGE},
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
    {"selectors", {0x23, 0, 0x23, 0}, OK},
    {"selectors", {0x10, 0, 0, 0}, PRIVILEGE},
    {"selectors", {0, 0, 0x63, 0}, PRIVILEGE}, /* the TLS segment that it has not */
    {"selectors", {0, 0, 0, 0x07}, PRIVILEGE}, /* a local descriptor table */
    {"bases", {KERNEL, KERNEL, THEN_DOORBELL}, OK},
    {"bases", {KERNEL, KERNEL, THEN_UNDEFINED}, FAULT(KIND(ILLEGAL))},
    {"bases", {KERNEL, KERNEL, THEN_SYSCALL}, OK},
    {"bases", {UINT64_MAX, UINT64_MAX, THEN_REPORT_FRAME}, PRIVILEGE},
    {"bases", {SCONCE_STUB_AT, SCONCE_STUB_AT, THEN_DOORBELL}, OK},
    {"bases", {CONTROL, CONTROL, THEN_PAGE_FAULT}, FAULT(KIND(MEMORY))},
    {"bases", {NOT_CANONICAL, 0, THEN_DOORBELL}, PRIVILEGE},
    {"bases", {0, NOT_CANONICAL, THEN_DOORBELL}, PRIVILEGE},
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

/* ---- Those that do not ---------------------------------------------------------------------- */

const struct attack attacks_hanging[] = {
    {"compat", {COMPAT_LOOP, 0}, OUTCOME_LIMIT | OUTCOME_FAULT, KIND(PRIVILEGE)},
    {"forged_altstack", {CONTROL, 4096, 0, 0, THEN_LOOP}, LIMIT_OR_SHUTDOWN},
    {"protection_keys", {2, THEN_LOOP}, LIMIT},
    {"bases", {KERNEL, KERNEL, THEN_LOOP}, LIMIT},
};
const size_t attacks_hanging_count = COUNT(attacks_hanging);
