/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordinary C on a C library that is not the SDK's: glibc and musl, the same source. Each export
 * returns what the standard says, so that a row compares it with a constant.
 */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <sconce/guest.h>

static char arguments_text[256];
static bool before_main;

__attribute__((constructor)) static void construct(void)
{
    before_main = true;
}

int main(int argc, char **argv, char **envp)
{
    size_t used = 0;

    for (int i = 0; i < argc; i++)
        used += (size_t)snprintf(arguments_text + used, sizeof arguments_text - used, "%s%s",
                                 i ? " " : "", argv[i]);
    for (char **variable = envp; *variable; variable++)
        if (strncmp(*variable, "GLIBC_", 6) != 0)
            snprintf(arguments_text + used, sizeof arguments_text - used, "|%s=%s",
                     strtok(*variable, "="), strtok(NULL, "="));
    return before_main ? 0 : 9;
}

SCONCE_EXPORT(const char *, arguments, (void))
{
    return arguments_text;
}

SCONCE_EXPORT(sconce_str, format, (double number, const char *text))
{
    return sconce_format("%.3f|%e|%g|%10s|%-5d|%#x|%a", number, number, number, text, 42, 255u,
                         number);
}

SCONCE_EXPORT(double, scan, (const char *text))
{
    double a = 0, b = 0;

    return sscanf(text, "%lf and %lf", &a, &b) == 2 ? a + strtod("0x1p-1", NULL) * b : -1;
}

SCONCE_EXPORT(double, power, (double x, double y))
{
    return floor(pow(x, y) * 1e6 + sin(0.0)) / 1e6;
}

static int compare(const void *a, const void *b)
{
    return *(const unsigned char *)a - *(const unsigned char *)b;
}

SCONCE_EXPORT(sconce_bytes, sort, (sconce_bytes in))
{
    void *copy = sconce_alloc(in.length + 1);

    if (!copy)
        return in;
    memcpy(copy, in.data, in.length);
    qsort(copy, in.length, 1, compare);
    return (sconce_bytes){copy, in.length};
}

/* Sizes from bytes to what malloc maps by itself elsewhere; contents are checked before each free.
 */
SCONCE_EXPORT(uint32_t, allocate, (uint32_t rounds))
{
    enum { SLOTS = 64 };
    static unsigned char *held[SLOTS];
    static size_t bytes[SLOTS];
    uint32_t state = 1, bad = 0;

    for (uint32_t i = 0; i < rounds; i++) {
        unsigned slot, fill;

        state = state * 1103515245u + 12345u;
        slot = state >> 8 & (SLOTS - 1);
        fill = slot + 1;
        for (size_t at = 0; held[slot] && at < bytes[slot]; at += 97)
            bad += held[slot][at] != fill;
        free(held[slot]);
        bytes[slot] = (state >> 16) % 40000;
        if (i % 50 == 0)
            bytes[slot] += 300000;
        held[slot] = i % 3 ? malloc(bytes[slot]) : calloc(1, bytes[slot]);
        bad += !held[slot];
        if (held[slot])
            memset(held[slot], (int)fill, bytes[slot]);
    }
    for (unsigned slot = 0; slot < SLOTS; slot++) {
        free(held[slot]);
        held[slot] = NULL;
    }
    return bad;
}

/* No more than the heap, and no end of the sandbox. */
SCONCE_EXPORT(bool, too_much, (void))
{
    void *volatile memory = malloc((size_t)1 << 40); /* compilers drop a pair of malloc and free */
    bool refused = !memory && errno == ENOMEM;

    free(memory);
    return refused;
}

/* A text that is longer than what is at hand without malloc is cut, not lost. */
SCONCE_EXPORT(void, fail_without_memory, (const char *text))
{
    for (size_t bytes = 65536; bytes >= 16; bytes /= 2) {
        void *volatile memory;

        do
            memory = malloc(bytes);
        while (memory);
    }
    sconce_fail(6, "%s%0600d", text, 1);
}

