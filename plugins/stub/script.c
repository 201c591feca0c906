/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scripts: from a file's text to steps. Reports file:line for whatever it refuses; plays nothing.
 */
#include "plugins/stub/script.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "plugins/stub/verbs.h"

/* A label's place, and a jump to a label that may come later. Names point into the script. */
struct label {
    const char *name;
    uint32_t step;
    uint32_t line;
};

struct builder {
    struct stub_script *script;
    uint32_t line;
    uint32_t step_room;
    struct label *labels;
    uint32_t label_count, label_room;
    struct label *jumps; /* step: the one that jumps */
    uint32_t jump_count, jump_room;
};

static void builder_free(struct builder *builder)
{
    free(builder->labels);
    free(builder->jumps);
    stub_script_free(builder->script);
}

void stub_script_free(struct stub_script *script)
{
    if (!script || --script->refs > 0)
        return;
    free(script->steps);
    free(script->text);
    free(script->path);
    free(script);
}

static int32_t refuse(const struct builder *builder, uint32_t line, const char *problem,
                      const char *word, struct sconce_plugin_error *err)
{
    return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "%s:%u: %s%s%s", builder->script->path, line,
                     word ? word : "", word ? ": " : "", problem);
}

/* Make room for one more element of @size bytes in the array at @array. */
static bool grow(void *array, uint32_t count, uint32_t *room, size_t size)
{
    void **at = array;
    uint32_t more = *room ? *room * 2 : 16;
    void *grown;

    if (count < *room)
        return true;
    grown = reallocarray(*at, more, size);
    if (!grown)
        return false;
    *at = grown;
    *room = more;
    return true;
}

static int32_t add_label(struct builder *builder, struct stub_token *token,
                         struct sconce_plugin_error *err)
{
    struct stub_script *script = builder->script;

    token->text[token->length - 1] = '\0'; /* the colon */
    for (uint32_t i = 0; i < builder->label_count; i++) {
        if (strcmp(builder->labels[i].name, token->text) == 0)
            return refuse(builder, builder->line, "this label stands in the script twice",
                          token->text, err);
    }
    if (!grow(&builder->labels, builder->label_count, &builder->label_room, sizeof(struct label)))
        return stub_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "no memory for a label");
    builder->labels[builder->label_count++] =
        (struct label){token->text, script->step_count, builder->line};
    if (strcmp(token->text, "on-reset") == 0)
        script->on_reset = script->step_count;
    return SCONCE_PLUGIN_OK;
}

static int32_t add_step(struct builder *builder, struct stub_token *tokens, uint32_t count,
                        struct sconce_plugin_error *err)
{
    struct stub_script *script = builder->script;
    struct stub_step *step;
    const char *target = NULL;
    const char *problem;

    if (!grow(&script->steps, script->step_count, &builder->step_room, sizeof *step) ||
        !grow(&builder->jumps, builder->jump_count, &builder->jump_room, sizeof(struct label)))
        return stub_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "no memory for a script step");
    step = &script->steps[script->step_count];
    *step = (struct stub_step){.line = builder->line};

    problem = stub_parse_step(tokens, count, step, &target);
    if (problem)
        return refuse(builder, builder->line, problem, tokens[0].text, err);
    if (target)
        builder->jumps[builder->jump_count++] =
            (struct label){target, script->step_count, builder->line};
    script->step_count++;
    return SCONCE_PLUGIN_OK;
}

static int32_t parse_line(struct builder *builder, char *line, struct sconce_plugin_error *err)
{
    struct stub_token tokens[STUB_MAX_TOKENS];
    const char *problem = NULL;
    int count = stub_split(line, tokens, &problem);

    if (count < 0)
        return refuse(builder, builder->line, problem, NULL, err);
    if (count == 0)
        return SCONCE_PLUGIN_OK;
    if (tokens[0].quoted)
        return refuse(builder, builder->line, "a line starts with a verb, not with a text", NULL,
                      err);
    if (count == 1 && tokens[0].length > 1 && tokens[0].text[tokens[0].length - 1] == ':')
        return add_label(builder, &tokens[0], err);
    return add_step(builder, tokens, (uint32_t)count, err);
}

