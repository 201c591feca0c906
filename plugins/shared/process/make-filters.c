/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes the stub's seccomp filters, as assembly: run when Sconce is built, on the machine that
 * builds it. What a child may ask the kernel for is decided here and nowhere else.
 *
 *     make-filters ARCH [prctl]        ARCH as libseccomp calls it: x86_64, aarch64
 *
 * Two filters stand upon one another; the kernel takes the stricter answer. The first makes
 * notifications of the stub's system call and goes in while the child still builds itself. The
 * other closes it: system calls come from the stub's page alone, and are of three kinds; of four
 * with "prctl", for the page of x86_64 that comes by the bases of FS and GS through the kernel.
 */
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/filter.h>
#include <linux/seccomp.h>

#include <seccomp.h>

#include "plugins/shared/process/layout.h"
#include "plugins/shared/process/stub-head.h"

#define INSTRUCTION_POINTER offsetof(struct seccomp_data, instruction_pointer) /* little-endian */

/* asm/prctl.h of x86_64, which is not that of the machine that builds. */
#define ARCH_SET_GS_ 0x1001
#define ARCH_SET_FS_ 0x1002
#define ARCH_GET_FS_ 0x1003
#define ARCH_GET_GS_ 0x1004

#define NUMBER_OF_(name) SCMP_SYS(name)
#define NUMBER_OF(name) NUMBER_OF_(name)

static void die(const char *what, int error)
{
    fprintf(stderr, "make-filters: %s: %s\n", what, strerror(error < 0 ? -error : error));
    exit(EXIT_FAILURE);
}

static void must(int result, const char *what)
{
    if (result < 0)
        die(what, result);
}

/* An empty filter for one architecture; other ones' system calls get @others. */
static scmp_filter_ctx begin(uint32_t arch, uint32_t rest, uint32_t others)
{
    scmp_filter_ctx filter = seccomp_init(rest);

    if (!filter)
        die("seccomp_init", ENOMEM);
    must(seccomp_arch_remove(filter, SCMP_ARCH_NATIVE), "seccomp_arch_remove");
    must(seccomp_arch_add(filter, arch), "seccomp_arch_add");
    must(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, others), "seccomp_attr_set");
    return filter;
}

/* One labelled table, and in front of it the struct sock_fprog that tells the kernel of it: at the
 * place that it has in the child. */
static void print_program(const char *name, const struct sock_filter *code, size_t count)
{
    printf("    .balign 8\nfilter_%s:\n    .short %zu, 0, 0, 0\n", name, count);
    printf("    .quad %#llx + (. + 8 - raw_stub)\n", (unsigned long long)SCONCE_STUB_AT);
    for (size_t i = 0; i < count; i++)
        printf("    .short %#x\n    .byte %u, %u\n    .long %#x\n", code[i].code, code[i].jt,
               code[i].jf, code[i].k);
}

/*
 * A system call instruction that is not the stub's is the guest's, and traps: for fidelity, since
 * it then becomes an exit, and because nothing of the guest's should reach a system call's entry
 * code. libseccomp has no word for the instruction pointer, so this goes in front of what it wrote:
 * whatever comes from the stub's page falls through.
 */
static const struct sock_filter from_stub_alone[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, INSTRUCTION_POINTER + 4),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(SCONCE_STUB_AT >> 32), 0, 3),
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, INSTRUCTION_POINTER),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)SCONCE_STUB_AT, 0, 1),
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, (uint32_t)SCONCE_STUB_AT + SCONCE_STUB_PAGE, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
};

/* @head: instructions in front of the filter's own. */
static void print_filter(const char *name, scmp_filter_ctx filter, const struct sock_filter *head,
                         size_t head_count)
{
    struct sock_filter code[512];
    int fd = memfd_create(name, MFD_CLOEXEC);
    ssize_t bytes;

    if (fd < 0)
        die("memfd_create", errno);
    must(seccomp_export_bpf(filter, fd), "seccomp_export_bpf");
    if (head_count)
        memcpy(code, head, head_count * sizeof *head);
    bytes = pread(fd, code + head_count, sizeof code - head_count * sizeof *head, 0);
    if (bytes <= 0 || (size_t)bytes + head_count * sizeof *head == sizeof code)
        die("the filter's length", EINVAL);
    print_program(name, code, head_count + (size_t)bytes / sizeof code[0]);
    close(fd);
    seccomp_release(filter);
}

/* The stub's system call becomes a notification; nothing else changes. */
static void print_listener(uint32_t arch)
{
    scmp_filter_ctx filter = begin(arch, SCMP_ACT_ALLOW, SCMP_ACT_ALLOW);

    must(seccomp_rule_add(filter, SCMP_ACT_NOTIFY, NUMBER_OF(SCONCE_STUB_SYSCALL), 0), "notify");
    print_filter("listener", filter, NULL, 0);
}

/* arch_prctl(2), which knows no address but where the bases go and reaches nobody but who calls it.
 * That a base is one that a program may have is the kernel's to check. */
static void allow_bases(scmp_filter_ctx filter)
{
    static const struct {
        uint64_t get, at, set;
    } bases[] = {
        {ARCH_GET_FS_, SCONCE_CONTROL_AT + SCONCE_CONTROL_FS_BASE, ARCH_SET_FS_},
        {ARCH_GET_GS_, SCONCE_CONTROL_AT + SCONCE_CONTROL_GS_BASE, ARCH_SET_GS_},
    };

    for (size_t i = 0; i < sizeof bases / sizeof bases[0]; i++) {
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(arch_prctl), 2,
                              SCMP_A0(SCMP_CMP_EQ, bases[i].get),
                              SCMP_A1(SCMP_CMP_EQ, bases[i].at)),
             "read a base");
        must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(arch_prctl), 1,
                              SCMP_A0(SCMP_CMP_EQ, bases[i].set)),
             "set a base");
    }
}

/* From the stub's page alone, and no more than: report, return from a signal, and set the one
 * alternate stack. */
static void print_wall(uint32_t arch, bool prctl)
{
    scmp_filter_ctx filter = begin(arch, SCMP_ACT_TRAP, SCMP_ACT_TRAP);

    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, NUMBER_OF(SCONCE_STUB_SYSCALL), 0), "report");
    must(seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(rt_sigreturn), 0), "rt_sigreturn");
    must(seccomp_rule_add(
             filter, SCMP_ACT_ALLOW, SCMP_SYS(sigaltstack), 2,
             SCMP_A0(SCMP_CMP_EQ, SCONCE_STUB_AT + offsetof(struct sconce_stub_head, altstack)),
             SCMP_A1(SCMP_CMP_EQ, 0)),
         "sigaltstack");
    if (prctl)
        allow_bases(filter);
    print_filter("wall", filter, from_stub_alone,
                 sizeof from_stub_alone / sizeof from_stub_alone[0]);
}

int main(int argc, char **argv)
{
    bool prctl = argc == 3 && strcmp(argv[2], "prctl") == 0;
    uint32_t arch = argc == 2 || prctl ? seccomp_arch_resolve_name(argv[1]) : 0;

    if (!arch || (prctl && arch != SCMP_ARCH_X86_64)) {
        fprintf(stderr, "usage: make-filters ARCH\n       make-filters x86_64 prctl\n");
        return EXIT_FAILURE;
    }
    /* Notifications and all else: libseccomp would ask the kernel that it runs on, which is not the
     * one that the filters are for. */
    must(seccomp_api_set(5), "seccomp_api_set");
    printf("/* Made by make-filters for %s%s. */\n", argv[1], prctl ? " prctl" : "");
    print_listener(arch);
    print_wall(arch, prctl);
    return fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS;
}
