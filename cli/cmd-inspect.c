/* SPDX-License-Identifier: Apache-2.0 */
/* sconce inspect: what a guest or a backend file says of itself. Runs nothing of it. */
#include <elf.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "commands.h"
#include "files.h"
#include "json.h"
#include "note.h"
#include "report.h"
#include "text.h"

typedef bool (*list_fn)(const struct sconce_guest *guest, uint32_t i,
                        struct sconce_signature *ret_signature);

/* For people; what runs a guest is the backend's business. */
static void machine_name(uint32_t machine, char *name, size_t room)
{
    switch (machine) {
    case EM_X86_64:
        snprintf(name, room, "x86_64");
        break;
    case EM_AARCH64:
        snprintf(name, room, "aarch64");
        break;
    case EM_RISCV:
        snprintf(name, room, "riscv64");
        break;
    default:
        snprintf(name, room, "ELF machine %" PRIu32, machine);
        break;
    }
}

static void json_functions(struct json *json, const char *key, const struct sconce_guest *guest,
                           list_fn list)
{
    struct sconce_signature function;

    json_open_array(json, key);
    for (uint32_t i = 0; list(guest, i, &function); i++) {
        json_open_object(json, NULL);
        json_text(json, "name", function.name);
        json_text(json, "signature", function.text);
        json_open_array(json, "params");
        for (uint32_t p = 0; p < function.param_count; p++)
            json_text(json, NULL, sconce_type_name((unsigned char)function.params[p]));
        json_close_array(json);
        json_text(json, "result", sconce_type_name(function.result));
        json_close_object(json);
    }
    json_close_array(json);
}

static void guest_json(const char *path, const struct sconce_guest *guest,
                       const struct sconce_guest_info *info, const char *machine)
{
    struct json json = {.out = stdout};

    json_open_object(&json, NULL);
    json_text(&json, "kind", "guest");
    json_text(&json, "file", path);
    json_text(&json, "arch", machine);
    json_u64(&json, "machine", info->machine);
    json_u64(&json, "abi", info->abi);
    json_text(&json, "reloc", info->reloc == 1 ? "host" : "self");
    json_hex(&json, "base", info->base);
    json_hex(&json, "entry", info->entry);
    json_u64(&json, "image_bytes", info->image_bytes);
    json_u64(&json, "data_bytes", info->data_bytes);
    json_functions(&json, "exports", guest, sconce_guest_export);
    json_functions(&json, "imports", guest, sconce_guest_import);
    json_close_object(&json);
}

/* @names_only: for scripts, and so without the signatures. */
static void text_functions(const struct sconce_guest *guest, list_fn list, bool names_only)
{
    struct sconce_signature function;

    for (uint32_t i = 0; list(guest, i, &function); i++) {
        fputs(names_only ? "" : "  ", stdout);
        text_put_safe(stdout, function.name, strlen(function.name));
        puts(names_only ? "" : function.text);
    }
}

static void guest_text(const char *path, const struct sconce_guest *guest,
                       const struct sconce_guest_info *info, const char *machine)
{
    printf("%s: guest for %s\n", path, machine);
    printf("  guest ABI      %" PRIu32 ", relocated by %s\n", info->abi,
           info->reloc == 1 ? "the host" : "itself");
    printf("  addresses      base 0x%" PRIx64 ", entry 0x%" PRIx64 "\n", info->base, info->entry);
    printf("  shared memory  %" PRIu64 " KiB, code and constants\n", info->image_bytes / 1024);
    printf("  own memory     %" PRIu64 " KiB of data a sandbox, and its stack and heap\n",
           info->data_bytes / 1024);
    printf("exports %" PRIu32 " function%s\n", info->export_count,
           info->export_count == 1 ? "" : "s");
    text_functions(guest, sconce_guest_export, false);
    printf("imports %" PRIu32 " function%s\n", info->import_count,
           info->import_count == 1 ? "" : "s");
    text_functions(guest, sconce_guest_import, false);
}

static int inspect_guest(const struct options *options, const void *data, size_t bytes)
{
    const char *path = options->operands[0];
    struct sconce_guest_info info = {.size = sizeof info};
    struct sconce_guest *guest = NULL;
    struct sconce_error err = {0};
    char machine[32];

    if (sconce_guest_load_memory(NULL, data, bytes, path, &guest, &err) < 0)
        return report_failure(options, &err);
    sconce_guest_describe(guest, &info);
    machine_name(info.machine, machine, sizeof machine);
    if (options->json)
        guest_json(path, guest, &info, machine);
    else if (options->quiet)
        text_functions(guest, sconce_guest_export, true);
    else
        guest_text(path, guest, &info, machine);
    sconce_guest_free(guest);
    return STATUS_OK;
}

static void put_span(struct note_span span)
{
    text_put_safe(stdout, span.data, span.bytes);
}

static void backend_text(const char *path, struct note_span facts)
{
    const struct note_span nothing = {"nothing", strlen("nothing")};
    struct note_span key, value;

    printf("%s: backend ", path);
    put_span(note_value(facts, "name"));
    putchar('\n');
    while (note_next(&facts, &key, &value)) {
        if (key.bytes == 4 && memcmp(key.data, "name", 4) == 0)
            continue;
        fputs("  ", stdout);
        put_span(key);
        printf("%*s", key.bytes < 14 ? (int)(14 - key.bytes) : 1, "");
        put_span(value.bytes > 0 ? value : nothing);
        putchar('\n');
    }
}

/* Every fact as a string: the file's own words. */
static void backend_json(const char *path, struct note_span facts)
{
    struct note_span key, value;
    struct json json = {.out = stdout};
    char name[32];

    json_open_object(&json, NULL);
    json_text(&json, "kind", "backend");
    json_text(&json, "file", path);
    json_open_object(&json, "facts");
    while (note_next(&facts, &key, &value)) {
        snprintf(name, sizeof name, "%.*s", key.bytes < 31 ? (int)key.bytes : 31, key.data);
        json_string(&json, name, value.data, value.bytes);
    }
    json_close_object(&json);
    json_close_object(&json);
}

/* The core loads NAME from this file alone. */
static void check_file_name(const char *path, struct note_span facts)
{
    struct note_span name = note_value(facts, "name");
    const char *slash = strrchr(path, '/');
    const char *base = slash ? slash + 1 : path;
    char want[160];

    snprintf(want, sizeof want, "sconce-backend-%.*s.so", name.bytes < 128 ? (int)name.bytes : 128,
             name.data);
    if (strcmp(base, want) != 0)
        report_note("this file is found in a plugin directory only when it is called %s", want);
}

static void inspect_backend(const struct options *options, struct note_span facts)
{
    if (options->json)
        backend_json(options->operands[0], facts);
    else if (!options->quiet)
        backend_text(options->operands[0], facts);
    if (!options->quiet)
        check_file_name(options->operands[0], facts);
}

int cmd_inspect(const struct options *options)
{
    const char *path = options->operands[0];
    struct note_span facts;
    void *data = NULL;
    char why[128];
    size_t bytes;
    int status = STATUS_OK;

    if (!files_read_regular(path, &data, &bytes, why, sizeof why))
        return report_refuse(options, SCONCE_E_SYSTEM, "", "cannot read %s: %s", path, why);
    if (note_find(data, bytes, NOTE_TYPE_PLUGIN, &facts.data, &facts.bytes))
        inspect_backend(options, facts);
    else
        status = inspect_guest(options, data, bytes);
    free(data);
    return status;
}
