/* SPDX-License-Identifier: Apache-2.0 */
/* Boundary: a snapshot file's documents: config, manifest and index; and what is made of a config.
 */
#include <string.h>

#include "fake-guest.h"
#include "fuzz.h"
#include "snapshot/config.h"
#include "snapshot/manifest.h"

static void check_error(int r, const struct sconce_error *err)
{
    fuzz_check_error(r, err);
    FUZZ_CHECK(fuzz_text_clean(err->text, strlen(err->text)));
}

/* Written and read again, it says the same. False when it cannot be written. */
static bool check_again(const struct sconce_snapshot_config *config)
{
    struct sconce_snapshot_config again;
    struct sconce_error err = {0};
    char *text;
    size_t bytes;
    int r = sconce_snapshot_config_write(config, &text, &bytes, &err);

    if (r < 0) {
        check_error(r, &err);
        return false;
    }
    FUZZ_CHECK(sconce_snapshot_config_parse(text, bytes, "it", &again, NULL) == 0);
    FUZZ_CHECK(again.parts.resume_pc == config->parts.resume_pc);
    FUZZ_CHECK(again.parts.system.brk == config->parts.system.brk);
    FUZZ_CHECK(again.parts.system.mapping_count == config->parts.system.mapping_count);
    FUZZ_CHECK(again.cpu.count == config->cpu.count);
    FUZZ_CHECK(strcmp(again.guest_name, config->guest_name) == 0);
    sconce_snapshot_config_fini(&again);
    free(text);
    return true;
}

static void try_config(const uint8_t *data, size_t bytes)
{
    struct sconce_snapshot_config config;
    struct sconce_snapshot *snapshot;
    struct sconce_error err = {0};
    bool written;
    int r = sconce_snapshot_config_parse(data, bytes, "it", &config, &err);

    if (r < 0) {
        check_error(r, &err);
        return;
    }
    FUZZ_CHECK(fuzz_text_clean(config.guest_name, strlen(config.guest_name)));
    FUZZ_CHECK(fuzz_text_clean(config.created, strlen(config.created)));
    FUZZ_CHECK(config.parts.region_count <= SCONCE_SNAPSHOT_MAX_REGIONS);
    written = check_again(&config);
    r = sconce_snapshot_make(fake_guest(), fake_limits(), &config.parts, &snapshot, &err);
    sconce_snapshot_config_fini(&config);
    if (r < 0) {
        check_error(r, &err);
        return;
    }
    fake_check(snapshot);
    FUZZ_CHECK(written);
    sconce_snapshot_free(snapshot);
}

static void try_manifest(const uint8_t *data, size_t bytes)
{
    struct sconce_manifest manifest;
    struct sconce_error err = {0};
    int r = sconce_manifest_parse(data, bytes, "it", &manifest, &err);

    if (r < 0)
        check_error(r, &err);
    else
        FUZZ_CHECK(sconce_digest_is_hex(manifest.config.hex) &&
                   sconce_digest_is_hex(manifest.guest.hex) &&
                   sconce_digest_is_hex(manifest.memory.hex));
}

/* One that is good can be listed as it is; the message for another, too. */
static void try_tags(const json_t *index)
{
    for (size_t i = 0; i < sconce_index_count(index); i++) {
        const char *tag = sconce_index_tag(index, i);
        struct sconce_error err = {0};
        int r = tag ? sconce_tag_check(tag, &err) : 0;

        if (r < 0)
            check_error(r, &err);
        else if (tag)
            FUZZ_CHECK(fuzz_text_clean(tag, strlen(tag)) && !strchr(tag, '\n'));
    }
}

static void try_index(const uint8_t *data, size_t bytes)
{
    struct sconce_descriptor found;
    struct sconce_error err = {0};
    json_t *index;
    int r = sconce_index_parse(data, bytes, "it", &index, &err);

    if (r < 0) {
        check_error(r, &err);
        return;
    }
    r = sconce_index_find(index, "t", "it", &found, &err);
    if (r < 0)
        check_error(r, &err);
    else
        FUZZ_CHECK(sconce_digest_is_hex(found.hex));
    try_tags(index);
    memset(&found, 0, sizeof found);
    memset(found.hex, 'a', SCONCE_DIGEST_HEX);
    FUZZ_CHECK(sconce_index_set(index, "t", &found, NULL) == 0);
    FUZZ_CHECK(sconce_index_find(index, "t", "it", &found, NULL) == 0);
    json_decref(index);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    if (!bytes)
        data = (const uint8_t *)"";
    try_config(data, bytes);
    try_manifest(data, bytes);
    try_index(data, bytes);
    return 0;
}
