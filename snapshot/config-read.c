/* SPDX-License-Identifier: Apache-2.0 */
/* The config document, read: every member is somebody else's word. */
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "common/error.h"
#include "snapshot/config-internal.h"
#include "snapshot/json.h"

/* A text of characters that can stand anywhere: in a terminal, a shell's word, a name of a file. */
static int read_text(const json_t *json, const char *key, const char *what,
                     bool (*is_good)(const char *text), char *to, size_t bytes,
                     struct sconce_error *err)
{
    char shown[SCONCE_SHOWN_BYTES];
    const char *text;
    int r = sconce_json_text(json, key, what, &text, err);

    if (r < 0)
        return r;
    if (strlen(text) >= bytes)
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "member \"%s\" of %s has more than %zu characters", key, what,
                           bytes - 1);
    if (!is_good(text))
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "member \"%s\" of %s cannot be \"%s\"", key,
                           what, sconce_json_show(text, shown));
    memcpy(to, text, strlen(text) + 1);
    return 0;
}

static int read_head(const json_t *json, const char *what, struct sconce_snapshot_config *config,
                     struct sconce_error *err)
{
    char shown[SCONCE_SHOWN_BYTES];
    const char *architecture;
    uint64_t format;
    int r = sconce_json_count(json, "format", what, &format, err);

    if (!r && format != SCONCE_CONFIG_FORMAT)
        return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, "update Sconce, or take the snapshot anew",
                                "%s has format %llu; this version reads %u", what,
                                (unsigned long long)format, SCONCE_CONFIG_FORMAT);
    if (!r)
        r = sconce_json_fixed(json, "os", what, SCONCE_CONFIG_OS, err);
    if (!r)
        r = read_text(json, "created", what, sconce_created_is_good, config->created,
                      sizeof config->created, err);
    if (!r)
        r = sconce_json_text(json, "architecture", what, &architecture, err);
    if (!r && !sconce_architecture_find(architecture, &config->machine))
        r = sconce_fail(err, SCONCE_E_SNAPSHOT, "%s names the unknown architecture \"%s\"", what,
                        sconce_json_show(architecture, shown));
    return r;
}

static int read_guest(const json_t *json, const char *what, struct sconce_snapshot_config *config,
                      struct sconce_error *err)
{
    json_t *guest;
    uint64_t abi;
    int r = sconce_json_object(json, "guest", what, &guest, err);

    if (!r)
        r = read_text(guest, "name", what, sconce_guest_name_is_good, config->guest_name,
                      sizeof config->guest_name, err);
    if (!r)
        r = sconce_json_count(guest, "abi", what, &abi, err);
    if (!r && abi > UINT32_MAX)
        r = sconce_fail(err, SCONCE_E_SNAPSHOT, "%s names guest ABI %llu", what,
                        (unsigned long long)abi);
    if (!r)
        config->guest_abi = (uint32_t)abi;
    return r;
}

/* Of a feature, as /proc/cpuinfo has them. */
static bool is_word(const char *text)
{
    return *text && strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == strlen(text);
}

static int read_cpu(const json_t *json, const char *what, struct sconce_cpu *cpu,
                    struct sconce_error *err)
{
    json_t *names;
    int r = sconce_json_array(json, "cpu_features", what, &names, err);

    for (size_t i = 0; !r && i < json_array_size(names); i++) {
        const char *name = json_string_value(json_array_get(names, i));

        if (!name || !is_word(name) || !sconce_cpu_add(cpu, name))
            r = sconce_fail(err, SCONCE_E_SNAPSHOT,
                            "member %zu of \"cpu_features\" of %s is no short name, or one too "
                            "many",
                            i + 1, what);
    }
    return r;
}

static int read_limits(const json_t *json, const char *what, struct sconce_snapshot_parts *parts,
                       struct sconce_error *err)
{
    json_t *limits;
    int r = sconce_json_object(json, "limits", what, &limits, err);

    if (!r)
        r = sconce_json_count(limits, "heap_bytes", what, &parts->heap_bytes, err);
    if (!r)
        r = sconce_json_count(limits, "stack_bytes", what, &parts->stack_bytes, err);
    if (!r)
        r = sconce_json_count(limits, "io_bytes", what, &parts->io_bytes, err);
    return r;
}

static int read_region(const json_t *json, const char *what, struct sconce_snapshot_region *region,
                       struct sconce_error *err)
{
    char shown[SCONCE_SHOWN_BYTES];
    const char *role;
    int r = sconce_json_text(json, "role", what, &role, err);

    if (!r && !sconce_region_role_find(role, &region->role))
        r = sconce_fail(err, SCONCE_E_SNAPSHOT, "%s has a region of the unknown role \"%s\"", what,
                        sconce_json_show(role, shown));
    if (!r)
        r = sconce_json_address(json, "address", what, &region->address, err);
    if (!r)
        r = sconce_json_count(json, "bytes", what, &region->bytes, err);
    return r;
}

static int read_regions(const json_t *json, const char *what, struct sconce_snapshot_parts *parts,
                        struct sconce_error *err)
{
    json_t *regions;
    int r = sconce_json_array(json, "regions", what, &regions, err);

