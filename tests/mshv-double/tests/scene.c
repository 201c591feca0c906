/* SPDX-License-Identifier: Apache-2.0 */
/* A process of its own, and what it says. */
#include "scene.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int scene_start(const char *scene, const char *variable, const char *value, char text[4096])
{
    int ends[2], status;
    ssize_t got;
    size_t used = 0;
    pid_t child;

    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    child = fork();
    if (child == 0) {
        setenv(variable, value, 1);
        dup2(ends[1], STDERR_FILENO);
        dup2(ends[1], STDOUT_FILENO);
        execl("/proc/self/exe", "scene", scene, (char *)NULL);
        _exit(3);
    }
    close(ends[1]);
    while ((got = read(ends[0], text + used, 4095 - used)) > 0)
        used += (size_t)got;
    text[used] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    return status;
}

int scene_play(const struct CMUnitTest *scenes, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(scenes[i].name, name) == 0)
            return _cmocka_run_group_tests(name, &scenes[i], 1, NULL, NULL);
    return 2;
}
