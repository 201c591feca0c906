/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plugin-error.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"

void sconce_plugin_error_init(struct sconce_plugin_error *error)
{
    *error = (struct sconce_plugin_error){.size = sizeof *error};
}

/* What the code behind the text means, unless the text says it: ": Permission denied". */
static void describe_code(const struct sconce_plugin_error *from, const char *text, char *ret,
                          size_t bytes)
{
    const char *name = NULL;

    ret[0] = '\0';
    switch (from->domain) {
    case SCONCE_DOMAIN_ERRNO:
        if (from->code > 0 && from->code < 4096)
            name = strerrordesc_np((int)from->code);
        if (name && !strstr(text, name))
            snprintf(ret, bytes, ": %s", name);
        break;
    case SCONCE_DOMAIN_HV_STATUS:
        snprintf(ret, bytes, " (HV_STATUS 0x%" PRIx64 ")", (uint64_t)from->code);
        break;
    case SCONCE_DOMAIN_HRESULT:
        snprintf(ret, bytes, " (HRESULT 0x%" PRIx32 ")", (uint32_t)from->code);
        break;
    case SCONCE_DOMAIN_EXIT:
        snprintf(ret, bytes, " (exit reason %" PRIu32 ", suberror %" PRIu32 ")",
                 (uint32_t)from->code, (uint32_t)((uint64_t)from->code >> 32));
        break;
    default:
        break;
    }
}

int sconce_plugin_error_take(const struct sconce_plugin_error *from, int code,
                             struct sconce_error *err)
{
    char text[sizeof from->text + 1];
    char hint[sizeof from->hint + 1];
    char detail[96];

    memcpy(text, from->text, sizeof from->text);
    text[sizeof from->text] = '\0';
    memcpy(hint, from->hint, sizeof from->hint);
    hint[sizeof from->hint] = '\0';
    sconce_text_one_line(text);
    sconce_text_one_line(hint);
    if (!text[0])
        snprintf(text, sizeof text, "it failed without saying why");
    describe_code(from, text, detail, sizeof detail);
    return sconce_fail_hint(err, code, hint, "%s%s", text, detail);
}
