/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions and ports that belong to kernels. Every export is GUEST_FAULT: PRIVILEGE, or ILLEGAL
 * where the mechanism has it so, unless its comment says otherwise.
 */
#include <sconce/guest.h>

#define PRIVILEGED(name, instructions)                                                             \
    SCONCE_EXPORT(void, name, (void))                                                              \
    {                                                                                              \
        __asm__ volatile(instructions : : "a"(0l), "b"(0l), "c"(0l), "d"(0l) : "memory", "cc");    \
    }                                                                                              \
    _Static_assert(1, "")

PRIVILEGED(cli, "cli");
PRIVILEGED(sti, "sti");
PRIVILEGED(hlt, "hlt");
PRIVILEGED(clts, "clts");
PRIVILEGED(invd, "invd");
PRIVILEGED(wbinvd, "wbinvd");
PRIVILEGED(swapgs, "swapgs");
PRIVILEGED(sysret, "sysretq");
PRIVILEGED(sysexit, "sysexitq");
PRIVILEGED(rsm, "rsm");

/* Control, debug and model-specific registers. */
PRIVILEGED(read_cr0, "movq %%cr0, %%rax");
PRIVILEGED(write_cr0, "movq %%rax, %%cr0");
PRIVILEGED(read_cr3, "movq %%cr3, %%rax");
PRIVILEGED(write_cr3, "movq %%rax, %%cr3");
PRIVILEGED(write_cr4, "movq %%rax, %%cr4");
PRIVILEGED(write_cr8, "movq %%rax, %%cr8");
PRIVILEGED(read_dr7, "movq %%dr7, %%rax");
PRIVILEGED(write_dr7, "movq %%rax, %%dr7");
PRIVILEGED(lmsw, "lmsw %%ax");
PRIVILEGED(rdpmc, "movl $0x7fffffff, %%ecx\n\trdpmc");
PRIVILEGED(xsetbv, "xsetbv");

/* EFER (0xc0000080), LSTAR (0xc0000082), the APIC base (0x1b). */
PRIVILEGED(rdmsr_efer, "movl $0xc0000080, %%ecx\n\trdmsr");
PRIVILEGED(wrmsr_efer, "movl $0xc0000080, %%ecx\n\twrmsr");
PRIVILEGED(wrmsr_lstar, "movl $0xc0000082, %%ecx\n\twrmsr");
PRIVILEGED(wrmsr_apic_base, "movl $0x1b, %%ecx\n\twrmsr");

/* Descriptor tables and address translation. */
static struct {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed)) descriptor = {0xffff, 0};

PRIVILEGED(invlpg, "invlpg (%%rsp)");
PRIVILEGED(ltr, "ltr %%ax");
PRIVILEGED(lldt, "lldt %%ax");

SCONCE_EXPORT(void, lgdt, (void))
{
    __asm__ volatile("lgdt %0" : : "m"(descriptor));
}

SCONCE_EXPORT(void, lidt, (void))
{
    __asm__ volatile("lidt %0" : : "m"(descriptor));
}

/* Returning into ring 0 by hand: selector 8 is what most kernels have their code at. */
PRIVILEGED(iret_to_ring_0, "movq %%rsp, %%rax\n\tpushq $0x10\n\tpushq %%rax\n\tpushq $2\n\t"
                           "pushq $8\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tiretq\n1:");
/* A nested task to return from, which 64-bit mode does not have. */
PRIVILEGED(iret_with_nt, "pushfq\n\torq $0x4000, (%%rsp)\n\tpopfq\n\tiretq");
PRIVILEGED(far_return_to_ring_0, "pushq $8\n\tleaq 1f(%%rip), %%rax\n\tpushq %%rax\n\tlretq\n1:");
PRIVILEGED(load_kernel_ss, "movl $0x10, %%eax\n\tmovl %%eax, %%ss");
PRIVILEGED(load_bad_ds, "movl $0xfff8, %%eax\n\tmovl %%eax, %%ds");

/* Hypercalls: a fault, or they do nothing and the call succeeds. Never an effect. */
PRIVILEGED(vmcall, "vmcall");
PRIVILEGED(vmmcall, "vmmcall");

