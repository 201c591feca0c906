/* SPDX-License-Identifier: Apache-2.0 */
/* sconce config: every setting in effect and where it came from, or the check of one file. */
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "json.h"
#include "report.h"
#include "session.h"
#include "text.h"

/* Origins stand in one column, but for values that would push it off the screen. */
#define WIDEST_COLUMN 80

static int text_width(const char *key, const char *value)
{
    return (int)(strlen(key) + strlen(" = ") + strlen(value));
}

static int find_column(void *ctx, const char *key, const char *value, const char *origin,
                       const char *help)
{
    int *column = ctx, width = text_width(key, value) + 1;

    (void)origin;
    (void)help;
    if (width > *column && width <= WIDEST_COLUMN)
        *column = width;
    return 0;
}

static int put_text(void *ctx, const char *key, const char *value, const char *origin,
                    const char *help)
{
    const int *column = ctx;
    int width = text_width(key, value);

    (void)help;
    printf("%s = ", key);
    text_put_safe(stdout, value, strlen(value));
    printf("%*s# ", width < *column ? *column - width : 1, "");
    text_put_safe(stdout, origin, strlen(origin));
    putchar('\n');
    return 0;
}

static int put_json(void *ctx, const char *key, const char *value, const char *origin,
                    const char *help)
{
    struct json *json = ctx;

    json_open_object(json, NULL);
    json_text(json, "key", key);
    json_text(json, "value", value);
    json_text(json, "origin", origin);
    json_text(json, "help", help ? help : "");
    json_close_object(json);
    return 0;
}

static int dump(const struct options *options)
{
    struct json json = {.out = stdout};
    struct session session = {0};
    int column = 0, status = session_configure(&session, options);

    if (status == STATUS_OK && options->json) {
        json_open_array(&json, NULL);
        sconce_config_each(session.config, put_json, &json);
        json_close_array(&json);
    } else if (status == STATUS_OK) {
        sconce_config_each(session.config, find_column, &column);
        sconce_config_each(session.config, put_text, &column);
    }
    session_close(&session);
    return status;
}

static int check(const struct options *options)
{
    struct sconce_config *config = NULL;
    struct sconce_error err = {0};
    struct json json = {.out = stdout};

    if (sconce_config_load(options->check_path, &config, &err) < 0)
        return report_failure(options, &err);
    sconce_config_free(config);
    if (options->json) {
        json_open_object(&json, NULL);
        json_text(&json, "file", options->check_path);
        json_bool(&json, "ok", true);
        json_close_object(&json);
    } else {
        printf("%s: ok\n", options->check_path);
    }
    return STATUS_OK;
}

int cmd_config(const struct options *options)
{
    if (options->check_path && (options->dump || options->config_path || options->setting_count))
        return report_usage(options->command, "--check takes one file and no other option");
    return options->check_path ? check(options) : dump(options);
}
