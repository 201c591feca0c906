/* SPDX-License-Identifier: Apache-2.0 */
/* parser GUEST FILE...: parses each FILE in a sandbox. What one does to the parser, no other sees.
 */
#include <sconce/sconce.h>
#include <stdio.h>

static char data[1 << 20];

int main(int argc, char **argv)
{
    struct sconce_sandbox_options options = {.size = sizeof options,
                                             .limits.deadline_ns = 5000000000};
    struct sconce_runtime *runtime = NULL;
    struct sconce_guest *guest = NULL;
    struct sconce_sandbox *sandbox = NULL;
    struct sconce_snapshot *fresh = NULL;
    struct sconce_error err = {.text = "usage: parser GUEST FILE..."};

    if (argc < 2 || sconce_runtime_new(NULL, &runtime, &err) ||
        sconce_guest_load_file(runtime, argv[1], &guest, &err) ||
        sconce_sandbox_new(guest, &options, &sandbox, &err) ||
        sconce_sandbox_snapshot(sandbox, &fresh, &err))
        return fprintf(stderr, "%s\n%s\n", err.text, err.hint), 1;

    /* As new before each file, whatever the last one did. */
    for (char **path = argv + 2; *path && !sconce_sandbox_restore(sandbox, fresh, &err); path++) {
        FILE *file = fopen(*path, "rb");
        struct sconce_value xml = sconce_bytes(data, file ? fread(data, 1, sizeof data, file) : 0);
        struct sconce_value summary;

        if (sconce_sandbox_call(sandbox, "parse", &xml, 1, &summary, &err) == 0)
            printf("%s: %s\n", *path, (const char *)summary.as.span.data);
        else
            printf("%s: refused: %s\n", *path, err.text);
        if (file)
            fclose(file);
    }
    sconce_snapshot_free(fresh), sconce_sandbox_free(sandbox);
    return sconce_guest_free(guest), sconce_runtime_free(runtime), 0;
}