    if (r < 0)
        return r;
    if (json_array_size(regions) > SCONCE_SNAPSHOT_MAX_REGIONS)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s has %zu regions; %u are the most", what,
                           json_array_size(regions), SCONCE_SNAPSHOT_MAX_REGIONS);
    parts->region_count = (uint32_t)json_array_size(regions);
    for (uint32_t i = 0; !r && i < parts->region_count; i++)
        r = read_region(json_array_get(regions, i), what, &parts->regions[i], err);
    return r;
}

static int read_resume(const json_t *json, const char *what, struct sconce_snapshot_parts *parts,
                       struct sconce_error *err)
{
    json_t *resume;
    int r = sconce_json_object(json, "resume", what, &resume, err);

    if (!r)
        r = sconce_json_address(resume, "pc", what, &parts->resume_pc, err);
    if (!r)
        r = sconce_json_address(resume, "sp", what, &parts->resume_sp, err);
    if (!r)
        r = sconce_json_address(resume, "tls", what, &parts->resume_tls, err);
    if (!r)
        r = sconce_json_count(json, "generation", what, &parts->generation, err);
    return r;
}

static int read_fault_handler(const json_t *json, const char *what,
                              struct sconce_snapshot_parts *parts, struct sconce_error *err)
{
    json_t *handler;
    int r;

    if (!json_object_get(json, "fault_handler"))
        return 0;
    r = sconce_json_object(json, "fault_handler", what, &handler, err);
    if (!r)
        r = sconce_json_address(handler, "pc", what, &parts->fault_pc, err);
    if (!r)
        r = sconce_json_address(handler, "stack", what, &parts->fault_stack, err);
    if (!r)
        r = sconce_json_count(handler, "stack_bytes", what, &parts->fault_stack_bytes, err);
    return r;
}

static int read_mappings(const json_t *system, const char *what,
                         struct sconce_personality_state *state, struct sconce_error *err)
{
    json_t *mappings;
    size_t count;
    int r = sconce_json_array(system, "mappings", what, &mappings, err);

    if (r < 0)
        return r;
    count = json_array_size(mappings);
    if (count > SCONCE_PERSONALITY_MAPPINGS)
        return sconce_fail(err, SCONCE_E_SNAPSHOT, "%s has %zu mappings; %u are the most", what,
                           count, SCONCE_PERSONALITY_MAPPINGS);
    state->mappings = calloc(count ? count : 1, sizeof *state->mappings);
    if (!state->mappings)
        return sconce_fail(err, SCONCE_E_NO_MEMORY, "out of memory for %zu mappings", count);
    for (size_t i = 0; i < count; i++) {
        const json_t *mapping = json_array_get(mappings, i);

        if (json_array_size(mapping) != 2 ||
            !sconce_json_parse_address(json_array_get(mapping, 0), &state->mappings[i].start) ||
            !sconce_json_parse_address(json_array_get(mapping, 1), &state->mappings[i].end))
            return sconce_fail(err, SCONCE_E_SNAPSHOT,
                               "mapping number %zu of %s is no pair of addresses", i + 1, what);
    }
    state->mapping_count = state->mapping_room = (uint32_t)count;
    return 0;
}

static int read_system(const json_t *json, const char *what, struct sconce_personality_state *state,
                       struct sconce_error *err)
{
    json_t *system;
    int r = sconce_json_object(json, "system", what, &system, err);

    if (!r)
        r = sconce_json_address(system, "brk", what, &state->brk, err);
    if (!r)
        r = sconce_json_count(system, "random_bytes", what, &state->random_at, err);
    if (!r)
        r = read_mappings(system, what, state, err);
    return r;
}

int sconce_snapshot_config_parse(const void *data, size_t bytes, const char *what,
                                 struct sconce_snapshot_config *ret_config,
                                 struct sconce_error *err)
{
    SCONCE_CLEANUP(sconce_snapshot_config_fini) struct sconce_snapshot_config config = {0};
    SCONCE_CLEANUP(sconce_json_cleanup) json_t *json = NULL;
    int r = sconce_json_parse(data, bytes, what, &json, err);

    if (!r)
        r = read_head(json, what, &config, err);
    if (!r)
        r = read_guest(json, what, &config, err);
    if (!r)
        r = read_cpu(json, what, &config.cpu, err);
    if (!r)
        r = read_limits(json, what, &config.parts, err);
    if (!r)
        r = read_regions(json, what, &config.parts, err);
    if (!r)
        r = read_resume(json, what, &config.parts, err);
    if (!r)
        r = read_fault_handler(json, what, &config.parts, err);
    if (!r)
        r = read_system(json, what, &config.parts.system, err);
    if (r < 0)
        return r;
    *ret_config = config;
    config.parts.system.mappings = NULL; /* handed over */
    return 0;
}

void sconce_snapshot_config_fini(struct sconce_snapshot_config *config)
{
    free(config->parts.system.mappings);
    config->parts.system.mappings = NULL;
}
