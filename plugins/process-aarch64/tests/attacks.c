/* SPDX-License-Identifier: Apache-2.0 */
/* The attacks that are told one by one and are aarch64's alone. What each does is told where it is
 * exported: tests/guests/hostile.c, tests/guests/aarch64/hostile-*.c. */
#include <signal.h>
#include <sys/syscall.h>

#include "plugins/process-aarch64/control.h"
#include "plugins/shared/process/tests/attack-rows.h"
#include "tests/guests/aarch64/hostile-machine.h"

#define BREAKPOINT FAULT(KIND(BREAKPOINT))
#define MADE_UP FAULT(KIND(MEMORY)) /* as in attack_tables */

#define NZCV 0xf0000000u

#define BEYOND 0x1000000000000u /* 48 bits */
#define KERNEL 0xffff800008000000u
#define MIN_STACK 5120u /* asm/signal.h, MINSIGSTKSZ */

/* Numbers that Linux keeps to itself: include/linux/errno.h. */
#define ERESTARTSYS 512
#define ERESTARTNOINTR 513
#define ERESTARTNOHAND 514
#define ERESTART_RESTARTBLOCK 516

/* ---- Those that end by themselves ----------------------------------------------------------- */

const struct attack attacks_told[] = {
    /* Reports of what never was: signal, code, syndrome, PSTATE, a system call?, thread pointer. */
    {"report", {SIGSYS, 1, 0, 0, 0, 0}, OK},
    {"report", {SIGSYS, 1, 0, 0, 1, 0}, OK},
    {"report", {SIGSYS, 0, 0, 0, 0, 0}, OK},
    {"report", {SIGSYS, UINT32_MAX, 0, 0, 1, 0}, OK},
    {"report", {SIGSEGV, 0, 0x92000046, 0, 0, 0}, OK},
    {"report", {SIGSEGV, UINT32_MAX, 0x92000046, 0, 0, 0}, OK},
    {"report", {SIGUSR1, 0, 0, 0, 0, 0}, OK},
    {"report", {SIGUSR1, 1, 0x92000046, 0, 1, 0}, OK},
    {"report", {SIGSEGV, 1, 0x92000046, 0, 0, 0}, FAULT(KIND(MEMORY))},
    {"report", {SIGSEGV, 1, 0x8200000f, 0, 0, 0}, FAULT(KIND(MEMORY))},
    {"report", {SIGSEGV, 1, 0, 0, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGSEGV, 1, UINT64_MAX, 0, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGSEGV, 1, 0x56000000, 0, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGBUS, 1, 0x8a000000, 0, 0, 0}, FAULT(KIND(ALIGNMENT))},
    {"report", {SIGBUS, 1, 0, 0, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGILL, 1, 0, 0, 0, 0}, FAULT(KIND(ILLEGAL))},
    {"report", {SIGILL, 1, 0x62000000, 0, 0, 0}, FAULT(KIND(ILLEGAL))},
    {"report", {SIGILL, 1, 0x2a000000, 0, 0, 0}, FAULT(KIND(ILLEGAL))},
    {"report", {SIGILL, 1, 0x92000046, 0, 0, 0}, FAULT(KIND(ILLEGAL))},
    {"report", {SIGTRAP, 1, 0, 0, 0, 0}, BREAKPOINT},
    {"report", {SIGTRAP, 2, 0, 0, 0, 0}, FAULT(KIND(STEP))},
    {"report", {SIGTRAP, 99, 0, 0, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGFPE, 1, 0, 0, 0, 0}, FAULT(KIND(FLOAT))},
    {"report", {0, 1, 0, 0, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {UINT32_MAX, 1, 0x92000046, 0, 0, 0}, FAULT(KIND(OTHER))},
    {"report", {SIGSYS, 1, 0, NZCV, 0, 0}, OK},
    {"report", {SIGSYS, 1, 0, 1u << 21 /* SS */, 0, 0}, OK},
    {"report", {SIGSYS, 1, 0, 0x10 /* AArch32 */, 0, 0}, SHUTDOWN},
    {"report", {SIGSYS, 1, 0, 5 /* EL1h */, 0, 0}, SHUTDOWN},
    {"report", {SIGSYS, 1, 0, 0x3c0 /* DAIF */, 1, 0}, SHUTDOWN},
    {"report", {SIGUSR1, 1, 0, 0x10, 0, 0}, SHUTDOWN},
    {"report", {SIGSYS, 1, 0, 0, 0, KERNEL}, OK},
    {"report", {SIGSYS, 1, 0, 0, 1, UINT64_MAX}, OK},

    {"call_site", {SITE_REPORT, 0, SYS_sched_yield, SIGSYS, 0, 0}, OK},
    {"call_site", {SITE_REPORT, NZCV, SYS_sched_yield, SIGSYS, 0, 0}, OK},
    {"call_site", {SITE_REPORT, NZCV, SYS_sched_yield, SIGSEGV, 0, 0}, OK},
    {"call_site", {SITE_RETURN, NZCV, SYS_rt_sigreturn, 0, 0, 0}, FAULT(KIND_ANY)},
    {"call_site", {SITE_REPORT, NZCV, SYS_getpid, 0, 0, 0}, FAULT(KIND(MEMORY))},

    /* The control area. */
    {"write_word", {SCONCE_CONTROL_FRAME, BEYOND}, OK},
    {"write_word", {SCONCE_CONTROL_TPIDR, BEYOND}, OK},
    {"write_word", {SCONCE_CONTROL_TPIDR, KERNEL}, OK},

    /* Alternate stacks: refused by the kernel, tiny, elsewhere. */
    {"forged_altstack", {0, 0, 0, 0, THEN_DOORBELL}, OK},
    {"forged_altstack", {CONTROL, MIN_STACK - 1, 0, 0, THEN_DOORBELL}, OK},
    {"forged_altstack", {CONTROL, MIN_STACK, 0, 0, THEN_DOORBELL}, SHUTDOWN},
    {"forged_altstack", {CONTROL, 4096, 0, 0, THEN_UNDEFINED}, FAULT(KIND(ILLEGAL))},
    {"forged_altstack", {CONTROL, 8192, 0, 0, THEN_UNDEFINED}, SHUTDOWN},
    {"forged_altstack", {4096, KERNEL, 0, 0, THEN_DOORBELL}, OK_OR_FAULT(KIND_SHUTDOWN)},
    {"forged_altstack", {0, CONTROL_END, 0, 0, THEN_REPORT_FRAME}, MADE_UP},
    {"forged_altstack", {0x30000, 0x10000, 0, 1, THEN_REPORT_FRAME}, MADE_UP},
    {"forged_altstack", {KERNEL, 0x10000, 0, 0, THEN_DOORBELL}, SHUTDOWN},
    {"forged_altstack", {BEYOND, 0x10000, 0, 0, THEN_PAGE_FAULT}, SHUTDOWN},
    {"forged_altstack", {0, 0, DISABLE, 0, THEN_REPORT_FRAME}, MADE_UP},

    /* The guest's own calls, whatever their number; and what the kernel would make again. */
    {"own_syscall", {SYS_sigaltstack, 0}, OK},
    {"own_syscall", {SYS_getpid, (uint64_t)-ERESTARTSYS}, OK},
    {"own_syscall", {SYS_getpid, (uint64_t)-ERESTARTNOINTR}, OK},
    {"own_syscall", {SYS_getpid, (uint64_t)-ERESTARTNOHAND}, OK},
    {"own_syscall", {SYS_getpid, (uint64_t)-ERESTART_RESTARTBLOCK}, OK},
    {"own_syscall", {UINT64_MAX, (uint64_t)-ERESTARTNOINTR}, OK},
    {"doorbell_with", {SYS_sched_yield}, OK},
    {"doorbell_with", {SYS_rt_sigreturn}, OK},
    {"doorbell_with", {SYS_sigaltstack}, OK},
    {"doorbell_with", {SYS_exit_group}, OK},
    {"doorbell_with", {UINT64_MAX}, OK},
    {"stop_by", {STOP_SEMIHOSTING}, PRIVILEGE},
    {"stop_by", {STOP_HLT}, PRIVILEGE},
    {"stop_by", {STOP_HVC}, PRIVILEGE},
    {"stop_by", {STOP_SMC}, PRIVILEGE},
    {"stop_by", {STOP_DCPS}, PRIVILEGE},
    {"stop_by", {STOP_ERET}, PRIVILEGE},
    {"stop_by", {STOP_BRK}, BREAKPOINT},
    {"stop_by", {STOP_BRK_UPROBE}, BREAKPOINT},
    {"stop_by", {STOP_BRK_KPROBE}, BREAKPOINT},

    {"thread_pointer", {KERNEL, THEN_DOORBELL}, OK},
    {"thread_pointer", {UINT64_MAX, THEN_SYSCALL}, OK},
    {"thread_pointer", {BEYOND, THEN_UNDEFINED}, FAULT(KIND(ILLEGAL))},
    {"thread_pointer", {SCONCE_STUB_AT, THEN_REPORT_FRAME}, MADE_UP},
    {"thread_pointer", {CONTROL, THEN_PAGE_FAULT}, FAULT(KIND(MEMORY))},
    {"larger_vectors", {THEN_DOORBELL}, OK_OR_FAULT(KIND(ILLEGAL))},
    {"larger_vectors", {THEN_UNDEFINED}, FAULT(KIND(ILLEGAL))},
    {"larger_array", {THEN_DOORBELL}, OK_OR_FAULT(KIND(ILLEGAL) | KIND_SHUTDOWN)},
};
const size_t attacks_told_count = COUNT(attacks_told);

const struct attack *attacks_of_machine(size_t *ret_count)
{
    *ret_count = 0;
    return NULL;
}

bool attack_is_stubs_call(const char *line)
{
    (void)line; /* what every stub calls is all */
    return false;
}

/* ---- Those that do not ---------------------------------------------------------------------- */

const struct attack attacks_hanging[] = {
    {"forged_altstack", {CONTROL, 8192, 0, 0, THEN_LOOP}, LIMIT_OR_SHUTDOWN},
    {"thread_pointer", {KERNEL, THEN_LOOP}, LIMIT},
};
const size_t attacks_hanging_count = COUNT(attacks_hanging);
