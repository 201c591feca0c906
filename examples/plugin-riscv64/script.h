/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mechanism of this backend: a list of reasons to leave user mode, read from a text file. It
 * stands where another backend has its hypervisor; README.md describes the file.
 */
#ifndef SCRIPT_H
#define SCRIPT_H

#include <stdint.h>
#include <stdio.h>

#define SCRIPT_MAX_STEPS 64u
#define SCRIPT_MAX_NUMBERS 7u /* a system call's number and its six arguments */
#define SCRIPT_TEXT_BYTES 96u

enum script_verb { SCRIPT_READY, SCRIPT_RETURN, SCRIPT_ECALL, SCRIPT_TRAP };

struct script_step {
    enum script_verb verb;
    uint32_t type;                        /* RETURN: SCONCE_TYPE_* of its value */
    uint64_t numbers[SCRIPT_MAX_NUMBERS]; /* RETURN: the value's bits; ECALL; TRAP: scause, stval */
    char text[SCRIPT_TEXT_BYTES];         /* RETURN: the value, when it is a string */
};

struct script {
    uint32_t count; /* at least 1 once it was read */
    struct script_step steps[SCRIPT_MAX_STEPS];
};

/** script_read - read all of @file. NULL, or what is wrong with line @ret_line. */
const char *script_read(FILE *file, struct script *ret_script, uint32_t *ret_line);

/** script_builtin - what is played without a file: a guest that answers every call with 42. */
extern const struct script script_builtin;

#endif
