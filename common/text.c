/* SPDX-License-Identifier: Apache-2.0 */
#include "common/text.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"

static bool make_room(struct sconce_text *text, size_t more)
{
    size_t need, room;
    char *data;

    if (__builtin_add_overflow(text->used, more, &need) || need > SIZE_MAX / 2)
        return false;
    if (need <= text->room)
        return true;
    room = need * 2;
    data = realloc(text->data, room);
    if (!data)
        return false;
    text->data = data;
    text->room = room;
    return true;
}

static bool add(struct sconce_text *text, const char *format, va_list args)
{
    va_list again;
    int length;

    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0 || !make_room(text, (size_t)length + 1))
        return false;
    vsnprintf(text->data + text->used, text->room - text->used, format, args);
    text->used += (size_t)length;
    return true;
}

void sconce_text_add(struct sconce_text *text, const char *format, ...)
{
    va_list args;

    if (text->failed)
        return;
    va_start(args, format);
    text->failed = !add(text, format, args);
    va_end(args);
}

const char *sconce_text_get(const struct sconce_text *text)
{
    return text->data ? text->data : "";
}

char *sconce_text_take(struct sconce_text *text)
{
    sconce_text_add(text, "%s", "");
    if (text->failed) {
        sconce_text_free(text);
        return NULL;
    }
    text->used = 0;
    text->room = 0;
    return SCONCE_STEAL(text->data);
}

void sconce_text_free(struct sconce_text *text)
{
    free(text->data);
    *text = (struct sconce_text){0};
}

void sconce_text_one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 0x7f)
            *text = ' ';
}
