/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A sandbox's window: a range that its guest reads and never writes, into which the host copies
 * what it attaches while the guest waits at READY. Where it lies is layout.c's.
 *
 * It is always copied. Mapping the caller's pages in its place costs the guest a fault for each
 * page that it reads, which takes longer than copying the page does (docs/design.md has the
 * figures), and leaves it to others to change or truncate what a guest is reading.
 *
 * Since guests cannot write there, @window_used alone tells what is to be cleaned: a restore need
 * not look for it.
 */
#ifndef SCONCE_CORE_WINDOW_H
#define SCONCE_CORE_WINDOW_H

#include "core/sandbox.h"

/* How much memory a detached window may go on to hold, all zero: as much as the default heap. Where
 * more was attached, that goes back to the system. To zero pages is cheaper than to give them back
 * at every size, and what is attached next costs a tenth with them; so this bounds what idle
 * sandboxes hold, and is not for speed. */
#define SCONCE_WINDOW_KEPT_BYTES (16ull << 20)

/** sconce_window_empty - nothing is attached any more, and every byte of the window is zero. The
 * guest does not run. The boot page says so only if something was attached. */
void sconce_window_empty(struct sconce_sandbox *sandbox);

#endif
