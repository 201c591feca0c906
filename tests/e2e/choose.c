/* SPDX-License-Identifier: Apache-2.0 */
#include "choose.h"

#include <stdio.h>
#include <stdlib.h>

const char *choose_dir(void)
{
    static char dir[] = "/tmp/sconce-selection-XXXXXX";
    static bool made;

    if (!made)
        made = mkdtemp(dir) != NULL;
    assert_true(made);
    return dir;
}

const char *choose_file(const char *name, const char *format, ...)
{
    static char path[4096];
    va_list args;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", choose_dir(), name);
    file = fopen(path, "we");
    va_start(args, format);
    vfprintf(file, format, args);
    va_end(args);
    fclose(file);
    return path;
}

struct choice choose(const char *config_path)
{
    struct choice choice = {.result = 0};
    struct sconce_config *config = NULL;
    struct sconce_runtime *runtime = NULL;
    struct sconce_guest *guest = NULL;
    struct sconce_backend_info info;
    char path[4096];

    snprintf(path, sizeof path, "%s/types.elf", getenv("SCONCE_TEST_GUESTS"));
    e2e_ok(sconce_config_load(config_path, &config, &choice.err), &choice.err);
    e2e_ok(sconce_runtime_new(
               &(struct sconce_runtime_options){.size = sizeof(struct sconce_runtime_options),
                                                .config = config},
               &runtime, &choice.err),
           &choice.err);
    choice.result = sconce_guest_load_file(runtime, path, &guest, &choice.err);
    if (!choice.result) {
        assert_true(sconce_guest_backend(guest, &info));
        snprintf(choice.backend, sizeof choice.backend, "%s", info.name);
        snprintf(choice.refusals, sizeof choice.refusals, "%s", sconce_guest_refusals(guest));
    }
    sconce_guest_free(guest);
    sconce_runtime_free(runtime);
    sconce_config_free(config);
    return choice;
}

const char *choose_config(const char *settings)
{
    return choose_file("test.ini", "[runtime]\nplugin_dir = %s\nallow_untrusted_plugins = yes\n%s",
                       getenv("SCONCE_TEST_PLUGIN_DIR"), settings);
}
