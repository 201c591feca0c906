/* SPDX-License-Identifier: Apache-2.0 */
/* sconce snapshot: guests that have started, kept in files. */
#include <stdlib.h>
#include <string.h>

#include "box.h"
#include "commands.h"
#include "invoke.h"
#include "json.h"
#include "report.h"
#include "snapshot-list.h"

/* DIR:TAG, taken apart. */
struct place {
    char *dir;
    const char *tag; /* within the text that was typed */
    bool has_tag;    /* one was typed */
};

/* What is behind the last colon, unless that is part of a path. */
static struct place place_of(char *text)
{
    struct place place = {.dir = report_strdup(text), .tag = "latest"};
    char *colon = strrchr(place.dir, ':');

    if (!colon || colon == place.dir || strchr(colon, '/'))
        return place;
    place.tag = text + (colon - place.dir) + 1;
    place.has_tag = true;
    *colon = '\0';
    return place;
}

static int tell(const struct options *options, const struct sconce_error *err)
{
    int status = report_failure(options, err);

    /* Files that cannot be read or written are those that were named. */
    return err->code == SCONCE_E_SYSTEM || err->code == SCONCE_E_INVALID ? STATUS_USAGE : status;
}

/* ---- create ---------------------------------------------------------------------------------- */

static void tell_kept(const struct session *session, const struct place *place)
{
    struct json json = {.out = stdout};

    if (!session->options->json)
        return;
    json_open_object(&json, NULL);
    json_text(&json, "backend", session->backend.name);
    json_text(&json, "isolation", session->backend.isolation);
    json_text(&json, "dir", place->dir);
    json_text(&json, "tag", place->tag);
    json_close_object(&json);
}

static int keep(const struct session *session, const struct box *box, const struct place *place)
{
    struct sconce_snapshot *snapshot = NULL;
    struct sconce_error err = {0};
    int r = sconce_sandbox_snapshot(box->sandbox, &snapshot, &err);

    if (!r)
        r = sconce_snapshot_save(snapshot, place->dir, place->tag, &err);
    sconce_snapshot_free(snapshot);
    if (r == SCONCE_E_SYSTEM) /* a result that could not be written, as of other commands */
        return report_failure(session->options, &err);
    if (r < 0)
        return tell(session->options, &err);
    tell_kept(session, place);
    return STATUS_OK;
}

static int refuse_program(const struct options *options)
{
    return report_refuse(options, SCONCE_E_STATE, "only guests that export functions can be kept",
                         "%s is a program: it has run to its end, and nothing of it is left",
                         options->operands[1]);
}

static int create(struct session *session, struct box *box, struct invocation *invocation,
                  const struct place *place)
{
    struct sconce_value result = {0};
    int status = session_load(session, invocation->guest);

    if (status == STATUS_OK && invocation->function)
        status = invocation_read(invocation);
    if (status == STATUS_OK)
        status = box_open(box, session, stderr, &invocation->reader);
    if (status == STATUS_OK && box->ended)
        status = refuse_program(session->options);
    if (status == STATUS_OK && invocation->function)
        status = box_call(box, &invocation->signature, invocation->values, &result);
    if (status == STATUS_OK)
        status = keep(session, box, place);
    return status;
}

static int cmd_create(const struct options *options)
{
    const size_t behind = options->operand_count > 3 ? 4 : options->operand_count;
    struct session session = {0};
    struct invocation invocation = {
        .session = &session,
        .guest = options->operands[1],
        .function = options->operand_count > 3 ? options->operands[3] : NULL,
        .args = options->operands + behind,
        .arg_count = options->operand_count - behind,
    };
    struct place place = place_of(options->operands[2]);
    struct box box = {0};
    int status = session_open(&session, options);

    if (status == STATUS_OK)
        status = create(&session, &box, &invocation, &place);
    box_close(&box);
    session_close(&session);
    invocation_free(&invocation);
    free(place.dir);
    return status;
}

/* ---- run ------------------------------------------------------------------------------------- */

static int run(struct session *session, struct box *box, struct invocation *invocation,
               const struct place *place)
{
    struct sconce_value result = {0};
    int status = session_load_snapshot(session, place->dir, place->tag);

    if (status == STATUS_OK)
        status = invocation_read(invocation);
    if (status == STATUS_OK)
        status = box_open(box, session, stderr, &invocation->reader);
    if (status == STATUS_OK)
        status = box_call(box, &invocation->signature, invocation->values, &result);
    if (status == STATUS_OK)
        status = invocation_put(invocation, &result);
    return status;
}

static int cmd_go_on(const struct options *options)
{
    struct session session = {0};
    struct invocation invocation = {
        .session = &session,
        .function = options->operands[2],
        .args = options->operands + 3,
        .arg_count = options->operand_count - 3,
    };
    struct place place;
    struct box box = {0};
    int status;

    if (options->json && invocation_wants_stdout(options))
        return report_refuse(
            options, SCONCE_E_INVALID, "without --output, the document holds the result",
            "--output=%s and --format=json both want standard output", options->output_path);
    place = place_of(options->operands[1]);
    status = session_open(&session, options);
    if (status == STATUS_OK)
        status = run(&session, &box, &invocation, &place);
    box_close(&box);
    session_close(&session);
    invocation_free(&invocation);
    free(place.dir);
    return status;
}

/* ---- ls, verify ------------------------------------------------------------------------------ */

static int cmd_list(const struct options *options)
{
    struct sconce_error err = {0};

    if (snapshot_list(options, options->operands[1], &err) < 0)
        return tell(options, &err);
    return STATUS_OK;
}

static int cmd_verify(const struct options *options)
{
    struct session session = {0};
    struct sconce_error err = {0};
    struct place place = place_of(options->operands[1]);
    int status = session_open(&session, options);

    if (status == STATUS_OK) {
        status = snapshot_verify(&session, place.dir, place.has_tag ? place.tag : NULL, &err);
        if (err.code)
            status = tell(options, &err);
    }
    session_close(&session);
    free(place.dir);
    return status;
}

/* ---- Which ----------------------------------------------------------------------------------- */

int cmd_snapshot(const struct options *options)
{
    static const struct {
        const char *name, *operands;
        size_t least, most; /* with its own name */
        int (*run)(const struct options *options);
    } actions[] = {
        {"create", "GUEST DIR[:TAG] [FUNCTION [ARG...]]", 3, SIZE_MAX, cmd_create},
        {"run", "DIR[:TAG] FUNCTION [ARG...]", 3, SIZE_MAX, cmd_go_on},
        {"ls", "DIR", 2, 2, cmd_list},
        {"verify", "DIR[:TAG]", 2, 2, cmd_verify},
    };

    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (strcmp(actions[i].name, options->operands[0]) != 0)
            continue;
        if (options->operand_count < actions[i].least || options->operand_count > actions[i].most)
            return report_usage(options->command, "usage: sconce snapshot %s %s", actions[i].name,
                                actions[i].operands);
        return actions[i].run(options);
    }
    return report_usage(options->command, "there is no sconce snapshot %s", options->operands[0]);
}
