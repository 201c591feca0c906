/* SPDX-License-Identifier: Apache-2.0 */
/* sconce run: start a guest; call its function run() if it exports one; a guest that exports
 * nothing is a program, whose end is the end of this one. */
#include <string.h>

#include "box.h"
#include "commands.h"
#include "json.h"
#include "report.h"
#include "session.h"
#include "text.h"

static bool is_run(const struct sconce_signature *function)
{
    return strcmp(function->name, "run") == 0 && function->param_count == 0 &&
           (function->result == SCONCE_TYPE_I32 || function->result == SCONCE_TYPE_NONE);
}

static bool find_run(const struct sconce_guest *guest, struct sconce_signature *ret)
{
    for (uint32_t i = 0; sconce_guest_export(guest, i, ret); i++)
        if (is_run(ret))
            return true;
    return false;
}

static void json_begin(struct json *json, const struct session *session)
{
    json_open_object(json, NULL);
    json_text(json, "backend", session->backend.name);
    json_text(json, "isolation", session->backend.isolation);
}

static void json_functions(const struct session *session)
{
    struct sconce_signature function;
    struct json json = {.out = stdout};

    json_begin(&json, session);
    json_open_array(&json, "functions");
    for (uint32_t i = 0; sconce_guest_export(session->guest, i, &function); i++) {
        json_open_object(&json, NULL);
        json_text(&json, "name", function.name);
        json_text(&json, "signature", function.text);
        json_close_object(&json);
    }
    json_close_array(&json);
    json_close_object(&json);
}

/* Advice, not a result: standard output is the guest's. */
static int list_functions(const struct session *session)
{
    const char *guest = session->options->operands[0];
    struct sconce_signature function;

    if (session->options->json) {
        json_functions(session);
    } else if (!session->options->quiet) {
        report_note("%s was started, and exports no function run(); its functions are:", guest);
        for (uint32_t i = 0; sconce_guest_export(session->guest, i, &function); i++) {
            fputs("  ", stderr);
            text_put_safe(stderr, function.name, strlen(function.name));
            fprintf(stderr, "%s\n", function.text);
        }
        report_hint("sconce call %s FUNCTION ARG...", guest);
    }
    return STATUS_OK;
}

static int call_run(struct box *box, const struct sconce_signature *function)
{
    const struct session *session = box->session;
    struct sconce_value result = {0};
    struct json json = {.out = stdout};
    int32_t code;
    int status = box_call(box, function, NULL, &result);

    if (status != STATUS_OK)
        return status;
    code = result.type == SCONCE_TYPE_I32 ? result.as.i32 : 0;
    if (session->options->json) {
        json_begin(&json, session);
        json_text(&json, "function", function->name);
        json_i64(&json, "value", code);
        json_close_object(&json);
    }
    if (code == 0)
        return STATUS_OK;
    if (!session->options->quiet)
        report_note("run() returned %d", code);
    return STATUS_GUEST_FAILED;
}

/* As a shell has it: the status is the program's. */
static int report_end(const struct box *box)
{
    struct json json = {.out = stdout};

    if (box->session->options->json) {
        json_begin(&json, box->session);
        json_i64(&json, "status", box->exit_status);
        json_close_object(&json);
    }
    return box->exit_status;
}

static int run(struct session *session, struct box *box)
{
    const struct options *options = session->options;
    struct args_reader reader = {0};
    struct sconce_signature function;
    int status;

    status = session_load(session, options->operands[0]);
    if (status == STATUS_OK)
        status = box_open(box, session, options->json ? stderr : stdout, &reader);
    if (status != STATUS_OK)
        return status;
    if (box->ended)
        return report_end(box);
    if (find_run(session->guest, &function))
        return call_run(box, &function);
    return list_functions(session);
}

int cmd_run(const struct options *options)
{
    struct session session = {0};
    struct box box = {
        .reads_stdin = true,
        .args = (const char *const *)options->operands,
        .arg_count = options->operand_count,
    };
    int status;

    status = session_open(&session, options);
    if (status == STATUS_OK)
        status = run(&session, &box);
    box_close(&box);
    session_close(&session);
    return status;
}
