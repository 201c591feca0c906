/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Failures of calls, and giving up.
 */
#include <string.h>

#include "internal.h"

static struct sconce_failure failure;

static void append(void *ctx, const char *piece, size_t bytes)
{
    struct sconce_note_text *note = ctx;
    size_t room = sizeof note->text - 1 - note->length;

    if (bytes > room)
        bytes = room;
    memcpy(note->text + note->length, piece, bytes);
    note->length += bytes;
}

static void finish(struct sconce_note_text *note)
{
    note->length = sconce_utf8_cut(note->text, note->length);
    note->text[note->length] = '\0';
}

void sconce_note_format(struct sconce_note_text *note, const char *format, va_list args)
{
    note->length = 0;
    sconce_vformat(append, note, format, args);
    finish(note);
}

void sconce_note_copy(struct sconce_note_text *note, const void *data, size_t length)
{
    note->length = 0;
    append(note, data, length);
    finish(note);
}

void sconce_fail(int32_t code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    sconce_note_format(&failure.text, format, args);
    va_end(args);
    failure.code = code ? code : 1;
    failure.pending = true;
}

SCONCE_HOT bool sconce_failure_take(int32_t *ret_code, const struct sconce_note_text **ret_text)
{
    bool pending = failure.pending;

    *ret_code = failure.code;
    *ret_text = &failure.text;
    failure.pending = false;
    return pending;
}

void sconce_failure_end_start(void)
{
    if (failure.pending)
        sconce_abort_code(failure.code, "%s", failure.text.text);
}

/* The text is copied only where there is one: this is on the way of every nested call. */
void sconce_failure_set_aside(struct sconce_failure *ret_failure)
{
    ret_failure->pending = failure.pending;
    if (failure.pending)
        *ret_failure = failure;
    failure.pending = false;
}

void sconce_failure_put_back(const struct sconce_failure *aside)
{
    if (aside->pending)
        failure = *aside;
}

static struct sconce_note_text last_words;

static _Noreturn void give_up(int32_t code)
{
    sconce_print_flush();
    sconce_out_begin(SCONCE_FRAME_ABORT, 0, 1);
    sconce_out_frame()->code = code;
    sconce_out_span(0, SCONCE_TYPE_STRING, last_words.text, last_words.length);
    for (;;)
        sconce_out_ring(SCONCE_DOORBELL_ABORT);
}

void sconce_abort(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    sconce_note_format(&last_words, format, args);
    va_end(args);
    give_up(1);
}

void sconce_abort_code(int32_t code, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    sconce_note_format(&last_words, format, args);
    va_end(args);
    give_up(code);
}
