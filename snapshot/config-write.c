/* SPDX-License-Identifier: Apache-2.0 */
/* The config document, written. sconce-snapshot(5) describes its members. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/error.h"
#include "snapshot/config-internal.h"
#include "snapshot/json.h"

void sconce_created_now(char ret_created[SCONCE_CREATED_BYTES])
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t now = time(NULL);
    struct tm tm;

    if (epoch && *epoch >= '0' && *epoch <= '9') {
        char *end;
        long long wanted;

        errno = 0;
        wanted = strtoll(epoch, &end, 10);
        /* The year has four digits. */
        if (*end == '\0' && errno == 0 && wanted < 253402300800LL)
            now = (time_t)wanted;
    }
    if (!gmtime_r(&now, &tm) ||
        !strftime(ret_created, SCONCE_CREATED_BYTES, "%Y-%m-%dT%H:%M:%SZ", &tm))
        snprintf(ret_created, SCONCE_CREATED_BYTES, "1970-01-01T00:00:00Z");
}

static json_t *from_cpu(const struct sconce_cpu *cpu)
{
    json_t *names = json_array();
    int bad = 0;

    for (uint32_t i = 0; i < cpu->count; i++)
        bad |= json_array_append_new(names, json_string(cpu->names[i]));
    if (!bad)
        return names;
    json_decref(names);
    return NULL;
}

static json_t *from_regions(const struct sconce_snapshot_parts *parts)
{
    json_t *regions = json_array();
    int bad = 0;

    for (uint32_t i = 0; i < parts->region_count; i++) {
        const struct sconce_snapshot_region *region = &parts->regions[i];

        bad |= json_array_append_new(
            regions, json_pack("{s:s,s:o,s:I}", "role", sconce_region_role_name(region->role),
                               "address", sconce_json_from_address(region->address), "bytes",
                               (json_int_t)region->bytes));
    }
    if (!bad)
        return regions;
    json_decref(regions);
    return NULL;
}

static json_t *from_mappings(const struct sconce_personality_state *system)
{
    json_t *mappings = json_array();
    int bad = 0;

    for (uint32_t i = 0; i < system->mapping_count; i++)
        bad |= json_array_append_new(
            mappings, json_pack("[o,o]", sconce_json_from_address(system->mappings[i].start),
                                sconce_json_from_address(system->mappings[i].end)));
    if (!bad)
        return mappings;
    json_decref(mappings);
    return NULL;
}

static json_t *from_fault_handler(const struct sconce_snapshot_parts *parts)
{
    return json_pack("{s:o,s:o,s:I}", "pc", sconce_json_from_address(parts->fault_pc), "stack",
                     sconce_json_from_address(parts->fault_stack), "stack_bytes",
                     (json_int_t)parts->fault_stack_bytes);
}

/* What no reader would take is not written. */
static int check_readable(const struct sconce_snapshot_config *config, struct sconce_error *err)
{
    const struct sconce_snapshot_parts *parts = &config->parts;
    uint32_t machine;

    if (!sconce_architecture_find(sconce_architecture_name(config->machine), &machine))
        return sconce_fail(err, SCONCE_E_SNAPSHOT,
                           "cannot keep the snapshot in files: ELF machine %u has no name there",
                           config->machine);
    if (parts->generation > SCONCE_SNAPSHOT_GENERATION_MOST)
        return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, "take the snapshot of a new sandbox",
                                "cannot keep the snapshot in files: its guest is of generation "
                                "%" PRIu64 ", and %llu is the last that is read",
                                parts->generation, SCONCE_SNAPSHOT_GENERATION_MOST);
    if (parts->system.random_at > SCONCE_PERSONALITY_RANDOM_MOST)
        return sconce_fail_hint(err, SCONCE_E_SNAPSHOT, "take the snapshot of a new sandbox",
                                "cannot keep the snapshot in files: its guest has used up %" PRIu64
                                " random bytes, and %llu are the most that are read",
                                parts->system.random_at, SCONCE_PERSONALITY_RANDOM_MOST);
    return 0;
}

static json_t *from_config(const struct sconce_snapshot_config *config)
{
    const struct sconce_snapshot_parts *parts = &config->parts;
    json_t *json = json_pack(
        "{s:s,s:s,s:I,s:s,s:{s:s,s:I},s:o,s:{s:I,s:I,s:I},s:o,s:{s:o,s:o,s:o},s:I,s:{s:o,s:I,s:o}}",
        "architecture", sconce_architecture_name(config->machine), "os", SCONCE_CONFIG_OS, "format",
        (json_int_t)SCONCE_CONFIG_FORMAT, "created", config->created, "guest", "name",
        config->guest_name, "abi", (json_int_t)config->guest_abi, "cpu_features",
        from_cpu(&config->cpu), "limits", "heap_bytes", (json_int_t)parts->heap_bytes,
        "stack_bytes", (json_int_t)parts->stack_bytes, "io_bytes", (json_int_t)parts->io_bytes,
        "regions", from_regions(parts), "resume", "pc", sconce_json_from_address(parts->resume_pc),
        "sp", sconce_json_from_address(parts->resume_sp), "tls",
        sconce_json_from_address(parts->resume_tls), "generation", (json_int_t)parts->generation,
        "system", "brk", sconce_json_from_address(parts->system.brk), "random_bytes",
        (json_int_t)parts->system.random_at, "mappings", from_mappings(&parts->system));

    if (json && parts->fault_pc &&
        json_object_set_new(json, "fault_handler", from_fault_handler(parts))) {
        json_decref(json);
        json = NULL;
    }
    return json;
}

int sconce_snapshot_config_write(const struct sconce_snapshot_config *config, char **ret_text,
                                 size_t *ret_bytes, struct sconce_error *err)
{
    int r = check_readable(config, err);

    return r ? r : sconce_json_dump(from_config(config), ret_text, ret_bytes, err);
}
