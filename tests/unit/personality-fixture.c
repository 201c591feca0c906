/* SPDX-License-Identifier: Apache-2.0 */
#include "personality-fixture.h"

#include <stdlib.h>
#include <string.h>

static const struct {
    uint64_t at, bytes;
    uint32_t prot;
} stretches[FIXTURE_STRETCHES] = {
    {CODE_AT, STRETCH, SCONCE_PERSONALITY_READ | SCONCE_PERSONALITY_EXEC},
    {DATA_AT, STRETCH, SCONCE_PERSONALITY_READ | SCONCE_PERSONALITY_WRITE},
    {MORE_AT, STRETCH, SCONCE_PERSONALITY_READ | SCONCE_PERSONALITY_WRITE},
    {BOOT_AT, STRETCH, SCONCE_PERSONALITY_READ},
    {HEAP_AT, HEAP_BYTES, SCONCE_PERSONALITY_READ | SCONCE_PERSONALITY_WRITE},
};

static void need(bool held)
{
    if (!held)
        abort();
}

static bool find_memory(void *ctx, uint64_t address, struct sconce_personality_span *ret)
{
    struct fixture *f = ctx;

    for (unsigned i = 0; i < FIXTURE_STRETCHES; i++) {
        uint64_t within = address - stretches[i].at;

        if (address < stretches[i].at || within >= stretches[i].bytes)
            continue;
        *ret = (struct sconce_personality_span){f->memory[i] + within, stretches[i].bytes - within,
                                                stretches[i].prot};
        return true;
    }
    return false;
}

static void zero(void *ctx, uint64_t address, uint64_t bytes)
{
    struct fixture *f = ctx;

    need(address >= HEAP_AT && bytes <= HEAP_BYTES && address - HEAP_AT <= HEAP_BYTES - bytes);
    memset(fixture_at(f, address), 0, bytes);
    f->zeroed += bytes;
}

static void copy(void *ctx, uint64_t to, uint64_t from, uint64_t bytes)
{
    struct fixture *f = ctx;

    need(to + bytes <= from || from + bytes <= to);
    need(to >= HEAP_AT && from >= HEAP_AT && bytes <= HEAP_BYTES);
    need(to - HEAP_AT <= HEAP_BYTES - bytes && from - HEAP_AT <= HEAP_BYTES - bytes);
    memcpy(fixture_at(f, to), fixture_at(f, from), bytes);
}

static bool stopped(void *ctx)
{
    struct fixture *f = ctx;

    return f->stopped;
}

static void output(void *ctx, uint32_t fd, const void *data, size_t bytes)
{
    struct fixture *f = ctx;
    uint64_t used, room;

    need(fd == 1 || fd == 2);
    used = f->output_bytes[fd];
    room = sizeof f->output[fd] - 1;
    if (used < room)
        memcpy(f->output[fd] + used, data, bytes < room - used ? bytes : (size_t)(room - used));
    f->output_bytes[fd] += bytes;
    if (bytes > f->largest_piece)
        f->largest_piece = bytes;
}

static int64_t input(void *ctx, void *data, size_t bytes)
{
    struct fixture *f = ctx;
    size_t length;

    if (f->input_lie)
        return f->input_lie;
    if (!f->input)
        return -1;
    length = strnlen(f->input, bytes);
    memcpy(data, f->input, length);
    f->input += length;
    return (int64_t)length;
}

static int set_tls(void *ctx, uint64_t tls, struct sconce_error *err)
{
    struct fixture *f = ctx;

    (void)err;
    f->tls = tls;
    return f->tls_result;
}

static const struct sconce_personality_ops ops = {
    .memory = find_memory,
    .zero = zero,
    .copy = copy,
    .stopped = stopped,
    .output = output,
    .input = input,
    .set_tls = set_tls,
};

static const char *name_of(uint64_t number)
{
    return sconce_personality_entry_name((size_t)number);
}

void fixture_open(struct fixture *f)
{
    *f = (struct fixture){.p = {.table = &f->table, .ops = &ops, .ctx = f}};
    for (unsigned i = 0; i < FIXTURE_STRETCHES; i++) {
        f->memory[i] = calloc(1, stretches[i].bytes);
        need(f->memory[i]);
    }
    f->p.settings = (struct sconce_personality_settings){
        .heap_addr = HEAP_AT, .heap_bytes = HEAP_BYTES, .stack_bytes = 65536, .page_bytes = PAGE};
    sconce_personality_resolve(&f->table, name_of);
    sconce_personality_state_init(&f->p.state, &f->p.settings);
}

void fixture_close(struct fixture *f)
{
    for (unsigned i = 0; i < FIXTURE_STRETCHES; i++)
        free(f->memory[i]);
    sconce_personality_state_fini(&f->p.state);
}

uint8_t *fixture_at(struct fixture *f, uint64_t address)
{
    struct sconce_personality_span span;

    return find_memory(f, address, &span) ? span.host : NULL;
}

uint64_t fixture_number(const char *name)
{
    uint64_t number = 0;

    while (name_of(number) && strcmp(name_of(number), name) != 0)
        number++;
    need(name_of(number));
    return number;
}

static int answer(struct fixture *f, const char *name, const uint64_t *args, size_t count,
                  int64_t *ret_result)
{
    uint64_t six[6] = {0};

    need(count <= 6);
    memcpy(six, args, count * sizeof *args);
    memset(&f->err, 0, sizeof f->err);
    return sconce_personality_call(&f->p, fixture_number(name), six, ret_result, &f->err);
}

int64_t fixture_call(struct fixture *f, const char *name, const uint64_t *args, size_t count)
{
    int64_t result = INT64_MIN;

    need(answer(f, name, args, count, &result) == 0);
    need(result != INT64_MIN);
    return result;
}

int fixture_ends(struct fixture *f, const char *name, const uint64_t *args, size_t count)
{
    int64_t result = INT64_MIN;
    int r = answer(f, name, args, count, &result);

    need(r == f->err.code && (r == 0) == (result != INT64_MIN));
    return r;
}

void fixture_put(struct fixture *f, uint64_t address, const void *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++)
        *fixture_at(f, address + i) = ((const uint8_t *)data)[i];
}

bool fixture_is(struct fixture *f, uint64_t address, uint8_t byte, size_t bytes)
{
    struct sconce_personality_span span;

    for (uint64_t end = address + bytes; address < end; address += span.bytes) {
        need(find_memory(f, address, &span));
        if (span.bytes > end - address)
            span.bytes = end - address;
        /* All of it equals its own rest, and begins with the byte. */
        if (*span.host != byte || memcmp(span.host, span.host + 1, span.bytes - 1) != 0)
            return false;
    }
    return true;
}
