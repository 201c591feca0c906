/* SPDX-License-Identifier: Apache-2.0 */
/* One selection of a backend while it goes on: the candidates' refusals, for the one that chooses
 * (registry-select.c) and the one that tells (registry-refused.c). With the registry's lock held.
 */
#ifndef SCONCE_CORE_REGISTRY_SELECTION_H
#define SCONCE_CORE_REGISTRY_SELECTION_H

#include "common/text.h"
#include "core/registry-internal.h"

/* Why a candidate was passed over; what a person can most likely put right comes last. */
enum sconce_refusal_kind {
    SCONCE_REFUSAL_WRONG_MACHINE,
    SCONCE_REFUSAL_WRONG_FILE,  /* of backends.d */
    SCONCE_REFUSAL_NO_WALL,     /* isolation = vm bars it, and it isolates nothing */
    SCONCE_REFUSAL_WEAKER_WALL, /* isolation = vm bars it, and it isolates by something else */
    SCONCE_REFUSAL_ABSENT,
    SCONCE_REFUSAL_UNUSABLE, /* it could not be loaded, or its probe failed */
};

struct sconce_refusal {
    enum sconce_refusal_kind kind;
    struct sconce_error why;
};

struct sconce_selection {
    struct sconce_registry *registry;
    uint32_t machine;
    struct sconce_order order;
    char **installed;
    struct sconce_refusal *refusals;
    size_t refusal_count;
    struct sconce_backend *backend; /* NULL until one is found */
};

/** sconce_refusal_hint_absent - into @why: how to get a backend that is not there. */
void sconce_refusal_hint_absent(const struct sconce_selection *selection, const char *name,
                                struct sconce_error *why);

/** sconce_refusal_of_machine - into @why: backend @name runs guests of another machine. */
int sconce_refusal_of_machine(const struct sconce_selection *selection, const char *name,
                              uint32_t machine, struct sconce_error *why);

/** sconce_refusals_list - a line a refusal, with its hint. */
void sconce_refusals_list(const struct sconce_selection *selection, struct sconce_text *text);

/** sconce_selection_fail_empty - there was no candidate. */
int sconce_selection_fail_empty(const struct sconce_selection *selection, struct sconce_error *err);

/** sconce_selection_fail_refused - each candidate was refused. */
int sconce_selection_fail_refused(const struct sconce_selection *selection,
                                  struct sconce_error *err);

#endif
