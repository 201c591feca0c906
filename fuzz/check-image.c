/* SPDX-License-Identifier: Apache-2.0 */
/* Parses one input as a loader for two architectures and as an inspector, and holds the result
 * against the promises of core/image.h. Shares no code with the parser but the signature unit. */
#include "check-image.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "core/image.h"
#include "core/signature.h"
#include "fuzz.h"

#define LIMIT (8ull << 20) /* small: the fuzzer shall not spend its time on clearing memory */

static void check_segments(const struct sconce_image *image)
{
    uint64_t total = 0;
    uint64_t end = SCONCE_GPA_MIN;

    FUZZ_CHECK(image->segment_count >= 1 && image->segment_count <= SCONCE_IMAGE_MAX_SEGMENTS);
    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct sconce_image_segment *s = &image->segments[i];
        volatile uint8_t sum = 0;

        FUZZ_CHECK(s->gpa % SCONCE_GUEST_GRANULE == 0 && s->bytes % SCONCE_GUEST_GRANULE == 0);
        FUZZ_CHECK(s->bytes > 0 && s->init_bytes <= s->bytes);
        FUZZ_CHECK(s->gpa >= end);
        FUZZ_CHECK(s->prot == 1 || s->prot == 3 || s->prot == 5);
        for (uint64_t n = 0; n < s->init_bytes; n++)
            sum = (uint8_t)(sum + s->init[n]); /* readable to its end */
        end = s->gpa + s->bytes;
        total += s->bytes;
    }
    FUZZ_CHECK(end <= SCONCE_GPA_MAX && total <= LIMIT);
    FUZZ_CHECK(image->start == image->segments[0].gpa && image->end == end);
}

static void check_entry(const struct sconce_image *image)
{
    bool executable = false;

    for (uint32_t i = 0; i < image->segment_count; i++) {
        const struct sconce_image_segment *s = &image->segments[i];

        if (image->entry >= s->gpa && image->entry - s->gpa < s->init_bytes)
            executable = s->prot == 5;
    }
    FUZZ_CHECK(executable);
}

static void check_functions(const struct sconce_image_function *functions, uint32_t count)
{
    char text[SCONCE_SIGNATURE_TEXT_BYTES];
    char letters[SCONCE_SIGNATURE_BYTES];

    FUZZ_CHECK(count <= SCONCE_IMAGE_MAX_FUNCTIONS);
    for (uint32_t i = 0; i < count; i++) {
        const struct sconce_image_function *f = &functions[i];

        FUZZ_CHECK(f->name[0] != '\0' && strlen(f->name) <= SCONCE_NAME_MAX);
        FUZZ_CHECK(!strchr(f->name, '\n'));
        FUZZ_CHECK(fuzz_text_clean(f->name, strlen(f->name)));
        FUZZ_CHECK(i == 0 || strcmp(functions[i - 1].name, f->name) < 0);
        FUZZ_CHECK(f->index < count && f->param_count <= SCONCE_MAX_PARAMS);
        memset(letters, 0, sizeof letters);
        letters[0] = (char)f->result;
        memcpy(letters + 1, f->params, f->param_count);
        FUZZ_CHECK(f->params[f->param_count] == '\0' && sconce_signature_valid(letters));
        sconce_signature_text(letters, text);
        FUZZ_CHECK(strcmp(text, f->text) == 0);
    }
}

static void parse(const uint8_t *data, size_t bytes, uint32_t reloc_relative)
{
    struct sconce_image *image = NULL;
    struct sconce_error err = {0};
    uint32_t machine;
    int r = sconce_image_new(data, bytes, "fuzz.elf", reloc_relative, LIMIT, &image, &err);

    if (r != 0) {
        fuzz_check_error(r, &err);
        FUZZ_CHECK(fuzz_text_clean(err.text, strlen(err.text)));
        FUZZ_CHECK(!image && (r == SCONCE_E_GUEST_FORMAT || r == SCONCE_E_LIMIT));
        return;
    }
    FUZZ_CHECK(sconce_image_machine(data, bytes, "fuzz.elf", &machine, NULL) == 0);
    FUZZ_CHECK(machine == image->machine);
    FUZZ_CHECK(image->abi >= SCONCE_GUEST_ABI_MIN && image->abi <= SCONCE_GUEST_ABI_CURRENT);
    FUZZ_CHECK(image->reloc == SCONCE_RELOC_HOST || image->reloc == SCONCE_RELOC_SELF);
    check_segments(image);
    check_entry(image);
    check_functions(image->exports, image->export_count);
    check_functions(image->imports, image->import_count);
    sconce_image_free(image);
}

void fuzz_parse_image(const uint8_t *data, size_t bytes)
{
    parse(data, bytes, R_X86_64_RELATIVE);
    parse(data, bytes, R_AARCH64_RELATIVE);
    parse(data, bytes, 0);
}