static int32_t resolve_jumps(struct builder *builder, struct sconce_plugin_error *err)
{
    for (uint32_t i = 0; i < builder->jump_count; i++) {
        const struct label *jump = &builder->jumps[i];
        struct stub_step *step = &builder->script->steps[jump->step];

        step->target = STUB_NO_STEP;
        for (uint32_t l = 0; l < builder->label_count; l++) {
            if (strcmp(builder->labels[l].name, jump->name) == 0)
                step->target = builder->labels[l].step;
        }
        if (step->target == STUB_NO_STEP)
            return refuse(builder, jump->line, "no line has this label", jump->name, err);
    }
    return SCONCE_PLUGIN_OK;
}

int32_t stub_script_parse(const char *text, size_t bytes, const char *name,
                          struct stub_script **ret_script, struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(builder_free) struct builder builder = {0};
    struct stub_script *script = calloc(1, sizeof *script);
    int32_t status = SCONCE_PLUGIN_OK;
    char *line, *end;

    builder.script = script;
    if (script) {
        script->refs = 1;
        script->on_reset = STUB_NO_STEP;
        script->path = strdup(name);
        script->text = malloc(bytes + 1);
    }
    if (!script || !script->path || !script->text)
        return stub_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "no memory for script %s", name);
    memcpy(script->text, text, bytes);
    script->text[bytes] = '\0';
    if (strlen(script->text) != bytes)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID, "%s: not a text file", name);

    for (line = script->text; line && status == SCONCE_PLUGIN_OK; line = end) {
        end = strchr(line, '\n');
        if (end)
            *end++ = '\0';
        builder.line++;
        status = parse_line(&builder, line, err);
    }
    if (status == SCONCE_PLUGIN_OK)
        status = resolve_jumps(&builder, err);
    if (status != SCONCE_PLUGIN_OK)
        return status;
    *ret_script = SCONCE_STEAL(builder.script);
    return SCONCE_PLUGIN_OK;
}

/* The whole of @fd, at most STUB_SCRIPT_MAX_BYTES. Returns an errno value. */
static int read_all(int fd, size_t bytes, char *to)
{
    for (size_t have = 0; have < bytes;) {
        ssize_t got = read(fd, to + have, bytes - have);

        if (got < 0 && errno != EINTR)
            return errno;
        if (got == 0)
            return EIO; /* it shrank meanwhile */
        have += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

int32_t stub_script_load(const char *path, struct stub_script **ret_script,
                         struct sconce_plugin_error *err)
{
    SCONCE_CLEANUP(sconce_cleanup_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    SCONCE_CLEANUP(sconce_cleanup_free) char *text = NULL;
    struct stat status;
    int errnum;

    if (fd < 0 || fstat(fd, &status) != 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_UNAVAILABLE, SCONCE_DOMAIN_ERRNO, errno,
                                  NULL, "cannot open the script %s", path);
    if (!S_ISREG(status.st_mode) || status.st_size > (off_t)STUB_SCRIPT_MAX_BYTES)
        return stub_fail(err, SCONCE_PLUGIN_E_INVALID,
                         "%s is no script: not a regular file of at most %u bytes", path,
                         STUB_SCRIPT_MAX_BYTES);
    text = malloc((size_t)status.st_size + 1);
    if (!text)
        return stub_fail(err, SCONCE_PLUGIN_E_NO_MEMORY, "no memory for script %s", path);
    errnum = read_all(fd, (size_t)status.st_size, text);
    if (errnum != 0)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_SYSTEM, SCONCE_DOMAIN_ERRNO, errnum, NULL,
                                  "cannot read the script %s", path);
    return stub_script_parse(text, (size_t)status.st_size, path, ret_script, err);
}
