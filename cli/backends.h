/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The installed backends as a list of this program's own, and the trial of one in a child process:
 * what crashes, hangs or exits there is a line of the list here.
 */
#ifndef SCONCE_CLI_BACKENDS_H
#define SCONCE_CLI_BACKENDS_H

#include <stdbool.h>
#include <stdint.h>

#include "options.h"
#include "session.h"

enum backend_verdict {
    BACKEND_UNTRIED, /* nothing is known against it */
    BACKEND_WORKS,
    BACKEND_REFUSED, /* problem and hint say why */
};

struct backend {
    char *name;
    char *version;
    char *arch;
    char *mechanism;
    char *isolation;
    char *status;
    char *requires_;
    char *path;
    char *description; /* after a probe */
    char *problem;
    char *hint;
    uint32_t machine;
    bool allowed; /* by runtime.isolation */
    enum backend_verdict verdict;
};

/* Zero it. */
struct backends {
    struct backend *items;
    size_t count;
};

/**
 * backends_list - from the files' notes. Backends that runtime.isolation bars are listed as well:
 * that is a fact about the configuration, no problem of theirs.
 * @session: configured, not yet started. Tells what is wrong, and returns the exit status.
 */
int backends_list(struct backends *backends, struct session *session);

/** backends_probe - try each in a child process of its own. */
void backends_probe(struct backends *backends, const struct options *options);

void backends_free(struct backends *backends);

/** backend_isolates - is it a virtual machine, what isolation=vm asks for? */
bool backend_isolates(const struct backend *backend);

#endif
