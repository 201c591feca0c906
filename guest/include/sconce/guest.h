/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The guest SDK: what a C function needs to live in a Sconce sandbox.
 *
 *     #include <sconce/guest.h>
 *
 *     SCONCE_IMPORT(int64_t, now, (void));
 *
 *     SCONCE_EXPORT(int64_t, seconds_since, (int64_t then))
 *     {
 *         return now() - then;
 *     }
 *
 * Built with `sconce-cc`, the program waits for calls by itself; there is no main() to write. Plain
 * C11, or C++11 with sconce-c++; gcc and clang. A guest is one thread, without signals and without
 * files. sconce-guest(7) has the whole story.
 */
#ifndef SCONCE_GUEST_H
#define SCONCE_GUEST_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sconce-guest-abi.h"

/* ---- Types ----------------------------------------------------------------------------------- */

/*
 * What parameters and results may be:
 *
 *     bool, int32_t, uint32_t, int64_t, uint64_t, float, double
 *     sconce_str      UTF-8 of a given length, which may hold NUL bytes
 *     const char *    the same, read up to its first NUL; NULL is the empty string
 *     sconce_bytes
 *     void            as a result only
 *
 * int, long and long long (and their unsigned kin) count by their width. Everything else is an
 * error of the compiler.
 *
 * Lifetimes. A string or bytes argument of an export is a view into the call buffer, valid until
 * the export returns; a NUL follows it. The result of an import is a copy, valid until the export
 * returns. What an export returns is copied before anything is freed: it may be a constant, one of
 * its own arguments, memory from sconce_alloc() or sconce_format(), or memory that the guest keeps.
 * Strings must be UTF-8, or the host refuses them and ends the sandbox.
 */
typedef struct {
    const char *data;
    size_t length; /* bytes, without the NUL */
} sconce_str;

typedef struct {
    const void *data;
    size_t length;
} sconce_bytes;

/* A string literal as a sconce_str, NUL bytes inside included. */
#ifdef __cplusplus
#define SCONCE_STR(literal) (sconce_str{"" literal "", sizeof(literal) - 1})
#else
#define SCONCE_STR(literal) ((sconce_str){"" literal "", sizeof(literal) - 1})
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** sconce_str_from - a view of a NUL-terminated string; NULL gives the empty one. */
sconce_str sconce_str_from(const char *text);

#ifdef __cplusplus
}
#endif

#include "guest-macros.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Functions that cross -------------------------------------------------------------------- */

/**
 * SCONCE_EXPORT - define a function that the host may call, by its name.
 * @result_: a type of the list above, or void.
 * @name_: a C identifier of at most SCONCE_NAME_MAX characters. The function has external linkage:
 *   other files may declare and call it as usual.
 * @params_: a parameter list in parentheses, "(void)" when there are none; at most
 *   SCONCE_MAX_PARAMS.
 * At file scope, followed by the body.
 */
#ifndef SCONCE_EXPORT
#error "guest-macros.h, or guest-cxx.h for C++, defines SCONCE_EXPORT(result_, name_, params_)"
#endif

/**
 * SCONCE_IMPORT - declare and define a function that the host provides.
 * The parameters are those of SCONCE_EXPORT. At file scope, in one file, followed by a semicolon;
 * other files declare the function as usual.
 *
 * A call that fails returns zero (false, an empty string, no bytes), and sconce_host_failed() tells
 * so until the next call of an import. The guest goes on.
 *
 * While an import is being called the host may call exports, also the one that is running: what
 * they share in variables is to be whole then. Arguments, results, failures and sconce_alloc()
 * memory are each call's own.
 */
#ifndef SCONCE_IMPORT
#error "guest-macros.h, or guest-cxx.h for C++, defines SCONCE_IMPORT(result_, name_, params_)"
#endif

/**
 * sconce_ready - be ready for calls now, from within main() or what it calls. Does not return: the
 * stack frames above it stay as they are. Without it, a guest is ready once main() has returned.
 */
__attribute__((__noreturn__)) void sconce_ready(void);

/* ---- Failures -------------------------------------------------------------------------------- */

/* Codes of failures that the SDK itself finds; those of functions are best kept positive. */
#define SCONCE_FAILED_TOO_LARGE (-1)   /* values do not fit the call buffer */
#define SCONCE_FAILED_NO_MEMORY (-2)   /* the heap cannot hold a result */
#define SCONCE_FAILED_NO_EXPORT (-3)   /* the host asked for an export that is not there */
#define SCONCE_FAILED_UNSUPPORTED (-4) /* the host or its backend cannot do that */
#define SCONCE_FAILED_TEXT_BYTES 512u  /* longer texts of failures are cut */

/**
 * sconce_fail - make the running call fail, with a code of the guest's and a text for people.
 * The export still has to return; what it returns is dropped. The sandbox stays usable. The last
 * failure counts. A code of 0 is taken for 1. During start-up there is no call: the guest ends with
 * the code and the text once main() has returned.
 */
__attribute__((__format__(__printf__, 2, 3))) void sconce_fail(int32_t code, const char *format,
                                                               ...);

/**
 * sconce_abort - give up for good: the host gets the text, and the guest does not run again.
 */
__attribute__((__format__(__printf__, 1, 2), __noreturn__)) void sconce_abort(const char *format,
                                                                              ...);

/** sconce_host_failed - 0 when the last call of an import went well, else the host's code. */
int32_t sconce_host_failed(void);

/** sconce_host_error - the host's text for that failure, "" when there is none; valid until the
 * next call of an import. */
const char *sconce_host_error(void);

