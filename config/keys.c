/* SPDX-License-Identifier: Apache-2.0 */
#include "config/keys.h"

#include <stdio.h>
#include <string.h>

#include "common/nearest.h"
#include "config/config.h"

#define KIB (1ull << 10)
#define MIB (1ull << 20)
#define GIB (1ull << 30)

/* Times beyond are "none" in disguise, and this many milliseconds still fit in 64 bits of ns. */
#define DEADLINE_MAX_MS 1000000000000ull

#define AT(member) offsetof(struct sconce_settings, member)

const struct sconce_key sconce_keys[SCONCE_KEY_COUNT] = {
    [SCONCE_KEY_BACKEND] = {"runtime", "backend", "auto",
                            "backend to use: a name, names in the order to try, or auto", 0, 0,
                            AT(backends), SCONCE_KEY_NAMES},
    {"runtime", "isolation", "vm",
     "vm: only backends that isolate by a virtual machine; any: all of them", 0, 0, AT(isolation),
     SCONCE_KEY_ISOLATION},
    [SCONCE_KEY_PLUGIN_DIR] = {"runtime", "plugin_dir", SCONCE_PLUGIN_DIRECTORY,
                               "directory of the backends, sconce-backend-NAME.so", 0, 0,
                               AT(plugin_dir), SCONCE_KEY_DIRECTORY},
    [SCONCE_KEY_BACKENDS_DIR] = {"runtime", "backends_dir", NULL,
                                 "directory of the NN-NAME.ini files that auto reads", 0, 0,
                                 AT(backends_dir), SCONCE_KEY_DIRECTORY},
    {"runtime", "backends_dir_etc", SCONCE_SYSCONF_DIRECTORY "/sconce/backends.d",
     "directory whose files override or mask those of backends_dir", 0, 0, AT(backends_dir_etc),
     SCONCE_KEY_DIRECTORY},
    [SCONCE_KEY_ALLOW_UNTRUSTED] = {"runtime", "allow_untrusted_plugins", "no",
                                    "load backends from directories that others can write", 0, 0,
                                    AT(allow_untrusted_plugins), SCONCE_KEY_SWITCH},
    {"runtime", "kick_signal", "SIGURG", "signal that interrupts running guests", 0, 0,
     AT(kick_signal), SCONCE_KEY_SIGNAL},
    {"runtime", "verify_restores", "no",
     "compare all of a sandbox's memory with the snapshot after each restore", 0, 0,
     AT(verify_restores), SCONCE_KEY_SWITCH},
    {"runtime", "exitless", "no",
     "let guests wait for the next call on a processor of their own, for a moment", 0, 0,
     AT(exitless), SCONCE_KEY_SWITCH},
    {"limits", "heap_bytes", "16M", "heap of a sandbox", 64 * KIB, 32 * GIB, AT(limits.heap_bytes),
     SCONCE_KEY_GRANULES},
    {"limits", "stack_bytes", "1M", "stack of a sandbox", 64 * KIB, GIB, AT(limits.stack_bytes),
     SCONCE_KEY_GRANULES},
    {"limits", "io_bytes", "4M", "buffer for arguments and results, in each direction", 64 * KIB,
     GIB, AT(limits.io_bytes), SCONCE_KEY_GRANULES},
    {"limits", "window_bytes", "0",
     "window for data that a program attaches, read-only to the guest; 0 for none", 0, 32 * GIB,
     AT(window_bytes), SCONCE_KEY_GRANULES},
    {"limits", "image_bytes", "256M", "most memory that a guest's image may take", 64 * KIB,
     32 * GIB, AT(image_bytes), SCONCE_KEY_GRANULES},
    {"limits", "deadline_ms", "5000", "longest time of one call, in milliseconds; 0 for no end", 0,
     DEADLINE_MAX_MS, AT(limits.deadline_ns), SCONCE_KEY_DEADLINE},
    {"limits", "output_bytes", "1M", "most that one call may print", 0, UINT64_MAX,
     AT(limits.output_bytes), SCONCE_KEY_SIZE},
    {"limits", "host_calls", "1000000", "most host functions that one call may call", 0, UINT64_MAX,
     AT(limits.host_calls), SCONCE_KEY_COUNT_OF},
    {"limits", "traps", "1000000", "most system calls tried and faults handled in one call", 0,
     UINT64_MAX, AT(limits.traps), SCONCE_KEY_COUNT_OF},
    {"limits", "nesting", "8", "how deep calls that host functions make may be nested", 0, 1000,
     AT(limits.nesting), SCONCE_KEY_COUNT_OF},
    {"guest", "clock", "host",
     "what guests see of the time: host, frozen, frozen:SECONDS or offset:SECONDS", 0, 0, AT(clock),
     SCONCE_KEY_CLOCK},
    {"guest", "random", "host", "where guests' random bytes come from: host, or seed:HEX", 0, 0,
     AT(random), SCONCE_KEY_RANDOM},
};

size_t sconce_key_find(const char *section, const char *name)
{
    size_t i;

    for (i = 0; i < SCONCE_KEY_COUNT; i++)
        if (!strcmp(sconce_keys[i].section, section) && !strcmp(sconce_keys[i].name, name))
            break;
    return i;
}

int sconce_key_section_known(const char *section)
{
    size_t i;

    for (i = 0; i < SCONCE_KEY_COUNT; i++)
        if (!strcmp(sconce_keys[i].section, section))
            return 1;
    return 0;
}

void sconce_key_hint(const char *section, const char *name, char hint[SCONCE_KEY_HINT_BYTES])
{
    struct sconce_nearest nearest;
    size_t i;

    hint[0] = '\0';
    for (i = 0; i < SCONCE_KEY_COUNT; i++) {
        if (strcmp(sconce_keys[i].name, name) != 0)
            continue;
        snprintf(hint, SCONCE_KEY_HINT_BYTES, "\"%s\" belongs to [%s]", sconce_keys[i].name,
                 sconce_keys[i].section);
        return;
    }
    sconce_nearest_start(&nearest, name);
    for (i = 0; i < SCONCE_KEY_COUNT; i++)
        if (!strcmp(sconce_keys[i].section, section))
            sconce_nearest_offer(&nearest, sconce_keys[i].name);
    if (nearest.best)
        snprintf(hint, SCONCE_KEY_HINT_BYTES, "did you mean \"%s\"?", nearest.best);
}

void sconce_key_section_hint(const char *section, char hint[SCONCE_KEY_HINT_BYTES])
{
    struct sconce_nearest nearest;
    char word[64];
    size_t i;

    snprintf(word, sizeof word, "%.*s", (int)strcspn(section, "."), section);
    sconce_nearest_start(&nearest, word);
    sconce_nearest_offer(&nearest, "backend");
    if (nearest.best) {
        snprintf(hint, SCONCE_KEY_HINT_BYTES, "did you mean \"[backend.NAME]\"?");
        return;
    }
    sconce_nearest_start(&nearest, section);
    for (i = 0; i < SCONCE_KEY_COUNT; i++)
        sconce_nearest_offer(&nearest, sconce_keys[i].section);
    if (nearest.best)
        snprintf(hint, SCONCE_KEY_HINT_BYTES, "did you mean \"[%s]\"?", nearest.best);
    else
        snprintf(hint, SCONCE_KEY_HINT_BYTES,
                 "sections are [runtime], [limits], [guest], [backend.NAME]");
}
