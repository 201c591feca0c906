/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot-list.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "json.h"
#include "report.h"
#include "text.h"

static void put_word(FILE *out, const char *word, int width)
{
    size_t bytes = strlen(word);

    text_put_safe(out, word, bytes);
    fprintf(out, "%*s", bytes < (size_t)width ? width - (int)bytes : 0, "");
}

static void put_row(FILE *out, const struct sconce_snapshot_info *info)
{
    put_word(out, info->tag[0] ? info->tag : "-", 16);
    if (info->problem[0]) {
        fputs("  cannot be used: ", out);
        put_word(out, info->problem, 0);
        putc('\n', out);
        return;
    }
    fputs("  ", out);
    put_word(out, info->guest, 16);
    fprintf(out, "  %-5s  %8" PRIu64 " KiB  ", info->arch,
            (info->guest_bytes + info->memory_bytes + 1023) / 1024);
    put_word(out, info->created, 0);
    putc('\n', out);
}

static void put_object(struct json *json, const struct sconce_snapshot_info *info)
{
    json_open_object(json, NULL);
    json_text(json, "tag", info->tag);
    json_text(json, "digest", info->digest);
    if (info->problem[0]) {
        json_text(json, "problem", info->problem);
        json_text(json, "hint", info->hint);
    } else {
        json_text(json, "guest", info->guest);
        json_text(json, "architecture", info->arch);
        json_u64(json, "abi", info->guest_abi);
        json_text(json, "created", info->created);
        json_u64(json, "guest_bytes", info->guest_bytes);
        json_u64(json, "memory_bytes", info->memory_bytes);
        json_u64(json, "heap_bytes", info->heap_bytes);
    }
    json_close_object(json);
}

struct listing {
    const struct options *options;
    struct json json;
};

static int list_one(void *ctx, const struct sconce_snapshot_info *info)
{
    struct listing *listing = ctx;
    FILE *out = listing->json.out;

    if (listing->options->json) {
        put_object(&listing->json, info);
    } else if (!listing->options->quiet) {
        put_row(out, info);
    } else if (info->tag[0]) {
        put_word(out, info->tag, 0);
        putc('\n', out);
    }
    return 0;
}

static int list_all(struct listing *listing, const char *dir, struct sconce_error *err)
{
    int r;

    if (listing->options->json)
        json_open_array(&listing->json, NULL);
    r = sconce_snapshot_each(dir, list_one, listing, err);
    if (listing->options->json)
        json_close_array(&listing->json);
    return r;
}

/* Only what can be told whole is begun: a document has no room for an error behind it. */
int snapshot_list(const struct options *options, const char *dir, struct sconce_error *err)
{
    struct listing listing = {.options = options};
    char *text = NULL;
    size_t bytes = 0;
    int r;

    listing.json.out = report_memory(&text, &bytes);
    r = list_all(&listing, dir, err);
    report_memory_end(listing.json.out);
    if (!r)
        fwrite(text, 1, bytes, stdout);
    free(text);
    return r;
}

/* ---- verify ---------------------------------------------------------------------------------- */

struct verifying {
    const struct session *session;
    const char *dir;
    struct json json;
    int status; /* of the first that failed */
};

static void verify_tag(struct verifying *verifying, const char *tag)
{
    const struct options *options = verifying->session->options;
    struct sconce_error err = {0};
    int r = sconce_snapshot_verify(verifying->session->runtime, verifying->dir, tag, &err);
    int status = r < 0 ? report_status(&err) : STATUS_OK;

    if (verifying->status == STATUS_OK)
        verifying->status = err.code == SCONCE_E_SYSTEM ? STATUS_USAGE : status;
    if (options->json) {
        json_open_object(&verifying->json, NULL);
        json_text(&verifying->json, "tag", tag);
        json_bool(&verifying->json, "ok", r == 0);
        json_text(&verifying->json, "problem", err.text);
        json_text(&verifying->json, "hint", err.hint);
        json_close_object(&verifying->json);
    } else if (r == 0 && !options->quiet) {
        printf("%s: ok\n", tag);
    }
    if (r == 0)
        return;
    report_error("%s", err.text);
    if (err.hint[0])
        report_hint("%s", err.hint);
}

/* A NUL ends each. */
static int note_tag(void *ctx, const struct sconce_snapshot_info *info)
{
    if (info->tag[0])
        fwrite(info->tag, 1, strlen(info->tag) + 1, ctx);
    return 0;
}

int snapshot_verify(const struct session *session, const char *dir, const char *tag,
                    struct sconce_error *err)
{
    struct verifying verifying = {.session = session, .dir = dir, .json = {.out = stdout}};
    char *tags = NULL;
    size_t bytes = 0;
    FILE *out = report_memory(&tags, &bytes);
    int r = sconce_snapshot_each(dir, note_tag, out, err);

    report_memory_end(out);
    if (!r && session->options->json)
        json_open_array(&verifying.json, NULL);
    if (!r && tag)
        verify_tag(&verifying, tag);
    for (const char *each = tags; !r && !tag && each < tags + bytes; each += strlen(each) + 1)
        verify_tag(&verifying, each);
    if (!r && session->options->json)
        json_close_array(&verifying.json);
    free(tags);
    return verifying.status; /* where there is no directory, @err has it */
}
