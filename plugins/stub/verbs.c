/* SPDX-License-Identifier: Apache-2.0 */
/* One table of verbs, one small function for each shape of line. sconce-backend-stub(7) lists them
 * for people, in the same order. */
#include "plugins/stub/verbs.h"

#include <string.h>

/* A line that is being read, and the step that it becomes. */
struct line {
    struct stub_token *tokens;
    uint32_t count;
    uint32_t at;
    struct stub_step *step;
    const char *target; /* the label to go to */
};

/* @parse reads what follows the word; it returns NULL or what is wrong with it. */
struct verb {
    const char *word;
    const char *(*parse)(struct line *line);
    enum stub_verb verb;
    uint32_t frame_kind;
    uint32_t doorbell;
};

static struct stub_token *take(struct line *line)
{
    return line->at < line->count ? &line->tokens[line->at++] : NULL;
}

static const char *take_unsigned(struct line *line, uint64_t max, uint64_t *ret,
                                 const char *problem)
{
    const struct stub_token *token = take(line);

    return token && stub_unsigned(token, max, ret) ? NULL : problem;
}

static const char *take_signed(struct line *line, int64_t min, int64_t max, int64_t *ret,
                               const char *problem)
{
    const struct stub_token *token = take(line);

    return token && stub_number(token, min, max, ret) ? NULL : problem;
}

static const char *take_text(struct line *line, struct stub_text *ret, const char *problem)
{
    const struct stub_token *token = take(line);

    if (!token || !token->quoted)
        return problem;
    ret->data = token->text;
    ret->length = token->length;
    return NULL;
}

/* The values up to the end of the line. */
static const char *take_values(struct line *line)
{
    struct stub_step *step = line->step;

    while (line->at < line->count) {
        const char *problem;

        if (step->value_count == SCONCE_MAX_PARAMS)
            return "at most 16 values fit a frame";
        problem = stub_parse_value(line->tokens, line->count, &line->at,
                                   &step->values[step->value_count]);
        if (problem)
            return problem;
        step->value_count++;
    }
    return NULL;
}

/* A frame's text is its slot 0, a string. */
static void text_value(struct stub_step *step, const struct stub_text *text)
{
    step->values[0] = (struct stub_value){.source = STUB_LITERAL,
                                          .type = SCONCE_TYPE_STRING,
                                          .length = text->length,
                                          .data = (const uint8_t *)text->data};
    step->value_count = 1;
}

/* ---- where the script goes on ---- */

static const char *parse_goto(struct line *line)
{
    const struct stub_token *token = take(line);

    if (!token || token->quoted)
        return "needs a label";
    line->target = token->text;
    return NULL;
}

static const char *parse_repeat(struct line *line)
{
    uint64_t times;
    const char *problem = take_unsigned(line, UINT32_MAX - 1, &times, "needs a number of times");

    if (problem)
        return problem;
    line->step->times = (uint32_t)times;
    return parse_goto(line);
}

/* ---- frames ---- */

static const char *parse_nothing(struct line *line)
{
    (void)line;
    return NULL;
}

static const char *parse_value_frame(struct line *line)
{
    const char *problem = take_values(line);

    if (problem)
        return problem;
    return line->step->value_count == 1 ? NULL
                                        : "needs one value (none for a function without result)";
}

static const char *parse_index_frame(struct line *line)
{
    uint64_t index;
    const char *problem =
        take_unsigned(line, UINT32_MAX, &index, "needs the function's number in the guest's table");

    if (problem)
        return problem;
    line->step->index = (uint32_t)index;
    return take_values(line);
}

/* A last word "..." lets more arguments follow. */
static const char *parse_expect_call(struct line *line)
{
    const struct stub_token *last = &line->tokens[line->count - 1];

    if (!last->quoted && strcmp(last->text, "...") == 0) {
        line->step->more = true;
        line->count--;
    }
    return parse_index_frame(line);
}

static const char *parse_expect_nested(struct line *line)
{
    line->step->nested = true;
    return parse_expect_call(line);
}

static const char *parse_text_frame(struct line *line)
{
    struct stub_text text;
    const char *problem = take_text(line, &text, "needs a text in quotes");

    if (problem)
        return problem;
    text_value(line->step, &text);
    return NULL;
}

static const char *parse_code_frame(struct line *line)
{
    int64_t code;
    const char *problem =
        take_signed(line, INT32_MIN, INT32_MAX, &code, "needs a code of 32 bits and a text");

    if (problem)
        return problem;
    line->step->code = (int32_t)code;
    return parse_text_frame(line);
}

/* ---- raw bytes ---- */

static const char *parse_bytes(struct line *line)
{
    const char *problem = take_unsigned(line, UINT64_MAX, &line->step->offset, "needs an offset");
    struct stub_token *token;

    if (problem)
        return problem;
    token = take(line);
    if (!token || !stub_hex(token))
        return "needs pairs of hex digits, or a text in quotes";
    line->step->text = (struct stub_text){token->text, token->length};
    return NULL;
}

