/* SPDX-License-Identifier: Apache-2.0 */
/* Texts that a guest sends (failures, aborts), made fit for an error message. */
#ifndef SCONCE_CORE_GUEST_TEXT_H
#define SCONCE_CORE_GUEST_TEXT_H

#include "core/frame.h"

#define SCONCE_GUEST_TEXT_BYTES 512u

/**
 * sconce_guest_text - slot 0 of @message as text: cut to fit, control characters (which a terminal
 * would obey) and what is not UTF-8 replaced by '?'. Empty when slot 0 is no string.
 */
void sconce_guest_text(const struct sconce_buffer *out, const struct sconce_message *message,
                       char text[SCONCE_GUEST_TEXT_BYTES]);

#endif
