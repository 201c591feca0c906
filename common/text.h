/* SPDX-License-Identifier: Apache-2.0 */
/* Text that grows, and text from elsewhere made fit for one line of a message. */
#ifndef SCONCE_COMMON_TEXT_H
#define SCONCE_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/* Zero-initialise. Running out of memory is remembered, so that only the end has to be checked. */
struct sconce_text {
    char *data; /* NUL-terminated when not NULL */
    size_t used;
    size_t room;
    bool failed;
};

void sconce_text_add(struct sconce_text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** sconce_text_get - what is there so far; "" when nothing is. Borrowed until the next add. */
const char *sconce_text_get(const struct sconce_text *text);

/** sconce_text_take - the malloc'd text ("" included), or NULL when memory ran out. @text is empty
 * afterwards. */
char *sconce_text_take(struct sconce_text *text);

/** sconce_text_free - also a clean-up function. */
void sconce_text_free(struct sconce_text *text);

/** sconce_text_one_line - make blanks of line ends and other control characters, in place. */
void sconce_text_one_line(char *text);

#endif
