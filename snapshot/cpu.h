/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What processor a snapshot was taken on. A guest's C library chooses its code by what the
 * processor has when it starts, and the choice is in its memory: elsewhere that code may fault.
 * Features that such choices turn on have names here, one table an architecture; meson takes the
 * machine's.
 *
 * They are the machine's, which is never less than what a guest was shown: some mechanisms cannot
 * hide a feature. So a snapshot may be refused that would have run; none runs into what is missing.
 */
#ifndef SCONCE_SNAPSHOT_CPU_H
#define SCONCE_SNAPSHOT_CPU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCONCE_CPU_FEATURES_MOST 64u
#define SCONCE_CPU_NAME_BYTES 24u

struct sconce_cpu {
    char names[SCONCE_CPU_FEATURES_MOST][SCONCE_CPU_NAME_BYTES];
    uint32_t count;
};

/** sconce_cpu_look - the features of this machine. */
void sconce_cpu_look(struct sconce_cpu *ret_cpu);

/** sconce_cpu_machine - ELF's e_machine of this machine; EM_NONE where nobody has listed features.
 */
uint32_t sconce_cpu_machine(void);

/** sconce_cpu_add - false when it has no room for the name. */
bool sconce_cpu_add(struct sconce_cpu *cpu, const char *name);

/**
 * sconce_cpu_lacks - which of @wanted are not in @cpu, with blanks between, as many as fit.
 * Returns how many there are.
 */
uint32_t sconce_cpu_lacks(const struct sconce_cpu *cpu, const struct sconce_cpu *wanted,
                          char *ret_text, size_t text_bytes);

#endif
