/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a plugin says about itself in its ELF note, read without running any of its code. Everything
 * read is bounded and printable; nothing of it is believed before the descriptor repeats it.
 */
#ifndef SCONCE_CORE_PLUGIN_NOTE_H
#define SCONCE_CORE_PLUGIN_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include <sconce/error.h>

#define SCONCE_FACT_BYTES 128u

/* NUL-terminated; those that the note need not have are "". */
struct sconce_plugin_facts {
    uint16_t abi_major;
    uint16_t abi_minor;
    uint32_t machine; /* ELF e_machine of the guests; 0 for any */
    char name[SCONCE_FACT_BYTES];
    char version[SCONCE_FACT_BYTES];
    char arch[SCONCE_FACT_BYTES];
    char mechanism[SCONCE_FACT_BYTES];
    char isolation[SCONCE_FACT_BYTES]; /* "vm", "process" or "none" */
    char status[SCONCE_FACT_BYTES];
    char requires_[SCONCE_FACT_BYTES];
};

/**
 * sconce_plugin_note_read - check that a file is a shared object for this host, and read its note.
 * @fd: of a regular file, open for reading.
 * Errors: SCONCE_E_NO_BACKEND, without the file's name in the text.
 */
int sconce_plugin_note_read(int fd, struct sconce_plugin_facts *ret_facts,
                            struct sconce_error *err);

/** sconce_plugin_note_parse - the note's text alone: "key=value" lines and a NUL. */
int sconce_plugin_note_parse(const char *text, size_t bytes, struct sconce_plugin_facts *ret_facts,
                             struct sconce_error *err);

#endif
