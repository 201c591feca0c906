#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Instructions that stand in the tree as numbers are those that the comments beside them say.

    test-insns.py ROOT

A line `0xd69f03e0, /* eret */` is assembled; #name for an immediate stands for 0. Exits 77 where
there is no assembler for aarch64.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

from tree import finish, read

FILES = [
    "arch/aarch64/supervisor.c",
    "plugins/shared/aarch64/trial.c",
    "tests/unit/test-arch-aarch64-fault.c",
]
AS = "aarch64-linux-gnu-as"
LINE = re.compile(r"^\s+0x([0-9a-f]{8}), /\* ([a-z][a-z0-9.]*(?: [^*]*)?) \*/$", re.MULTILINE)
HEAD = ".arch armv8.5-a+memtag\n"


def assemble(texts):
    """One word each; None for what the assembler does not know."""
    with tempfile.TemporaryDirectory() as folder:
        source, thing = os.path.join(folder, "a.s"), os.path.join(folder, "a.o")
        raw = os.path.join(folder, "a.bin")
        words = []
        for text in texts:
            with open(source, "w", encoding="utf-8") as file:
                file.write(HEAD + re.sub(r"#[a-z]\w*", "#0", text) + "\n")
            done = subprocess.run([AS, source, "-o", thing], stderr=subprocess.PIPE, check=False)
            if done.returncode != 0:
                words.append(None)
                continue
            copy = [AS[: -len("as")] + "objcopy", "-O", "binary", "-j", ".text", thing, raw]
            subprocess.run(copy, check=True)
            with open(raw, "rb") as file:
                words.append(int.from_bytes(file.read(4), "little"))
    return words


def main():
    root = sys.argv[1]
    if not shutil.which(AS):
        print("skipped: there is no %s" % AS)
        sys.exit(77)
    problems = []
    count = 0
    for path in FILES:
        found = LINE.findall(read(root, path))
        if not found:
            problems.append("%s: no instructions are found" % path)
        for (number, text), word in zip(found, assemble([text for _, text in found])):
            if word is None or word != int(number, 16):
                problems.append(
                    "%s: 0x%s is not %s, which is %s"
                    % (path, number, text, "nothing" if word is None else "0x%08x" % word)
                )
        count += len(found)
    finish("insns", count, problems)


if __name__ == "__main__":
    main()