static _Thread_local int local = 5;

SCONCE_EXPORT(int, thread_local_next, (void))
{
    errno = 7;
    return ++local * 100 + errno;
}

static jmp_buf way_back;

static void jump(int value)
{
    longjmp(way_back, value);
}

SCONCE_EXPORT(int, jump_back, (int value))
{
    int came = setjmp(way_back);

    if (!came)
        jump(value);
    return came;
}

/* What a process has and a guest has not: refused, by the library's own words. */
SCONCE_EXPORT(const char *, open_file, (const char *path))
{
    FILE *file = fopen(path, "r");

    return file ? "opened" : strerror(errno);
}

static void *thread(void *argument)
{
    return argument;
}

SCONCE_EXPORT(bool, start_thread, (void))
{
    pthread_t id;

    return pthread_create(&id, NULL, thread, NULL) == 0;
}

static int once_count;

static void once(void)
{
    once_count++;
}

SCONCE_EXPORT(int, lock, (void))
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    static pthread_once_t control = PTHREAD_ONCE_INIT;

    pthread_once(&control, once);
    pthread_once(&control, once);
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
    return once_count;
}

SCONCE_EXPORT(bool, deadlock, (void))
{
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    pthread_mutex_lock(&mutex);
    return pthread_mutex_lock(&mutex) == 0; /* does not come back */
}

SCONCE_EXPORT(bool, clock_runs, (void))
{
    struct timespec now;

    return clock_gettime(CLOCK_MONOTONIC, &now) == 0 && time(NULL) > 1000000000;
}

SCONCE_EXPORT(bool, signal_default, (void))
{
    return signal(SIGUSR1, SIG_IGN) == SIG_DFL;
}

/* Not by the library: code that would write code. */
SCONCE_EXPORT(int, make_executable, (void))
{
    void *memory = mmap(NULL, 65536, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int r = mprotect(memory, 65536, PROT_READ | PROT_EXEC);

    return r < 0 ? errno : 0;
}

SCONCE_EXPORT(void, say, (const char *text))
{
    printf("%s, %s, %.1f", text, toupper('x') == 'X' ? "upper" : "not", 0.5);
}

SCONCE_EXPORT(void, complain, (const char *text))
{
    fprintf(stderr, "%s\n", text);
}

/* ---- Faults ---- */

static jmp_buf before_fault;
static int after_words; /* 0: leave, 1: abort(), 2: wait for itself */

static void tell_fault(struct sconce_fault_report *report, struct sconce_guest_regs *regs)
{
    static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

    (void)regs;
    printf("fault %u, %.1f\n", report->kind, 0.5);
    fprintf(stderr, "error %u\n", report->kind);
    if (after_words == 1)
        abort();
    if (after_words == 2 && !pthread_mutex_lock(&mutex))
        pthread_mutex_lock(&mutex);
    longjmp(before_fault, 1);
}

/* 7: its handler prints, and leaves. */
SCONCE_EXPORT(int, handle_fault, (int then))
{
    int *volatile nowhere = (int *)8;

    after_words = then;
    if (sconce_on_fault(tell_fault) == 0 && !setjmp(before_fault))
        return *nowhere;
    return 7;
}

/* 8: the same, in the middle of printf. */
SCONCE_EXPORT(int, handle_fault_in_print, (int then))
{
    char *volatile nowhere = (char *)8;

    after_words = then;
    if (sconce_on_fault(tell_fault) == 0 && !setjmp(before_fault))
        printf("text %s\n", nowhere);
    return 8;
}

SCONCE_EXPORT(int, end_exit, (int status))
{
    printf("last words");
    exit(status);
}

SCONCE_EXPORT(int, end_abort, (void))
{
    abort();
}

SCONCE_EXPORT(int, end_smashed, (uint32_t bytes))
{
    char small[8];
    volatile char *at = small;

    for (uint32_t i = 0; i < bytes; i++)
        at[i] = 'A';
    return small[0];
}
