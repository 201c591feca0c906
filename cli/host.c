/* SPDX-License-Identifier: Apache-2.0 */
#include "host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "output.h"
#include "report.h"

static void tell_call(const struct host_constant *constant, const struct sconce_value *args,
                      size_t arg_count)
{
    fprintf(stderr, "host call: %s(", constant->name);
    for (size_t i = 0; i < arg_count; i++) {
        fputs(i ? ", " : "", stderr);
        output_brief(stderr, &args[i]);
    }
    fputs(") = ", stderr);
    output_brief(stderr, &constant->value);
    fputc('\n', stderr);
}

static int serve(void *ctx, struct sconce_host_call *call, const struct sconce_value *args,
                 size_t arg_count, struct sconce_value *ret, struct sconce_error *err)
{
    const struct host_constant *constant = ctx;

    (void)call;
    (void)err;
    if (constant->tell)
        tell_call(constant, args, arg_count);
    *ret = constant->value;
    return 0;
}

static bool find_import(const struct sconce_guest *guest, const char *name, size_t name_bytes,
                        struct sconce_signature *ret)
{
    for (uint32_t i = 0; sconce_guest_import(guest, i, ret); i++)
        if (strlen(ret->name) == name_bytes && memcmp(ret->name, name, name_bytes) == 0)
            return true;
    return false;
}

static bool is_served(const struct host *host, const char *name)
{
    for (size_t i = 0; i < host->count; i++)
        if (strcmp(host->constants[i].name, name) == 0)
            return true;
    return false;
}

static int refuse_name(const struct options *options, const struct sconce_guest *guest,
                       const char *text, size_t name_bytes)
{
    char hint[320] = "it imports nothing: leave --host out";
    struct sconce_signature import;

    if (sconce_guest_import(guest, 0, &import))
        snprintf(hint, sizeof hint, "sconce inspect %.200s lists its imports",
                 options->operands[0]);
    return report_refuse(options, SCONCE_E_NO_FUNCTION, hint,
                         "--host: the guest imports no function \"%.*s\"", (int)name_bytes, text);
}

static int add(struct host *host, const struct options *options, const struct sconce_guest *guest,
               struct args_reader *reader, const char *text)
{
    size_t name_bytes = strcspn(text, "=");
    const char *value = text[name_bytes] ? text + name_bytes + 1 : "";
    struct host_constant *constant = &host->constants[host->count];
    struct sconce_signature import;

    if (!find_import(guest, text, name_bytes, &import))
        return refuse_name(options, guest, text, name_bytes);
    if (is_served(host, import.name))
        return report_refuse(options, SCONCE_E_INVALID, "leave one of the two out",
                             "--host serves %s twice", import.name);
    if (!args_parse(reader, import.result, value, &constant->value, &constant->owned))
        return report_refuse(options, SCONCE_E_TYPE, "",
                             "--host: \"%.60s\" cannot be returned by %s%s: %s", value, import.name,
                             import.text, reader->why);
    constant->name = report_strdup(import.name);
    constant->tell = options->verbose > 0;
    host->functions[host->count++] = (struct sconce_host_function){
        .name = import.name, .signature = import.text, .fn = serve, .ctx = constant};
    return STATUS_OK;
}

/* The library would refuse the first one; a person wants to see all. */
static int check_complete(const struct host *host, const struct options *options,
                          const struct sconce_guest *guest)
{
    struct sconce_signature import;
    char list[768];
    size_t used = 0;

    for (uint32_t i = 0; sconce_guest_import(guest, i, &import) && used < sizeof list; i++)
        if (!is_served(host, import.name))
            used += (size_t)snprintf(list + used, sizeof list - used, "\n%s%s", import.name,
                                     import.text);
    if (used == 0)
        return STATUS_OK;
    return report_refuse(options, SCONCE_E_NO_IMPORT,
                         "serve each with a constant, --host NAME=VALUE, or the guest from a "
                         "program of your own: libsconce(3)",
                         "the guest imports host functions that are not served:%s", list);
}

int host_build(struct host *host, const struct options *options, const struct sconce_guest *guest,
               struct args_reader *reader)
{
    int status;

    host->constants = report_calloc(options->host_count + 1, sizeof *host->constants);
    host->functions = report_calloc(options->host_count + 1, sizeof *host->functions);
    for (size_t i = 0; i < options->host_count; i++) {
        status = add(host, options, guest, reader, options->hosts[i]);
        if (status != STATUS_OK)
            return status;
    }
    return check_complete(host, options, guest);
}

void host_free(struct host *host)
{
    for (size_t i = 0; host->constants && i < host->count; i++) {
        free(host->constants[i].name);
        free(host->constants[i].owned);
    }
    free(host->constants);
    free(host->functions);
    *host = (struct host){0};
}
