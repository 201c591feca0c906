/* SPDX-License-Identifier: Apache-2.0 */
/* Exits that every mechanism fills alike. */
#ifndef SCONCE_PLUGINS_SHARED_EXIT_H
#define SCONCE_PLUGINS_SHARED_EXIT_H

#include "sconce-plugin.h"

/** sconce_exit_clear - zero @ret_exit up to its size. */
void sconce_exit_clear(struct sconce_exit *ret_exit);

/** sconce_exit_fail - the mechanism failed. */
void sconce_exit_fail(struct sconce_exit *ret_exit, uint32_t domain, int64_t code,
                      const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
