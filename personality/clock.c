/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Time: the host's, the host's moved, or one that stands still. The clocks of processor time count
 * like the monotonic one: what the host's own process has used is no guest's business.
 */
#include <time.h>

#include "personality/trap.h"

#define BOOTTIME 7u /* Linux's clock numbers */
#define TAI 11u
#define NS_PER_US 1000
#define ZONE_BYTES 8u /* struct timezone */

/* struct timespec of a 64-bit guest. */
struct guest_time {
    int64_t seconds;
    int64_t fraction; /* ns; us in a timeval */
};

static bool is_clock(uint64_t id)
{
    return (uint32_t)id <= BOOTTIME || (uint32_t)id == TAI;
}

/* The time of day, which the offset moves: REALTIME, REALTIME_COARSE, TAI. */
static bool is_time_of_day(uint64_t id)
{
    return (uint32_t)id == 0 || (uint32_t)id == 5 || (uint32_t)id == TAI;
}

static struct guest_time now(const struct trap *trap, uint64_t id)
{
    const struct sconce_personality_settings *settings = &trap->p->settings;
    struct timespec host = {0};
    struct guest_time time;

    if (settings->clock == SCONCE_PERSONALITY_CLOCK_FROZEN)
        return (struct guest_time){settings->clock_seconds, 0};
    clock_gettime(is_time_of_day(id) ? CLOCK_REALTIME : CLOCK_MONOTONIC, &host);
    time = (struct guest_time){host.tv_sec, host.tv_nsec};
    if (settings->clock == SCONCE_PERSONALITY_CLOCK_OFFSET && is_time_of_day(id) &&
        __builtin_add_overflow(time.seconds, settings->clock_seconds, &time.seconds))
        time.seconds = settings->clock_seconds;
    return time;
}

int64_t trap_clock_gettime(struct trap *trap)
{
    struct guest_time time;

    if (!is_clock(trap->args[0]))
        return ERR_INVAL;
    time = now(trap, trap->args[0]);
    return trap_write(trap, trap->args[1], &time, sizeof time) ? 0 : ERR_FAULT;
}

int64_t trap_clock_getres(struct trap *trap)
{
    const struct guest_time resolution = {0, 1};

    if (!is_clock(trap->args[0]))
        return ERR_INVAL;
    if (trap->args[1] && !trap_write(trap, trap->args[1], &resolution, sizeof resolution))
        return ERR_FAULT;
    return 0;
}

int64_t trap_gettimeofday(struct trap *trap)
{
    struct guest_time time = now(trap, 0);

    time.fraction /= NS_PER_US;
    if (trap->args[1] && !trap_allows(trap, trap->args[1], ZONE_BYTES, SCONCE_PERSONALITY_WRITE))
        return ERR_FAULT; /* before anything is written */
    if (trap->args[0] && !trap_write(trap, trap->args[0], &time, sizeof time))
        return ERR_FAULT;
    if (trap->args[1] && !trap_clear(trap, trap->args[1], ZONE_BYTES))
        return ERR_FAULT;
    return 0;
}

int64_t trap_time(struct trap *trap)
{
    int64_t seconds = now(trap, 0).seconds;

    if (trap->args[0] && !trap_write(trap, trap->args[0], &seconds, sizeof seconds))
        return ERR_FAULT;
    return seconds;
}
