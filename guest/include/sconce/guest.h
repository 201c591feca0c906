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
 * C11, gcc and clang. A guest is one thread, without signals and without files. sconce-guest(7) has
 * the whole story.
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
#define SCONCE_STR(literal) ((sconce_str){"" literal "", sizeof(literal) - 1})

/** sconce_str_from - a view of a NUL-terminated string; NULL gives the empty one. */
sconce_str sconce_str_from(const char *text);

#include "guest-macros.h"

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
#define SCONCE_EXPORT(result_, name_, params_)                                                     \
    result_ name_ params_;                                                                         \
    static void sconce_thunk_##name_(struct sconce_call *sconce_call)                              \
    {                                                                                              \
        (void)sconce_call;                                                                         \
        SCONCE_CAT(SCONCE_THUNK_, SCONCE_IS_VOID(result_))(result_, name_, params_);               \
    }                                                                                              \
    SCONCE_TABLE_ENTRY(SCONCE_SECTION_EXPORTS, sconce_export_##name_, #name_,                      \
                       sconce_thunk_##name_, result_, params_);                                    \
    result_ name_ params_

/**
 * SCONCE_IMPORT - declare and define a function that the host provides.
 * The parameters are those of SCONCE_EXPORT. At file scope, in one file, followed by a semicolon;
 * other files declare the function as usual.
 *
 * A call that fails returns zero (false, an empty string, no bytes), and sconce_host_failed() tells
 * so until the next call of an import. The guest goes on.
 */
#define SCONCE_IMPORT(result_, name_, params_)                                                     \
    result_ name_ params_;                                                                         \
    SCONCE_TABLE_ENTRY(SCONCE_SECTION_IMPORTS, sconce_import_##name_, #name_, NULL, result_,       \
                       params_);                                                                   \
    result_ name_(SCONCE_PARAM_LIST(params_))                                                      \
    {                                                                                              \
        sconce_import_begin(&sconce_import_##name_, SCONCE_APPLY(SCONCE_ARITY, params_));          \
        SCONCE_FOR(SCONCE_PUT, params_);                                                           \
        sconce_import_call();                                                                      \
        SCONCE_CAT(SCONCE_REPLY_, SCONCE_IS_VOID(result_))(result_);                               \
    }                                                                                              \
    _Static_assert(sizeof #name_ <= SCONCE_NAME_MAX + 1u, "the name is too long")

/* ---- Failures -------------------------------------------------------------------------------- */

/* Codes of failures that the SDK itself finds; those of functions are best kept positive. */
#define SCONCE_FAILED_TOO_LARGE (-1)  /* values do not fit the call buffer */
#define SCONCE_FAILED_NO_MEMORY (-2)  /* the heap cannot hold a result */
#define SCONCE_FAILED_NO_EXPORT (-3)  /* the host asked for an export that is not there */
#define SCONCE_FAILED_TEXT_BYTES 512u /* longer texts of failures are cut */

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

/* ---- Memory and text ------------------------------------------------------------------------- */

/**
 * sconce_alloc - @bytes bytes that are freed when the running export returns (during start-up: when
 * the guest is ready). NULL when the heap is exhausted. malloc() is there for what lives longer.
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

#endif
