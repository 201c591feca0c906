/* SPDX-License-Identifier: Apache-2.0 */
#include "script.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sconce-guest-abi.h>

#define BLANKS " \t\r\n"
#define LINE_BYTES 256

const struct script script_builtin = {
    .count = 2,
    .steps = {{.verb = SCRIPT_READY},
              {.verb = SCRIPT_RETURN, .type = SCONCE_TYPE_I32, .numbers = {42}}},
};

static const struct {
    const char *name;
    uint32_t type;
} types[] = {
    {"none", SCONCE_TYPE_NONE}, {"bool", SCONCE_TYPE_BOOL}, {"i32", SCONCE_TYPE_I32},
    {"u32", SCONCE_TYPE_U32},   {"i64", SCONCE_TYPE_I64},   {"u64", SCONCE_TYPE_U64},
};

static bool read_number(const char *word, uint64_t *ret_number)
{
    char *end;

    errno = 0;
    *ret_number = strtoull(word, &end, 0);
    return errno == 0 && end != word && *end == '\0';
}

/* The words that are left, as numbers; NULL, or what is wrong with them. */
static const char *read_numbers(char **rest, uint32_t least, uint32_t most,
                                uint64_t numbers[SCRIPT_MAX_NUMBERS])
{
    uint32_t count = 0;

    for (char *word; (word = strtok_r(NULL, BLANKS, rest)) != NULL; count++) {
        if (word[0] == '#')
            break;
        if (count == most)
            return "too many numbers";
        if (!read_number(word, &numbers[count]))
            return "that is no number";
    }
    return count < least ? "a number is missing" : NULL;
}

/* "i32 -7", "string some text", "none" */
static const char *read_value(char **rest, struct script_step *step)
{
    const char *name = strtok_r(NULL, BLANKS, rest), *problem;

    if (name && strcmp(name, "string") == 0) {
        const char *text = *rest + strspn(*rest, BLANKS);
        size_t length = strcspn(text, "\r\n");

        if (length >= sizeof step->text)
            return "the text is too long";
        step->type = SCONCE_TYPE_STRING;
        memcpy(step->text, text, length);
        return NULL;
    }
    for (size_t i = 0; name && i < sizeof types / sizeof types[0]; i++) {
        if (strcmp(name, types[i].name) != 0)
            continue;
        step->type = types[i].type;
        if (step->type == SCONCE_TYPE_NONE)
            return read_numbers(rest, 0, 0, step->numbers);
        problem = read_numbers(rest, 1, 1, step->numbers);
        /* Slots hold 32-bit integers zero-extended, negative ones as well. */
        if (step->type == SCONCE_TYPE_I32 || step->type == SCONCE_TYPE_U32)
            step->numbers[0] = (uint32_t)step->numbers[0];
        return problem;
    }
    return "return needs a value: none, bool N, i32 N, u32 N, i64 N, u64 N or string TEXT";
}

static const char *read_step(const char *verb, char **rest, struct script_step *step)
{
    if (strcmp(verb, "ready") == 0) {
        step->verb = SCRIPT_READY;
        return read_numbers(rest, 0, 0, step->numbers);
    }
    if (strcmp(verb, "return") == 0) {
        step->verb = SCRIPT_RETURN;
        return read_value(rest, step);
    }
    if (strcmp(verb, "ecall") == 0) {
        step->verb = SCRIPT_ECALL;
        return read_numbers(rest, 1, SCRIPT_MAX_NUMBERS, step->numbers);
    }
    if (strcmp(verb, "trap") == 0) {
        step->verb = SCRIPT_TRAP;
        return read_numbers(rest, 1, 2, step->numbers);
    }
    return "a line is ready, return, ecall or trap";
}

const char *script_read(FILE *file, struct script *ret_script, uint32_t *ret_line)
{
    char line[LINE_BYTES];

    *ret_script = (struct script){.count = 0};
    for (*ret_line = 1; fgets(line, sizeof line, file); ++*ret_line) {
        bool whole = strlen(line) < sizeof line - 1;
        char *rest, *verb = strtok_r(line, BLANKS, &rest);
        const char *problem;

        if (!whole)
            return "the line is too long";
        if (!verb || verb[0] == '#')
            continue;
        if (ret_script->count == SCRIPT_MAX_STEPS)
            return "the script is too long";
        problem = read_step(verb, &rest, &ret_script->steps[ret_script->count++]);
        if (problem)
            return problem;
    }
    if (ferror(file))
        return "it cannot be read";
    return ret_script->count == 0 ? "the script has no line" : NULL;
}
