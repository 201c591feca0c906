/* SPDX-License-Identifier: Apache-2.0 */
#include "invoke.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "files.h"
#include "json.h"
#include "output.h"
#include "report.h"

/* As many names as fit. */
static void list_exports(const struct sconce_guest *guest, char *to, size_t room)
{
    struct sconce_signature function;
    size_t used = (size_t)snprintf(to, room, "it exports:");

    for (uint32_t i = 0; sconce_guest_export(guest, i, &function); i++) {
        if (strlen(function.name) + sizeof ", ..." > room - used) {
            snprintf(to + used, room - used, " ...");
            return;
        }
        used += (size_t)snprintf(to + used, room - used, "%s %s", i ? "," : "", function.name);
    }
}

static void hint_at_exports(const struct invocation *invocation, struct sconce_error *err)
{
    const struct sconce_guest *guest = invocation->session->guest;
    struct sconce_signature any;

    if (!sconce_guest_export(guest, 0, &any) && invocation->guest)
        snprintf(err->hint, sizeof err->hint,
                 "it exports nothing; a whole program is run by: sconce run %.200s -- ARG...",
                 invocation->guest);
    else if (!invocation->guest)
        list_exports(guest, err->hint, sizeof err->hint);
    else if (!err->hint[0])
        snprintf(err->hint, sizeof err->hint, "sconce inspect %.200s lists its functions",
                 invocation->guest);
}

static int find_function(struct invocation *invocation)
{
    const struct session *session = invocation->session;
    struct sconce_error err = {0};
    uint32_t i;

    if (sconce_guest_find(session->guest, invocation->function, &i, &err) == 0) {
        sconce_guest_export(session->guest, i, &invocation->signature);
        return STATUS_OK;
    }
    hint_at_exports(invocation, &err);
    return report_failure(session->options, &err);
}

static int parse_arguments(struct invocation *invocation)
{
    const struct options *options = invocation->session->options;
    const struct sconce_signature *function = &invocation->signature;
    size_t given = invocation->arg_count;
    char hint[320];

    snprintf(hint, sizeof hint, "its signature is %.100s%s", function->name, function->text);
    if (given != function->param_count)
        return report_refuse(options, SCONCE_E_TYPE, hint,
                             "%s takes %u argument%s, but %zu %s given", function->name,
                             function->param_count, function->param_count == 1 ? "" : "s", given,
                             given == 1 ? "was" : "were");
    for (size_t i = 0; i < given; i++) {
        uint32_t type = (unsigned char)function->params[i];
        const char *text = invocation->args[i];

        if (args_parse(&invocation->reader, type, text, &invocation->values[i],
                       &invocation->owned[i]))
            continue;
        return report_refuse(options, SCONCE_E_TYPE, hint,
                             "argument %zu of %s, \"%.60s\", cannot be of type %s: %s", i + 1,
                             function->name, text, sconce_type_name(type), invocation->reader.why);
    }
    return STATUS_OK;
}

int invocation_read(struct invocation *invocation)
{
    int status = find_function(invocation);

    return status == STATUS_OK ? parse_arguments(invocation) : status;
}

void invocation_free(struct invocation *invocation)
{
    for (size_t i = 0; i < SCONCE_MAX_PARAMS; i++)
        free(invocation->owned[i]);
    *invocation = (struct invocation){0};
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

bool invocation_wants_stdout(const struct options *options)
{
    const char *path = options->output_path;

    return path && (strcmp(path, "-") == 0 || files_descriptor(path) == STDOUT_FILENO);
}

int invocation_put(const struct invocation *invocation, const struct sconce_value *value)
{
    const struct session *session = invocation->session;
    const struct sconce_signature *function = &invocation->signature;
    const struct options *options = session->options;
    bool to_stdout = invocation_wants_stdout(options);
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
