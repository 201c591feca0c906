/* SPDX-License-Identifier: Apache-2.0 */
#include "box.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "interrupt.h"
#include "report.h"
#include "text.h"

static void print(void *ctx, const char *text, size_t bytes)
{
    struct box_stream *stream = ctx;

    if (bytes == 0)
        return;
    if (stream->safe)
        text_put_safe(stream->to, text, bytes);
    else
        fwrite(text, 1, bytes, stream->to);
    stream->line_begun = stream->cut = text[bytes - 1] != '\n';
}

/* @whole: a newline ends the line, if there is one. */
static void end_stream(struct box_stream *stream, bool whole)
{
    if (stream->line_begun && whole) {
        fputc('\n', stream->to);
        stream->line_begun = false;
    }
    fflush(stream->to);
}

/* What comes next on the terminal starts on its own line; elsewhere the output is the guest's. */
static void end_line(struct box *box)
{
    end_stream(&box->print, box->print.safe);
    end_stream(&box->print_error, box->print_error.safe);
}

/* Does what goes there stand between this program's own words: on a terminal, in a file or pipe? */
static bool meets_errors(const struct box_stream *stream)
{
    struct stat to, errors;

    return fstat(fileno(stream->to), &to) == 0 && fstat(STDERR_FILENO, &errors) == 0 &&
           to.st_dev == errors.st_dev && to.st_ino == errors.st_ino;
}

/* What comes next on standard error starts on its own line, wherever that goes. */
static void end_line_of_errors(struct box *box)
{
    end_stream(&box->print, box->print.safe || meets_errors(&box->print));
    end_stream(&box->print_error, true);
}

/* Waits until there is something, or until a person has ended the call. */
static int64_t read_stdin(void *ctx, void *data, size_t bytes)
{
    struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};
    ssize_t got;

    end_line(ctx);
    do {
        got = -1;
        if (poll(&fd, 1, -1) > 0)
            got = read(STDIN_FILENO, data, bytes);
    } while (got < 0 && errno == EINTR && interrupt_caught() == 0);
    return got;
}

/* As strace has it, but for what is behind pointers. */
static void trace(void *ctx, const struct sconce_trace *call)
{
    end_line_of_errors(ctx);
    if (call->name)
        fprintf(stderr, "%s(", call->name);
    else
        fprintf(stderr, "syscall_%" PRIu64 "(", call->number);
    for (uint32_t i = 0; i < call->arg_count; i++)
        fprintf(stderr, "%s0x%" PRIx64, i ? ", " : "", call->args[i]);
    if (call->ended)
        fprintf(stderr, ") = ?\n");
    else if (call->result < 0 && call->result > -4096)
        fprintf(stderr, ") = %" PRId64 " (%s)\n", call->result, strerror((int)-call->result));
    else
        fprintf(stderr, ") = 0x%" PRIx64 "\n", (uint64_t)call->result);
}

/* Whoever looks at the output sees that a line ends where its author did not end it. */
static void tell_cut_line(const struct box *box, struct sconce_error *err)
{
    size_t used = strlen(err->text);

    if (err->code == SCONCE_E_LIMIT && err->limit == SCONCE_LIMIT_OUTPUT &&
        (box->print.cut || box->print_error.cut))
        snprintf(err->text + used, sizeof err->text - used, "; the last line is cut");
}

int box_fail(struct box *box, struct sconce_error *err)
{
    const struct options *options = box->session->options;

    tell_cut_line(box, err);
    end_line_of_errors(box);
    if (err->code == SCONCE_E_KICKED && interrupt_caught() != 0)
        snprintf(err->text, sizeof err->text, "the call was ended by a signal (%s)",
                 strsignal(interrupt_caught()));
    return report_failure(options, err);
}

/* Without exports, a guest is only there to run. */
static bool is_program(const struct sconce_guest *guest)
{
    struct sconce_signature function;

    return !sconce_guest_export(guest, 0, &function);
}

int box_open(struct box *box, const struct session *session, FILE *print_to,
             struct args_reader *reader)
{
    struct sconce_sandbox_options options = {.size = sizeof options};
    struct sconce_error err = {0};
    int status;

    box->session = session;
    box->print = (struct box_stream){.to = print_to, .safe = isatty(fileno(print_to)) != 0};
    box->print_error = (struct box_stream){.to = stderr, .safe = isatty(STDERR_FILENO) != 0};
    status = host_build(&box->host, session->options, session->guest, reader);
    if (status == STATUS_OK)
        status = window_open(&box->window, session->options, &options);
    if (status != STATUS_OK)
        return status;
    options.functions = box->host.functions;
    options.function_count = (uint32_t)box->host.count;
    if (!box->drops_output) {
        options.print = print;
        options.print_ctx = &box->print;
        options.print_error = print;
        options.print_error_ctx = &box->print_error;
    }
    if (box->reads_stdin && !reader->stdin_taken) {
        options.input = read_stdin;
        options.input_ctx = box;
    }
    if (session->options->trace_syscalls) {
        options.trace = trace;
        options.trace_ctx = box;
    }
    options.snapshot = session->snapshot;
    options.args = box->args;
    options.arg_count = (uint32_t)box->arg_count;
    if (sconce_sandbox_new(session->guest, &options, &box->sandbox, &err) == 0)
        return window_attach(&box->window, box->sandbox, &err) == 0 ? STATUS_OK
                                                                    : box_fail(box, &err);
    if (err.code != SCONCE_E_GUEST_EXIT || !is_program(session->guest))
        return box_fail(box, &err);
    end_line(box);
    box->ended = true;
    box->exit_status = err.guest_code;
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
        box_fail(box, &err);
    end_line(box);
    tell_counts(box);
    return r < 0 ? report_status(&err) : STATUS_OK;
}

void box_close(struct box *box)
{
    sconce_sandbox_free(box->sandbox);
    host_free(&box->host);
    window_close(&box->window);
    *box = (struct box){0};
}
