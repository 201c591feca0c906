/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stack that a C library's start-up code expects of Linux: argument count, pointers to
 * arguments and environment, the auxiliary vector (System V ABI, AMD64 supplement 3.4.1, AAPCS64
 * likewise). Written from the boot page.
 *
 * Runs before the program has relocated itself: no function of the library, no thread-local
 * variable, no address that lies in data. Strings are arrays of this file's, all is hidden, and
 * loops stay loops (see meson.build).
 */
#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-guest-abi.h"

extern uintptr_t sconce_process_bytes(const struct sconce_boot *boot);
extern void sconce_process_stack(const struct sconce_boot *boot, uintptr_t *start, uintptr_t top);

/* Where the program's own ELF header lies: the linker's. */
extern const Elf64_Ehdr __ehdr_start __attribute__((visibility("hidden")));
/* main.c's; nothing that relocation writes to. */
extern const struct sconce_boot *sconce_boot_page __attribute__((visibility("hidden")));

#define PAGE_BYTES 4096u
#define CLOCK_TICKS 100u
/* sysconf(_SC_MINSIGSTKSZ): no signal is ever delivered. */
#define SIGNAL_STACK_BYTES 16384u
#define USER_ID 1000u /* as getuid() has it: personality/ */
#define RANDOM_BYTES 16u
/* arm64: floating point and Advanced SIMD, the baseline (Documentation/arm64/elf_hwcaps.rst); no
 * HWCAP_CPUID, as no guest may read ID registers. x86_64: libraries ask CPUID. */
#ifdef __aarch64__
#define HWCAP 3
#else
#define HWCAP 0
#endif
/* What the words below the strings take besides pointers: counts, ends, the vector. */
#define WORDS_MAX 64u

/*
 * glibc's malloc, told to ask for memory seldom and to keep what it has; and no rseq area, which
 * would be one more system call that is denied. Each call is an exit.
 */
#define TUNABLES "GLIBC_TUNABLES="
static const char tunables[] = TUNABLES "glibc.malloc.trim_threshold=134217728:"
                                        "glibc.malloc.mmap_threshold=1073741824:"
                                        "glibc.pthread.rseq=0:"
                                        "glibc.malloc.top_pad=";
#define DIGITS_MAX 20u
#define TOP_PAD_MAX (4ull << 20)

static char *put(char *to, const char *from, uint64_t bytes)
{
    for (uint64_t i = 0; i < bytes; i++)
        to[i] = from[i];
    return to + bytes;
}

/* An eighth of the heap, so that small heaps are not used up by the first request. */
static char *put_top_pad(char *to, uint64_t heap_bytes)
{
    uint64_t value = heap_bytes / 8 < TOP_PAD_MAX ? heap_bytes / 8 : TOP_PAD_MAX;
    char digits[DIGITS_MAX];
    unsigned count = 0;

    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    while (count)
        *to++ = digits[--count];
    *to++ = '\0';
    return to;
}

/* Pointers to @count strings that lie one behind the other from @text on, and the NULL that ends
 * them. */
static uintptr_t *put_pointers(uintptr_t *word, const char *text, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        *word++ = (uintptr_t)text;
        while (*text++)
            ;
    }
    *word++ = 0;
    return word;
}

/* Has the environment a GLIBC_TUNABLES of its own? */
static int has_tunables(const char *env, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        unsigned at = 0;

        while (at < sizeof TUNABLES - 1 && env[at] == tunables[at])
            at++;
        if (at == sizeof TUNABLES - 1)
            return 1;
        while (*env++)
            ;
    }
    return 0;
}

