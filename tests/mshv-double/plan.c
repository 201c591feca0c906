/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the plan, counting calls. Whatever is not understood ends the process at once: a fault
 * that silently is none would be a test that cannot fail. */
#include "tests/mshv-double/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "tests/mshv-double/sys.h"
#include "tests/mshv-double/table.h"
#include "tests/mshv-double/vm.h"

#define MAX_FAULTS 32
#define MAX_CODE 0x200u
#define MAX_ERRNO 4095u

struct planned {
    struct double_fault fault;
    enum double_point point;
    uint16_t code;      /* of AT_HVCALL: this hypercall alone; 0 all */
    uint32_t nth, last; /* of the calls there, from 1 */
};

struct double_plan double_plan;

static struct planned planned[MAX_FAULTS];
static size_t planned_count;
static uint32_t calls[DOUBLE_POINTS];
static uint32_t code_calls[MAX_CODE];
static int log_fd = -1;

/* ---- Words ---------------------------------------------------------------------------------- */

struct word {
    const char *name;
    uint32_t value;
};

static const struct word points[] = {
    {"open", DOUBLE_AT_OPEN},
    {"create-partition", DOUBLE_AT_CREATE_PARTITION},
    {"initialize", DOUBLE_AT_INITIALIZE},
    {"create-vp", DOUBLE_AT_CREATE_VP},
    {"memory", DOUBLE_AT_MEMORY},
    {"mmap", DOUBLE_AT_MMAP},
    {"run", DOUBLE_AT_RUN},
    {"get-state", DOUBLE_AT_GET_STATE},
    {"set-state", DOUBLE_AT_SET_STATE},
    {"hvcall", DOUBLE_AT_HVCALL},
    {NULL, 0},
};

static const struct word kinds[] = {
    {"error", DOUBLE_FAULT_ERRNO},
    {"eagain", DOUBLE_FAULT_STATUS},
    {"status", DOUBLE_FAULT_STATUS},
    {"partial-reps", DOUBLE_FAULT_PARTIAL_REPS},
    {"eintr", DOUBLE_FAULT_EINTR},
    {"forgets-page", DOUBLE_FAULT_FORGET_PAGE},
    {"message", DOUBLE_FAULT_MESSAGE},
    {"signal-races-message", DOUBLE_FAULT_RACE},
    {NULL, 0},
};

static const struct word errors[] = {
    {"EPERM", EPERM},   {"ENOENT", ENOENT}, {"EINTR", EINTR},   {"EIO", EIO},
    {"EAGAIN", EAGAIN}, {"ENOMEM", ENOMEM}, {"EACCES", EACCES}, {"EFAULT", EFAULT},
    {"EBUSY", EBUSY},   {"ENODEV", ENODEV}, {"EINVAL", EINVAL}, {"EMFILE", EMFILE},
    {"ENOTTY", ENOTTY}, {NULL, 0},
};

static const struct word messages[] = {
    {"io-port", HV_MSG_IO_PORT},
    {"unmapped-gpa", HV_MSG_UNMAPPED_GPA},
    {"gpa-intercept", HV_MSG_GPA_INTERCEPT},
    {"halt", HV_MSG_HALT},
    {"exception", HV_MSG_EXCEPTION},
    {"cpuid", HV_MSG_CPUID},
    {"msr", HV_MSG_MSR},
    {"unrecoverable", HV_MSG_UNRECOVERABLE},
    {"invalid-register", HV_MSG_INVALID_VP_REGISTER},
    {"unsupported", HV_MSG_UNSUPPORTED_FEATURE},
    {"deliverable", HV_MSG_DELIVERABLE},
    {"apic-eoi", HV_MSG_APIC_EOI},
    {"sipi", HV_MSG_SIPI},
    {"opaque", HV_MSG_OPAQUE},
    {"hypercall", HV_MSG_HYPERCALL},
    {"none", 0},
    {NULL, 0},
};

static const struct {
    const char *name;
    bool *flag;
    bool value;
} switches[] = {
    {"no-device", &double_plan.no_device, true},
    {"no-v2", &double_plan.v2, false},
    {"no-self-hvcall", &double_plan.self_hvcall, false},
    {"no-movable", &double_plan.movable, false},
    {"no-retries", &double_plan.retries, false},
    {"no-register-page", &double_plan.no_register_page, true},
    {"large-xsave", &double_plan.large_xsave, true},
};

static bool find(const struct word *words, const char *name, uint32_t *ret_value)
{
    for (; words->name; words++)
        if (strcmp(words->name, name) == 0) {
            *ret_value = words->value;
            return true;
        }
    return false;
}

