/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SCONCE_PLUGIN_DEFINE: one statement that makes a plugin's descriptor, its entry function and its
 * ELF note, so that the three cannot differ. Included by sconce-plugin.h; not to be included alone.
 */
#ifndef SCONCE_PLUGIN_DEFINE_H
#define SCONCE_PLUGIN_DEFINE_H

/*
 * The note: owner "SCONCE", type SCONCE_NOTE_PLUGIN, its descriptor "key=value\n" lines in UTF-8
 * with a final NUL. Keys: abi, name, version, arch, machine (ELF e_machine, decimal; 0 any),
 * mechanism, isolation, status, requires. Readers ignore keys that they do not know.
 */
#define SCONCE_NOTE_OWNER "SCONCE"
#define SCONCE_NOTE_PLUGIN 1u
#define SCONCE_NOTE_GUEST 2u

/* The oldest minor of the core that the plugin works with. One that cannot do without what a later
 * minor appended to the host's side defines it before it includes sconce-plugin.h. */
#ifndef SCONCE_PLUGIN_MIN_HOST_MINOR
#define SCONCE_PLUGIN_MIN_HOST_MINOR 0
#endif

#define SCONCE_NOTE_STRINGIZE_(x) #x
#define SCONCE_NOTE_STRINGIZE(x) SCONCE_NOTE_STRINGIZE_(x)

#if defined(__has_attribute)
#if __has_attribute(retain)
#define SCONCE_NOTE_KEEP __attribute__((used, retain, section(".note.sconce.plugin"), aligned(4)))
#endif
#endif
#ifndef SCONCE_NOTE_KEEP
#define SCONCE_NOTE_KEEP __attribute__((used, section(".note.sconce.plugin"), aligned(4)))
#endif

/* The note's text. */
#define SCONCE_PLUGIN_FACTS_(id_, version_, arch_, machine_, mechanism_, isolation_, status_,      \
                             requires_)                                                            \
    "abi=" SCONCE_NOTE_STRINGIZE(SCONCE_PLUGIN_ABI_MAJOR) "." SCONCE_NOTE_STRINGIZE(               \
        SCONCE_PLUGIN_ABI_MINOR) "\nname=" id_ "\nversion=" version_ "\narch=" arch_               \
                                 "\nmachine=" SCONCE_NOTE_STRINGIZE(                               \
                                     machine_) "\nmechanism=" mechanism_ "\nisolation=" isolation_ \
                                               "\nstatus=" status_ "\nrequires=" requires_ "\n"

/**
 * SCONCE_PLUGIN_DEFINE - define the plugin; once, at file scope, in one source file.
 * @id_: string literal, [a-z0-9][a-z0-9_-]*, the NAME of sconce-backend-NAME.so.
 * @version_, @arch_, @mechanism_, @isolation_: string literals; isolation is "vm", "process" or
 * "none".
 * @machine_: ELF e_machine of the guests, as a plain number (62, 183), 0 for any.
 * @status_: "verified", "double" (proved against a test double) or "experimental".
 * @requires_: what the machine must have ("/dev/kvm"), or "".
 * @threads_: SCONCE_THREADS_*.
 * @ops_: a static const struct sconce_plugin_ops.
 * @init_: called by the entry with (host, err), returns 0 or fails; may be NULL.
 * @get_extension_: may be NULL.
 */
#define SCONCE_PLUGIN_DEFINE(id_, version_, arch_, machine_, mechanism_, isolation_, status_,      \
                             requires_, threads_, ops_, init_, get_extension_)                     \
    struct sconce_plugin_note {                                                                    \
        uint32_t owner_bytes, desc_bytes, type;                                                    \
        char owner[8];                                                                             \
        char desc[(sizeof(SCONCE_PLUGIN_FACTS_(id_, version_, arch_, machine_, mechanism_,         \
                                               isolation_, status_, requires_)) +                  \
                   3u) &                                                                           \
                  ~(size_t)3u];                                                                    \
    };                                                                                             \
    SCONCE_NOTE_KEEP static const struct sconce_plugin_note sconce_plugin_note = {                 \
        sizeof SCONCE_NOTE_OWNER,                                                                  \
        sizeof(SCONCE_PLUGIN_FACTS_(id_, version_, arch_, machine_, mechanism_, isolation_,        \
                                    status_, requires_)),                                          \
        SCONCE_NOTE_PLUGIN, SCONCE_NOTE_OWNER,                                                     \
        SCONCE_PLUGIN_FACTS_(id_, version_, arch_, machine_, mechanism_, isolation_, status_,      \
                             requires_)};                                                          \
    static const struct sconce_plugin sconce_plugin_descriptor = {                                 \
        SCONCE_PLUGIN_MAGIC,                                                                       \
        (uint32_t)sizeof(struct sconce_plugin),                                                    \
        SCONCE_PLUGIN_ABI_MAJOR,                                                                   \
        SCONCE_PLUGIN_ABI_MINOR,                                                                   \
        SCONCE_PLUGIN_MIN_HOST_MINOR,                                                              \
        threads_,                                                                                  \
        id_,                                                                                       \
        version_,                                                                                  \
        arch_,                                                                                     \
        mechanism_,                                                                                \
        isolation_,                                                                                \
        ops_,                                                                                      \
        get_extension_,                                                                            \
        0};                                                                                        \
    const struct sconce_plugin *sconce_plugin_entry_v1(                                            \
        const struct sconce_plugin_host *sconce_host_, struct sconce_plugin_error *sconce_err_)    \
    {                                                                                              \
        int32_t (*sconce_init_)(const struct sconce_plugin_host *, struct sconce_plugin_error *) = \
            init_;                                                                                 \
        return sconce_init_ && sconce_init_(sconce_host_, sconce_err_) != SCONCE_PLUGIN_OK         \
                   ? NULL                                                                          \
                   : &sconce_plugin_descriptor;                                                    \
    }                                                                                              \
    typedef int sconce_plugin_defined_

#endif
