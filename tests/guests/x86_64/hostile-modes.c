/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Attacks by the processor's own oddities: 32-bit code, old ways to the kernel, stacks, segments,
 * bases, protection keys, single steps. flags.c, stack.c, faults.c and privileged.c have those that
 * every backend must bear; here are those that aim at the stub. See hostile.c for what holds for
 * all of them.
 */
#include <cpuid.h>
#include <stdio.h>

#include <sconce/guest.h>

#include "hostile-machine.h"
#include "plugins/process-x86_64/control.h"
#include "tests/guests/hostile.h"

#define USER32_CS "0x23" /* arch/x86/include/asm/segment.h */
#define USER_CS "0x33"

/* Code for a 32-bit segment. EAX is the caller's, ECX where it goes on. */
__asm__(".pushsection .text\n"
        ".code32\n"
        "compat_0: int $0x80\n\tud2\n"
        "compat_1: syscall\n\tud2\n"
        "compat_2: sysenter\n\tud2\n"
        "compat_3: ud2\n"
        "compat_4: movb $3, %al\n\toutb %al, $0x5c\n\tud2\n"
        "compat_5: jmp compat_5\n"
        "compat_6: pushl $" USER_CS "\n\tpushl %ecx\n\tlret\n"
        ".code64\n"
        ".popsection");

/*
 * Goes to 32-bit code, with @number in EAX, and there does what COMPAT_ says: COMPAT_LOOP is LIMIT
 * (deadline), COMPAT_BACK returns and succeeds, the others are GUEST_FAULT PRIVILEGE. All are
 * PRIVILEGE where the kernel has no 32-bit segment.
 */
SCONCE_EXPORT(void, compat, (uint32_t what, uint32_t number))
{
    extern const char compat_0[], compat_1[], compat_2[], compat_3[], compat_4[], compat_5[],
        compat_6[];
    const char *const code[COMPATS] = {compat_0, compat_1, compat_2, compat_3,
                                       compat_4, compat_5, compat_6};

    HOSTILE_BEGIN();
    if (what >= COMPATS)
        return;
    /* All of the guest lies below 4 GiB: no half of a register is missed. */
    __asm__ volatile("leaq 1f(%%rip), %%rcx\n\tpushq $" USER32_CS "\n\tpushq %[to]\n\tlretq\n1:"
                     :
                     : [to] "r"(code[what]), "a"(number)
                     : "memory", "cc", "rcx");
}

/* INT 0x80 from 64-bit code: GUEST_FAULT PRIVILEGE. */
SCONCE_EXPORT(void, int80, (uint32_t number))
{
    HOSTILE_BEGIN();
    __asm__ volatile("int $0x80" : : "a"(number), "b"(0l) : "memory");
}

/* Any system call from the guest's own code, x32's (0x40000000) among them: -38. */
SCONCE_EXPORT(int64_t, own_syscall, (uint64_t number))
{
    int64_t result = 0;

    HOSTILE_BEGIN(0);
    __asm__ volatile("syscall"
                     : "=a"(result)
                     : "a"(number), "D"(0l), "S"(0l), "d"(0l)
                     : "memory", "rcx", "r11");
    return result;
}

/* The kernel's old entry points for gettimeofday, time and getcpu (@entry 0, 1, 2), and what is
 * behind them: GUEST_FAULT MEMORY, execute. */
SCONCE_EXPORT(void, vsyscall, (uint32_t entry))
{
    HOSTILE_BEGIN();
    __asm__ volatile("call *%[at]"
                     :
                     : [at] "r"(0xffffffffff600000 + 1024ul * entry), "D"(0l), "S"(0l), "d"(0l)
                     : "memory", "rax", "rcx", "r11");
}

static uint64_t kept_sp __attribute__((used));

#define WITH_SP(instructions)                                                                      \
    __asm__ volatile("movq %%rsp, kept_sp(%%rip)\n\tmovq %[sp], %%rsp\n\t" instructions            \
                     "\n\tmovq kept_sp(%%rip), %%rsp"                                              \
                     :                                                                             \
                     : [sp] "r"(sp), [site] "r"(site), "a"(rax), "D"(11l), "S"(frame)              \
                     : "memory", "cc", "rcx", "r11")

/*
 * With a stack pointer in the stub, the control area or nowhere, does what THEN_ says. @of_frame:
 * @sp counts from the true frame. A stack pointer inside of the alternate stack makes the kernel
 * write its frame below that: then all but THEN_LOOP, LIMIT (deadline), shut down; else as
 * forged() with FIELD_NONE.
 */
