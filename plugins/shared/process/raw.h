/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the freestanding code of this mechanism needs of its architecture; each backend's raw.S has
 * it. Nothing here may be used by code that is linked with a C library.
 */
#ifndef SCONCE_PLUGINS_PROCESS_RAW_H
#define SCONCE_PLUGINS_PROCESS_RAW_H

/* CLONE_VM | CLONE_FILES | CLONE_VFORK (linux/sched.h), which assembly cannot include: no exit
 * signal, and who makes it waits until it is gone. */
#define RAW_START_FLAGS 0x4500

#ifndef __ASSEMBLER__

#include <stdint.h>

struct sconce_zygote_start;

/* No table of addresses: nobody would fill it. */
#pragma GCC visibility push(hidden)

/** raw_syscall - a value, or a negative errno. */
long raw_syscall(long number, long a, long b, long c, long d, long e, long f);

/** raw_prepare - let go of what the architecture keeps for a process beside its memory, and that a
 * child would inherit: rights of ports, segments, shadow stacks. 0 or a negative errno. */
long raw_prepare(void);

/** raw_prepare_child - the same in each child, for what it must not share with its siblings. 0 or a
 * negative errno. */
long raw_prepare_child(void);

/**
 * raw_start - called in the host itself: run raw_launch in a process that shares the host's memory
 * and descriptors, on the stack that ends at @stack_end, and is over when this returns.
 * Not libc's clone(3): ThreadSanitizer takes that for a fork(2), and then works in both processes
 * on the one memory.
 * Returns the process id, to be waited for with __WALL, or a negative errno.
 */
long raw_start(struct sconce_zygote_start *start, void *stack_end);

/** raw_launch - makes the zygote; in zygote.c. */
int raw_launch(struct sconce_zygote_start *start);

/* The stub's pages; the first bytes of each are a struct sconce_stub_head. */
extern const uint8_t raw_stub[];
/* The last step of a child, in the stub's own page: unmap the zygote's text and data, install
 * the wall, and report the first exit. Jumped to at its place in the child. */
typedef __attribute__((noreturn)) void (*raw_stub_finish_fn)(uint64_t text_at, uint64_t text_bytes,
                                                             uint64_t data_at, uint64_t data_bytes);

#pragma GCC visibility pop

/* struct sigaction as the kernel has it on x86_64 and aarch64. */
struct raw_sigaction {
    uint64_t handler;
    uint64_t flags;
    uint64_t restorer;
    uint64_t mask;
};
#define RAW_SA_RESTORER 0x04000000u

#endif

#endif
