/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tries to leave a mark for whoever uses the sandbox next, everywhere it can write, and looks for
 * marks everywhere it can read. With registers.c, which does the same for registers. All calls
 * succeed but wreck() and, without a handler, read_null().
 *
 * A mark is a word whose upper half says so. Whatever looks for marks never holds a whole one, on
 * its stack or elsewhere, and so finds none of its own.
 */
#include <stdlib.h>
#include <string.h>

#include <sconce/guest.h>

#include "handler-machine.h"
#include "handler.h"
#include "machine.h"
#include "system-calls.h"

#define MARK 0x4d41524bu
#define WORDS 8192u
#define STACK_SPARE 4096u /* bytes below a frame that are left alone: functions that it calls */

static volatile uint64_t data[WORDS] = {1};
static volatile uint64_t bss[WORDS];
static volatile uint64_t *heap;
static uint64_t heap_words;

/* [start, end) of memory. */
struct span {
    uint64_t start, end;
};

/* ---- Where the image can be written ---------------------------------------------------------- */

/* What of an ELF header and of a program header is of use (elf(5), 64 bits). */
struct elf_header {
    uint8_t unused0[32];
    uint64_t phoff;
    uint8_t unused1[14];
    uint16_t phentsize;
    uint16_t phnum;
    uint8_t unused2[6];
};
struct elf_segment {
    uint32_t type;
    uint32_t flags;
    uint64_t offset, vaddr, paddr, filesz, memsz, align;
};
#define TYPE_LOAD 1u
#define FLAG_WRITE 2u
#define MOST_SPANS 8u

/* As the linker calls the start of the image; it is at offset 0 of the file. */
extern const struct elf_header __ehdr_start __attribute__((visibility("hidden")));

/* How many there are. */
static uint32_t writable(struct span spans[MOST_SPANS])
{
    const uint8_t *at = (const uint8_t *)&__ehdr_start + __ehdr_start.phoff;
    uint64_t start = (uintptr_t)&__ehdr_start;
    uint32_t count = 0;

    for (uint32_t i = 0; i < __ehdr_start.phnum; i++, at += __ehdr_start.phentsize) {
        const struct elf_segment *segment = (const struct elf_segment *)(const void *)at;

        /* The first segment has the headers in it, at its own address. */
        if (segment->type == TYPE_LOAD && segment->offset == 0)
            start -= segment->vaddr;
        if (segment->type != TYPE_LOAD || !(segment->flags & FLAG_WRITE) || count == MOST_SPANS)
            continue;
        /* What is mapped is whole granules. */
        spans[count].start = (start + segment->vaddr) & ~(uint64_t)(SCONCE_GUEST_GRANULE - 1);
        spans[count++].end = (start + segment->vaddr + segment->memsz + SCONCE_GUEST_GRANULE - 1) &
                             ~(uint64_t)(SCONCE_GUEST_GRANULE - 1);
    }
    return count;
}

/* ---- Leaving --------------------------------------------------------------------------------- */

/* Inline, so that it can go over the stack that it would be called on. */
static inline __attribute__((always_inline)) void mark(uint64_t start, uint64_t end, uint32_t seed)
{
    for (; start < end; start += 8, seed++)
        *(volatile uint64_t *)start = (uint64_t)MARK << 32 | seed;
}

/* As much of the heap as one allocation gets; it is kept for good. */
static void take_heap(void)
{
    for (heap_words = sconce_boot()->heap_bytes / 8; !heap && heap_words; heap_words -= 4096)
        heap = malloc(heap_words * 8);
}

static void mend(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    static uint64_t here = 42;

    (void)report;
    regs->MACHINE_ARGUMENT = (uintptr_t)&here;
}

/* Data, bss, the heap, all of the stack that is not in use, OUT, and a fault handler: 0, or -4
 * where there are none. The program goes on. */
