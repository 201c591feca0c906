/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "interrupt.h"
#include "report.h"
#include "text.h"

static void print(void *ctx, const char *text, size_t bytes)
{
    struct box *box = ctx;

    if (bytes == 0)
        return;
    if (box->print_safe)
        text_put_safe(box->print_to, text, bytes);
    else
        fwrite(text, 1, bytes, box->print_to);
    box->line_begun = text[bytes - 1] != '\n';
}

/* What comes next on the terminal starts on its own line. */
static void end_line(struct box *box)
{
    if (box->line_begun && box->print_safe)
        fputc('\n', box->print_to);
    fflush(box->print_to);
    box->line_begun = false;
}

static int fail(struct box *box, struct sconce_error *err)
{
    const struct options *options = box->session->options;

    end_line(box);
    if (err->code == SCONCE_E_KICKED && interrupt_caught() != 0)
        snprintf(err->text, sizeof err->text, "the call was ended by a signal (%s)",
                 strsignal(interrupt_caught()));
    return report_failure(options, err);
}

int box_open(struct box *box, const struct session *session, FILE *print_to,
             struct args_reader *reader)
{
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_error err = {0};
    int status;

    box->session = session;
    box->print_to = print_to;
    box->print_safe = isatty(fileno(print_to)) != 0;
    status = host_build(&box->host, session->options, session->guest, reader);
    if (status != STATUS_OK)
        return status;
    options.functions = box->host.functions;
    options.function_count = (uint32_t)box->host.count;
    options.print = print;
    options.print_ctx = box;
    if (sconce_sandbox_new(session->guest, &options, &box->sandbox, &err) < 0)
        return fail(box, &err);
    return STATUS_OK;
}

static void tell_counts(const struct box *box)
{
    struct sconce_stats stats = {.size = sizeof stats};

    if (box->session->options->verbose == 0 || sconce_sandbox_stats(box->sandbox, &stats) < 0)
        return;
    fprintf(stderr,
            "counts: calls %" PRIu64 ", exits %" PRIu64 ", host calls %" PRIu64 ", traps %" PRIu64
            ", cancelled %" PRIu64 ", output bytes %" PRIu64 "\n",
            stats.calls, stats.exits, stats.host_calls, stats.traps, stats.cancelled_exits,
            stats.output_bytes);
}

int box_call(struct box *box, const struct sconce_signature *function,
             const struct sconce_value *args, struct sconce_value *ret_result)
{
    struct sconce_error err = {0};
    int r;

    interrupt_begin(box->sandbox);
    r = sconce_sandbox_call(box->sandbox, function->name, args, function->param_count, ret_result,
                            &err);
    interrupt_end();
    if (r < 0)
        fail(box, &err);
    end_line(box);
    tell_counts(box);
    return r < 0 ? report_status(&err) : STATUS_OK;
}

void box_close(struct box *box)
{
    sconce_sandbox_free(box->sandbox);
    host_free(&box->host);
    *box = (struct box){0};
}
