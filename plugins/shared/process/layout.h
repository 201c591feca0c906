/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of a child's address space is not the guest's: the stub and the control area, both in the
 * range that the core leaves to plugins. Their addresses are constants, because the seccomp filters
 * and the stub's own code have them written in. For C and for assembly.
 *
 * The guest can read the stub and write the control area; neither holds a secret, and the host
 * takes nothing from the control area unless the kernel says that the child is stopped at the stub.
 */
#ifndef SCONCE_PLUGINS_PROCESS_LAYOUT_H
#define SCONCE_PLUGINS_PROCESS_LAYOUT_H

/* One page of code, and constants that must not change. 64 KiB apart, for every page size. */
#define SCONCE_STUB_AT 0xfff800000
#define SCONCE_STUB_PAGE 4096

/* Read and written by both sides: words, then the alternate signal stack. */
#define SCONCE_CONTROL_DISTANCE 0x10000 /* from the stub */
#define SCONCE_CONTROL_AT (SCONCE_STUB_AT + SCONCE_CONTROL_DISTANCE)
#define SCONCE_CONTROL_BYTES 0x10000
#define SCONCE_ALTSTACK_OFFSET 0x1000
#define SCONCE_ALTSTACK_BYTES (SCONCE_CONTROL_BYTES - SCONCE_ALTSTACK_OFFSET)

/* Words of the control area, by offset. */
#define SCONCE_CONTROL_FRAME                                                                       \
    0 /* u64: the signal frame to return into, written by the host; 0 by the stub at each stop */
#define SCONCE_CONTROL_STEP 8   /* u32: what the child was doing when it failed to start */
#define SCONCE_CONTROL_ERROR 12 /* u32: and the errno of that */
#define SCONCE_CONTROL_ARCH 64  /* from here on the architecture's own */
/* x86_64's first two, a u64 each: a filter has their addresses written in. */
#define SCONCE_CONTROL_FS_BASE SCONCE_CONTROL_ARCH
#define SCONCE_CONTROL_GS_BASE (SCONCE_CONTROL_ARCH + 8)

/* The system call by which the stub reports an exit. The filters turn it into a notification; were
 * it ever made, it would do nothing. */
#define SCONCE_STUB_SYSCALL sched_yield

#endif
