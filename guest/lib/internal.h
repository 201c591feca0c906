/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the SDK's files share. Not installed. There is one thread, so state is static. Exports run
 * while an import is being called (sconce_serve_nested), and only there: what is used up before a
 * doorbell is rung needs no care, all else is kept for each call.
 */
#ifndef SCONCE_GUEST_INTERNAL_H
#define SCONCE_GUEST_INTERNAL_H

#include <sconce/guest.h>

/* The symbols that a restored guest may not find in registers live in memory. */
extern const struct sconce_boot *sconce_boot_page;

/* On the path of each call. The functions lie next to each other, and so do the variables but for
 * large ones: each page of code that a call goes through costs a walk of the page tables after an
 * exit, and each page that it writes is copied when the guest is rewound. Linkers put what is
 * common behind all other variables. */
#define SCONCE_HOT __attribute__((hot))
#define SCONCE_LARGE __attribute__((common, visibility("hidden")))

/* What makes an ELF file a guest. retain: --gc-sections would drop it. */
#if defined(__has_attribute)
#if __has_attribute(retain)
#define SCONCE_NOTE_RETAIN __attribute__((retain))
#endif
#endif
#ifndef SCONCE_NOTE_RETAIN
#define SCONCE_NOTE_RETAIN
#endif
#define SCONCE_GUEST_NOTE(reloc_)                                                                  \
    SCONCE_NOTE_RETAIN                                                                             \
    __attribute__((used, section(".note.sconce.guest"), aligned(4))) static const struct {         \
        uint32_t owner_bytes, desc_bytes, type;                                                    \
        char owner[8];                                                                             \
        struct sconce_guest_note desc;                                                             \
    } sconce_guest_note = {                                                                        \
        sizeof SCONCE_NOTE_OWNER,                                                                  \
        sizeof(struct sconce_guest_note),                                                          \
        SCONCE_NOTE_GUEST,                                                                         \
        SCONCE_NOTE_OWNER,                                                                         \
        {.abi = SCONCE_GUEST_ABI_CURRENT, .reloc = (reloc_)},                                      \
    }

/* ---- start.c, or ../libc/main.c: entered from the architecture's crt --------------------------
 */

_Noreturn void sconce_guest_start(const struct sconce_boot *boot);
_Noreturn void sconce_guest_resume(const struct sconce_boot *boot);

/* ---- serve.c --------------------------------------------------------------------------------- */

/**
 * sconce_serve_first - tell the host that the guest is ready, then serve.
 * @sp, @tls: the stack pointer, a multiple of 16, and the thread pointer of restored copies.
 */
_Noreturn void sconce_serve_first(uint64_t sp, uint64_t tls);

/** sconce_serve - serve the CALL in IN, and every one after it. */
_Noreturn void sconce_serve(void);

/** sconce_serve_nested - run the CALL at @at of IN for the host function that is being called, and
 * ring RETURN. */
void sconce_serve_nested(uint64_t at);

/** sconce_serve_in_used - bytes of IN that the running calls' arguments take, a multiple of 16. */
uint64_t sconce_serve_in_used(void);

/* ---- out.c: writing a frame into OUT --------------------------------------------------------- */

/* Begin a frame with @slot_count slots, all of them of type none. */
void sconce_out_begin(uint32_t kind, uint32_t index, uint32_t slot_count);
struct sconce_frame *sconce_out_frame(void);
void sconce_out_scalar(uint32_t i, uint32_t type, uint64_t bits);
/* False, and the slot stays none, when the bytes do not fit. */
bool sconce_out_span(uint32_t i, uint32_t type, const void *data, size_t length);
/* The fault handler's stack; 0 bytes without one. */
extern uintptr_t sconce_fault_stack, sconce_fault_stack_bytes;
/* How much was begun so far, frames and prints; and up to where of it a fault handler left for
 * good, by longjmp or by sending PC elsewhere. */
extern uint64_t sconce_out_begun, sconce_out_left;
/** sconce_out_interrupted - @busy, the number of what is under way, is not 0: by a caller of this
 * one, or by what a fault interrupted? A fault handler that would now break what it is to go back
 * to ends the guest, with a text. */
void sconce_out_interrupted(uint64_t *busy);
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

/** sconce_failure_end_start - a failure before there is a call is the guest's, and ends it: were it
 * kept, the first call would end with it. */
void sconce_failure_end_start(void);

/* What sconce_fail left for the end of the call. */
struct sconce_failure {
    bool pending;
    int32_t code;
    struct sconce_note_text text;
};

/** sconce_failure_set_aside - none is pending any more, until it is put back. */
void sconce_failure_set_aside(struct sconce_failure *ret_failure);
void sconce_failure_put_back(const struct sconce_failure *aside);

__attribute__((__format__(__printf__, 2, 3), __noreturn__)) void
sconce_abort_code(int32_t code, const char *format, ...);

/* ---- heap.c, arena.c ------------------------------------------------------------------------- */

void sconce_heap_init(void *memory, size_t bytes);
/** sconce_arena_mark - what sconce_alloc gave last; release frees all that it gave since. NULL
 * frees everything. */
const void *sconce_arena_mark(void);
void sconce_arena_release(const void *mark);

#endif
