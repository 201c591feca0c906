#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header compiles alone; those that other people include do so as strict C11 and C++17.

    test-headers.py ROOT CC [CXX]

CC and CXX are commands with blanks between their words. The plugin API has no padding either: a
hole in a struct that crosses the ABI would be bytes that nobody checks.
"""

import functools
import os
import re
import shutil
import subprocess
import sys

from tree import finish, walk

# Included by another header, which they say themselves.
NOT_ALONE = {"guest-cxx.h", "guest-macros.h", "sconce-plugin-define.h", "sconce-plugin-layout.h"}

CONTRACT = ("include/", "plugin-api/", "guest-abi/")
FOLDERS = ("include", "plugin-api", "guest-abi", "common", "config", "core", "pool", "arch",
           "plugins", "guest", "cli", "bench")  # fmt: skip

WARNINGS = ["-Wall", "-Wextra", "-Wundef", "-Werror", "-fsyntax-only"]


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


@functools.cache
def target_of(*compiler):
    return subprocess.run(
        compiler + ("-dumpmachine",), capture_output=True, text=True, check=True
    ).stdout


def compiler_for(path, compilers):
    """By language, for the machine that the header is for: of a backend, its architecture's. Empty
    when there is none."""
    arch = re.match(r"plugins/[a-z]+-(\w+)/", path)
    if not arch or target_of(*compilers["c"]).startswith(arch.group(1) + "-"):
        return compilers
    cross = shutil.which(arch.group(1) + "-linux-gnu-gcc")
    return {"c": [cross]} if cross else {}


def has_headers(compiler, names):
    """Does the compiler find them? They are those of libraries that Sconce can do without."""
    source = "".join("#include <%s>\n" % name for name in names)
    command = compiler + ["-fsyntax-only", "-x", "c", "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=False).returncode == 0


def main():
    root = sys.argv[1]
    compilers = {"c": sys.argv[2].split()}
    if len(sys.argv) > 3 and sys.argv[3]:
        compilers["c++"] = sys.argv[3].split()
    else:
        print("note: no C++ compiler: C++17 is not checked")

    problems = []
    checked = 0
    folders = FOLDERS
    if has_headers(compilers["c"], ["jansson.h", "nettle/sha2.h", "zstd.h"]):
        folders += ("snapshot",)
    else:
        print("note: libraries of snapshot/ are missing: its headers are not checked")
    for path in walk(root, folders):
        if not path.endswith(".h") or os.path.basename(path) in NOT_ALONE or "/tests/" in path:
            continue
        able = compiler_for(path, compilers)
        if not able:
            print("note: no compiler for the machine of %s" % path)
        for language, flags in modes(path, compilers["c"]):
            if language not in able:
                continue
            # Twice: the guard must work. -include also keeps "pragma once in main file" quiet.
            command = able[language] + WARNINGS + flags
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
