/* SPDX-License-Identifier: Apache-2.0 */
/* A guest that exports and imports nothing: it loads, starts, and has no function to call. */
#include <sconce/guest.h>
