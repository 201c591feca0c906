#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""tools/abi-layout finds each change that would break compiled plugins, and lets through what only
adds; and what is frozen is kept.

    test-abi-layout.py ROOT
"""

import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from tree import finish

ROOT = sys.argv[1]
TOOL = os.path.join(ROOT, "tools", "abi-layout")
API = os.path.join(ROOT, "plugin-api")
CHANGED = ["sconce-plugin.h", "sconce-plugin-define.h"]

OPS = re.compile(r"(?<=\nstruct sconce_plugin_ops \{\n)(.*?)(?=\n\};\n)", re.DOTALL)
PROBE = re.compile(r"    int32_t \(\*probe\)\([^;]*;\n")
CREATE = re.compile(r"    int32_t \(\*vm_create\)\([^;]*;\n")


def swap_callbacks(text):
    probe, create = PROBE.search(text)[0], CREATE.search(text)[0]
    return text.replace(create, "<1>").replace(probe, create).replace("<1>", probe)


def insert_callback(text):
    return PROBE.sub(lambda found: found[0] + "    int32_t (*test_of_layout)(void);\n", text)


def append_callback(text):
    return OPS.sub(lambda found: found[0] + "\n    int32_t (*test_of_layout)(void);", text)


def edit(old, new):
    def change(text):
        return text.replace(old, new)
    return change


# what is done to the header | a line that goes, "" when none may
CASES = [
    (swap_callbacks, "sconce_plugin_ops 24 probe"),
    (insert_callback, "sconce_plugin_ops 32 vm_create"),
    (edit("char text[320];", "char text[312];"), "sconce_plugin_error 16 text: char[320]"),
    (edit("uint32_t max_vms;", "int32_t max_vms;"), "sconce_probe 16 max_vms: uint32_t"),
    (edit("uint64_t object_offset;", ""), "sconce_mapping 24 object_offset"),
    (edit("uint8_t raw[128];", "uint8_t raw[160];"), "u.raw: uint8_t[128]"),
    (edit("SCONCE_FAULT_STEP 7u", "SCONCE_FAULT_STEP 17u"), "SCONCE_FAULT_STEP 7u"),
    (edit("void (*vm_destroy)(struct sconce_plugin_vm *vm)",
          "void (*vm_destroy)(struct sconce_plugin_vm *vm, uint32_t why)"), "40 vm_destroy"),
    (edit("#define SCONCE_ACCESS_EXEC 3u\n", ""), "SCONCE_ACCESS_EXEC"),
    (edit("(*sconce_plugin_entry_fn)(const", "(*sconce_plugin_entry_fn)(int, const"),
     "type sconce_plugin_entry_fn "),
    (edit("#define SCONCE_PLUGIN_DEFINE(id_, version_,", "#define SCONCE_PLUGIN_DEFINE(version_, id_,"),
     "macro SCONCE_PLUGIN_DEFINE "),
    (append_callback, ""),
    (edit("#define SCONCE_ACCESS_EXEC 3u\n",
          "#define SCONCE_ACCESS_EXEC 3u\n#define SCONCE_ACCESS_NEW 4u\n"), ""),
    (edit("    uint64_t reserved_bytes;\n", "    uint64_t reserved_bytes;\n    uint64_t more;\n"), ""),
    (edit("SCONCE_PLUGIN_ABI_MINOR ", "SCONCE_PLUGIN_ABI_MINOR 1"), ""),
]  # fmt: skip


def run(*arguments):
    return subprocess.run([TOOL, *arguments], capture_output=True, text=True, check=False)


def changed(folder, change):
    """A copy of the headers with a change to one of them. Is there any?"""
    found = False
    for path in glob.glob(os.path.join(API, "*.h")):
        shutil.copy(path, folder)
    for name in CHANGED:
        path = os.path.join(folder, name)
        with open(path, encoding="utf-8") as file:
            before = file.read()
        after = change(before) if not found else before
        with open(path, "w", encoding="utf-8") as file:
            file.write(after)
        found = found or before != after
    return found


def check(number, change, gone, kept, problems):
    with tempfile.TemporaryDirectory() as folder:
        if not changed(folder, change):
            problems.append("case %d changes nothing" % number)
        done = run(folder, "--keeps", kept)
    if done.returncode != (1 if gone else 0) or gone not in done.stdout:
        problems.append("case %d: status %d, %s%s" % (
            number, done.returncode, done.stdout, done.stderr))  # fmt: skip


def main():
    if not shutil.which("abidw"):
        print("skipped: there is no abidw (package abigail-tools)")
        sys.exit(77)
    problems = []
    with tempfile.NamedTemporaryFile("w", suffix=".layout") as file:
        file.write(run(API).stdout)
        file.flush()
        for number, (change, gone) in enumerate(CASES):
            check(number, change, gone, file.name, problems)
        with open(os.devnull, encoding="utf-8") as nothing:
            done = run(API, "--keeps", nothing.name)
            if done.returncode != 2 or "lists nothing" not in done.stderr:
                problems.append("a list of nothing is kept")
    frozen = glob.glob(os.path.join(API, "frozen", "*", "layout"))
    if not frozen:
        problems.append("nothing is frozen")
    for path in frozen:
        # Of today's headers, and of those that were frozen with it: nobody has touched them.
        for folder in (API, os.path.dirname(path)):
            done = run(folder, "--keeps", path)
            if done.returncode != 0:
                problems.append(done.stdout + done.stderr)
    finish("cases and frozen layouts", len(CASES) + len(frozen), problems)


if __name__ == "__main__":
    main()
