/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell is ok, FAIL, or "skip N": N is the number of its reason, which is told once, below. What a
 * passed row measured is not told: that is what checking one backend is for.
 */
#include "tools/plugin-check/table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/cleanup.h"
#include "tools/plugin-check/report.h"
#include "tools/plugin-check/rows.h"

#define TABLE_WIDTH 100
#define ROW_WIDTH 20
#define CELL_WIDTH ((int)strlen("skip 10"))

/* Texts of which the table has the number, from 1. */
struct reasons {
    char **texts;
    size_t count;
};

struct failure {
    const struct check_subject *subject;
    struct check_result result;
};

struct table {
    const struct check_options *options;
    const struct check_subject *subjects;
    struct check_totals *totals; /* by subject */
    size_t subject_count;
    struct reasons reasons;
    struct failure *failures;
    size_t failure_count;
};

static void *grown(void *list, size_t count, size_t bytes)
{
    void *more = reallocarray(list, count + 1, bytes);

    if (!more) {
        fprintf(stderr, "sconce-plugin-check: out of memory\n");
        exit(EXIT_FAILED);
    }
    return more;
}

static size_t number_of(struct reasons *reasons, const char *text)
{
    for (size_t i = 0; i < reasons->count; i++)
        if (strcmp(reasons->texts[i], text) == 0)
            return i + 1;
    reasons->texts = grown(reasons->texts, reasons->count, sizeof *reasons->texts);
    reasons->texts[reasons->count] = strdup(text);
    return reasons->texts[reasons->count] ? ++reasons->count : 0;
}

static void free_table(const struct table *table)
{
    for (size_t i = 0; i < table->reasons.count; i++)
        free(table->reasons.texts[i]);
    free(table->reasons.texts);
    free(table->failures);
    free(table->totals);
}

/* ---- The lines ----------------------------------------------------------------------------- */

static int column_width(const struct check_subject *subject)
{
    int width = (int)strlen(subject->name);

    return width > CELL_WIDTH ? width : CELL_WIDTH;
}

static void put_cell(const struct table *table, size_t column, const char *text)
{
    if (column + 1 < table->subject_count)
        printf("  %-*s", column_width(&table->subjects[column]), text);
    else
        printf("  %s", text);
}

static void put_head(const struct table *table)
{
    printf("%-*s", ROW_WIDTH, "");
    for (size_t i = 0; i < table->subject_count; i++)
        put_cell(table, i, table->subjects[i].name);
    putchar('\n');
}

static void put_result(struct table *table, size_t column, const struct check_result *result)
{
    struct check_totals *totals = &table->totals[column];
    char text[32];

    switch (result->outcome) {
    case CHECK_OK:
        totals->passed++;
        put_cell(table, column, "ok");
        break;
    case CHECK_SKIP:
        totals->skipped++;
        snprintf(text, sizeof text, "skip %zu", number_of(&table->reasons, result->text));
        put_cell(table, column, text);
        break;
    default:
        totals->failed++;
        table->failures = grown(table->failures, table->failure_count, sizeof *table->failures);
        table->failures[table->failure_count++] =
            (struct failure){.subject = &table->subjects[column], .result = *result};
        put_cell(table, column, "FAIL");
    }
}

static int put_row(struct table *table, const struct check_row *row)
{
    static struct check_result result;

    printf("%-*s", ROW_WIDTH, row->id);
    for (size_t i = 0; i < table->subject_count; i++) {
        int r = check_subject_aim(&table->subjects[i]);

        if (r != EXIT_PASSED)
            return r;
        check_run_row(&table->subjects[i].setup, row, table->options->timeout, true, &result);
        put_result(table, i, &result);
        fflush(stdout);
    }
    putchar('\n');
    return EXIT_PASSED;
}

/* ---- What is told below -------------------------------------------------------------------- */

/* Words, broken at the table's width; lines after the first are indented. */
static void put_wrapped(const char *text, int column, int indent)
{
    while (*text) {
        int length = (int)strcspn(text, " \n");

        if (column > indent && column + 1 + length > TABLE_WIDTH) {
            printf("\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            putchar(' ');
            column++;
        }
        printf("%.*s", length, text);
        column += length;
        text += length;
        text += strspn(text, " \n");
    }
    putchar('\n');
}

static void put_failures(const struct table *table)
{
    if (table->failure_count > 0)
        printf("\nfailed:\n");
    for (size_t i = 0; i < table->failure_count; i++) {
        const struct check_result *result = &table->failures[i].result;

        printf("  %s, %s: %s\n      ", table->failures[i].subject->name, result->row->id,
               result->row->title);
        put_wrapped(result->text, 6, 6);
    }
}

static void put_reasons(const struct reasons *reasons)
{
    if (reasons->count > 0)
        printf("\nskipped:\n");
    for (size_t i = 0; i < reasons->count; i++) {
        printf("  %2zu  ", i + 1);
        put_wrapped(reasons->texts[i], 6, 6);
    }
}

/* A line each, however long: programs look for them. */
static void put_subjects(const struct table *table)
{
    putchar('\n');
    for (size_t i = 0; i < table->subject_count; i++) {
        const struct check_setup *setup = &table->subjects[i].setup;

        if (!setup->usable)
            printf("%s cannot be used on this machine: %s\n", setup->name, setup->problem);
    }
    for (size_t i = 0; i < table->subject_count; i++)
        printf("%s: %u passed, %u failed, %u skipped\n", table->subjects[i].name,
               table->totals[i].passed, table->totals[i].failed, table->totals[i].skipped);
}

static int exit_status(const struct table *table)
{
    int status = EXIT_PASSED;

    if (table->failure_count > 0)
        return EXIT_FAILED;
    for (size_t i = 0; i < table->subject_count; i++)
        if (!table->subjects[i].setup.usable)
            status = EXIT_UNUSABLE;
    return status;
}

int check_table(const struct check_options *options, const struct check_subject *subjects,
                size_t count)
{
    SCONCE_CLEANUP(free_table)
    struct table table = {
        .options = options,
        .subjects = subjects,
        .subject_count = count,
        .totals = calloc(count, sizeof *table.totals),
    };
    struct check_walk walk = {0};
    const struct check_row *row = check_next_row(&walk, options->only);
    int r = EXIT_PASSED;

    if (!table.totals)
        return check_usage_error("out of memory", "");
    if (!row)
        return check_usage_error("no row matches ", options->only);
    put_head(&table);
    for (; row && r == EXIT_PASSED; row = check_next_row(&walk, options->only))
        r = put_row(&table, row);
    if (r != EXIT_PASSED)
        return r;
    put_failures(&table);
    put_reasons(&table.reasons);
    put_subjects(&table);
    return exit_status(&table);
}
