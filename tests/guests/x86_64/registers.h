/* SPDX-License-Identifier: Apache-2.0 */
/* What registers.c, registers-look.c and registers-asm.S share; for both languages. The names that
 * registers.c uses are in every architecture's file. */
#ifndef SCONCE_TESTS_REGISTERS_H
#define SCONCE_TESTS_REGISTERS_H

/* Register classes; general registers and flags are always filled. */
#define CLASS_X87 0x02
#define CLASS_SSE 0x04
#define CLASS_AVX 0x08
#define CLASS_AVX512 0x10
#define CLASS_BASES 0x20 /* of FS and GS */
#define CLASS_PKRU 0x40
#define CLASS_SELECTORS 0x80 /* DS, ES, FS and GS: ring 3 may load its own data segment */

#define CAPTURED_AFTER_READY 1
#define CAPTURED_AT_RESUME 2

/* Offsets in struct captured. */
#define CAPTURED_HOW 0
#define CAPTURED_FLAGS 8
#define CAPTURED_FS_BASE 16
#define CAPTURED_GS_BASE 24
#define CAPTURED_GENERAL 32 /* 16 registers in the order of their encoding: rax rcx rdx rbx ... */
#define CAPTURED_SELECTORS 160 /* ds es fs gs */
#define CAPTURED_FX 192        /* FXSAVE area, 512 bytes */
#define CAPTURED_XSAVE 704     /* XSAVE area */
#define XSAVE_BYTES 12288

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct captured {
    uint64_t how; /* CAPTURED_*, 0 for not at all */
    uint64_t flags;
    uint64_t fs_base;
    uint64_t gs_base;
    uint64_t general[16];
    uint64_t selectors[4];
    unsigned char fx[512];
    unsigned char xsave[XSAVE_BYTES];
} __attribute__((aligned(64)));
_Static_assert(offsetof(struct captured, flags) == CAPTURED_FLAGS, "");
_Static_assert(offsetof(struct captured, general) == CAPTURED_GENERAL, "");
_Static_assert(offsetof(struct captured, selectors) == CAPTURED_SELECTORS, "");
_Static_assert(offsetof(struct captured, fx) == CAPTURED_FX, "");
_Static_assert(offsetof(struct captured, xsave) == CAPTURED_XSAVE, "");

extern struct captured captured;
extern uint64_t capture_classes; /* which of the optional ones may be read */

/* ---- registers-asm.S */

/* Fill everything, ring READY. Does not return: the call that follows is served. */
_Noreturn void registers_fill_and_ready(uint64_t classes);
/* Where the guest asks to be resumed. */
void registers_capture(void);

/* ---- registers-look.c */

/* CLASS_* that guests can write on this machine. */
uint32_t registers_available(void);
/* Those of them that a kernel may keep from processes. */
uint32_t registers_withheld(void);
/* Tell registers_leak() what was captured, register by register. */
void registers_look(void);

/* ---- registers.c */

/* Note a register that does not have the value expected. */
void registers_leak(const char *name, uint64_t value, uint64_t expected);
uint64_t registers_nonzero_bytes(const unsigned char *bytes, size_t count);
#endif

#endif
