/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System calls, one at a time, by name: what they are answered with is for the host to judge. The
 * guest's own heap is not used beside them.
 */
#include <string.h>

#include <sconce/guest.h>

#include "system-calls.h"

#define NO_SUCH_NAME (-1000)

static const struct {
    const char *name;
    uint64_t number;
} calls[] = {SYSTEM_CALLS};

static uint64_t memory[8192];

/* What the system call gives; -1000 for a name that this guest does not know. */
SCONCE_EXPORT(int64_t, call,
              (sconce_str name, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e,
               uint64_t f))
{
    const uint64_t args[6] = {a, b, c, d, e, f};

    for (unsigned i = 0; i < sizeof calls / sizeof calls[0]; i++)
        if (strcmp(calls[i].name, name.data) == 0)
            return system_call(calls[i].number, args);
    return NO_SUCH_NAME;
}

/* 64 KiB that the guest may write. */
SCONCE_EXPORT(uint64_t, memory_address, (void))
{
    return (uint64_t)memory;
}

SCONCE_EXPORT(uint64_t, code_address, (void))
{
    return (uint64_t)(void *)code_address;
}

SCONCE_EXPORT(uint64_t, peek, (uint64_t address))
{
    return *(volatile uint64_t *)address;
}

SCONCE_EXPORT(void, poke, (uint64_t address, uint64_t value))
{
    *(volatile uint64_t *)address = value;
}

/* Of the boot page: 0 heap_addr, 1 heap_bytes, 2 stack_bytes, 3 in_addr, 4 args_addr, 5 its own
 * address, 6 arg_count, 7 env_count. */
SCONCE_EXPORT(uint64_t, boot_word, (uint32_t i))
{
    const struct sconce_boot *boot = sconce_boot();
    const uint64_t words[] = {
        boot->heap_addr, boot->heap_bytes, boot->stack_bytes, boot->in_addr,
        boot->args_addr, (uint64_t)boot,   boot->arg_count,   boot->env_count,
    };

    return i < sizeof words / sizeof words[0] ? words[i] : 0;
}

SCONCE_EXPORT(sconce_bytes, boot_seed, (void))
{
    return (sconce_bytes){sconce_boot()->seed, sizeof sconce_boot()->seed};
}

/* Arguments and environment as they stand in memory, each string with its NUL. */
SCONCE_EXPORT(sconce_bytes, boot_args, (void))
{
    return (sconce_bytes){(const void *)sconce_boot()->args_addr, sconce_boot()->args_bytes};
}

SCONCE_EXPORT(sconce_bytes, boot_env, (void))
{
    return (sconce_bytes){(const void *)sconce_boot()->env_addr, sconce_boot()->env_bytes};
}

/* As the architecture does it: what setting it gave, then the word at the thread pointer. */
SCONCE_EXPORT(int64_t, set_tls, (uint64_t address))
{
    return set_thread_pointer(address);
}

SCONCE_EXPORT(uint64_t, tls_word, (void))
{
    return thread_word();
}
