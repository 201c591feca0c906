/* SPDX-License-Identifier: Apache-2.0 */
#include "seeds.h"

#include <string.h>

#include "fuzz.h"

static const char *folder;
static bool check;
static int failures;

void emit(const char *target, const char *name, const void *data, size_t bytes)
{
    char path[4096];
    FILE *file;
    void *was;
    bool good;

    snprintf(path, sizeof path, "%s/%s/seed-%s", folder, target, name);
    file = fopen(path, check ? "rb" : "wb");
    if (file && check) {
        was = malloc(bytes + 1);
        FUZZ_CHECK(was);
        good = fread(was, 1, bytes + 1, file) == bytes && memcmp(was, data, bytes) == 0;
        free(was);
    } else {
        good = file && fwrite(data, 1, bytes, file) == bytes;
    }
    if (file && fclose(file) != 0)
        good = false;
    if (!good) {
        fprintf(stderr, "%s %s\n", path, check ? "is not what make-seeds makes" : "not written");
        failures++;
    }
}

void seeds_start(int argc, char **argv)
{
    check = argc == 3 && strcmp(argv[1], "--check") == 0;
    if (argc != (check ? 3 : 2)) {
        fprintf(stderr, "usage: %s [--check] DIR\n", argv[0]);
        exit(2);
    }
    folder = argv[argc - 1];
}

int seeds_end(void)
{
    return failures ? 1 : 0;
}
