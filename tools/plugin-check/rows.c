/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin-check/rows.h"

#include <fnmatch.h>

static const struct check_row *const themes[] = {
    check_file_rows,           check_load_rows,     check_memory_rows,
    check_contract_rows,       check_exits_rows,    check_scrub_rows,
    check_types_rows,          check_misuse_rows,   check_faults_rows,
    check_handler_rows,        check_syscalls_rows, check_syscalls_host_rows,
    check_callbacks_rows,      check_libc_rows,     check_privilege_rows,
    check_frames_rows,         check_limits_rows,   check_nested_rows,
    check_nested_ends_rows,    check_snapshot_rows, check_share_rows,
    check_dirty_rows,          check_pool_rows,     check_window_rows,
    check_window_refused_rows, check_kick_rows,     check_exitless_rows,
    check_counts_rows,         check_leaks_rows,    check_fail_nth_rows,
};
#define THEMES (sizeof themes / sizeof themes[0])

const struct check_row *check_next_row(struct check_walk *walk, const char *only)
{
    while (walk->theme < THEMES) {
        const struct check_row *row = &themes[walk->theme][walk->row++];

        if (!row->id) {
            walk->theme++;
            walk->row = 0;
        } else if (!only || fnmatch(only, row->id, 0) == 0) {
            return row;
        }
    }
    return NULL;
}
