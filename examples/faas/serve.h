/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP of all servers here: libmicrohttpd, a few threads, bodies and answers up to a size. */
#ifndef FAAS_SERVE_H
#define FAAS_SERVE_H

#include <stddef.h>

#define SERVE_THREADS 4u
#define SERVE_MOST_BYTES 16384u /* of a body, and of an answer */
#define SERVE_DEADLINE_MS 2000u /* of one request's function */

struct serve_request {
    const char *path; /* without what is behind "?"; "%2f" and their like are read */
    const void *body;
    size_t bytes;
};

struct serve_answer {
    size_t bytes;
    char text[SERVE_MOST_BYTES];
};

/**
 * Answers a request, on one of SERVE_THREADS threads.
 * @ret_answer: of a status that is not 200 nobody reads it: the client gets the status's name.
 * Returns the status.
 */
typedef unsigned (*serve_fn)(void *ctx, const struct serve_request *request,
                             struct serve_answer *ret_answer);

/** serve_number - what is in @text, 0 to @most; exits with 2, naming @what, where that is not so.
 */
unsigned serve_number(const char *text, const char *what, unsigned most);

/**
 * serve - answer requests at 127.0.0.1 until SIGINT or SIGTERM comes.
 * @port: 0 for any that is free; which one is on standard output.
 * @what: said beside it.
 * Returns the program's exit status.
 */
int serve(unsigned port, const char *what, serve_fn answer, void *ctx);

#endif
