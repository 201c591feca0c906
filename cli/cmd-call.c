/* SPDX-License-Identifier: Apache-2.0 */
/* sconce call: one function of a guest, its arguments from the command line. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "args.h"
#include "box.h"
#include "commands.h"
#include "files.h"
#include "json.h"
#include "output.h"
#include "report.h"
#include "session.h"

/* The arguments as values, and what their bytes live in. */
struct arguments {
    struct sconce_value values[SCONCE_MAX_PARAMS];
    void *owned[SCONCE_MAX_PARAMS];
};

static int find_function(const struct session *session, struct sconce_signature *ret_function)
{
    const struct options *options = session->options;
    struct sconce_signature any;
    struct sconce_error err = {0};
    uint32_t i;

    if (sconce_guest_find(session->guest, options->operands[1], &i, &err) == 0) {
        sconce_guest_export(session->guest, i, ret_function);
        return STATUS_OK;
    }
    if (!sconce_guest_export(session->guest, 0, &any))
        snprintf(err.hint, sizeof err.hint,
                 "it exports nothing; a whole program is run by: sconce run %.200s -- ARG...",
                 options->operands[0]);
    else if (!err.hint[0])
        snprintf(err.hint, sizeof err.hint, "sconce inspect %.200s lists its functions",
                 options->operands[0]);
    return report_failure(options, &err);
}

static int parse_arguments(const struct options *options, const struct sconce_signature *function,
                           struct args_reader *reader, struct arguments *arguments)
{
    size_t given = options->operand_count - 2;
    char hint[320];

    snprintf(hint, sizeof hint, "its signature is %.100s%s", function->name, function->text);
    if (given != function->param_count)
        return report_refuse(options, SCONCE_E_TYPE, hint,
                             "%s takes %u argument%s, but %zu %s given", function->name,
                             function->param_count, function->param_count == 1 ? "" : "s", given,
                             given == 1 ? "was" : "were");
    for (size_t i = 0; i < given; i++) {
        uint32_t type = (unsigned char)function->params[i];
        const char *text = options->operands[i + 2];

        if (args_parse(reader, type, text, &arguments->values[i], &arguments->owned[i]))
            continue;
        return report_refuse(options, SCONCE_E_TYPE, hint,
                             "argument %zu of %s, \"%.60s\", cannot be of type %s: %s", i + 1,
                             function->name, text, sconce_type_name(type), reader->why);
    }
    return STATUS_OK;
}

static int write_file(const struct options *options, const struct sconce_value *value)
{
    struct sconce_error err = {.code = SCONCE_E_SYSTEM};
    char text[OUTPUT_SCALAR_BYTES];
    char why[128];
    size_t bytes;
    const void *data = output_raw(value, text, &bytes);
    int fd = files_descriptor(options->output_path);

    if (files_write(options->output_path, data, bytes, why, sizeof why))
        return STATUS_OK;
    snprintf(err.text, sizeof err.text, "cannot write the result to %s: %s", options->output_path,
             why);
    if (fd >= 0 && !files_is_given(fd))
        snprintf(
            err.hint, sizeof err.hint,
            "open it for writing where sconce is started: sconce call ... -o /dev/fd/3 3>FILE");
    return report_failure(options, &err);
}

static void put_raw(const struct sconce_value *value)
{
    char text[OUTPUT_SCALAR_BYTES];
    size_t bytes;
    const void *data = output_raw(value, text, &bytes);

    fwrite(data, 1, bytes, stdout);
}

static void put_json(const struct session *session, const struct sconce_signature *function,
                     const struct sconce_value *value)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_text(&json, "backend", session->backend.name);
    json_text(&json, "isolation", session->backend.isolation);
    json_text(&json, "function", function->name);
    if (session->options->output_path)
        json_text(&json, "output", session->options->output_path);
    else
        output_json(&json, value);
    json_close_object(&json);
}

static bool is_to_stdout(const struct options *options)
{
    const char *path = options->output_path;

    return path && (strcmp(path, "-") == 0 || files_descriptor(path) == STDOUT_FILENO);
}

static int put_result(const struct session *session, const struct sconce_signature *function,
                      const struct sconce_value *value)
{
    const struct options *options = session->options;
    bool to_stdout = is_to_stdout(options);
    bool terminal = isatty(STDOUT_FILENO) != 0;

    if (options->output_path && !to_stdout) {
        int status = write_file(options, value);

        if (status == STATUS_OK && options->json)
            put_json(session, function, value);
        return status;
    }
    if (options->json)
        put_json(session, function, value);
    else if (to_stdout || (value->type == SCONCE_TYPE_BYTES && !terminal))
        put_raw(value);
    else
        output_value(stdout, value, terminal);
    return STATUS_OK;
}

static int call(struct session *session, struct box *box, struct arguments *arguments)
{
    const struct options *options = session->options;
    struct args_reader reader = {0};
    struct sconce_signature function;
    struct sconce_value result = {0};
    int status;

    status = session_load(session, options->operands[0]);
    if (status == STATUS_OK)
        status = find_function(session, &function);
    if (status == STATUS_OK)
        status = parse_arguments(options, &function, &reader, arguments);
    if (status == STATUS_OK)
        status = box_open(box, session, stderr, &reader);
    if (status == STATUS_OK)
        status = box_call(box, &function, arguments->values, &result);
    if (status == STATUS_OK)
        status = put_result(session, &function, &result);
    return status;
}

int cmd_call(const struct options *options)
{
    struct arguments arguments = {0};
    struct session session = {0};
    struct box box = {0};
    int status;

    if (options->json && is_to_stdout(options))
        return report_refuse(
            options, SCONCE_E_INVALID, "without --output, the document holds the result",
            "--output=%s and --format=json both want standard output", options->output_path);
    status = session_open(&session, options);
    if (status == STATUS_OK)
        status = call(&session, &box, &arguments);
    box_close(&box);
    session_close(&session);
    for (size_t i = 0; i < SCONCE_MAX_PARAMS; i++)
        free(arguments.owned[i]);
    return status;
}
