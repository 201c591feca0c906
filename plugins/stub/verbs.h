/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of a stub script: one line's tokens to one step. Pure. */
#ifndef SCONCE_STUB_VERBS_H
#define SCONCE_STUB_VERBS_H

#include "plugins/stub/script.h"

/**
 * stub_parse_step - fill @step from a line that is no label.
 * @ret_target: the label that a goto or repeat names; borrowed from the tokens.
 * Returns NULL, or what is wrong with the line.
 */
const char *stub_parse_step(struct stub_token *tokens, uint32_t count, struct stub_step *step,
                            const char **ret_target);

#endif
