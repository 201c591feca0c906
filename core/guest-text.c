/* SPDX-License-Identifier: Apache-2.0 */
#include "core/guest-text.h"

#include "common/untrusted.h"
#include "core/signature.h"

void sconce_guest_text(const struct sconce_buffer *out, const struct sconce_message *message,
                       char text[SCONCE_GUEST_TEXT_BYTES])
{
    const struct sconce_slot *slot = &message->slots[0];
    size_t length;

    text[0] = '\0';
    if (!message->frame.slot_count || !sconce_type_has_bytes(slot->type))
        return;
    length = slot->length < SCONCE_GUEST_TEXT_BYTES ? slot->length : SCONCE_GUEST_TEXT_BYTES - 1;
    sconce_copy_untrusted(text, out->host + slot->value, length);
    /* A character that the cut went through: at most three of its bytes are there. */
    for (int i = 0; i < 3 && length < slot->length && !sconce_utf8_valid(text, length); i++)
        length--;
    text[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x20 || c == 0x7f)
            text[i] = '?';
    }
    if (sconce_utf8_valid(text, length)) {
        /* U+0080 to U+009F are control characters too: 0x9b begins a terminal's sequences. */
        for (size_t i = 0; i + 1 < length; i++) {
            if ((unsigned char)text[i] == 0xc2 && (unsigned char)text[i + 1] < 0xa0)
                text[i] = text[i + 1] = '?';
        }
        return;
    }
    for (size_t i = 0; i < length; i++) {
        if ((unsigned char)text[i] >= 0x80)
            text[i] = '?';
    }
}
