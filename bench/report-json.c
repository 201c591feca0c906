/* SPDX-License-Identifier: Apache-2.0 */
#include "report-json.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

static bool is_first = true;

/* ---- The machine ----------------------------------------------------------------------------- */

/* Without what a string of JSON would have to escape, which none of these has for a reason. */
static void put_text(const char *name, const char *text)
{
    printf("\"%s\": \"", name);
    for (; *text; text++)
        if (*text >= ' ' && *text <= '~' && *text != '"' && *text != '\\')
            putchar(*text);
    printf("\", ");
}

/* The value of the first line of /proc/cpuinfo that begins with @name; "" when there is none. */
static void read_processor(const char *name, char *to, size_t room)
{
    char line[4096];
    const char *colon;
    FILE *file = fopen("/proc/cpuinfo", "re");

    *to = '\0';
    while (file && !*to && fgets(line, sizeof line, file))
        if (strncmp(line, name, strlen(name)) == 0 && (colon = strchr(line, ':')) != NULL)
            snprintf(to, room, "%s", colon + 2);
    if (file)
        fclose(file);
}

/* Times depend on all of it, ratios on some. Not its name: nobody needs that. */
static void put_machine(void)
{
    char model[256], flags[4096];
    struct utsname system;

    read_processor("model name", model, sizeof model);
    read_processor("flags", flags, sizeof flags);
    printf("\"machine\": {");
    if (uname(&system) == 0) {
        put_text("system", system.sysname);
        put_text("kernel", system.release);
        put_text("architecture", system.machine);
    }
    put_text("processor", model);
    put_text("compiler", __VERSION__);
    printf("\"processors\": %ld, \"memory_mib\": %ld, \"virtual\": %s}",
           sysconf(_SC_NPROCESSORS_ONLN),
           sysconf(_SC_PHYS_PAGES) / 1024 * sysconf(_SC_PAGESIZE) / 1024,
           strstr(flags, " hypervisor") ? "true" : "false");
}

void json_begin(const struct options *options, double load)
{
    printf("{");
    put_text("version", sconce_version());
    put_machine();
    printf(", \"load\": %.2f, \"cpu\": ", load);
    if (options->cpu == OPTIONS_ANY_CPU)
        printf("null");
    else
        printf("%d", options->cpu);
    printf(", \"rows\": [");
}

/* ---- Rows: no string of them needs escapes, names of ours and a backend's -------------------- */

/* Negative: not known. */
static void put_count(const char *name, double count)
{
    if (count < 0)
        printf(", \"%s\": null", name);
    else
        printf(", \"%s\": %.3f", name, count);
}

static void put_values(const char *name, const struct metric *metric,
                       const struct measure_result *result)
{
    printf(", \"%s\": {\"p10\": %.3f, \"median\": %.3f, \"p99\": %.3f", name,
           report_in_unit(metric, result->p10), report_in_unit(metric, result->median),
           report_in_unit(metric, result->p99));
    put_count("exits", result->exits);
    put_count("ioctls", result->ioctls);
    put_count("syscalls", result->syscalls);
    put_count("instructions", result->instructions);
    printf("}");
}

/* What it is drawn against. */
static void put_place(const struct metric *metric, unsigned at)
{
    if (metric->axis)
        printf(", \"axis\": \"%s\", \"at\": %u", metric->axis, at);
    else
        printf(", \"axis\": null, \"at\": null");
}

void json_row(const struct row *row, const char *verdict)
{
    const struct metric *metric = row->metric;
    const struct stats_ratio *ratio = &row->results[CONTEST_OURS].ratio;

    printf("%s\n  {\"metric\": \"%s\", \"backend\": \"%s\", \"unit\": \"%s\", \"rounds\": %u, "
           "\"batch\": %u",
           is_first ? "" : ",", metric->name, row->backend, metric->unit, row->plan->rounds,
           row->plan->batch);
    printf(", \"operation\": \"%s\", \"against\": \"%s\"", metric->ours, metric->floor);
    put_place(metric, row->contest->at);
    put_values("floor", metric, &row->results[CONTEST_FLOOR]);
    put_values("ours", metric, &row->results[CONTEST_OURS]);
    if (row->contest->count > CONTEST_BARE)
        put_values("bare", metric, &row->results[CONTEST_BARE]);
    printf(", \"ratio\": %.4f, \"low\": %.4f, \"high\": %.4f, \"target\": %.2f, "
           "\"verdict\": \"%s\"}",
           ratio->median, ratio->low, ratio->high, row->target, verdict);
    is_first = false;
    fflush(stdout);
}

void json_end(void)
{
    printf("\n]}\n");
}
