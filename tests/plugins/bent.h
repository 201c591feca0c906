/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A plugin that is right but for one thing. Before including this, define BENT_NAME and any of
 *   BENT_ARCH, BENT_MACHINE, BENT_ISOLATION   what the note (and the descriptor) says
 *   BENT_OPS          initializers of the operations; they may override PART_OPS
 *   BENT_EXTENSION    the get_extension function
 *   BEND(d)           a statement that changes the descriptor d behind the note's back
 */
#ifndef SCONCE_TESTS_PLUGINS_BENT_H
#define SCONCE_TESTS_PLUGINS_BENT_H

#include "tests/plugins/parts.h"

#ifndef BENT_ARCH
#define BENT_ARCH "any"
#endif
#ifndef BENT_MACHINE
#define BENT_MACHINE 0
#endif
#ifndef BENT_ISOLATION
#define BENT_ISOLATION "none"
#endif
#ifndef BENT_OPS
#define BENT_OPS PART_OPS
#endif
#ifndef BENT_EXTENSION
#define BENT_EXTENSION NULL
#endif
#ifndef BEND
#define BEND(d) (void)(d)
#endif

static const struct sconce_plugin_ops bent_ops = {BENT_OPS};

/* The entry that the macro makes is renamed, and called by one that bends what it returns. */
const struct sconce_plugin *straight_entry(const struct sconce_plugin_host *host,
                                           struct sconce_plugin_error *err);
#define sconce_plugin_entry_v1 straight_entry
SCONCE_PLUGIN_DEFINE(BENT_NAME, "1", BENT_ARCH, BENT_MACHINE, "parts", BENT_ISOLATION, "double", "",
                     SCONCE_THREADS_PER_VM, &bent_ops, NULL, BENT_EXTENSION);
#undef sconce_plugin_entry_v1

const struct sconce_plugin *sconce_plugin_entry_v1(const struct sconce_plugin_host *host,
                                                   struct sconce_plugin_error *err)
{
    static struct sconce_plugin bent;

    bent = *straight_entry(host, err);
    BEND(&bent);
    return &bent;
}

#endif
