/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The SDK's malloc in the place of musl's, which asks for memory and gives it back all the time:
 * each of these calls would be an exit. It takes its memory at once, when the guest starts; what
 * the guest never touches costs nothing.
 *
 * heap.c as it is, compiled against musl; behind it what else musl leaves to whoever brings a
 * malloc (memalign and posix_memalign are made of aligned_alloc).
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

#define HEAP_EXHAUSTED (errno = ENOMEM, NULL)
#include "../lib/heap.c"

/* Started by Linux, a program gets so much. */
#define PROGRAM_BYTES (256ull << 20)

extern void *aligned_alloc(size_t alignment, size_t bytes);
extern size_t malloc_usable_size(void *memory);

/* Before the guest's own constructors, which may allocate; musl itself does not until then. */
__attribute__((constructor(101))) static void take_memory(void)
{
    const struct sconce_boot *boot = sconce_boot();
    /* Some of it stays for the guest's own mmap. */
    size_t bytes = boot ? boot->heap_bytes - boot->heap_bytes / 8 : PROGRAM_BYTES;
    void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory != MAP_FAILED)
        sconce_heap_init(memory, bytes);
}

/* A block that is large enough for an aligned one within; what lies before that is given back. */
void *aligned_alloc(size_t alignment, size_t bytes)
{
    size_t room, before;
    struct block *block, *inner;
    char *memory;

    if (!alignment || (alignment & (alignment - 1))) {
        errno = EINVAL;
        return NULL;
    }
    if (alignment <= UNIT)
        return malloc(bytes);
    if (__builtin_add_overflow(bytes, alignment + sizeof(struct block), &room))
        return HEAP_EXHAUSTED;
    memory = malloc(room);
    if (!memory || (uintptr_t)memory % alignment == 0)
        return memory;
    block = (struct block *)(memory - HEADER);
    before = alignment - (uintptr_t)memory % alignment;
    /* What is given back must be able to stand alone. */
    if (before < sizeof(struct block))
        before += alignment;
    inner = (struct block *)((char *)block + before);
    inner->size_used = size_of(block) - before;
    set_size(block, before, USED);
    set_size(inner, size_of(inner), USED);
    release(block);
    return &inner->next;
}

/* musl's own would look for what its malloc keeps beside a block. */
size_t malloc_usable_size(void *memory)
{
    return memory ? size_of(block_of(memory, "malloc_usable_size")) - HEADER : 0;
}
