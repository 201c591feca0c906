/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plugin-check/report.h"

#include <stdio.h>

static const char *const words[] = {
    [CHECK_OK] = "ok",
    [CHECK_FAIL] = "FAIL",
    [CHECK_SKIP] = "skip",
};

void check_report_row(const struct check_result *result)
{
    printf("%-4s  %-20s %s", words[result->outcome], result->row->id, result->row->title);
    if (result->text[0] != '\0')
        printf(result->outcome == CHECK_FAIL ? "\n      %s" : " (%s)", result->text);
    putchar('\n');
    fflush(stdout);
}

void check_report_text(const struct check_setup *setup, const struct check_result *results,
                       size_t count, const struct check_totals *totals)
{
    if (!setup->usable)
        printf("\n%s cannot be used on this machine: %s\n", setup->name, setup->problem);
    if (totals->failed > 0)
        printf("\nfailed:\n");
    for (size_t i = 0; i < count; i++) {
        if (results[i].outcome == CHECK_FAIL)
            printf("  %-20s %s\n", results[i].row->id, results[i].text);
    }
    printf("\n%s: %u passed, %u failed, %u skipped\n", setup->name, totals->passed, totals->failed,
           totals->skipped);
}

static void json_string(const char *text)
{
    putchar('"');
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;

        if (c == '"' || c == '\\')
            printf("\\%c", c);
        else if (c < 0x20)
            printf("\\u%04x", c);
        else
            putchar(c);
    }
    putchar('"');
}

static void json_member(const char *key, const char *value)
{
    json_string(key);
    putchar(':');
    json_string(value);
}

void check_report_json(const struct check_setup *setup, const struct check_result *results,
                       size_t count, const struct check_totals *totals)
{
    putchar('{');
    json_member("backend", setup->name);
    putchar(',');
    json_member("path", setup->path);
    printf(",\"usable\":%s,", setup->usable ? "true" : "false");
    json_member("problem", setup->problem);
    putchar(',');
    json_member("description", setup->usable ? setup->probe.description : "");
    printf(",\"rows\":[");
    for (size_t i = 0; i < count; i++) {
        printf("%s\n{", i > 0 ? "," : "");
        json_member("id", results[i].row->id);
        putchar(',');
        json_member("title", results[i].row->title);
        putchar(',');
        json_member("result",
                    results[i].outcome == CHECK_FAIL ? "fail" : words[results[i].outcome]);
        putchar(',');
        json_member("text", results[i].text);
        putchar('}');
    }
    printf("\n],\"passed\":%u,\"failed\":%u,\"skipped\":%u}\n", totals->passed, totals->failed,
           totals->skipped);
}
