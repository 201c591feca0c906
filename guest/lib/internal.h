/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the SDK's files share. Not installed. There is one thread and no re-entry (an import's
 * answer never runs an export), so state is static.
 */
#ifndef SCONCE_GUEST_INTERNAL_H
#define SCONCE_GUEST_INTERNAL_H

#include <sconce/guest.h>

/* The symbols that a restored guest may not find in registers live in memory. */
extern const struct sconce_boot *sconce_boot_page;

/* ---- start.c: entered from the architecture's crt -------------------------------------------- */

_Noreturn void sconce_guest_start(const struct sconce_boot *boot);
_Noreturn void sconce_guest_resume(const struct sconce_boot *boot);

/* ---- serve.c --------------------------------------------------------------------------------- */

/** sconce_serve_first - tell the host that the guest is ready, then serve. */
_Noreturn void sconce_serve_first(void);

/** sconce_serve - serve the CALL in IN, and every one after it. */
_Noreturn void sconce_serve(void);

/** sconce_serve_in_used - bytes of IN that the running call's arguments take, a multiple of 16. */
uint64_t sconce_serve_in_used(void);

/* ---- out.c: writing a frame into OUT --------------------------------------------------------- */

/* Begin a frame with @slot_count slots, all of them of type none. */
void sconce_out_begin(uint32_t kind, uint32_t index, uint32_t slot_count);
struct sconce_frame *sconce_out_frame(void);
void sconce_out_scalar(uint32_t i, uint32_t type, uint64_t bits);
/* False, and the slot stays none, when the bytes do not fit. */
bool sconce_out_span(uint32_t i, uint32_t type, const void *data, size_t length);
/* Complete the frame and ring. */
void sconce_out_ring(uint32_t doorbell);

/* ---- print.c, format.c ----------------------------------------------------------------------- */

void sconce_print(const char *text, size_t bytes);
void sconce_print_flush(void);

/** sconce_utf8_cut - how many of @bytes bytes can stay without splitting a character. */
size_t sconce_utf8_cut(const char *text, size_t bytes);

/** sconce_vformat - format and hand each piece to @emit; returns the number of bytes. */
__attribute__((__format__(__printf__, 3, 0))) size_t
sconce_vformat(void (*emit)(void *ctx, const char *piece, size_t bytes), void *ctx,
               const char *format, va_list args);

/* ---- fail.c ---------------------------------------------------------------------------------- */

/* A text of bounded length, cut between characters. */
struct sconce_note_text {
    size_t length;
    char text[SCONCE_FAILED_TEXT_BYTES];
};

__attribute__((__format__(__printf__, 2, 0))) void
sconce_note_format(struct sconce_note_text *note, const char *format, va_list args);
void sconce_note_copy(struct sconce_note_text *note, const void *data, size_t length);

/** sconce_failure_take - was sconce_fail called since the last time? Clears it. */
bool sconce_failure_take(int32_t *ret_code, const struct sconce_note_text **ret_text);

__attribute__((__format__(__printf__, 2, 3), __noreturn__)) void
sconce_abort_code(int32_t code, const char *format, ...);

/* ---- heap.c, arena.c ------------------------------------------------------------------------- */

void sconce_heap_init(void *memory, size_t bytes);
void sconce_arena_free(void);

#endif
