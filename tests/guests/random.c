/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must differ between copies of one snapshot. All calls succeed.
 */
#include <sconce/guest.h>

extern uintptr_t __stack_chk_guard;

/* 32 bytes; others after a restore, and in every other sandbox. */
SCONCE_EXPORT(sconce_bytes, seed, (void))
{
    return (sconce_bytes){sconce_boot()->seed, sizeof sconce_boot()->seed};
}

/* 0 in a new sandbox; another value after each restore. */
SCONCE_EXPORT(uint64_t, generation, (void))
{
    return sconce_boot()->generation;
}

/* The stack guard: made from the seed at start and after a restore; its lowest byte is 0. */
SCONCE_EXPORT(uint64_t, stack_guard, (void))
{
    return __stack_chk_guard;
}

/* The whole struct sconce_boot. */
SCONCE_EXPORT(sconce_bytes, boot_page, (void))
{
    return (sconce_bytes){sconce_boot(), sizeof *sconce_boot()};
}
