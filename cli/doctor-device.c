/* SPDX-License-Identifier: Apache-2.0 */
#include "doctor-device.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void hint_missing(const char *path, char *hint, size_t bytes)
{
    if (strcmp(path, "/dev/kvm") == 0)
        snprintf(hint, bytes,
                 "switch on virtualization in the firmware (in a virtual machine: nested "
                 "virtualization; in a container: hand the device in); on x86, then load kvm_intel "
                 "or kvm_amd with modprobe");
    else if (strcmp(path, "/dev/mshv") == 0)
        snprintf(hint, bytes,
                 "run Linux 6.15 or later as the root partition of Hyper-V, with CONFIG_MSHV_ROOT "
                 "(modprobe mshv_root); elsewhere it is not needed");
    else
        snprintf(hint, bytes, "load the kernel's driver for it, or leave its backend out");
}

static void hint_access(const char *path, const struct stat *st, char *hint, size_t bytes)
{
    const struct group *group = getgrgid(st->st_gid);

    if ((st->st_mode & 0060) == 0060 && group && st->st_gid != 0)
        snprintf(hint, bytes, "sudo usermod -aG %s $USER, then log in again", group->gr_name);
    else
        snprintf(hint, bytes, "let your user read and write it: sudo setfacl -m u:$USER:rw %s",
                 path);
}

bool device_check(const char *path, char *text, size_t text_bytes, char *hint, size_t hint_bytes)
{
    struct stat st;
    int fd;

    *hint = '\0';
    if (stat(path, &st) != 0) {
        snprintf(text, text_bytes, "%s", errno == ENOENT ? "is not there" : strerror(errno));
        hint_missing(path, hint, hint_bytes);
        return false;
    }
    if (!S_ISCHR(st.st_mode)) {
        snprintf(text, text_bytes, "is no device");
        return false;
    }
    fd = open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        snprintf(text, text_bytes, "cannot be opened: %s", strerror(errno));
        if (errno == EACCES || errno == EPERM)
            hint_access(path, &st, hint, hint_bytes);
        else
            hint_missing(path, hint, hint_bytes);
        return false;
    }
    close(fd);
    snprintf(text, text_bytes, "can be opened for reading and writing");
    return true;
}

bool device_next(const char **list, char *path, size_t path_bytes)
{
    while (**list) {
        size_t length = strcspn(*list, " ,;\t");
        const char *word = *list;

        *list += length + strspn(*list + length, " ,;\t");
        if (*word != '/' || length >= path_bytes)
            continue;
        memcpy(path, word, length);
        path[length] = '\0';
        return true;
    }
    return false;
}