static uintptr_t *put_auxiliary(uintptr_t *word, const struct sconce_boot *boot, const void *random,
                                const char *name)
{
    const uintptr_t base = (uintptr_t)&__ehdr_start;

#define ENTRY(type, value) (*word++ = (type), *word++ = (uintptr_t)(value))
    ENTRY(AT_PHDR, base + __ehdr_start.e_phoff);
    ENTRY(AT_PHENT, sizeof(Elf64_Phdr));
    ENTRY(AT_PHNUM, __ehdr_start.e_phnum);
    ENTRY(AT_PAGESZ, PAGE_BYTES);
    ENTRY(AT_BASE, 0);
    ENTRY(AT_FLAGS, 0);
    ENTRY(AT_ENTRY, __ehdr_start.e_entry + boot->image_base);
    ENTRY(AT_UID, USER_ID);
    ENTRY(AT_EUID, USER_ID);
    ENTRY(AT_GID, USER_ID);
    ENTRY(AT_EGID, USER_ID);
    ENTRY(AT_SECURE, 0);
    ENTRY(AT_CLKTCK, CLOCK_TICKS);
    ENTRY(AT_HWCAP, HWCAP);
    ENTRY(AT_HWCAP2, 0);
    ENTRY(AT_MINSIGSTKSZ, SIGNAL_STACK_BYTES);
    ENTRY(AT_RANDOM, random);
    ENTRY(AT_EXECFN, name);
    ENTRY(AT_NULL, 0);
#undef ENTRY
    return word;
}

/* The boot page's strings, or those of a host that has none. */
struct strings {
    const char *args, *env;
    uint64_t args_bytes, env_bytes;
    uint32_t arg_count, env_count;
    int tuned; /* the environment has tunables of its own */
};

static struct strings strings_of(const struct sconce_boot *boot)
{
    static const char unnamed[] = "guest";
    struct strings strings = {.args = unnamed, .args_bytes = sizeof unnamed, .arg_count = 1};

    if (boot->arg_count) {
        strings.args = (const char *)boot->args_addr;
        strings.args_bytes = boot->args_bytes;
        strings.arg_count = boot->arg_count;
    }
    strings.env = (const char *)boot->env_addr;
    strings.env_bytes = boot->env_bytes;
    strings.env_count = boot->env_count;
    strings.tuned = has_tunables(strings.env, strings.env_count);
    return strings;
}

/** sconce_process_bytes - how many bytes the stack's head takes; a multiple of 16. */
__attribute__((visibility("hidden"))) uintptr_t sconce_process_bytes(const struct sconce_boot *boot)
{
    struct strings strings;
    uint64_t bytes;

    if (boot->magic != SCONCE_BOOT_MAGIC || boot->boot_bytes < sizeof *boot)
        __builtin_trap(); /* without a boot page there is nobody to tell */
    strings = strings_of(boot);
    bytes = RANDOM_BYTES + strings.args_bytes + strings.env_bytes + sizeof tunables + DIGITS_MAX +
            ((uint64_t)strings.arg_count + strings.env_count + WORDS_MAX) * sizeof(uintptr_t);
    return (bytes + 15) & ~(uint64_t)15;
}

/**
 * sconce_process_stack - write the stack's head, and remember the boot page.
 * @start: where the argument count comes; there are sconce_process_bytes() up to @top. A stack that
 *   cannot hold the arguments ends the guest by a fault, in the gap below it.
 */
__attribute__((visibility("hidden"))) void sconce_process_stack(const struct sconce_boot *boot,
                                                                uintptr_t *start, uintptr_t top)
{
    const struct strings strings = strings_of(boot);
    char *random = (char *)(top - RANDOM_BYTES);
    char *args = random - strings.args_bytes - strings.env_bytes - sizeof tunables - DIGITS_MAX;
    uintptr_t *word = start;
    char *env, *end;

    sconce_boot_page = boot;
    put(random, (const char *)boot->seed, RANDOM_BYTES);
    env = put(args, strings.args, strings.args_bytes);
    end = put(env, strings.env, strings.env_bytes);
    if (!strings.tuned)
        put_top_pad(put(end, tunables, sizeof tunables - 1), boot->heap_bytes);

    *word++ = strings.arg_count;
    word = put_pointers(word, args, strings.arg_count);
    word = put_pointers(word, env, strings.env_count + !strings.tuned);
    put_auxiliary(word, boot, random, args);
}
