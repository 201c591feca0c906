/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The options of sandboxes, kept for those that are made later: all that the caller's struct points
 * to is copied, in one piece of memory, but for contexts and functions. What they begin as is the
 * pool's to say.
 */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/options.h"
#include "pool/pool.h"

/* Where the next copy goes; of the first pass, which only counts, @at is NULL. */
struct copier {
    char *at;
    size_t bytes;
};

static void *keep(struct copier *copier, const void *from, size_t bytes)
{
    size_t room = (bytes + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
    void *to = copier->at;

    copier->bytes += room;
    if (!to)
        return NULL;
    copier->at += room;
    return bytes ? memcpy(to, from, bytes) : to;
}

static const char *keep_text(struct copier *copier, const char *text)
{
    return text ? keep(copier, text, strlen(text) + 1) : NULL;
}

static const struct sconce_host_function *
keep_functions(struct copier *copier, const struct sconce_host_function *from, uint32_t count)
{
    struct sconce_host_function *to = keep(copier, from, count * sizeof *from);

    for (uint32_t i = 0; i < count; i++) {
        const char *name = keep_text(copier, from[i].name);
        const char *signature = keep_text(copier, from[i].signature);

        if (to) {
            to[i].name = name;
            to[i].signature = signature;
        }
    }
    return to;
}

static const char *const *keep_texts(struct copier *copier, const char *const *from, uint32_t count)
{
    const char **to = keep(copier, from, count * sizeof *from);

    for (uint32_t i = 0; i < count; i++) {
        const char *text = keep_text(copier, from[i]);

        if (to)
            to[i] = text;
    }
    return to;
}

static void keep_all(struct copier *copier, const struct sconce_sandbox_options *from,
                     struct sconce_sandbox_options *to)
{
    to->functions = keep_functions(copier, from->functions, from->function_count);
    to->args = keep_texts(copier, from->args, from->arg_count);
    to->env = keep_texts(copier, from->env, from->env_count);
    to->seed = from->seed ? keep(copier, from->seed, from->seed_bytes) : NULL;
    to->snapshot = NULL; /* the pool has its own */
}

int sconce_pool_keep_options(const struct sconce_sandbox_options *options,
                             struct sconce_sandbox_options **ret_options, struct sconce_error *err)
{
    struct sconce_sandbox_options from = {.size = sizeof from}, counted, *to;
    struct copier copier = {0};
    int r = 0;

    if (options)
        r = sconce_options_take(&from, sizeof from, options, options->size, sizeof from.size,
                                "struct sconce_sandbox_options", err);
    if (r < 0)
        return r;
    from.size = sizeof from;
    keep_all(&copier, &from, &counted);
    keep(&copier, &from, sizeof from);
    copier.at = malloc(copier.bytes);
    if (!copier.at)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for a pool's options");
    to = keep(&copier, &from, sizeof from);
    keep_all(&copier, &from, to);
    *ret_options = to;
    return 0;
}

void sconce_pool_free_options(struct sconce_sandbox_options *options)
{
    free(options);
}