static bool number(const char *text, uint32_t *ret_value)
{
    char *end;
    unsigned long value = strtoul(text, &end, 0);

    /* strtoul() takes blanks and signs. */
    if (text[0] < '0' || text[0] > '9' || *end || value > UINT32_MAX)
        return false;
    *ret_value = (uint32_t)value;
    return true;
}

/* ---- Reading -------------------------------------------------------------------------------- */

static void read_value(const char *item, const char *kind, char *text, struct planned *to)
{
    uint32_t *value = &to->fault.value;

    switch (to->fault.kind) {
    case DOUBLE_FAULT_ERRNO:
        if (!text || !(find(errors, text, value) || number(text, value)) || *value < 1 ||
            *value > MAX_ERRNO)
            double_sys_die("plan item \"%s\": error needs =ERRNO", item);
        return;
    case DOUBLE_FAULT_STATUS:
        *value = HV_INSUFFICIENT_MEMORY;
        if (strcmp(kind, "status") != 0)
            break;
        if (!text || !number(text, value) || *value > UINT16_MAX)
            double_sys_die("plan item \"%s\": status needs =NUMBER of 16 bits", item);
        return;
    case DOUBLE_FAULT_PARTIAL_REPS:
        *value = 1;
        if (text && !number(text, value))
            double_sys_die("plan item \"%s\": =NUMBER of repetitions", item);
        return;
    case DOUBLE_FAULT_MESSAGE:
        if (!text || !(find(messages, text, value) || number(text, value)))
            double_sys_die("plan item \"%s\": message needs =NAME", item);
        return;
    case DOUBLE_FAULT_RACE:
        if (!text || !number(text, value) || *value < 1 || *value > 64)
            double_sys_die("plan item \"%s\": needs =SIGNAL's number", item);
        return;
    case DOUBLE_FAULT_EINTR:
    case DOUBLE_FAULT_FORGET_PAGE:
    case DOUBLE_FAULT_NONE:
    default:
        break;
    }
    if (text)
        double_sys_die("plan item \"%s\": %s takes no value", item, kind);
}

static bool is_possible(const struct planned *p)
{
    switch (p->fault.kind) {
    case DOUBLE_FAULT_ERRNO:
        return p->point != DOUBLE_AT_HVCALL;
    case DOUBLE_FAULT_STATUS:
        return p->point == DOUBLE_AT_HVCALL;
    case DOUBLE_FAULT_PARTIAL_REPS:
        return p->point == DOUBLE_AT_HVCALL && (!p->code || double_hvcall_has_reps(p->code));
    default:
        return p->point == DOUBLE_AT_RUN;
    }
}

/* FAULT@POINT[:FIRST[-LAST]][=VALUE] */
static void read_fault(const char *item, char *kind, char *point)
{
    char *value = strchr(point, '=');
    char *nth = strchr(point, ':');
    struct planned *to = &planned[planned_count];
    uint32_t found, first = 1, last;
    char *range;

    if (planned_count == MAX_FAULTS)
        double_sys_die("plan: more than %d faults", MAX_FAULTS);
    if (value)
        *value++ = '\0';
    if (nth)
        *nth++ = '\0';
    range = nth ? strchr(nth, '-') : NULL;
    if (range)
        *range++ = '\0';
    if (nth && (!number(nth, &first) || !first))
        double_sys_die("plan item \"%s\": which call is \"%s\"?", item, nth);
    last = first;
    if (range && (!number(range, &last) || last < first))
        double_sys_die("plan item \"%s\": which call is \"%s\"?", item, range);
    if (!find(kinds, kind, &found))
        double_sys_die("plan item \"%s\": there is no fault \"%s\"", item, kind);
    to->fault.kind = found;
    to->nth = first;
    to->last = last;
    if (find(points, point, &found)) {
        to->point = found;
    } else if (strncmp(point, "0x", 2) == 0 && number(point, &found) && found < MAX_CODE) {
        if (!double_hvcall_is_passed_on((uint16_t)found))
            double_sys_die("plan item \"%s\": the driver lets no hypercall %s through", item,
                           point);
        to->point = DOUBLE_AT_HVCALL;
        to->code = (uint16_t)found;
    } else {
        double_sys_die("plan item \"%s\": there is no point \"%s\"", item, point);
    }
    read_value(item, kind, value, to);
    if (!is_possible(to))
        double_sys_die("plan item \"%s\": %s cannot be at %s", item, kind, point);
    for (size_t i = 0; i < planned_count; i++)
        if (planned[i].point == to->point && planned[i].code == to->code &&
            planned[i].nth <= to->last && to->nth <= planned[i].last)
            double_sys_die("plan item \"%s\": another fault strikes the same call", item);
    planned_count++;
}

