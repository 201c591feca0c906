/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the freestanding code of this mechanism needs of its architecture; each backend's raw.S has
 * it. Nothing here may be used by code that is linked with a C library.
 */
#ifndef SCONCE_PLUGINS_PROCESS_RAW_H
#define SCONCE_PLUGINS_PROCESS_RAW_H

#include <stdint.h>

/* No table of addresses: nobody would fill it. */
#pragma GCC visibility push(hidden)

/** raw_syscall - a value, or a negative errno. */
long raw_syscall(long number, long a, long b, long c, long d, long e, long f);

/** raw_prepare - let go of what the architecture keeps for a process beside its memory, and that a
 * child would inherit: rights of ports, segments, shadow stacks. 0 or a negative errno. */
long raw_prepare(void);

/* The stub's page; its first bytes are a struct sconce_stub_head. */
extern const uint8_t raw_stub[];
extern const uint8_t raw_stub_handler[]; /* of every signal */
/* The last step of a child, in the stub's own page: unmap the zygote's text and data, install
 * the wall, and report the first exit. Jumped to at its place in the child. */
extern const uint8_t raw_stub_finish[];
typedef void (*raw_stub_finish_fn)(uint64_t text_at, uint64_t text_bytes, uint64_t data_at,
                                   uint64_t data_bytes) __attribute__((noreturn));

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
