/* SPDX-License-Identifier: Apache-2.0 */
#include "many.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

static void raise_limit(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
        files.rlim_cur = files.rlim_max;
        setrlimit(RLIMIT_NOFILE, &files);
    }
}

int many_snapshot(const struct subject *subject, struct sconce_snapshot **ret_snapshot)
{
    const struct sconce_sandbox_options options = subject_options();
    struct sconce_sandbox *sandbox;
    struct sconce_error err = {0};
    int r;

    if (subject_make(subject, &options, &sandbox) < 0)
        return -1;
    r = sconce_sandbox_snapshot(sandbox, ret_snapshot, &err);
    sconce_sandbox_free(sandbox);
    return r < 0 ? subject_failed("taking a snapshot", &err) : 0;
}

int many_make(const struct subject *subject, const struct sconce_snapshot *snapshot,
              unsigned wanted, struct many *many)
{
    struct sconce_sandbox_options options = subject_options();

    raise_limit();
    options.snapshot = snapshot;
    *many = (struct many){.sandboxes = calloc(wanted, sizeof(struct sconce_sandbox *))};
    if (!many->sandboxes)
        return -1;
    while (many->count < wanted &&
           sconce_sandbox_new(subject->guest, &options, &many->sandboxes[many->count],
                              &many->err) == 0)
        many->count++;
    if (many->count == wanted)
        return 0;
    fprintf(stderr, "bench: of %u sandboxes, %u can be alive here\n", wanted, many->count);
    subject_failed("making another", &many->err);
    return many->count > 0 ? 0 : -1;
}

int many_call(struct many *many, uint32_t export_i)
{
    struct sconce_sandbox *sandbox = many->sandboxes[many->next];

    many->next = many->next + 1 == many->count ? 0 : many->next + 1;
    if (sconce_sandbox_call_index(sandbox, export_i, NULL, 0, NULL, &many->err) < 0)
        return subject_failed("calling one of many", &many->err);
    return 0;
}

void many_free(struct many *many)
{
    for (unsigned i = 0; i < many->count; i++)
        sconce_sandbox_free(many->sandboxes[i]);
    free(many->sandboxes);
    *many = (struct many){0};
}