static void read_item(char *item)
{
    char *at = strchr(item, '@');
    char whole[128];

    snprintf(whole, sizeof whole, "%s", item);
    if (at) {
        *at++ = '\0';
        read_fault(whole, item, at);
        return;
    }
    for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
        if (strcmp(switches[i].name, item) == 0) {
            if (*switches[i].flag == switches[i].value)
                double_sys_die("plan item \"%s\" changes nothing here", item);
            *switches[i].flag = switches[i].value;
            return;
        }
    double_sys_die("plan item \"%s\" is not known", item);
}

/* Does the client have to ask again? */
static bool wants_memory(const struct double_fault *fault)
{
    return fault->kind == DOUBLE_FAULT_PARTIAL_REPS ||
           (fault->kind == DOUBLE_FAULT_STATUS && fault->value == HV_INSUFFICIENT_MEMORY);
}

static void open_log(const char *path)
{
    int fd = (int)double_sys(SYS_openat, AT_FDCWD, (long)path,
                             O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644, 0, 0);

    log_fd = fd < 0 ? fd : double_table_own(fd);
    if (log_fd < 0)
        double_sys_die("cannot open MSHV_DOUBLE_LOG %s: %s", path, strerror(-log_fd));
    double_sys_close(fd);
}

__attribute__((constructor)) static void read_plan(void)
{
    const char *driver = getenv("MSHV_DOUBLE_DRIVER");
    const char *plan = getenv("MSHV_DOUBLE_PLAN");
    const char *log = getenv("MSHV_DOUBLE_LOG");
    const char *tss = getenv("MSHV_DOUBLE_TSS");
    bool newer = driver && strcmp(driver, "newer") == 0;
    char *copy, *rest, *item;

    if (driver && *driver && !newer && strcmp(driver, "6.15") != 0)
        double_sys_die("MSHV_DOUBLE_DRIVER is 6.15 or newer, not \"%s\"", driver);
    double_plan.tss_available = tss && strcmp(tss, "available") == 0;
    if (tss && *tss && !double_plan.tss_available && strcmp(tss, "busy") != 0)
        double_sys_die("MSHV_DOUBLE_TSS is busy or available, not \"%s\"", tss);
    double_plan.v2 = double_plan.self_hvcall = newer;
    double_plan.movable = double_plan.retries = newer;
    if (log && *log)
        open_log(log);
    if (!plan)
        return;
    copy = strdup(plan);
    for (item = strtok_r(copy, ",", &rest); item; item = strtok_r(NULL, ",", &rest))
        read_item(item);
    free(copy);
    for (size_t i = 0; i < planned_count; i++)
        if (double_plan.retries && wants_memory(&planned[i].fault))
            double_sys_die("plan: the newer driver asks again by itself; no-retries is missing");
}

/* ---- Counting ------------------------------------------------------------------------------- */

static uint32_t count(uint32_t *counter)
{
    return __atomic_add_fetch(counter, 1, __ATOMIC_RELAXED);
}

struct double_fault double_plan_fault(enum double_point point)
{
    uint32_t nth = count(&calls[point]);

    for (size_t i = 0; i < planned_count; i++)
        if (planned[i].point == point && planned[i].code == 0 && nth >= planned[i].nth &&
            nth <= planned[i].last)
            return planned[i].fault;
    return (struct double_fault){DOUBLE_FAULT_NONE, 0};
}

struct double_fault double_plan_hvcall(uint16_t code)
{
    struct double_fault fault = double_plan_fault(DOUBLE_AT_HVCALL);
    uint32_t nth = code < MAX_CODE ? count(&code_calls[code]) : 0;

    for (size_t i = 0; fault.kind == DOUBLE_FAULT_NONE && i < planned_count; i++)
        if (planned[i].point == DOUBLE_AT_HVCALL && planned[i].code && planned[i].code == code &&
            nth >= planned[i].nth && nth <= planned[i].last)
            fault = planned[i].fault;
    return fault;
}

int double_plan_error(enum double_point point)
{
    struct double_fault fault = double_plan_fault(point);

    return fault.kind == DOUBLE_FAULT_ERRNO ? -(int)fault.value : 0;
}

void double_log(const char *format, ...)
{
    char line[256];
    va_list args;
    int bytes;

    if (log_fd < 0)
        return;
    va_start(args, format);
    bytes = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    if (bytes < 0)
        return;
    if ((size_t)bytes > sizeof line - 2)
        bytes = sizeof line - 2;
    line[bytes++] = '\n';
    double_sys(SYS_write, log_fd, (long)line, bytes, 0, 0, 0);
}
