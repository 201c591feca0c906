/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Call frames: reading the guest's from OUT (hostile bytes), writing the host's into IN. Pure
 * functions on byte spans; what the frames mean is decided elsewhere.
 */
#ifndef SCONCE_CORE_FRAME_H
#define SCONCE_CORE_FRAME_H

#include <stdint.h>

#include <sconce/sconce.h>

#include "sconce-guest-abi.h"

/* One of the two buffers, as the host sees it. */
struct sconce_buffer {
    uint8_t *host;
    uint64_t bytes;
    uint64_t used; /* of IN: what was written since it was last zero ends here */
};

/* A frame of the guest, copied out and checked: every slot's bytes lie within the buffer. There are
 * frame.slot_count slots; what is behind them was never written. */
struct sconce_message {
    struct sconce_frame frame;
    struct sconce_slot slots[SCONCE_MAX_PARAMS];
};

/**
 * sconce_frame_read - copy out the frame at the start of @out, once, and check its form.
 * Errors: SCONCE_E_GUEST_PROTOCOL with what is wrong; @ret_message is not to be used then.
 */
int sconce_frame_read(const struct sconce_buffer *out, struct sconce_message *ret_message,
                      struct sconce_error *err);

/**
 * sconce_frame_value - a slot as a value. Bytes and strings are copied to @store, which holds at
 * least slot->length + 1 bytes, once, with a NUL behind them; strings must be UTF-8.
 */
int sconce_frame_value(const struct sconce_buffer *out, const struct sconce_slot *slot,
                       uint8_t *store, struct sconce_value *ret_value, struct sconce_error *err);

/**
 * sconce_frame_write - write @frame at @at of @in, with a slot for each value and the bytes behind.
 * Sets slot_count and used_bytes. Values are of known types, strings checked by the caller.
 * Errors: SCONCE_E_LIMIT (SCONCE_LIMIT_IO) when it does not fit; then nothing is written.
 */
int sconce_frame_write(struct sconce_buffer *in, uint64_t at, const struct sconce_frame *frame,
                       const struct sconce_value *values, uint32_t value_count,
                       struct sconce_error *err);

/** sconce_type_has_bytes - string or bytes? */
static inline bool sconce_type_has_bytes(uint32_t type)
{
    return type == SCONCE_TYPE_STRING || type == SCONCE_TYPE_BYTES;
}

#endif
