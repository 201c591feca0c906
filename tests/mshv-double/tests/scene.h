/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Settings are read when a process starts: a test starts its own program once more, with a setting,
 * to play one scene.
 */
#ifndef MSHV_SCENE_H
#define MSHV_SCENE_H

#include "client.h"

/** scene_start - how the scene's process ended, as waitpid(2) has it, and what it has written. */
int scene_start(const char *scene, const char *variable, const char *value, char text[4096]);

/** scene_play - in that process: its exit status. */
int scene_play(const struct CMUnitTest *scenes, size_t count, const char *name);
#define SCENE_PLAY(scenes, name) scene_play(scenes, sizeof(scenes) / sizeof(scenes)[0], name)

#endif
