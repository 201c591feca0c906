/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host functions of --host NAME=VALUE: each answers every call with one constant, read by the
 * type that the guest's import declares. A test double, or a setting for a guest; real host
 * functions need a program on libsconce.
 */
#ifndef SCONCE_CLI_HOST_H
#define SCONCE_CLI_HOST_H

#include <stdbool.h>
#include <stddef.h>

#include <sconce/sconce.h>

#include "args.h"
#include "options.h"

struct host_constant {
    char *name;
    struct sconce_value value;
    void *owned;
    bool tell; /* each call on standard error */
};

/* Zero it; host_free() takes it at any stage. */
struct host {
    struct host_constant *constants;
    struct sconce_host_function *functions; /* for struct sconce_sandbox_options */
    size_t count;
};

/**
 * host_build - one function for each --host, all of the guest's imports.
 * @reader: shared with the call's arguments: standard input can be read only once.
 * Tells what is wrong, and returns the exit status.
 */
int host_build(struct host *host, const struct options *options, const struct sconce_guest *guest,
               struct args_reader *reader);

void host_free(struct host *host);

#endif
