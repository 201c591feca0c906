/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs a fuzz target over files and folders of inputs, as a plain test that needs no fuzzer: each
 * input once, in memory of exactly its size. Folders are not searched below their first level.
 */
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *data = NULL;
    struct stat st;
    int r = -1;

    if (file && fstat(fileno(file), &st) == 0)
        data = malloc(st.st_size ? (size_t)st.st_size : 1);
    if (data && fread(data, 1, (size_t)st.st_size, file) == (size_t)st.st_size) {
        LLVMFuzzerTestOneInput(data, (size_t)st.st_size);
        r = 0;
    } else {
        fprintf(stderr, "cannot read %s: %s\n", path, strerror(errno));
    }
    free(data);
    if (file)
        fclose(file);
    return r;
}

/* Returns how many inputs were run, -1 when one could not be read. */
static int replay_folder(const char *path)
{
    struct dirent **entries = NULL;
    int count = scandir(path, &entries, NULL, alphasort);
    char name[4096];
    int run = 0;

    if (count < 0) {
        fprintf(stderr, "cannot list %s: %s\n", path, strerror(errno));
        return -1;
    }
    for (int i = 0; i < count; i++) {
        snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && run >= 0)
            run = replay_file(name) == 0 ? run + 1 : -1;
        free(entries[i]);
    }
    free(entries);
    return run;
}

int main(int argc, char **argv)
{
    int total = 0;

    for (int i = 1; i < argc; i++) {
        struct stat st;
        int n;

        if (stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode))
            n = replay_folder(argv[i]);
        else
            n = replay_file(argv[i]) == 0 ? 1 : -1;
        if (n < 0)
            return 1;
        total += n;
    }
    printf("%d inputs\n", total);
    return total ? 0 : 1;
}
