/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows about windows share: a box of the guest "window", and what is attached to it. */
#ifndef SCONCE_PLUGIN_CHECK_WINDOW_H
#define SCONCE_PLUGIN_CHECK_WINDOW_H

#include "tools/plugin-check/box.h"

#define CHECK_WINDOW_ROOM (256u << 10) /* bytes of the windows here */

extern uint8_t check_window_data[CHECK_WINDOW_ROOM];

/** check_window_pattern - fill check_window_data, and return it. Every page differs from the
 * others, and from those of another @seed. No byte is zero. */
const uint8_t *check_window_pattern(uint32_t seed);

/** check_window_choose - for box.choose: a window of that room, and little else. */
void check_window_choose(struct check_box *box, struct sconce_sandbox_options *options);

enum check_outcome check_window_open(struct check *check, struct check_box *box);

/** check_window_attach - must succeed. */
enum check_outcome check_window_attach(struct check *check, struct check_box *box, const void *from,
                                       size_t bytes);

/** check_window_number - what an export of the guest gives. */
enum check_outcome check_window_number(struct check *check, struct check_box *box,
                                       const char *function, const struct sconce_value *args,
                                       size_t arg_count, uint64_t wanted);

/** check_window_holds - the guest finds @bytes bytes of @from, and zeros behind them to the end of
 * @room. */
enum check_outcome check_window_holds(struct check *check, struct check_box *box,
                                      const uint8_t *from, uint64_t bytes, uint64_t room);

/** check_window_is_empty - it finds nothing attached, and zeros. */
enum check_outcome check_window_is_empty(struct check *check, struct check_box *box, uint64_t room);

#endif
