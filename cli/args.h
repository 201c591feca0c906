/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a person types for an argument, as a typed value. sconce-call(1), VALUES, is the description
 * of the syntax; output.c writes what this reads.
 */
#ifndef SCONCE_CLI_ARGS_H
#define SCONCE_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sconce/sconce.h>

/* One command line's worth of parsing; start with {0}. */
struct args_reader {
    bool stdin_taken; /* an earlier argument was @- */
    char why[256];    /* after a failure: the reason, without the argument */
};

/**
 * args_parse - @text as a value of type @type (SCONCE_TYPE_*).
 * @ret_owned: [give] what the value's bytes live in, or NULL; free() it after the value's last use.
 *   Otherwise they live in @text.
 */
bool args_parse(struct args_reader *reader, uint32_t type, const char *text,
                struct sconce_value *ret_value, void **ret_owned);

/** args_looks_negative - "-5", "-.5", "-0x1f", "-inf", "-nan": a value, though options start so. */
bool args_looks_negative(const char *text);

#endif
