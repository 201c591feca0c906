/* SPDX-License-Identifier: Apache-2.0 */
/* Checking and recording mappings, reading through them. */
#include "plugins/shared/mappings.h"

#include <inttypes.h>
#include <string.h>

#include "common/overflow.h"
#include "common/untrusted.h"
#include "plugins/shared/plugin-error.h"

static int32_t invalid(struct sconce_plugin_error *err, const struct sconce_mapping *mapping,
                       const char *why)
{
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot map %" PRIu64 " bytes at 0x%" PRIx64 ": %s", mapping->bytes,
                              mapping->gpa, why);
}

static bool aligned(uint64_t value)
{
    return value % SCONCE_MEM_GRANULE == 0;
}

/* NULL when the two agree with the contract, else what is wrong. */
static const char *refusal(const struct sconce_plugin_mappings *mappings,
                           const struct sconce_memory *object, const struct sconce_mapping *mapping)
{
    uint64_t end, offset;

    if (object->reserved0 != 0)
        return "a reserved field is not zero";
    if (!object->host_addr || (uintptr_t)object->host_addr % 4096)
        return "the object's host address is not at the start of a page";
    if (!aligned(mapping->gpa) || !aligned(mapping->bytes) || !aligned(mapping->object_offset) ||
        mapping->bytes == 0)
        return "address, size and offset must be multiples of the granule, and the size not zero";
    if (!sconce_range_within(mapping->object_offset, mapping->bytes, object->bytes))
        return "it reaches beyond the end of the object";
    if (!sconce_add_u64(object->offset, mapping->object_offset, &offset) ||
        !sconce_add_u64(offset, mapping->bytes, &end))
        return "the object's offset in its handle is too large";
    if (!sconce_add_u64(mapping->gpa, mapping->bytes, &end) || mapping->gpa < mappings->gpa_min ||
        end > mappings->gpa_max)
        return "it is outside the guest's address space";
    if ((mapping->prot & ~(SCONCE_PROT_READ | SCONCE_PROT_WRITE | SCONCE_PROT_EXEC)) ||
        !(mapping->prot & SCONCE_PROT_READ))
        return "the protection must be readable, with write or execute at most";
    if ((mapping->prot & SCONCE_PROT_WRITE) && (mapping->prot & SCONCE_PROT_EXEC))
        return "memory is never writable and executable";
    return NULL;
}

static int32_t fixed(struct sconce_plugin_error *err, const char *what, uint64_t gpa)
{
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot %s memory at 0x%" PRIx64
                              ": the guest has been entered, its memory is fixed",
                              what, gpa);
}

static int32_t record(struct sconce_plugin_mappings *mappings, const struct sconce_memory *object,
                      const struct sconce_mapping *mapping, struct sconce_plugin_error *err)
{
    uint32_t place = 0;
    struct sconce_plugin_range *at;

    while (place < mappings->count && mappings->ranges[place].gpa < mapping->gpa)
        place++;
    at = &mappings->ranges[place];
    if ((place > 0 && mapping->gpa - at[-1].gpa < at[-1].bytes) ||
        (place < mappings->count && at->gpa - mapping->gpa < mapping->bytes))
        return invalid(err, mapping, "it overlaps another mapping");
    if (mappings->count == SCONCE_PLUGIN_MAX_MAPPINGS)
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot map more than %u ranges into one guest",
                                  SCONCE_PLUGIN_MAX_MAPPINGS);

    memmove(at + 1, at, (mappings->count - place) * sizeof *at);
    mappings->count++;
    *at = (struct sconce_plugin_range){
        .gpa = mapping->gpa,
        .bytes = mapping->bytes,
        .host = (uint8_t *)object->host_addr + mapping->object_offset,
        .handle = object->handle,
        .offset = object->offset + mapping->object_offset, /* refusal() held it against overflow */
        .handle_kind = object->handle_kind,
        .prot = mapping->prot,
    };
    return SCONCE_PLUGIN_OK;
}

int32_t sconce_plugin_mappings_add(struct sconce_plugin_mappings *mappings,
                                   const struct sconce_memory *given_object,
                                   const struct sconce_mapping *given_mapping,
                                   struct sconce_plugin_error *err)
{
    struct sconce_memory object;
    struct sconce_mapping mapping;
    const char *why;

