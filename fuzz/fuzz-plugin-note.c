/* SPDX-License-Identifier: Apache-2.0 */
/* Boundary: the note of a plugin's file, which is read before anything says that the file can be
 * trusted. The input is tried as the note's text, and as a file. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "core/plugin-note.h"
#include "fuzz.h"

static void check_fact(const char text[SCONCE_FACT_BYTES])
{
    const unsigned char *p = (const unsigned char *)text;

    FUZZ_CHECK(memchr(text, '\0', SCONCE_FACT_BYTES));
    for (; *p; p++)
        FUZZ_CHECK(*p >= 0x20 && *p != 0x7f);
}

static void check_result(int r, const struct sconce_plugin_facts *f, const struct sconce_error *err)
{
    if (r != 0) {
        fuzz_check_error(r, err);
        return;
    }
    FUZZ_CHECK(f->name[0] != '\0' || f->version[0] != '\0' || f->isolation[0] != '\0');
    check_fact(f->name);
    check_fact(f->version);
    check_fact(f->arch);
    check_fact(f->mechanism);
    check_fact(f->isolation);
    check_fact(f->status);
    check_fact(f->requires_);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    static int fd = -1; /* one file for all inputs: making one costs more than reading it */
    struct sconce_plugin_facts facts = {0};
    struct sconce_error err = {0};
    int r;

    r = sconce_plugin_note_parse((const char *)data, bytes, &facts, &err);
    check_result(r, &facts, &err);

    if (fd < 0)
        fd = memfd_create("fuzz-plugin-note", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(ftruncate(fd, 0) == 0 && pwrite(fd, data, bytes, 0) == (ssize_t)bytes);
    memset(&err, 0, sizeof err);
    r = sconce_plugin_note_read(fd, &facts, &err);
    check_result(r, &facts, &err);
    return 0;
}
