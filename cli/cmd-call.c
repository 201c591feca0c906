/* SPDX-License-Identifier: Apache-2.0 */
/* sconce call: one function of a guest, its arguments from the command line. */
#include "box.h"
#include "commands.h"
#include "invoke.h"
#include "report.h"

static int call(struct session *session, struct box *box, struct invocation *invocation)
{
    struct sconce_value result = {0};
    int status = session_load(session, invocation->guest);

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

int cmd_call(const struct options *options)
{
    struct session session = {0};
    struct invocation invocation = {
        .session = &session,
        .guest = options->operands[0],
        .function = options->operands[1],
        .args = options->operands + 2,
        .arg_count = options->operand_count - 2,
    };
    struct box box = {0};
    int status;

    if (options->json && invocation_wants_stdout(options))
        return report_refuse(
            options, SCONCE_E_INVALID, "without --output, the document holds the result",
            "--output=%s and --format=json both want standard output", options->output_path);
    status = session_open(&session, options);
    if (status == STATUS_OK)
        status = call(&session, &box, &invocation);
    box_close(&box);
    session_close(&session);
    invocation_free(&invocation);
    return status;
}
