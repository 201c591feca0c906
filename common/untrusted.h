/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one audited way to read memory that somebody else may be writing: a guest, a plugin's helper,
 * a file mapping. Copy once, then check the copy, then use the copy.
 */
#ifndef SCONCE_COMMON_UNTRUSTED_H
#define SCONCE_COMMON_UNTRUSTED_H

#include <stddef.h>

/**
 * sconce_copy_untrusted - copy @bytes bytes exactly once.
 * Out of line and behind a compiler barrier: gcc otherwise merges the copy with the checks that
 * follow it, and reads a field from the source a second time.
 */
void sconce_copy_untrusted(void *to, const void *from, size_t bytes);

#endif
