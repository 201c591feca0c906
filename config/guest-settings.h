/* SPDX-License-Identifier: Apache-2.0 */
/* The texts of section [guest]: what a guest is to see of the host's time and randomness. */
#ifndef SCONCE_CONFIG_GUEST_SETTINGS_H
#define SCONCE_CONFIG_GUEST_SETTINGS_H

#include <stdint.h>

#define SCONCE_CONFIG_SEED_BYTES 32u

/* Each returns 0 or -EINVAL, and leaves its outputs alone on failure. */

/**
 * sconce_config_parse_clock - "host", "frozen", "frozen:SECONDS", "offset:SECONDS".
 * @ret_clock: SCONCE_CLOCK_HOST, _FROZEN or _OFFSET. SECONDS is decimal, with a sign or without.
 */
int sconce_config_parse_clock(const char *text, uint32_t *ret_clock, int64_t *ret_seconds);

/**
 * sconce_config_parse_random - "host", or "seed:HEX" of 1 to 64 digits; "seed:1" is "seed:10".
 * @ret_random: SCONCE_RANDOM_HOST or _SEED. @ret_seed: zeros behind the digits.
 */
int sconce_config_parse_random(const char *text, uint32_t *ret_random,
                               uint8_t ret_seed[SCONCE_CONFIG_SEED_BYTES]);

#endif