    if (!sconce_plugin_copy_in(&object, sizeof object, given_object,
                               SCONCE_BYTES_TO(sconce_memory, reserved0)) ||
        !sconce_plugin_copy_in(&mapping, sizeof mapping, given_mapping,
                               SCONCE_BYTES_TO(sconce_mapping, object_offset)))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot map memory: its description is too short");
    if (mappings->fixed)
        return fixed(err, "map", mapping.gpa);
    if (mappings->by_descriptor &&
        (object.handle_kind != SCONCE_HANDLE_LINUX_FD || object.handle > INT32_MAX))
        return sconce_plugin_fail(err, SCONCE_PLUGIN_E_NOT_SUPPORTED, SCONCE_DOMAIN_NONE, 0, NULL,
                                  "cannot map memory at 0x%" PRIx64
                                  ": it has no descriptor by which another process could map it",
                                  mapping.gpa);
    why = refusal(mappings, &object, &mapping);
    return why ? invalid(err, &mapping, why) : record(mappings, &object, &mapping, err);
}

int32_t sconce_plugin_mappings_remove(struct sconce_plugin_mappings *mappings, uint64_t gpa,
                                      uint64_t bytes, struct sconce_plugin_error *err)
{
    if (mappings->fixed)
        return fixed(err, "unmap", gpa);
    for (uint32_t i = 0; i < mappings->count; i++) {
        struct sconce_plugin_range *at = &mappings->ranges[i];

        if (at->gpa != gpa || at->bytes != bytes)
            continue;
        mappings->count--;
        memmove(at, at + 1, (mappings->count - i) * sizeof *at);
        return SCONCE_PLUGIN_OK;
    }
    return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                              "cannot unmap %" PRIu64 " bytes at 0x%" PRIx64
                              ": nothing was mapped there with that size",
                              bytes, gpa);
}

static const struct sconce_plugin_range *range_of(const struct sconce_plugin_mappings *mappings,
                                                  uint64_t gpa)
{
    for (uint32_t i = 0; i < mappings->count; i++)
        if (gpa - mappings->ranges[i].gpa < mappings->ranges[i].bytes)
            return &mappings->ranges[i];
    return NULL;
}

bool sconce_plugin_mappings_read(const struct sconce_plugin_mappings *mappings, uint64_t gpa,
                                 void *to, size_t bytes, uint32_t prot)
{
    uint8_t *at = to;

    while (bytes > 0) {
        const struct sconce_plugin_range *range = range_of(mappings, gpa);
        uint64_t offset, part;

        if (!range || (range->prot & prot) != prot)
            return false;
        offset = gpa - range->gpa;
        part = range->bytes - offset < bytes ? range->bytes - offset : bytes;
        sconce_copy_untrusted(at, range->host + offset, part);
        at += part;
        gpa += part;
        bytes -= part;
    }
    return true;
}

int32_t sconce_plugin_mappings_sync_code(const struct sconce_plugin_mappings *mappings,
                                         uint64_t gpa, uint64_t bytes, bool seen,
                                         struct sconce_plugin_error *err)
{
    const uint64_t first = gpa, all_bytes = bytes;

    while (bytes > 0) {
        const struct sconce_plugin_range *range = range_of(mappings, gpa);
        uint64_t offset, part;
        char *host;

        if (!range || !(range->prot & SCONCE_PROT_EXEC))
            return sconce_plugin_fail(err, SCONCE_PLUGIN_E_INVALID, SCONCE_DOMAIN_NONE, 0, NULL,
                                      "cannot make fetches see %" PRIu64 " bytes at 0x%" PRIx64
                                      ": not all of them are mapped as code",
                                      all_bytes, first);
        offset = gpa - range->gpa;
        part = range->bytes - offset < bytes ? range->bytes - offset : bytes;
        host = (char *)range->host + offset;
        if (seen)
            __builtin___clear_cache(host, host + part);
        gpa += part;
        bytes -= part;
    }
    return SCONCE_PLUGIN_OK;
}
