/* SPDX-License-Identifier: Apache-2.0 */
/* The runtime's log sink. Never in the exit loop's hot path. */
#ifndef SCONCE_CORE_LOG_H
#define SCONCE_CORE_LOG_H

#include <stdint.h>

#include <sconce/sconce.h>

struct sconce_log {
    sconce_log_fn fn; /* NULL: silent */
    void *ctx;
    uint32_t level; /* SCONCE_LOG_*: the most talkative that is passed on */
};

/** sconce_log - one line; @key is stable and dotted ("backend.refused"). */
void sconce_log_line(const struct sconce_log *log, uint32_t level, const char *key,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
