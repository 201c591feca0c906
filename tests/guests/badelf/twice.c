/* SPDX-License-Identifier: Apache-2.0 */
/* A second import of what base.c imports, as two files that were not agreed might have. */
#include <sconce/guest.h>

static const struct sconce_table_entry again SCONCE_TABLE_ATTRIBUTE(SCONCE_SECTION_IMPORTS) = {
    sizeof(struct sconce_table_entry), 0, "host_one", NULL, "ii"};