static const char *parse_doorbell(struct line *line)
{
    uint64_t number = 0;
    const char *problem = take_unsigned(line, UINT32_MAX, &number, "needs a number of 32 bits");

    line->step->doorbell = (uint32_t)number;
    return problem;
}

/* ---- other exits ---- */

static const char *parse_number(struct line *line)
{
    return take_signed(line, INT64_MIN, INT64_MAX, &line->step->number, "needs a number");
}

static const char *parse_failure(struct line *line)
{
    const char *problem = parse_number(line);

    return problem ? problem
                   : take_text(line, &line->step->text, "needs a code and a text in quotes");
}

static const char *parse_syscall(struct line *line)
{
    struct sconce_exit_syscall *syscall = &line->step->exit.syscall;
    const char *problem = take_unsigned(line, UINT64_MAX, &syscall->raw_nr, "needs a number");

    syscall->id = SCONCE_SYS_UNKNOWN;
    for (uint32_t i = 0; i < 6 && !problem && line->at < line->count; i++)
        problem = take_unsigned(line, UINT64_MAX, &syscall->args[i], "arguments are numbers");
    return problem;
}

struct name {
    const char *word;
    uint32_t value;
};

static bool find_name(const struct name *names, const char *word, uint32_t *ret)
{
    for (; names->word; names++) {
        if (strcmp(names->word, word) == 0) {
            *ret = names->value;
            return true;
        }
    }
    return false;
}

static const struct name fault_names[] = {
    {"memory", SCONCE_FAULT_MEMORY},
    {"illegal", SCONCE_FAULT_ILLEGAL},
    {"privilege", SCONCE_FAULT_PRIVILEGE},
    {"arithmetic", SCONCE_FAULT_ARITHMETIC},
    {"float", SCONCE_FAULT_FLOAT},
    {"breakpoint", SCONCE_FAULT_BREAKPOINT},
    {"step", SCONCE_FAULT_STEP},
    {"alignment", SCONCE_FAULT_ALIGNMENT},
    {"stack", SCONCE_FAULT_STACK},
    {"other", SCONCE_FAULT_OTHER},
    {NULL, 0},
};

static const struct name access_names[] = {
    {"unknown", SCONCE_ACCESS_UNKNOWN},
    {"read", SCONCE_ACCESS_READ},
    {"write", SCONCE_ACCESS_WRITE},
    {"exec", SCONCE_ACCESS_EXEC},
    {NULL, 0},
};

/* An option "key=number" behind the words; returns false when @token is another one. */
static bool option(const struct stub_token *token, const char *key, uint64_t *ret)
{
    size_t bytes = strlen(key);
    struct stub_token number = {.text = token->text + bytes,
                                .length = token->length - (uint32_t)bytes};

    return token->length > bytes && memcmp(token->text, key, bytes) == 0 &&
           stub_unsigned(&number, UINT64_MAX, ret);
}

static const char *parse_fault(struct line *line)
{
    struct sconce_exit_fault *fault = &line->step->exit.fault;
    const struct stub_token *token = take(line);

    if (!token || !find_name(fault_names, token->text, &fault->kind))
        return "needs a kind: memory, illegal, privilege, arithmetic, float, breakpoint, step, "
               "alignment, stack or other";
    while ((token = take(line)) != NULL) {
        if (!find_name(access_names, token->text, &fault->access) &&
            !option(token, "pc=", &fault->pc) && !option(token, "detail=", &fault->detail) &&
            !stub_unsigned(token, UINT64_MAX, &fault->address))
            return "takes an address, then read, write or exec, then pc=N and detail=N";
    }
    return NULL;
}

static const struct name status_names[] = {
    {"not-supported", -SCONCE_PLUGIN_E_NOT_SUPPORTED},
    {"unavailable", -SCONCE_PLUGIN_E_UNAVAILABLE},
    {"invalid", -SCONCE_PLUGIN_E_INVALID},
    {"no-memory", -SCONCE_PLUGIN_E_NO_MEMORY},
    {"system", -SCONCE_PLUGIN_E_SYSTEM},
    {"dead", -SCONCE_PLUGIN_E_DEAD},
    {NULL, 0},
};

static const char *parse_error(struct line *line)
{
    const struct stub_token *token = take(line);
    uint32_t status;

    if (!token || !find_name(status_names, token->text, &status))
        return "needs a status: not-supported, unavailable, invalid, no-memory, system or dead";
    line->step->number = -(int64_t)status;
    return take_text(line, &line->step->text, "needs a status and a text in quotes");
}

/* ---- the table ---- */

