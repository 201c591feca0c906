/* SPDX-License-Identifier: Apache-2.0 */
/* Which backends, one or several, and the exit status. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/cleanup.h"
#include "tools/plugin-check/options.h"
#include "tools/plugin-check/report.h"
#include "tools/plugin-check/rows.h"
#include "tools/plugin-check/subject.h"
#include "tools/plugin-check/table.h"

#define MAX_ROWS 512u

static int list_rows(const struct check_options *options)
{
    struct check_walk walk = {0};
    const struct check_row *row;

    while ((row = check_next_row(&walk, options->only)))
        printf("%-20s %s\n", row->id, row->title);
    return EXIT_PASSED;
}

static int run_rows(const struct check_options *options, const struct check_setup *setup)
{
    static struct check_result results[MAX_ROWS];
    struct check_totals totals = {0};
    struct check_walk walk = {0};
    const struct check_row *row;
    size_t count = 0;

    while (count < MAX_ROWS && (row = check_next_row(&walk, options->only))) {
        struct check_result *result = &results[count++];

        check_run_row(setup, row, options->timeout, options->fork_rows, result);
        totals.passed += result->outcome == CHECK_OK;
        totals.failed += result->outcome == CHECK_FAIL;
        totals.skipped += result->outcome == CHECK_SKIP;
        if (!options->json)
            check_report_row(result);
    }
    if (count == 0)
        return check_usage_error("no row matches ", options->only);
    if (options->json)
        check_report_json(setup, results, count, &totals);
    else
        check_report_text(setup, results, count, &totals);
    if (totals.failed > 0)
        return EXIT_FAILED;
    return setup->usable ? EXIT_PASSED : EXIT_UNUSABLE;
}

/* What several statuses make: a failure, else one that could not be tried, else success. */
static int worse(int a, int b)
{
    static const int by_weight[] = {EXIT_USAGE, EXIT_FAILED, EXIT_UNUSABLE};

    for (size_t i = 0; i < sizeof by_weight / sizeof by_weight[0]; i++)
        if (a == by_weight[i] || b == by_weight[i])
            return by_weight[i];
    return EXIT_PASSED;
}

/* Several, as one document: a list of what one would be. */
static int run_json(const struct check_options *options, const struct check_subject *subjects,
                    size_t count)
{
    int status = EXIT_PASSED;

    for (size_t i = 0; i < count && status != EXIT_USAGE; i++) {
        int r = check_subject_aim(&subjects[i]);

        putchar(i ? ',' : '[');
        status = worse(status, r == EXIT_PASSED ? run_rows(options, &subjects[i].setup) : r);
    }
    printf("]\n");
    return status;
}

static int check_subjects(const struct check_options *options, struct check_subject *subjects,
                          struct sconce_config *config)
{
    int r = EXIT_PASSED;

    for (size_t i = 0; i < options->target_count && r == EXIT_PASSED; i++)
        r = check_subject_init(&subjects[i], options, options->targets[i], config);
    if (r != EXIT_PASSED)
        return r;
    if (options->target_count == 1)
        return run_rows(options, &subjects[0].setup);
    if (options->json)
        return run_json(options, subjects, options->target_count);
    return check_table(options, subjects, options->target_count);
}

static int check_plugins(const struct check_options *options, struct sconce_config *config)
{
    struct check_subject subjects[CHECK_MAX_TARGETS] = {0};
    int r = check_subjects(options, subjects, config);

    for (size_t i = 0; i < options->target_count; i++)
        check_subject_fini(&subjects[i]);
    return r;
}

static void free_config(struct sconce_config **config)
{
    sconce_config_free(*config);
}

/*
 * glibc keeps freed blocks for the thread that freed them and counts them as in use, so that the
 * heap seems to grow for a long time. Without that, rows that count the heap can be exact. It is
 * read at the start of a process, hence once more.
 */
static void restart_without_thread_cache(char **argv)
{
    if (getenv("GLIBC_TUNABLES"))
        return;
    setenv("GLIBC_TUNABLES", "glibc.malloc.tcache_count=0", 1);
    execv("/proc/self/exe", argv); /* when it fails, such rows are less exact, and no more */
}

int main(int argc, char **argv)
{
    SCONCE_CLEANUP(free_config) struct sconce_config *config = NULL;
    struct check_options options = {.sandboxes = 200,
                                    .kicks = 10000,
                                    .frames = 400,
                                    .deadline_ms = 250,
                                    .timeout = 120,
                                    .fork_rows = true};
    int r = check_load_config(argc, argv, &config);

    if (r == EXIT_PASSED)
        r = check_parse_options(argc, argv, &options, config);
    if (r != EXIT_PASSED)
        return r;
    if (options.list)
        return list_rows(&options);
    if (options.fork_rows)
        restart_without_thread_cache(argv);
    return check_plugins(&options, config);
}
