/* SPDX-License-Identifier: Apache-2.0 */
/* What registers.c, registers-look.c and registers-asm.S share; for both languages. The names that
 * registers.c uses are in every architecture's file. */
#ifndef SCONCE_TESTS_REGISTERS_H
#define SCONCE_TESTS_REGISTERS_H

/* Register classes; general registers and flags are always filled. */
#define CLASS_FLOAT 0x04 /* V0 to V31, FPCR and FPSR */
#define CLASS_TLS 0x20   /* TPIDR_EL0 */

#define CAPTURED_AFTER_READY 1
#define CAPTURED_AT_RESUME 2

/* Offsets in struct captured. */
#define CAPTURED_HOW 0
#define CAPTURED_NZCV 8
#define CAPTURED_SP 16
#define CAPTURED_TLS 24
#define CAPTURED_GENERAL 32 /* X0 to X30 */
#define CAPTURED_FPCR 280
#define CAPTURED_FPSR 288
#define CAPTURED_VECTORS 304 /* V0 to V31 */

#ifndef __ASSEMBLER__
#include <stddef.h>
#include <stdint.h>

struct captured {
    uint64_t how; /* CAPTURED_*, 0 for not at all */
    uint64_t nzcv;
    uint64_t sp;
    uint64_t tls;
    uint64_t general[31];
    uint64_t fpcr;
    uint64_t fpsr;
    uint64_t padding;
    unsigned char vectors[32][16];
} __attribute__((aligned(16)));
_Static_assert(offsetof(struct captured, nzcv) == CAPTURED_NZCV, "");
_Static_assert(offsetof(struct captured, tls) == CAPTURED_TLS, "");
_Static_assert(offsetof(struct captured, general) == CAPTURED_GENERAL, "");
_Static_assert(offsetof(struct captured, fpcr) == CAPTURED_FPCR, "");
_Static_assert(offsetof(struct captured, vectors) == CAPTURED_VECTORS, "");

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