static const struct verb frame_verbs[] = {
    {"ready", parse_nothing, STUB_FRAME, SCONCE_FRAME_READY, SCONCE_DOORBELL_READY},
    {"return", parse_value_frame, STUB_FRAME, SCONCE_FRAME_RETURN, SCONCE_DOORBELL_READY},
    {"fail", parse_code_frame, STUB_FRAME, SCONCE_FRAME_FAILED, SCONCE_DOORBELL_READY},
    {"host-call", parse_index_frame, STUB_FRAME, SCONCE_FRAME_HOST_CALL, SCONCE_DOORBELL_HOST_CALL},
    {"nested-return", parse_value_frame, STUB_FRAME, SCONCE_FRAME_RETURN, SCONCE_DOORBELL_RETURN},
    {"nested-fail", parse_code_frame, STUB_FRAME, SCONCE_FRAME_FAILED, SCONCE_DOORBELL_RETURN},
    {"print", parse_text_frame, STUB_FRAME, SCONCE_FRAME_PRINT, SCONCE_DOORBELL_PRINT},
    {"abort", parse_code_frame, STUB_FRAME, SCONCE_FRAME_ABORT, SCONCE_DOORBELL_ABORT},
    {NULL, NULL, STUB_FRAME, 0, 0},
};

static const struct verb expect_verbs[] = {
    {"call", parse_expect_call, STUB_EXPECT_FRAME, SCONCE_FRAME_CALL, 0},
    {"nested-call", parse_expect_nested, STUB_EXPECT_FRAME, SCONCE_FRAME_CALL, 0},
    {"host-return", parse_value_frame, STUB_EXPECT_FRAME, SCONCE_FRAME_HOST_RETURN, 0},
    {"host-failed", parse_code_frame, STUB_EXPECT_FRAME, SCONCE_FRAME_HOST_FAILED, 0},
    {"in", parse_bytes, STUB_EXPECT_IN, 0, 0},
    {"result", parse_number, STUB_EXPECT_RESULT, 0, 0},
    {NULL, NULL, STUB_EXPECT_IN, 0, 0},
};

static const char *parse_with(const struct verb *verbs, const char *problem, struct line *line)
{
    const struct stub_token *token = take(line);
    struct stub_step *step = line->step;

    for (const struct verb *verb = verbs; token && verb->word; verb++) {
        if (strcmp(verb->word, token->text) != 0)
            continue;
        step->verb = verb->verb;
        step->frame_kind = verb->frame_kind;
        step->doorbell = verb->doorbell;
        problem = verb->parse(line);
        return problem || line->at == line->count ? problem : "too many words";
    }
    return problem;
}

static const char *parse_prepare(struct line *line)
{
    line->step->silent = true;
    return parse_with(
        frame_verbs,
        "needs ready, return, fail, host-call, nested-return, nested-fail, print or abort", line);
}

static const char *parse_expect(struct line *line)
{
    return parse_with(expect_verbs,
                      "needs call, nested-call, host-return, host-failed, in or result", line);
}

static const struct verb verbs[] = {
    {"goto", parse_goto, STUB_GOTO, 0, 0},
    {"repeat", parse_repeat, STUB_REPEAT, 0, 0},
    {"loop", parse_nothing, STUB_GOTO, 0, 0}, /* target 0: the first step */
    {"prepare", parse_prepare, STUB_FRAME, 0, 0},
    {"out", parse_bytes, STUB_OUT, 0, 0},
    {"doorbell", parse_doorbell, STUB_DOORBELL, 0, 0},
    {"expect", parse_expect, STUB_EXPECT_FRAME, 0, 0},
    {"syscall", parse_syscall, STUB_SYSCALL, 0, 0},
    {"fault", parse_fault, STUB_FAULT, 0, 0},
    {"debug", parse_nothing, STUB_DEBUG, 0, 0},
    {"cancelled", parse_nothing, STUB_CANCELLED, 0, 0},
    {"wait-kick", parse_nothing, STUB_WAIT_KICK, 0, 0},
    {"shutdown", parse_nothing, STUB_SHUTDOWN, 0, 0},
    {"system-failure", parse_failure, STUB_SYSTEM_FAILURE, 0, 0},
    {"exit", parse_number, STUB_EXIT, 0, 0},
    {"error", parse_error, STUB_ERROR, 0, 0},
    {NULL, NULL, STUB_GOTO, 0, 0},
};

const char *stub_parse_step(struct stub_token *tokens, uint32_t count, struct stub_step *step,
                            const char **ret_target)
{
    struct line line = {.tokens = tokens, .count = count, .step = step};
    const char *problem;

    for (const struct verb *verb = frame_verbs; verb->word; verb++) {
        if (strcmp(verb->word, tokens[0].text) == 0)
            return parse_with(frame_verbs, NULL, &line);
    }
    problem = parse_with(verbs, "no such verb: sconce-backend-stub(7) lists them", &line);
    *ret_target = line.target;
    return problem;
}