SCONCE_EXPORT(void, with_sp, (uint64_t sp, bool of_frame, uint32_t then))
{
    uint64_t site, frame,
        rax = then == THEN_DOORBELL  ? SCONCE_DOORBELL_PRINT
              : then == THEN_SYSCALL ? 39
                                     : 24;

    HOSTILE_BEGIN();
    site = hostile_site(SITE_REPORT);
    frame = then == THEN_REPORT ? SCONCE_CONTROL_AT : hostile_frame();
    sp += of_frame ? hostile_frame() : 0;
    if (then == THEN_REPORT || then == THEN_REPORT_FRAME)
        hostile_forget();
    switch (then) {
    case THEN_DOORBELL:
        WITH_SP("outb %%al, $0x5c");
        break;
    case THEN_LOOP:
        WITH_SP("1: jmp 1b");
        break;
    case THEN_UNDEFINED:
        WITH_SP("ud2");
        break;
    case THEN_PAGE_FAULT:
        WITH_SP("movb $1, 0");
        break;
    case THEN_SYSCALL:
        WITH_SP("syscall");
        break;
    case THEN_BREAKPOINT:
        WITH_SP("int3");
        break;
    default:
        WITH_SP("jmp *%[site]");
        break;
    }
}

/* Loads DS, ES, FS and GS, and prints: succeeds, with what they hold then, 16 bits each; PRIVILEGE
 * for a selector that programs may not load. */
SCONCE_EXPORT(uint64_t, selectors, (uint32_t ds, uint32_t es, uint32_t fs, uint32_t gs))
{
    uint64_t seen[4];

    HOSTILE_BEGIN(0);
    __asm__ volatile("movl %0, %%ds\n\tmovl %1, %%es\n\tmovl %2, %%fs\n\tmovl %3, %%gs"
                     :
                     : "r"(ds), "r"(es), "r"(fs), "r"(gs));
    printf(".\n");
    __asm__ volatile("movl %%ds, %k0\n\tmovl %%es, %k1\n\tmovl %%fs, %k2\n\tmovl %%gs, %k3"
                     : "=r"(seen[0]), "=r"(seen[1]), "=r"(seen[2]), "=r"(seen[3]));
    return seen[0] | seen[1] << 16 | seen[2] << 32 | seen[3] << 48;
}

/* Sets the bases of FS and GS, does what THEN_ says, and succeeds with 1 when they are still what
 * they were set to. PRIVILEGE for one that is not canonical; ILLEGAL where the kernel lets no
 * program set them. */
SCONCE_EXPORT(uint32_t, bases, (uint64_t fs, uint64_t gs, uint32_t then))
{
    uint64_t seen_fs, seen_gs;

    HOSTILE_BEGIN(0);
    __asm__ volatile("wrfsbase %0\n\twrgsbase %1" : : "r"(fs), "r"(gs));
    hostile_then(then);
    __asm__ volatile("rdfsbase %0\n\trdgsbase %1" : "=r"(seen_fs), "=r"(seen_gs));
    return seen_fs == fs && seen_gs == gs;
}

/* Takes itself the right to memory by its protection key, then does what THEN_ says: that, or
 * MEMORY, or it shuts down, where the kernel cannot write the frame. Without protection keys just
 * that. */
SCONCE_EXPORT(void, protection_keys, (uint32_t pkru, uint32_t then))
{
    unsigned a, b, c, d;
    bool has_keys = __get_cpuid_count(7, 0, &a, &b, &c, &d) && (c & bit_OSPKE);

    HOSTILE_BEGIN();
    if (has_keys && then == THEN_LOOP) /* without a call, which would write to the stack */
        __asm__ volatile("wrpkru\n1: jmp 1b" : : "a"(pkru), "c"(0), "d"(0) : "memory");
    else if (has_keys)
        __asm__ volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
    hostile_then(then);
}

/* Uses a tile (AMX), whose state would make signal frames larger: GUEST_FAULT ILLEGAL, as the
 * kernel gives tiles to those alone who ask; where the guest's host has asked, it shuts down. */
SCONCE_EXPORT(void, tiles, (void))
{
    /* SDM vol 1 18.2: palette 1, 64 bytes and 16 rows of tile 0. */
    static const unsigned char configuration[64] = {[0] = 1, [16] = 64, [48] = 16};

    HOSTILE_BEGIN();
    __asm__ volatile(".byte 0xc4, 0xe2, 0x78, 0x49, 0x00\n\t" /* ldtilecfg (%%rax) */
                     ".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0"     /* tilezero %%tmm0 */
                     :
                     : "a"(configuration)
                     : "memory");
    hostile_then(THEN_DOORBELL);
}

/* Single-steps into the stub, at @offset: GUEST_FAULT STEP there. */
SCONCE_EXPORT(void, step_into, (uint32_t offset))
{
    HOSTILE_BEGIN();
    __asm__ volatile("pushq $0x102\n\tpopfq\n\tjmp *%0"
                     :
                     : "r"(SCONCE_STUB_AT + (uint64_t)offset)
                     : "memory", "cc");
}
