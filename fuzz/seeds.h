/* SPDX-License-Identifier: Apache-2.0 */
/* What the programs that make seeds have in common. */
#ifndef SCONCE_FUZZ_SEEDS_H
#define SCONCE_FUZZ_SEEDS_H

#include <stddef.h>

/** seeds_start - "[--check] DIR": write into the corpora in DIR, or compare with what is there. */
void seeds_start(int argc, char **argv);

/** emit - the seed @name of @target. */
void emit(const char *target, const char *name, const void *data, size_t bytes);

/** seeds_end - the program's exit status. */
int seeds_end(void);

#endif
