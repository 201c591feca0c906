/* SPDX-License-Identifier: Apache-2.0 */
/* hello GUEST NAME LANGUAGE: a sandbox greets NAME, and asks this program for the LANGUAGE. */
#include <sconce/sconce.h>
#include <stdio.h>

static int language(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                    size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    *ret = sconce_string(ctx);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 4)
        return fputs("usage: hello GUEST NAME LANGUAGE\n", stderr), 2;
    struct sconce_host_function import = {"visitor_language", "() -> string", language, argv[3]};
    struct sconce_sandbox_options options = {sizeof options, 1, &import, NULL, NULL, {0}};
    struct sconce_value name = sconce_string(argv[2]), answer;
    struct sconce_runtime *runtime = NULL;
    struct sconce_guest *guest = NULL;
    struct sconce_sandbox *sandbox = NULL;
    struct sconce_error err = {0};

    if (sconce_runtime_new(NULL, &runtime, &err) ||
        sconce_guest_load_file(runtime, argv[1], &guest, &err) ||
        sconce_sandbox_new(guest, &options, &sandbox, &err) ||
        sconce_sandbox_call(sandbox, "greet", &name, 1, &answer, &err))
        fprintf(stderr, "hello: %s%s%s\n", err.text, *err.hint ? "\nhint: " : "", err.hint);
    else
        printf("%s\n", (const char *)answer.as.span.data);
    sconce_sandbox_free(sandbox), sconce_guest_free(guest), sconce_runtime_free(runtime);
    return err.code != 0;
}
