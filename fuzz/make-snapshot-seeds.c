/* SPDX-License-Identifier: Apache-2.0 */
/* make-snapshot-seeds [--check] DIR: as make-seeds, for the targets of snapshots. Apart, as they
 * are not built everywhere. What a compressor makes depends on its version: it is in no seed. */
#include <elf.h>
#include <string.h>

#include "fake-guest.h"
#include "fuzz.h"
#include "seeds.h"
#include "snapshot/config.h"
#include "snapshot/manifest.h"
#include "snapshot/memory-format.h"

#define PAGE SCONCE_SNAPSHOT_PAGE_BYTES

static void emit_config(const char *name, const struct sconce_snapshot_parts *parts)
{
    struct sconce_snapshot_config config = {
        .parts = *parts,
        .guest_name = "guest.elf",
        .created = "1970-01-01T00:00:00Z",
        .machine = EM_X86_64,
        .guest_abi = 2,
    };
    char *text;
    size_t bytes;

    FUZZ_CHECK(sconce_cpu_add(&config.cpu, "avx"));
    FUZZ_CHECK(sconce_snapshot_config_write(&config, &text, &bytes, NULL) == 0);
    emit("snapshot-documents", name, text, bytes);
    free(text);
}

static void emit_documents(void)
{
    struct sconce_snapshot_parts parts = fake_parts();
    struct sconce_manifest manifest = {0};
    json_t *index = sconce_index_empty();
    char *text;
    size_t bytes;

    emit_config("config", &parts);
    parts.fault_pc = 0;
    parts.system.mapping_count = 0;
    emit_config("config-least", &parts);
    parts.resume_pc = 0;
    emit_config("config-nowhere", &parts);

    memset(manifest.config.hex, '1', SCONCE_DIGEST_HEX);
    memset(manifest.guest.hex, '2', SCONCE_DIGEST_HEX);
    memset(manifest.memory.hex, '3', SCONCE_DIGEST_HEX);
    FUZZ_CHECK(sconce_manifest_write(&manifest, "1970-01-01T00:00:00Z", &text, &bytes, NULL) == 0);
    emit("snapshot-documents", "manifest", text, bytes);
    free(text);
    FUZZ_CHECK(sconce_index_set(index, "t", &manifest.config, NULL) == 0);
    FUZZ_CHECK(sconce_json_dump(index, &text, &bytes, NULL) == 0);
    emit("snapshot-documents", "index", text, bytes);
    free(text);
}

/* A head and a table, behind the byte that says whether the target compresses what follows. */
struct memory {
    uint8_t compress;
    uint8_t bytes[sizeof(struct sconce_memory_head) + 2 * sizeof(struct sconce_memory_stretch) +
                  2 * PAGE];
};

static struct sconce_memory_head head_of(uint64_t stretches, uint64_t bytes)
{
    struct sconce_memory_head head = {.version = SCONCE_MEMORY_VERSION,
                                      .page_bytes = PAGE,
                                      .stretch_count = stretches,
                                      .memory_bytes = bytes};

    memcpy(head.magic, SCONCE_MEMORY_MAGIC, sizeof head.magic);
    return head;
}

static void emit_memory(const char *name, uint64_t first, uint64_t second)
{
    const struct sconce_memory_head head = head_of(2, 2 * (uint64_t)PAGE);
    const struct sconce_memory_stretch table[] = {{first, first + PAGE}, {second, second + PAGE}};
    struct memory seed = {.compress = 1};

    memcpy(seed.bytes, &head, sizeof head);
    memcpy(seed.bytes + sizeof head, table, sizeof table);
    memset(seed.bytes + sizeof head + sizeof table, 'm', (size_t)2 * PAGE);
    emit("snapshot-memory", name, &seed, sizeof seed);
}

/* RFC 8878: magic, a frame of one segment whose size is one byte, and a last block as it is. */
static void emit_frame(void)
{
    const struct sconce_memory_head head = head_of(0, 0);
    uint8_t seed[10 + sizeof head] = {0, 0x28, 0xb5, 0x2f, 0xfd, 0x20, sizeof head};

    seed[7] = (uint8_t)(sizeof head << 3 | 1);
    seed[8] = (uint8_t)(sizeof head >> 5);
    memcpy(seed + 10, &head, sizeof head);
    emit("snapshot-memory", "frame", seed, sizeof seed);
}

int main(int argc, char **argv)
{
    const struct sconce_snapshot_parts parts = fake_parts();
    uint64_t data = parts.regions[1].address, heap = parts.system.mappings[0].start;

    seeds_start(argc, argv);
    emit_documents();
    emit_memory("pages", data, heap);
    emit_memory("twice", data, data);
    emit_memory("code", parts.regions[0].address, heap);
    emit_frame();
    return seeds_end();
}
