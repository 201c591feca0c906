#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone; those that other people include do so as strict C11 and C++17.

    test-headers.py ROOT CC [CXX]

CC and CXX are commands with blanks between their words. The plugin API has no padding either: a
hole in a struct that crosses the ABI would be bytes that nobody checks.
"""

import os
import re
import subprocess
import sys

from tree import finish, walk

# Included by another header, which they say themselves.
NOT_ALONE = {
    "guest/include/sconce/guest-macros.h",
    "plugin-api/sconce-plugin-define.h",
    "plugin-api/sconce-plugin-layout.h",
}

CONTRACT = ("include/", "plugin-api/", "guest-abi/")
FOLDERS = ("include", "plugin-api", "guest-abi", "common", "config", "core", "arch", "plugins",
           "guest", "cli", "bench")  # fmt: skip

WARNINGS = ["-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only"]


# plugins/MECHANISM-ARCH/: may include what the kernel has for that architecture alone.
BACKEND = re.compile(r"plugins/\w+-(\w+)/")


def is_elsewhere(path, machine):
    """Is it of a backend for another architecture than @machine, the compiler's?"""
    backend = BACKEND.match(path)
    return bool(backend) and backend[1] != machine


def modes(path, compiler):
    """The ways in which @path must compile: (language, flags)."""
    if path.startswith("guest/"):
        # As sconce-cc has it: the compiler's own headers and the SDK's, and no others.
        builtin = subprocess.run(
            compiler + ["-print-file-name=include"], capture_output=True, text=True, check=True
        ).stdout.strip()
        yield "c", ["-std=gnu11", "-ffreestanding", "-nostdinc", "-isystem", "guest/include",
                    "-isystem", "guest/include/libc", "-isystem", "guest-abi", "-isystem", builtin,
                    "-I."]  # fmt: skip
        return
    include = ["-Iinclude", "-Iplugin-api", "-Iguest-abi", "-I."]
    if path.startswith(CONTRACT):
        yield "c", ["-std=c11", "-pedantic", "-Wconversion"] + include
        yield "c++", ["-std=c++17", "-pedantic"] + include
    else:
        yield "c", ["-std=gnu11", "-D_GNU_SOURCE"] + include
    if path.startswith("plugin-api/"):
        yield "c", ["-std=c11", "-pedantic", "-Wpadded"] + include


def main():
    root = sys.argv[1]
    compilers = {"c": sys.argv[2].split()}
    if len(sys.argv) > 3 and sys.argv[3]:
        compilers["c++"] = sys.argv[3].split()
    else:
        print("note: no C++ compiler: C++17 is not checked")

    target = subprocess.run(
        compilers["c"] + ["-dumpmachine"], capture_output=True, text=True, check=True
    ).stdout
    problems = []
    checked = 0
    for path in walk(root, FOLDERS):
        if not path.endswith(".h") or path in NOT_ALONE or "/tests/" in path:
            continue
        if is_elsewhere(path, target.partition("-")[0]):
            continue
        for language, flags in modes(path, compilers["c"]):
            if language not in compilers:
                continue
            # Twice: the guard must work. -include also keeps "pragma once in main file" quiet.
            command = compilers[language] + WARNINGS + flags
            command += ["-x", language, "-include", path, "-include", path, os.devnull]
            done = subprocess.run(
                command, cwd=root, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
            )
            checked += 1
            if done.returncode != 0:
                first = "\n".join(done.stderr.splitlines()[:8])
                problems.append("%s: %s\n%s" % (path, " ".join(flags), first))
    finish("headers", checked, problems)


if __name__ == "__main__":
    main()