/* ---- Faults ---------------------------------------------------------------------------------- */

/* What a fault report's kind can be. */
#define SCONCE_FAULT_MEMORY 1u     /* its address and access are valid */
#define SCONCE_FAULT_ILLEGAL 2u    /* undefined instruction */
#define SCONCE_FAULT_PRIVILEGE 3u  /* privileged instruction, protection violation */
#define SCONCE_FAULT_ARITHMETIC 4u /* integer division */
#define SCONCE_FAULT_FLOAT 5u      /* unmasked floating-point exception */
#define SCONCE_FAULT_BREAKPOINT 6u
#define SCONCE_FAULT_STEP 7u
#define SCONCE_FAULT_ALIGNMENT 8u
#define SCONCE_FAULT_STACK 9u /* stack address that the machine cannot hold */
#define SCONCE_FAULT_OTHER 10u

#define SCONCE_ACCESS_READ 1u
#define SCONCE_ACCESS_WRITE 2u
#define SCONCE_ACCESS_EXEC 3u

/* The registers that a fault interrupted. SCONCE_GUEST_REGS_PC: which one is PC. */
struct sconce_guest_regs {
#if defined(__x86_64__)
    uint64_t rax, rbx, rcx, rdx, rsi, rdi, rbp, rsp;
    uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
    uint64_t rip, rflags;
#define SCONCE_GUEST_REGS_PC rip
#elif defined(__aarch64__)
    uint64_t x[31];
    uint64_t sp, pc, pstate;
#define SCONCE_GUEST_REGS_PC pc
#else
    uint64_t none;
#define SCONCE_GUEST_REGS_PC none
#endif
};

/**
 * sconce_fault_fn - what is called when the guest faults.
 * @report: what happened; see sconce-guest-abi.h.
 * @regs: what the guest goes on with when this returns; may be changed. Where PC is not changed the
 *   instruction that faulted runs again (behind a breakpoint of x86_64 the one after it). Floating
 *   point and SIMD registers are kept by the SDK, and are not in here.
 *
 * It runs on a stack of its own of 64 KiB. It may call the host and print, but for a fault that
 * came while the guest was doing that itself (an argument that lies in no memory): the guest then
 * ends, with a text. The heap is like all data: not to be touched when the fault may have come from
 * inside malloc() or free(). It may leave by longjmp() to where the guest was before, or by sending
 * PC there: to any place that is not in the 16 bytes from where PC was. A host call or a print that
 * the fault came in is then never gone back to. It cannot be left by an exception of C++, which
 * ends in std::terminate(). A fault in it ends the guest, and each one that it is called for counts
 * as a trap, of which a call has limits.traps.
 */
typedef void (*sconce_fault_fn)(struct sconce_fault_report *report, struct sconce_guest_regs *regs);

/**
 * sconce_on_fault - have @fn called for every fault from now on, in later calls and after a restore
 * too; NULL: have none called. Returns 0, or SCONCE_FAILED_UNSUPPORTED where the host's backend
 * cannot go on after a fault: the guest then ends by one, as without a handler.
 */
int sconce_on_fault(sconce_fault_fn fn);

/* ---- Memory and text ------------------------------------------------------------------------- */

/**
 * sconce_alloc - @bytes bytes that are freed when the running export returns (in a nested call:
 * that one; during start-up: when the guest is ready). NULL when the heap is exhausted. malloc() is
 * there for what lives longer.
 */
__attribute__((__malloc__, __alloc_size__(1))) void *sconce_alloc(size_t bytes);

/**
 * sconce_format - a formatted string from sconce_alloc() memory; empty when that is exhausted.
 * Conversions as in sconce_printf().
 */
__attribute__((__format__(__printf__, 1, 2))) sconce_str sconce_format(const char *format, ...);

/**
 * sconce_printf - print to the host's print function; the same as printf() of <stdio.h>.
 *
 * Text goes out by lines, and before the guest stops for any other reason. Conversions: d i u x X
 * c s p %, lengths hh h l ll j z t, flags 0 and -, width, and precision for s; width and precision
 * may be *. No floating point: text behind any other conversion is printed as it stands.
 * Returns the number of bytes.
 */
__attribute__((__format__(__printf__, 1, 2))) int sconce_printf(const char *format, ...);
__attribute__((__format__(__printf__, 1, 0))) int sconce_vprintf(const char *format, va_list args);

/**
 * sconce_window - what the host has attached for the guest to read: a file, a large buffer.
 * @ret_bytes: how many bytes there are; 0 with NULL when nothing is attached.
 *
 * Writing there is a fault. It stays as it is while an export runs; between two calls the host may
 * attach something else in its place, or nothing, so each call is to ask again. Behind the last
 * byte there are zeros, up to the end of the window, whose size is the host's to choose.
 */
const void *sconce_window(size_t *ret_bytes);

/* ---- Below the SDK --------------------------------------------------------------------------- */

/**
 * sconce_boot - the boot page. Its seed and generation change when a snapshot is restored: state
 * that must differ between copies of a snapshot (random numbers, ids) is to be remade from them.
 */
const struct sconce_boot *sconce_boot(void);

/**
 * sconce_doorbell - ring a doorbell by hand, the frame being in OUT. For guests that do without the
 * SDK's loop; the others never need it.
 */
void sconce_doorbell(uint32_t number);

/**
 * sconce_resume - serve the CALL that is in the IN buffer, and every one after it: what a restored
 * guest is entered at.
 */
__attribute__((__noreturn__)) void sconce_resume(const struct sconce_boot *boot);

#ifdef __cplusplus
}
#endif

#endif