/* Instructions of a hypervisor. */
PRIVILEGED(vmxoff, "vmxoff");
PRIVILEGED(vmlaunch, "vmlaunch");
PRIVILEGED(vmrun, "vmrun");
PRIVILEGED(vmload, "vmload");
PRIVILEGED(clgi, "clgi");
PRIVILEGED(stgi, "stgi");
PRIVILEGED(skinit, "skinit");

/* Waiting. */
PRIVILEGED(monitor, "movq %%rsp, %%rax\n\tmonitor");
PRIVILEGED(mwait, "mwait");

/* SMAP's switches. */
PRIVILEGED(clac, "clac");
PRIVILEGED(stac, "stac");

/* Succeeds: without privilege POPF leaves IOPL (bits 12 and 13) and IF alone. The flags seen, where
 * those bits are what they were. */
SCONCE_EXPORT(uint64_t, popf_iopl, (void))
{
    uint64_t before, after;

    __asm__ volatile("pushfq\n\tpopq %0\n\tmovq %0, %1\n\txorq $0x3200, %1\n\tpushq %1\n\tpopfq\n\t"
                     "pushfq\n\tpopq %1"
                     : "=&r"(before), "=&r"(after)
                     :
                     : "memory", "cc");
    return (before ^ after) & 0x3200;
}

/* Succeeds, or a fault where user-mode instruction prevention is on: where the descriptor tables
 * are. Text for people. */
SCONCE_EXPORT(sconce_str, tables, (void))
{
    uint16_t task, machine_status;

    __asm__ volatile("sgdt %0" : "=m"(descriptor));
    __asm__ volatile("str %0" : "=r"(task));
    __asm__ volatile("smsw %0" : "=r"(machine_status));
    return sconce_format("gdt 0x%llx limit 0x%x tr 0x%x msw 0x%x",
                         (unsigned long long)descriptor.base, descriptor.limit, task,
                         machine_status);
}

/* ---- Ports ----------------------------------------------------------------------------------- */

/*
 * PRIVILEGE for every port but the doorbell's (0x5c), and for every access that goes beyond it: 16
 * and 32 bits wide, or at 0x59 to 0x5b and 32 wide. What is left at 0x5c itself (reading it, a
 * string of bytes) is a fault or GUEST_PROTOCOL.
 */
SCONCE_EXPORT(uint32_t, in_8, (uint32_t port))
{
    uint8_t value;

    __asm__ volatile("inb %%dx, %0" : "=a"(value) : "d"(port));
    return value;
}

SCONCE_EXPORT(uint32_t, in_16, (uint32_t port))
{
    uint16_t value;

    __asm__ volatile("inw %%dx, %0" : "=a"(value) : "d"(port));
    return value;
}

SCONCE_EXPORT(uint32_t, in_32, (uint32_t port))
{
    uint32_t value;

    __asm__ volatile("inl %%dx, %0" : "=a"(value) : "d"(port));
    return value;
}

SCONCE_EXPORT(void, out_8, (uint32_t port, uint32_t value))
{
    __asm__ volatile("outb %%al, %%dx" : : "a"(value), "d"(port));
}

SCONCE_EXPORT(void, out_16, (uint32_t port, uint32_t value))
{
    __asm__ volatile("outw %%ax, %%dx" : : "a"(value), "d"(port));
}

SCONCE_EXPORT(void, out_32, (uint32_t port, uint32_t value))
{
    __asm__ volatile("outl %%eax, %%dx" : : "a"(value), "d"(port));
}

SCONCE_EXPORT(void, outs_8, (uint32_t port, uint64_t count))
{
    static const char bytes[64] = {9, 9, 9};

    __asm__ volatile("rep outsb" : : "S"(bytes), "c"(count), "d"(port) : "memory");
}

SCONCE_EXPORT(void, ins_8, (uint32_t port, uint64_t count))
{
    static char bytes[64];

    __asm__ volatile("rep insb" : : "D"(bytes), "c"(count), "d"(port) : "memory");
}
