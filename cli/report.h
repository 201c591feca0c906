/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the program says on standard error, and the exit status that goes with it. Standard output
 * is for results, and is none of this file's but for the JSON object of an error.
 */
#ifndef SCONCE_CLI_REPORT_H
#define SCONCE_CLI_REPORT_H

#include <stddef.h>
#include <stdio.h>

#include <sconce/sconce.h>

#include "options.h"

/* sconce(1), EXIT STATUS. */
#define STATUS_OK 0
#define STATUS_GUEST_FAILED 1
#define STATUS_USAGE 2 /* the command line, its values, or a file that is to be read, is wrong */
#define STATUS_CONFIG 3
#define STATUS_NO_BACKEND 4
#define STATUS_GUEST_FAULT 5
#define STATUS_LIMIT 6
#define STATUS_INTERNAL 70 /* sysexits.h: EX_SOFTWARE */

/** report_error - "sconce: text". Control characters in what @format makes are shown, not sent. */
void report_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** report_note - the same; for what is no error. */
void report_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** report_hint - "hint: text", behind an error. */
void report_hint(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** report_usage - an error, a hint at the command's --help, and STATUS_USAGE. */
int report_usage(const struct command *command, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/** report_status - the exit status for an error of the library. */
int report_status(const struct sconce_error *err);

/**
 * report_failure - tell @err and its hint; with --format=json the same as an object on standard
 * output, so that there is always one document. Returns report_status.
 */
int report_failure(const struct options *options, const struct sconce_error *err);

/**
 * report_refuse - the same for what this program found wrong with the command line.
 * @code: SCONCE_E_*, for JSON. @hint: "" for none. Returns STATUS_USAGE.
 */
int report_refuse(const struct options *options, int code, const char *hint, const char *format,
                  ...) __attribute__((format(printf, 4, 5)));

/* Memory that the program cannot do without: when there is none, these say so and end it. */
void *report_calloc(size_t count, size_t bytes); /* zeroed */
char *report_strdup(const char *text);

/** report_memory - a stream into memory, as open_memstream(3) has it; free() @ret_text behind
 * report_memory_end. */
FILE *report_memory(char **ret_text, size_t *ret_bytes);
void report_memory_end(FILE *stream);

#endif