SCONCE_EXPORT(int32_t, leave, (uint32_t seed))
{
    const struct sconce_boot *boot = sconce_boot();
    uint64_t frame = (uintptr_t)__builtin_frame_address(0) & ~7ull;
    int r = sconce_on_fault(mend);

    if (!heap)
        take_heap();
    mark((uintptr_t)data, (uintptr_t)(data + WORDS), seed);
    mark((uintptr_t)bss, (uintptr_t)(bss + WORDS), seed);
    if (heap)
        mark((uintptr_t)heap, (uintptr_t)(heap + heap_words), seed);
    mark(boot->stack_top - boot->stack_bytes, frame - STACK_SPARE, seed);
    mark(boot->out_addr, boot->out_addr + boot->out_bytes, seed);
    return r;
}

/* Every word that it can write, without exception, and then a fault: GUEST_FAULT MEMORY write at 0.
 */
SCONCE_EXPORT(void, wreck, (uint32_t seed))
{
    const struct sconce_boot *boot = sconce_boot();
    const uint64_t stack_end = boot->stack_top, stack_start = stack_end - boot->stack_bytes;
    struct span spans[MOST_SPANS];
    uint32_t count = writable(spans);

    mark(boot->out_addr, boot->out_addr + boot->out_bytes, seed);
    mark(boot->heap_addr, boot->heap_addr + boot->heap_bytes, seed);
    for (uint32_t i = 0; i < count; i++)
        mark(spans[i].start, spans[i].end, seed);
    mark(stack_start, stack_end, seed); /* its own frame as well: there is no way back */
    machine_write(0);
    for (;;)
        ;
}

/* 42 by the handler that leave() registered. */
SCONCE_EXPORT(uint64_t, read_null, (void))
{
    return handler_read(0);
}

/* ---- Looking --------------------------------------------------------------------------------- */

__attribute__((noinline)) static uint64_t marks(uint64_t start, uint64_t end)
{
    uint64_t n = 0;

    for (; start < end; start += 8)
        n += ((const volatile uint32_t *)start)[1] == MARK;
    return n;
}

/* "image 0 heap 0 stack 0 in 0 out 0": how many marks there are in all that it can write, and in
 * IN. */
SCONCE_EXPORT(sconce_str, look, (void))
{
    const struct sconce_boot *boot = sconce_boot();
    struct span spans[MOST_SPANS];
    uint32_t count = writable(spans);
    uint64_t image = 0;

    for (uint32_t i = 0; i < count; i++)
        image += marks(spans[i].start, spans[i].end);
    return sconce_format(
        "image %llu heap %llu stack %llu in %llu out %llu", (unsigned long long)image,
        (unsigned long long)marks(boot->heap_addr, boot->heap_addr + boot->heap_bytes),
        (unsigned long long)marks(boot->stack_top - boot->stack_bytes, boot->stack_top),
        (unsigned long long)marks(boot->in_addr, boot->in_addr + boot->in_bytes),
        (unsigned long long)marks(boot->out_addr, boot->out_addr + boot->out_bytes));
}

/* ---- What system calls change ---------------------------------------------------------------- */

/* The third argument is 3: memory that can be read and written, or how getrandom may come by its
 * bytes. The others are mmap's: private, anonymous, no file. */
static uint64_t ask(const char *name, uint64_t a, uint64_t b)
{
    static const struct {
        const char *name;
        uint64_t number;
    } calls[] = {SYSTEM_CALLS};
    const uint64_t args[6] = {a, b, 3, 0x22, UINT64_MAX, 0};

    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name) == 0)
            return (uint64_t)system_call(calls[i].number, args);
    return 0;
}

/* Where the break is, where a mapping goes, and what the random source gives next. To ask changes
 * it. */
SCONCE_EXPORT(sconce_str, system_state, (void))
{
    static uint64_t word;

    ask("getrandom", (uintptr_t)&word, sizeof word);
    return sconce_format("brk %llx mmap %llx random %llx", (unsigned long long)ask("brk", 0, 0),
                         (unsigned long long)ask("mmap", 0, 65536), (unsigned long long)word);
}

/* Moves the break, maps memory. */
SCONCE_EXPORT(void, leave_in_system, (void))
{
    ask("brk", ask("brk", 0, 0) + 65536 + 16, 0);
    for (unsigned i = 0; i < 3; i++)
        ask("mmap", 0, 65536);
}
