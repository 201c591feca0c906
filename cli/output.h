/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed values as text and as JSON: the inverse of args.c. What output_scalar() writes,
 * args_parse() reads back as the same bits.
 */
#ifndef SCONCE_CLI_OUTPUT_H
#define SCONCE_CLI_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <sconce/sconce.h>

#include "json.h"

#define OUTPUT_SCALAR_BYTES 48u

/** output_scalar - bool, integers and floats as text; "" for every other type. */
void output_scalar(const struct sconce_value *value, char text[OUTPUT_SCALAR_BYTES]);

/**
 * output_value - for people: a string as it is and a newline, bytes as a dump, none as nothing.
 * @safe: @out is a terminal, which a guest's string must not drive.
 */
void output_value(FILE *out, const struct sconce_value *value, bool safe);

/**
 * output_raw - for files and pipes: bytes and strings as they are, others as text and a newline.
 * @text: room for the latter. Returns *@ret_bytes bytes, of @value or of @text; no NUL behind them.
 */
const void *output_raw(const struct sconce_value *value, char text[OUTPUT_SCALAR_BYTES],
                       size_t *ret_bytes);

/** output_brief - on one line, for logs: strings quoted and cut, bytes as their number. */
void output_brief(FILE *out, const struct sconce_value *value);

/**
 * output_json - members "type" and "value": 64-bit integers and floats that JSON has no number for
 * (nan, inf) as strings, bytes as base64, none as null.
 */
void output_json(struct json *json, const struct sconce_value *value);

#endif
